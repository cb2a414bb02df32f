"""Systems without trained parameters, applied by their config alone."""

import numpy as np
import pytest

from nrsr.config import save_yaml
from nrsr.experiment.folder import ExperimentError
from nrsr.experiment.untrained import untrained
from nrsr.kaldi import DataDir, read_list

IDENTITY = {"class": "nrsr.systems.Enhancement", "frontend": {"class": "nrsr.frontends.Identity"}}


@pytest.fixture
def config(tmp_path):
    def write(content):
        save_yaml(content, tmp_path / "enhancer.yaml")
        return tmp_path / "enhancer.yaml"

    return write


@pytest.mark.parametrize("command", ["apply", "enhance"])
@pytest.mark.parametrize("rate", [{}, {"sample_rate": 8000}])
def test_a_config_without_an_experiment(nrsr_main, config, data, tmp_path, command, rate):
    """With the rate that the config names, or with that of the data; by two processes too."""
    path = config({**rate, "system": IDENTITY})
    options = ["--config", path, "--data", data, "--out", tmp_path / "out", "--nj", 1 if rate else 2]
    status, printed, err = nrsr_main(command, *options)
    assert status == 0, err
    assert printed.startswith(f"{tmp_path / 'out'}: 14 utterances, real-time factor ")
    assert (tmp_path / "out" / f"{command}.log").read_text().startswith(f"config {path}, cpu\n")
    enhanced, given = DataDir(tmp_path / "out").waves(), DataDir(data).waves()
    for name in given:
        np.testing.assert_array_equal(enhanced[name], given[name])
    assert read_list(tmp_path / "out" / "text") == read_list(data / "text")


def test_a_config_of_another_rate_is_refused(nrsr_main, config, data, tmp_path):
    options = [
        "--config",
        config({"sample_rate": 16000, "system": IDENTITY}),
        "--data",
        data,
        "--out",
        tmp_path / "out",
    ]
    status, _, err = nrsr_main("enhance", *options)
    assert status == 1 and "has 8000 Hz but 16000 Hz are wanted" in err


def test_exactly_one_of_experiment_and_config(nrsr_main, config, data, tmp_path, experiment):
    path = config({"system": IDENTITY})
    for given in ([], ["--exp", experiment, "--config", path]):
        status, _, err = nrsr_main("enhance", *given, "--data", data, "--out", tmp_path / "out")
        assert status == 2 and "--exp" in err and "--config" in err
    assert not (tmp_path / "out").exists()


def test_a_system_to_be_trained_is_refused(nrsr_main, config, data, tmp_path):
    mask = {"class": "nrsr.frontends.MaskBlstm", "n_fft": 64, "hop": 32, "layers": 1, "width": 4}
    path = config({"sample_rate": 8000, "system": IDENTITY | {"frontend": mask}})
    status, _, err = nrsr_main("enhance", "--config", path, "--data", data, "--out", tmp_path / "out")
    assert status == 1
    assert f"{path}: Enhancement has parameters that are not trained (frontend.blstm." in err
    assert f"; train it with nrsr train --config {path}, and give its folder as --exp" in err
    assert not (tmp_path / "out").exists()
    with pytest.raises(ExperimentError, match="JointAsr has units of transcripts, which training chooses; train it"):
        untrained(path, {"sample_rate": 8000, "system": {"class": "nrsr.systems.JointAsr"}})


def test_what_is_wrong_with_a_config_is_named(nrsr_main, config, data, tmp_path):
    for content, message in (
        ({"sample_rate": 8000}, "the config has no key 'system'"),
        ({"system": IDENTITY | {"fronted": {}}}, "unexpected keyword argument 'fronted'"),
        ({"system": IDENTITY, "sample_rate": "8k"}, "sample_rate: '8k' is no number"),
    ):
        path = config(content)
        status, _, err = nrsr_main("apply", "--config", path, "--data", data, "--out", tmp_path / "out")
        assert status == 1 and f"nrsr apply: {path}: " in err and message in err
