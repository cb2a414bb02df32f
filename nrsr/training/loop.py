"""The training loop: `train` trains every system, whether it has one turn or several."""

import time
from itertools import islice

from nrsr.denormals import flushing_denormals
from nrsr.experiment.settings import TrainingSettings
from nrsr.training import messages
from nrsr.training.log import TrainingLog
from nrsr.training.plan import Training
from nrsr.training.progress import Clock, Means, Progress
from nrsr.training.resumption import save_state
from nrsr.training.stopping import StopSignal, TrainingStopped
from nrsr.training.validation import TrainingError, finish_part, selection_keys


def train(training: Training, progress: Progress) -> None:
    """Train from `progress` to the end, and write model.pt, the mean of the best validations.

    Raises:
        TrainingStopped: by a signal, after saving.
        TrainingError: too many steps without finite losses and gradients.
    """
    settings, system, processes = training.settings, training.system, training.processes
    opened = TrainingLog(training.folder, progress.step, silent=processes.rank > 0)
    with flushing_denormals(), opened as log, StopSignal() as stop:
        clock = Clock(progress.seconds)
        total, started_at = training.total_steps, progress.step
        means, recent = Means(progress.sums), Means()
        saved = time.monotonic()
        for text in (messages.started(training, progress, total), *training.remarks):
            log.line(text)
        while not progress.finished:
            training.train_mode()
            for turn in training.turns:
                turn.schedule.epochs_done(list(selection_keys(training, progress).values()))
            planned = training.plan(progress.epoch)
            steps = training.steps_to_validation(planned, progress)
            items = [numbers for groups in steps for group in groups for numbers in group.local]
            loaded = clock.waiting(training.loaded(training.train_set, items), "loading")
            for groups in steps:
                read = [[batch.to(training.device) for batch in islice(loaded, len(group.local))] for group in groups]
                system.set_progress(progress.step / total, progress.epoch + progress.position / len(planned))
                all_updated = True
                for turn in training.turns:
                    if not turn.settings.moves(progress.step):
                        continue
                    weights = turn.settings.weights_at(progress.step)
                    for repeat in range(min(turn.settings.repeat, len(groups))):
                        factor = turn.factor(progress.step, repeat, total)
                        step = turn.step(system, read[repeat], groups[repeat].shares, factor, weights)
                        progress.count(turn.name, step.updated)
                        all_updated &= step.updated
                        if step.updated:
                            metrics = {**step.metrics, "lr": turn.optimiser.param_groups[0]["lr"]}
                            named = [messages.named(part, turn, training.turns) for part in (metrics, step.counts)]
                            means.add(*named)
                            recent.add(*named)
                        else:
                            ids = processes.gathered(messages.ids_of(read[repeat]))
                            log.line(messages.skipped(progress.step, turn, step.metrics, ids))
                if training.ema:
                    training.ema.update()
                processes.share_buffers(system)
                progress.step += 1
                progress.position += sum(group.size for group in groups)
                progress.skipped += not all_updated
                stopped, due = processes.anywhere(bool(stop.name), save_is_due(settings, progress, saved))
                with clock.measuring("logging"):
                    if progress.step % settings.log_steps == 0:
                        taken, rate = recent.take(), (progress.step - started_at) / clock.elapsed()
                        log.scalars({f"train/{name}": value for name, value in taken.items()}, progress.step)
                        log.line(messages.stepped(progress, taken, total, rate))
                    if stopped or due:
                        save_state(training, progress, clock)
                        saved = time.monotonic()
                if stopped:
                    raise TrainingStopped(messages.stopped(stop, training, progress))
                if progress.in_trouble() >= settings.max_nonfinite:
                    raise TrainingError(messages.gave_up(training, progress))
            epoch_over = progress.position >= len(planned)
            if training.validation_is_due(planned, progress):
                finish_part(training, progress, clock, log, stop, epoch_over)
                saved = time.monotonic()
            elif epoch_over:
                progress.epoch, progress.position = progress.epoch + 1, 0
        log.line(messages.finished(training, clock.tick()))


def save_is_due(settings: TrainingSettings, progress: Progress, saved: float) -> bool:
    """Whether steps or minutes since the last save ask for another one."""
    if settings.save_steps is not None and progress.step % settings.save_steps == 0:
        return True
    return time.monotonic() - saved > 60 * settings.save_minutes
