"""Putting generated tables between two marks of a results file, and leaving the rest of it alone."""

from pathlib import Path

from nrsr.errors import NrsrError
from nrsr.files import atomic_open

BEGIN, END = "<!-- nrsr report: begin -->", "<!-- nrsr report: end -->"


class ResultsFileError(NrsrError):
    """A results file whose marks do not say where the tables go."""


def write_results(path: str | Path, markdown: str) -> None:
    """Replace the text between the marks; add them at the end of a file without marks, or make the file.

    Raises:
        ResultsFileError: one mark without the other, marks in the wrong order or more than once.
    """
    path = Path(path)
    block = f"{BEGIN}\n{markdown.strip()}\n{END}"
    try:
        before = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        before = ""
    except UnicodeDecodeError as error:
        raise ResultsFileError(f"{path}: is not UTF-8 text ({error}); give another --out") from error
    counts = before.count(BEGIN), before.count(END)
    if counts == (0, 0):
        after = f"{before.rstrip()}\n\n{block}\n" if before.strip() else f"# Results\n\n{block}\n"
    elif counts == (1, 1) and before.index(BEGIN) < before.index(END):
        head, _, rest = before.partition(BEGIN)
        after = head + block + rest.partition(END)[2]
    else:
        raise ResultsFileError(f"{path}: expected one line {BEGIN!r} and after it one line {END!r}; put them right")
    with atomic_open(path) as stream:
        stream.write(after)
