"""What Kaldi writes before a table's file names: `ark:`, `scp:`, `ark,t:`, `ark,scp:`."""

from nrsr.errors import NrsrError

READ_OPTIONS = {"o", "no", "s", "ns", "cs", "ncs", "bg", "t", "b", "nt"}
WRITE_OPTIONS = {"t", "b", "f", "nf", "nt"}


class TableError(NrsrError):
    """A table that cannot be read or written; names file, key and cure."""


def split_specifier(specifier: str, options: set[str]) -> tuple[list[str], set[str], str]:
    """(["ark", "scp"], {"t"}, "x.ark,x.scp") of "ark,scp,t:x.ark,x.scp"."""
    head, colon, name = specifier.partition(":")
    words = head.split(",")
    kinds = [word for word in words if word in ("ark", "scp")]
    unknown = set(words) - {"ark", "scp"} - options
    if not colon or not kinds or not name.strip():
        raise TableError(f"{specifier!r} is no table; write scp:FILE, ark:FILE or, to write both, ark,scp:ARK,SCP")
    if unknown:
        raise TableError(f"{specifier!r} has options nrsr does not know ({', '.join(sorted(unknown))}); remove them")
    return kinds, set(words) & options, name.strip()
