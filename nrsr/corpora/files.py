"""Files of a corpus on disk, without those that operating systems leave among them."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from nrsr.listing import shown

# Of macOS on other file systems (._NAME holds attributes of NAME), and of Windows.
LITTER = re.compile(r"\._.*|\.DS_Store|Thumbs\.db|desktop\.ini", re.IGNORECASE)


def names_in(folder: Path) -> list[str]:
    """Names of what a folder holds, sorted, litter left out."""
    return sorted(path.name for path in folder.iterdir() if not LITTER.fullmatch(path.name))


def files_below(root: Path) -> Iterator[Path]:
    """All files at any depth below a folder in order of their paths, litter left out.

    Links are followed, and each folder is entered once, so that links to a folder above do not lead round and round.
    """
    entered: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(root, followlinks=True):
        about = os.stat(place)
        if (about.st_dev, about.st_ino) in entered:
            folders.clear()
            continue
        entered.add((about.st_dev, about.st_ino))
        folders.sort()
        yield from (Path(place) / name for name in sorted(names) if not LITTER.fullmatch(name))


def left_out(folder: Path, strays: Iterable[str]) -> list[str]:
    """The remark on files of a folder that are none of the corpus; no remark where there are none."""
    names = sorted(strays)
    return [f"{folder}: {len(names)} files that are no recordings are left out: {shown(names)}"] if names else []


def unusual_count(place: Path | str, count: int, official: int) -> list[str]:
    """The remark on another number of recordings than the corpus has; no remark where it is the same."""
    return [] if count == official else [f"{place}: {count} recordings; the corpus has {official}"]
