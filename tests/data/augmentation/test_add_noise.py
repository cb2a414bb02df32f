"""Noise on the fly: the formula of nrsr mix, what is drawn when, and refusals."""

from pathlib import Path

import numpy as np
import pytest
from augmented_corpus import RATE, opened, write_corpus, write_waves

from nrsr.config import ConfigError, load_yaml
from nrsr.data.augmentation import AddNoise, AugmentationError, Signals
from nrsr.data.augmentation.recordings import Recordings
from nrsr.data.draw import Draw
from nrsr.data.parallel_audio import DatasetError
from nrsr.errors import NrsrError
from nrsr.kaldi import AudioError
from nrsr.signal.activity import active_power
from nrsr.signal.mixing import mix, power, scaled_noise

ROOT = Path(__file__).resolve().parents[3]
CLASS = "nrsr.data.augmentation.AddNoise"


def noise_at(low: float, high: float, **options) -> list[dict]:
    return [{"class": CLASS, "noise": "../noise", "snr": [low, high], **options}]


def snr_of(example, active: bool = False) -> float:
    level = active_power(example.clean) if active else power(example.clean)
    return 10 * np.log10(level / power(example.wave - example.clean))


def test_snrs_are_reached_and_the_clean_speech_stays_clean(tmp_path):
    speech, _ = write_corpus(tmp_path)
    data = opened(tmp_path / "train", noise_at(-5, 15, active=True))
    found = []
    for epoch in range(20):
        for number, name in enumerate(data.ids):
            example = data[Draw(number, 1, epoch)]
            gain = example.clean @ speech[name] / (speech[name] @ speech[name])
            np.testing.assert_allclose(example.clean, speech[name] * gain, atol=1e-6)
            assert 0.2 < gain < 1 + 1e-6 and np.abs(example.wave).max() < 0.991
            found.append(snr_of(example, active=True))
    assert -5.01 < min(found) < -3 and 13 < max(found) < 15.01 and 3 < np.mean(found) < 7


def test_a_mixture_is_that_of_nrsr_mix(tmp_path):
    speech, noises = write_corpus(tmp_path)
    write_waves(tmp_path / "noise", {"only": noises["long"][:3500]})
    example = opened(tmp_path / "train", noise_at(3, 3))[Draw(0, 7, 2)]
    assert len(example.wave) == 3500
    mixture, clean, _ = mix(speech["u1"], noises["long"][:3500], 3.0, np.random.default_rng(0), active=False)
    # The noise is as long as the speech and repeats from a random place, so the power is the same wherever it starts.
    assert power(example.wave - example.clean) == pytest.approx(power(mixture - clean), rel=1e-5)
    np.testing.assert_array_equal(example.clean, clean)


def test_utterances_without_clean_speech_get_noise_and_no_clean_speech(tmp_path):
    speech, _ = write_corpus(tmp_path)
    (tmp_path / "train" / "spk1.scp").unlink()
    example = opened(tmp_path / "train", noise_at(0, 0))[Draw(0, 1, 0)]
    assert example.clean is None and not np.allclose(example.wave, speech["u1"], atol=0.01)


def test_noise_comes_on_top_of_a_noisy_recording(tmp_path):
    speech, _ = write_corpus(tmp_path)
    write_waves(tmp_path / "train", {name: wave + 0.01 for name, wave in speech.items()})
    write_waves(tmp_path / "train", speech, scp="spk1.scp")
    example = opened(tmp_path / "train", noise_at(20, 20))[Draw(0, 1, 0)]
    np.testing.assert_array_equal(example.clean, speech["u1"])
    rest = example.wave - example.clean - 0.01
    assert 10 * np.log10(power(speech["u1"]) / power(rest)) == pytest.approx(20, abs=1e-3)


def test_noise_takes_the_place_of_the_noise_mixed_in_once(tmp_path):
    speech, _ = write_corpus(tmp_path)
    write_waves(tmp_path / "train", {name: wave + 0.5 for name, wave in speech.items()})
    write_waves(tmp_path / "train", {"u1": speech["u1"]}, scp="spk1.scp")
    (tmp_path / "train" / "utt2spk").write_text("".join(f"{name} s\n" for name in speech))
    data = opened(tmp_path / "train", noise_at(20, 20, onto="clean"))
    example = data[Draw(0, 1, 0)]
    assert snr_of(example) == pytest.approx(20, abs=1e-3)
    np.testing.assert_array_equal(data[Draw(1, 1, 0)].wave, speech["u2"] + np.float32(0.5))
    never = opened(tmp_path / "train", noise_at(20, 20, onto="clean", probability=0))[Draw(0, 1, 0)]
    np.testing.assert_array_equal(never.wave, speech["u1"] + np.float32(0.5))


@pytest.mark.parametrize("onto", ["wave", "clean"])
def test_probability_snr_and_noise_are_drawn_in_this_order(tmp_path, onto):
    speech, _ = write_corpus(tmp_path)
    write_waves(tmp_path / "train", {name: wave + 0.01 for name, wave in speech.items()})
    write_waves(tmp_path / "train", speech, scp="spk1.scp")
    noisy = opened(tmp_path / "train", noise_at(5, 20, onto=onto))
    recordings = Recordings(tmp_path / "noise", RATE)
    for number, name in enumerate(noisy.ids):
        draw = Draw(number, 1, 0)
        rng = draw.generator(name)
        rng.random()
        snr = rng.uniform(5, 20)
        noise = scaled_noise(speech[name], recordings.stretch(len(speech[name]), rng), snr, active=False)
        before = speech[name] + np.float32(0.01) if onto == "wave" else speech[name]
        np.testing.assert_array_equal(noisy[draw].wave, before + noise.astype(np.float32))


def test_a_second_noise_takes_the_place_of_the_first_in_some_utterances(tmp_path):
    write_corpus(tmp_path)
    augment = load_yaml(ROOT / "egs/fsdd/gan/conf/asr_both.yaml")["data"]["augment"]
    for folder, frequency in (("noise_train", 1000), ("noise_generated", 2000)):
        tone = 0.3 * np.sin(2 * np.pi * frequency * np.arange(RATE) / RATE)
        write_waves(tmp_path / folder, {"tone": tone.astype(np.float32)})
    data = opened(tmp_path / "train", augment)
    real, generated = 0, 0
    for epoch in range(100):
        for number in range(len(data)):
            example = data[Draw(number, 1, epoch)]
            spectrum = np.abs(np.fft.rfft(example.wave - example.clean, RATE))
            real, generated = real + (spectrum.argmax() == 1000), generated + (spectrum.argmax() == 2000)
            # The SNRs of both differ by at most 20 dB, so a factor of 1000 says that one of them is not there at all.
            assert min(spectrum[1000], spectrum[2000]) < 1e-3 * max(spectrum[1000], spectrum[2000])
    assert real + generated == 500 and 200 < real < 300


def test_noise_at_100_db_leaves_the_clean_speech(tmp_path):
    """What egs/ravdess/ser/conf/clean_speech.yaml trains on."""
    speech, noises = write_corpus(tmp_path)
    write_waves(tmp_path / "noise_train", noises)
    write_waves(tmp_path / "train", {name: wave + 0.5 for name, wave in speech.items()})
    write_waves(tmp_path / "train", speech, scp="spk1.scp")
    augment = load_yaml(ROOT / "egs/ravdess/ser/conf/clean_speech.yaml")["data"]["augment"]
    example = opened(tmp_path / "train", augment)[Draw(0, 1, 0)]
    np.testing.assert_array_equal(example.clean, speech["u1"])
    np.testing.assert_allclose(example.wave, speech["u1"], atol=2**-15)


def test_some_utterances_stay_as_they_are(tmp_path):
    speech, _ = write_corpus(tmp_path)
    data = opened(tmp_path / "train", noise_at(0, 5, probability=0.5))
    clean = [np.array_equal(data[Draw(0, 3, epoch)].wave, speech["u1"]) for epoch in range(200)]
    assert 70 < sum(clean) < 130


def test_other_rates_are_resampled_and_segments_of_recordings_serve(tmp_path):
    write_corpus(tmp_path)
    time = np.arange(4 * 16000) / 16000
    wave = 0.5 * np.sin(2 * np.pi * 440 * time).astype(np.float32)
    wave[16000:] = 0.0
    write_waves(tmp_path / "noise", {"tone": wave}, rate=16000)
    (tmp_path / "noise" / "segments").write_text("part tone 0.25 1.0\n")
    (tmp_path / "noise" / "utt2spk").write_text("part s\n")
    example = opened(tmp_path / "train", noise_at(0, 0))[Draw(0, 1, 0)]
    spectrum = np.abs(np.fft.rfft(example.wave - example.clean))
    assert abs(spectrum.argmax() * RATE / len(example.wave) - 440) < 3


def test_a_stretch_is_never_digital_silence(tmp_path):
    write_corpus(tmp_path)
    wave = np.zeros(400_000, np.float32)
    wave[-3] = 0.5
    write_waves(tmp_path / "noise", {"late": wave})
    data = opened(tmp_path / "train", noise_at(0, 0))
    assert all(np.isfinite(snr_of(data[Draw(0, 1, epoch)])) for epoch in range(5))


@pytest.mark.parametrize(
    "options, named",
    [
        ({"snr": [15, -5]}, r"AddNoise: snr: \[15, -5\] is no range of dB; give \[lowest, highest\]"),
        ({"snr": 5}, "AddNoise: snr: 5 is no range"),
        ({"snr": [0, float("inf")]}, "is no range"),
        ({"snr": [0, True]}, "is no range"),
        ({"probability": 1.5}, "AddNoise: probability: 1.5 is no probability"),
        ({"onto": "speech"}, "AddNoise: onto: 'speech': take wave or clean"),
        ({"loudness": 3}, "data.augment.1: .*AddNoise.*loudness"),
        ({"class": "nrsr.data.Units"}, "data.augment.1.class: 'nrsr.data.Units' is no .*Augmentation"),
    ],
)
def test_settings_that_cannot_be(options, named, tmp_path):
    write_corpus(tmp_path)
    with pytest.raises(ConfigError, match=named) as refused:
        opened(tmp_path / "train", [{**noise_at(0, 5)[0], **options}])
    assert "\n" not in str(refused.value)


def test_augment_is_a_list(tmp_path):
    write_corpus(tmp_path)
    with pytest.raises(ConfigError, match="data.augment: expected a list"):
        opened(tmp_path / "train", noise_at(0, 5)[0])


def test_noise_directories_that_do_not_serve(tmp_path):
    _, noises = write_corpus(tmp_path)
    refusals = [
        ({**noises, "hush": np.zeros(200_000, np.float32)}, "1 of 3 recordings are silent, the first is hush"),
        ({}, "wav.scp: lists no noise"),
    ]
    for waves, named in refusals:
        write_waves(tmp_path / "noise", waves)
        with pytest.raises(NrsrError, match=named) as refused:
            opened(tmp_path / "train", noise_at(0, 5))
        assert isinstance(refused.value, AugmentationError) and "\n" not in str(refused.value)
    with pytest.raises(NrsrError, match="elsewhere: there is no such folder"):
        opened(tmp_path / "train", noise_at(0, 5, noise="elsewhere"))
    write_waves(tmp_path / "noise", noises)
    (tmp_path / "noise" / "wav.ark").write_bytes((tmp_path / "noise" / "wav.ark").read_bytes()[:2000])
    with pytest.raises(AudioError, match="noise/wav.scp: utterance"):
        opened(tmp_path / "train", noise_at(0, 5))


def test_silent_speech_is_named(tmp_path):
    speech, _ = write_corpus(tmp_path)
    write_waves(tmp_path / "train", {**speech, "u1": np.zeros(4000, np.float32)})
    (tmp_path / "train" / "spk1.scp").write_text((tmp_path / "train" / "wav.scp").read_text())
    with pytest.raises(DatasetError, match="train: u1: speech: silent"):
        opened(tmp_path / "train", noise_at(0, 5))[Draw(0, 1, 0)]


@pytest.mark.parametrize("active", [False, True])
def test_a_silent_stretch_of_speech_gets_no_noise(active, tmp_path):
    speech, _ = write_corpus(tmp_path)
    speech["u1"][:1800] = 0.0
    write_waves(tmp_path / "train", speech)
    (tmp_path / "train" / "spk1.scp").write_text((tmp_path / "train" / "wav.scp").read_text())
    crop = {"class": "nrsr.data.augmentation.Crop", "seconds": 0.1}
    data = opened(tmp_path / "train", [crop, *noise_at(0, 5, active=active)])
    for epoch in range(20):
        example = data[Draw(0, 1, epoch)]
        assert len(example.wave) == 800 and example.clean.any() == (example.wave != example.clean).any()
    assert not all(data[Draw(0, 1, epoch)].clean.any() for epoch in range(20))
    write_waves(tmp_path / "train", {**speech, "u1": np.zeros(3500, np.float32)})
    with pytest.raises(DatasetError, match="train: u1: speech: silent"):
        opened(tmp_path / "train", [crop, *noise_at(0, 5, active=active)])[Draw(0, 1, 0)]


def test_nothing_is_changed_in_place(tmp_path):
    write_corpus(tmp_path)
    noise = AddNoise("noise", [0, 0])
    noise.open(tmp_path, RATE)
    wave = np.full(1000, 0.9, np.float32)
    noise(Signals(wave, wave[None]), np.random.default_rng(0))
    np.testing.assert_array_equal(wave, np.full(1000, 0.9, np.float32))


def test_other_noise_of_the_same_length_is_other_training_data(tmp_path):
    """Also where the recording begins with silence; a copy of the same noise does not count as other noise."""
    _, noises = write_corpus(tmp_path)
    silence = np.zeros(11 * RATE, np.float32)
    noises["late"] = np.concatenate([silence, noises["short"]])
    write_waves(tmp_path / "noise", noises)
    before = opened(tmp_path / "train", noise_at(0, 0)).fingerprint()
    assert opened(tmp_path / "train", noise_at(0, 0)).fingerprint() == before
    (tmp_path / "noise").rename(tmp_path / "before")
    write_waves(tmp_path / "noise", noises)
    assert opened(tmp_path / "train", noise_at(0, 0)).fingerprint() == before
    for name in noises:
        write_waves(tmp_path / "noise", {**noises, name: noises[name][::-1] if name != "late" else -noises[name]})
        assert opened(tmp_path / "train", noise_at(0, 0)).fingerprint() != before
