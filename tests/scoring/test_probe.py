"""The fresh probe: finds what is there, is at chance where nothing is, and does not learn recordings by heart."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from nrsr.config import save_yaml
from nrsr.data import Units
from nrsr.data.batches import BatchSettings
from nrsr.data.frames import FrameDataset
from nrsr.experiment.checkpoint import save_checkpoint
from nrsr.experiment.metadata import write_metadata
from nrsr.inference.hidden_frames import hidden_frames, layer_name
from nrsr.kaldi import DataDir, WaveWriter, read_list, write_list
from nrsr.scoring.probe import ProbeError, ProbeSettings, halves, probe_accuracy
from nrsr.scoring.probe_experiment import sampled
from nrsr.systems import build_system

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
from toy_frames import write_frame_data  # noqa: E402

KINDS = ["babble", "car", "clean"]
QUICK = ProbeSettings(width=16, epochs=20, rate=5e-3)


def made(utterances, kind_size, recording_size=0.0, seed=0, recordings=8, dim=12):
    """Frames with a part for the kind, a part for the recording (of any kind) and noise."""
    rng = np.random.default_rng(seed)
    of_kind, of_recording = rng.normal(size=(3, dim)), rng.normal(size=(3 * recordings, dim))
    frames, labels, sources = {}, {}, {}
    for number in range(utterances):
        name, kind, take = f"u{number:03d}", number % 3, number // 3 % recordings
        place = 3 * take + kind
        values = kind_size * of_kind[kind] + recording_size * of_recording[place] + rng.normal(size=(6, dim))
        frames[name], labels[name], sources[name] = values.astype(np.float32), KINDS[kind], f"r{place}"
    return frames, labels, sources


def test_what_is_there_is_found():
    found = probe_accuracy(*made(240, 1.0), QUICK)
    assert found["utterance"]["accuracy"] > 97 and found["frame"]["accuracy"] > 80
    assert found["utterance"]["chance"] == pytest.approx(100 / 3)
    low, high = found["utterance"]["interval"]
    assert low <= found["utterance"]["accuracy"] <= high and low > 90
    assert found["classes"] == {"babble": 80, "car": 80, "clean": 80}
    assert np.mean(list(found["recall"].values())) == pytest.approx(found["utterance"]["accuracy"])
    assert found == probe_accuracy(*made(240, 1.0), QUICK)
    linear = probe_accuracy(*made(240, 1.0), ProbeSettings(width=0, epochs=10, rate=0.05))
    assert linear["utterance"]["accuracy"] > 95


def test_random_features_are_at_chance():
    found = probe_accuracy(*made(240, 0.0), QUICK)
    for level in ("utterance", "frame"):
        low, high = found[level]["interval"]
        assert low < 100 / 3 < high
        assert found[level]["accuracy"] < 45


def test_recordings_are_not_learnt_by_heart():
    """Features that tell the recording and not the kind: halves that share recordings would look perfect."""
    frames, labels, sources = made(240, 0.0, 3.0)
    shared = probe_accuracy(frames, labels, None, QUICK)
    apart = probe_accuracy(frames, labels, sources, QUICK)
    assert shared["split"] == "utterances" and shared["utterance"]["accuracy"] > 80
    assert apart["split"] == "noise recordings" and apart["utterance"]["accuracy"] < 60
    assert apart["split_by_utterance"] == []
    width = [high - low for low, high in (shared["utterance"]["interval"], apart["utterance"]["interval"])]
    assert width[1] > 2 * width[0]  # few recordings say less than many utterances


def test_halves_share_kinds_and_no_recordings():
    labels = ["a"] * 30 + ["b"] * 20 + ["c"] * 7
    recordings = (
        [f"a{number // 5}" for number in range(30)] + [f"b{min(number // 9, 2)}" for number in range(20)] + ["c"] * 7
    )
    second, by_utterance = halves(labels, recordings, 3)
    assert by_utterance == ["c"]
    for kind, low, high in (("a", 15, 15), ("b", 8, 12), ("c", 3, 4)):
        assert low <= second[np.array(labels) == kind].sum() <= high
    for name in set(recordings) - {"c"}:
        assert len(set(second[np.array(recordings) == name].tolist())) == 1
    assert (halves(labels, recordings, 3)[0] == second).all()
    assert halves(labels, None, 3)[1] == ["a", "b", "c"]


def test_frames_are_spread_over_the_utterance():
    frames = np.arange(100)[:, None]
    assert sampled(frames, 4)[:, 0].tolist() == [12, 37, 62, 87]
    assert sampled(frames[:3], 4)[:, 0].tolist() == [0, 1, 2]


def test_too_little_is_refused():
    frames, labels, _ = made(6, 1.0)
    with pytest.raises(ProbeError, match="0 kinds with 4 utterances or more"):
        probe_accuracy(frames, labels)
    frames, labels, _ = made(30, 1.0)
    rare = {name: "train" if name == "u000" else kind for name, kind in labels.items()}
    assert probe_accuracy(frames, rare, None, QUICK)["left_out"] == ["train"]


@pytest.fixture(scope="module")
def hybrid(tmp_path_factory):
    """An untrained experiment, whose random layers still tell the noise, and its data."""
    folder = tmp_path_factory.mktemp("probe")
    write_frame_data(folder / "data", 60)
    config = {
        "sample_rate": 8000,
        "system": {"class": "nrsr.systems.Senone", "network": {"class": "nrsr.nn.Dnn", "layers": 2, "width": 16}},
        "data": {"cmvn": "none", "deltas": 0},
    }
    data = FrameDataset(folder / "data", None, 8000, BatchSettings(), **config["data"])
    torch.manual_seed(0)
    system = build_system(config, metadata=data.metadata())
    for name in data.ids:
        system.accumulate_statistics(
            torch.from_numpy(data.features[name])[None], torch.tensor([len(data.features[name])])
        )
    system.norm.finish()
    save_yaml(config, folder / "exp" / "config.yaml")
    write_metadata(data.metadata(), folder / "exp")
    save_checkpoint(folder / "exp" / "model.pt", {"model": system.state_dict()})
    return folder


def test_a_hybrid_system_is_probed(hybrid, nrsr_main, tmp_path):
    out = tmp_path / "probe.json"
    options = ["--exp", hybrid / "exp", "--data", hybrid / "data", "--layer", 1, "--width", 16]
    status, printed, err = nrsr_main("probe", *options, "--out", out)
    assert status == 0, err
    assert "data/utt2noise: 1 utterances have no label: " in err
    found = json.loads(out.read_text())
    assert found["layer"] == 1 and found["utterances"] == 59 and found["split"] == "noise recordings"
    assert found["utterance"]["accuracy"] > 90 and f"utterance: {found['utterance']['accuracy']:.1f} % [" in printed
    status, printed, err = nrsr_main("probe", *options, "--missing", "clean", "--against", "clean", "--utterances", 50)
    assert status == 0 and "50 of 60 utterances are drawn" in err and "chance 6" in printed
    status, printed, err = nrsr_main("probe", *options, "--labels", "utt2noisefile")  # recordings are the kinds here
    assert status == 0 and "right, chance" in printed and "single noise recording" not in err


def test_a_ctc_system_is_probed(nrsr_main, tmp_path):
    """Loud and soft noise, told apart by any layer of an untrained encoder; an utterance too short for a frame."""
    rng = np.random.default_rng(0)
    data = tmp_path / "data"
    data.mkdir()
    kinds = {f"s-{number:02d}": ["loud", "soft"][number % 2] for number in range(24)}
    with WaveWriter(data / "wav.ark", data / "wav.scp", 8000) as writer:
        for name, kind in kinds.items():
            size = 50 if name == "s-05" else int(rng.integers(2000, 4000))
            writer[name] = (rng.normal(0, 0.2 if kind == "loud" else 0.002, size)).clip(-1, 1).astype(np.float32)
    write_list(data / "utt2noise", kinds)
    write_list(data / "utt2spk", dict.fromkeys(kinds, "s"))
    spec = {
        "class": "nrsr.systems.JointAsr",
        "frontend": {"class": "nrsr.frontends.Identity"},
        "features": {"class": "nrsr.signal.LogMel", "n_fft": 256, "hop": 80, "n_mels": 12},
        "encoder": {"class": "nrsr.nn.BlstmEncoder", "layers": 2, "width": 8, "channels": 2},
    }
    config = {"sample_rate": 8000, "system": spec}
    torch.manual_seed(0)
    system = build_system(config, 5).eval()
    waves = DataDir(data).waves(rate=8000)
    for name in kinds:
        system.accumulate_statistics(torch.from_numpy(waves[name])[None], torch.tensor([len(waves[name])]))
    system.norm.finish()
    exp = tmp_path / "exp"
    save_yaml(config, exp / "config.yaml")
    Units.from_text(["a b"], "word").save(exp / "units")
    save_checkpoint(exp / "model.pt", {"model": system.state_dict()})
    assert layer_name(system, 0) == "layer2" and layer_name(system, 1) == "layer1"
    read = dict(hidden_frames(exp, "layer1", DataDir(data), list(kinds)))
    assert read.keys() == kinds.keys() - {"s-05"}
    alone = dict(hidden_frames(exp, "layer1", DataDir(data), ["s-07"]))["s-07"]
    np.testing.assert_allclose(read["s-07"], alone, atol=1e-5)
    found = probe_accuracy(read, {name: kinds[name] for name in read}, None, QUICK)
    assert found["utterance"]["accuracy"] > 90


def test_what_does_not_fit_is_named(hybrid, nrsr_main, tmp_path):
    options = ["--exp", hybrid / "exp", "--data", hybrid / "data"]
    for extra, message in [
        (["--layer", 3], "--layer 3: the system has the layers 1 to 2"),
        (["--labels", "utt2where"], "utt2where: no such file"),
        (["--frames", 0], "needs --frames of 1 or more"),
    ]:
        status, _, err = nrsr_main("probe", *options, *extra)
        assert status == 1 and message in err
    for name in ("utt2spk", "utt2noise"):
        write_list(tmp_path / "data" / name, read_list(hybrid / "data" / name))
    status, _, err = nrsr_main("probe", "--exp", hybrid / "exp", "--data", tmp_path / "data")
    assert status == 1 and "feats.scp: no such file; run nrsr make-feats" in err
