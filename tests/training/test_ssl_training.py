"""Recognisers on self-supervised features: frozen from a file with a front-end before it, or trained from scratch."""

import copy
import functools
import pickle

import numpy as np
import pytest
import torch
import yaml
from toy_ssl import spread

import nrsr
from nrsr.config import save_yaml
from nrsr.errors import NrsrError
from nrsr.experiment.modules import initialise_extractor
from nrsr.experiment.settings import parse_init
from nrsr.kaldi import DataDir, read_table
from nrsr.nn import SslEncoder, SslFeatures
from nrsr.nn.ssl_sizes import sizes_of
from nrsr.training.run import run_training

pytest.importorskip("torchaudio.models", reason="torchaudio does not import; tools/install.sh installs it")

SIZES = {"convolutions": [[8, 10, 5], [8, 4, 4], [8, 4, 4]], "width": 16, "layers": 2, "heads": 2, "feedforward": 24,
         "position_kernel": 8, "position_groups": 2}  # fmt: skip
FEATURES = {"class": "nrsr.nn.SslFeatures", "model": "wavlm_base", "rate": 16000, "sizes": SIZES, "projection": 12}
CONFIG = {
    "sample_rate": 8000,
    "system": {
        "class": "nrsr.systems.JointAsr",
        "frontend": {
            "class": "nrsr.frontends.ConvTasNet",
            "filters": 8,
            "bottleneck": 4,
            "hidden": 8,
            "skip": 4,
            "blocks": 1,
            "stacks": 1,
        },  # fmt: skip
        "features": FEATURES,
        "norm": {"class": "nrsr.nn.UtteranceNorm"},
        "encoder": {
            "class": "nrsr.nn.ConformerEncoder",
            "blocks": 1,
            "dim": 16,
            "heads": 2,
            "ffn": 16,
            "kernel": 3,
            "subsampling": 2,
            "channels": 4,
        },  # fmt: skip
    },
    "loss_weights": {"asr": 1.0},
    "optimiser": {"class": "torch.optim.AdamW", "lr": 0.01},
    "batches": {"size": 8},
    "training": {"steps": 4, "validate_steps": 2, "average": 1},
}


def config_of(**changes):
    return copy.deepcopy(CONFIG) | changes


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file with the weights of a small encoder."""
    file = tmp_path_factory.mktemp("weights") / "encoder.pt"
    torch.save(spread(SslEncoder(sizes_of("wavlm_base", SIZES))).state_dict(), file)
    return file


def model(file):
    return torch.load(file, weights_only=True)["model"]


def test_a_frozen_encoder_stands_once_and_passes_gradients_on(corpus, weights, tmp_path, nrsr_main):
    save_yaml(
        config_of(init={"features": {"network": {"from": None}}}, freeze=["features.network"]), tmp_path / "c.yaml"
    )
    command = ("train", "--config", tmp_path / "c.yaml", "--train", corpus / "train", "--dev", corpus / "dev",
               "--units", corpus / "units", "--exp", tmp_path / "exp")  # fmt: skip
    setting = f"--set=init.features.network.from={weights}"
    cmvn = ("compute-cmvn", "--config", tmp_path / "c.yaml", "--out", tmp_path / "exp/statistics.ark", corpus / "train")
    (tmp_path / "exp").mkdir()
    assert nrsr_main(*cmvn, setting)[0] == 0
    status, _, log = nrsr_main(*command)
    assert status == 1 and "init.features.network.from: names no file; give one, as with --set" in log
    status, _, log = nrsr_main(*command, setting)
    assert status == 0, log
    assert f"features.network: initialised from all of {weights} (sha256 " in log

    source, whole, frozen = torch.load(weights), model(tmp_path / "exp/model.pt"), model(tmp_path / "exp/frozen.pt")
    assert {f"features.network.{name}" for name in source} == frozen.keys()
    assert all(torch.equal(whole[f"features.network.{name}"], value) for name, value in source.items())
    state = torch.load(tmp_path / "exp/last.pt", weights_only=True)
    for content in (state, torch.load(tmp_path / "exp/checkpoints/step0000004.pt", weights_only=True)):
        assert not frozen.keys() & content["model"].keys()
    trained = len(state["optimisers"]["main"]["state"])
    system = nrsr.load(tmp_path / "exp").system
    assert trained == len(list(system.parameters())) - len(list(system.features.network.parameters()))
    assert system.features.mixture.abs().min() > 0  # the weights of the layers have moved
    system.features.network.requires_grad_(False)
    waves, lengths = torch.randn(2, 3000), torch.tensor([3000, 2000])
    system.features(system.frontend(waves, lengths)[0], lengths)[0].square().sum().backward()
    assert all(weight.grad.abs().max() > 0 for weight in system.frontend.parameters())


def test_a_small_encoder_is_trained_from_scratch_and_its_features_are_stored(corpus, tmp_path, nrsr_main):
    config = config_of()
    config["system"]["frontend"] = {"class": "nrsr.frontends.Identity"}
    config["system"]["features"] |= {"rate": 8000, "layer": 2, "projection": None, "convolution_gradient": 0.1}
    run_training(config, 0, corpus / "train", corpus / "dev", corpus / "units", tmp_path / "exp")
    save_yaml({"sample_rate": 8000, "features": config["system"]["features"]}, tmp_path / "feats.yaml")
    data = tmp_path / "data"
    data.mkdir()
    for name in ("wav.scp", "utt2spk"):
        (data / name).write_text((corpus / "dev" / name).read_text())
    status, _, log = nrsr_main("make-feats", "--config", tmp_path / "feats.yaml", data)
    assert status == 1 and "no weights; say where they come from, as with --set init.features.network" in log
    init = f"--set=init.features.from={tmp_path / 'exp'}"
    status, _, log = nrsr_main("make-feats", "--config", tmp_path / "feats.yaml", init, data)
    assert status == 0 and f"features: initialised from features of {tmp_path / 'exp/model.pt'}" in log
    system = nrsr.load(tmp_path / "exp").system
    for name, stored in read_table(f"scp:{data / 'feats.scp'}"):
        np.testing.assert_allclose(stored, system.features.compute(DataDir(data).waves()[name]), rtol=1e-4, atol=1e-5)
    definition = yaml.safe_load((data / "feats.yaml").read_text())
    assert definition == system.features.definition() and definition["layer"] == 2
    status, _, log = nrsr_main("make-feats", "--config", tmp_path / "exp/config.yaml", init, data)
    assert status == 0, log


def test_features_are_filled_in_other_processes(weights):
    init = parse_init({"features.network": {"from": str(weights)}})
    fill = pickle.loads(pickle.dumps(functools.partial(initialise_extractor, init=init)))
    arguments = {name: value for name, value in FEATURES.items() if name != "class"} | {"layer": "mean"}
    extractor = SslFeatures(8000, **arguments | {"projection": None})
    fill(extractor)
    assert all(torch.equal(extractor.network.state_dict()[name], value) for name, value in torch.load(weights).items())
    with pytest.raises(NrsrError, match=r"features: features.projection.weight, features.projection.bias: no weights"):
        fill(SslFeatures(8000, **arguments))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"freeze": ["features.network"]}, r"freeze: features.network has random weights \(features.network"),
        ({"freeze": ["features"]}, "features.network has random weights .*; say .* init.features.network.from=FILE"),
        ({"freeze": ["features.network"], "init": {"features.network.encoder": {"from": "WEIGHTS"}}},
         r"random weights \(features.network.feature_extractor.conv_layers.0.layer_norm.weight\)"),
        ({"sample_rate": 16000, "system.features.model": "wavlm"}, "model 'wavlm' is not known"),
    ],
)  # fmt: skip
def test_a_training_refuses(changes, message, corpus, weights, tmp_path):
    config = config_of()
    for key, value in changes.items():
        if key == "system.features.model":
            config["system"]["features"]["model"] = value
        else:
            config[key] = yaml.safe_load(yaml.safe_dump(value).replace("WEIGHTS", str(weights)))
    with pytest.raises(NrsrError, match=message):
        run_training(config, 0, corpus / "train", corpus / "dev", corpus / "units", tmp_path / "exp")
