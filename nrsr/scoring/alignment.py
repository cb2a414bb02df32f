"""Aligning a hypothesis with its reference: substitutions, deletions, insertions, and the text that shows them.

The alignment is one with the fewest errors (Levenshtein 1966, each error counts 1), found by rapidfuzz. Where
several have as few, the one that rapidfuzz takes is kept: two substitutions rather than a deletion and an insertion
around a matching word ("one two" heard as "two three": S=2), and errors as early in the utterance as they can be.
jiwer counts alike. sclite weighs a substitution 4 and the others 3, so that it prefers the matching word (D=1, I=1);
the sum of the errors is the same, except in utterances with more errors than matches, where sclite may count more.
"""

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

GAP = "***"


def count_errors(reference: Sequence[str], hypothesis: Sequence[str]) -> tuple[int, int, int]:
    """Substitutions, deletions and insertions that turn one sequence of words (or characters) into the other."""
    if reference == hypothesis:
        return 0, 0, 0
    tags = [operation[0] for operation in Levenshtein.editops(reference, hypothesis).as_list()]
    deletions, insertions = tags.count("delete"), tags.count("insert")
    return len(tags) - deletions - insertions, deletions, insertions


def aligned_pairs(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[str | None, str | None]]:
    """The alignment behind `count_errors`: (word, word) for a match or substitution, None on the side of a gap."""
    pairs: list[tuple[str | None, str | None]] = []
    for step in Levenshtein.opcodes(reference, hypothesis):
        here, there = reference[step.src_start : step.src_end], hypothesis[step.dest_start : step.dest_end]
        if step.tag == "delete":
            pairs.extend((word, None) for word in here)
        elif step.tag == "insert":
            pairs.extend((None, word) for word in there)
        else:
            pairs.extend(zip(here, there, strict=True))
    return pairs


def aligned_text(utterance: str, reference: Sequence[str], hypothesis: Sequence[str]) -> str:
    """Four lines: the utterance with its counts, both texts in columns, and S, D or I below each error."""
    pairs = aligned_pairs(reference, hypothesis)
    marks = ["D" if there is None else "I" if here is None else "S" * (here != there) for here, there in pairs]
    columns = [
        (here or GAP[: max(1, len(there or ""))], there or GAP[: max(1, len(here or ""))], mark)
        for (here, there), mark in zip(pairs, marks, strict=True)
    ]
    widths = [max(map(len, column)) for column in columns]
    rows = (
        " ".join(column[row].ljust(width) for column, width in zip(columns, widths, strict=True)) for row in range(3)
    )
    counts = f"words {len(reference)} S {marks.count('S')} D {marks.count('D')} I {marks.count('I')}"
    lines = (f"{name}  {row}".rstrip() for name, row in zip(("  ref", "  hyp", "     "), rows, strict=True))
    return "\n".join((f"{utterance} {counts}", *lines)) + "\n"
