"""Tiny systems for the loop: a recogniser of one layer with a CTC loss, a game of two turns, one without units."""

import random
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from nrsr.data.batch import TrainingBatch
from nrsr.data.training_set import TrainingSet
from nrsr.systems import System

FRAME = 80  # samples


class ToyAsr(System):
    """Frames of waveform, a linear layer with dropout and running statistics, CTC."""

    needs_units = True

    def __init__(self, sample_rate: int, vocabulary: int, width: int = 8, trouble_from: int | None = None):
        super().__init__()
        self.linear = nn.Sequential(nn.Linear(FRAME, width), nn.Dropout(0.2), nn.BatchNorm1d(width), nn.Tanh())
        self.ctc = nn.Linear(width, vocabulary)
        self.denoise = nn.Linear(FRAME, FRAME)
        self.trouble_from = trouble_from
        self.calls = 0

    def output_lengths(self, samples):
        return samples // FRAME

    def log_probs(self, batch):
        frames = batch.waves[:, : batch.waves.shape[1] // FRAME * FRAME].unflatten(1, (-1, FRAME))
        return self.ctc(self.linear(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])).log_softmax(2)

    def ctc_loss(self, batch):
        return F.ctc_loss(
            self.log_probs(batch).transpose(0, 1),
            batch.targets,
            self.output_lengths(batch.lengths),
            batch.target_lengths,
            reduction="none",
            zero_infinity=True,
        )

    def losses(self, batch, turn, wanted):
        self.calls += 1
        losses = {}
        if "asr" in wanted:
            # A factor from each generator, so that a resumed run shows whether all of them were restored.
            losses["asr"] = self.ctc_loss(batch).mean() * (0.5 + random.random()) * (0.5 + np.random.rand())
            if self.trouble_from is not None and self.calls >= self.trouble_from:
                losses["asr"] = losses["asr"] * torch.inf
        if "se" in wanted:
            losses["se"] = self.denoise.weight.square().mean()
        return losses

    def validate(self, batch):
        loss = self.ctc_loss(batch)
        return {"loss": (loss.sum(), torch.tensor(len(batch))), "frames": (batch.lengths.sum(), torch.tensor(1))}


class ToyCalm(ToyAsr):
    """The recogniser without anything random or running, and with a layer where its two losses meet."""

    def __init__(self, sample_rate: int, vocabulary: int, width: int = 8):
        super().__init__(sample_rate, vocabulary, width)
        self.linear = nn.Sequential(nn.Linear(FRAME, width), nn.Tanh())

    def shared_parameters(self, turn):
        return list(self.linear.parameters())

    def losses(self, batch, turn, wanted):
        near = (self.log_probs(batch).exp()[..., 1].mean(1) * batch.has_clean).sum()
        return {"asr": self.ctc_loss(batch).mean(), "se": near / batch.has_clean.sum().clamp_min(1)}

    def counts(self, batch, turn, wanted):
        return {"asr": len(batch), "se": batch.has_clean.sum()}


class ToyGame(System):
    """A generator that moves a bias, a discriminator that scores it; each in its own turn."""

    needs_units = True

    def __init__(self, sample_rate: int, vocabulary: int):
        super().__init__()
        self.generator = nn.Linear(4, 4)
        self.discriminator = nn.Linear(4, 1)

    def turns(self):
        return {
            "discriminator": list(self.discriminator.parameters()),
            "generator": list(self.generator.parameters()),
        }

    def losses(self, batch, turn, wanted):
        made = self.generator(batch.waves[:, :4])
        if turn == "generator":
            return {"fool": -self.discriminator(made).mean()}
        return {
            "real": F.softplus(-self.discriminator(batch.waves[:, 4:8])).mean(),
            "made": F.softplus(self.discriminator(made)).mean(),
        }

    def validate(self, batch):
        made = self.generator(batch.waves[:, :4])
        return {"loss": (made.square().sum(), torch.tensor(made.numel()))}


@dataclass(frozen=True)
class Tones(TrainingBatch):
    """Waves [B, T] alone."""

    waves: torch.Tensor


class ToneSet(TrainingSet):
    """Made-up tones without any file: training data of another kind than speech with transcripts."""

    def __init__(self, path, units, rate, settings, *, allow_pipes=False, count=6):
        self.path, self.units, self.rate = path, units, rate
        self.ids, self.skipped = [f"tone{number}" for number in range(count)], {"tone-x": "too high: 9 kHz"}

    def __getitem__(self, item):
        number, shift = item
        return self.ids[number], torch.sin(torch.arange(64.0) * (number + 1 + shift) / self.rate)

    def collate(self, examples):
        ids, waves = zip(*examples, strict=True)
        return Tones(list(ids), torch.stack(waves))

    def batches(self, settings, seed, epoch):
        return [[(number, epoch)] for number in range(len(self))]

    def dev_batches(self, settings):
        return [[(number, 0) for number in range(len(self))]]

    def notes(self):
        return ["tones are made up"]

    def fingerprint(self):
        return str(len(self))


class ToyCoder(System):
    """Reconstructs its input; it has no output units."""

    data = ToneSet
    needs_units = False

    def __init__(self, sample_rate: int):
        super().__init__()
        self.linear = nn.Linear(64, 64)

    def losses(self, batch, turn, wanted):
        return {"mse": (self.linear(batch.waves) - batch.waves).square().mean()}

    def validate(self, batch):
        return {"loss": (self.losses(batch, "main", ["mse"])["mse"] * len(batch), torch.tensor(len(batch)))}


class ToyTagger(System):
    """Tells the label of a segment of a waveform; it needs no transcripts."""

    SEGMENT = 800

    def __init__(self, sample_rate: int, classes: dict[str, list[str]]):
        super().__init__()
        self.linear = nn.Linear(self.SEGMENT, len(classes["kind"]))

    def losses(self, batch, turn, wanted):
        return {"tag": F.cross_entropy(self.linear(batch.waves), batch.labels["kind"])}

    def validate(self, batch):
        logits = self.linear(batch.waves[:, : self.SEGMENT])
        return {"loss": (F.cross_entropy(logits, batch.labels["kind"], reduction="sum"), torch.tensor(len(batch)))}
