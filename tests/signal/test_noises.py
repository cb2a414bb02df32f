"""Generated noises: levels, spectra, rhythm, and the same noise for the same seed."""

import numpy as np
import pytest

from nrsr.signal.noises import NOISES, NoiseError

RATE = 8000
SPEECH = [np.random.default_rng(seed).standard_normal(3000 + 500 * seed).astype(np.float32) for seed in range(4)]


def make(name: str, seconds: float = 4.0, seed: int = 0, rate: int = RATE) -> np.ndarray:
    pool = (SPEECH,) if name == "babble" else ()
    return NOISES[name](int(seconds * rate), rate, np.random.default_rng(seed), *pool)


def spectrum(wave: np.ndarray, rate: int = RATE) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies, and power averaged over half-overlapping frames of 2,048 samples."""
    frames = np.lib.stride_tricks.sliding_window_view(wave, 2048)[::1024] * np.hanning(2048)
    return np.fft.rfftfreq(2048, 1 / rate), (np.abs(np.fft.rfft(frames)) ** 2).mean(axis=0)


def share(wave: np.ndarray, low: float, high: float) -> float:
    """Part of the power between two frequencies."""
    frequencies, power = spectrum(wave)
    return power[(frequencies >= low) & (frequencies < high)].sum() / power.sum()


def loudest(wave: np.ndarray) -> float:
    """Frequency of the strongest bin of the whole wave."""
    return np.abs(np.fft.rfft(wave))[1:].argmax() * RATE / len(wave) + RATE / len(wave)


def kurtosis(wave: np.ndarray) -> float:
    return float(np.mean(wave.astype(np.float64) ** 4))


def test_there_are_seventeen():
    assert len(NOISES) == 17


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("name", NOISES)
def test_level_and_reproduction(name, rate):
    wave = make(name, 1.0, 1, rate)
    assert wave.dtype == np.float32
    assert wave.shape == (rate,)
    assert np.isfinite(wave).all()
    assert np.sqrt(np.mean(wave**2)) == pytest.approx(1.0, abs=1e-4)
    assert abs(wave.mean()) < 1e-4
    np.testing.assert_array_equal(wave, make(name, 1.0, 1, rate))
    assert np.abs(wave - make(name, 1.0, 2, rate)).max() > 0.1


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("samples", [800, 1013])
def test_short_noise_is_finite(name, samples):
    for seed in range(10):
        assert np.isfinite(make(name, samples / RATE, seed)).all()


@pytest.mark.parametrize("name", NOISES)
def test_too_short_is_refused(name):
    with pytest.raises(NoiseError, match=name):
        make(name, 0.05)


@pytest.mark.parametrize("name, slope", [("white", 0), ("pink", -1), ("brown", -2), ("blue", 1)])
def test_slope_of_coloured_noise(name, slope):
    frequencies, power = spectrum(make(name, 20.0))
    inside = (frequencies > 60) & (frequencies < 3800)
    fitted = np.polyfit(np.log(frequencies[inside]), np.log(power[inside]), 1)[0]
    assert fitted == pytest.approx(slope, abs=0.1)


def test_hum_is_50_or_60_hertz():
    found = {round(loudest(make("hum", seed=seed))) for seed in range(8)}
    assert found == {50, 60}


def test_siren_wails():
    wave = make("siren", 8.0)
    frames = np.lib.stride_tricks.sliding_window_view(wave, 512)[::512]
    pitch = np.abs(np.fft.rfft(frames * np.hanning(512))).argmax(axis=1) * RATE / 512
    assert pitch.min() < 750
    assert pitch.max() > 850
    assert pitch.max() < 1600


def test_beeps_are_periodic_and_pause():
    wave = make("beeps", 6.0)
    level = np.sqrt(np.square(wave.reshape(-1, 80)).mean(axis=1))
    assert 0.25 < np.mean(level > 0.5) < 0.65
    centred = level - level.mean()
    correlation = np.correlate(centred, centred, "full")[len(level) - 1 :]
    assert correlation[25:110].max() > 0.7 * correlation[0]


def test_impulsive_noises_are_impulsive():
    for name in ("clicks", "crackle"):
        assert kurtosis(make(name)) > 10
    for name in ("white", "fan", "babble", "rain"):
        assert kurtosis(make(name)) < 5


def test_bands():
    assert share(make("wind"), 0, 1000) > 0.9
    assert share(make("birds"), 1500, 4000) > 0.9
    assert share(make("rain"), 800, 4000) > 0.6
    assert share(make("engine"), 0, 1500) > 0.8
    assert share(make("train"), 0, 1000) > 0.8
    assert share(make("traffic"), 0, 2500) > 0.9


def test_babble_is_made_of_the_pool():
    tone = np.sin(2 * np.pi * 440 * np.arange(4000) / RATE).astype(np.float32)
    wave = NOISES["babble"](16000, RATE, np.random.default_rng(0), [tone, np.zeros(100, dtype=np.float32)])
    assert loudest(wave) == pytest.approx(440, abs=2)
    with pytest.raises(NoiseError, match="pool"):
        NOISES["babble"](16000, RATE, np.random.default_rng(0), [np.zeros(100)])


def test_loudness_changes_where_it_should():
    for name, least in (("wind", 3.0), ("traffic", 2.0)):
        level = np.square(make(name, 10.0).reshape(-1, 4000)).mean(axis=1)
        assert level.max() / level.min() > least
