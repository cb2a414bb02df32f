"""VCTK: 109 or 110 speakers of English read newspapers, 48 kHz, for vocoders (24 kHz).

Version 0.92: wav48_silence_trimmed/p225/p225_001_mic1.flac; before: wav48/p225/p225_001.wav; words in
txt/p225/p225_001.txt. Of each speaker's sorted recordings the last 10 are tested and the 10 before them are for
development, as in ParallelWaveGAN's recipe; speakers are in all sets. As there, p315, whose texts were lost, is left
out, and the older recordings lose the silence at their ends by the labels of
github.com/kan-bayashi/VCTKCorpusFullContextLabel, where they are copied to lab/mono/p225/p225_001.lab; recordings
without a label are left out then.
"""

import argparse
import re
from pathlib import Path

from nrsr.corpora.datadirs import Prepared
from nrsr.corpora.files import names_in
from nrsr.corpora.last_ones import divide
from nrsr.corpora.phone_labels import cut_silence, hts_span
from nrsr.corpora.recordings import Recording, add_rate, write_recordings
from nrsr.corpora.words import plain_words
from nrsr.errors import NrsrError
from nrsr.kaldi.lists import read_lines
from nrsr.listing import shown

DEV = TEST = 10  # of each speaker
SPEAKER = re.compile(r"[ps]\d+")
CURE = "unpack VCTK-Corpus-0.92.zip or VCTK-Corpus.tar.gz anew and give the folder that holds txt/ as --corpus-dir"


class VctkError(NrsrError):
    """Folders of the corpus are missing, or hold no recordings."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The corpus folder, the rate, and the microphone."""
    parser.add_argument("--corpus-dir", required=True, help="the folder that holds txt/ and the recordings")
    parser.add_argument("--out", required=True, help="folder for the data directories")
    add_rate(parser, 24000)
    parser.add_argument("--microphone", type=int, choices=(1, 2), default=1, help="of version 0.92 (%(default)s)")


def prepare(corpus_dir: str | Path, out: str | Path, rate: int = 24000, microphone: int = 1) -> Prepared:
    """Write OUT/{train,dev,test}.

    Raises:
        VctkError: folders are missing, or no recordings are there.
        RecordingsError, LabelError, TooFewError: recordings or labels that cannot be read, a speaker with too few.
    """
    if problems := check(corpus_dir):
        raise VctkError(problems[0])
    corpus_dir = Path(corpus_dir)
    waves = folder_of_recordings(corpus_dir)
    done = Prepared(table=[f"VCTK, {waves.name}, {rate} Hz"])
    end = f"_mic{microphone}.flac" if waves.name != "wav48" else ".wav"
    sets: dict[str, list[Recording]] = {"train": [], "dev": [], "test": []}
    for speaker in names_in(waves):
        if not SPEAKER.fullmatch(speaker):
            continue
        recordings = read_speaker(corpus_dir, waves / speaker, end, done)
        if recordings:
            for name, members in divide(recordings, DEV, TEST, f"of speaker {speaker}; {CURE}").items():
                sets[name] += members
    if waves.name == "wav48" and not (corpus_dir / "lab").is_dir():
        done.notes.append(f"{corpus_dir / 'lab'}: no such folder, so that recordings keep the silence at their ends")
    if not sets["train"]:
        raise VctkError(f"{waves}: no recordings SPEAKER/SPEAKER_NUMBER{end} with their texts; {CURE}")
    for name, members in sets.items():
        write_recordings(Path(out) / name, members, rate, done, CURE)
    return done


def check(corpus_dir: str | Path) -> list[str]:
    """What is wrong with the folder, a line each; looks at names alone."""
    problems = []
    if folder_of_recordings(Path(corpus_dir)) is None:
        problems.append(f"{corpus_dir}: neither wav48_silence_trimmed nor wav48 is there; {CURE}")
    if not (Path(corpus_dir) / "txt").is_dir():
        problems.append(f"{Path(corpus_dir) / 'txt'}: no such folder; {CURE}")
    return problems


def folder_of_recordings(corpus_dir: Path) -> Path | None:
    """The folder of the version that is there; the newer one of both."""
    folders = [corpus_dir / name for name in ("wav48_silence_trimmed", "wav48")]
    return next((folder for folder in folders if folder.is_dir()), None)


def read_speaker(corpus_dir: Path, folder: Path, end: str, done: Prepared) -> list[Recording]:
    """The recordings of a speaker that have words, in the order of their names; adds remarks on the others."""
    speaker = folder.name
    name = re.compile(rf"({speaker}_\d+){re.escape(end)}")
    matches = [match for file in names_in(folder) if (match := name.fullmatch(file))]
    texts = {match[1]: corpus_dir / "txt" / speaker / f"{match[1]}.txt" for match in matches}
    labels = corpus_dir / "lab" / "mono" / speaker
    trims = end == ".wav" and (corpus_dir / "lab").is_dir()
    recordings, left_out = [], []
    for match in matches:
        if texts[match[1]].is_file() and (not trims or (labels / f"{match[1]}.lab").is_file()):
            words = plain_words(" ".join(line for _, line in read_lines(texts[match[1]])))
            recordings.append(Recording(match[1], speaker, words, folder / match[0]))
        else:
            left_out.append(match[0])
    if not matches:
        done.notes.append(f"{folder}: no recordings {speaker}_NUMBER{end}; the speaker is left out")
    elif left_out:
        what = "text or label" if trims else "text"
        done.notes.append(f"{folder}: {len(left_out)} recordings without {what} are left out: {shown(left_out)}")
    return cut_silence(recordings, labels, ".lab", hts_span, done) if trims and recordings else recordings
