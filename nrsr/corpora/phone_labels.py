"""Where speech begins and ends in a recording, by the silence at both ends of its phone labels."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nrsr.corpora.datadirs import Prepared
from nrsr.corpora.recordings import Recording
from nrsr.errors import NrsrError
from nrsr.kaldi.lists import read_lines

SILENCE = ("sil", "pau")
HTS_SECOND = 10_000_000  # HTS counts in units of 100 ns
CONTEXT = re.compile(r"-([^+]+)\+")  # the phone of a full-context label, xx^sil-a+b=...
INTERVALS = 12  # lines before the first interval of a Praat TextGrid in short form


class LabelError(NrsrError):
    """A label file that cannot be used; names file and line."""


def cut_silence(
    recordings: list[Recording],
    folder: Path,
    end: str,
    span: Callable[[Path], tuple[float, float]],
    done: Prepared,
) -> list[Recording]:
    """The recordings from the start to the end of their speech; as they are, with a remark, where there is no folder.

    Args:
        folder: holds the labels, named as the recordings with another `end` (.lab).
        span: reads a label file (hts_span, praat_span).

    Raises:
        LabelError: labels of some recordings are missing (counted, the first one named), or cannot be used.
        ListError: labels cannot be read.
    """
    if not folder.is_dir():
        done.notes.append(f"{folder}: no such folder, so that recordings keep the silence at their ends")
        return recordings
    files = [folder / f"{recording.path.stem}{end}" for recording in recordings]
    if absent := [file.name for file in files if not file.is_file()]:
        raise LabelError(
            f"{folder}: {len(absent)} labels are missing, first {absent[0]}; restore them, or remove the folder, and "
            "recordings keep the silence at their ends"
        )
    spans = [span(file) for file in files]
    return [
        replace(recording, start=first, end=last) for recording, (first, last) in zip(recordings, spans, strict=True)
    ]


def hts_span(path: Path) -> tuple[float, float]:
    """Start and end of speech (s) of an HTS label file, lines "START END PHONE", monophones or full context.

    Raises:
        LabelError: another kind of line, or silence alone.
        ListError: the file cannot be read.
    """
    rows = []
    for number, line in read_lines(path):
        columns = line.split()
        if not columns:
            continue
        if len(columns) < 3 or not (columns[0].isdigit() and columns[1].isdigit()):
            raise LabelError(f"{path}:{number}: expected START END PHONE, found {line.strip()!r}; restore the file")
        context = CONTEXT.search(columns[2])
        rows.append((int(columns[0]), int(columns[1]), context[1] if context else columns[2]))
    spoken = [(start, end) for start, end, phone in rows if phone not in SILENCE]
    if not spoken:
        raise LabelError(f"{path}: labels silence alone; restore the file")
    return spoken[0][0] / HTS_SECOND, spoken[-1][1] / HTS_SECOND


def praat_span(path: Path) -> tuple[float, float]:
    """Start and end of speech (s) of a Praat TextGrid in short form, whose first and last intervals are silence.

    Raises:
        LabelError: no such file, or another form.
    """
    try:
        lines = path.read_bytes().decode("ascii", "replace").split("\n")
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({error.strerror}); restore the file") from None
    numbers = [line.strip() for line in lines if line.strip()][INTERVALS - 1 :]
    try:
        start, end = float(numbers[1]), float(numbers[-3])
    except (ValueError, IndexError):
        raise LabelError(f"{path}: is no TextGrid in short form; restore the file") from None
    if not 0 <= start < end:
        raise LabelError(f"{path}: speech from {start} s to {end} s is empty; restore the file")
    return start, end
