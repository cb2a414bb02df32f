"""Losses of a recogniser, one number per utterance."""

import torch
import torch.nn.functional as F
from torch import Tensor

from nrsr.signal.masks import valid_mask

IGNORED = -100


def ctc_loss(log_probs: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
    """CTC loss [B]: -ln p(target) of each utterance in nats, not divided by its length.

    So do the toolkits in which the published weights of "asr" and "se" were set.

    Args:
        log_probs: [B, M, V] with the blank at 0.
        lengths: [B] valid frames.
        targets: [B, U] unit ids.

    An utterance whose input is too short for its target has an infinite loss. It is given as such, for the caller to
    see and name, and not turned into 0.
    """
    return F.ctc_loss(log_probs.transpose(0, 1), targets, lengths, target_lengths, reduction="none")


def add_sos_eos(targets: Tensor, target_lengths: Tensor, sos_eos: int) -> tuple[Tensor, Tensor]:
    """Inputs (sos, units) and outputs (units, eos) [B, U + 1] of an attention decoder.

    Inputs are padded with eos, outputs with `IGNORED`.
    """
    valid = valid_mask(target_lengths, targets.shape[1])
    inputs = F.pad(targets.masked_fill(~valid, sos_eos), (1, 0), value=sos_eos)
    outputs = F.pad(targets.masked_fill(~valid, IGNORED), (0, 1), value=IGNORED)
    return inputs, outputs.scatter(1, target_lengths.unsqueeze(1), sos_eos)


def attention_loss(logits: Tensor, outputs: Tensor, label_smoothing: float) -> Tensor:
    """Cross-entropy [B] with label smoothing, the sum over each utterance's units and its eos.

    Args:
        logits: [B, U, V].
        outputs: [B, U] unit ids, `IGNORED` at padding.
        label_smoothing: share of the probability spread evenly over all V units.
    """
    losses = F.cross_entropy(
        logits.transpose(1, 2), outputs, ignore_index=IGNORED, reduction="none", label_smoothing=label_smoothing
    )
    return losses.sum(1)


def attention_accuracy(logits: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Units that the decoder predicts right with teacher forcing, and their number, over the batch."""
    counted = outputs != IGNORED
    return ((logits.argmax(2) == outputs) & counted).sum(), counted.sum()


def ctc_collapse(log_probs: Tensor, lengths: Tensor) -> list[list[int]]:
    """The best path of each utterance with repeats and blanks (0) taken out."""
    best = log_probs.argmax(2).masked_fill(~valid_mask(lengths, log_probs.shape[1]), 0)
    kept = (best != 0) & (best != F.pad(best, (1, 0), value=0)[:, :-1])
    units = best[kept].tolist()
    ends = torch.cumsum(kept.sum(1), 0).tolist()
    return [units[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]
