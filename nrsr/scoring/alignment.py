"""Aligning a hypothesis with its reference: substitutions, deletions, insertions, and the text that shows them.

The alignment is one with the fewest errors (Levenshtein 1966, each error counts 1), found by rapidfuzz. Where
several have as few, the one that rapidfuzz takes is kept: two substitutions rather than a deletion and an insertion
around a matching word ("one two" recognised as "two three": S=2), and errors as early in the utterance as they can be.
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
    if reference == hypothesis:
        ref, hyp = (f"  {name}  {' '.join(reference)}".rstrip() for name in ("ref", "hyp"))
        return f"{utterance} words {len(reference)} S 0 D 0 I 0\n{ref}\n{hyp}\n\n"
    said, recognised, marks, counts = [], [], [], {"S": 0, "D": 0, "I": 0, "": 0}
    for here, there in aligned_pairs(reference, hypothesis):
        mark = "D" if there is None else "I" if here is None else "" if here == there else "S"
        counts[mark] += 1
        here, there = here or GAP[: max(1, len(there))], there or GAP[: max(1, len(here))]
        wide = max(len(here), len(there))
        said.append(here.ljust(wide))
        recognised.append(there.ljust(wide))
        marks.append(mark.ljust(wide))
    rows = (("  ref", said), ("  hyp", recognised), ("     ", marks))
    first = f"{utterance} words {len(reference)} S {counts['S']} D {counts['D']} I {counts['I']}"
    return "\n".join([first, *(f"{name}  {' '.join(row)}".rstrip() for name, row in rows)]) + "\n"
