"""Features of a self-supervised speech encoder: wav2vec 2.0, HuBERT or WavLM, frozen or trained."""

import hashlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from nrsr.config import ConfigError
from nrsr.nn.ssl_encoder import INSTALL, SslEncoder
from nrsr.nn.ssl_sizes import sizes_of
from nrsr.packages import optional_module
from nrsr.signal.extractor import FeatureError, FeatureExtractor
from nrsr.signal.masks import zero_padding

RATE = 16000  # of the published encoders
CHOICES = ("last", "mean", "weighted")


class SslFeatures(FeatureExtractor):
    """One layer of an encoder, the mean of all, or a sum of all with learnt weights; perhaps a projection.

    The weighted sum is that of SUPERB (Yang et al., Interspeech 2021): softmax weights of the first layer's input and
    of each layer. The network, `network`, may be frozen while weights and projection are trained.

    Args:
        sample_rate: of the waveforms, in Hz (given by the program).
        model: a published encoder, as wavlm_base; its weights come from a file with the config's `init`.
        sizes: what differs from it, keys of `SslSizes`: a smaller one is trained from scratch.
        layer: a number (0 is the input of the first layer), "last", "mean" or "weighted".
        rate: of the waveforms that the network takes, to which others are resampled; null takes 16000 Hz alone.
        projection: features per frame of a learnt linear layer on top; null for none.
        dropout, layer_drop, convolution_gradient: as in `SslEncoder`, in training.

    Raises:
        FeatureError: another rate than 16000 Hz, and `rate` says nothing.
        ConfigError: no such model or layer, or sizes that do not fit each other.
        PackageError: torchaudio is missing.
    """

    half_precision = True

    def __init__(
        self,
        sample_rate: int,
        model: str,
        sizes: dict[str, Any] | None = None,
        layer: int | str = "weighted",
        rate: int | None = None,
        projection: int | None = None,
        dropout: float = 0.1,
        layer_drop: float = 0.0,
        convolution_gradient: float = 1.0,
    ) -> None:
        super().__init__()
        if rate is None and sample_rate != RATE:
            raise FeatureError(
                f"{model} takes {RATE} Hz, the data have {sample_rate} Hz: set rate: {RATE} to resample them, or "
                f"rate: {sample_rate} for an encoder that is trained from scratch"
            )
        for name, share in (("dropout", dropout), ("layer_drop", layer_drop)):
            if not 0.0 <= share < 1.0:
                raise ConfigError(f"{name}: {share} must lie between 0 and 1")
        if not 0.0 < convolution_gradient <= 1.0:
            raise ConfigError(
                f"convolution_gradient: {convolution_gradient} must lie above 0, at most 1; to leave the convolutions "
                "as they are, freeze network.feature_extractor"
            )
        shape = sizes_of(model, sizes)
        whole = isinstance(layer, int) and not isinstance(layer, bool)
        if not (whole and 0 <= layer <= shape.layers) and layer not in CHOICES:
            raise ConfigError(f"layer: {layer!r}: take a number from 0 to {shape.layers}, {', '.join(CHOICES)}")
        self.sample_rate, self.model = sample_rate, model
        self.layer = shape.layers if layer == "last" else layer
        self.rate = RATE if rate is None else rate
        self.network = SslEncoder(shape, dropout, layer_drop, convolution_gradient)
        self.mixture = nn.Parameter(torch.zeros(shape.layers + 1)) if layer == "weighted" else None
        self.projection = nn.Linear(shape.width, projection) if projection else None
        self.dim = projection or shape.width

    def frames(self, lengths: Tensor) -> Tensor:
        return self.network.frames(self._resampled_lengths(lengths))

    def layers(
        self,
        waves: Tensor,
        lengths: Tensor,
        last: int | None = None,
        change: Callable[[Tensor], Tensor] | None = None,
    ) -> tuple[list[Tensor], Tensor]:
        """The hidden vectors [B, N, width] of all layers, the input of the first one included, and their frames [B].

        Args:
            waves: [B, T] samples in ±1, at least as many as one frame needs.
            lengths: [B] samples of each utterance.
            last: no layers past this one are run; all if None.
            change: what to do to the frames [B, N, width] before their positions are added, such as masking some.
        """
        return self.network.layers(*self._resampled(waves.to(self.network.dtype), lengths), last=last, change=change)

    def extract(self, waves: Tensor, lengths: Tensor) -> Tensor:
        waves, lengths = self._resampled(waves.to(self.network.dtype), lengths)
        chosen = self.layer if self.mixture is None and self.layer != "mean" else None
        layers, _ = self.network.layers(waves, lengths, last=chosen)
        if chosen is not None:
            features = layers[chosen]
        else:
            weights = None if self.mixture is None else self.mixture.softmax(0)
            features = _summed(layers, weights)
        features = features if self.projection is None else self.projection(features)
        return features.to(torch.promote_types(features.dtype, torch.float32))

    def definition(self) -> dict[str, float | str | bool]:
        """Model, layer, rate and size, and a checksum of the weights."""
        digest = hashlib.sha256()
        for name, value in self.state_dict().items():
            digest.update(name.encode() + value.detach().cpu().numpy().tobytes())
        names = {"model": self.model, "layer": self.layer, "rate": self.rate, "dim": self.dim}
        return {**names, "weights": digest.hexdigest()[:16]}

    def _resampled_lengths(self, lengths: Tensor) -> Tensor:
        if self.rate == self.sample_rate:
            return lengths
        return -((-lengths * self.rate).div(self.sample_rate, rounding_mode="floor"))

    def _resampled(self, waves: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms [B, T] at the rate of the network, and their lengths [B]."""
        if self.rate == self.sample_rate:
            return waves, lengths
        functional = optional_module("torchaudio.functional", "resampling within SslFeatures", INSTALL)
        resampled = functional.resample(zero_padding(waves, lengths), self.sample_rate, self.rate)
        return resampled, self._resampled_lengths(lengths)


def _summed(layers: list[Tensor], weights: Tensor | None) -> Tensor:
    """The sum of layers with weights [L], or their mean."""
    if weights is None:
        return sum(layers) / len(layers)
    return sum(weight * layer for weight, layer in zip(weights, layers, strict=True))
