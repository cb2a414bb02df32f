"""Stored features with CMVN and deltas against the slow way, utterance by utterance."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from toy_frames import write_frame_data

from nrsr.config import ConfigError
from nrsr.data.features import FeaturesError, FeatureSettings, StoredFeatures, padded_rows
from nrsr.kaldi import TableWriter, open_table, read_list, write_list
from nrsr.signal import cmvn
from nrsr.signal.deltas import add_deltas


@pytest.fixture
def data(tmp_path):
    return write_frame_data(tmp_path / "data", 6)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(0, 3), st.integers(0, 3))
def test_padded_rows_repeat_the_edges_of_each_utterance(frames, left, right):
    rows, centres = padded_rows(np.array(frames), left, right)
    wanted, start = [], 0
    for count in frames:
        own = list(range(start, start + count))
        wanted += [own[0]] * left + own + [own[-1]] * right
        start += count
    assert rows.tolist() == wanted
    assert rows[centres].tolist() == list(range(start))
    assert all(centres[1:] > centres[:-1])


@pytest.mark.parametrize(("order", "window"), [(0, 2), (1, 2), (2, 2), (2, 3), (3, 1)])
def test_deltas_are_those_of_the_signal_package(data, order, window):
    stored = StoredFeatures(data, FeatureSettings("none", order, window))
    names = list(stored)
    frames = np.array([len(stored.normalised(name)) for name in names])
    joined = stored.with_deltas(np.concatenate([stored.normalised(name) for name in names]), frames)
    for name, part in zip(names, np.split(joined, np.cumsum(frames)[:-1]), strict=True):
        one = torch.from_numpy(stored.normalised(name))[None]
        wanted = add_deltas(one, torch.tensor([one.shape[1]]), order, window)[0]
        np.testing.assert_allclose(part, wanted, atol=2e-6)
        np.testing.assert_array_equal(part, stored[name])
    assert stored.dim == joined.shape[1] == 7 * (order + 1)


@pytest.mark.parametrize("variance", [False, True])
@pytest.mark.parametrize("by", ["speaker", "utterance", "global"])
def test_cmvn_takes_what_the_directory_has(data, nrsr_main, by, variance):
    assert nrsr_main("compute-cmvn", "--by", by, data)[0] == 0
    stored = StoredFeatures(data, FeatureSettings("mean_variance" if variance else "mean", 0))
    tables = open_table(data / "cmvn.scp")
    for name, speaker in read_list(data / "utt2spk").items():
        key = {"speaker": speaker, "utterance": name, "global": "global"}[by]
        wanted = cmvn.apply(open_table(data / "feats.scp")[name], tables[key], variance)
        np.testing.assert_allclose(stored[name], wanted, atol=1e-5)


def test_frames_are_counted_where_no_list_does(data):
    stored = StoredFeatures(data, FeatureSettings("none"))
    counted = stored.frames(list(stored))
    (data / "utt2num_frames").unlink()
    assert stored.frames(list(stored)) == counted
    write_list(data / "utt2num_frames", {"s0-000": "many"})
    with pytest.raises(FeaturesError, match="s0-000: 'many' is no number"):
        stored.frames(["s0-000"])


def test_what_does_not_fit_is_named(data):
    with pytest.raises(FeaturesError, match="cmvn.scp: no such file; run nrsr compute-cmvn"):
        StoredFeatures(data, FeatureSettings("mean"))
    with TableWriter(f"ark,scp:{data}/cmvn.ark,{data}/cmvn.scp") as writer:
        writer["s0"] = cmvn.accumulate(np.ones((5, 6), np.float32))
    stored = StoredFeatures(data, FeatureSettings("mean"))
    with pytest.raises(FeaturesError, match="s0: statistics of 6 values on features of 7"):
        stored["s0-000"]
    assert stored.reason_against("s0-000") is None
    assert stored.reason_against("s1-001") == "no CMVN statistics"
    with pytest.raises(FeaturesError, match="nothing for utterance s1-001"):
        stored["s1-001"]
    assert stored.reason_against("x") == "no features"
    with TableWriter(f"ark,scp:{data}/feats.ark,{data}/feats.scp") as writer:
        writer["a"] = np.ones((5, 6), np.float32)
        writer["b"] = np.ones((5, 7), np.float32)
        writer["c"] = np.ones(5, np.float32)
    stored = StoredFeatures(data, FeatureSettings("none"))
    with pytest.raises(FeaturesError, match="b: 7 values a frame, the first utterance has 6"):
        stored["b"]
    with pytest.raises(FeaturesError, match="c: is no matrix"):
        stored["c"]
    (data / "feats.scp").write_text("")
    with pytest.raises(FeaturesError, match="lists no features"):
        StoredFeatures(data, FeatureSettings("none"))
    (data / "feats.scp").unlink()
    with pytest.raises(FeaturesError, match="feats.scp: no such file; run nrsr make-feats"):
        StoredFeatures(data, FeatureSettings("none"))
    for options, message in [(("all",), "data.cmvn: 'all'"), (("none", -1), "deltas >= 0")]:
        with pytest.raises(ConfigError, match=message):
            FeatureSettings(*options)
