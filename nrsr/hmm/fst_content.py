"""OpenFst's binary vector FSTs as arrays: sizes, labels, states and weights are checked before a library reads them."""

import functools
import struct
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from nrsr.errors import NrsrError

MAGIC, SYMBOLS_MAGIC = 2125659606, 2125658996
HAS_SYMBOLS = (1, 2)  # bits of the flags: tables of input and of output symbols follow the header
PROPERTIES = 3  # expanded and mutable, as every vector FST; the others are found anew, since labels may change
LONGEST_NAME = 1 << 16
HIGHEST_COST = 1e6  # of a negative logarithm; what is beyond comes from broken bits, and loses all smaller costs
HIGHEST_LABEL = 1 << 27  # numbers of words and transitions lie far below it
BROKEN = "is truncated or broken; make it anew"
CURE = f"the file {BROKEN}"


class FstError(NrsrError):
    """An FST file that is missing or broken, or an FST that accepts nothing; names the file and the cure."""


@dataclass
class FstContent:
    """A weighted transducer over the tropical semiring.

    Attributes:
        start: -1 for an FST without states.
        body: the states as the file holds them, int32 words: bits of the final weight, number of arcs (two words), and
            of each arc input label, output label, bits of the weight, next state.
        heads: [S] places in `body` where the states begin.
        counts: [S] numbers of arcs.
    """

    start: int
    body: np.ndarray
    heads: np.ndarray
    counts: np.ndarray

    @functools.cached_property
    def arcs(self) -> np.ndarray:
        """Places in `body` where the arcs begin, [A]."""
        sources = np.repeat(self.heads + 3 - 4 * (np.cumsum(self.counts) - self.counts), self.counts)
        return sources + 4 * np.arange(len(sources))

    @functools.cached_property
    def sources(self) -> np.ndarray:
        """State that each arc leaves, [A]."""
        return np.repeat(np.arange(len(self.heads)), self.counts)

    def written(self) -> bytes:
        """The file, without symbol tables."""
        header = struct.pack("<i", MAGIC) + _name(b"vector") + _name(b"standard")
        sizes = struct.pack("<iiQqqq", 2, 0, PROPERTIES, self.start, len(self.heads), 0)
        return header + sizes + self.body.tobytes()


def parse_fst(content: bytes, path: object) -> FstContent:
    """Read and check a vector FST with standard arcs.

    Raises:
        FstError: no such FST, sizes that are not the file's, labels below 0, next states that are not there, weights
            that are no costs.
    """
    try:
        return _parse(content, path)
    except struct.error:
        raise FstError(f"{path}: {BROKEN}") from None


def _parse(content: bytes, path: object) -> FstContent:
    if len(content) < 4 or struct.unpack_from("<i", content)[0] != MAGIC:
        raise FstError(f"{path}: is no FST in OpenFst's binary form; make it anew")
    kind, at = _read_name(content, 4)
    arc, at = _read_name(content, at)
    if (kind, arc) != (b"vector", b"standard"):
        raise FstError(f"{path}: is no vector FST with standard arcs; convert it: fstconvert --fst_type=vector")
    version, flags, _, start, states, _ = struct.unpack_from("<iiQqqq", content, at)
    at += struct.calcsize("<iiQqqq")
    if version != 2:
        raise FstError(f"{path}: has version {version} of OpenFst's vector FSTs, 2 is read; convert it with fstconvert")
    for bit in HAS_SYMBOLS:
        if flags & bit:
            at = _skip_symbols(content, at, path)
    if (len(content) - at) % 4:
        raise FstError(f"{path}: {BROKEN}")
    body = np.frombuffer(content, "<i4", offset=at).copy()
    heads, counts = _walk(content, at, states)
    if states not in (-1, len(heads)) or not -1 <= start < len(heads) or (start < 0 and len(heads)):
        raise FstError(f"{path}: announces {states} states and start {start}, and holds {len(heads)} states; {CURE}")
    fst = FstContent(start, body, heads, counts)
    _check(fst, path)
    return fst


def _name(text: bytes) -> bytes:
    return struct.pack("<i", len(text)) + text


def _read_name(content: bytes, at: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from("<i", content, at)
    if not 0 <= length <= LONGEST_NAME:
        raise struct.error
    return content[at + 4 : at + 4 + length], at + 4 + length


def _skip_symbols(content: bytes, at: int, path: object) -> int:
    """The place behind a symbol table."""
    (magic,) = struct.unpack_from("<i", content, at)
    if magic != SYMBOLS_MAGIC:
        raise FstError(f"{path}: {BROKEN}")
    _, at = _read_name(content, at + 4)
    _, size = struct.unpack_from("<qq", content, at)
    at += 16
    for _ in range(size):
        _, at = _read_name(content, at)
        struct.unpack_from("<q", content, at)
        at += 8
    return at


def _walk(content: bytes, at: int, states: int) -> tuple[np.ndarray, np.ndarray]:
    """Where states begin, in words of the body, and their numbers of arcs; ends with the content, wherever that is."""
    count_of, end = struct.Struct("<q").unpack_from, len(content)
    heads, counts, place = [], [], at
    while place < end:
        (count,) = count_of(content, place + 4)
        if not 0 <= count <= (end - place - 12) // 16 or len(heads) == states:
            raise struct.error
        heads.append((place - at) // 4)
        counts.append(count)
        place += 12 + 16 * count
    return np.array(heads, np.int64), np.array(counts, np.int64)


def _check(fst: FstContent, path: object) -> None:
    weights, arcs = fst.body.view(np.float32), fst.arcs
    finals = weights[fst.heads]
    ending = finals[finals != np.inf]
    if not (np.abs(ending) <= HIGHEST_COST).all() or not (np.abs(weights[arcs + 2]) <= HIGHEST_COST).all():
        raise FstError(f"{path}: has weights that are no costs; {CURE}")
    following = fst.body[arcs + 3]
    if len(arcs) and (following.min() < 0 or following.max() >= len(fst.heads)):
        raise FstError(f"{path}: has an arc to state {following.max()} of {len(fst.heads)}; {CURE}")
    for column, side in enumerate(("input", "output")):
        if len(arcs) and (lowest := fst.body[arcs + column].min()) < 0:
            raise FstError(f"{path}: has an {side} label {lowest}; {CURE}")


def check_labels(fst: FstContent, side: str, known: Collection[int], path: object, what: str) -> None:
    """Refuse labels that are not known.

    Args:
        side: "input" or "output".
        known: labels that an arc may have, beside epsilon.
        what: where the labels should be.

    Raises:
        FstError: names one of them.
    """
    labels = fst.body[fst.arcs + ("input", "output").index(side)]
    highest = min(max(known, default=0), HIGHEST_LABEL)
    may = np.zeros(highest + 1, bool)
    may[[0, *(label for label in known if label <= highest)]] = True
    bad = labels > highest
    bad[~bad] = ~may[labels[~bad]]
    if bad.any():
        raise FstError(f"{path}: has the {side} label {labels[bad][0]}, which {what} does not have; make both anew")


def epsilon_cycles(fst: FstContent) -> np.ndarray:
    """Arcs [A], of those without input, that lie on a cycle of such arcs or between two of them.

    Removes states without such arcs in or out, again and again until there are none.
    """
    arcs = fst.arcs
    kept = np.flatnonzero(fst.body[arcs] == 0)
    sources, targets = fst.sources[kept], fst.body[arcs[kept] + 3]
    while len(kept):
        states = len(fst.heads)
        entered, left = np.zeros(states, bool), np.zeros(states, bool)
        entered[targets], left[sources] = True, True
        on = entered[sources] & left[targets]
        if on.all():
            break
        kept, sources, targets = kept[on], sources[on], targets[on]
    return kept


def refuse_endless(fst: FstContent, path: object, *, any_cycle: bool) -> None:
    """Refuse cycles that need no input: such an FST is searched without end where the cycle lowers the cost.

    Args:
        any_cycle: refuse those too that cost something, as in a lexicon, which is determinised.

    Raises:
        FstError: there is one.
    """
    cycles = epsilon_cycles(fst)
    if len(cycles) and (any_cycle or fst.body.view(np.float32)[fst.arcs[cycles] + 2].min() < 0):
        state = fst.sources[cycles[0]]
        raise FstError(f"{path}: goes round without input at state {state}, and a search would never end; {CURE}")
