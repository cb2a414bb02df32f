"""Rooms on the fly: timing, level, what the clean speech keeps, and refusals."""

from pathlib import Path

import numpy as np
import pytest
from augmented_corpus import RATE, opened, write_corpus, write_waves

from nrsr.config import ConfigError
from nrsr.data.augmentation import AugmentationError
from nrsr.data.draw import Draw
from nrsr.kaldi import AudioError, WaveWriter
from nrsr.signal.mixing import power

CLASS = "nrsr.data.augmentation.Reverberate"


def write_rirs(folder: Path, responses: dict[str, np.ndarray], rate: int = RATE) -> None:
    """FOLDER/rir.scp."""
    folder.mkdir(exist_ok=True)
    with WaveWriter(folder / "rir.ark", folder / "rir.scp", rate, bits=32) as writer:
        for name, response in responses.items():
            writer[name] = response


def echo(at: dict[int, float], samples: int = 3000) -> np.ndarray:
    """A response that is 0 but for these samples."""
    response = np.zeros(samples, np.float32)
    for sample, value in at.items():
        response[sample] = value
    return response


def room(**options) -> list[dict]:
    return [{"class": CLASS, "rirs": "../rirs/rir.scp", **options}]


def delayed(wave: np.ndarray, samples: int) -> np.ndarray:
    return np.concatenate([np.zeros(samples), wave])[: len(wave)]


# Direct path at sample 40; reflections 20 ms and 100 ms behind it.
RESPONSE = {40: 0.5, 200: 0.25, 840: -0.2}


@pytest.mark.parametrize("clean, reflections", [("dry", []), ("early", [160]), ("reverberant", [160, 800])])
def test_the_direct_path_is_in_time_and_the_clean_speech_follows(tmp_path, clean, reflections):
    speech, _ = write_corpus(tmp_path)
    write_rirs(tmp_path / "rirs", {"r": echo(RESPONSE)})
    example = opened(tmp_path / "train", room(clean=clean))[Draw(2, 1, 0)]
    dry = speech["u3"].astype(np.float64)
    wet = 0.5 * dry + 0.25 * delayed(dry, 160) - 0.2 * delayed(dry, 800)
    gain = np.sqrt(power(dry) / power(wet))
    np.testing.assert_allclose(example.wave, gain * wet, atol=1e-5)
    assert power(example.wave) == pytest.approx(power(dry), rel=1e-4)
    level = {160: 0.25, 800: -0.2}
    wanted = 0.5 * dry + sum(level[lag] * delayed(dry, lag) for lag in reflections)
    np.testing.assert_allclose(example.clean, gain * wanted, atol=1e-5)


def test_a_response_longer_than_the_utterance_is_cut(tmp_path):
    speech, _ = write_corpus(tmp_path)
    write_rirs(tmp_path / "rirs", {"r": echo({0: 0.5, 9000: 0.4}, 20_000)})
    example = opened(tmp_path / "train", room())[Draw(0, 1, 0)]
    np.testing.assert_allclose(example.wave, speech["u1"], atol=1e-5)
    assert len(example.clean) == len(example.wave) == len(speech["u1"])


def test_other_rates_are_resampled(tmp_path):
    speech, _ = write_corpus(tmp_path)
    smooth = np.convolve(echo({200: 1.0, 2600: 0.5}, 4000), np.hanning(33), mode="same").astype(np.float32)
    write_rirs(tmp_path / "rirs", {"r": smooth / smooth.max()}, rate=2 * RATE)
    example = opened(tmp_path / "train", room(clean="reverberant"))[Draw(0, 1, 0)]
    np.testing.assert_allclose(example.clean, example.wave, atol=1e-6)
    lagged = [abs(float(example.wave[lag:] @ speech["u1"][: len(example.wave) - lag])) for lag in range(1500)]
    assert int(np.argmax(lagged[600:])) + 600 == 1200


def test_rooms_come_with_their_probability_and_before_noise(tmp_path):
    speech, _ = write_corpus(tmp_path)
    write_rirs(tmp_path / "rirs", {"r": echo(RESPONSE), "s": echo({0: 1.0, 50: 0.9})})
    data = opened(tmp_path / "train", room(probability=0.5))
    dry = [np.array_equal(data[Draw(0, 1, epoch)].wave, speech["u1"]) for epoch in range(100)]
    assert 30 < sum(dry) < 70
    noise = {"class": "nrsr.data.augmentation.AddNoise", "noise": "../noise", "snr": [10, 10]}
    example = opened(tmp_path / "train", [*room(clean="reverberant"), noise])[Draw(0, 1, 0)]
    assert 10 * np.log10(power(example.clean) / power(example.wave - example.clean)) == pytest.approx(10, abs=1e-3)


@pytest.mark.parametrize(
    "options, named",
    [
        ({"clean": "wet"}, "clean: 'wet': take one of dry, early, reverberant"),
        ({"early_ms": -1}, "early_ms: -1 is no number of ms"),
        ({"probability": 2}, "Reverberate: probability: 2 is no probability"),
    ],
)
def test_settings_that_cannot_be(tmp_path, options, named):
    write_corpus(tmp_path)
    with pytest.raises(ConfigError, match=named):
        opened(tmp_path / "train", room(**options))


def test_lists_that_do_not_serve(tmp_path):
    write_corpus(tmp_path)
    write_rirs(tmp_path / "rirs", {"loud": echo(RESPONSE), "mute": echo({})})
    with pytest.raises(AugmentationError, match="1 of 2 room impulse responses are silent, the first is mute"):
        opened(tmp_path / "train", room())
    write_rirs(tmp_path / "rirs", {})
    with pytest.raises(AugmentationError, match="rir.scp: lists no room impulse responses"):
        opened(tmp_path / "train", room())
    (tmp_path / "rirs" / "rir.scp").write_text("gone nowhere.wav\n")
    with pytest.raises(AudioError, match="rir.scp: response 'gone': nowhere.wav"):
        opened(tmp_path / "train", room())


def test_mixtures_of_speakers_are_refused(tmp_path):
    speech, _ = write_corpus(tmp_path)
    write_rirs(tmp_path / "rirs", {"r": echo(RESPONSE)})
    write_waves(tmp_path / "train", speech, scp="spk2.scp")
    with pytest.raises(AugmentationError, match="one room impulse response serves one speaker"):
        opened(tmp_path / "train", room())[Draw(0, 1, 0)]


def test_other_responses_of_the_same_length_are_other_training_data(tmp_path):
    write_corpus(tmp_path)
    write_rirs(tmp_path / "rirs", {"r": echo(RESPONSE)})
    before = opened(tmp_path / "train", room()).fingerprint()
    write_rirs(tmp_path / "rirs", {"r": echo(RESPONSE)})
    assert opened(tmp_path / "train", room()).fingerprint() == before
    write_rirs(tmp_path / "rirs", {"r": echo({**RESPONSE, 840: -0.1})})
    assert opened(tmp_path / "train", room()).fingerprint() != before
