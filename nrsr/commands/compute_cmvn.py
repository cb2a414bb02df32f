"""Compute mean and variance statistics: of stored features, or of the waveforms that a system normalises itself.

Example:
    nrsr compute-cmvn --by speaker data/train data/dev
    nrsr compute-cmvn --config conf/system.yaml --out exp/x/statistics.ark data/train

The first form reads feats.scp of each DATA and writes Kaldi's DATA/cmvn.ark and cmvn.scp, one matrix per speaker,
utterance, or one named `global`. The second builds the system that the config describes, runs the audio of DATA through
its features (as the first epoch has it, where the config says data.augment), or the features of DATA where it takes
those, and writes one matrix for each of its GlobalNorm modules, named as the module.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nrsr.config import load_yaml
from nrsr.errors import NrsrError

if TYPE_CHECKING:
    import numpy as np
    from torch import nn


class StatisticsDataError(NrsrError):
    """Options or data from which no statistics can be computed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The data, and either --by for stored features or --config with --out for a system."""
    parser.add_argument("data", metavar="DATA", nargs="+", help="data directories; a single one with --config")
    parser.add_argument(
        "--by", choices=("speaker", "utterance", "global"), help="matrices per speaker, per utterance, or one (speaker)"
    )
    parser.add_argument("--config", help="YAML file of a system")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of the config")
    parser.add_argument("--out", metavar="ARK", help="file for the system's statistics, with --config")
    parser.add_argument("--allow-pipes", action="store_true", help="run the commands that wav.scp may hold")


def run(args: argparse.Namespace) -> None:
    """Write cmvn.scp of each data directory, or the statistics of one system."""
    if (args.config is None) != (args.out is None) or (args.config and args.by):
        raise StatisticsDataError("give either --by, or --config with --out; `nrsr compute-cmvn --help` shows both")
    if args.config:
        if len(args.data) > 1:
            raise StatisticsDataError(f"--config takes one data directory, not {len(args.data)}; join them first")
        of_system(load_yaml(args.config, args.set), args.data[0], args.out, args.allow_pipes)
    else:
        for data in args.data:
            of_features(data, args.by or "speaker")


def of_features(data: str, by: str) -> None:
    """Write DATA/cmvn.ark and DATA/cmvn.scp from DATA/feats.scp."""
    from nrsr.folders import making

    with making(data, "nrsr compute-cmvn", anew=False):
        matrices = write_features_statistics(data, by)
    print(f"nrsr compute-cmvn: {data}/cmvn.scp: {matrices} matrices", file=sys.stderr)


def write_features_statistics(data: str, by: str) -> int:
    """Write the statistics of stored features; returns the number of matrices."""
    from nrsr.kaldi import DataDir, TableWriter, open_table
    from nrsr.kaldi.audio_states import refuse_stale_features
    from nrsr.progress import track
    from nrsr.signal import cmvn

    directory = DataDir(data)
    refuse_stale_features(directory)
    speaker_of = directory.read("utt2spk") if by == "speaker" else {}
    stats = defaultdict(float)
    for name, features in track(open_table(directory.path / "feats.scp").items(), f"statistics of {data}"):
        if by == "speaker" and name not in speaker_of:
            raise StatisticsDataError(f"{data}/utt2spk: lacks utterance {name} of feats.scp; run nrsr fix-data {data}")
        key = {"speaker": speaker_of.get(name), "utterance": name, "global": "global"}[by]
        stats[key] = stats[key] + cmvn.accumulate(features)
    if not stats:
        raise StatisticsDataError(f"{directory.path / 'feats.scp'}: lists no features; run nrsr make-feats {data}")
    with TableWriter(f"ark,scp:{directory.path / 'cmvn.ark'},{directory.path / 'cmvn.scp'}") as writer:
        for key in sorted(stats):
            writer[key] = stats[key]
    return len(stats)


def of_system(config: dict[str, Any], data: str, out: str, allow_pipes: bool) -> None:
    """Write the statistics of each GlobalNorm of a system."""
    import torch

    from nrsr.data.frames import FrameDataset
    from nrsr.data.mels import MelDataset
    from nrsr.experiment.statistics_settings import write_feature_settings
    from nrsr.kaldi import DataDir, TableWriter
    from nrsr.kaldi.audio_states import audio_states, statistics_of, write_states
    from nrsr.nn import GlobalNorm
    from nrsr.systems import system_class

    states = audio_states(DataDir(data))
    with torch.inference_mode():
        stored = issubclass(system_class(config).data, FrameDataset | MelDataset)
        accumulate = system_of_frames if stored else system_of_waves
        system = accumulate(config, data, allow_pipes)
    norms = {name: module for name, module in system.named_modules() if isinstance(module, GlobalNorm)}
    with TableWriter(f"ark:{out}") as writer:
        for name, module in sorted(norms.items()):
            writer[name] = module.statistics()
    write_feature_settings(out, config)
    write_states(statistics_of(out), states)
    print(f"nrsr compute-cmvn: {out}: {', '.join(sorted(norms)) or 'nothing to normalise'}", file=sys.stderr)


def system_of_waves(config: dict[str, Any], data: str, allow_pipes: bool) -> "nn.Module":
    """A system with the statistics of a data directory's audio accumulated."""
    from nrsr.data.labels import open_labels
    from nrsr.data.waveforms import WaveformDataset
    from nrsr.experiment.modules import initialise
    from nrsr.experiment.settings import parse_init
    from nrsr.kaldi import DataDir
    from nrsr.nn import GlobalNorm
    from nrsr.progress import track
    from nrsr.signal.padded import chunks, padded_batches
    from nrsr.systems import build_system, system_class
    from nrsr.training.run import data_options

    options = data_options(config)
    directory = DataDir(data, channel=options.get("channel"))
    labels = open_labels(options.get("labels"), directory)
    for kind in labels.values():
        kind.learn(directory.utterances)
    metadata = {"classes": {name: kind.learnt() for name, kind in labels.items()}} if labels else {}
    system = build_system(config, vocabulary=4, metadata=metadata).eval()
    if not any(isinstance(module, GlobalNorm) for module in system.modules()):
        return system
    # Features with weights are normalised as they are when training begins.
    features = {name: entry for name, entry in parse_init(config.get("init") or {}).items() if _is_features(name)}
    for note in initialise(system, features):
        print(note, file=sys.stderr)
    if "augment" in options and issubclass(system_class(config).data, WaveformDataset):
        waves = augmented_waves(config, data, allow_pipes)
    else:
        waves = directory.waves(rate=config["sample_rate"], allow_pipes=allow_pipes)
    if not len(waves):
        raise StatisticsDataError(f"{data}/wav.scp: lists no audio of any utterance; check it and utt2spk")
    if silent := [name for name in directory.utterances if name not in waves]:
        note = f"{len(silent)} utterances have no audio and are left out, the first is {silent[0]}"
        print(f"nrsr compute-cmvn: {data}: {note}", file=sys.stderr)
    todo = chunks(list(waves))
    for chunk in track(todo, f"statistics of {data}, {len(todo)} chunks"):
        for _, batch, lengths in padded_batches(waves, chunk, config["sample_rate"]):
            system.accumulate_statistics(batch, lengths)
    return system


def _is_features(module: str) -> bool:
    return module.split(".")[0] == "features"


def augmented_waves(config: dict[str, Any], data: str, allow_pipes: bool) -> "Mapping[str, np.ndarray]":
    """The audio of a data directory as the first epoch of training reads it; generated when it is read."""
    from nrsr.data.batches import BatchSettings
    from nrsr.data.drawn_waves import DrawnWaves
    from nrsr.training.run import open_data

    options = {key: value for key, value in config["data"].items() if key != "labels"}
    dataset = open_data({**config, "data": options}, data, None, BatchSettings(shortest=0.0), allow_pipes)
    dataset.prepare_for_training()
    return DrawnWaves(dataset, config.get("seed", 0))


def system_of_frames(config: dict[str, Any], data: str, allow_pipes: bool) -> "nn.Module":
    """A system with the statistics of a data directory's stored features accumulated, as training reads them."""
    import torch

    from nrsr.data.batches import BatchSettings
    from nrsr.progress import track
    from nrsr.systems import build_system
    from nrsr.training.run import open_data

    frames = open_data(config, data, None, BatchSettings(), allow_pipes)
    if frames.skipped:
        note = f"{len(frames.skipped)} utterances are left out: {frames.reasons()}"
        print(f"nrsr compute-cmvn: {data}: {note}", file=sys.stderr)
    system = build_system(config, metadata=frames.metadata()).eval()
    for name in track(frames.ids, f"statistics of {data}, {len(frames.ids)} utterances"):
        features = torch.from_numpy(frames.features[name])
        system.accumulate_statistics(features.unsqueeze(0), torch.tensor([len(features)]))
    return system
