"""Crop: alike on noisy and clean speech, before the noise; lengths; settings that cannot be."""

from pathlib import Path

import numpy as np
import pytest

from nrsr.config import ConfigError
from nrsr.data.augmentation import Crop, Signals

RATE = 1000


def cropped(seconds: float, wave: np.ndarray, parallel: np.ndarray | None = None, seed: int = 0) -> Signals:
    crop = Crop(seconds)
    crop.open(Path(), RATE)
    return crop(Signals(wave, parallel), np.random.default_rng(seed))


def test_clean_and_noisy_speech_are_cut_alike():
    wave = np.arange(500, dtype=np.float32)
    starts = set()
    for seed in range(20):
        signals = cropped(0.2, wave, wave[None] - 1000, seed)
        assert len(signals.wave) == 200 and (np.diff(signals.wave) == 1).all()
        np.testing.assert_array_equal(signals.parallel[0], signals.wave - 1000)
        starts.add(float(signals.wave[0]))
    assert len(starts) > 10 and max(starts) <= 300


def test_short_utterances_stay_whole_and_lengths_are_known():
    wave = np.ones(150, dtype=np.float32)
    assert cropped(0.2, wave).wave is wave
    crop = Crop(0.2)
    crop.open(Path(), RATE)
    for lengths in crop.lengths(np.array([150, 200, 500])):
        assert lengths.tolist() == [150, 200, 200]


@pytest.mark.parametrize("seconds", [0, -1.0, True, "2", float("inf")])
def test_other_lengths_are_refused(seconds):
    with pytest.raises(ConfigError, match="Crop: seconds: .* is no length"):
        Crop(seconds)
