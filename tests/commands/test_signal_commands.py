"""nrsr make-feats and compute-cmvn: what they write, independence of --nj, and refusals."""

import re

import numpy as np
import pytest

from nrsr.config import save_yaml
from nrsr.kaldi import DataDir, WaveWriter, open_table, read_list, read_table, write_list
from nrsr.signal import Fbank, Mfcc

FBANK = {"class": "nrsr.signal.Fbank", "num_mel_bins": 20, "snip_edges": False}


def write_directory(folder, lengths, rate=8000):
    """A directory of noise; the speaker of u07 is s0, of u17 s1."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    names = [f"s{number // 10}-u{number:03d}" for number in range(len(lengths))]
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", rate) as writer:
        for name, length in zip(names, lengths, strict=True):
            writer[name] = np.float32(rng.uniform(-0.5, 0.5, length))
    write_list(folder / "utt2spk", {name: name[:2] for name in names})
    return folder


@pytest.fixture
def data(tmp_path):
    return write_directory(tmp_path / "data", [*range(400, 4000, 180)])


def configure(folder, features, **more):
    path = folder / "feats.yaml"
    save_yaml({"sample_rate": 8000, "features": features, **more}, path)
    return path


def test_features_are_those_of_the_extractor(data, tmp_path, nrsr_main):
    config = configure(tmp_path, {"class": "nrsr.signal.Mfcc", "num_ceps": 12})
    status, _, log = nrsr_main("make-feats", "--config", config, data)
    assert status == 0, log
    waves, features = DataDir(data).waves(), open_table(data / "feats.scp")
    assert list(features) == list(waves)
    extractor = Mfcc(8000, num_ceps=12)
    counts = read_list(data / "utt2num_frames")
    for name, wave in waves.items():
        np.testing.assert_allclose(features[name], extractor.compute(wave), atol=1e-3)
        assert int(counts[name]) == len(features[name])


def test_a_name_of_the_definition(tmp_path, nrsr_main):
    def printed(system: dict, *options: str) -> str:
        save_yaml({"sample_rate": 8000, "system": system}, tmp_path / "vocoder.yaml")
        status, out, log = nrsr_main("make-feats", "--config", tmp_path / "vocoder.yaml", *options, "--print-name")
        assert status == 0, log
        return out.strip()

    mels = {"class": "nrsr.signal.VocoderMel", "n_fft": 256, "hop": 64}
    named = printed({"class": "nrsr.systems.MelGan", "features": mels})
    assert re.fullmatch(r"8000_[0-9a-f]{8}", named)
    same = {"class": "nrsr.systems.GriffinLim", "features": {**mels, "high": 4000}}  # half the rate, the default
    assert printed(same) == named != printed(same, "--set", "system.features.high=3900")
    assert printed({"class": "nrsr.systems.World"}) == ""
    for more in ([], [tmp_path, "--print-name"]):
        status, _, log = nrsr_main("make-feats", "--config", tmp_path / "vocoder.yaml", *more)
        assert status == 1 and "give data directories, or --print-name alone" in log


def test_processes_change_nothing(tmp_path, nrsr_main):
    data = write_directory(tmp_path / "data", [*range(300, 500)])
    config = configure(tmp_path, {**FBANK, "dither": 1.0})
    contents = []
    for nj in (1, 2):
        assert nrsr_main("make-feats", "--config", config, "--nj", nj, data)[0] == 0
        contents.append((data / "feats.ark").read_bytes())
    assert contents[0] == contents[1]


def test_several_directories_get_what_each_gets_alone(tmp_path, nrsr_main):
    one, two = (write_directory(tmp_path / name, lengths) for name, lengths in (("a", [900, 1700]), ("b", [2500])))
    config = configure(tmp_path, FBANK)
    assert nrsr_main("make-feats", "--config", config, one, two)[0] == 0
    assert nrsr_main("compute-cmvn", "--by", "utterance", one, two)[0] == 0
    for data, count in ((one, 2), (two, 1)):
        together = [(data / name).read_bytes() for name in ("feats.ark", "cmvn.ark")]
        assert len(read_list(data / "cmvn.scp")) == count
        assert nrsr_main("make-feats", "--config", config, data)[0] == 0
        assert nrsr_main("compute-cmvn", "--by", "utterance", data)[0] == 0
        assert [(data / name).read_bytes() for name in ("feats.ark", "cmvn.ark")] == together
    status, _, err = nrsr_main("compute-cmvn", "--config", config, "--out", tmp_path / "x.ark", one, two)
    assert status == 1 and "one data directory, not 2" in err


def test_compressed_features_are_close(data, tmp_path, nrsr_main):
    config = configure(tmp_path, FBANK)
    assert nrsr_main("make-feats", "--config", config, "--compress", data)[0] == 0
    name, features = next(iter(read_table(f"ark:{data}/feats.ark")))
    exact = Fbank(8000, num_mel_bins=20, snip_edges=False).compute(DataDir(data).waves()[name])
    assert 0 < np.abs(features - exact).max() < 0.2


@pytest.mark.parametrize("nj", [1, 2])
def test_all_short_utterances_are_named_and_nothing_written(tmp_path, nrsr_main, nj):
    data = write_directory(tmp_path / "data", [400] * 70 + [199, 400, 30])
    config = configure(tmp_path, {"class": "nrsr.signal.Fbank"})
    status, _, log = nrsr_main("make-feats", "--config", config, "--nj", nj, data)
    assert status == 1
    assert "too short for one frame: s7-u070, s7-u072;" in log
    assert not list(data.glob("*feats*"))


def test_refused_configs(data, tmp_path, nrsr_main):
    cases = [
        ({"class": "nrsr.signal.Fbank", "num_mels": 20}, {}, "num_mels"),
        ({"class": "nrsr.signal.STFT"}, {}, "FeatureExtractor"),
        ({**FBANK, "high_freq": 5000}, {}, "5000 Hz"),
        (FBANK, {"sample_rate": 16000}, "8000"),
        (FBANK, {"sample_rate": "8k"}, "sample_rate"),
        (FBANK, {"feature": 1}, "feature"),
    ]
    for features, more, wanted in cases:
        status, _, log = nrsr_main("make-feats", "--config", configure(tmp_path, features, **more), data)
        assert status == 1
        assert wanted in log
        assert log.count("\n") == 1


@pytest.mark.parametrize("by, keys", [("speaker", ["s0", "s1"]), ("utterance", None), ("global", ["global"])])
def test_cmvn_of_features(data, tmp_path, nrsr_main, by, keys):
    assert nrsr_main("make-feats", "--config", configure(tmp_path, FBANK), data)[0] == 0
    assert nrsr_main("compute-cmvn", "--by", by, data)[0] == 0
    features, stats = dict(open_table(data / "feats.scp")), dict(open_table(data / "cmvn.scp"))
    assert list(stats) == (keys or list(features))
    for key, matrix in stats.items():
        rows = np.concatenate([rows for name, rows in features.items() if by == "global" or name.startswith(key)])
        rows = rows.astype(np.float64)
        assert matrix.dtype == np.float64
        wanted = [[*rows.sum(axis=0), len(rows)], [*(rows**2).sum(axis=0), 0]]
        np.testing.assert_allclose(matrix, wanted, rtol=1e-6)


def test_cmvn_of_a_system(data, tmp_path, nrsr_main):
    features = {"class": "nrsr.signal.LogMel", "n_fft": 256, "hop": 80, "n_mels": 20}
    system = {
        "class": "nrsr.systems.JointAsr",
        "frontend": {"class": "nrsr.frontends.Identity"},
        "features": features,
        "encoder": {"class": "nrsr.nn.BlstmEncoder", "layers": 1, "width": 4},
    }
    config = tmp_path / "system.yaml"
    save_yaml({"sample_rate": 8000, "system": system}, config)
    out = tmp_path / "exp" / "statistics.ark"
    status, _, log = nrsr_main("compute-cmvn", "--config", config, "--out", out, data)
    assert status == 0, log
    (key, stats), *others = read_table(f"ark:{out}")
    assert key == "norm"
    assert not others
    assert nrsr_main("make-feats", "--config", configure(tmp_path, features), data)[0] == 0
    rows = np.concatenate(list(open_table(data / "feats.scp").values())).astype(np.float64)
    np.testing.assert_allclose(stats[0], [*rows.sum(axis=0), len(rows)], rtol=1e-4)
    np.testing.assert_allclose(stats[1, :-1], (rows**2).sum(axis=0), rtol=1e-4)
    status, _, log = nrsr_main("compute-cmvn", "--config", config, "--out", out, "--set", "data=3", data)
    assert status == 1 and "data: expected options of WaveformDataset, which the system takes, found 3" in log


def test_cmvn_refusals(data, tmp_path, nrsr_main):
    assert nrsr_main("make-feats", "--config", configure(tmp_path, FBANK), data)[0] == 0
    write_list(data / "utt2spk", {"s0-u000": "s0"})
    for arguments, wanted in [
        (["--by", "speaker"], "lacks utterance s0-u001"),
        (["--config", "x.yaml"], "give either"),
        (["--config", "x.yaml", "--out", "x.ark", "--by", "global"], "give either"),
    ]:
        status, _, log = nrsr_main("compute-cmvn", *arguments, data)
        assert status == 1
        assert wanted in log
        assert not (data / "cmvn.scp").exists()
    (data / "feats.scp").write_text("")
    status, _, log = nrsr_main("compute-cmvn", "--by", "global", data)
    assert status == 1
    assert "feats.scp: lists no features; run nrsr make-feats" in log
    assert not (data / "cmvn.scp").exists()
