"""A small joint front-end and recogniser, and batches of tones that it can learn."""

import torch

from nrsr.data import Batch
from nrsr.nn import GlobalNorm
from nrsr.systems import JointAsr, build_system

VOCABULARY = 7
MASK = {"class": "nrsr.frontends.MaskBlstm", "n_fft": 256, "hop": 80, "layers": 1, "width": 16, "mask": "sigmoid"}
NULL = {"class": "nrsr.frontends.Identity"}
DECODER = {"class": "nrsr.nn.TransformerDecoder", "layers": 1, "ffn": 32}


def config(**changed):
    system = {
        "class": "nrsr.systems.JointAsr",
        "frontend": MASK,
        "features": {"class": "nrsr.signal.LogMel", "n_fft": 256, "hop": 80, "n_mels": 24},
        "encoder": {
            "class": "nrsr.nn.ConformerEncoder",
            "blocks": 1,
            "dim": 32,
            "heads": 2,
            "ffn": 64,
            "kernel": 7,
            "channels": 8,
            "dropout": 0.0,
        },
    }
    return {"sample_rate": 8000, "system": system | changed}


def make_batch(utterances=4, seed=0):
    """Tones behind noise: every unit is a tone of its own, 0.15 s long."""
    generator = torch.Generator().manual_seed(seed)
    target_lengths = torch.randint(2, 5, (utterances,), generator=generator)
    targets = torch.zeros(utterances, int(target_lengths.max()), dtype=torch.int64)
    lengths = target_lengths * 1200 + torch.randint(0, 300, (utterances,), generator=generator)
    clean = torch.zeros(utterances, int(lengths.max()))
    for row in range(utterances):
        units = torch.randperm(VOCABULARY - 3, generator=generator)[: target_lengths[row]] + 2
        targets[row, : len(units)] = units
        tone = torch.sin(torch.arange(1200) * 0.15 * units.unsqueeze(1)) * 0.3
        clean[row, : 1200 * len(units)] = tone.flatten()
    noise = 0.02 * torch.randn(clean.shape, generator=generator)
    waves = (clean + noise).masked_fill(torch.arange(clean.shape[1]) >= lengths.unsqueeze(1), 0.0)
    ids = [f"utt{row}" for row in range(utterances)]
    return Batch(ids, waves, lengths, clean, torch.ones(utterances, dtype=torch.bool), targets, target_lengths)


def make_system(batch, frontend=MASK, **changed) -> JointAsr:
    torch.manual_seed(3)
    system = build_system(config(frontend=frontend, **changed), VOCABULARY)
    system.accumulate_statistics(batch.waves, batch.lengths)
    for module in system.modules():
        if isinstance(module, GlobalNorm):
            module.finish()
    return system


def alone(batch, row, extra=0):
    """One utterance as a batch of its own, cut to its length or with more padding."""
    wide = torch.nn.functional.pad
    size, units = int(batch.lengths[row]), int(batch.target_lengths[row])
    return Batch(
        [batch.ids[row]],
        wide(batch.waves[row : row + 1, :size], (0, extra)),
        batch.lengths[row : row + 1],
        wide(batch.clean[row : row + 1, :size], (0, extra)),
        batch.has_clean[row : row + 1],
        batch.targets[row : row + 1, :units],
        batch.target_lengths[row : row + 1],
    )
