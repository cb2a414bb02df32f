"""Triphone GMM-HMM with tied states, from alignments of a former model, as Kaldi's train_deltas."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nrsr.hmm.aligner import Beams
from nrsr.hmm.alignment_files import refuse_subsampled
from nrsr.hmm.alignments import AlignmentError
from nrsr.hmm.em import Log, Schedule, train
from nrsr.hmm.gmm import Gmm, single_gaussians
from nrsr.hmm.model import Model, read_transitions
from nrsr.hmm.questions import automatic_questions
from nrsr.hmm.topology import Topology
from nrsr.hmm.transitions import Transitions, transitions_of
from nrsr.hmm.tree import Tree
from nrsr.hmm.tree_statistics import VARIANCE_FLOOR, TreeStatistics, joined
from nrsr.hmm.tying import TyingSettings, build_tree
from nrsr.hmm.worker_pool import WorkerPool
from nrsr.kaldi.lang import Lang

REALIGN = frozenset([10, 20, 30])  # Kaldi's


@dataclass(frozen=True)
class TriSettings:
    """Kaldi's defaults; 2000 leaves and 10000 Gaussians are what its recipes take for a small corpus.

    Attributes:
        leaves: of the tree, at most; clustering takes some away again.
        gaussians: of all pdfs together, reached at iteration `grow_until`.
        iterations: of EM.
        power: how far pdfs with more frames get more Gaussians.
        min_gain, cluster_gain: of the tree, as in TyingSettings.
    """

    leaves: int = 2000
    gaussians: int = 10000
    iterations: int = 35
    grow_until: int = 25
    power: float = 0.25
    min_gain: float = 300.0
    cluster_gain: float = -1.0


def train_tri(
    pool: WorkerPool, lang: Lang, alignments: Path, settings: TriSettings, beams: Beams, seed: int, log: Log
) -> Model:
    """Train on the utterances of `pool`, which hold Shares.

    Args:
        alignments: folder with final.mdl and trans_ali.scp, of train-gmm or align, on the same data.

    Raises:
        AlignmentError: alignments to other phones or of no utterance.
        ModelFileError, TopologyError, TableError: files that are missing or broken.
    """
    old = take_alignments(pool, lang, alignments, log)
    model = first_model(pool, lang, old, settings, log)
    return train(pool, model, schedule_of(settings, beams), seed, log)


def take_alignments(pool: WorkerPool, lang: Lang, alignments: Path, log: Log) -> Transitions:
    """Give the processes the alignments of a folder; returns the transitions that their ids are of.

    Raises:
        AlignmentError, ModelFileError, TopologyError, TableError: as train_tri.
    """
    refuse_subsampled(alignments)
    old = read_transitions(alignments / "final.mdl")
    topology = Topology.from_text(lang.topo, f"{alignments}: topo of the lang folder")
    if old.topology.text() != topology.text():
        raise AlignmentError(f"{alignments}: has phones or HMMs that differ from those of the lang folder; align anew")
    if not sum(pool.ask("take", alignments / "trans_ali.scp")):
        raise AlignmentError(f"{alignments}/trans_ali.scp: has no utterance of the data; align the data first")
    log(f"{sum(pool.ask('count_failed'))} utterances without alignment")
    return old


def first_model(pool: WorkerPool, lang: Lang, old: Transitions, settings: TriSettings, log: Log) -> Model:
    """Tied states with a Gaussian each, from the alignments to `old` that the processes hold, which become its own."""
    statistics = joined(pool.ask("tree_statistics", old, lang.silence))
    tree = grow(statistics, old.topology, lang, settings)
    log(f"tree with {tree.num_pdfs} leaves of {len(statistics.classes)} events")
    model = Model(tree, transitions_of(tree, old.topology), leaf_gaussians(statistics, tree))
    pool.ask("compile", model.transitions, tree)
    pool.ask("convert", old)
    return model


def schedule_of(settings: TriSettings, beams: Beams) -> Schedule:
    """When what is done in EM."""
    return Schedule(
        settings.iterations, REALIGN, settings.gaussians, settings.grow_until, settings.power, beams, beams.beam
    )


def grow(statistics: TreeStatistics, topology: Topology, lang: Lang, settings: TriSettings) -> Tree:
    """The tree, with questions from the statistics and the lang folder."""
    classes = max((topology.classes(phone) for phone in lang.nonsilence), default=1)
    questions = automatic_questions(statistics, lang.sets, lang.questions, classes)
    tying = TyingSettings(settings.leaves, settings.min_gain, settings.cluster_gain)
    return build_tree(statistics, topology, lang.roots, questions, tying)


def leaf_gaussians(statistics: TreeStatistics, tree: Tree) -> Gmm:
    """One Gaussian for each leaf; that of all frames for leaves without any (unseen phones)."""
    sums = np.zeros((tree.num_pdfs, statistics.sums.shape[1]))
    np.add.at(sums, tree.pdf_ids(statistics.contexts, statistics.classes), statistics.sums)
    sums[sums[:, 0] == 0] = statistics.sums.sum(axis=0)
    means = sums[:, 1 : 1 + statistics.dim] / sums[:, :1]
    variances = sums[:, 1 + statistics.dim :] / sums[:, :1] - means**2
    return single_gaussians(means, np.maximum(variances, VARIANCE_FLOOR))
