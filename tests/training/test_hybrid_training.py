"""A senone system from stored features to an experiment: trained, killed and resumed, loaded again."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from toy_frames import NOISES, write_frame_data

import nrsr
from nrsr.config import save_yaml
from nrsr.data.labels import LabelError
from nrsr.experiment.metadata import MetadataError
from nrsr.training import run
from nrsr.training.stopping import TrainingStopped

RAMP = {"class": "nrsr.nn.gradient_reversal.Ramp"}
CONFIG = {
    "sample_rate": 8000,
    "system": {
        "class": "nrsr.systems.Senone",
        "network": {"class": "nrsr.nn.Dnn", "layers": 2, "width": 24, "left": 2, "right": 2, "dropout": 0.1},
        "heads": {"noise": {"layer": 1, "width": 8, "alpha": 0.1, "schedule": RAMP}},
    },
    "data": {"cmvn": "mean", "deltas": 1, "labels": {"noise": {}}, "block_frames": 300},
    "loss_weights": {"senone": 1.0, "noise": 1.0},
    "optimiser": {"class": "torch.optim.SGD", "lr": 0.05, "momentum": 0.9},
    "batches": {"size": 32},
    "training": {"epochs": 3, "average": 2, "log_steps": 5, "select": "errors"},
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hybrid")
    write_frame_data(folder / "train", 30, 1)
    write_frame_data(folder / "dev", 9, 2)
    save_yaml(CONFIG, folder / "conf.yaml")
    return folder


@pytest.fixture
def train(corpus, nrsr_main, tmp_path):
    for name in ("train", "dev"):
        assert nrsr_main("compute-cmvn", "--by", "global", corpus / name)[0] == 0

    def run_it(name, *options, statistics=True):
        exp = tmp_path / name
        if statistics:
            made = nrsr_main("compute-cmvn", "--config", corpus / "conf.yaml", "--out", exp / "statistics.ark",
                             corpus / "train")  # fmt: skip
            assert made[0] == 0, made[2]
        arguments = ["--train", corpus / "train", "--dev", corpus / "dev", "--exp", exp, *options]
        return exp, *nrsr_main("train", "--config", corpus / "conf.yaml", *arguments)

    return run_it


def test_an_experiment_is_whole(train, corpus):
    exp, status, _, err = train("exp")
    assert status == 0, err
    assert "1 of 30 utterances have no label that is learnt: no label (1)" in err
    history = [json.loads(line) for line in (exp / "metrics.jsonl").read_text().splitlines()]
    assert history[-1]["dev"]["loss"] < 0.6 * history[0]["dev"]["loss"]
    assert {"loss", "errors", "noise", "noise_errors"} == history[-1]["dev"].keys()
    metadata = json.loads((exp / "metadata.json").read_text())
    assert (
        metadata["classes"] == {"noise": NOISES} and metadata["input_dim"] == 14 and len(metadata["senone_counts"]) == 4
    )
    experiment = nrsr.load(exp)
    assert experiment.units is None
    np.testing.assert_allclose(
        experiment.system.log_priors.exp(),
        np.array(metadata["senone_counts"]) / sum(metadata["senone_counts"]),
        rtol=1e-5,
    )
    # The statistics are those of the features as training reads them, deltas included.
    assert experiment.system.norm.mean.shape == (14,)
    assert float(experiment.system.norm.mean[:7].abs().max()) < 1e-3  # global means are gone already
    (exp / "metadata.json").write_text("{")
    with pytest.raises(MetadataError, match="metadata.json: not JSON"):
        nrsr.load(exp)


def test_a_stopped_training_goes_on_to_the_same_weights(train, monkeypatch):
    whole, status, _, err = train("whole")
    assert status == 0, err
    real, left = torch.optim.SGD.step, [17]

    def counted(self, *args):
        left[0] -= 1
        if not left[0]:
            raise TrainingStopped("killed")
        return real(self, *args)

    monkeypatch.setattr(torch.optim.SGD, "step", counted)
    parts, status, _, err = train("parts", "--set", "training.save_steps=7")
    assert status == 1 and "killed" in err
    monkeypatch.undo()
    parts, status, _, err = train("parts", "--set", "batches.workers=1", statistics=False)
    assert status == 0, err
    one, other = (torch.load(exp / "last.pt", weights_only=True) for exp in (whole, parts))
    assert other["progress"]["step"] == one["progress"]["step"] > 17
    assert one["model"].keys() == other["model"].keys()
    assert [name for name in one["model"] if not torch.equal(one["model"][name], other["model"][name])] == []


def test_data_without_two_kinds_of_noise_are_refused(train, corpus, tmp_path):
    shutil.copytree(corpus / "train", tmp_path / "train")
    (tmp_path / "train" / "utt2noise").write_text("s1-001 car\ns0-002 car\n")
    with pytest.raises(LabelError, match="1 kinds of label among the utterances .car."):
        run.run_training(CONFIG, 0, tmp_path / "train", corpus / "dev", None, tmp_path / "exp")


CONFIGS = Path(__file__).parent / "hybrid_configs"
CRITERIA = {
    "single": set(),
    "amtl": {"noise", "noise_errors"},
    "multitask": {"noise", "noise_errors"},
    "invariant": {"condition", "condition_errors"},
    "tdnn": {"noise", "noise_errors"},
}


def test_every_config_is_tried():
    assert {path.stem for path in CONFIGS.glob("*.yaml")} == CRITERIA.keys()


@pytest.mark.parametrize("name", CRITERIA)
def test_the_systems_of_the_literature_are_configs(name, corpus, nrsr_main, tmp_path):
    conf = CONFIGS / f"{name}.yaml"
    made = nrsr_main("compute-cmvn", "--config", conf, "--out", tmp_path / "statistics.ark", corpus / "train")
    assert made[0] == 0, made[2]
    folders = ["--train", corpus / "train", "--dev", corpus / "dev", "--exp", tmp_path]
    status, _, err = nrsr_main("train", "--config", conf, *folders)
    assert status == 0, err
    history = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert history[-1]["dev"].keys() == {"loss", "errors"} | CRITERIA[name]
    assert history[-1]["dev"]["loss"] < history[0]["dev"]["loss"]
    heads = nrsr.load(tmp_path).system.heads
    assert {head.settings.reversed for head in heads.values()} == ({name != "multitask"} if CRITERIA[name] else set())
