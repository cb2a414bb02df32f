"""A finished training that is started again: compared with its config and data, and left as it is."""

import os
import pickle
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

from nrsr.config import load_yaml, save_yaml
from nrsr.experiment.differences import ABSENT, changed_values, differences, is_harmless
from nrsr.experiment.moved import relocated
from nrsr.folders import alone_in
from nrsr.kaldi.audio_states import StaleError, audio_states, changed_utterances
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lists import read_list
from nrsr.training.progress import Progress
from nrsr.training.validation_lines import write_validations

PLACES = "places"  # section of last.pt: absolute paths of the experiment and of its data directories, by name


def places_of(folder: Path, directories: dict[str, str | Path]) -> dict[str, str]:
    """The section `places` of last.pt."""
    return {name: os.path.abspath(path) for name, path in {"exp": folder, **directories}.items()}


def as_now(value: Any, state: dict[str, Any], folder: Path) -> Any:
    """A value of last.pt with the paths that it would have, had the training been where its folder is now."""
    places = state.get(PLACES)
    return relocated(value, places["exp"], os.path.abspath(folder)) if is_places(places) else value


def is_places(value: Any) -> bool:
    """Whether this is a section `places`, which trainings of earlier versions lack."""
    return isinstance(value, dict) and all(isinstance(value.get(name), str) for name in ("exp", "train", "dev"))


def is_finished(folder: Path, config: dict[str, Any], directories: dict[str, str | Path]) -> bool:
    """Whether a training has finished with just this config, found without torch; if so, leaves it (`leave_finished`).

    Raises:
        StaleError: the training had other data.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return False  # all processes of a training go on to run_training
    try:
        state = plain_values(folder / "last.pt")
        progress = Progress.from_plain(state["progress"])
        same = not differences(as_now(state["config"], state, folder), config)
        same = same and not harmless_changes(load_yaml(folder / "config.yaml"), config)
    except Exception:  # whatever is wrong with the file: run_training reads it whole, and names that
        return False
    if not (progress.finished and same):
        return False
    with alone_in(folder, "nrsr train"):
        leave_finished(folder, config, {**state, "progress": progress}, directories)
    return True


def leave_finished(
    folder: Path, config: dict[str, Any], state: dict[str, Any], directories: dict[str, str | Path]
) -> None:
    """Say that a training has finished, after a look at its data; config.yaml gets settings that do not affect weights.

    Args:
        state: of last.pt, its progress as a `Progress`; made with this config.
        directories: data directories by name, `train` and `dev`.

    Raises:
        StaleError: the training had other data.
    """
    for name, path in directories.items():
        check_directory(folder, name, Path(path), state)
    update_config(folder / "config.yaml", config)
    progress = state["progress"]
    write_validations(folder, progress.history)  # a kill may have come before the last line
    epochs = config["training"].get("epochs") is not None
    length = f"{progress.epoch} epochs" if epochs else f"{progress.step} steps"
    print(f"{folder}: finished already, after {length}", file=sys.stderr)


def check_directory(folder: Path, name: str, path: Path, state: dict[str, Any]) -> None:
    """Refuse another data directory than that of a finished training, by names, sizes and times of its audio files.

    Of a directory that is gone nothing is known. Where the same directory has the same utterances in changed files, as
    after a second mixing with the same seed, it says so.
    """
    known = as_now(state[PLACES][name], state, folder) if is_places(state.get(PLACES)) else None
    same_place = known is None or os.path.realpath(known) == os.path.realpath(path)
    cure = f"use another --exp (--tag of a recipe), or remove {folder / 'last.pt'} to start anew"
    list_file = folder / f"{name}.utt2audio"
    if not path.is_dir():
        return
    if not ((path / "wav.scp").is_file() and list_file.is_file()):
        if not same_place:
            raise StaleError(f"{folder}: was trained with --{name} {known}, and not with {path}; {cure}")
        return
    now = audio_states(DataDir(path), parallel=True)
    before = read_list(list_file)
    if odd := sorted(now.keys() ^ before.keys()):
        raise StaleError(
            f"{folder}: was trained with other data than --{name} {path}: {len(odd)} utterances are in one of them "
            f"alone, the first is {odd[0]!r}; {cure}"
        )
    changed = changed_utterances(list_file, now)
    if changed and not same_place:
        raise StaleError(f"{folder}: was trained with the audio of --{name} {known}, and not of {path}; {cure}")
    if changed:
        print(
            f"{path}: the audio of {len(changed)} utterances has changed since {folder} was trained (size or time of "
            f"files), the first is {changed[0]!r}; if it is not the same audio, {cure}",
            file=sys.stderr,
        )


def harmless_changes(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Key, old and new value of settings that do not affect the weights."""
    return [change for change in changed_values(old, new) if is_harmless(change[0])]


def update_config(file: Path, config: dict[str, Any]) -> None:
    """Give config.yaml the settings of `config` that do not affect the weights, and list what changes."""
    kept = load_yaml(file)
    changes = harmless_changes(kept, config)
    for key, _, value in changes:
        *outer, name = key.split(".")
        part = kept
        for step in outer:
            part = part.setdefault(step, {})
        if value == ABSENT:
            part.pop(name, None)
        else:
            part[name] = value
    if changes:
        save_yaml(kept, file)
        text = "; ".join(f"{key}: {old} -> {new}" for key, old, new in changes)
        print(f"{file}: {text}; decode again to have what this changes", file=sys.stderr)


def plain_values(path: Path) -> dict[str, Any]:
    """What a checkpoint holds beside tensors and weights, which are read as None or as `_Unread`; needs no torch.

    Raises:
        Exception: of many kinds, where it is no checkpoint.
    """
    with zipfile.ZipFile(path) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        with archive.open(name) as stream:
            return _PlainReader(stream).load()


class _Unread:
    """In the place of a tensor."""

    def __init__(self, *arguments: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


class _PlainReader(pickle.Unpickler):
    """Reads plain values, and runs no code that a pickle names."""

    def find_class(self, module: str, name: str) -> type:
        return OrderedDict if (module, name) == ("collections", "OrderedDict") else _Unread

    def persistent_load(self, identifier: Any) -> None:
        return None
