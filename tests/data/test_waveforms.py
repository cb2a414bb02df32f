"""Datasets over data directories: what is read, left out and refused."""

import numpy as np
import pytest
import soundfile
import torch

from nrsr.data import Units
from nrsr.data.batches import BatchError, BatchSettings
from nrsr.data.parallel_audio import DatasetError
from nrsr.data.training_set import load_batches
from nrsr.data.waveforms import WaveformDataset
from nrsr.kaldi import AudioError, DataDirError, WaveWriter, write_list

RATE = 8000
UNITS = Units.from_text(["one two three"], "word")


@pytest.fixture
def corpus(tmp_path):
    """Five utterances of 0.5, 1, 1.5, 2 and 2.5 s; the first two with clean speech."""
    rng = np.random.default_rng(0)
    waves = {f"u{n}": rng.uniform(-0.5, 0.5, 4000 * n).astype(np.float32) for n in range(1, 6)}
    with WaveWriter(tmp_path / "wav.ark", tmp_path / "wav.scp", RATE) as writer:
        for name, wave in waves.items():
            writer[name] = wave
    with WaveWriter(tmp_path / "clean.ark", tmp_path / "spk1.scp", RATE) as writer:
        for name in ("u1", "u2"):
            writer[name] = waves[name] / 2
    write_list(tmp_path / "text", dict.fromkeys(waves, "one two two"))
    write_list(tmp_path / "utt2spk", dict.fromkeys(waves, "s"))
    return tmp_path, waves


def opened(path, **settings) -> WaveformDataset:
    return WaveformDataset(path, UNITS, RATE, BatchSettings(**settings))


def test_examples_and_batches(corpus):
    path, waves = corpus
    data = opened(path)
    assert data.ids == ["u1", "u2", "u3", "u4", "u5"] and data.samples.tolist() == [4000, 8000, 12000, 16000, 20000]
    assert np.abs(data[1].wave - waves["u2"]).max() < 1e-4 and np.abs(data[1].clean - waves["u2"] / 2).max() < 1e-4
    assert data[2].clean is None and data[2].targets.tolist() == UNITS.encode("one two two")
    for workers in (0, 1):
        batches = list(load_batches(data, [[2, 0], [4]], workers))
        assert [batch.ids for batch in batches] == [["u3", "u1"], ["u5"]]
        assert batches[0].has_clean.tolist() == [False, True] and batches[1].clean is None
        assert batches[0].lengths.tolist() == [12000, 4000]


def test_loading_draws_nothing_from_the_global_generator(corpus):
    data = opened(corpus[0])
    before = torch.get_rng_state()
    for workers in (0, 1):
        list(load_batches(data, [[0], [1]], workers))
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_left_out_is_named(corpus):
    path, _ = corpus
    (path / "text").write_text("u1 one\nu2 \nu3 one seven\nu5 two\nu6 two\n")
    data = opened(path, shortest=0.6, longest=2.2)
    assert data.ids == ["u3"]
    assert data.skipped == {
        "u1": "shorter than batches.shortest: 0.500 s",
        "u2": "empty transcript",
        "u4": "no transcript",
        "u5": "longer than batches.longest: 2.500 s",
        "u6": "in text alone",
    }
    assert data.reasons().startswith("1 empty transcript, 1 in text alone, 1 longer than batches.longest, ")
    assert data.transcripts.unknown_words == {"seven": 1} and data.transcripts.targets[0].tolist()[1] == UNITS.unknown


def test_too_short_for_ctc(corpus):
    path, _ = corpus
    # "one two two" needs a blank between its repeated units: 4 frames.
    data = opened(path)
    data.drop_too_short_for_ctc(lambda samples: samples // 4000)
    assert data.ids == ["u4", "u5"] and data.samples.tolist() == [16000, 20000] and len(data.transcripts.targets) == 2
    assert data.skipped["u3"] == "too short for CTC: 4 output frames needed, 3 there"
    with pytest.raises(DatasetError, match="finer units"):
        data.drop_too_short_for_ctc(lambda samples: samples // 20000)


def test_fingerprint_tells_data_apart(corpus):
    path, _ = corpus
    first = opened(path).fingerprint()
    assert opened(path).fingerprint() == first
    write_list(path / "text", dict.fromkeys(["u1", "u2", "u3", "u4", "u5"], "one two three"))
    assert opened(path).fingerprint() != first


def test_an_utterance_over_the_cap(corpus):
    with pytest.raises(BatchError, match="utterance u5: .* batches.longest"):
        opened(corpus[0]).dev_batches(BatchSettings(max_seconds=2))
    with pytest.raises(BatchError, match="utterance u5: .* batches.longest"):
        opened(corpus[0]).batches(BatchSettings(max_seconds=2), 0, 0)
    with pytest.raises(BatchError, match="utterance u5: .* batches.longest"):
        opened(corpus[0]).batch_counts(BatchSettings(max_seconds=2), 0, 1)
    assert len(opened(corpus[0], longest=2).batches(BatchSettings(size=1, max_seconds=2), 0, 0)) == 4
    assert opened(corpus[0], longest=2).batch_counts(BatchSettings(size=1, max_seconds=2), 0, 2) == [4, 4]


def test_wrong_rate_is_refused(corpus):
    data = WaveformDataset(corpus[0], UNITS, 16000, BatchSettings())
    with pytest.raises(AudioError, match="8000 Hz but 16000 Hz are wanted"):
        data[0]


def test_clean_speech_of_another_length_is_refused(corpus):
    path, waves = corpus
    with WaveWriter(path / "clean.ark", path / "spk1.scp", RATE) as writer:
        writer["u1"] = waves["u1"][:-1]
    for workers in (0, 1):
        with pytest.raises(DatasetError, match="^[^\n]*spk1.scp: u1: 3999 samples of clean speech beside 4000[^\n]*$"):
            list(load_batches(opened(path), [[1], [0]], workers))


def test_utt2dur_of_other_audio_is_refused(corpus):
    path, _ = corpus
    write_list(path / "utt2dur", dict.fromkeys(["u1", "u2", "u3", "u4", "u5"], "0.70"))
    with pytest.raises(DataDirError, match="'u1': utt2dur says 0.700 s, the audio has 0.500 s"):
        opened(path)[0]


def test_a_segment_that_ends_behind_its_recording_is_cut(corpus):
    path, waves = corpus
    (path / "spk1.scp").unlink()
    write_list(path / "segments", {"u1": "u1 0.1 0.9", "u2": "u2 0 1.1"})
    write_list(path / "utt2spk", dict.fromkeys(["u1", "u2"], "s"))
    data = opened(path)
    assert data.samples.tolist() == [3200, 8000]
    assert [len(data[number].wave) for number in (0, 1)] == [3200, 8000]
    data.drop_too_short_for_ctc(lambda samples: samples // 1500)  # 6400 samples would be 4 frames
    assert data.ids == ["u2"] and data.skipped["u1"] == "too short for CTC: 4 output frames needed, 2 there"
    data = WaveformDataset(path, None, RATE, BatchSettings(), segment=2000, hop=2000)
    data.prepare_for_training()
    draws = [draw for batch in data.batches(BatchSettings(), 1, 0) for draw in batch]
    places = [(0, 0), (1, 0), (1, 2000), (1, 4000), (1, 6000)]
    assert sorted((draw.number, draw.start) for draw in draws) == places
    assert all(data[draw].wave.any() for draw in draws)
    write_list(path / "utt2dur", {"u1": "0.3", "u2": "1.1"})
    with pytest.raises(DataDirError, match="'u1': utt2dur says 0.300 s, the audio has 0.400 s"):
        opened(path)[0]


def test_no_text_and_nothing_left(corpus):
    path, _ = corpus
    with pytest.raises(DatasetError, match="no utterance is left of 5; 5 longer"):
        opened(path, longest=0.2)
    (path / "text").unlink()
    with pytest.raises(DatasetError, match="text: no such file"):
        opened(path)


def test_a_channel_is_chosen_by_the_config(tmp_path):
    left, right = np.zeros(4000, np.float32), np.random.default_rng(0).uniform(-0.5, 0.5, 4000).astype(np.float32)
    soundfile.write(tmp_path / "s.wav", np.stack([left, right], axis=1), RATE, subtype="FLOAT")
    write_list(tmp_path / "wav.scp", {"u1": tmp_path / "s.wav"})
    write_list(tmp_path / "text", {"u1": "one"})
    with pytest.raises(AudioError, match="has 2 channels; choose one of 0..1 .*data.channel: 0 in a config"):
        opened(tmp_path)[0]
    data = WaveformDataset(tmp_path, UNITS, RATE, BatchSettings(), channel=1)
    assert np.array_equal(data[0].wave, right)
