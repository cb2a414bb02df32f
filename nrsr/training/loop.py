"""The training loop: `train` trains every system, whether it has one turn or several."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import torch

from nrsr.data.batch import TrainingBatch
from nrsr.errors import NrsrError
from nrsr.experiment.average import average_experiment, prune_epochs, rank, save_epoch
from nrsr.experiment.settings import TrainingSettings
from nrsr.training.log import TrainingLog, duration_text, figures_text
from nrsr.training.plan import Training, validate
from nrsr.training.progress import Clock, Means, Progress
from nrsr.training.resumption import save_state
from nrsr.training.stopping import StopSignal, TrainingStopped
from nrsr.training.turns import Step, Turn


class TrainingError(NrsrError):
    """A training cannot go on."""


def train(training: Training, progress: Progress) -> None:
    """Train from where `progress` stands to the end; leaves model.pt, the mean of the best epochs.

    Raises:
        TrainingStopped: by a signal, after saving.
        TrainingError: too many steps without finite losses and gradients.
    """
    settings, system, processes = training.settings, training.system, training.processes
    opened = TrainingLog(training.folder, progress.step, silent=processes.rank > 0)
    with flushing_denormals(), opened as log, StopSignal() as stop:
        clock = Clock(progress.seconds)
        total, started_at = training.total_steps(), progress.step
        epoch_means, recent = Means(progress.sums), Means()
        saved = time.monotonic()
        log.line(
            f"{'going on' if progress.step else 'starting'} at step {progress.step} of {total}, {place_text(training)}"
        )
        while not progress.finished:
            system.train()
            for turn in training.turns:
                turn.schedule.epochs_done([entry["dev"][settings.select] for entry in progress.history])
            whole = training.plan(progress.epoch)
            groups = grouped(whole[progress.position :], processes.size * settings.accumulate)
            shared_out = [(len(group), *processes.share(group)) for group in groups]
            own = [numbers for _, batches, _ in shared_out for numbers in batches]
            loaded = clock.waiting(training.loaded(training.train_set, own), "loading")
            for size, numbers, shares in shared_out:
                batches = [batch.to(training.device) for batch in islice(loaded, len(numbers))]
                system.set_progress(progress.step / total, progress.epoch + progress.position / len(whole))
                all_made = True
                for turn in training.turns:
                    factor = turn.schedule.factor(progress.step, total)
                    step = turn.step(system, batches, shares, factor, settings.clip)
                    progress.count(turn.name, step.made)
                    if step.made:
                        epoch_means.add(*named(step, turn, training.turns))
                        recent.add(*named(step, turn, training.turns))
                    else:
                        all_made = False
                        log.line(skipped_text(progress.step, turn, step.metrics, processes.gathered(ids_of(batches))))
                processes.share_buffers(system)
                progress.step += 1
                progress.position += size
                progress.skipped += not all_made
                stopped, due = processes.anywhere(bool(stop.name), save_is_due(settings, progress, saved))
                with clock.measuring("logging"):
                    if progress.step % settings.log_steps == 0:
                        log_step(log, training, progress, recent, total, (progress.step - started_at) / clock.elapsed())
                    if stopped or due:
                        save_state(training, progress, clock)
                        saved = time.monotonic()
                if stopped:
                    raise TrainingStopped(stopped_text(stop, training, progress))
                if progress.in_trouble() >= settings.max_nonfinite:
                    raise TrainingError(gave_up_text(training, progress))
            finish_epoch(training, progress, clock, log, stop)
            saved = time.monotonic()
        log.line(finished_text(training, clock.tick()))


@contextmanager
def flushing_denormals() -> Iterator[None]:
    """Numbers next to 0 count as 0: decaying activations and moments otherwise slow a CPU down many times."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def grouped(batches: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Runs of `size` batches, the last one of what is left."""
    return [batches[start : start + size] for start in range(0, len(batches), size)]


def ids_of(batches: Sequence[TrainingBatch]) -> list[str]:
    """The utterances of some batches."""
    return [name for batch in batches for name in batch.ids]


def finish_epoch(training: Training, progress: Progress, clock: Clock, log: TrainingLog, stop: StopSignal) -> None:
    """Validate, save, keep the best epochs, and see whether the training is over."""
    settings, folder = training.settings, training.folder
    criteria = validate(training, training.dev_batches(), stop)
    if training.processes.anywhere(bool(stop.name))[0]:
        save_state(training, progress, clock)  # the epoch's steps are all done: resumed, it validates at once
        raise TrainingStopped(stopped_text(stop, training, progress))
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
    ranked = rank({entry["epoch"]: entry["dev"][settings.select] for entry in progress.history})
    over = progress.epoch == settings.epochs
    early = settings.patience is not None and progress.epoch - first_best(progress, settings) >= settings.patience
    idle = [turn.name for turn in training.turns if not progress.made.get(turn.name)]
    if idle and (over or early):
        raise TrainingError(idle_text(training, idle))
    with clock.measuring("logging"):
        if training.processes.rank == 0:
            save_epoch(folder, progress.epoch, training.system.state_dict(), criteria[settings.select])
            prune_epochs(folder, {*ranked[: settings.average], progress.epoch})
            if over or early:
                average_experiment(folder, min(settings.average, progress.epoch))
        progress.finished = over or early
        save_state(training, progress, clock)
        log.epochs(progress.history)
        log.scalars({f"dev/{name}": value for name, value in criteria.items()}, progress.step)
    seconds = progress.seconds
    log.line(
        f"epoch {progress.epoch} of {settings.epochs}: train {figures_text(entry['train'])}; "
        f"dev {figures_text(criteria)}; wall {duration_text(seconds['wall'])}, CPU {duration_text(seconds['cpu'])}"
        + (f"; {progress.skipped} steps skipped so far" if progress.skipped else "")
    )
    if progress.finished:
        reason = f"no better {settings.select} for {settings.patience} epochs; " if early and not over else ""
        averaged = sorted(ranked[: settings.average])
        log.line(f"{reason}model.pt is the mean of epochs {', '.join(map(str, averaged))}")


def first_best(progress: Progress, settings: TrainingSettings) -> int:
    """The first epoch that no later one has bettered."""
    values = [entry["dev"][settings.select] for entry in progress.history]
    values = [math.inf if math.isnan(value) else value for value in values]
    return values.index(min(values)) + 1


def save_is_due(settings: TrainingSettings, progress: Progress, saved: float) -> bool:
    """Whether steps or minutes since the last save ask for another one."""
    if settings.save_steps is not None and progress.step % settings.save_steps == 0:
        return True
    return time.monotonic() - saved > 60 * settings.save_minutes


def named(step: Step, turn: Turn, turns: list[Turn]) -> tuple[dict[str, float], dict[str, float]]:
    """A step's metrics, with the learning rate, and counts; under the turn's name where there are several turns."""
    prefix = "" if len(turns) == 1 else f"{turn.name}/"
    metrics = {**step.metrics, "lr": turn.optimiser.param_groups[0]["lr"]}
    return tuple({f"{prefix}{name}": value for name, value in values.items()} for values in (metrics, step.counts))


def log_step(
    log: TrainingLog, training: Training, progress: Progress, recent: Means, total: int, steps_a_second: float
) -> None:
    """A line and curve points: means since the last line, and the time left."""
    means = recent.take()
    log.scalars({f"train/{name}": value for name, value in means.items()}, progress.step)
    left = duration_text((total - progress.step) / steps_a_second)
    log.line(
        f"epoch {progress.epoch + 1}, step {progress.step} of {total}: {figures_text(means)}; "
        f"{1 / steps_a_second:.3f} s a step, {left} left"
    )


def skipped_text(step: int, turn: Turn, figures: dict[str, float], ids: list[list[str]]) -> str:
    bad = {name: value for name, value in figures.items() if not math.isfinite(value)}
    names = " ".join(dict.fromkeys(name for own in ids for name in own))
    return f"step {step + 1}, turn {turn.name}: skipped, not finite: {figures_text(bad)}; utterances {names}"


def place_text(training: Training) -> str:
    count = training.processes.size
    return f"{training.device}" if count == 1 else f"{count} processes, {training.device.type}"


def stopped_text(stop: StopSignal, training: Training, progress: Progress) -> str:
    by = stop.name or "a signal to another process"
    return f"{training.folder}: stopped by {by} after step {progress.step}, saved; the same command goes on there"


def gave_up_text(training: Training, progress: Progress) -> str:
    return (
        f"{training.folder}: {progress.in_trouble()} steps one after the other had losses or gradients that are not "
        "finite; train.log names their utterances; look at those, or take a lower optimiser.lr, in a new --exp"
    )


def idle_text(training: Training, turns: list[str]) -> str:
    return (
        f"{training.folder}: every step of turn {', '.join(turns)} was skipped, since losses or gradients were not "
        "finite, so nothing was trained; train.log names the utterances; look at those, or take a lower optimiser.lr"
    )


def finished_text(training: Training, seconds: dict[str, float]) -> str:
    loading, logging = (100 * seconds[name] / seconds["wall"] for name in ("loading", "logging"))
    return (
        f"finished after {duration_text(seconds['wall'])} ({loading:.1f} % of it loading, "
        f"{logging:.1f} % logging and saving): {training.folder / 'model.pt'}"
    )
