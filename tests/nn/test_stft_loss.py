"""Spectral and feature-matching losses against numpy, worked numbers and properties."""

import numpy as np
import pytest
import torch

from nrsr.nn.stft_loss import RESOLUTIONS, MultiResolutionStft, feature_matching


def numpy_magnitudes(wave, n_fft, hop, window):
    """Frame by frame: reflected ends, the window in the middle of the transform."""
    wave = np.pad(wave, n_fft // 2, mode="reflect")
    taper = np.zeros(n_fft)
    left = (n_fft - window) // 2
    taper[left : left + window] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    starts = range(0, len(wave) - n_fft + 1, hop)
    powers = [np.abs(np.fft.rfft(wave[start : start + n_fft] * taper)) ** 2 for start in starts]
    return np.sqrt(np.maximum(powers, 1e-7))


def test_against_numpy():
    rng = np.random.default_rng(0)
    generated, real = 0.1 * rng.standard_normal((2, 2, 4000))
    convergence, magnitude = np.zeros(2), np.zeros(2)
    for sizes in RESOLUTIONS:
        for row in range(2):
            found, wanted = numpy_magnitudes(generated[row], *sizes), numpy_magnitudes(real[row], *sizes)
            convergence[row] += np.linalg.norm(wanted - found) / np.linalg.norm(wanted) / 3
            magnitude[row] += np.abs(np.log(wanted) - np.log(found)).mean() / 3
    losses = MultiResolutionStft()(torch.from_numpy(generated), torch.from_numpy(real))
    np.testing.assert_allclose(losses.convergence, convergence, rtol=1e-4)
    np.testing.assert_allclose(losses.magnitude, magnitude, rtol=1e-4)


def test_equal_waveforms_lose_nothing_and_half_the_level_ln_2():
    torch.manual_seed(0)
    real = torch.randn(1, 3000)
    loss = MultiResolutionStft()
    assert all(value.item() == 0.0 for value in loss(real, real))
    convergence, magnitude = loss(0.5 * real, real)
    assert convergence.item() == pytest.approx(0.5, rel=1e-5)
    assert magnitude.item() == pytest.approx(np.log(2), rel=1e-4)


def test_a_quiet_crop_counts_by_its_level():
    """Of two equally wrong crops one is 40 dB quieter: the loss of the batch moves it a hundredth as much."""
    torch.manual_seed(0)
    levels = torch.tensor([[1.0], [0.01]])
    real, noise = levels * torch.randn(3000), 0.5 * levels * torch.randn(3000)
    for joint, ratio in ((True, 0.01), (False, 100.0)):
        generated = (real + noise).requires_grad_()
        MultiResolutionStft()(generated, real, joint).convergence.sum().backward()
        loud, quiet = generated.grad.norm(dim=1).tolist()
        assert quiet / loud == pytest.approx(ratio, rel=0.01), joint


def test_silence_has_a_finite_gradient():
    generated = torch.zeros(1, 3000, requires_grad=True)
    convergence, magnitude = MultiResolutionStft()(generated, torch.ones(1, 3000))
    (convergence + magnitude).sum().backward()
    assert generated.grad.isfinite().all()


def test_feature_matching_by_hand():
    real = [[torch.zeros(2, 1, 2), torch.zeros(2, 2, 1), torch.zeros(2, 1, 1)]]
    generated = [[torch.tensor([[[1.0, 3.0]], [[0.0, 0.0]]]), torch.full((2, 2, 1), 4.0), torch.full((2, 1, 1), 99.0)]]
    assert feature_matching(generated, real).tolist() == [3.0, 2.0]  # the scores do not count
    assert feature_matching(2 * generated, 2 * real).tolist() == [6.0, 4.0]  # discriminators are summed
    assert feature_matching(generated, real, every_map=True).tolist() == [105.0, 103.0]  # 2 + 4 + 99, 0 + 4 + 99
