"""Questions of a phonetic decision tree, found from the statistics: which phones are alike."""

from dataclasses import dataclass

import numpy as np

from nrsr.hmm.clustering import merges
from nrsr.hmm.tree_statistics import TreeStatistics


@dataclass(frozen=True)
class Questions:
    """The questions that a tree may ask.

    Attributes:
        phones: of any place in the context: sets of phones, each ascending.
        classes: of the pdf class: sets of pdf classes.
    """

    phones: list[tuple[int, ...]]
    classes: list[tuple[int, ...]]


def automatic_questions(
    statistics: TreeStatistics, sets: list[list[int]], extra: list[list[int]], classes: int
) -> Questions:
    """Questions from clustering the phones, as Kaldi's cluster-phones and compile-questions make them.

    Phones are joined bottom-up by the frames of their middle pdf class, and every cluster on the way is a question,
    single sets too (Kaldi splits top-down with k-means). Sets without frames appear in none.

    Args:
        sets: phones that count as one.
        extra: further questions, of the lang folder.
        classes: largest number of pdf classes of a speech phone.
    """
    middle = statistics.classes == classes // 2
    sums = np.stack([statistics.sums[_intersection(statistics, phones, middle)].sum(axis=0) for phones in sets])
    seen = np.flatnonzero(sums[:, 0] > 0)
    members = [set(sets[number]) for number in seen]
    questions = [tuple(sorted(phones)) for phones in members]
    for step in merges(sums[seen]):
        members[step.first] |= members[step.second]
        questions.append(tuple(sorted(members[step.first])))
    everything = tuple(sorted(phone for number in seen for phone in sets[number]))
    questions += [tuple(sorted(phones)) for phones in extra]
    useful = [phones for phones in dict.fromkeys(questions) if phones != everything]
    return Questions(useful, [tuple(range(end)) for end in range(1, classes)])


def _intersection(statistics: TreeStatistics, phones: list[int], middle: np.ndarray) -> np.ndarray:
    rows = statistics.rows_of(phones)
    return rows[middle[rows]]
