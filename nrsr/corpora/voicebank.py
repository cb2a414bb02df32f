"""VoiceBank+DEMAND (Valentini-Botinhao et al. 2016): read sentences in noise, each beside its clean recording.

{clean,noisy}_trainset_28spk_wav and {clean,noisy}_testset_wav at 48 kHz, with the same names in clean and noisy; for
words trainset_28spk_txt and testset_txt, for noises log_trainset_28spk.txt and log_testset.txt (lines "p226_001
cafeteria 10"), the logs also in logfiles/. 11,572 recordings of 28 speakers train, 824 of p232 and p257 are tested.
The corpus has no development set; as in MetricGAN-U and most work since, p226 and p287 (770 recordings) are held out of
training for it. --speakers 56 takes the larger training set, whose development speakers must be named.
"""

import argparse
import re
from dataclasses import replace
from pathlib import Path

from nrsr.arguments import names
from nrsr.corpora.datadirs import Prepared
from nrsr.corpora.files import left_out, names_in, unusual_count
from nrsr.corpora.recordings import Recording, add_rate, write_recordings
from nrsr.corpora.words import plain_words
from nrsr.errors import NrsrError
from nrsr.kaldi.audio import AudioError, audio_info
from nrsr.kaldi.lists import read_lines, read_list
from nrsr.listing import shown
from nrsr.progress import track

OFFICIAL = {"train": 10802, "dev": 770, "test": 824}  # recordings, of the 28 speakers
DEV_SPEAKERS = ("p226", "p287")
NAME = re.compile(r"p\d{3}_\d{3}\.wav")
LOG_LINE = re.compile(r"(\S+)\s+(\S+)\s+(-?\d+(?:\.\d+)?)")
CURE = "unpack the archives of https://datashare.ed.ac.uk/handle/10283/2791 into one folder and give it as --corpus-dir"


class VoicebankError(NrsrError):
    """The corpus lacks files, or clean and noisy recordings do not belong together."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The corpus folder, the rate, which training set, and who is held out of it."""
    parser.add_argument("--corpus-dir", required=True, help="the folder that holds clean_trainset_28spk_wav/")
    parser.add_argument("--out", required=True, help="folder for the data directories")
    add_rate(parser, 16000)
    parser.add_argument("--speakers", type=int, choices=(28, 56), default=28, help="of the training set (%(default)s)")
    parser.add_argument("--dev-speakers", type=names, help="held out of training for development (p226,p287)")


def prepare(
    corpus_dir: str | Path,
    out: str | Path,
    rate: int = 16000,
    speakers: int = 28,
    dev_speakers: list[str] | None = None,
) -> Prepared:
    """Write OUT/{train,dev,test}, noisy with spk1.scp, utt2noise and utt2snr, and OUT/{train,dev,test}_clean.

    Raises:
        VoicebankError: missing files, partners of another length or rate; counted, the first one named.
        RecordingsError: recordings that cannot be read.
        ListError: a text or log that cannot be read.
    """
    if problems := missing_folders(Path(corpus_dir), speakers):
        raise VoicebankError(problems[0])
    if dev_speakers is None:
        if speakers != 28:
            raise VoicebankError("the set of 56 speakers has no customary development set; name --dev-speakers of it")
        dev_speakers = list(DEV_SPEAKERS)
    corpus_dir, out = Path(corpus_dir), Path(out)
    done = Prepared(table=[f"VoiceBank+DEMAND, {speakers} speakers, {rate} Hz"])
    training = read_part(corpus_dir, f"trainset_{speakers}spk", done)
    voices = {recording.speaker for recording in training}
    if unknown := sorted(set(dev_speakers) - voices):
        raise VoicebankError(f"{' '.join(unknown)}: to be held out, but without recordings for training; {CURE}")
    if voices <= set(dev_speakers):
        raise VoicebankError("--dev-speakers leaves nobody to train on; name fewer")
    sets = {
        "train": [recording for recording in training if recording.speaker not in dev_speakers],
        "dev": [recording for recording in training if recording.speaker in dev_speakers],
        "test": read_part(corpus_dir, "testset", done),
    }
    if twice := sorted(voices & {recording.speaker for recording in sets["test"]}):
        raise VoicebankError(f"{' '.join(twice)}: speakers of the test set among the training recordings; {CURE}")
    for name, recordings in sets.items():
        write_pairs(out / name, recordings, rate, done)
        if speakers == 28 and tuple(dev_speakers) == DEV_SPEAKERS:
            done.notes += unusual_count(name, len(recordings), OFFICIAL[name])
    return done


def check(corpus_dir: str | Path) -> list[str]:
    """What is wrong with the folder, a line each; looks at names alone, and for the 28 speakers."""
    return missing_folders(Path(corpus_dir), 28)


def missing_folders(corpus_dir: Path, speakers: int) -> list[str]:
    """Folders of recordings that are not there, a line each with the cure."""
    folders = [corpus_dir / f"{kind}_{part}_wav" for part in (f"trainset_{speakers}spk", "testset")
               for kind in ("clean", "noisy")]  # fmt: skip
    return [f"{folder}: no such folder; {CURE}" for folder in folders if not folder.is_dir()]


def read_part(corpus_dir: Path, part: str, done: Prepared) -> list[Recording]:
    """The noisy recordings of a part (testset), with words, utt2noise and utt2snr where the corpus says them.

    Raises:
        VoicebankError: recordings without partner, or without text where others have one; counted, the first one named.
    """
    clean, noisy = (corpus_dir / f"{kind}_{part}_wav" for kind in ("clean", "noisy"))
    present = {folder: {name for name in names_in(folder) if NAME.fullmatch(name)} for folder in (clean, noisy)}
    for folder, partner in ((clean, noisy), (noisy, clean)):
        if alone := sorted(present[folder] - present[partner]):
            raise VoicebankError(f"{partner}: {len(alone)} recordings are missing, first {alone[0]}; {CURE}")
        done.notes += left_out(folder, set(names_in(folder)) - present[folder])
    utterances = sorted(name.removesuffix(".wav") for name in present[noisy])
    texts = read_texts(corpus_dir / f"{part}_txt", utterances, done)
    noises = read_log(corpus_dir, part, utterances, done)
    return [
        Recording(name, name.partition("_")[0], texts.get(name), noisy / f"{name}.wav", labels=noises.get(name, {}))
        for name in utterances
    ]


def read_texts(folder: Path, utterances: list[str], done: Prepared) -> dict[str, str]:
    """Utterance -> its words; empty, with a remark, where the folder of texts is not there.

    Raises:
        VoicebankError: texts are missing or hold no word; counted, the first one named.
    """
    if not folder.is_dir():
        done.notes.append(f"{folder}: no such folder, so that there is no text; recognisers need it")
        return {}
    texts, problems = {}, []
    for name in utterances:
        file = folder / f"{name}.txt"
        texts[name] = plain_words(" ".join(line for _, line in read_lines(file))) if file.is_file() else ""
        if not texts[name]:
            problems.append(file.name)
    if problems:
        raise VoicebankError(f"{folder}: no words of {len(problems)} recordings, first {problems[0]}; {CURE}")
    return texts


def read_log(corpus_dir: Path, part: str, utterances: list[str], done: Prepared) -> dict[str, dict[str, str]]:
    """Utterance -> its noise and SNR in dB, as lists name them; `done` gets a remark on what the log lacks.

    Raises:
        VoicebankError: a line that is none of "NAME NOISE SNR".
    """
    log = next((place / f"log_{part}.txt" for place in (corpus_dir, corpus_dir / "logfiles")
                if (place / f"log_{part}.txt").is_file()), None)  # fmt: skip
    if log is None:
        done.notes.append(f"{corpus_dir / f'log_{part}.txt'}: no such file, so that noises and SNRs are unknown")
        return {}
    noises = {}
    for number, line in read_lines(log):
        if not line.strip():
            continue
        match = LOG_LINE.fullmatch(line.strip())
        if match is None:
            raise VoicebankError(f"{log}:{number}: expected NAME NOISE SNR, found {line.strip()!r}; {CURE}")
        noises[match[1]] = {"utt2noise": match[2], "utt2snr": match[3]}
    if unknown := [name for name in utterances if name not in noises]:
        done.notes.append(f"{log}: no line on {len(unknown)} recordings: {shown(unknown)}")
    return noises


def write_pairs(folder: Path, noisy: list[Recording], rate: int, done: Prepared) -> None:
    """Write FOLDER_clean, and FOLDER with the clean recordings as spk1.scp.

    Raises:
        VoicebankError: partners of another length or rate; counted, the first one named.
    """
    problems = []
    for recording in track(noisy, f"comparing clean and noisy of {folder.name}"):
        try:
            have, wanted = audio_info(clean_of(recording.path)), audio_info(recording.path)
        except AudioError:
            continue  # named with all that cannot be read
        if have != wanted:
            problems.append(
                f"{clean_of(recording.path)}: {have[0]} samples at {have[1]} Hz beside {wanted[0]} noisy ones at "
                f"{wanted[1]} Hz"
            )
    if problems:
        raise VoicebankError(f"{len(problems)} pairs do not fit, first {problems[0]}; {CURE}")
    clean = [replace(recording, path=clean_of(recording.path), labels={}) for recording in noisy]
    clean_folder = folder.with_name(f"{folder.name}_clean")
    write_recordings(clean_folder, clean, rate, done, CURE)
    places = read_list(clean_folder / "wav.scp")
    noisy = [replace(recording, labels={**recording.labels, "spk1.scp": places[recording.id]}) for recording in noisy]
    write_recordings(folder, noisy, rate, done, CURE)


def clean_of(path: Path) -> Path:
    """The clean partner of a noisy recording."""
    return path.parent.with_name(path.parent.name.replace("noisy_", "clean_", 1)) / path.name
