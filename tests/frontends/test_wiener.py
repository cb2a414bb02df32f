"""The Wiener filter: its formulas by hand, its noise estimate, and what it takes away."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from nrsr.config import ConfigError
from nrsr.frontends import Wiener
from nrsr.frontends.wiener import log_mmse_gain, wiener_gain
from nrsr.nn.si_snr import si_snr
from nrsr.signal import FeatureError
from nrsr.signal.noise_power import NoisePower, starting_power


def tone_in_noise(rate=8000, seconds=2.0, level=0.05, seed=0):
    """A tone that comes and goes, from the first sample on, in white noise; clean and noisy [1, T]."""
    time = torch.arange(round(seconds * rate)) / rate
    clean = 0.3 * torch.sin(2 * torch.pi * 440 * time) * (torch.cos(2 * torch.pi * 2 * time) > 0)
    return clean[None], clean[None] + level * torch.randn(1, len(time), generator=torch.Generator().manual_seed(seed))


def test_gains_are_those_of_the_papers():
    prior, posterior = np.array([0.1, 1.0, 10.0]), np.array([0.5, 2.0, 9.0])
    np.testing.assert_allclose(wiener_gain(prior, posterior), [1 / 11, 0.5, 10 / 11])
    for xi, gamma in zip(prior, posterior, strict=True):
        integral, _ = quad(lambda t: np.exp(-t) / t, gamma * xi / (1 + xi), np.inf)
        expected = min(1.0, xi / (1 + xi) * np.exp(0.5 * integral))
        assert log_mmse_gain(np.array([xi]), np.array([gamma]))[0] == pytest.approx(expected, rel=1e-6)


def test_a_frame_by_hand():
    """Two frames of one bin with the published constants."""
    noise = NoisePower(np.array([[2.0]]), 0.016)
    xi, power, presence = 10**1.5, 2.0, 0.5
    for observed in (3.0, 40.0):
        probability = 1 / (1 + (1 + xi) * np.exp(-observed / power * xi / (1 + xi)))
        presence = 0.9 * presence + 0.1 * probability
        power = 0.8 * power + 0.2 * (probability * power + (1 - probability) * observed)
        assert noise.update(np.array([[observed]]))[0, 0] == pytest.approx(power, rel=1e-9)
    frontend = Wiener(1000, window=0.032, hop=0.016)
    rows = np.array([3.0, 40.0, 1.0, 5.0])[None, :, None]
    noise, before, expected = NoisePower(starting_power(rows[0])[None], 0.016), 1.0, []
    for observed in rows[0, :, 0]:
        gamma = observed / noise.update(np.array([[observed]]))[0, 0]
        xi = max(0.98 * before + 0.02 * max(gamma - 1, 0), 10**-2.5)
        expected.append(xi / (1 + xi))
        before = expected[-1] ** 2 * gamma
    np.testing.assert_allclose(frontend.gains(rows, [4])[0, :, 0], expected, rtol=1e-9)


def test_the_noise_power_of_noise():
    """Both estimates on exponentially distributed power of mean 4; and the running one follows a rise of 10 dB.

    The running one is low by nature: the strongest noise is taken for speech. Where it changes slowly it is that N for
    which the integral of (1 - p(y / N)) (y - N) exp(-y) is 0, which is 0.81 of the mean.
    """
    power = np.random.default_rng(0).exponential(4.0, (400, 1, 200))
    assert starting_power(power[:, 0]).mean() == pytest.approx(4.0, rel=0.05)
    noise = NoisePower(np.full((1, 200), 4.0), 0.016)
    assert np.mean([noise.update(frame) for frame in power[100:]][-100:]) == pytest.approx(0.78 * 4.0, rel=0.05)
    assert np.mean([noise.update(10 * frame) for frame in power]) > 20.0


@pytest.mark.parametrize("gain", ["wiener", "log_mmse"])
@pytest.mark.parametrize("rate", [8000, 16000])
def test_takes_white_noise_away(gain, rate):
    clean, noisy = tone_in_noise(rate)
    lengths = torch.tensor([clean.shape[1]])
    enhanced, _ = Wiener(rate, gain=gain)(noisy, lengths)
    before, after = (si_snr(waves, clean, lengths, 80.0).item() for waves in (noisy, enhanced))
    assert after > before + 8.0
    level, _ = Wiener(rate, gain=gain)(0.01 * noisy, lengths)  # the level of a recording does not matter
    torch.testing.assert_close(100.0 * level, enhanced, atol=1e-4, rtol=0)


def test_settings_that_cannot_be_are_refused():
    for changed, error, message in (
        ({"gain": "mmse"}, ConfigError, "neither 'wiener' nor 'log_mmse'"),
        ({"smoothing": 1.0}, ConfigError, "from 0 to below 1"),
        ({"hop": 0.03}, FeatureError, "half the window"),
    ):
        with pytest.raises(error, match=message):
            Wiener(8000, **changed)
