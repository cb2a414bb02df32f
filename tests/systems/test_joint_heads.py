"""Domain heads on the CTC system, from utt2noise to the experiment."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import nrsr
from nrsr.config import ConfigError, save_yaml
from nrsr.data import Units
from nrsr.data.batches import BatchSettings
from nrsr.data.labels import UNKNOWN
from nrsr.data.training_set import load_batches
from nrsr.data.waveforms import WaveformDataset
from nrsr.kaldi import WaveWriter, read_list, write_list
from nrsr.nn import BlstmEncoder, ConformerEncoder
from nrsr.systems import LossError, build_system

RATE = 8000
CONFORMER = {
    "class": "nrsr.nn.ConformerEncoder",
    "blocks": 2,
    "dim": 8,
    "heads": 2,
    "ffn": 8,
    "kernel": 3,
    "channels": 2,
}
BLSTM = {"class": "nrsr.nn.BlstmEncoder", "layers": 2, "width": 4, "channels": 2}
CONFIG = {
    "sample_rate": RATE,
    "system": {
        "class": "nrsr.systems.JointAsr",
        "frontend": {"class": "nrsr.frontends.Identity"},
        "features": {"class": "nrsr.signal.LogMel", "n_fft": 256, "hop": 80, "n_mels": 12},
        "encoder": CONFORMER,
        "heads": {"noise": {"layer": 1, "width": 4, "pooling": "mean"}, "frames": {"labels": "noise", "width": 4}},
    },
    "data": {"labels": {"noise": {}}},
    "loss_weights": {"asr": 1.0, "noise": 0.5, "frames": 0.5},
    "optimiser": {"class": "torch.optim.AdamW", "lr": 0.01},
    "batches": {"size": 4},
    "training": {"epochs": 1, "average": 1},
}


def write_data(folder, utterances=9, seed=0):
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    noises = {}
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as writer:
        for number in range(utterances):
            name = f"s-{number:02d}"
            writer[name] = rng.uniform(-0.1, 0.1, rng.integers(3000, 7000)).astype(np.float32)
            noises[name] = ["babble", "car"][number % 2]
    del noises["s-00"]
    write_list(folder / "utt2noise", noises)
    write_list(folder / "text", {f"s-{number:02d}": "one two"[: 3 + 4 * (number % 2)] for number in range(utterances)})
    write_list(folder / "utt2spk", dict.fromkeys(read_list(folder / "text"), "s"))
    return folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("joint")
    write_data(folder / "train")
    dev = write_data(folder / "dev", 4, 1)
    write_list(dev / "utt2noise", {"s-01": "car", "s-02": "train"})
    Units.from_text(["one two"], "word").save(folder / "units")
    return folder


def make(corpus, encoder=CONFORMER):
    data = WaveformDataset(corpus / "train", Units.load(corpus / "units"), RATE, BatchSettings(), **CONFIG["data"])
    torch.manual_seed(0)
    config = CONFIG | {"system": CONFIG["system"] | {"encoder": encoder}}
    system = build_system(config, 5, data.metadata())
    batch = next(load_batches(data, data.dev_batches(BatchSettings(size=9))))
    system.accumulate_statistics(batch.waves, batch.lengths)
    system.norm.finish()
    return system, batch


@pytest.mark.parametrize("encoder", [CONFORMER, BLSTM], ids=["conformer", "blstm"])
def test_heads_see_their_layers_and_leave_out_unknown_labels(corpus, encoder):
    system, batch = make(corpus, encoder)
    system.eval()
    assert sorted(batch.labels["noise"].tolist()) == [UNKNOWN] + [0] * 4 + [1] * 4
    losses = system.losses(batch, "main", ["asr", "noise", "frames"])
    criteria = system.validate(batch)
    for name, layer in (("noise", "layer1"), ("frames", f"layer{len(system.encoder.dims)}")):
        wanted = []
        for place, label in enumerate(batch.labels["noise"].tolist()):
            if label != UNKNOWN:
                length = batch.lengths[place]
                [hidden] = system.infer([batch.waves[place, :length].numpy()], [layer])[layer]
                hidden = hidden.mean(0, keepdim=True) if name == "noise" else hidden
                logits = system.heads[name].classify(hidden)
                wanted.append(F.cross_entropy(logits, torch.full((len(logits),), label)))
        torch.testing.assert_close(losses[name], torch.stack(wanted).mean(), atol=1e-4, rtol=1e-4)
        assert criteria[name][1] == 8 and criteria[f"{name}_errors"][1] == 8
        torch.testing.assert_close(criteria[name][0] / 8, losses[name].detach())
    torch.testing.assert_close(system.losses(batch, "main", ["asr"])["asr"], losses["asr"])
    hidden, _, lengths = system.encode(batch.waves, batch.lengths)
    last, waves = f"layer{len(system.encoder.dims)}", zip(batch.waves.numpy(), batch.lengths.tolist(), strict=True)
    for found, row, length in zip(system.infer([w[:n] for w, n in waves], [last])[last], hidden, lengths, strict=True):
        torch.testing.assert_close(found, row[:length])
    assert system.losses(batch, "main", ["noise"]).keys() == {"noise"}


@pytest.mark.parametrize(
    "encoder", [ConformerEncoder(12, 2, 8, 2, 8, 3), BlstmEncoder(12, 2, 4)], ids=["conf", "blstm"]
)
def test_layers_end_in_what_forward_gives(encoder):
    encoder.eval()
    features, frames = torch.randn(3, 40, 12), torch.tensor([40, 31, 22])
    hidden, lengths = encoder(features, frames)
    layers, same = encoder.layers(features, frames)
    assert [layer.shape[2] for layer in layers] == encoder.dims == [8, 8]
    assert torch.equal(layers[-1], hidden) and torch.equal(lengths, same)


def test_the_encoder_flees_and_the_head_follows(corpus):
    system, batch = make(corpus)
    system.train()
    system.losses(batch, "main", ["noise"])["noise"].backward()
    first = next(system.encoder.blocks[0].parameters())
    reversed_gradient = first.grad.clone()
    assert all(parameter.grad is None for parameter in system.encoder.blocks[1].parameters())
    system.zero_grad()
    system.heads["noise"].share = -1.0  # turned round once more
    torch.manual_seed(0)
    system.eval()
    system.losses(batch, "main", ["noise"])["noise"].backward()
    plain = first.grad.clone()
    system.zero_grad()
    system.heads["noise"].share = 1.0
    system.losses(batch, "main", ["noise"])["noise"].backward()
    torch.testing.assert_close(first.grad, -plain)
    assert reversed_gradient.abs().sum() > 0


def test_training_with_heads(corpus, nrsr_main, tmp_path):
    save_yaml(CONFIG, tmp_path / "conf.yaml")
    exp = tmp_path / "exp"
    status, _, err = nrsr_main(
        "compute-cmvn", "--config", tmp_path / "conf.yaml", "--out", exp / "statistics.ark", corpus / "train"
    )
    assert status == 0, err
    status, _, err = nrsr_main("train", "--config", tmp_path / "conf.yaml", "--train", corpus / "train", "--dev",
                               corpus / "dev", "--units", corpus / "units", "--exp", exp)  # fmt: skip
    assert status == 0, err
    assert "dev/utt2noise: 3 of 4 utterances have no label that is learnt: no label (2), train (1)" in err
    assert json.loads((exp / "metadata.json").read_text()) == {"classes": {"noise": ["babble", "car"]}}
    history = json.loads((exp / "metrics.jsonl").read_text())
    assert {"noise", "frames", "noise_errors", "loss", "errors"} <= history["dev"].keys()
    assert len(nrsr.load(exp).system.heads) == 2
    status, _, err = nrsr_main("decode", "--exp", exp, "--data", corpus / "dev", "--out", tmp_path / "out")
    assert status == 0, err


def test_what_does_not_fit_is_named(corpus):
    with pytest.raises(ConfigError, match="no labels 'noise'; the config's `data` has none"):
        build_system(CONFIG, 5)
    spec = CONFIG["system"] | {"heads": {"se": {"labels": "noise"}}}
    with pytest.raises(ConfigError, match="a head cannot be called se"):
        build_system(CONFIG | {"system": spec}, 5, {"classes": {"noise": ["a", "b"]}})
    system, batch = make(corpus)
    with pytest.raises(LossError, match="it has asr and se and noise and frames"):
        system.losses(batch, "main", ["speaker"])
