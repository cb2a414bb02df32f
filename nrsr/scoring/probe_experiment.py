"""Probing a layer of a trained system on a data directory."""

from typing import Any, Protocol

import numpy as np

from nrsr.data.labels import Labels, LabelSettings
from nrsr.kaldi import DataDir
from nrsr.progress import track
from nrsr.scoring.hidden_frames import check_data, hidden_frames, sampled
from nrsr.scoring.probe import ProbeError, ProbeSettings, probe_accuracy
from nrsr.systems import System


class Loaded(Protocol):
    """What of an experiment is looked at."""

    config: dict[str, Any]
    system: System


def probe_experiment(
    experiment: Loaded,
    data: DataDir,
    labels: LabelSettings,
    layer: int,
    settings: ProbeSettings,
    *,
    frames: int = 10,
    utterances: int = 2000,
    seed: int = 0,
    device: str = "cpu",
) -> tuple[dict[str, Any], list[str]]:
    """What `probe_accuracy` says of a layer, with what was probed; and lines about what was left out.

    Args:
        frames: of each utterance, spread evenly over it.
        utterances: at most so many are drawn, by the seed.

    Raises:
        NrsrError: a system without such a layer, data without labels or audio or features.
    """
    if frames < 1 or utterances < 4:
        raise ProbeError("needs --frames of 1 or more and --utterances of 4 or more")
    check_data(data.path, experiment.system)
    kinds = Labels(labels, data)
    told = {name: kind for name in data.utterances if (kind := kinds.name_of(name)) is not None}
    notes = []
    if unlabelled := len(data.utterances) - len(told):
        notes.append(f"{data.path / labels.file}: {unlabelled} utterances have no label and are left out")
    names = sorted(told)
    if len(names) > utterances:
        names = sorted(np.random.default_rng(seed).choice(names, utterances, replace=False).tolist())
        notes.append(f"{data.path}: {utterances} of {len(told)} utterances are drawn")
    found: dict[str, np.ndarray] = {}
    source = hidden_frames(experiment.system, experiment.config, data, names, layer, device)
    for name, hidden in track(source, f"utterances of {data.path}", len(names)):
        if len(hidden):
            found[name] = sampled(hidden, frames).copy()
    if short := len(names) - len(found):
        notes.append(f"{data.path}: {short} utterances have no frame and are left out")
    if not all(np.isfinite(part).all() for part in found.values()):
        raise ProbeError("the hidden frames are not finite; the system's training went wrong")
    recordings = data.read("utt2noisefile") if data.has("utt2noisefile") else None
    result = probe_accuracy(found, {name: told[name] for name in found}, recordings, settings, seed)
    if result["left_out"]:
        notes.append(f"kinds with fewer than 4 utterances are left out: {', '.join(result['left_out'])}")
    if result["split_by_utterance"] and labels.file != "utt2noisefile":
        alone = ", ".join(result["split_by_utterance"])
        notes.append(f"a single noise recording, whose utterances are in both halves: {alone}")
    probed = {
        "layer": layer,
        "labels": {"file": labels.file, "missing": labels.missing, "against": labels.against},
        "utterances": len(found),
        "frames_per_utterance": frames,
        "probe": {"width": settings.width, "epochs": settings.epochs},
        "seed": seed,
    }
    return probed | result, notes
