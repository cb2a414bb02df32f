"""Alignment: least number of errors, the split stated, the text that shows it."""

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nrsr.scoring import aligned_pairs, aligned_text, count_errors

SENTENCES = st.lists(st.sampled_from(["a", "b", "c", "dd", "é", "你"]), max_size=9)


def levenshtein(reference: list[str], hypothesis: list[str]) -> int:
    """Least number of errors, by the recursion of the textbook."""
    row = list(range(len(hypothesis) + 1))
    for said in reference:
        before, row = row, [row[0] + 1]
        for number, heard in enumerate(hypothesis):
            row.append(min(row[-1] + 1, before[number + 1] + 1, before[number] + (said != heard)))
    return row[-1]


@given(SENTENCES, SENTENCES)
def test_errors_are_the_levenshtein_distance(reference, hypothesis):
    substitutions, deletions, insertions = count_errors(reference, hypothesis)
    assert substitutions + deletions + insertions == levenshtein(reference, hypothesis)
    assert len(reference) - deletions + insertions == len(hypothesis)


@given(SENTENCES, SENTENCES)
def test_swapping_the_texts_swaps_deletions_and_insertions(reference, hypothesis):
    there, back = count_errors(reference, hypothesis), count_errors(hypothesis, reference)
    assert sum(there) == sum(back)
    assert there[1] - there[2] == back[2] - back[1]


@given(SENTENCES)
def test_no_errors_in_a_copy(words):
    assert count_errors(words, list(words)) == (0, 0, 0)


@given(SENTENCES.filter(bool), SENTENCES)
def test_counts_are_those_of_jiwer(reference, hypothesis):
    theirs = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    assert count_errors(reference, hypothesis) == (theirs.substitutions, theirs.deletions, theirs.insertions)


@given(SENTENCES, SENTENCES)
def test_pairs_hold_both_texts_and_the_counts(reference, hypothesis):
    pairs = aligned_pairs(reference, hypothesis)
    assert [here for here, _ in pairs if here is not None] == reference
    assert [there for _, there in pairs if there is not None] == hypothesis
    gaps = sum(there is None for _, there in pairs), sum(here is None for here, _ in pairs)
    substitutions = sum(here != there for here, there in pairs) - sum(gaps)
    assert (substitutions, *gaps) == count_errors(reference, hypothesis)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        ("", "", (0, 0, 0)),
        ("", "a b", (0, 0, 2)),
        ("a b", "", (0, 2, 0)),
        ("a b c d", "a x c d e", (1, 0, 1)),
        ("one two", "two three", (2, 0, 0)),  # the tie: not a deletion and an insertion around "two"
    ],
)
def test_worked_counts(reference, hypothesis, expected):
    assert count_errors(reference.split(), hypothesis.split()) == expected


def test_aligned_text():
    text = aligned_text("u1", ["one", "nine", "two"], ["one", "five", "seven", "two", "oh"])
    assert text.splitlines() == [
        "u1 words 3 S 1 D 0 I 2",
        "  ref  one ***  nine  two **",
        "  hyp  one five seven two oh",
        "           I    S         I",
    ]
    assert aligned_text("u2", ["a"], []).splitlines() == ["u2 words 1 S 0 D 1 I 0", "  ref  a", "  hyp  *", "       D"]
    assert aligned_text("u3", [], []).splitlines() == ["u3 words 0 S 0 D 0 I 0", "  ref", "  hyp", ""]
