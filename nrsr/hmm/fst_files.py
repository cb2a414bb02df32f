"""Reading and writing FSTs as OpenFst's binary files, with named errors and without half-written files."""

import os
from pathlib import Path

import kaldifst

from nrsr.errors import NrsrError


class FstError(NrsrError):
    """An FST file that is missing or broken, or an FST that accepts nothing; names the file and the cure."""


def write_fst(fst: kaldifst.StdFst, path: str | Path) -> None:
    """Write under a temporary name, then rename."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if not fst.write(str(temporary)):
            raise FstError(f"{path}: cannot be written; make room or check the permissions, then run the command again")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_fst(path: str | Path) -> kaldifst.StdVectorFst | kaldifst.StdConstFst:
    """Read a vector or const FST over the tropical semiring.

    Raises:
        FstError: no such file, no FST, or one of another kind.
    """
    path = Path(path)
    if not path.is_file():
        raise FstError(f"{path}: there is no such file; check the path or run the stage that makes it")
    with open(path, "rb") as stream:
        header = stream.read(64)  # magic number, then the lengths and names of the kinds of FST and arc
    kind = next((fst for name, fst in KINDS.items() if name in header), None)
    if not header.startswith(MAGIC) or kind is None or b"standard" not in header:
        raise FstError(f"{path}: is no vector or const FST with standard arcs; make it anew")
    try:
        fst = kind.read(str(path))
    except Exception:  # the library's bindings raise whatever they like
        fst = None
    if fst is None:
        raise FstError(f"{path}: is truncated or broken; make it anew")
    return fst


MAGIC = (2125659606).to_bytes(4, "little")  # of OpenFst's binary files
KINDS = {b"vector": kaldifst.StdVectorFst, b"const": kaldifst.StdConstFst}
