"""Probing a layer of a trained system: which utterances, which of their frames, and the accuracy of the probe."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from nrsr.data.labels import Labels, LabelSettings
from nrsr.kaldi import DataDir
from nrsr.listing import shown
from nrsr.scoring.probe import ProbeError, ProbeSettings, probe_accuracy


def drawn_labels(data: DataDir, labels: LabelSettings, utterances: int, seed: int) -> tuple[dict[str, str], list[str]]:
    """The kinds of at most so many utterances, drawn by the seed; and lines about what was left out.

    Raises:
        NrsrError: data without labels, or too few utterances asked for.
    """
    if utterances < 4:
        raise ProbeError("needs --utterances of 4 or more")
    kinds = Labels(labels, data)
    labelled = {name: kind for name in data.utterances if (kind := kinds.name_of(name)) is not None}
    notes = []
    if lacking := [name for name in data.utterances if name not in labelled]:
        notes.append(f"{data.path / labels.file}: {len(lacking)} utterances have no label: {shown(lacking)}")
    names = sorted(labelled)
    if len(names) > utterances:
        names = sorted(np.random.default_rng(seed).choice(names, utterances, replace=False).tolist())
        notes.append(f"{data.path}: {utterances} of {len(labelled)} utterances are drawn")
    return {name: labelled[name] for name in names}, notes


def probe_frames(
    hidden: Iterable[tuple[str, np.ndarray]],
    labelled: dict[str, str],
    data: DataDir,
    labels: LabelSettings,
    settings: ProbeSettings,
    *,
    frames: int = 10,
    seed: int = 0,
) -> tuple[dict[str, Any], list[str]]:
    """The result of `probe_accuracy` for hidden frames, with what was probed; and lines about what was left out.

    Args:
        hidden: frames [M, dim] of utterances, in any order.
        labelled: the kind of each utterance.
        frames: of each utterance, spread evenly over it.

    Raises:
        NrsrError: frames that are not finite, or too few utterances.
    """
    if frames < 1:
        raise ProbeError("needs --frames of 1 or more")
    read = {name: sampled(rows, frames).copy() for name, rows in hidden if len(rows)}
    features, notes = {name: read[name] for name in labelled if name in read}, []
    if short := [name for name in labelled if name not in features]:
        notes.append(f"{data.path}: {len(short)} utterances have no frame: {shown(short)}")
    recordings = data.read("utt2noisefile") if data.has("utt2noisefile") else None
    result = probe_accuracy(features, {name: labelled[name] for name in features}, recordings, settings, seed)
    if result["left_out"]:
        notes.append(f"kinds with fewer than 4 utterances are left out: {', '.join(result['left_out'])}")
    if result["split_by_utterance"] and labels.file != "utt2noisefile":
        alone = ", ".join(result["split_by_utterance"])
        notes.append(f"a single noise recording, whose utterances are in both halves: {alone}")
    probed = {
        "labels": {"file": labels.file, "missing": labels.missing, "against": labels.against},
        "utterances": len(features),
        "frames_per_utterance": frames,
        "probe": {"width": settings.width, "epochs": settings.epochs},
        "seed": seed,
    }
    return probed | result, notes


def sampled(frames: np.ndarray, count: int) -> np.ndarray:
    """`count` frames spread evenly over [M, dim], all of them where there are fewer."""
    if len(frames) <= count:
        return frames
    return frames[((np.arange(count) + 0.5) * len(frames) / count).astype(np.int64)]
