"""Training with data of another kind than speech with transcripts: the system names it, and has no units."""

import shutil

import pytest

import nrsr
from nrsr.config import ConfigError, save_yaml
from nrsr.kaldi import read_list, write_list
from nrsr.training.run import run_training


@pytest.fixture
def config(toy_config) -> dict:
    return {**toy_config, "system": {"class": "toy_systems.ToyCoder"}, "loss_weights": {"mse": 1.0}}


def test_a_system_without_units_trains_on_its_own_data(nrsr_main, config, tmp_path):
    save_yaml({**config, "data": {"count": 4}}, tmp_path / "conf.yaml")
    options = ["--config", tmp_path / "conf.yaml", "--train", "x", "--dev", "y", "--exp", tmp_path / "exp"]
    status, _, err = nrsr_main("train", *options)
    assert status == 0 and "x: 1 utterances left out: 1 too high" in err and "tones are made up" in err
    assert "step 5 of 12" in err  # 4 tones in 4 batches, 3 epochs
    assert not (tmp_path / "exp" / "units").exists()
    assert nrsr.load(tmp_path / "exp").units is None
    before = (tmp_path / "exp" / "skipped.txt").read_text()
    assert before == "x tone-x too high: 9 kHz\ny tone-x too high: 9 kHz\n"
    status, _, err = nrsr_main("train", *options, "--set", "data.count=5")
    assert status == 1 and "made with another config: data.count: 4 -> 5" in err


def test_units_are_refused_where_none_are_needed(config, corpus, tmp_path):
    with pytest.raises(ConfigError, match="toy_systems.ToyCoder has no output units; leave out --units"):
        run_training(config, 0, "x", "y", corpus / "units", tmp_path)
    with pytest.raises(ConfigError, match="leave out --units, and `units` in the config"):
        run_training({**config, "units": {"kind": "word"}}, 0, "x", "y", None, tmp_path)


@pytest.mark.parametrize("options", [{"colour": 1}, {"class": "x.Y"}, 3, {"path": "x"}])
def test_options_that_the_data_lacks_are_refused(options, config, tmp_path):
    with pytest.raises(ConfigError, match="^data: .*(ToneSet|set by the program)"):
        run_training({**config, "data": options}, 0, "x", "y", None, tmp_path)


def test_speech_has_no_such_options(toy_config, corpus, tmp_path):
    with pytest.raises(ConfigError, match="data: .*WaveformDataset.*unexpected keyword argument 'mixing'"):
        run_training(
            {**toy_config, "data": {"mixing": 1}}, 0, corpus / "train", corpus / "dev", corpus / "units", tmp_path
        )


def test_waveforms_without_transcripts(toy_config, corpus, tmp_path, nrsr_main):
    for part in ("train", "dev"):
        shutil.copytree(corpus / part, tmp_path / part)
        (tmp_path / part / "text").unlink()
        names = read_list(tmp_path / part / "utt2spk")
        write_list(tmp_path / part / "utt2kind", {name: "ab"[number % 2] for number, name in enumerate(names)})
    config = {**toy_config, "system": {"class": "toy_systems.ToyTagger"}, "loss_weights": {"tag": 1.0}}
    config["data"] = {"labels": {"kind": {"file": "utt2kind"}}, "segment": 800, "short": "leave_out"}
    save_yaml(config, tmp_path / "conf.yaml")
    options = ["--config", tmp_path / "conf.yaml", "--train", tmp_path / "train", "--dev", tmp_path / "dev"]
    status, _, err = nrsr_main("train", *options, "--exp", tmp_path / "exp")
    assert status == 0, err
    assert nrsr.load(tmp_path / "exp").system.linear.out_features == 2
