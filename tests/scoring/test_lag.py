"""How late an estimate is: found in noise, and never where there is no lag."""

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_mixtures import speech_like
from toy_speech import voice

from nrsr.scoring.lag import lag


def shifted(wave: np.ndarray, samples: int) -> np.ndarray:
    """Later by so many samples; zeros come in."""
    padded = np.pad(wave, (max(samples, 0), max(-samples, 0)))
    return padded[: len(wave)] if samples > 0 else padded[len(padded) - len(wave) :]


@settings(deadline=None, max_examples=30)
@given(samples=st.integers(-400, 400), gain=st.sampled_from([0.01, 1.0, -3.0]), seed=st.integers(0, 99))
def test_a_delay_is_found_at_any_level_and_polarity(samples, gain, seed):
    rng = np.random.default_rng(seed)
    clean = speech_like(rng, 4000)
    noisy = clean + 0.01 * rng.normal(size=len(clean))
    assert lag(clean, gain * shifted(noisy, samples), 8000) == samples


def test_periods_of_a_voice_are_no_lag():
    rng = np.random.default_rng(0)
    clean, _ = voice(8000, 0.5)
    for late in (0, 40, -100):
        assert lag(clean, shifted(clean, late) + 1e-3 * rng.normal(size=len(clean)), 8000) == late


def test_chance_is_no_lag():
    rng = np.random.default_rng(0)
    clean = speech_like(rng, 16000)
    assert [lag(clean, rng.normal(size=len(clean)), 16000) for _ in range(50)] == [0] * 50
    silence = np.zeros_like(clean)
    assert lag(clean, silence, 16000) == lag(silence, clean, 16000) == lag(clean[:1], clean[:1], 16000) == 0
    tone = np.sin(2 * np.pi * 200 * np.arange(16000) / 16000)
    assert lag(tone, shifted(tone, 0), 16000) == 0


@pytest.mark.parametrize("snr", [-10, -5, 5])
def test_real_recordings_in_noise(shared_data, snr):
    """No false alarm without a lag; of true lags most, and none with another number."""
    paths = [*sorted((shared_data / "fsdd/recordings").glob("*.wav"))[::60],
             *sorted((shared_data / "ravdess").glob("*/*.wav"))[::90]]  # fmt: skip
    noises = sorted((shared_data / "nonspeech").glob("*.wav"))
    found: dict[int, list[int]] = {0: [], 1: [], 320: []}
    for number, path in enumerate(paths):
        clean, rate = soundfile.read(path, always_2d=True)
        sound, other = soundfile.read(noises[number % len(noises)])
        clean, sound = clean[:, 0], np.resize(soxr.resample(sound, other, rate), len(clean))
        noisy = clean + sound * np.sqrt((clean @ clean) / (sound @ sound) / 10 ** (snr / 10))
        for late, own in found.items():
            own.append(lag(clean, shifted(noisy, late), rate))
    assert set(found[0]) == {0}
    for late in (1, 320):
        assert set(found[late]) <= {0, late}
        assert np.mean(np.equal(found[late], late)) > 0.8
