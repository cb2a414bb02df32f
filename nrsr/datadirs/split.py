"""Cutting a data directory into parts for parallel jobs: DATA/splitN/J, or DATA/splitNutt/J by utterance."""

import shutil
from pathlib import Path

from nrsr.folders import making
from nrsr.kaldi.contents import Contents, spk2utt_of
from nrsr.kaldi.datadir import DataDirError


def split(path: str | Path, parts: int, *, by_utterance: bool = False) -> list[Path]:
    """Write parts 1..N of nearly equal numbers of utterances; an earlier split of the same name is replaced.

    Args:
        parts: N.
        by_utterance: cut between any utterances; otherwise speakers stay whole.

    Returns:
        The folders of the parts.

    Raises:
        DataDirError: fewer speakers (or utterances) than parts, or speakers unknown.
    """
    path = Path(path)
    contents = Contents.load(path)
    if by_utterance:
        groups = [[utterance] for utterance in contents.utterances]
    elif "utt2spk" in contents.lists:
        groups = [text.split() for _, text in sorted(spk2utt_of(contents.lists["utt2spk"]).items())]
    else:
        raise DataDirError(f"{path}: has no utt2spk, so its speakers are unknown; add it or split by utterance")
    if not 1 <= parts <= len(groups):
        what, cure = ("utterances", "") if by_utterance else ("speakers", ", or split by utterance (--per-utt)")
        raise DataDirError(f"{path}: {parts} parts of {len(groups)} {what}; ask for 1 to {len(groups)} parts{cure}")
    bounds = contiguous_parts([len(group) for group in groups], parts)
    folder = path / f"split{parts}{'utt' if by_utterance else ''}"
    with making(folder, "nrsr split-data"):
        for number, (first, last) in enumerate(zip(bounds, bounds[1:], strict=False), 1):
            part = folder / str(number)
            if part.exists():
                shutil.rmtree(part)  # of an earlier split, perhaps of other utterances
            contents.select([utterance for group in groups[first:last] for utterance in group]).write(part)
    return [folder / str(number) for number in range(1, parts + 1)]


def contiguous_parts(sizes: list[int], parts: int) -> list[int]:
    """Bounds of non-empty runs of groups, `parts` of them, whose sizes are as equal as their order allows."""
    bounds = [0]
    remaining = sum(sizes)
    for left in range(parts, 1, -1):
        end, have = bounds[-1] + 1, sizes[bounds[-1]]
        while end <= len(sizes) - left and have + sizes[end] / 2 <= remaining / left:
            have += sizes[end]
            end += 1
        remaining -= have
        bounds.append(end)
    return [*bounds, len(sizes)]
