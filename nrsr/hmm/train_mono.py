"""Monophone GMM-HMM from transcripts alone, as Kaldi's train_mono."""

from dataclasses import dataclass

import numpy as np

from nrsr.hmm.aligner import Beams
from nrsr.hmm.em import Log, Schedule, estimate, total_statistics, train
from nrsr.hmm.gmm import single_gaussians
from nrsr.hmm.model import Model
from nrsr.hmm.topology import Topology
from nrsr.hmm.transitions import transitions_of
from nrsr.hmm.tree import monophone_tree
from nrsr.hmm.worker_pool import WorkerPool
from nrsr.kaldi.lang import Lang
from nrsr.signal import cmvn

REALIGN = frozenset([*range(1, 11), 12, 14, 16, 18, 20, 23, 26, 29, 32, 35, 38])  # Kaldi's
FIRST_BEAM = 6.0
EARLY_OCCUPANCY = 3.0  # frames that suffice for a Gaussian after the even alignment


@dataclass(frozen=True)
class MonoSettings:
    """Kaldi's defaults.

    Attributes:
        gaussians: of all pdfs together, reached at iteration `grow_until`.
        iterations: of EM.
        power: how far pdfs with more frames get more Gaussians.
    """

    gaussians: int = 1000
    iterations: int = 40
    grow_until: int = 30
    power: float = 0.25


def train_mono(
    pool: WorkerPool, lang: Lang, where: str, settings: MonoSettings, beams: Beams, seed: int, log: Log
) -> Model:
    """Train on the utterances of `pool`, which hold Shares.

    Args:
        where: the lang folder, for messages.

    All pdfs start as one Gaussian of all frames, and utterances as evenly divided.

    Raises:
        TopologyError, ModelFileError: an inconsistent lang folder.
    """
    topology = Topology.from_text(lang.topo, f"{where}/topo")
    tree = monophone_tree(lang.sets, {phone: topology.classes(phone) for phone in topology.phones})
    mean, variance = cmvn.mean_and_variance(sum(pool.ask("moments")))
    gmm = single_gaussians(np.tile(mean, (tree.num_pdfs, 1)), np.tile(variance, (tree.num_pdfs, 1)))
    model = Model(tree, transitions_of(tree, topology), gmm)
    log(f"{len(topology.phones)} phones, {tree.num_pdfs} pdfs")
    pool.ask("compile", model.transitions, tree)
    pool.ask("align_evenly", seed)
    log(f"iteration 0: aligned evenly, {sum(pool.ask('count_failed'))} not at all")
    first = np.random.default_rng([seed, 0])
    statistics = total_statistics(pool, model)
    model = estimate(model, statistics, gmm.num_gaussians, settings.power, first, EARLY_OCCUPANCY)
    schedule = Schedule(
        settings.iterations, REALIGN, settings.gaussians, settings.grow_until, settings.power, beams, FIRST_BEAM
    )
    return train(pool, model, schedule, seed, log)
