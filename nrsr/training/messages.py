"""The lines that a training writes into its log, and those with which it ends."""

import math
from typing import Any

from nrsr.data.batch import TrainingBatch
from nrsr.training.log import duration_text, metrics_text
from nrsr.training.plan import Training
from nrsr.training.progress import Progress
from nrsr.training.stopping import StopSignal
from nrsr.training.turns import Turn


def started(training: Training, progress: Progress, total: int) -> str:
    """At the beginning, and when a training goes on."""
    count = training.processes.size
    place = f"{training.device}" if count == 1 else f"{count} processes, {training.device.type}"
    return f"{'going on' if progress.step else 'starting'} at step {progress.step} of {total}, {place}"


def stepped(progress: Progress, means: dict[str, float], total: int, steps_a_second: float) -> str:
    """Means since the last line, and the time left."""
    left = duration_text((total - progress.step) / steps_a_second)
    return (
        f"epoch {progress.epoch + 1}, step {progress.step} of {total}: {metrics_text(means)}; "
        f"{1 / steps_a_second:.3f} s a step, {left} left"
    )


def skipped(step: int, turn: Turn, metrics: dict[str, float], ids: list[list[str]]) -> str:
    """A skipped step, with the values that were not finite and the utterances of each process."""
    bad = {name: value for name, value in metrics.items() if not math.isfinite(value)}
    names = " ".join(dict.fromkeys(name for utterances in ids for name in utterances))
    return f"step {step + 1}, turn {turn.name}: skipped, not finite: {metrics_text(bad)}; utterances {names}"


def validated(training: Training, progress: Progress) -> str:
    """After a validation."""
    settings, entry = training.settings, progress.history[-1]
    place = f"epoch {progress.epoch} of {settings.epochs}"
    if settings.epochs is None:
        place = f"step {progress.step} of {settings.steps}, {progress.epoch} epochs done"
    seconds = progress.seconds
    return (
        f"{place}: train {metrics_text(entry['train'])}; dev {metrics_text(entry['dev'])}; "
        f"wall {duration_text(seconds['wall'])}, CPU {duration_text(seconds['cpu'])}"
        + (f"; {progress.skipped} steps skipped so far" if progress.skipped else "")
    )


def selected(training: Training, numbers: list[int], early: bool) -> str:
    """The validations that model.pt averages."""
    settings = training.settings
    what = "epochs" if settings.unit == "epoch" else "validations"
    reason = f"no better {settings.selection.criterion} for {settings.patience} {what}; " if early else ""
    return f"{reason}model.pt is the mean of {settings.unit}s {', '.join(map(str, numbers))}"


def finished(training: Training, seconds: dict[str, float]) -> str:
    """At the end."""
    loading, logging = (100 * seconds[name] / seconds["wall"] for name in ("loading", "logging"))
    return (
        f"finished after {duration_text(seconds['wall'])} ({loading:.1f} % of it loading, "
        f"{logging:.1f} % logging and saving): {training.folder / 'model.pt'}"
    )


def stopped(stop: StopSignal, training: Training, progress: Progress) -> str:
    """By a signal."""
    by = stop.name or "a signal to another process"
    return f"{training.folder}: stopped by {by} after step {progress.step}, saved; the same command goes on there"


def gave_up(training: Training, progress: Progress) -> str:
    """Too many steps that are not finite."""
    return (
        f"{training.folder}: {progress.in_trouble()} steps one after the other had losses or gradients that are not "
        "finite; train.log names their utterances; look at those, or take a lower optimiser.lr, in a new --exp"
    )


def idle(training: Training, turns: list[str]) -> str:
    """Turns that made no step at all."""
    return (
        f"{training.folder}: every step of turn {', '.join(turns)} was skipped, since losses or gradients were not "
        "finite, so nothing was trained; train.log names the utterances; look at those, or take a lower optimiser.lr"
    )


def ids_of(batches: list[TrainingBatch]) -> list[str]:
    """The utterances of some batches."""
    return [name for batch in batches for name in batch.ids]


def named(values: dict[str, Any], turn: Turn, turns: list[Turn]) -> dict[str, Any]:
    """Values under the turn's name where there are several turns."""
    return values if len(turns) == 1 else {f"{turn.name}/{name}": value for name, value in values.items()}
