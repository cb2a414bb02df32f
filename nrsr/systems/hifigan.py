"""HiFi-GAN (Kong, Kim, Bae, NeurIPS 2020; arXiv 2010.05646): a vocoder against discriminators of periods and scales."""

from collections.abc import Mapping
from typing import Any

from nrsr.config import build
from nrsr.nn.adversarial import LeastSquares, Objective
from nrsr.nn.hifigan import HiFiGanGenerator
from nrsr.nn.hifigan_discriminators import HiFiGanDiscriminators
from nrsr.signal.vocoder_mels import VocoderMel
from nrsr.systems.gan_vocoder import PUBLISHED, GanVocoder, network


class HiFiGan(GanVocoder):
    """The published game: least squares, feature matching over all maps (weight 2), and the mel loss (weight 45).

    The mel loss is of the whole band, up to half the sampling rate, whatever the band of the features.

    Args:
        sample_rate: given by the program.
        features: `{class: nrsr.signal.HiFiGanMel}` as published; any `VocoderMel` serves.
        generator: settings of `HiFiGanGenerator` that are not those of version 1.
        discriminator: those of `HiFiGanDiscriminators`; null for a vocoder that is only applied.
        objective: the slot of the adversarial losses, `{class: nrsr.nn.adversarial.LeastSquares}` by default.
        normalise, resolutions: see `GanVocoder`.

    Raises:
        ConfigError: a slot that is filled wrongly, or scales that do not fit the features' hop.
    """

    def __init__(
        self,
        sample_rate: int,
        features: dict[str, Any],
        generator: Mapping[str, Any] = PUBLISHED,
        discriminator: Mapping[str, Any] | None = PUBLISHED,
        objective: dict[str, Any] | None = None,
        normalise: bool = False,
        resolutions: list[list[int]] | None = None,
    ) -> None:
        mel = build(features, VocoderMel, "system.features", sample_rate=sample_rate)
        super().__init__(
            mel,
            network(HiFiGanGenerator, generator, "system.generator", mels=mel.dim),
            network(HiFiGanDiscriminators, discriminator, "system.discriminator"),
            LeastSquares() if objective is None else build(objective, Objective, "system.objective"),
            normalise=normalise,
            loss_features=VocoderMel(**(mel.definition() | {"high": None})),
            resolutions=resolutions,
            every_map=True,
        )
