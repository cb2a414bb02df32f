"""MelGAN (Kumar et al., NeurIPS 2019; arXiv 1910.06711): a vocoder against discriminators of three time scales."""

from collections.abc import Mapping
from typing import Any

from nrsr.config import build
from nrsr.nn.adversarial import Hinge, Objective
from nrsr.nn.melgan import MelGanDiscriminators, MelGanGenerator
from nrsr.signal.vocoder_mels import VocoderMel
from nrsr.systems.gan_vocoder import PUBLISHED, GanVocoder, network


class MelGan(GanVocoder):
    """The published game: hinge losses, and feature matching that is weighted by 10.

    The paper's sum over layers and discriminators, each layer with 4/5 of a third, is 10 (4/5) (6/3) = 16 times the
    loss "feature".

    Args:
        sample_rate: given by the program.
        features: `{class: nrsr.signal.MelGanMel}` as published; any `VocoderMel` serves.
        generator: settings of `MelGanGenerator` that are not as published.
        discriminator: those of `MelGanDiscriminators`; null for a vocoder that is only applied.
        objective: the slot of the adversarial losses, `{class: nrsr.nn.adversarial.Hinge}` by default.
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
            network(MelGanGenerator, generator, "system.generator", mels=mel.dim),
            network(MelGanDiscriminators, discriminator, "system.discriminator"),
            Hinge() if objective is None else build(objective, Objective, "system.objective"),
            normalise=normalise,
            loss_features=mel,
            resolutions=resolutions,
        )
