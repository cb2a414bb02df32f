"""From a config and data directories to an experiment folder: set-up and resumption around the loop."""

import hashlib
import sys
from collections.abc import Collection
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from nrsr.config import ConfigError, build
from nrsr.data.batches import BatchSettings
from nrsr.data.training_set import TrainingSet
from nrsr.data.units import Units
from nrsr.experiment.frozen import parted, write_frozen
from nrsr.experiment.generators import fixed_generators, seed_generators
from nrsr.experiment.modules import ALL, freeze, initialise, refuse_random
from nrsr.experiment.settings import ExperimentSettings, parse_experiment
from nrsr.experiment.statistics_settings import check_feature_settings
from nrsr.files import remove_leftovers
from nrsr.folders import alone_in
from nrsr.kaldi.audio_states import (
    StaleError,
    audio_states,
    changed_utterances,
    check_states,
    statistics_of,
    write_states,
)
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.tables import read_table
from nrsr.nn import GlobalNorm
from nrsr.systems import System, build_system, system_class
from nrsr.training.descriptions import list_skipped, write_descriptions
from nrsr.training.ema import Ema
from nrsr.training.finished import PLACES, leave_finished, places_of
from nrsr.training.loop import train
from nrsr.training.plan import Training
from nrsr.training.processes import Processes, joined_processes
from nrsr.training.progress import Progress
from nrsr.training.resumption import read_state, resume
from nrsr.training.schedules import Schedule
from nrsr.training.turns import build_turns, check_moves
from nrsr.training.validation import TrainingError, validate

RANK_STRIDE = 1_000_003  # between the seeds of one training's processes, so that none has those of another training


def run_training(
    config: dict[str, Any],
    seed: int,
    train_dir: str | Path,
    dev_dir: str | Path,
    units_dir: str | Path | None,
    folder: str | Path,
    *,
    allow_pipes: bool = False,
) -> Progress:
    """Train an experiment from the start or from last.pt; a finished one is left as it is (`leave_finished`).

    Args:
        units_dir: folder of nrsr make-units, `units` in `folder` if None; systems that need no units have none.

    Returns:
        The counters at the end.

    Raises:
        NrsrError: anything that does not fit, named, before the training begins where it can be known then.
    """
    folder, settings = Path(folder), parse_experiment({**config, "seed": seed})
    units = read_units(settings, units_dir, folder)
    with joined_processes() as processes, alone_in(folder, "nrsr train") if processes.rank == 0 else nullcontext():
        first = processes.rank == 0
        if first:
            remove_leftovers(folder)
        processes.wait()
        state = read_state(folder, settings.config)
        directories = {"train": train_dir, "dev": dev_dir}
        if state and state["progress"].finished:
            if first:
                leave_finished(folder, settings.config, state, directories)
            return state["progress"]
        training = make_training(settings, (train_dir, dev_dir), units, folder, processes, allow_pipes, state)
        # Dropout and masking draw from here on, the same numbers whatever the initialisation has drawn.
        seed_generators(seed + 1 + processes.rank * RANK_STRIDE)
        progress = resume(training, state) if state else Progress()
        check_audio(folder, directories, resumed=bool(state), write=first)
        check_frames(training, resumed=bool(state), write=first)
        train(training, progress)
        return progress


def make_training(
    config: ExperimentSettings,
    directories: tuple[str | Path, str | Path],
    units: Units | None,
    folder: Path,
    processes: Processes,
    allow_pipes: bool,
    state: dict[str, Any] | None = None,
) -> Training:
    """Data, system and turns of an experiment, in order to begin; the folder gets its descriptions.

    Args:
        directories: of the training and of the development data.
        state: last.pt of a training that goes on; its weights are not looked for elsewhere again.
    """
    sets = [open_data(config.config, path, units, config.batches, allow_pipes) for path in directories]
    sets[0].prepare_for_training()
    metadata = sets[0].metadata()
    sets[1].apply_metadata(metadata)
    seed_generators(config.seed)
    system = build_system(config.config, len(units) if units else None, metadata)
    check_feature_settings(folder / "statistics.ark", config.config)
    load_statistics(system, folder / "statistics.ark", config.init)
    notes = [] if state else initialise(system, config.init)
    frozen = freeze(system, config.freeze)
    if not state:
        refuse_random(system, frozen, config.init)
    for data in sets:
        data.prepare_for(system)
    identity: dict[str, Any] = {"config": config.config, "data": digests(sets, units)}
    identity[PLACES] = places_of(folder, dict(zip(("train", "dev"), directories, strict=True)))
    if state and "frozen" in state:
        identity["frozen"] = state["frozen"]
    elif frozen and processes.rank == 0:
        identity["frozen"] = write_frozen(folder, parted(system.state_dict(), frozen)[1])
    system.to(processes.device)
    turns = build_turns(config.turns, system, config.training.precision)
    ema = Ema(system, config.training.ema) if config.training.ema else None
    training = Training(folder, config, identity, system, turns, *sets, processes, frozen, ema)
    check_moves(turns, training.total_steps)
    if not state:
        training.prepare()
    if processes.rank == 0:
        list_skipped(sets, folder)
        for note in notes:
            print(note, file=sys.stderr)
        write_descriptions(folder, config.config, units, metadata)
    check_selection(training)
    return training


def digests(sets: list[TrainingSet], units: Units | None) -> dict[str, str]:
    """Digests that are equal if two trainings have the same data and units."""
    data = {"train": sets[0].fingerprint(), "dev": sets[1].fingerprint()}
    return {**data, "units": digest(units.symbols)} if units else data


def check_audio(folder: Path, directories: dict[str, str | Path], *, resumed: bool, write: bool) -> None:
    """Refuse audio that has changed since the statistics were computed, or since the training to resume began.

    EXP/train.utt2audio and EXP/dev.utt2audio list the size and time of those audio files.

    Raises:
        StaleError: it has.
    """
    for name, path in directories.items():
        if not (Path(path) / "wav.scp").is_file():
            continue  # features alone, or data of another kind
        data, states = DataDir(path), folder / f"{name}.utt2audio"
        if name == "train":
            statistics = folder / "statistics.ark"
            check_states(statistics_of(statistics), data, f"{statistics} was made", "run nrsr compute-cmvn again")
        if resumed:
            cure = f"remove {folder / 'last.pt'} to start anew"
            check_states(states, data, "this training began", cure, parallel=True)
        if write and not (resumed and states.is_file()):
            write_states(states, audio_states(data, parallel=True))


def check_frames(training: Training, *, resumed: bool, write: bool) -> None:
    """Refuse stored frames that have changed since the training to resume began, as those of another teacher.

    EXP/train.utt2frames and EXP/dev.utt2frames list the size and time of the files that have them. Trainings that
    began without these lists are not refused.

    Raises:
        StaleError: they have changed.
    """
    for name, data in {"train": training.train_set, "dev": training.dev_set}.items():
        states, path = data.frame_states(), training.folder / f"{name}.utt2frames"
        known = resumed and path.is_file()
        if known and (changed := changed_utterances(path, states)):
            raise StaleError(
                f"data.frames: the stored frames of {len(changed)} utterances of {data.path} have changed since this "
                f"training began (size or time of files), the first is {changed[0]!r}; remove "
                f"{training.folder / 'last.pt'} to start anew, or remove {path} if they are the same frames"
            )
        if write and not known:
            write_states(path, states)


def read_units(config: ExperimentSettings, units_dir: str | Path | None, folder: Path) -> Units | None:
    """The units of an experiment, None for a system that needs none.

    Raises:
        ConfigError: units of another kind or number than the config says, or units for a system that needs none.
        UnitsError: a units folder that is missing or broken.
    """
    if not system_class(config.config).needs_units:
        if units_dir is not None or config.units is not None:
            name = config.config["system"]["class"]
            raise ConfigError(f"{name} has no output units; leave out --units, and `units` in the config")
        return None
    units_dir = units_dir or folder / "units"
    units = Units.load(units_dir)
    kind = units.kind if config.units is None else config.units.get("kind")
    if kind != units.kind:
        raise ConfigError(f"units.kind: {kind}, but {units_dir} holds {units.kind} units; run nrsr make-units again")
    size, pieces = (config.units or {}).get("size"), len(units) - 2  # without the blank and <sos/eos>
    if units.kind == "bpe" and size is not None and size != pieces:
        cure = f"run nrsr make-units again, or set units.size to {pieces}"
        raise ConfigError(f"units.size: {size}, but {units_dir} holds {pieces} BPE pieces; {cure}")
    return units


def open_data(
    config: dict[str, Any], path: str | Path, units: Units | None, settings: BatchSettings, allow_pipes: bool
) -> TrainingSet:
    """A data directory as the data that the config's system takes, with the options of the key `data`."""
    kind = system_class(config).data
    spec = {"class": f"{kind.__module__}.{kind.__qualname__}", **data_options(config)}
    given = {"path": path, "units": units, "rate": config["sample_rate"], "settings": settings}
    return build(spec, TrainingSet, "data", **given, allow_pipes=allow_pipes)


def data_options(config: dict[str, Any]) -> dict[str, Any]:
    """The key `data` of a config.

    Raises:
        ConfigError: no options of the data that the system takes.
    """
    options = config.get("data", {})
    if not isinstance(options, dict) or "class" in options:
        kind = system_class(config).data.__name__
        raise ConfigError(f"data: expected options of {kind}, which the system takes, found {options!r}")
    return options


def load_statistics(system: System, path: Path, init: Collection[str] = ()) -> None:
    """Give each normalisation of the system its statistics, strictly: all that it needs and no others.

    Args:
        init: modules whose weights come from elsewhere, with their statistics: they need none of the file.

    Raises:
        TrainingError: statistics missing or left over.
    """
    norms = {name: module for name, module in system.named_modules() if isinstance(module, GlobalNorm)}
    cure = f"run nrsr compute-cmvn --config CONFIG --out {path} DATA"
    if not path.exists():
        if not all(any(module == ALL or f"{name}.".startswith(f"{module}.") for module in init) for name in norms):
            raise TrainingError(f"{path}: no such file; {cure}")
        return
    statistics = dict(read_table(f"ark:{path}"))
    if statistics.keys() != norms.keys():
        odd = ", ".join(sorted(statistics.keys() ^ norms.keys()))
        raise TrainingError(f"{path}: made for another system ({odd} on one side alone); {cure}")
    for name, module in norms.items():
        module.load_statistics(statistics[name])


def check_selection(training: Training) -> None:
    """Validate one batch, so that a misspelt `training.select` or a bad system shows before hours of training."""
    with fixed_generators(training.config.seed):
        criteria = validate(training, training.dev_batches()[:1])
    selection = training.settings.selection
    if selection.criterion and selection.criterion not in criteria:
        known = ", ".join(sorted(criteria))
        raise ConfigError(
            f"training.select: {selection.criterion!r} is no criterion of this system; it has {known}; or take last"
        )
    following = [turn.name for turn in training.turns if type(turn.schedule).epochs_done is not Schedule.epochs_done]
    if following and not selection.criterion:
        raise ConfigError(
            f"training.select: last names no criterion for the schedule of turn {', '.join(following)}, which follows "
            "one; name a criterion, or take another schedule"
        )


def digest(symbols: list[str]) -> str:
    """A short hash of a list of units."""
    return hashlib.sha256("\n".join(symbols).encode()).hexdigest()
