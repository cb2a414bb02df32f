"""LJSpeech 1.1: 13,100 sentences of one woman who reads books, 22,050 Hz, for vocoders.

wavs/LJ001-0001.wav, and metadata.csv with lines "LJ001-0001|as printed|as spoken". Of the sorted recordings the last
250 are tested and the 250 before them are for development, as in ParallelWaveGAN's recipe.
"""

import argparse
import re
from pathlib import Path

from nrsr.corpora.datadirs import Prepared
from nrsr.corpora.files import left_out, names_in, unusual_count
from nrsr.corpora.last_ones import divide
from nrsr.corpora.recordings import Recording, add_rate, write_recordings
from nrsr.corpora.words import plain_words
from nrsr.errors import NrsrError
from nrsr.kaldi.lists import read_lines

OFFICIAL = 13100
DEV = TEST = 250
NAME = re.compile(r"LJ\d{3}-\d{4}\.wav")
CURE = "unpack LJSpeech-1.1.tar.bz2 anew and give the folder that holds wavs/ as --corpus-dir"


class LjspeechError(NrsrError):
    """Recordings or words of the corpus are missing."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The corpus folder and the rate."""
    parser.add_argument("--corpus-dir", required=True, help="LJSpeech-1.1, the folder that holds wavs/")
    parser.add_argument("--out", required=True, help="folder for the data directories")
    add_rate(parser, 22050)


def prepare(corpus_dir: str | Path, out: str | Path, rate: int = 22050) -> Prepared:
    """Write OUT/{train,dev,test}.

    Raises:
        LjspeechError: recordings of the metadata are missing, or metadata of recordings; counted, the first one named.
        RecordingsError: recordings that cannot be read.
    """
    if problems := check(corpus_dir):
        raise LjspeechError(problems[0])
    wavs, metadata = Path(corpus_dir) / "wavs", Path(corpus_dir) / "metadata.csv"
    words = read_metadata(metadata)
    files = names_in(wavs)
    present = [name for name in files if NAME.fullmatch(name)]
    if absent := sorted(set(words) - {name[:-4] for name in present}):
        raise LjspeechError(
            f"{wavs}: {len(absent)} of {len(words)} recordings are missing, first {absent[0]}.wav; {CURE}"
        )
    if unknown := [name for name in present if name[:-4] not in words]:
        raise LjspeechError(f"{metadata}: no line on {len(unknown)} recordings, first {unknown[0]}; {CURE}")
    done = Prepared(table=[f"LJSpeech, {rate} Hz"])
    recordings = [Recording(name[:-4], "LJ", words[name[:-4]], wavs / name, gender="f") for name in present]
    for name, members in divide(recordings, DEV, TEST, CURE).items():
        write_recordings(Path(out) / name, members, rate, done, CURE)
    done.notes += unusual_count(wavs, len(present), OFFICIAL) + left_out(wavs, set(files) - set(present))
    return done


def check(corpus_dir: str | Path) -> list[str]:
    """What is wrong with the folder, a line each; looks at names alone."""
    wavs, metadata = Path(corpus_dir) / "wavs", Path(corpus_dir) / "metadata.csv"
    problems = [] if wavs.is_dir() else [f"{wavs}: no such folder; {CURE}"]
    return problems if metadata.is_file() else [*problems, f"{metadata}: no such file; {CURE}"]


def read_metadata(path: Path) -> dict[str, str]:
    """Recording -> its words as spoken.

    Raises:
        LjspeechError: a line that has not three columns, or two where both are the same.
    """
    words = {}
    for number, line in read_lines(path):
        columns = line.split("|")
        if len(columns) not in (2, 3):
            raise LjspeechError(f"{path}:{number}: expected ID|as printed|as spoken, found {line[:40]!r}; {CURE}")
        words[columns[0]] = plain_words(columns[-1] or columns[1])
    return words
