"""State tying: likelihood gains, clustering, questions, and the properties of grown trees."""

import itertools

import kaldi_hmm_gmm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.hmm.clustering import clusters, merges
from nrsr.hmm.questions import Questions, automatic_questions
from nrsr.hmm.topology import Topology
from nrsr.hmm.transitions import transitions_of
from nrsr.hmm.tree import Tree, leaves
from nrsr.hmm.tree_statistics import UNKNOWN, VARIANCE_FLOOR, TreeStatistics, grouped, joined, log_likelihood
from nrsr.hmm.tying import TyingSettings, build_tree
from nrsr.kaldi.binary import ModelFileError
from nrsr.kaldi.lang import Root
from nrsr.kaldi.topo import topology_text

SILENCE, SPEECH, NEVER_SAID = 1, [2, 3, 4, 5], 6
TOPOLOGY = Topology.from_text(topology_text([*SPEECH, NEVER_SAID], [SILENCE], silence_states=3), "topo")
SETS = [[SILENCE], [2, 3], [4], [5], [NEVER_SAID]]
ROOTS = [Root(True, True, phones) for phones in SETS]
DIM = 2


def sums_of(frames: np.ndarray) -> np.ndarray:
    return np.concatenate([[len(frames)], frames.sum(axis=0), (frames**2).sum(axis=0)])


def statistics(seed: int = 0) -> TreeStatistics:
    """All triphones of the speech phones; the first state leans on the left phone, the last on the right one."""
    rng = np.random.default_rng(seed)
    centre = {phone: rng.normal(0, 4, DIM) for phone in [0, SILENCE, *SPEECH]}
    keys, sums = [], []
    for left, phone, right in itertools.product([0, SILENCE, *SPEECH], SPEECH, [0, SILENCE, *SPEECH]):
        for number in range(3):
            lean = {0: centre[left], 1: 0.0 * centre[phone], 2: centre[right]}[number]
            frames = centre[phone] + number + 0.4 * lean + rng.standard_normal((int(rng.integers(3, 30)), DIM))
            keys.append([left, phone, right, number])
            sums.append(sums_of(frames))
    for number in range(3):
        keys.append([UNKNOWN, SILENCE, UNKNOWN, number])
        sums.append(sums_of(-9.0 + 3 * number + rng.standard_normal((300, DIM))))
    return grouped(np.array(keys), np.array(sums))


STATISTICS = statistics()
QUESTIONS = automatic_questions(STATISTICS, SETS, [], 3)


def grow(leaf_count: int, min_gain: float = 1.0, cluster_gain: float = 0.0) -> Tree:
    return build_tree(STATISTICS, TOPOLOGY, ROOTS, QUESTIONS, TyingSettings(leaf_count, min_gain, cluster_gain))


def test_the_likelihood_of_a_gaussian_is_the_librarys():
    rng = np.random.default_rng(1)
    for spread in (0.001, 1.0):  # the first under the floor of variances
        frames = spread * rng.standard_normal((20, 3))
        cluster = kaldi_hmm_gmm.GaussClusterable(frames.sum(axis=0), (frames**2).sum(axis=0), VARIANCE_FLOOR, 20.0)
        assert float(log_likelihood(sums_of(frames))) == pytest.approx(cluster.objf(), rel=1e-5)
    assert float(log_likelihood(np.zeros(7))) == 0.0


def test_equal_events_are_added_up():
    keys = np.array([[0, 2, 3, 1], [0, 2, 3, 0], [0, 2, 3, 1]])
    found = grouped(keys, np.array([[1.0, 2, 3], [1, 5, 5], [2, 4, 6]]))
    assert found.contexts.tolist() == [[0, 2, 3], [0, 2, 3]] and found.classes.tolist() == [0, 1]
    assert found.sums.tolist() == [[1, 5, 5], [3, 6, 9]]
    assert joined([found, found]).sums.tolist() == [[2, 10, 10], [6, 12, 18]]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 100), count=st.integers(1, 7))
def test_each_merge_is_the_cheapest_of_all_pairs(seed, count):
    rng = np.random.default_rng(seed)
    groups = {number: sums_of(rng.normal(rng.normal(0, 3), 1, (int(rng.integers(2, 9)), 2))) for number in range(count)}
    steps = merges(np.stack(list(groups.values())))
    assert len(steps) == count - 1
    for step in steps:
        costs = {
            (a, b): float(log_likelihood(groups[a]) + log_likelihood(groups[b]) - log_likelihood(groups[a] + groups[b]))
            for a, b in itertools.combinations(sorted(groups), 2)
        }
        assert step.loss == pytest.approx(min(costs.values()), abs=1e-6)
        assert costs[step.first, step.second] == pytest.approx(step.loss, abs=1e-6)
        groups[step.first] = groups[step.first] + groups.pop(step.second)


def test_clusters_follow_the_merges_under_the_limit():
    near = np.stack([sums_of(centre + np.random.default_rng(0).normal(0, 1, (50, 2))) for centre in (0, 0.01, 8, 8.01)])
    steps = merges(near, limit=30.0)
    assert clusters(4, steps).tolist() == [0, 0, 1, 1]
    assert clusters(4, []).tolist() == [0, 1, 2, 3]


def test_questions_are_nested_sets_of_said_phones():
    said = {SILENCE, *SPEECH}
    assert {(2, 3), (4,), (5,), (SILENCE,)} <= set(QUESTIONS.phones)
    assert all(set(phones) < said for phones in QUESTIONS.phones)
    for one, other in itertools.combinations(map(set, QUESTIONS.phones), 2):
        assert one <= other or other <= one or not one & other
    assert QUESTIONS.classes == [(0,), (0, 1)]
    extra = automatic_questions(STATISTICS, SETS, [[2, 5]], 3)
    assert (2, 5) in extra.phones


@pytest.mark.parametrize("count", [5, 6, 12, 30])
def test_a_tree_has_the_leaves_it_was_asked_for(count):
    tree = grow(count)
    assert tree.num_pdfs == count
    assert sorted(leaf.pdf for leaf in leaves(tree.root)) == list(range(count))


def test_a_question_must_gain_enough():
    assert grow(1000, min_gain=1e9).num_pdfs == len(ROOTS)
    few, many = grow(1000, min_gain=200.0).num_pdfs, grow(1000, min_gain=20.0).num_pdfs
    assert len(ROOTS) < few < many


def test_more_leaves_explain_the_frames_better():
    def likelihood(tree: Tree) -> float:
        pdfs = tree.pdf_ids(STATISTICS.contexts, STATISTICS.classes)
        sums = np.zeros((tree.num_pdfs, STATISTICS.sums.shape[1]))
        np.add.at(sums, pdfs, STATISTICS.sums)
        return float(log_likelihood(sums).sum())

    values = [likelihood(grow(count)) for count in (5, 8, 13, 21, 34)]
    assert np.all(np.diff(values) > 0)
    # The best possible first question of all, tried one by one.
    gains = []
    for key, sets in (*((place, QUESTIONS.phones) for place in range(3)), (3, QUESTIONS.classes)):
        column = np.column_stack([STATISTICS.contexts, STATISTICS.classes])[:, key]
        for phones, members in itertools.product(SETS, sets):
            rows = STATISTICS.rows_of(phones)
            if len(rows) and (column[rows] >= 0).all():
                yes = np.isin(column[rows], members)
                parts = [STATISTICS.sums[rows[side]].sum(axis=0) for side in (yes, ~yes, np.ones(len(rows), bool))]
                gains.append(float(log_likelihood(parts[0]) + log_likelihood(parts[1]) - log_likelihood(parts[2])))
    assert likelihood(grow(6)) - values[0] == pytest.approx(max(gains), rel=1e-9)


def test_every_context_has_a_leaf_and_silence_shares_none():
    tree = grow(40)
    everyone = [0, *TOPOLOGY.phones]
    contexts = np.array(list(itertools.product(everyone, TOPOLOGY.phones, everyone, range(3))))
    pdfs = tree.pdf_ids(contexts[:, :3], contexts[:, 3])
    assert pdfs.min() == 0 and pdfs.max() == tree.num_pdfs - 1
    silent = set(pdfs[contexts[:, 1] == SILENCE].tolist())
    assert silent and not silent & set(pdfs[contexts[:, 1] != SILENCE].tolist())
    assert len(set(pdfs[contexts[:, 1] == NEVER_SAID].tolist())) == 1
    assert len(silent) == 3  # three states, no context
    roots = [set(pdfs[np.isin(contexts[:, 1], phones)].tolist()) for phones in SETS]
    assert all(not one & other for one, other in itertools.combinations(roots, 2))


def test_a_grown_tree_is_the_same_in_the_library_and_when_read_back(tmp_path):
    tree = grow(40)
    tree.write(tmp_path / "tree")
    again = Tree.read(tmp_path / "tree")
    assert again == tree and Tree.from_library(again.for_library()) == tree
    transitions_of(again, TOPOLOGY).for_library(again)  # refuses other pdf-ids


def test_leaves_that_are_alike_are_joined_within_their_root():
    apart, together = grow(60), grow(60, cluster_gain=-1.0)
    assert len(ROOTS) < together.num_pdfs < apart.num_pdfs
    assert set(together.pdf_ids(STATISTICS.contexts, STATISTICS.classes)) == set(range(together.num_pdfs)) - {
        int(together.pdf_ids(np.array([[0, NEVER_SAID, 0]]), np.array([0]))[0])
    }


def test_roots_may_have_states_apart_or_stay_whole():
    roots = [Root(False, False, [SILENCE]), Root(True, False, [2, 3]), *(Root(True, True, [p]) for p in (4, 5, 6))]
    tree = build_tree(STATISTICS, TOPOLOGY, roots, QUESTIONS, TyingSettings(20, 1.0, 0.0))
    silent = tree.pdf_ids(np.array([[0, SILENCE, 0]] * 3), np.arange(3))
    assert len(set(silent.tolist())) == 3
    assert tree.reachable(2, 0) == tree.reachable(3, 2) and len(tree.reachable(2, 0)) == 1
    assert tree.num_pdfs == 20


def test_roots_that_lack_a_phone_are_refused():
    with pytest.raises(ModelFileError, match="does not have each phone"):
        build_tree(STATISTICS, TOPOLOGY, ROOTS[1:], Questions([], []), TyingSettings(9))
