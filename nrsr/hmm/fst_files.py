"""Reading and writing FSTs as OpenFst's binary files, with named errors and without half-written files."""

import tempfile
from collections.abc import Collection
from pathlib import Path

import kaldifst

from nrsr.files import atomic_path
from nrsr.hmm.fst_content import FstContent, FstError, check_labels, parse_fst, refuse_endless
from nrsr.kaldi.checksums import Checksums


def write_fst(fst: kaldifst.StdFst, path: str | Path) -> None:
    """Write under a temporary name, then rename."""
    with atomic_path(path) as temporary:
        if not fst.write(str(temporary)):
            raise FstError(f"{path}: cannot be written; make room or check the permissions, then run the command again")


def read_fst(
    path: str | Path, *, inputs: Collection[int] | None = None, outputs: Collection[int] | None = None
) -> kaldifst.StdVectorFst:
    """Read a vector FST over the tropical semiring, checked against the checksums of its folder and in itself.

    Args:
        inputs, outputs: labels that its arcs may have, beside epsilon; None for all.

    Raises:
        FstError: no such file, no FST, one of another kind, or labels that are not known.
        ChecksumError: not the file that was written.
    """
    fst = load_content(path)
    for side, labels in (("input", inputs), ("output", outputs)):
        if labels is not None:
            check_labels(fst, side, labels, path, "phones.txt" if side == "input" else "words.txt")
    refuse_endless(fst, path, any_cycle=True)
    return to_library(fst, path)


def load_content(path: str | Path) -> FstContent:
    """The arrays of an FST file.

    Raises:
        FstError, ChecksumError: as read_fst.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FstError(f"{path}: there is no such file; check the path or run the stage that makes it") from None
    except OSError as error:
        raise FstError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from None
    Checksums(path.parent).check(path.name, content)
    return parse_fst(content, path)


def to_library(fst: FstContent, path: str | Path) -> kaldifst.StdVectorFst:
    """The FST as an object of the library, which reads files alone."""
    with tempfile.NamedTemporaryFile(suffix=".fst") as stream:
        stream.write(fst.written())
        stream.flush()
        try:
            loaded = kaldifst.StdVectorFst.read(stream.name)
        except Exception:  # the bindings raise whatever they like
            loaded = None
    if loaded is None:
        raise FstError(f"{path}: is truncated or broken; make it anew")
    return loaded
