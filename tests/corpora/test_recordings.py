"""Recordings of all kinds become a data directory: rates, channels, parts, level, words, and what cannot be read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_wavs import wav_file

from nrsr.corpora.datadirs import Prepared
from nrsr.corpora.recordings import Recording, RecordingsError, write_recordings
from nrsr.corpora.speaker_folds import speaker_sets
from nrsr.corpora.words import plain_words
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.validate import validate

RATE = 16000


def sine(rate: int, amplitude: float = 0.5, seconds: float = 0.1) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)


def write(tmp_path, **contents) -> Prepared:
    """A data directory of recordings a-NAME of one speaker."""
    done, recordings = Prepared(), []
    for name, content in contents.items():
        path = tmp_path / f"{name}.wav"
        path.write_bytes(content)
        recordings.append(Recording(f"a-{name}", "a", "yes", path, gender="f", labels={"utt2emotion": "calm"}))
    write_recordings(tmp_path / "data", recordings, RATE, done, "get it anew")
    return done


def test_other_rates_are_resampled_and_of_channels_the_first_is_taken(tmp_path):
    stereo = np.stack([sine(RATE), np.zeros(1600)], axis=1)
    done = write(
        tmp_path, low=wav_file(sine(8000), 8000), stereo=wav_file(stereo, RATE), high=wav_file(sine(48000), 48000)
    )
    assert validate(tmp_path / "data", need=("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur")) == []
    data = DataDir(tmp_path / "data")
    waves = data.waves(rate=RATE)
    inside = slice(400, 1200)
    for name in ("a-high", "a-low", "a-stereo"):
        assert len(waves[name]) == 1600
        np.testing.assert_allclose(waves[name][inside], sine(RATE)[inside], atol=2e-3)
    assert done.table == [
        "data              3 utterances      3 words   1 speakers    0.0 min, 1 resampled from 8000 Hz, "
        "1 resampled from 48000 Hz"
    ]
    assert done.notes == ["data: 1 recordings have several channels; the first is taken: stereo.wav"]
    assert data.read("spk2gender") == {"a": "f"} and data.read("utt2emotion")["a-low"] == "calm"


def test_what_goes_beyond_full_scale_is_clipped_and_the_rest_keeps_its_level(tmp_path):
    square = np.where(sine(48000) >= 0, 0.9999, -0.9999)
    done = write(tmp_path, loud=wav_file(square, 48000), soft=wav_file(0.1 * square, 48000))
    assert done.notes == ["data: 1 recordings go beyond full scale and are clipped there: loud.wav"]
    waves = DataDir(tmp_path / "data").waves(rate=RATE)
    assert np.abs(waves["a-loud"]).max() == pytest.approx(1.0, abs=1e-4)
    middle = np.median(np.abs(waves["a-loud"]))
    assert middle / np.median(np.abs(waves["a-soft"])) == pytest.approx(10, rel=0.01)


def test_a_part_is_cut_out(tmp_path):
    path = tmp_path / "x.wav"
    path.write_bytes(wav_file(np.arange(1600) / 32768, RATE))
    part = Recording("a-x", "a", None, path, start=0.02, end=0.05)
    seconds = write_recordings(tmp_path / "data", [part], RATE, Prepared(), "")
    wave = DataDir(tmp_path / "data").waves(rate=RATE)["a-x"]
    assert seconds == {"a-x": 0.03} and len(wave) == 480
    assert (wave[0] * 32768, wave[-1] * 32768) == (320, 799)
    assert not (tmp_path / "data" / "text").exists()


def test_text_is_written_only_where_all_have_words(tmp_path):
    (tmp_path / "x.wav").write_bytes(wav_file(sine(RATE), RATE))
    recordings = [Recording(f"a-{n}", "a", words, tmp_path / "x.wav") for n, words in enumerate(["yes", None])]
    done = Prepared()
    write_recordings(tmp_path / "data", recordings, RATE, done, "")
    assert done.notes == ["data: 1 recordings have no words, so that there is no text: x.wav"]
    assert not (tmp_path / "data" / "text").exists() and "- words" in done.table[0]


def test_unreadable_recordings_are_counted_and_nothing_is_left_behind(tmp_path):
    good = wav_file(sine(RATE), RATE)
    with pytest.raises(RecordingsError, match=r"^3 recordings cannot be read, first: .*cut\.wav.*; get it anew$"):
        write(tmp_path, good=good, cut=good[:200], text=b"version https://git-lfs.github.com/spec/v1\n", none=good[:44])
    assert list((tmp_path / "data").iterdir()) == []
    with pytest.raises(RecordingsError, match="no recording would be in it; get it anew"):
        write(tmp_path)


@given(st.integers(1, 12), st.lists(st.integers(1, 30), min_size=1, max_size=3))
def test_each_speaker_is_tested_in_one_fold_and_is_in_one_set_of_each(folds, sizes):
    groups = [[f"{group}-{number:02d}" for number in range(size)] for group, size in enumerate(sizes)]
    everyone = sorted(speaker for group in groups for speaker in group)
    divisions = [speaker_sets(groups, fold, folds) for fold in range(folds)]
    assert sorted(speaker for sets in divisions for speaker in sets["test"]) == everyone
    if folds > 1:
        for sets in divisions:
            assert sorted(sum(sets.values(), ())) == everyone


def test_groups_are_in_the_same_proportion_in_all_sets():
    men, women = [f"m{number:02d}" for number in range(12)], [f"f{number:02d}" for number in range(12)]
    sets = speaker_sets((men, women), 1, 4)
    assert {name: len(speakers) for name, speakers in sets.items()} == {"train": 14, "dev": 4, "test": 6}
    assert all(sum(speaker[0] == "m" for speaker in speakers) == len(speakers) / 2 for speakers in sets.values())


def test_words_without_punctuation():
    assert (
        plain_words("Well -- don\u2019t! 'Tis a high-speed caf\u00e9,\u00a0no?")
        == "well don't tis a high speed caf\u00e9 no"
    )
    assert plain_words("cafe\u0301 a_b 'quoted'") == "caf\u00e9 a b quoted"
    assert plain_words(" \u2014 ") == ""
