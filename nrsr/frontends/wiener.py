"""The classical front-end: a Wiener or log-MMSE gain from a decision-directed a-priori SNR."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.special import exp1
from torch import Tensor

from nrsr.config import ConfigError
from nrsr.frontends.frontend import FrontEnd
from nrsr.signal import STFT
from nrsr.signal.noise_power import NoisePower, starting_power
from nrsr.signal.precision import in_float32

Gain = Callable[[np.ndarray, np.ndarray], np.ndarray]


def wiener_gain(prior: np.ndarray, posterior: np.ndarray) -> np.ndarray:
    """ξ / (1 + ξ): least mean square error of the complex spectrum."""
    return prior / (1.0 + prior)


def log_mmse_gain(prior: np.ndarray, posterior: np.ndarray) -> np.ndarray:
    """ξ / (1 + ξ) exp(E₁(v) / 2), v = γ ξ / (1 + ξ): least mean square error of the log-magnitude.

    Ephraim & Malah, IEEE TASSP 33(2), 1985, eq. 20. No more than 1, where it would amplify.
    """
    gain = prior / (1.0 + prior)
    return np.minimum(gain * np.exp(0.5 * exp1(np.maximum(gain * posterior, 1e-10))), 1.0)


GAINS: dict[str, Gain] = {"wiener": wiener_gain, "log_mmse": log_mmse_gain}


class Wiener(FrontEnd):
    """enhanced = iSTFT(G ⊙ X) with a gain G(ξ, γ) by frame and bin; nothing is trained.

    γ = |X|² / σ² is the a-posteriori SNR with the noise power σ² of `NoisePower`, and ξ the a-priori SNR, decision-
    directed: smoothing · G²γ of the frame before + (1 - smoothing) · max(γ - 1, 0) (Ephraim & Malah, IEEE TASSP 32(6),
    1984, eq. 51). Each frame needs the one before: this is the one loop over frames, in numpy, on vectors of all
    utterances and bins. It has no loss, and no gradient flows through it.

    Args:
        sample_rate: in Hz (given by the program).
        gain: "wiener", or "log_mmse" (Ephraim & Malah, 1985).
        window, hop: of the centred Hann STFT, in seconds.
        smoothing: of the a-priori SNR.
        floor: of the a-priori SNR, in dB.

    Raises:
        ConfigError: another gain, or a smoothing that is not from 0 to below 1.
        FeatureError: window and hop that do not fit.
    """

    def __init__(
        self,
        sample_rate: int,
        gain: str = "wiener",
        window: float = 0.032,
        hop: float = 0.016,
        smoothing: float = 0.98,
        floor: float = -25.0,
    ) -> None:
        super().__init__()
        if gain not in GAINS:
            raise ConfigError(f"system.frontend: gain {gain!r} is neither 'wiener' nor 'log_mmse'")
        if not 0.0 <= smoothing < 1.0:
            raise ConfigError(f"system.frontend: smoothing {smoothing} must lie from 0 to below 1")
        self.sample_rate, self.smoothing, self.floor = sample_rate, smoothing, 10.0 ** (floor / 10.0)
        self.gain = GAINS[gain]
        self.stft = STFT(2 * round(window * sample_rate / 2), round(hop * sample_rate))

    @torch.no_grad()
    def forward(self, waves: Tensor, lengths: Tensor, clean: Tensor | None = None) -> tuple[Tensor, None]:
        """See `FrontEnd`; the gains are computed on the host."""
        with in_float32(waves):
            noisy, frames = self.stft.analyse(waves.float(), lengths)
            power = noisy.abs().double().square().cpu().numpy()
            gains = torch.from_numpy(self.gains(power, frames.tolist())).float().to(waves.device)
            return self.stft.synthesise(gains * noisy, lengths, waves.shape[1]), None

    def gains(self, power: np.ndarray, frames: list[int]) -> np.ndarray:
        """Gains [B, N, F] for |X|² of the same shape, of which `frames` are valid."""
        start = np.stack([starting_power(rows[:count]) for rows, count in zip(power, frames, strict=True)])
        noise = NoisePower(start, self.stft.hop / self.sample_rate)
        gains, before = np.empty_like(power), np.ones_like(start)
        for frame in range(power.shape[1]):
            posterior = power[:, frame] / noise.update(power[:, frame])
            prior = self.smoothing * before + (1.0 - self.smoothing) * np.maximum(posterior - 1.0, 0.0)
            prior = np.maximum(prior, self.floor)
            gains[:, frame] = self.gain(prior, posterior)
            before = np.square(gains[:, frame]) * posterior
        return gains
