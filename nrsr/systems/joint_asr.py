"""Front-end and recogniser trained jointly: losses "asr" and "se", and one for each domain head."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor, nn

from nrsr.config import ConfigError, build
from nrsr.data import Batch
from nrsr.data.batch import padded
from nrsr.data.outputs import CtcOutput, FrameOutput, Output, WaveOutput
from nrsr.frontends import FrontEnd
from nrsr.nn import DomainHeads, Encoder, FeatureNorm, SpecAugment, TransformerDecoder
from nrsr.nn.domain_head import HeadOutput
from nrsr.nn.losses import add_sos_eos, attention_accuracy, attention_loss, ctc_collapse, ctc_loss
from nrsr.signal import FeatureExtractor
from nrsr.signal.masks import valid_mask, zero_padding
from nrsr.systems.enhancement import enhance, shown
from nrsr.systems.system import LossError, System

GLOBAL = "nrsr.nn.GlobalNorm"
RESERVED = {"asr", "se", "loss", "errors", "accuracy"}  # names that a domain head cannot have


class JointAsr(System):
    """Noisy waveform, front-end, normalised features, encoder, CTC and perhaps an attention decoder.

    "asr" is CTC alone, or ctc_weight * CTC + (1 - ctc_weight) * attention where there is a decoder; both are nats
    an utterance (summed over its units), averaged over utterances. "se" is the front-end's own loss, averaged over
    the utterances with parallel clean speech. A domain head's loss has its name; it looks at a layer of the encoder.

    Args:
        sample_rate, vocabulary: given by the program; unit 0 is `<blank>`, the last `<sos/eos>`.
        frontend, features, encoder, decoder, specaugment: `{class: ..., ...}`; the slots take a `FrontEnd`, a
            `FeatureExtractor`, an `Encoder`, a `TransformerDecoder` (or nothing) and a `SpecAugment` (or nothing).
        ctc_weight: read where there is a decoder; 0.3 as in the gradient-remedy paper.
        label_smoothing: of the attention loss.
        heads: name -> `HeadSettings`.
        classes: given by the program; classes of each kind of label among `data.labels`.
        norm: a `FeatureNorm`; `nrsr.nn.GlobalNorm` by default, by statistics of the training data.

    Raises:
        ConfigError: a slot that is filled wrongly, or a weight outside 0 to 1.
    """

    needs_units = True

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
        heads: dict[str, Any] | None = None,
        classes: dict[str, list[str]] | None = None,
        norm: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        for name, value in (("ctc_weight", ctc_weight), ("label_smoothing", label_smoothing)):
            if not 0.0 <= value <= 1.0:
                raise ConfigError(f"system.{name}: {value} must lie between 0 and 1")
        self.sample_rate, self.vocabulary = sample_rate, vocabulary
        self.ctc_weight, self.label_smoothing = ctc_weight, label_smoothing
        self.frontend = build(frontend, FrontEnd, "system.frontend", sample_rate=sample_rate)
        self.features = build(features, FeatureExtractor, "system.features", sample_rate=sample_rate)
        self.norm = build(norm or {"class": GLOBAL}, FeatureNorm, "system.norm", dim=self.features.dim)
        self.specaugment = build(specaugment, SpecAugment, "system.specaugment") if specaugment else None
        self.encoder = build(encoder, Encoder, "system.encoder", input_dim=self.features.dim)
        self.ctc = nn.Linear(self.encoder.dim, vocabulary)
        self.decoder = None
        if decoder:
            given = {"vocabulary": vocabulary, "dim": self.encoder.dim}
            self.decoder = build(decoder, TransformerDecoder, "system.decoder", **given)
        self.heads = DomainHeads(heads, self.encoder.dims, classes or {}, RESERVED)

    def set_progress(self, fraction: float, epoch: float) -> None:
        self.heads.set_progress(fraction, epoch)

    def shared_parameters(self, turn: str) -> list[nn.Parameter]:
        """The front-end's parameters, the only ones that affect all losses."""
        return list(self.frontend.parameters())

    def output_lengths(self, samples: Tensor) -> Tensor:
        """Frames [B] of the CTC output for utterances of so many samples [B]."""
        return self.encoder.output_lengths(self.features.frames(samples))

    @torch.no_grad()
    def accumulate_statistics(self, waves: Tensor, lengths: Tensor) -> None:
        """Accumulate the front-end's statistics of noisy waveforms, and those of their features without enhancement."""
        self.frontend.accumulate_statistics(waves, lengths)
        if type(self.norm).accumulate_statistics is not FeatureNorm.accumulate_statistics:
            self.norm.accumulate_statistics(*self.features(waves, lengths))

    def encode(self, waves: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Waveforms [B, T] in ±1 to hidden vectors [B, M, dim], CTC log-probabilities [B, M, V] and lengths [B]."""
        enhanced, _ = self.frontend(waves, lengths)
        return self._encode_enhanced(enhanced, lengths)

    @property
    def stride(self) -> int:
        """Samples from one output frame to the next, estimated from a very long utterance."""
        many = torch.tensor([1 << 24])
        return round(many.item() / self.output_lengths(many).item())

    def outputs(self) -> dict[str, Output]:
        """CTC log-probabilities; on request the front-end's waveform and the layers of the encoder."""
        layers = range(1, len(self.encoder.dims) + 1)
        return {
            "loglikes": CtcOutput(self.stride),
            "wav": WaveOutput(self.sample_rate, window=self.frontend.window, on_request=True),
            **{f"layer{number}": FrameOutput(self.stride, on_request=True) for number in layers},
        }

    def infer(self, inputs: Sequence[np.ndarray], wanted: Collection[str]) -> dict[str, Sequence[Tensor | None]]:
        waves, lengths = padded(inputs, self.ctc.weight.device)
        enhanced, _ = self.frontend(waves, lengths)
        outputs: dict[str, list[Tensor | None]] = {name: [None] * len(inputs) for name in wanted}
        if "wav" in wanted:
            outputs["wav"] = [wave[: len(given)] for wave, given in zip(enhanced.cpu(), inputs, strict=True)]
        layers = [name for name in wanted if name.startswith("layer")]
        # Utterances too short for a frame do not go through the encoder.
        kept = (self.output_lengths(lengths) > 0).nonzero().flatten()
        if not (layers or "loglikes" in wanted) or not len(kept):
            return outputs
        hidden, frames = self._layers(enhanced[kept], lengths[kept], all_of_them=bool(layers))
        batches = {name: hidden[int(name.removeprefix("layer")) - 1] for name in layers}
        if "loglikes" in wanted:
            batches["loglikes"] = self._output_layer(hidden[-1], frames)[1]
        batches = {name: batch.cpu() for name, batch in batches.items()}
        for row, (place, count) in enumerate(zip(kept.tolist(), frames.tolist(), strict=True)):
            for name, batch in batches.items():
                outputs[name][place] = batch[row, :count]
        return outputs

    def losses(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        known = ["asr", "se", *self.heads]
        if unknown := sorted(set(wanted) - set(known)):
            raise LossError(f"loss_weights: JointAsr has no loss {', '.join(unknown)}; it has {' and '.join(known)}")
        if "se" in wanted:
            enhanced, enhancement = enhance(self.frontend, batch)
        else:
            enhanced, _ = self.frontend(batch.waves, batch.lengths)
        losses = {}
        heads = set(wanted) & set(self.heads)
        if "asr" in wanted or heads:
            layers, lengths = self._layers(enhanced, batch.lengths, all_of_them=bool(heads))
            losses = {name: output.loss() for name, output in self._classify(batch, heads, layers, lengths).items()}
        if "asr" in wanted:
            losses["asr"] = self._recognition(batch, *self._output_layer(layers[-1], lengths))[0].mean()
        if "se" in wanted:
            losses["se"] = enhancement.sum() / batch.has_clean.sum().clamp_min(1)
        return losses

    def counts(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor | int]:
        """Utterances for "asr", those with parallel clean speech for "se", those with a label for a domain head."""
        counts = super().counts(batch, turn, wanted)
        if "se" in wanted:
            counts["se"] = batch.has_clean.sum()
        if heads := set(wanted) & set(self.heads):
            counts |= self.heads.counts(heads, self.output_lengths(batch.lengths) > 0, batch.labels)
        return counts

    @torch.no_grad()
    def validate(self, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """Sums and counts of held-out criteria.

        "loss" is "asr" over utterances; "errors" the edit distance of the best CTC path over target units;
        "accuracy" that of the attention decoder over its units; "se" over utterances with parallel clean speech.
        A head's loss has its name, and its share of classification errors that name with _errors, over utterances with
        a label.
        """
        enhanced, enhancement = self._validated(batch)
        layers, lengths = self._layers(enhanced, batch.lengths, all_of_them=len(self.heads) > 0)
        encoded = self._output_layer(layers[-1], lengths)
        losses, predicted = self._recognition(batch, *encoded)
        counted = torch.tensor(len(losses), device=losses.device)
        criteria = {"loss": (losses.sum(), counted), "errors": self._unit_errors(batch, *encoded[1:])}
        if predicted is not None:
            criteria["accuracy"] = attention_accuracy(*predicted)
        if enhancement is not None:
            criteria["se"] = (enhancement.sum(), batch.has_clean.sum())
        for name, output in self._classify(batch, set(self.heads), layers, lengths).items():
            criteria[name] = output.losses.sum(), output.known.sum()
            criteria[f"{name}_errors"] = output.errors.sum(), output.known.sum()
        return criteria

    def samples(self, batch: Batch) -> dict[str, Tensor]:
        return shown(self.frontend, batch)

    def _validated(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Enhanced waveforms [B, T], and losses [B] where the batch has clean speech and the front-end a loss."""
        if batch.clean is None:
            return self.frontend(batch.waves, batch.lengths)
        enhanced, losses = self.frontend(batch.waves, batch.lengths, batch.clean)
        return enhanced, None if losses is None else losses.masked_fill(~batch.has_clean, 0.0)

    def _classify(self, batch: Batch, wanted: set[str], layers: list[Tensor], lengths: Tensor) -> dict[str, HeadOutput]:
        """The outputs of the `wanted` heads on the encoder's layers."""
        return (
            self.heads.classify(wanted, layers, valid_mask(lengths, layers[-1].shape[1]), batch.labels)
            if wanted
            else {}
        )

    def _encode_enhanced(self, enhanced: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        layers, lengths = self._layers(enhanced, lengths, all_of_them=False)
        return self._output_layer(layers[-1], lengths)

    def _layers(self, enhanced: Tensor, lengths: Tensor, all_of_them: bool = True) -> tuple[list[Tensor], Tensor]:
        """Hidden vectors of the encoder's layers, or of the last one alone, and their lengths [B]."""
        features, frames = self.features(enhanced, lengths)
        features = zero_padding(self.norm(features, frames), frames)
        if self.specaugment is not None:
            features = self.specaugment(features, frames)
        if all_of_them:
            return self.encoder.layers(features, frames)
        hidden, lengths = self.encoder(features, frames)
        return [hidden], lengths

    def _output_layer(self, hidden: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden vectors, CTC log-probabilities and lengths."""
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
        best = ctc_collapse(log_probs, lengths)
        wanted = zip(batch.targets.tolist(), batch.target_lengths.tolist(), strict=True)
        errors = sum(Levenshtein.distance(units, row[:size]) for units, (row, size) in zip(best, wanted, strict=True))
        return torch.tensor(errors, device=log_probs.device), batch.target_lengths.sum()
