"""CSMSC (DataBaker's BZNSYP): 10,000 Mandarin sentences of one woman, 48 kHz, for vocoders (24 kHz).

Wave/000001.wav, and ProsodyLabeling/000001-010000.txt with two lines a recording, "000001<tab>characters with breaks
#1 to #4" and its syllables. The last 100 recordings are tested and the 100 before them are for development, as in
ParallelWaveGAN's recipe. As there, silence at both ends is cut off by PhoneLabeling/000001.interval.
"""

import argparse
import re
from pathlib import Path

from nrsr.corpora.datadirs import Prepared
from nrsr.corpora.files import left_out, names_in, unusual_count
from nrsr.corpora.last_ones import divide
from nrsr.corpora.phone_labels import cut_silence, praat_span
from nrsr.corpora.recordings import Recording, add_rate, write_recordings
from nrsr.errors import NrsrError
from nrsr.kaldi.lists import read_lines

OFFICIAL = 10000
DEV = TEST = 100
NAME = re.compile(r"\d{6}\.wav")
SENTENCE = re.compile(r"(\d{6})\s+(\S.*)")
BREAK = re.compile(r"#\d|[^\w]")  # of prosody, and punctuation
CURE = "unpack BZNSYP.rar of DataBaker anew and give the folder that holds Wave/ as --corpus-dir"


class CsmscError(NrsrError):
    """Folders, sentences or recordings of the corpus are missing."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The corpus folder and the rate."""
    parser.add_argument("--corpus-dir", required=True, help="the folder that holds Wave/ and ProsodyLabeling/")
    parser.add_argument("--out", required=True, help="folder for the data directories")
    add_rate(parser, 24000)


def prepare(corpus_dir: str | Path, out: str | Path, rate: int = 24000) -> Prepared:
    """Write OUT/{train,dev,test}; text holds the characters, without spaces between words.

    Raises:
        CsmscError: recordings of the sentences are missing, or sentences of recordings; counted, the first one named.
        RecordingsError, LabelError: recordings or labels that cannot be read.
    """
    if problems := check(corpus_dir):
        raise CsmscError(problems[0])
    waves, sentences = Path(corpus_dir) / "Wave", transcript_of(corpus_dir)
    words = read_sentences(sentences)
    files = names_in(waves)
    present = [name for name in files if NAME.fullmatch(name)]
    if absent := sorted(set(words) - {name[:-4] for name in present}):
        raise CsmscError(
            f"{waves}: {len(absent)} of {len(words)} recordings are missing, first {absent[0]}.wav; {CURE}"
        )
    if unknown := [name for name in present if name[:-4] not in words]:
        raise CsmscError(f"{sentences}: no sentence of {len(unknown)} recordings, first {unknown[0]}; {CURE}")
    done = Prepared(table=[f"CSMSC, {rate} Hz"])
    recordings = [
        Recording(f"csmsc-{name[:-4]}", "csmsc", words[name[:-4]], waves / name, gender="f") for name in present
    ]
    recordings = cut_silence(recordings, Path(corpus_dir) / "PhoneLabeling", ".interval", praat_span, done)
    for name, members in divide(recordings, DEV, TEST, CURE).items():
        write_recordings(Path(out) / name, members, rate, done, CURE)
    done.notes += unusual_count(waves, len(present), OFFICIAL) + left_out(waves, set(files) - set(present))
    return done


def check(corpus_dir: str | Path) -> list[str]:
    """What is wrong with the folder, a line each; looks at names alone."""
    waves, sentences = Path(corpus_dir) / "Wave", transcript_of(corpus_dir)
    problems = [] if waves.is_dir() else [f"{waves}: no such folder; {CURE}"]
    return problems if sentences.is_file() else [*problems, f"{sentences}: no such file; {CURE}"]


def transcript_of(corpus_dir: str | Path) -> Path:
    """The file of sentences."""
    return Path(corpus_dir) / "ProsodyLabeling" / "000001-010000.txt"


def read_sentences(path: Path) -> dict[str, str]:
    """Recording -> its characters; lines of syllables are passed over.

    Raises:
        CsmscError: no sentences.
    """
    matches = [match for _, line in read_lines(path) if (match := SENTENCE.fullmatch(line.rstrip()))]
    if not matches:
        raise CsmscError(f"{path}: no lines of the form '000001<tab>sentence'; {CURE}")
    return {match[1]: BREAK.sub("", match[2]) for match in matches}
