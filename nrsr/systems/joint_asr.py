"""Front-end and recogniser trained jointly: losses "asr" and "se"."""

from collections.abc import Collection
from typing import Any

import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor, nn

from nrsr.config import ConfigError, build
from nrsr.data import Batch
from nrsr.frontends import FrontEnd
from nrsr.nn import Encoder, GlobalNorm, SpecAugment, TransformerDecoder
from nrsr.nn.losses import add_sos_eos, attention_accuracy, attention_loss, ctc_collapse, ctc_loss
from nrsr.signal import FeatureExtractor
from nrsr.signal.masks import zero_padding
from nrsr.systems.system import LossError, System


class JointAsr(System):
    """Noisy waveform, front-end, features with fixed normalisation, encoder, CTC and perhaps an attention decoder.

    "asr" is CTC alone, or ctc_weight * CTC + (1 - ctc_weight) * attention where there is a decoder; both are nats
    an utterance (summed over its units), averaged over utterances. "se" is the front-end's own loss, averaged over
    the utterances with parallel clean speech.

    Args:
        sample_rate, vocabulary: given by the program; unit 0 is `<blank>`, the last `<sos/eos>`.
        frontend, features, encoder, decoder, specaugment: `{class: ..., ...}`; the slots take a `FrontEnd`, a
            `FeatureExtractor`, an `Encoder`, a `TransformerDecoder` (or nothing) and a `SpecAugment` (or nothing).
        ctc_weight: read where there is a decoder; 0.3 as in the gradient-remedy paper.
        label_smoothing: of the attention loss.

    Raises:
        ConfigError: a slot that is filled wrongly, or a weight outside 0 to 1.
    """

    def __init__(
        self,
        sample_rate: int,
        vocabulary: int,
        frontend: dict[str, Any],
        features: dict[str, Any],
        encoder: dict[str, Any],
        decoder: dict[str, Any] | None = None,
        ctc_weight: float = 0.3,
        label_smoothing: float = 0.1,
        specaugment: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        for name, value in (("ctc_weight", ctc_weight), ("label_smoothing", label_smoothing)):
            if not 0.0 <= value <= 1.0:
                raise ConfigError(f"system.{name}: {value} must lie between 0 and 1")
        self.sample_rate, self.vocabulary = sample_rate, vocabulary
        self.ctc_weight, self.label_smoothing = ctc_weight, label_smoothing
        self.frontend = build(frontend, FrontEnd, "system.frontend", sample_rate=sample_rate)
        self.features = build(features, FeatureExtractor, "system.features", sample_rate=sample_rate)
        self.norm = GlobalNorm(self.features.dim)
        self.specaugment = build(specaugment, SpecAugment, "system.specaugment") if specaugment else None
        self.encoder = build(encoder, Encoder, "system.encoder", input_dim=self.features.dim)
        self.ctc = nn.Linear(self.encoder.dim, vocabulary)
        self.decoder = None
        if decoder:
            given = {"vocabulary": vocabulary, "dim": self.encoder.dim}
            self.decoder = build(decoder, TransformerDecoder, "system.decoder", **given)

    def shared_parameters(self, turn: str) -> list[nn.Parameter]:
        """Those of the front-end: the only ones that both losses reach."""
        return list(self.frontend.parameters())

    def output_lengths(self, samples: Tensor) -> Tensor:
        """Frames [B] of the CTC output for utterances of so many samples [B]."""
        return self.encoder.output_lengths(self.features.frames(samples))

    @torch.no_grad()
    def observe(self, waves: Tensor, lengths: Tensor) -> None:
        """Gather statistics of noisy waveforms: the front-end's, and those of the features without a front-end."""
        self.frontend.observe(waves, lengths)
        self.norm.observe(*self.features(waves, lengths))

    def encode(self, waves: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Waveforms [B, T] in ±1 to hidden vectors [B, M, dim], CTC log-probabilities [B, M, V] and lengths [B]."""
        enhanced, _ = self.frontend(waves, lengths)
        return self._encode_enhanced(enhanced, lengths)

    def losses(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        unknown = sorted(set(wanted) - {"asr", "se"})
        if unknown:
            raise LossError(f"loss_weights: JointAsr has no loss {', '.join(unknown)}; it has asr and se")
        enhanced, enhancement = self._enhance(batch, "se" in wanted)
        if "se" in wanted and enhancement is None:
            raise LossError(
                f"loss_weights: {type(self.frontend).__name__} has no enhancement loss; take 'se' out of loss_weights, "
                "or name another system.frontend"
            )
        losses = {}
        if "asr" in wanted:
            losses["asr"] = self._recognition(batch, *self._encode_enhanced(enhanced, batch.lengths))[0].mean()
        if "se" in wanted:
            losses["se"] = enhancement.sum() / batch.has_clean.sum().clamp_min(1)
        return losses

    @torch.no_grad()
    def validate(self, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """Sums and counts of held-out criteria.

        "loss" is "asr" over utterances; "errors" the edit distance of the best CTC path over target units;
        "accuracy" that of the attention decoder over its units; "se" over utterances with parallel clean speech.
        """
        enhanced, enhancement = self._enhance(batch, batch.clean is not None)
        encoded = self._encode_enhanced(enhanced, batch.lengths)
        losses, predicted = self._recognition(batch, *encoded)
        counted = torch.tensor(len(losses), device=losses.device)
        criteria = {"loss": (losses.sum(), counted), "errors": self._unit_errors(batch, *encoded[1:])}
        if predicted is not None:
            criteria["accuracy"] = attention_accuracy(*predicted)
        if enhancement is not None:
            criteria["se"] = (enhancement.sum(), batch.has_clean.sum())
        return criteria

    def _enhance(self, batch: Batch, with_loss: bool) -> tuple[Tensor, Tensor | None]:
        """Enhanced waveforms [B, T] and, if asked for, losses [B] that are 0 without parallel clean speech."""
        if not with_loss:
            return self.frontend(batch.waves, batch.lengths)
        has_clean = batch.has_clean
        clean = torch.zeros_like(batch.waves) if batch.clean is None else batch.clean
        # What stands for missing clean speech never enters: a NaN there would reach the gradient through its zero.
        clean = clean.masked_fill(~has_clean.unsqueeze(1), 0.0)
        enhanced, losses = self.frontend(batch.waves, batch.lengths, clean)
        return enhanced, None if losses is None else losses.masked_fill(~has_clean, 0.0)

    def _encode_enhanced(self, enhanced: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features, frames = self.features(enhanced, lengths)
        features = zero_padding(self.norm(features), frames)
        if self.specaugment is not None:
            features = self.specaugment(features, frames)
        hidden, lengths = self.encoder(features, frames)
        return hidden, self.ctc(hidden).float().log_softmax(dim=2), lengths

    def _recognition(
        self, batch: Batch, hidden: Tensor, log_probs: Tensor, lengths: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor] | None]:
        """Loss [B] of each utterance, and the decoder's logits [B, U + 1, V] and wanted units where there is one."""
        losses = ctc_loss(log_probs, lengths, batch.targets, batch.target_lengths)
        if self.decoder is None:
            return losses, None
        inputs, outputs = add_sos_eos(batch.targets, batch.target_lengths, self.vocabulary - 1)
        logits = self.decoder(hidden, lengths, inputs, batch.target_lengths + 1).float()
        attention = attention_loss(logits, outputs, self.label_smoothing)
        losses = self.ctc_weight * losses + (1.0 - self.ctc_weight) * attention
        return losses, (logits, outputs)

    def _unit_errors(self, batch: Batch, log_probs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        found = ctc_collapse(log_probs, lengths)
        wanted = zip(batch.targets.tolist(), batch.target_lengths.tolist(), strict=True)
        errors = sum(Levenshtein.distance(units, row[:size]) for units, (row, size) in zip(found, wanted, strict=True))
        return torch.tensor(errors, device=log_probs.device), batch.target_lengths.sum()
