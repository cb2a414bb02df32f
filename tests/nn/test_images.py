"""Images of sound against a slow transform with SpecGAN's definition, and the way back to the waveform."""

import numpy as np
import pytest
import torch

from nrsr.config import ConfigError
from nrsr.nn import StatisticsError
from nrsr.nn.images import FLOOR, MelImages, SpectrumImages, fixed
from nrsr.signal.mel import kaldi_bank

RATE = 8000


def speech(count: int, samples: int, seed: int = 0) -> torch.Tensor:
    """Harmonic tones that come and go, in faint noise."""
    rng, time = np.random.default_rng(seed), np.arange(samples) / RATE
    waves = []
    for _ in range(count):
        pitch, rate = rng.uniform(90, 220), rng.uniform(2, 5)
        tone = sum(np.sin(2 * np.pi * pitch * harmonic * time) / harmonic for harmonic in range(1, 12))
        waves.append(0.2 * np.sin(np.pi * rate * time) ** 2 * tone + rng.normal(0, 1e-3, samples))
    return torch.from_numpy(np.stack(waves)).float()


def slow_spectra(wave: np.ndarray, frame: int, step: int) -> np.ndarray:
    """Magnitudes [frames, bins] of a transform that is padded at its end, frame by frame (float64)."""
    frames = -(-len(wave) // step)
    padded = np.concatenate([wave, np.zeros(frame)])
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)
    return np.stack([np.abs(np.fft.rfft(window * padded[n * step : n * step + frame])) for n in range(frames)])


def made(images, waves):
    images.accumulate_statistics(waves, torch.full((len(waves),), waves.shape[1]))
    images.norm.finish()
    return images


@pytest.mark.parametrize("samples", [16384, 8192])
def test_spectra_are_specgans(samples):
    waves = speech(3, samples)
    images = made(SpectrumImages(samples), waves)
    hop = samples // 128
    moved = [np.pad(wave, (128 - hop, 0)) for wave in waves.numpy()]  # by nothing at the published hop of 128
    logarithms = np.stack([np.log(slow_spectra(wave, 256, hop)[:128, :-1] + FLOOR) for wave in moved])
    assert logarithms.shape == (3, 128, 128)
    mean, std = logarithms.mean((0, 1)), logarithms.std((0, 1))
    expected = ((logarithms - mean) / (3 * std)).clip(-1, 1).transpose(0, 2, 1)
    np.testing.assert_allclose(images(waves).numpy(), expected, atol=1e-3)
    statistics = images.norm.statistics()
    assert statistics.shape == (2, 129) and statistics[0, -1] == 3 * 128
    np.testing.assert_allclose(statistics[0, :-1] / (3 * 128), mean, atol=1e-4)


def test_mel_images_are_sums_under_filters():
    waves = speech(2, 8192)
    images = made(MelImages(RATE, 8192, 28), waves)
    assert (images.stft.hop, images.stft.n_fft) == (292, 1024)
    bank = kaldi_bank(RATE, 1024, 28, 0.0, RATE / 2)
    shift = 512 - 292  # the transform is centred: its frames begin half a window less a hop earlier
    moved = np.stack([slow_spectra(np.pad(wave[: 28 * 292], (shift, 0)), 1024, 292) for wave in waves.numpy()])
    logarithms = np.log(moved[:, :28, :-1] @ bank + FLOOR)
    expected = ((logarithms - logarithms.mean((0, 1))) / (3 * logarithms.std((0, 1)))).clip(-1, 1)
    np.testing.assert_allclose(images(waves).numpy(), expected.transpose(0, 2, 1), atol=1e-3)


@pytest.mark.parametrize("side", [28, 64])
@pytest.mark.parametrize(("rate", "samples"), [(8000, 8192), (16000, 16384), (16000, 32768)])
def test_no_mel_filter_is_empty(rate, samples, side):
    images = MelImages(rate, samples, side)
    assert images.stft.n_fft >= 3 * images.stft.hop and (images.bank.sum(0) > 0).all()


@pytest.mark.parametrize(
    ("images", "most"),
    [(SpectrumImages(8192), 0.4), (MelImages(RATE, 8192, 64), 0.5), (MelImages(RATE, 8192, 28), 0.85)],
    ids=["spectrum", "mel64", "mel28"],
)
def test_the_way_back(images, most):
    waves = speech(4, 8192)
    images = made(images, waves)
    back = images.inverse(images(waves))
    assert back.shape == waves.shape and back.abs().max() < 1.5
    # What comes back has nearly the image that it was made from, and the spectrum of the waveform.
    seen, wanted = images(back), images(waves)
    assert (seen - wanted).abs().mean() < 0.15
    spectra = [images.stft(wave).abs()[..., 2:] for wave in (back, waves)]
    apart = (spectra[0] - spectra[1]).flatten(1).norm(dim=1) / spectra[1].flatten(1).norm(dim=1)
    assert (apart < most).all(), apart


def test_magnitudes_come_back_as_they_were():
    images = SpectrumImages(8192)
    magnitudes = torch.rand(2, 129, 20)
    back = images.magnitudes(images.bands(magnitudes))
    assert torch.equal(back[:, :-1], magnitudes[:, :-1]) and not back[:, -1].any()
    mel = MelImages(RATE, 8192, 28)
    bands = mel.bands(magnitudes.new_ones(1, 513, 4))
    torch.testing.assert_close(mel.bands(mel.magnitudes(bands)), bands, rtol=1e-2, atol=1e-2)
    assert (mel.magnitudes(torch.rand(1, 28, 4)) >= 0).all() and not mel.magnitudes(torch.zeros(1, 28, 4)).any()


def test_silence_is_a_image():
    images = made(SpectrumImages(8192), speech(2, 8192))
    silent = images(torch.zeros(1, 8192))
    assert silent.isfinite().all() and images.inverse(silent).abs().max() < 0.05


def test_sizes_and_statistics_that_are_not_there():
    with pytest.raises(StatisticsError, match="nrsr compute-cmvn"):
        SpectrumImages(8192)(torch.zeros(1, 8192))
    with pytest.raises(ConfigError, match="system.iterations: -1"):
        SpectrumImages(8192, iterations=-1)
    assert fixed(torch.ones(1, 5), 3).tolist() == [[1, 1, 1]] and fixed(torch.ones(1, 2), 3).tolist() == [[1, 1, 0]]
