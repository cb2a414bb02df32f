"""State tying: growing a phonetic decision tree by gain in likelihood, and joining leaves that are alike.

As Kaldi's build-tree: S. Young, J. Odell, P. Woodland, "Tree-based state tying for high accuracy acoustic modelling",
1994, with roots shared by the states and variants of a phone.
"""

import heapq
from dataclasses import dataclass

import numpy as np

from nrsr.hmm.clustering import clusters, merges
from nrsr.hmm.questions import Questions
from nrsr.hmm.topology import Topology
from nrsr.hmm.tree import PDF_CLASS, Leaf, Node, Split, Table, Tree
from nrsr.hmm.tree_statistics import CENTRAL, WIDTH, TreeStatistics, log_likelihood
from nrsr.kaldi.binary import ModelFileError
from nrsr.kaldi.lang import Root


@dataclass(frozen=True)
class TyingSettings:
    """How large a tree grows.

    Attributes:
        leaves: it stops there, or before.
        min_gain: of log likelihood, that a question must bring.
        cluster_gain: leaves of one root that lose less are joined again; 0 for none, below 0 for what the weakest
            question has brought.
    """

    leaves: int
    min_gain: float = 300.0
    cluster_gain: float = -1.0


@dataclass
class Growing:
    """A node while the tree grows: a leaf with its events, until a question is put to it.

    Attributes:
        rows: events, as numbers of rows of the statistics.
        gain, key, values: of the best question, the gain 0 where none helps.
        yes, no: nodes of the answers, once the question is set.
        answer: pdf-id, in the end.
    """

    rows: np.ndarray
    gain: float = 0.0
    key: int = 0
    values: tuple[int, ...] = ()
    yes: "Growing | None" = None
    no: "Growing | None" = None
    answer: int = -1

    def leaves(self) -> list["Growing"]:
        """All leaves under this node, those of yes first."""
        leaves, todo = [], [self]
        while todo:
            node = todo.pop()
            if node.yes is None:
                leaves.append(node)
            else:
                todo += [node.no, node.yes]
        return leaves

    def frozen(self) -> Node:
        """The finished node."""
        if self.yes is None:
            return Leaf(self.answer)
        return Split(self.key, self.values, self.yes.frozen(), self.no.frozen())


@dataclass
class _Stump:
    """The start of a root: one leaf, or one for each pdf class where they do not share."""

    phones: list[int]
    nodes: list[Growing]
    split: bool
    shared: bool


def build_tree(
    statistics: TreeStatistics, topology: Topology, roots: list[Root], questions: Questions, settings: TyingSettings
) -> Tree:
    """Grow, join and number the leaves.

    A root without frames (a phone that was never said) keeps a single leaf.

    Raises:
        ModelFileError: the roots do not have each phone once.
    """
    _check(roots, topology)
    stumps = [_stump(statistics, root, topology) for root in roots]
    weakest = _grow(statistics, stumps, questions, settings)
    limit = weakest if settings.cluster_gain < 0 else settings.cluster_gain
    number = 0
    for stump in stumps:
        for node in stump.nodes:
            leaves = node.leaves()
            joined = np.arange(len(leaves))
            if limit and stump.split and len(leaves) > 1:
                sums = np.stack([statistics.sums[leaf.rows].sum(axis=0) for leaf in leaves])
                joined = clusters(len(leaves), merges(sums, limit))
            for leaf, cluster in zip(leaves, joined, strict=True):
                leaf.answer = number + int(cluster)
            number += int(joined.max()) + 1
    return Tree(WIDTH, CENTRAL, _choose(stumps))


def _check(roots: list[Root], topology: Topology) -> None:
    phones = sorted(phone for root in roots for phone in root.phones)
    if phones != topology.phones:
        raise ModelFileError("roots.int of the lang folder does not have each phone of topo once; make the folder anew")


def _stump(statistics: TreeStatistics, root: Root, topology: Topology) -> _Stump:
    rows = statistics.rows_of(root.phones)
    if root.shared:
        return _Stump(root.phones, [Growing(rows)], root.split, True)
    classes = max(topology.classes(phone) for phone in root.phones)
    nodes = [Growing(rows[statistics.classes[rows] == number]) for number in range(classes)]
    return _Stump(root.phones, nodes, root.split, False)


def _grow(statistics: TreeStatistics, stumps: list[_Stump], questions: Questions, settings: TyingSettings) -> float:
    """Put the question with the largest gain, wherever it is, again and again; returns the smallest gain taken."""
    asked = _Asked(statistics, questions)
    queue: list[tuple[float, int, Growing]] = []
    count = sum(len(stump.nodes) for stump in stumps)
    tie = 0  # nodes cannot be compared

    def offer(node: Growing) -> None:
        nonlocal tie
        asked.find(node)
        tie += 1
        if node.gain > settings.min_gain:
            heapq.heappush(queue, (-node.gain, tie, node))

    for stump in stumps:
        for node in stump.nodes if stump.split else []:
            offer(node)
    weakest = np.inf
    while queue and count < settings.leaves:
        gain, _, node = heapq.heappop(queue)
        values = statistics.classes if node.key == PDF_CLASS else statistics.contexts[:, node.key]
        yes = np.isin(values[node.rows], node.values)
        node.yes, node.no = Growing(node.rows[yes]), Growing(node.rows[~yes])
        offer(node.yes)
        offer(node.no)
        weakest = min(weakest, -gain)
        count += 1
    return weakest


class _Asked:
    """Finds the best question for the events of a node."""

    def __init__(self, statistics: TreeStatistics, questions: Questions):
        self.statistics = statistics
        self.sets = dict.fromkeys(range(WIDTH), questions.phones) | {PDF_CLASS: questions.classes}
        self.masks = {}
        for key, values in self.sets.items():
            seen = statistics.classes if key == PDF_CLASS else statistics.contexts[:, key]
            mask = np.zeros((len(values), 1 + max([int(seen.max(initial=0)), *(max(v, default=0) for v in values)])))
            for row, members in zip(mask, values, strict=True):
                row[list(members)] = 1.0
            self.masks[key] = mask

    def find(self, node: Growing) -> None:
        """Set gain, key and values of a node's best question."""
        sums = self.statistics.sums[node.rows]
        total = sums.sum(axis=0)
        before = float(log_likelihood(total))
        for key, mask in self.masks.items():
            seen = self.statistics.classes if key == PDF_CLASS else self.statistics.contexts[:, key]
            values, place = np.unique(seen[node.rows], return_inverse=True)
            # A single value leaves nothing to ask, and context that does not count may not be asked for.
            if len(values) < 2 or values[0] < 0 or not len(mask):
                continue
            order = np.argsort(place, kind="stable")
            starts = np.searchsorted(place[order], np.arange(len(values)))
            by_value = np.add.reduceat(sums[order], starts, axis=0)
            yes = mask[:, values] @ by_value
            gains = log_likelihood(yes) + log_likelihood(total - yes) - before
            counts = mask[:, values].sum(axis=1)
            gains[(counts == 0) | (counts == len(values))] = 0.0
            best = int(np.argmax(gains))
            if gains[best] > node.gain:
                node.gain, node.key, node.values = float(gains[best]), key, self.sets[key][best]


def _choose(stumps: list[_Stump]) -> Node:
    """The node that leads to the stump of the central phone: by halves, as in Kaldi, so that no leaf appears twice."""
    if len(stumps) == 1:
        (stump,) = stumps
        if stump.shared:
            return stump.nodes[0].frozen()
        return Table(PDF_CLASS, tuple(node.frozen() for node in stump.nodes))
    half = len(stumps) // 2
    phones = tuple(sorted(phone for stump in stumps[:half] for phone in stump.phones))
    return Split(CENTRAL, phones, _choose(stumps[:half]), _choose(stumps[half:]))
