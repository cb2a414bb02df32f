"""A validation: criteria of the development data, samples, the checkpoint, and whether the training is over."""

import math

import torch

from nrsr.errors import NrsrError
from nrsr.experiment.average import average_experiment, prune_validations, rank, save_validation
from nrsr.experiment.generators import fixed_generators
from nrsr.systems import System
from nrsr.training import messages
from nrsr.training.log import TrainingLog
from nrsr.training.plan import Training
from nrsr.training.progress import Clock, Means, Progress
from nrsr.training.resumption import save_state
from nrsr.training.stopping import StopSignal, TrainingStopped


class TrainingError(NrsrError):
    """A training cannot go on."""


def finish_part(
    training: Training, progress: Progress, clock: Clock, log: TrainingLog, stop: StopSignal, epoch_over: bool
) -> None:
    """Validate, save, keep the best validations, and see whether the training is over.

    Raises:
        TrainingStopped: by a signal, after saving; resumed, the training validates at once.
        TrainingError: a turn has not made a single step of the whole training.
        NrsrError: the system ends the training, such as by a collapse; nothing of this validation is saved, so that
            the same command ends alike.
    """
    settings, folder, first = training.settings, training.folder, training.processes.rank == 0
    with training.mean_weights(), fixed_generators(training.config.seed):
        criteria = validate(training, training.dev_batches(), stop)
        stopped = training.processes.anywhere(bool(stop.name))[0]
        if first and not stopped:
            log.samples(take_samples(training), training.config.sample_rate, progress.step)
    if stopped:
        save_state(training, progress, clock)
        raise TrainingStopped(messages.stopped(stop, training, progress))
    if epoch_over:
        progress.epoch, progress.position = progress.epoch + 1, 0
    entry = {
        "epoch": progress.epoch,
        "step": progress.step,
        "skipped_steps": progress.skipped,
        "train": Means(progress.sums).take(),
        "dev": criteria,
        "seconds": clock.tick(),
    }
    if training.device.type == "cuda":
        entry["gpu_gib"] = torch.cuda.max_memory_allocated(training.device) / 2**30
    progress.history.append(entry)
    remarks = remarks_of(training, progress, log)
    keys = selection_keys(training, progress)
    ranked = rank(keys)
    over = progress.epoch == settings.epochs or progress.step == settings.steps
    early = settings.patience is not None and len(keys) - 1 - first_best(keys) >= settings.patience
    idle = [turn.name for turn in training.turns if not progress.updates.get(turn.name)]
    if idle and (over or early):
        raise TrainingError(messages.idle(training, idle))
    with clock.measuring("logging"):
        if first:
            number = entry[settings.unit]
            with training.mean_weights():
                save_validation(folder, settings.unit, number, training.weights(), keys[number])
            prune_validations(folder, {*ranked[: settings.average], number})
            if over or early:
                average_experiment(folder, min(settings.average, len(keys)))
        progress.finished = over or early
        save_state(training, progress, clock)
        log.validations(progress.history)
        log.scalars({f"dev/{name}": value for name, value in criteria.items()}, progress.step)
    log.line(messages.validated(training, progress))
    for remark in remarks:
        log.line(f"note: {remark}")
    if progress.finished:
        log.line(messages.selected(training, sorted(ranked[: settings.average]), early and not over))


def remarks_of(training: Training, progress: Progress, log: TrainingLog) -> list[str]:
    """The system's remarks on the validations; where it ends the training, the log has the last one and the reason."""
    try:
        return training.system.remarks([validation["dev"] for validation in progress.history])
    except NrsrError as error:
        log.validations(progress.history)
        log.line(messages.validated(training, progress))
        log.line(f"ended: {error}")
        raise


def selection_keys(training: Training, progress: Progress) -> dict[int, float]:
    """The key of each validation by epoch or step, lowest for the best."""
    settings = training.settings
    selection = settings.selection
    return {entry[settings.unit]: selection.key(entry["dev"], number) for number, entry in enumerate(progress.history)}


def first_best(keys: dict[int, float]) -> int:
    """The index of the first validation that no later one improves on."""
    values = [math.inf if math.isnan(value) else value for value in keys.values()]
    return values.index(min(values))


@torch.no_grad()
def validate(training: Training, batches: list, stop: StopSignal | None = None) -> dict[str, float]:
    """Criteria over batches of the development data: sums divided by counts, brought to the host at the end.

    The processes take turns with the batches, and all get the same criteria.
    """
    sums: dict[str, torch.Tensor] = {}
    processes = training.processes
    training.system.eval()
    for batch in training.loaded(training.dev_set, batches[processes.rank :: processes.size]):
        if stop is not None and stop.name:
            break
        for name, (value, count) in training.system.validate(batch.to(training.device)).items():
            pair = torch.stack([value.double(), count.double()])
            sums[name] = sums[name] + pair if name in sums else pair
    parts = processes.gathered(host(sums))
    names = dict.fromkeys(name for part in parts for name in part)
    whole = {
        name: [sum(column) for column in zip(*(p[name] for p in parts if name in p), strict=True)] for name in names
    }
    return {name: value / count if count else math.nan for name, (value, count) in whole.items()}


@torch.no_grad()
def take_samples(training: Training) -> dict[str, torch.Tensor]:
    """The system's samples for the first batch of the development data; none from a system without samples."""
    if type(training.system).samples is System.samples:
        return {}
    training.system.eval()
    batch = next(training.loaded(training.dev_set, training.dev_batches()[:1]))
    return training.system.samples(batch.to(training.device))


def host(tensors: dict[str, torch.Tensor]) -> dict[str, list[float]]:
    """Small tensors of one shape as lists, in one transfer."""
    return dict(zip(tensors, torch.stack(list(tensors.values())).tolist(), strict=True)) if tensors else {}
