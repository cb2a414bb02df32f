"""Reading and writing FSTs as OpenFst's binary files, with named errors and without half-written files."""

from pathlib import Path

import kaldifst

from nrsr.errors import NrsrError
from nrsr.files import atomic_path

MAGIC = (2125659606).to_bytes(4, "little")  # of OpenFst's binary files


class FstError(NrsrError):
    """An FST file that is missing or broken, or an FST that accepts nothing; names the file and the cure."""


def write_fst(fst: kaldifst.StdFst, path: str | Path) -> None:
    """Write under a temporary name, then rename."""
    with atomic_path(path) as temporary:
        if not fst.write(str(temporary)):
            raise FstError(f"{path}: cannot be written; make room or check the permissions, then run the command again")


def read_fst(path: str | Path) -> kaldifst.StdVectorFst:
    """Read a vector FST over the tropical semiring, the only kind that the library can read.

    Raises:
        FstError: no such file, no FST, or one of another kind.
    """
    path = Path(path)
    if not path.is_file():
        raise FstError(f"{path}: there is no such file; check the path or run the stage that makes it")
    with open(path, "rb") as stream:
        header = stream.read(64)  # magic number, then the names of the kinds of FST and arc
    if not header.startswith(MAGIC):
        raise FstError(f"{path}: is no FST in OpenFst's binary form; make it anew")
    if b"vector" not in header or b"standard" not in header:
        raise FstError(f"{path}: is no vector FST with standard arcs; convert it: fstconvert --fst_type=vector")
    try:
        fst = kaldifst.StdVectorFst.read(str(path))
    except Exception:  # the bindings raise whatever they like
        fst = None
    if fst is None:
        raise FstError(f"{path}: is truncated or broken; make it anew")
    return fst
