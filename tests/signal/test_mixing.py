"""Mixing: the SNR reached, exact sums, clipping, noise length, and refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.signal.activity import FRAME, active_power, active_samples
from nrsr.signal.mixing import MixingError, fit_noise, mix, power


def speech_like(rng, samples):
    wave = rng.uniform(-0.3, 0.3, samples).astype(np.float32)
    wave[: samples // 3] *= 1e-3  # a quiet start, outside the active samples
    return wave


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    samples=st.integers(1, 3000),
    noise_samples=st.integers(1, 5000),
    snr=st.floats(-30, 40),
    active=st.booleans(),
)
def test_snr_reached_and_sum_exact(seed, samples, noise_samples, snr, active):
    rng = np.random.default_rng(seed)
    speech = speech_like(rng, samples)
    noise = rng.uniform(-1, 1, noise_samples).astype(np.float32)
    mixture, clean, added = mix(speech, noise, snr, rng, active=active)
    assert mixture.dtype == clean.dtype == added.dtype == np.float32
    assert len(mixture) == samples
    np.testing.assert_array_equal(mixture, clean + added)
    level = active_power(clean) if active else power(clean)
    assert 10 * np.log10(level / power(added)) == pytest.approx(snr, abs=1e-3)
    assert max(np.abs(mixture).max(), np.abs(clean).max(), np.abs(added).max()) < 0.991
    gain = clean @ speech / (speech @ speech)
    np.testing.assert_allclose(clean, speech * gain, atol=1e-6)
    assert gain <= 1.0 + 1e-6


def test_speech_keeps_its_level_where_nothing_clips():
    rng = np.random.default_rng(0)
    speech = speech_like(rng, 4000)
    _, clean, _ = mix(speech, rng.standard_normal(4000) * 0.1, 20.0, rng, active=False)
    np.testing.assert_array_equal(clean, speech)


def test_active_power_leaves_out_silence():
    wave = np.zeros(20 * FRAME, dtype=np.float32)
    wave[5 * FRAME : 10 * FRAME] = 0.5
    mask = active_samples(wave)
    assert mask.sum() == 5 * FRAME
    assert mask[5 * FRAME : 10 * FRAME].all()
    assert active_power(wave) == pytest.approx(0.25)
    assert power(wave) == pytest.approx(0.0625)
    assert not active_samples(np.zeros(777)).any()


def test_short_noise_is_repeated_and_long_noise_cropped():
    rng = np.random.default_rng(5)
    noise = np.arange(1, 8, dtype=np.float32)
    repeated = fit_noise(noise, 30, rng)
    np.testing.assert_array_equal(np.diff(repeated) % 7, np.ones(29))
    cropped = fit_noise(np.arange(100, dtype=np.float32), 30, rng)
    np.testing.assert_array_equal(np.diff(cropped), np.ones(29))


def test_crop_avoids_digital_silence():
    noise = np.zeros(10000, dtype=np.float32)
    noise[-3] = 0.5
    for seed in range(20):
        assert fit_noise(noise, 50, np.random.default_rng(seed)).any()


@pytest.mark.parametrize(
    "speech, noise, snr, named",
    [
        (np.zeros(10), np.ones(10), 5, "speech: silent"),
        (np.ones(10), np.zeros(10), 5, "noise: silent"),
        (np.ones(0), np.ones(10), 5, "speech: expected"),
        (np.ones(10), np.ones((10, 2)), 5, "noise: expected"),
        (np.ones(10), np.array([1, np.nan]), 5, "noise: holds NaN"),
        (np.ones(10), np.ones(10), float("inf"), "SNR inf"),
    ],
)
def test_refusals_are_named(speech, noise, snr, named):
    with pytest.raises(MixingError, match=named):
        mix(speech, noise, snr, np.random.default_rng(0), active=False)
