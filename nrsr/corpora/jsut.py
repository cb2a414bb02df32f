"""JSUT 1.1: 7,696 Japanese sentences of one woman, 48 kHz, for vocoders (24 kHz).

{basic5000,voiceactress100,...}/wav/*.wav, and transcript_utf8.txt in each with lines "BASIC5000_0001:sentence". In the
order of their paths the last 250 recordings are tested and the 250 before them are for development, as in
ParallelWaveGAN's recipe. As there, silence at both ends is cut off where the labels of github.com/r9y9/jsut-lab lie in
{basic5000,...}/lab/*.lab.
"""

import argparse
from pathlib import Path

from nrsr.arguments import names
from nrsr.corpora.datadirs import Prepared
from nrsr.corpora.files import left_out, names_in, unusual_count
from nrsr.corpora.last_ones import divide
from nrsr.corpora.phone_labels import cut_silence, hts_span
from nrsr.corpora.recordings import Recording, add_rate, write_recordings
from nrsr.errors import NrsrError
from nrsr.kaldi.lists import read_lines

# Part -> recordings that it has.
PARTS = {
    "basic5000": 5000,
    "countersuffix26": 26,
    "loanword128": 128,
    "onomatopee300": 300,
    "precedent130": 130,
    "repeat500": 500,
    "travel1000": 1000,
    "utparaphrase512": 512,
    "voiceactress100": 100,
}
DEV = TEST = 250
CURE = "unpack jsut_ver1.1.zip anew and give the folder that holds basic5000/ as --corpus-dir"


class JsutError(NrsrError):
    """Folders or recordings of the corpus are missing."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The corpus folder, the rate, and the parts to take."""
    parser.add_argument("--corpus-dir", required=True, help="jsut_ver1.1, the folder that holds basic5000/")
    parser.add_argument("--out", required=True, help="folder for the data directories")
    add_rate(parser, 24000)
    parser.add_argument("--parts", type=names, default=list(PARTS), help="as basic5000,travel1000    (all nine)")


def prepare(corpus_dir: str | Path, out: str | Path, rate: int = 24000, parts: list[str] | None = None) -> Prepared:
    """Write OUT/{train,dev,test}; text holds sentences as they are written, without spaces between words.

    Raises:
        JsutError: folders or recordings of a transcript are missing; counted, the first one named.
        RecordingsError, LabelError: recordings or labels that cannot be read.
    """
    parts = list(PARTS) if parts is None else parts
    if unknown := sorted(set(parts) - set(PARTS)):
        raise JsutError(f"{', '.join(unknown)}: the parts of JSUT are {' '.join(PARTS)}")
    if problems := missing_files(Path(corpus_dir), parts):
        raise JsutError(problems[0])
    done = Prepared(table=[f"JSUT, {rate} Hz"])
    recordings = [item for part in sorted(parts) for item in read_part(Path(corpus_dir) / part, PARTS[part], done)]
    for name, members in divide(recordings, DEV, TEST, CURE).items():
        write_recordings(Path(out) / name, members, rate, done, CURE)
    return done


def check(corpus_dir: str | Path) -> list[str]:
    """What is wrong with the folder, a line each; looks at names alone."""
    return missing_files(Path(corpus_dir), list(PARTS))


def missing_files(corpus_dir: Path, parts: list[str]) -> list[str]:
    """Folders and transcripts that parts lack, a line each with the cure."""
    folders = [corpus_dir / part / "wav" for part in parts]
    transcripts = [corpus_dir / part / "transcript_utf8.txt" for part in parts]
    problems = [f"{folder}: no such folder; {CURE}" for folder in folders if not folder.is_dir()]
    return problems + [f"{file}: no such file; {CURE}" for file in transcripts if not file.is_file()]


def read_part(folder: Path, official: int, done: Prepared) -> list[Recording]:
    """The recordings of a part in the order of their names; adds remarks on what is not as published."""
    words = read_transcript(folder / "transcript_utf8.txt")
    files = names_in(folder / "wav")
    present = [name for name in files if name.endswith(".wav")]
    if absent := sorted(set(words) - {name[:-4] for name in present}):
        raise JsutError(f"{folder / 'wav'}: {len(absent)} recordings are missing, first {absent[0]}.wav; {CURE}")
    done.notes += unusual_count(folder, len(present), official) + left_out(folder / "wav", set(files) - set(present))
    recordings = [
        Recording(f"jsut-{name[:-4]}", "jsut", words.get(name[:-4]), folder / "wav" / name, gender="f")
        for name in present
    ]
    return cut_silence(recordings, folder / "lab", ".lab", hts_span, done)


def read_transcript(path: Path) -> dict[str, str]:
    """Recording -> its sentence.

    Raises:
        JsutError: a line without a colon.
    """
    words = {}
    for number, line in read_lines(path):
        name, colon, sentence = line.strip().partition(":")
        if name and not colon:
            raise JsutError(f"{path}:{number}: expected NAME:SENTENCE, found {line[:40]!r}; {CURE}")
        if name:
            words[name] = "".join(sentence.split())
    return words
