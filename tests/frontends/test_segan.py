"""SEGAN as a front-end: windows, pre-emphasis, and z that is random and repeats."""

import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import given
from hypothesis import strategies as st

from nrsr.config import ConfigError
from nrsr.frontends import Segan
from nrsr.signal.emphasis import deemphasise, emphasise


@given(st.integers(1, 2000), st.floats(0.0, 0.99))
def test_emphasis_and_its_inverse_are_the_filters_of_scipy(samples, coefficient):
    wave = np.random.default_rng(samples).standard_normal((2, samples))
    tensor = torch.from_numpy(wave)
    np.testing.assert_allclose(emphasise(tensor, coefficient), scipy.signal.lfilter([1, -coefficient], [1], wave))
    expected = scipy.signal.lfilter([1], [1, -coefficient], wave)
    np.testing.assert_allclose(deemphasise(tensor, coefficient), expected, atol=1e-7)
    np.testing.assert_allclose(deemphasise(emphasise(tensor, coefficient), coefficient), wave, atol=1e-7)


def frontend(**settings):
    torch.manual_seed(0)
    return Segan(8000, [4, 6], kernel=5, window=16, **settings).eval()


def identity(windows, latent):
    """In place of the generator: what came in."""
    return windows


@pytest.mark.parametrize("overlap_add", [False, True])
@pytest.mark.parametrize("samples", [1, 15, 16, 17, 100])
def test_a_generator_that_changes_nothing_gives_the_waveform_back(overlap_add, samples):
    made = frontend(overlap_add=overlap_add)
    made.generator.forward = identity
    wave = torch.randn(2, samples)
    lengths = torch.tensor([samples, max(samples - 3, 1)])
    enhanced, loss = made(wave, lengths, wave)
    torch.testing.assert_close(enhanced[0], wave[0], atol=1e-5, rtol=0)
    assert loss.max() < 1e-6


def test_published_windows_stand_side_by_side():
    made = frontend()
    wave = torch.randn(1, 40)
    emphasised = torch.nn.functional.pad(emphasise(wave, 0.95), (0, 8))
    latent = torch.randn(1, 6, 4, generator=torch.Generator().manual_seed(1703_09452))  # the same for all windows
    parts = [made.generator(emphasised[:, start : start + 16], latent) for start in (0, 16, 32)]
    expected = deemphasise(torch.cat(parts, 1)[:, :40], 0.95)
    torch.testing.assert_close(made(wave, torch.tensor([40]))[0], expected)


def test_z_is_random_in_training_and_repeats_in_evaluation():
    made, wave, lengths = frontend(), torch.randn(1, 40), torch.tensor([40])
    assert torch.equal(made(wave, lengths)[0], made(wave, lengths)[0])
    made.train()
    assert not torch.equal(made(wave, lengths)[0], made(wave, lengths)[0])


@pytest.mark.parametrize("overlap_add", [False, True])
def test_with_a_level_the_networks_see_all_recordings_alike(monkeypatch, overlap_add):
    segan, wave, lengths = frontend(level=0.5, overlap_add=overlap_add), torch.randn(1, 64), torch.tensor([64])
    enhanced = segan(wave, lengths)[0]
    torch.testing.assert_close(segan(0.01 * wave, lengths)[0], 0.01 * enhanced)
    plain = frontend(overlap_add=overlap_add)
    assert not torch.allclose(plain(0.01 * wave, lengths)[0], 0.01 * plain(wave, lengths)[0], rtol=0.1)
    seen = []
    monkeypatch.setattr(segan.generator, "forward", lambda windows, latent: seen.append(windows) or windows)
    segan(0.01 * wave, lengths)
    inner = seen[0][1:-1] if overlap_add else seen[0]
    torch.testing.assert_close(inner.square().mean(1).sqrt(), torch.full((len(inner),), 0.5))


def test_silence_has_a_largest_gain():
    segan = frontend(level=0.5)
    assert segan(torch.zeros(1, 40), torch.tensor([40]))[0].isfinite().all()
    assert segan.gains(torch.full((1, 1, 16), 1e-6)).item() == 1000.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"emphasis": 1.0}, "emphasis"), ({"emphasis": -0.1}, "emphasis"), ({"level": 0.0}, "level 0.0 must be above 0")],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(ConfigError, match=message):
        frontend(**settings)
    with pytest.raises(ConfigError, match="multiple of 4"):
        Segan(8000, [4, 6], kernel=5, window=18)
