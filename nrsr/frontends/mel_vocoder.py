"""Enhancement in the mel domain: a BLSTM enhances mel features, and a vocoder generates a waveform from them."""

from typing import Any

import torch
from torch import Tensor, nn

from nrsr.config import ConfigError, build
from nrsr.frontends.frontend import FrontEnd
from nrsr.nn import Blstm, GlobalNorm
from nrsr.nn.dropout import Dropout
from nrsr.nn.wave_generator import WaveGenerator
from nrsr.signal.masks import valid_mask, zero_padding
from nrsr.signal.vocoder_mels import VocoderMel

NOISE_SEED = 1910_11480  # of vocoders that generate a waveform from noise, in evaluation


class MelVocoder(FrontEnd):
    """m' = max(m + BLSTM(m), silence) on log-mel features m, and a waveform of m'; the noisy phase is not used.

    The loss of an utterance is the mean absolute difference of m' and the features of its clean speech. It does not
    reach the vocoder, which is trained by itself on clean speech and put here by the config:

        init:
          frontend.vocoder.generator: {from: exp/melgan_seed1, module: generator}
          frontend.vocoder.norm: {from: exp/melgan_seed1, module: norm}
        freeze: [frontend.vocoder]

    The enhancer (`norm`, `blstm`, `linear`) may come from another experiment; both must have these mels.

    A loss of the waveform, such as that of a recogniser behind it, reaches both. So that an utterance's samples do not
    depend on its batch, it is surrounded by as many frames of silence as the vocoder sees.

    Args:
        sample_rate: in Hz (given by the program).
        features: `{class: ..., ...}` of the vocoder's `VocoderMel`.
        generator: `{class: ..., ...}` of its `WaveGenerator`, as nrsr.nn.melgan.MelGanGenerator.
        normalise: whether the vocoder normalises its features.
        layers, width: BLSTM layers, units per direction.
        dropout: between the BLSTM layers and before the linear layer.

    Raises:
        ConfigError: a slot that is filled wrongly, or a generator with another hop than the features.
    """

    def __init__(
        self,
        sample_rate: int,
        features: dict[str, Any],
        generator: dict[str, Any],
        normalise: bool = True,
        layers: int = 2,
        width: int = 256,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        self.features = build(features, VocoderMel, "system.frontend.features", sample_rate=sample_rate)
        self.norm, dim = GlobalNorm(self.features.dim), self.features.dim
        self.blstm, self.dropout = Blstm(dim, width, layers, dropout), Dropout(dropout)
        self.linear = nn.Linear(2 * width, dim)
        network = build(generator, WaveGenerator, "system.frontend.generator", mels=dim)
        if network.hop != self.features.hop:
            raise ConfigError(
                f"system.frontend.generator.scales: their product is {network.hop}, the features' hop is "
                f"{self.features.hop} samples; make them equal"
            )
        # Named as in the systems of vocoders, whose weights come here.
        self.vocoder = nn.ModuleDict({"generator": network})
        if normalise:
            self.vocoder["norm"] = GlobalNorm(dim)

    def forward(self, waves: Tensor, lengths: Tensor, clean: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """See `FrontEnd`."""
        mels, frames = self.enhanced_mels(waves, lengths)
        enhanced = zero_padding(self.vocode(mels, frames, waves.shape[1]), lengths)
        return enhanced, None if clean is None else self._distances(mels, frames, clean, lengths)

    def losses(self, waves: Tensor, lengths: Tensor, clean: Tensor) -> Tensor:
        mels, frames = self.enhanced_mels(waves, lengths)
        return self._distances(mels, frames, clean, lengths)

    def enhanced_mels(self, waves: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Enhanced features [B, N, bands] of waves [B, T], and the frames [B] of each utterance."""
        mels, frames = self.features(waves, lengths)
        if mels.shape[1] == 0:
            return mels, frames
        hidden = self.dropout(self.blstm(self.norm(mels), frames.clamp_min(1)))
        return torch.maximum(mels + self.linear(hidden), self.features.silence), frames

    def vocode(self, mels: Tensor, frames: Tensor, samples: int) -> Tensor:
        """Features [B, N, bands], of which `frames` [B] are valid, to waveforms [B, samples]."""
        generator, silence = self.vocoder["generator"], self.features.silence
        around = generator.reach + 1
        filled = torch.where(valid_mask(frames, mels.shape[1]).unsqueeze(2), mels, silence)
        behind = max(0, -(-samples // generator.hop) - mels.shape[1]) + around
        edges = [silence.expand(len(mels), size + generator.context, -1) for size in (around, behind)]
        surrounded = torch.cat([edges[0], filled, edges[1]], dim=1)
        if "norm" in self.vocoder:
            surrounded = self.vocoder["norm"](surrounded)
        waves = generator(surrounded.transpose(1, 2), self._noise(surrounded))
        return waves[:, around * generator.hop :][:, :samples]

    def _noise(self, mels: Tensor) -> Tensor | None:
        """The same for all utterances in evaluation, so that none depends on its batch; drawn anew in training."""
        generator = self.vocoder["generator"]
        if not generator.takes_noise or self.training:
            return None
        samples = (mels.shape[1] - 2 * generator.context) * generator.hop
        noise = torch.randn(samples, generator=torch.Generator().manual_seed(NOISE_SEED))
        return noise.to(mels.device).expand(len(mels), -1)

    def _distances(self, mels: Tensor, frames: Tensor, clean: Tensor, lengths: Tensor) -> Tensor:
        """Mean absolute differences [B] to the features of clean speech."""
        wanted, _ = self.features(clean, lengths)
        distances = zero_padding((mels - wanted).abs().mean(2), frames)
        return distances.sum(1) / frames.clamp_min(1)

    @torch.no_grad()
    def accumulate_statistics(self, waves: Tensor, lengths: Tensor) -> None:
        """Accumulate those of noisy features, for the vocoder as well until it brings its own."""
        mels, frames = self.features(waves, lengths)
        for norm in (self.norm, *([self.vocoder["norm"]] if "norm" in self.vocoder else ())):
            norm.accumulate_statistics(mels, frames)
