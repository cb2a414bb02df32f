"""A finished training that is started again: other configs and data are refused, what decoding reads is brought up."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from nrsr.config import ConfigError, save_yaml
from nrsr.kaldi.audio_states import StaleError
from nrsr.training.finished import is_finished, plain_values

WITHOUT_TORCH = """
import sys
from nrsr.commands.main import main
status = main(sys.argv[1:])
assert "torch" not in sys.modules
sys.exit(status)
"""


@pytest.fixture(scope="module")
def trained(corpus, write_speech, tmp_path_factory) -> Path:
    """A folder with run/data/{train,dev}, run/exp/asr, a finished experiment, and conf.yaml."""
    from nrsr.training.run import run_training

    folder = tmp_path_factory.mktemp("trained")
    for name in ("train", "dev"):
        write_speech(folder / "run/data" / name, 12, len(name))
    config = {
        "sample_rate": 8000,
        "system": {"class": "toy_systems.ToyAsr"},
        "loss_weights": {"asr": 0.7, "se": 0.3},
        "optimiser": {"class": "torch.optim.AdamW", "lr": 0.01},
        "training": {"epochs": 1},
    }
    save_yaml(config, folder / "conf.yaml")
    data = folder / "run/data"
    run_training(config, 1, data / "train", data / "dev", corpus / "units", folder / "run/exp/asr")
    return folder


@pytest.fixture
def work(trained, tmp_path) -> Path:
    """A copy of that folder, whose files keep their times."""
    shutil.copytree(trained, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def train(nrsr_main, corpus, trained):
    """train(work, "--set", ...) -> status and stderr of nrsr train on a copy's data."""

    def run(work: Path, *more: str | Path) -> tuple[int, str]:
        options = ["--config", work / "conf.yaml", "--train", work / "run/data/train", "--dev", work / "run/data/dev"]
        options += ["--units", corpus / "units", "--exp", work / "run/exp/asr", "--seed", 1]
        status, _, err = nrsr_main("train", *options, *more)
        return status, err

    return run


def test_it_is_left_without_torch_or_audio(work, corpus, tmp_path):
    for file in (work / "run/data").glob("*/*.ark"):
        os.truncate(file, file.stat().st_size)  # its time stays that of the training, rounded or not
    before = (work / "run/exp/asr/model.pt").read_bytes()
    with open(work / "run/exp/asr/config.yaml", "a") as stream:
        stream.write("decoding: {beam: 4}\n")
    with open(work / "conf.yaml", "a") as stream:
        stream.write("decoding: {beam: 4}\n")
    options = {"config": work / "conf.yaml", "train": work / "run/data/train", "dev": work / "run/data/dev"}
    options |= {"units": corpus / "units", "exp": work / "run/exp/asr", "seed": 1}
    command = [sys.executable, "-c", WITHOUT_TORCH, "train", *(f"--{name}={value}" for name, value in options.items())]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert f"{work}/run/exp/asr: finished already, after 1 epochs\n" in done.stderr.decode()
    assert (work / "run/exp/asr/model.pt").read_bytes() == before


def test_another_config_is_refused(work, train):
    status, err = train(work, "--set", "training.epochs=2")
    assert status == 1 and "made with another config: training.epochs: 1 -> 2; use another --exp" in err
    status, err = train(work, "--set", "training.clip=5.0")  # a key that a later version of the config has
    assert status == 0 and "finished already" in err


def test_config_yaml_gets_another_decoding(work, train):
    file = work / "run/exp/asr/config.yaml"
    status, err = train(work, "--set", "decoding.method=beam", "--set", "training.log_steps=7")
    assert status == 0, err
    changes = "training.log_steps: (not set) -> 7; decoding.method: (not set) -> beam"
    assert f"{file}: {changes}; decode again to have what this changes\n" in err
    assert yaml.safe_load(file.read_text())["decoding"] == {"method": "beam"}
    written = file.stat().st_mtime_ns
    status, err = train(work, "--set", "decoding.method=beam", "--set", "training.log_steps=7")
    assert status == 0 and "decode again" not in err and file.stat().st_mtime_ns == written
    status, err = train(work)
    assert status == 0 and "decoding.method: beam -> (not set)" in err
    assert "method" not in yaml.safe_load(file.read_text()).get("decoding", {})


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("decoding.beem=3", "decoding: unknown key beem; known are batch_size, beam, "),
        ("decoding.beam=many", "decoding.beam: 'many' is no int"),
        ("decoding.method=best", "decoding.method: 'best' is not known"),
    ],
)
def test_a_wrong_decoding_is_refused_before_training(work, train, tmp_path, setting, message):
    for exp in (work / "run/exp/asr", tmp_path / "new"):
        status, err = train(work, "--set", setting, "--exp", exp)
        assert status == 1 and message in err
    assert not (tmp_path / "new/last.pt").exists()


def test_decoding_of_a_hybrid_system_has_other_keys():
    from nrsr.commands.train import check_decoding

    config = {"system": {"class": "nrsr.systems.Senone"}, "decoding": {"acoustic_scale": 0.2}}
    check_decoding(config)
    with pytest.raises(ConfigError, match="decoding: unknown key method"):
        check_decoding({**config, "decoding": {"method": "greedy"}})


def test_other_data_are_refused(work, train, write_speech):
    exp, other = work / "run/exp/asr", write_speech(work / "other", 13, 5)
    status, err = train(work, "--train", other)
    assert status == 1 and f"{exp}: was trained with other data than --train {other}: 1 utterances are in one" in err
    same_ids = write_speech(work / "same_ids", 12, 6)
    status, err = train(work, "--dev", same_ids)
    assert status == 1 and f"{exp}: was trained with the audio of --dev {work}/run/data/dev, and not of" in err


def test_data_of_the_same_name_that_were_written_again_are_listed(work, train, write_speech):
    data = work / "run/data/train"
    shutil.rmtree(data)
    write_speech(data, 12, len("train"))
    status, err = train(work)
    assert status == 0 and f"{data}: the audio of 12 utterances has changed since" in err and "finished already" in err


def test_a_moved_work_folder_is_the_same(work, train, tmp_path):
    shutil.move(work, tmp_path / "elsewhere")
    status, err = train(tmp_path / "elsewhere")
    assert status == 0 and err.endswith("finished already, after 1 epochs\n") and "changed" not in err


def test_data_that_are_gone_are_not_looked_for(work, train):
    shutil.rmtree(work / "run/data")
    status, err = train(work)
    assert status == 0 and "finished already" in err


def test_data_without_audio_are_known_by_their_place(work):
    exp, data = work / "run/exp/asr", work / "run/data"
    config = {**yaml.safe_load((work / "conf.yaml").read_text()), "seed": 1}
    (exp / "train.utt2audio").unlink()
    assert is_finished(exp, config, {"train": data / "train", "dev": data / "dev"})
    with pytest.raises(StaleError, match=f"was trained with --train {data}/train, and not with {data}/dev; use"):
        is_finished(exp, config, {"train": data / "dev", "dev": data / "dev"})


def test_plain_values_of_a_checkpoint(work):
    state = plain_values(work / "run/exp/asr/last.pt")
    assert state["config"]["optimiser"] == {"class": "torch.optim.AdamW", "lr": 0.01}
    assert state["progress"]["finished"] is True and state["model"].keys() >= {"linear.0.weight"}
