"""The dual-path RNN (Luo, Chen & Yoshioka, ICASSP 2020) as a mask network."""

import torch
from torch import Tensor, nn

from nrsr.nn.dual_path import DualPath, DualPathBlock, SequencePath
from nrsr.nn.lstm import Lstm


class BlstmPath(SequencePath):
    """One bidirectional LSTM layer and a linear layer back to the width that came in.

    Args:
        dim: channels in and out.
        width: units per direction.
    """

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.lstm = Lstm(dim, width, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * width, dim)

    def forward(self, sequences: Tensor, lengths: list[int] | None) -> Tensor:
        if lengths is None:
            return self.out(self.lstm(sequences)[0])
        # The backward direction must start at an utterance's own end. Utterances of one length go together: packing
        # would read all rows in one call, but is several times slower on a CPU, and these rows are many for each.
        size = sequences.shape[1]
        rows = sequences.unflatten(0, (len(lengths), -1))
        outputs: list[Tensor] = [rows] * len(lengths)
        for length in set(lengths):
            which = [number for number, row_length in enumerate(lengths) if row_length == length]
            hidden, _ = self.lstm(rows[which, :, :length].flatten(0, 1))
            hidden = nn.functional.pad(hidden, (0, 0, 0, size - length)).unflatten(0, (len(which), -1))
            for number, output in zip(which, hidden, strict=True):
                outputs[number] = output
        return self.out(torch.cat(outputs))


class Dprnn(DualPath):
    """Dual-path blocks of two BLSTM paths. The defaults are the published sizes on LibriMix.

    Args:
        filters, masks: given by the program.
        blocks: number of dual-path blocks; 6 in the separator, 2 in the enhancer of the unified network.
        dim: channels inside.
        width: units of each LSTM per direction.
        chunk: frames in a chunk, an even number.
    """

    def __init__(
        self, filters: int, masks: int, blocks: int = 6, dim: int = 256, width: int = 256, chunk: int = 250
    ) -> None:
        parts = [DualPathBlock(BlstmPath(dim, width), BlstmPath(dim, width), dim) for _ in range(blocks)]
        super().__init__(filters, masks, parts, dim, chunk)
