"""Frames with their senones, shuffled across utterances: what hybrid recognisers are trained on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from nrsr.config import ConfigError
from nrsr.data.alignments import Alignments, FramesError
from nrsr.data.batch import TrainingBatch
from nrsr.data.batches import BatchSettings
from nrsr.data.features import FeatureSettings, StoredFeatures
from nrsr.data.frame_block import Block, ReadAhead, read_block
from nrsr.data.frame_plan import batch_count, epoch_blocks, ordered_blocks
from nrsr.data.labels import UNKNOWN, open_labels
from nrsr.data.training_set import TrainingSet
from nrsr.data.units import Units
from nrsr.kaldi.datadir import DataDir

IN_ORDER = -1  # the epoch of batches that are not shuffled


@dataclass(frozen=True)
class FrameBatch(TrainingBatch):
    """Chunks of successive frames, each with its context.

    Attributes:
        ids: the utterances that the chunks are from, each once.
        inputs: float32 [B, left + M + right, D]; edge frames are repeated outside of an utterance.
        targets: senones, int64 [B, M], `IGNORED` behind an utterance's end.
        labels: name -> class of each chunk's utterance, int64 [B], `UNKNOWN` where it has none.
    """

    inputs: Tensor
    targets: Tensor
    labels: dict[str, Tensor]

    def __len__(self) -> int:
        return len(self.targets)


class BatchPlace(NamedTuple):
    """Which batch: its seed and epoch, the block of utterances, and the batch of all batches in that block."""

    seed: int
    epoch: int
    block: int
    part: int
    parts: int


class FrameDataset(TrainingSet):
    """Frames of feats.scp with the senones of ali.scp; one block of utterances is in memory, the next is read ahead.

    Each example is a whole batch, cut out of a block by index. An epoch goes through the utterances in a random order,
    block by block, and through the frames of a block in a random order; both depend on seed and epoch alone.

    Attributes:
        counts: frames of each utterance, int64 [N].
        senone_counts: frames of each senone in the alignments, int64 [S].
        labels: name -> `Labels` of the utterances.
    """

    gpu_readers = 1  # each would read all blocks, for its share of their batches

    def __init__(
        self,
        path: str | Path,
        units: Units | None,
        rate: int,
        settings: BatchSettings,
        *,
        allow_pipes: bool = False,
        cmvn: str = "mean",
        deltas: int = 2,
        delta_window: int = 2,
        labels: dict[str, Any] | None = None,
        balance: str | None = None,
        chunk: int = 1,
        block_frames: int = 100_000,
        senones: int | None = None,
    ):
        """Open a data directory with feats.scp, cmvn.scp, ali.scp, and the lists of the labels.

        Args:
            units, rate: ignored; given by the program.
            settings: of `size` (chunks in a batch) and `workers`; the rest is for audio.
            cmvn, deltas, delta_window: see `FeatureSettings`.
            labels: name -> `LabelSettings`, the domains that heads learn.
            balance: labels of which each training batch holds every class alike; the smaller classes are repeated.
            chunk: successive frames in an example; 1 for a DNN, 8 or so save a TDNN from computing frames anew.
            block_frames: about how many frames are shuffled among each other, and twice as many are in memory.
            senones: number of the model's senones, where the alignments may not have the last ones.

        Raises:
            FramesError, FeaturesError, LabelError: lists missing, no utterance left.
        """
        if chunk < 1 or block_frames < 1:
            raise ConfigError("data: needs chunk >= 1 and block_frames >= 1")
        if balance is not None and balance not in (labels or {}):
            raise ConfigError(f"data.balance: {balance!r} is none of data.labels; name one of them")
        self.path, self.chunk, self._block_frames, self._balance = Path(path), chunk, block_frames, balance
        directory = DataDir(path)
        options = FeatureSettings(cmvn, deltas, delta_window)
        self.features = StoredFeatures(path, options, allow_pipes=allow_pipes)
        self._alignments = Alignments(directory, self.features, senones, allow_pipes=allow_pipes)
        self.ids, self.skipped = self._alignments.ids, self._alignments.skipped
        self.counts, self.senone_counts = self._alignments.counts, self._alignments.senone_counts
        self._sizes = -(-self.counts // chunk)
        if not self.ids:
            raise FramesError(f"{self.path}: no utterance is left of {len(self.skipped)}; {self.reasons()}")
        self.labels = open_labels(labels, directory)
        for kind in self.labels.values():
            kind.learn(self.ids)
        self.left = self.right = 0
        self._plan: tuple[tuple[int, int], list[list[np.ndarray]]] | None = None
        self._block: tuple[tuple[int, int, int], Block] | None = None
        self._ahead = ReadAhead()

    def prepare_for(self, system: nn.Module) -> None:
        """Take the context of the system's network."""
        self.left, self.right = system.network.left, system.network.right

    def metadata(self) -> dict[str, Any]:
        """Metadata for the system: features per frame, frames of each senone, classes of each kind of label.

        Raises:
            LabelError: a kind of label with fewer than two classes.
        """
        return {
            "input_dim": self.features.dim,
            "senone_counts": self.senone_counts.tolist(),
            "classes": {name: labels.learnt() for name, labels in self.labels.items()},
        }

    def apply_metadata(self, metadata: dict[str, Any]) -> None:
        """Number labels as the training data do, and check that features and senones are theirs.

        Raises:
            FramesError: features of another width, or senones that the training data lack.
        """
        for name, labels in self.labels.items():
            labels.number(self.ids, metadata["classes"][name])
        if self.features.dim != metadata["input_dim"]:
            raise FramesError(
                f"{self.path / 'feats.scp'}: {self.features.dim} values a frame with deltas, the training data have "
                f"{metadata['input_dim']}; make all features with one config"
            )
        known = len(metadata["senone_counts"])
        if len(self.senone_counts) > known:
            raise FramesError(
                f"{self.path / 'ali.scp'}: has senone {len(self.senone_counts) - 1}, the training data have {known}; "
                "align both with one model, or give its number of senones as data.senones"
            )

    def notes(self) -> list[str]:
        """Utterances that a head does not learn from."""
        notes = [note for labels in self.labels.values() if (note := labels.note(self.ids))]
        if self._balance is not None:
            unknown = int((self.labels[self._balance].numbers == UNKNOWN).sum())
            notes += [f"{self.path}: data.balance leaves out the {unknown} without a {self._balance}"] * (unknown > 0)
        return notes

    def fingerprint(self) -> str:
        """A digest of ids, alignments and labels."""
        digest = hashlib.sha256(self._alignments.digest.encode())
        for name, labels in sorted(self.labels.items()):
            digest.update(f"{name} {' '.join(labels.classes)}\n".encode() + labels.numbers.tobytes())
        return digest.hexdigest()

    def batches(self, settings: BatchSettings, seed: int, epoch: int) -> list[list[BatchPlace]]:
        return self._places(settings.size, seed, epoch)

    def dev_batches(self, settings: BatchSettings) -> list[list[BatchPlace]]:
        return self._places(settings.size, 0, IN_ORDER)

    def _places(self, size: int, seed: int, epoch: int) -> list[list[BatchPlace]]:
        places = []
        for block, groups in enumerate(self._blocks(seed, epoch)):
            parts = batch_count([int(self._sizes[group].sum()) for group in groups], size)
            places += [[BatchPlace(seed, epoch, block, part, parts)] for part in range(parts)]
        return places

    def _blocks(self, seed: int, epoch: int) -> list[list[np.ndarray]]:
        """The utterances of each block of an epoch, by group."""
        plan = self._plan  # held here, since the thread that reads ahead asks too
        if plan is None or plan[0] != (seed, epoch):
            size = max(1, self._block_frames // self.chunk)
            if epoch == IN_ORDER:
                blocks = ordered_blocks(self._sizes, size)
            else:
                blocks = epoch_blocks(self._sizes, self._groups(), size, seed, epoch)
            self._plan = plan = (seed, epoch), blocks
        return plan[1]

    def _groups(self) -> list[np.ndarray]:
        if self._balance is None:
            return [np.arange(len(self.ids))]
        labels = self.labels[self._balance]
        groups = [np.flatnonzero(labels.numbers == number) for number in range(len(labels.classes))]
        return [group for group in groups if len(group)]

    def __getitem__(self, place: BatchPlace) -> FrameBatch:
        key = place[:3]
        if self._block is None or self._block[0] != key:
            self._block = key, self._ahead.take(key, self._read)
            if place.block + 1 < len(self._blocks(*key[:2])):
                self._ahead.start((*key[:2], place.block + 1), self._read)
        inputs, targets, utterances = self._block[1].batch(place.part, place.parts)
        return FrameBatch(
            ids=[self.ids[number] for number in np.unique(utterances)],
            inputs=torch.from_numpy(inputs),
            targets=torch.from_numpy(targets),
            labels={name: torch.from_numpy(labels.numbers[utterances]) for name, labels in self.labels.items()},
        )

    def _read(self, key: tuple[int, int, int]) -> Block:
        seed, epoch, number = key
        groups = self._blocks(seed, epoch)[number]
        names = [[self.ids[utterance] for utterance in group.tolist()] for group in groups]
        order = None if epoch == IN_ORDER else (seed, epoch + 1, number + 1)
        utterances = np.concatenate(groups)
        shape = self.left, self.chunk, self.right
        return read_block(self.features, self._alignments, names, utterances, self.counts[utterances], shape, order)

    def collate(self, examples: Sequence[FrameBatch]) -> FrameBatch:
        """The batch that an example is."""
        return examples[0]
