"""Speech separation, alone or unified with enhancement: losses "sep" and "se"."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nrsr.config import ConfigError, build
from nrsr.data.batch import Batch, padded
from nrsr.data.mixtures import MixtureSet
from nrsr.data.outputs import Output
from nrsr.nn import MaskNetwork, WaveDecoder, WaveEncoder
from nrsr.nn.pit import audible, pit_si_snr
from nrsr.signal.masks import zero_padding
from nrsr.systems.separated_output import SeparatedOutput
from nrsr.systems.system import LossError, System


class Separation(System):
    """Noisy mixture to one waveform per speaker (Hu et al., ICASSP 2023, arXiv 2302.11131, figure 1).

    w = E(mixture), w' = w ⊙ EnhanceNet(w) (or w where there is no enhancer), s_k = D(w' ⊙ MaskNet(w')_k).

    "sep" is the negative SI-SNR in dB of an utterance, the mean over its speakers under the best permutation; an
    utterance with a loss at or below `threshold` counts as `threshold` in training and gives no gradient. "se" is
    |w' - E(sum of the speakers)|², summed over an utterance's frames and filters, with E in the target trained as
    well; the paper weights it by 0.1. The tasks share encoder and enhancer. SI-SNR does not determine level and
    sign of the output.

    Args:
        sample_rate: given by the program.
        speakers: number of output waveforms.
        masker: the slot of MaskNet, `{class: ..., ...}` of a `MaskNetwork`.
        enhancer: that of EnhanceNet; none for separation alone.
        filters, window: of encoder and decoder, the window in samples.
        threshold: in dB.

    Raises:
        ConfigError: a slot that is filled wrongly, or less than one speaker.
    """

    data = MixtureSet
    needs_units = False

    def __init__(
        self,
        sample_rate: int,
        speakers: int,
        masker: dict[str, Any],
        enhancer: dict[str, Any] | None = None,
        filters: int = 256,
        window: int = 16,
        threshold: float = -30.0,
    ) -> None:
        super().__init__()
        if speakers < 1:
            raise ConfigError(f"system.speakers: {speakers} is too few; take 1 or more")
        self.sample_rate, self.speakers, self.threshold = sample_rate, speakers, threshold
        self.encoder, self.decoder = WaveEncoder(filters, window), WaveDecoder(filters, window)
        self.enhancer = None
        if enhancer:
            self.enhancer = build(enhancer, MaskNetwork, "system.enhancer", filters=filters, masks=1)
        self.masker = build(masker, MaskNetwork, "system.masker", filters=filters, masks=speakers)

    def shared_parameters(self, turn: str) -> list[nn.Parameter]:
        """The parameters of encoder and enhancer; none for separation alone, which has one task."""
        if self.enhancer is None:
            return []
        return [*self.encoder.parameters(), *self.enhancer.parameters()]

    def separate(self, waves: Tensor, lengths: Tensor) -> Tensor:
        """Waveforms [B, T] in ±1 to [B, speakers, T], in any order of the speakers and at any level."""
        return self._separate(waves, lengths)[0]

    def outputs(self) -> dict[str, Output]:
        """The speakers: spk1, spk2, ..."""
        return {"spk": SeparatedOutput(self.sample_rate, self.speakers)}

    def infer(self, inputs: Sequence[np.ndarray], wanted: Collection[str]) -> dict[str, Sequence[Tensor]]:
        separated = self.separate(*padded(inputs, self.encoder.basis.weight.device)).cpu()
        return {"spk": [waves[:, : len(given)] for waves, given in zip(separated, inputs, strict=True)]}

    def losses(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        unknown = sorted(set(wanted) - {"sep", "se"})
        if unknown:
            raise LossError(f"loss_weights: Separation has no loss {', '.join(unknown)}; it has sep and se")
        if "se" in wanted and self.enhancer is None:
            raise LossError("loss_weights: se needs an enhancer; add system.enhancer, or take se out of loss_weights")
        estimates, enhanced = self._separate(batch.waves, batch.lengths)
        losses = {}
        if "sep" in wanted:
            values, active = self._si_snr(estimates, batch)
            # A NaN stays one: neither the limit nor an utterance without any speaker hides it.
            values = (-values).clamp_min(self.threshold).masked_fill(~(active | values.isnan()), 0.0)
            losses["sep"] = values.sum() / active.sum().clamp_min(1)
        if "se" in wanted:
            losses["se"] = self._enhancement(enhanced, batch).mean()
        return losses

    def counts(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor | int]:
        """Utterances with a speaker that is not silent for "sep", all of them for "se"."""
        counts = super().counts(batch, turn, wanted)
        if "sep" in wanted:
            counts["sep"] = audible(batch.sources, batch.lengths).any(1).sum()
        return counts

    @torch.no_grad()
    def validate(self, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """Sums and counts of held-out criteria.

        "loss" is "sep" without its threshold; "si_snri" the improvement of SI-SNR over the mixture in dB, a mean over
        each utterance's speakers; "se" where there is an enhancer. Silent speakers are left out.
        """
        estimates, enhanced = self._separate(batch.waves, batch.lengths)
        values, active = self._si_snr(estimates, batch)
        repeated = batch.waves.unsqueeze(1).expand_as(batch.sources)
        before, _ = self._si_snr(repeated, batch)
        count = active.sum()
        criteria = {"loss": (-values.sum(), count), "si_snri": ((values - before).sum(), count)}
        if self.enhancer is not None:
            losses = self._enhancement(enhanced, batch)
            criteria["se"] = (losses.sum(), torch.tensor(len(losses), device=losses.device))
        return criteria

    def samples(self, batch: Batch) -> dict[str, Tensor]:
        """The first mixture and the speakers separated from it, each with a largest sample of 1."""
        length = int(batch.lengths[0])
        speakers = self.separate(batch.waves[:1, :length], batch.lengths[:1])[0]
        # Their level is open.
        speakers = speakers / speakers.abs().amax(1, keepdim=True).clamp_min(1e-9)
        separated = {f"separated{number}": wave for number, wave in enumerate(speakers, start=1)}
        return {"mixture": batch.waves[0, :length], **separated}

    def _separate(self, waves: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Separated waveforms [B, K, T], and the representation [B, N, filters] that they are decoded from."""
        # The networks want their frames on the host: one wait, at the start, when the device has nothing left to do.
        frames = self.encoder.frames(lengths.cpu())
        encoded = self.encoder(waves, lengths, int(frames.max()))
        if self.enhancer is not None:
            encoded = encoded * self.enhancer(encoded, frames).squeeze(1)
        masked = encoded.unsqueeze(1) * self.masker(encoded, frames)
        separated = self.decoder(masked, waves.shape[1])
        rows = lengths.repeat_interleave(self.speakers)
        return zero_padding(separated.flatten(0, 1), rows).view(separated.shape), encoded

    def _si_snr(self, estimates: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """SI-SNR [B] under the best permutation, mean over the active speakers, and whether one is."""
        if batch.sources.shape[1] != self.speakers:
            raise LossError(
                f"{batch.ids[0]}: has {batch.sources.shape[1]} sources, and the system makes {self.speakers}; "
                "set system.speakers to the number in the data"
            )
        values, _, active = pit_si_snr(estimates, batch.sources, batch.lengths)
        return values.sum(1) / active.sum(1).clamp_min(1), active.any(1)

    def _enhancement(self, enhanced: Tensor, batch: Batch) -> Tensor:
        clean = self.encoder(batch.sources.sum(1), batch.lengths, enhanced.shape[1])
        return (enhanced.float() - clean.float()).square().sum((1, 2))
