"""Speed and gain on the fly: lengths, levels, and what is refused; an augmentation of the user's own."""

import numpy as np
import pytest
import yaml
from augmented_corpus import RATE, UNITS, opened, write_corpus
from pages import blocks

from nrsr.config import ConfigError
from nrsr.data.augmentation import Augmentation, Signals, build_augmentations
from nrsr.data.batches import BatchError, BatchSettings
from nrsr.data.draw import Draw
from nrsr.signal.mixing import PEAK, power
from nrsr.signal.speed import change_speed

SPEED = {"class": "nrsr.data.augmentation.Speed", "factors": [0.9, 1.0, 1.1]}


class Backwards(Augmentation):
    """What a user might write."""

    def __init__(self, times: int = 1):
        self.times = times

    def __call__(self, signals, rng):
        return signals.changed(lambda wave: wave[:: (-1) ** self.times].copy())


def test_speeds_are_drawn_and_the_clean_speech_keeps_step(tmp_path):
    speech, _ = write_corpus(tmp_path)
    data = opened(tmp_path / "train", [SPEED])
    lengths = set()
    for epoch in range(30):
        example = data[Draw(0, 1, epoch)]
        np.testing.assert_array_equal(example.wave, example.clean)
        lengths.add(len(example.wave))
    assert lengths == {len(change_speed(speech["u1"], RATE, factor)) for factor in (0.9, 1.0, 1.1)}


def test_batches_hold_their_cap_at_the_slowest_speed(tmp_path):
    write_corpus(tmp_path)
    data, settings = opened(tmp_path / "train", [SPEED]), BatchSettings(size=5, max_seconds=1.4)
    for epoch in range(10):
        for batch in data.batches(settings, 1, epoch):
            lengths = [len(data[draw].wave) for draw in batch]
            assert max(lengths) * len(lengths) <= 1.4 * RATE
    with pytest.raises(BatchError, match="utterance u5"):  # 5500 samples, and 6112 at a speed of 0.9
        data.batches(BatchSettings(max_seconds=0.72), 1, 0)


def test_the_fastest_speed_decides_what_is_too_short_for_ctc(tmp_path):
    write_corpus(tmp_path)
    frames = 3500 // 3  # u1 has 3500 samples, and 3181 at a speed of 1.1; "one two" needs 2 frames, an own step each
    for augment, kept in ((None, 5), ([SPEED], 4)):
        data = opened(tmp_path / "train", augment)
        data.drop_too_short_for_ctc(lambda samples: samples // frames - 1)
        assert len(data) == kept


def test_gain_is_drawn_from_its_range_and_never_clips(tmp_path):
    speech, _ = write_corpus(tmp_path)
    data = opened(tmp_path / "train", [{"class": "nrsr.data.augmentation.Gain", "db": [-20, 20]}])
    examples = [data[Draw(0, 1, epoch)] for epoch in range(60)]
    gains = [10 * np.log10(power(example.wave) / power(speech["u1"])) for example in examples]
    highest = 20 * np.log10(PEAK / np.abs(speech["u1"]).max())
    assert -20.01 < min(gains) < -15 and max(gains) == pytest.approx(highest, abs=1e-3)
    for example in examples:
        np.testing.assert_array_equal(example.wave, example.clean)


def test_an_augmentation_of_ones_own_is_one_class(tmp_path, monkeypatch):
    monkeypatch.setenv("NRSR_MODULES", __name__)
    speech, _ = write_corpus(tmp_path)
    data = opened(tmp_path / "train", [{"class": f"{__name__}.Backwards", "times": 3}])
    np.testing.assert_array_equal(data[Draw(1, 0, 0)].wave, speech["u2"][::-1])
    np.testing.assert_array_equal(data[1].wave, speech["u2"])  # development data stay as they are
    with pytest.raises(ConfigError, match="data.augment.2: .*unexpected keyword argument 'speed'"):
        opened(tmp_path / "train", [SPEED, {"class": f"{__name__}.Backwards", "speed": 3}])


def test_the_list_of_the_manual():
    part = next(block for block in blocks("docs/config.md", "yaml") if "augment" in block)
    built = build_augmentations(yaml.safe_load(part)["data"]["augment"])
    assert [type(each).__name__ for each in built] == ["Crop", "Speed", "Reverberate", "Gain", "AddNoise"]


@pytest.mark.parametrize("factors", [[], 1.1, [0.1], [float("nan")], ["fast"], [True]])
def test_speeds_that_cannot_be(factors, tmp_path):
    write_corpus(tmp_path)
    with pytest.raises(ConfigError, match="data.augment: Speed: factors: .* is no list of factors from 0.5 to 2"):
        opened(tmp_path / "train", [{**SPEED, "factors": factors}], UNITS)


def test_gains_that_cannot_be(tmp_path):
    write_corpus(tmp_path)
    with pytest.raises(ConfigError, match=r"Gain: db: \[3, -3\] is no range of dB"):
        opened(tmp_path / "train", [{"class": "nrsr.data.augmentation.Gain", "db": [3, -3]}])


def test_signals_change_all_parts_alike():
    wave = np.linspace(-2, 2, 9, dtype=np.float32)
    lowered = Signals(wave, np.stack([wave / 2, wave / 4])).within_full_scale()
    np.testing.assert_allclose(lowered.parallel, np.stack([lowered.wave / 2, lowered.wave / 4]))
    assert np.abs(lowered.wave).max() == pytest.approx(PEAK) and lowered.speech().shape == (9,)
