"""Sizes of self-supervised speech encoders, those of the published ones by name.

Baevski et al., "wav2vec 2.0", NeurIPS 2020; Hsu et al., "HuBERT", TASLP 2021; Chen et al., "WavLM", JSTSP 2022;
Babu et al., "XLS-R", Interspeech 2022.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from nrsr.config import ConfigError, settings_from

CONVOLUTIONS = [[512, 10, 5], *[[512, 3, 2]] * 4, *[[512, 2, 2]] * 2]
NORMS = ("group", "layer")


@dataclass(frozen=True)
class SslSizes:
    """The shape of an encoder; the defaults are those of the base model of wav2vec 2.0.

    Attributes:
        convolutions: [channels, kernel, stride] of each, over the waveform.
        convolution_norm: "group", behind the first one, over the time of an utterance; or "layer", behind each, over
            channels.
        convolution_bias: whether they have biases.
        width, layers, heads, feedforward: of the transformer.
        position_kernel, position_groups: of the convolution whose output is added to the transformer's input.
        norm_first: layer norm before each part of a layer, and once behind the last layer; or behind each part.
        buckets: of relative positions in attention, as WavLM has them; 0 for none.
        max_distance: in frames, the largest that has a bucket of its own.
        normalise: whether the network takes waveforms of mean 0 and variance 1.
    """

    convolutions: list = field(default_factory=lambda: CONVOLUTIONS)
    convolution_norm: str = "group"
    convolution_bias: bool = False
    width: int = 768
    layers: int = 12
    heads: int = 12
    feedforward: int = 3072
    position_kernel: int = 128
    position_groups: int = 16
    norm_first: bool = False
    buckets: int = 0
    max_distance: int = 800
    normalise: bool = False

    def __post_init__(self) -> None:
        shapes = self.convolutions
        numbers = [number for shape in shapes for number in (shape if isinstance(shape, list | tuple) else [shape])]
        if not shapes or len(numbers) != 3 * len(shapes) or not all(_positive(number) for number in numbers):
            raise ConfigError(f"sizes.convolutions: {shapes!r}: expected [channels, kernel, stride] of each")
        if self.convolution_norm not in NORMS:
            raise ConfigError(f"sizes.convolution_norm: {self.convolution_norm!r}: take one of {', '.join(NORMS)}")
        for name in ("width", "layers", "heads", "feedforward", "position_kernel", "position_groups", "max_distance"):
            if not _positive(getattr(self, name)):
                raise ConfigError(f"sizes.{name}: {getattr(self, name)} lies outside 1 to 10000")
        if self.buckets and not (_positive(self.buckets) and self.buckets >= 4 and self.buckets % 4 == 0):
            raise ConfigError(f"sizes.buckets: {self.buckets} must be a multiple of 4, or 0 for none")
        if self.buckets and self.max_distance <= self.buckets // 4:
            raise ConfigError(f"sizes.max_distance: {self.max_distance} must be larger than buckets / 4")
        for name in ("heads", "position_groups"):
            if self.width % getattr(self, name):
                raise ConfigError(f"sizes.{name}: {getattr(self, name)} must divide width, which is {self.width}")

    @property
    def receptive_field(self) -> int:
        """Samples that one frame sees, the fewest an utterance may have; 400 of the published encoders."""
        field_, step = 1, 1
        for _, kernel, stride in self.convolutions:
            field_ += (kernel - 1) * step
            step *= stride
        return field_


def _positive(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= 10_000


BASE = SslSizes()
LARGE = SslSizes(width=1024, layers=24, heads=16, feedforward=4096)
LARGE_PRE = replace(LARGE, convolution_norm="layer", norm_first=True, normalise=True)
XLSR = replace(LARGE_PRE, convolution_bias=True)

PUBLISHED = {
    "wav2vec2_base": BASE,
    "wav2vec2_large": LARGE,
    "wav2vec2_large_lv60k": XLSR,
    "wav2vec2_xlsr_300m": XLSR,
    "wav2vec2_xlsr_1b": replace(XLSR, width=1280, layers=48, feedforward=5120),
    "wav2vec2_xlsr_2b": replace(XLSR, width=1920, layers=48, feedforward=7680),
    "hubert_base": BASE,
    "hubert_large": LARGE_PRE,
    "hubert_xlarge": replace(LARGE_PRE, width=1280, layers=48, feedforward=5120),
    "wavlm_base": replace(BASE, buckets=320),
    "wavlm_large": replace(LARGE_PRE, buckets=320),
}


def sizes_of(model: str, changed: dict[str, Any] | None = None) -> SslSizes:
    """The sizes of a published encoder, with what is `changed` of them.

    Raises:
        ConfigError: no such encoder, an unknown size, or sizes that do not fit each other.
    """
    if model not in PUBLISHED:
        raise ConfigError(f"model {model!r} is not known; take one of {', '.join(PUBLISHED)}, and change its `sizes`")
    published = vars(PUBLISHED[model])
    if changed is not None and not isinstance(changed, dict):
        raise ConfigError(f"sizes: expected `key: value` lines, found {changed!r}")
    return settings_from(SslSizes, {**published, **(changed or {})}, "sizes")
