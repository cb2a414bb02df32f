"""Viterbi EM: alignment and estimation in turns while the mixtures grow, over several processes."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np

from nrsr.hmm.aligner import Beams
from nrsr.hmm.gmm_statistics import GmmStatistics
from nrsr.hmm.gmm_update import split, updated
from nrsr.hmm.mllt import with_mllt
from nrsr.hmm.model import Model
from nrsr.hmm.worker_pool import WorkerPool

Log = Callable[[str], None]


@dataclass(frozen=True)
class Schedule:
    """When what is done.

    Attributes:
        iterations: passes over the data, counted from 1; the last number is one less, as in Kaldi's recipes.
        realign: iterations that begin with a new alignment.
        gaussians: to which number the mixtures grow, evenly until iteration `grow_until`.
        power: how far pdfs with more frames get more Gaussians.
        beams: of all alignments after the first; `first_beam` is that of the first.
        mllt: iterations that begin with an MLLT, after the alignment.
    """

    iterations: int
    realign: Collection[int]
    gaussians: int
    grow_until: int
    power: float
    beams: Beams
    first_beam: float
    mllt: Collection[int] = ()


def total_statistics(pool: WorkerPool, model: Model) -> GmmStatistics:
    """EM statistics of all processes together."""
    statistics = GmmStatistics.zeros(model.gmm, model.transitions.num_ids)
    for part in pool.ask("statistics", model.gmm):
        statistics.add(part)
    return statistics


def estimate(
    model: Model,
    statistics: GmmStatistics,
    gaussians: int,
    power: float,
    rng: np.random.Generator,
    min_occupancy: float = 10.0,
) -> Model:
    """The M-step, then growth to about `gaussians` Gaussians."""
    frames = np.add.reduceat(statistics.occupancy, model.gmm.starts[:-1])
    gmm = split(updated(model.gmm, statistics, min_occupancy), frames, gaussians, power, rng)
    return replace(model, gmm=gmm, transitions=model.transitions.updated(statistics.transitions))


def train(pool: WorkerPool, model: Model, schedule: Schedule, seed: int, log: Log) -> Model:
    """Run all iterations on the processes' utterances, which are aligned to the model's transition-ids.

    Log likelihoods are those of the features that it began with, whatever MLLT makes of them.
    """
    gaussians = float(model.gmm.num_gaussians)
    step = max(schedule.gaussians - gaussians, 0.0) / max(schedule.grow_until, 1)
    beams, log_determinant = replace(schedule.beams, beam=schedule.first_beam), 0.0
    for number in range(1, schedule.iterations):
        notes = []
        if number in schedule.realign:
            retried = sum(pool.ask("align", model.gmm, model.transitions.log_probs, beams))
            beams = schedule.beams
            failed = sum(pool.ask("count_failed"))
            notes = [f"aligned, {retried} with the wider beam, {failed} not at all"]
        if number in schedule.mllt:
            model, change = with_mllt(pool, model)
            log_determinant += change
            notes.append("MLLT")
        statistics = total_statistics(pool, model)
        # One generator per iteration, so that a change to one does not move all later ones.
        rng = np.random.default_rng([seed, number])
        used = model.gmm.num_gaussians
        model = estimate(model, statistics, round(gaussians), schedule.power, rng)
        average = statistics.log_likelihood / max(statistics.frames, 1) + log_determinant
        notes.append(f"log likelihood {average:.4f} a frame over {statistics.frames} frames with {used} Gaussians")
        log(f"iteration {number}: " + "; ".join(notes))
        if number <= schedule.grow_until:
            gaussians += step
    return model
