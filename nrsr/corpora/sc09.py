"""SC09: the spoken digits of Google's Speech Commands (Warden 2018), one word in at most a second, 16 kHz.

{zero,one,...,nine}/{speaker}_nohash_{take}.wav; validation_list.txt and testing_list.txt name the development and test
recordings, all others train, and no speaker is in two sets. What audio GANs are trained on is version 0.01, with
18,620 training recordings. Recordings keep their lengths: data sets cut or pad them.
"""

import argparse
import re
from pathlib import Path

from nrsr.corpora.datadirs import Prepared
from nrsr.corpora.digits import DIGITS
from nrsr.corpora.files import left_out, names_in
from nrsr.corpora.recordings import Recording, add_rate, write_recordings
from nrsr.errors import NrsrError
from nrsr.kaldi.lists import read_lines
from nrsr.listing import shown

OFFICIAL = 18620  # training recordings of version 0.01
LISTS = {"dev": "validation_list.txt", "test": "testing_list.txt"}
NAME = re.compile(r"([0-9a-f]+)_nohash_(\d+)\.wav")
CURE = "unpack speech_commands_v0.01.tar.gz anew into a folder and give that as --corpus-dir"


class Sc09Error(NrsrError):
    """Recordings or lists of the corpus are missing."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The corpus folder and the rate."""
    parser.add_argument("--corpus-dir", required=True, help="Speech Commands, the folder that holds zero/ to nine/")
    parser.add_argument("--out", required=True, help="folder for the data directories")
    add_rate(parser, 16000)


def prepare(corpus_dir: str | Path, out: str | Path, rate: int = 16000) -> Prepared:
    """Write OUT/{train,dev,test}; text holds the digit's word.

    Raises:
        Sc09Error: folders, lists or listed recordings are missing; counted, the first one named.
        RecordingsError: recordings that cannot be read.
    """
    if problems := check(corpus_dir):
        raise Sc09Error(problems[0])
    corpus_dir = Path(corpus_dir)
    done = Prepared(table=[f"SC09, {rate} Hz"])
    files = {f"{word}/{name}" for word in DIGITS for name in names_in(corpus_dir / word)}
    present = {file for file in files if NAME.fullmatch(file.partition("/")[2])}
    sets = {name: read_set(corpus_dir / file, present) for name, file in LISTS.items()}
    sets["train"] = present - sets["dev"] - sets["test"]
    for name in ("train", "dev", "test"):
        recordings = [recording_of(corpus_dir / file) for file in sets[name]]
        write_recordings(Path(out) / name, recordings, rate, done, CURE)
    done.notes += notes_on(corpus_dir, sets)
    done.notes += left_out(corpus_dir, files - present)
    return done


def check(corpus_dir: str | Path) -> list[str]:
    """What is wrong with the folder, a line each; looks at names alone."""
    corpus_dir = Path(corpus_dir)
    problems = [f"{corpus_dir / word}: no such folder; {CURE}" for word in DIGITS if not (corpus_dir / word).is_dir()]
    return problems + [
        f"{corpus_dir / file}: no such file; {CURE}" for file in LISTS.values() if not (corpus_dir / file).is_file()
    ]


def read_set(file: Path, present: set[str]) -> set[str]:
    """The digits that a list names, as WORD/FILE; other words are passed over.

    Raises:
        Sc09Error: listed recordings are missing; counted, the first one named.
    """
    listed = {line.strip() for _, line in read_lines(file)}
    members = {name for name in listed if name.partition("/")[0] in DIGITS}
    if absent := sorted(members - present):
        raise Sc09Error(f"{file}: {len(absent)} recordings that it names are missing, first {absent[0]}; {CURE}")
    return members


def recording_of(path: Path) -> Recording:
    """What the path of a file says."""
    speaker, take = NAME.fullmatch(path.name).groups()
    word = path.parent.name
    return Recording(f"{speaker}-{word}-{take}", speaker, word, path)


def notes_on(corpus_dir: Path, sets: dict[str, set[str]]) -> list[str]:
    """Remarks on another number of recordings than the usual one, and on speakers in two sets."""
    lines = []
    if len(sets["train"]) != OFFICIAL:
        lines.append(
            f"{corpus_dir}: {len(sets['train'])} training recordings; version 0.01 of the corpus has {OFFICIAL}"
        )
    voices = {name: {file.partition("/")[2].partition("_")[0] for file in files} for name, files in sets.items()}
    for first, second in (("train", "dev"), ("train", "test"), ("dev", "test")):
        if both := sorted(voices[first] & voices[second]):
            lines.append(f"{corpus_dir}: {len(both)} speakers are in {first} and {second}: {shown(both)}")
    return lines
