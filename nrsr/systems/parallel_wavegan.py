"""Parallel WaveGAN (Yamamoto, Song, Kim, ICASSP 2020; arXiv 1910.11480): noise to speech by a WaveNet in one pass."""

from collections.abc import Mapping
from typing import Any

from nrsr.config import build
from nrsr.nn.adversarial import LeastSquares, Objective
from nrsr.nn.parallel_wavegan import ParallelWaveGanDiscriminator, ParallelWaveGanGenerator
from nrsr.signal.vocoder_mels import VocoderMel
from nrsr.systems.gan_vocoder import GENERATOR, PUBLISHED, GanVocoder, network


class ParallelWaveGan(GanVocoder):
    """The published game: the generator moves first, and the discriminator is shown waveforms that it makes anew.

    Args:
        sample_rate: given by the program.
        features: `{class: nrsr.signal.ParallelWaveGanMel, ...}` as published; any `VocoderMel` serves.
        generator: settings of `ParallelWaveGanGenerator` that are not as published.
        discriminator: those of `ParallelWaveGanDiscriminator`; null for a vocoder that is only applied.
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
        normalise: bool = True,
        resolutions: list[list[int]] | None = None,
    ) -> None:
        mel = build(features, VocoderMel, "system.features", sample_rate=sample_rate)
        super().__init__(
            mel,
            network(ParallelWaveGanGenerator, generator, "system.generator", mels=mel.dim),
            network(ParallelWaveGanDiscriminator, discriminator, "system.discriminator"),
            LeastSquares() if objective is None else build(objective, Objective, "system.objective"),
            normalise=normalise,
            loss_features=mel,
            resolutions=resolutions,
            first=GENERATOR,
        )
