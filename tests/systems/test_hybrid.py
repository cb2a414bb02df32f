"""The senone system: losses against the slow way, heads, priors, log-likelihoods that do not depend on company."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from toy_frames import write_frame_data

from nrsr.config import ConfigError
from nrsr.data.batches import BatchSettings
from nrsr.data.frame_block import IGNORED
from nrsr.data.frames import FrameBatch, FrameDataset
from nrsr.data.output_writers import OutputError
from nrsr.data.training_set import load_batches
from nrsr.systems import LossError, build_system

LABELS = {"noise": {}, "condition": {"missing": "clean", "against": "clean"}}
DNN = {"class": "nrsr.nn.Dnn", "layers": 3, "width": 16, "left": 2, "right": 2}
TDNN = {"class": "nrsr.nn.Tdnn", "width": 16, "offsets": [[-1, 0, 1], [-1, 1], [0]]}
HEADS = {
    "noise": {"layer": 2, "width": 8, "alpha": 0.5, "schedule": {"class": "nrsr.nn.gradient_reversal.Ganin"}},
    "condition": {"layer": 1, "width": 8, "reversed": False},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_frame_data(tmp_path_factory.mktemp("frames") / "data")


def make(folder, network=DNN, heads=HEADS, size=32, **options):
    """A system with statistics, and the batches of an epoch."""
    options = {"cmvn": "none", "deltas": 0, "labels": LABELS, "block_frames": 300} | options
    data = FrameDataset(folder, None, 8000, BatchSettings(), **options)
    torch.manual_seed(0)
    config = {"sample_rate": 8000, "system": {"class": "nrsr.systems.Senone", "network": network, "heads": heads}}
    system = build_system(config, metadata=data.metadata())
    for name in data.ids:
        system.accumulate_statistics(
            torch.from_numpy(data.features[name])[None], torch.tensor([data.counts[data.ids.index(name)]])
        )
    system.norm.finish()
    data.prepare_for(system)
    return system, data, list(load_batches(data, data.batches(BatchSettings(size=size), 0, 0)))


@pytest.mark.parametrize(("network", "chunk"), [(DNN, 1), (TDNN, 6)], ids=["dnn", "tdnn"])
def test_losses_are_means_over_frames_and_labelled_chunks(folder, network, chunk):
    system, _, batches = make(folder, network, chunk=chunk)
    system.eval()
    wanted = {"senone", "noise", "condition"}
    for batch in batches[:5]:
        losses = system.losses(batch, "main", wanted)
        hidden = system.network(system.norm(batch.inputs))
        logits = system.senones(hidden[-1])
        kept = batch.targets != IGNORED
        torch.testing.assert_close(losses["senone"], F.cross_entropy(logits[kept], batch.targets[kept]))
        of_chunks = []
        for place, label in enumerate(batch.labels["noise"].tolist()):
            if label != IGNORED:
                frames = system.heads["noise"].classify(hidden[1][place, kept[place]])
                of_chunks.append(F.cross_entropy(frames, torch.full((len(frames),), label)))
        torch.testing.assert_close(losses["noise"], torch.stack(of_chunks).mean())
        criteria = system.validate(batch)
        assert {"loss", "errors", "noise", "noise_errors", "condition", "condition_errors"} == criteria.keys()
        torch.testing.assert_close(criteria["loss"][0] / criteria["loss"][1], losses["senone"].detach())
        assert criteria["errors"][0] == (logits.argmax(2) != batch.targets)[kept].sum()
        torch.testing.assert_close(criteria["noise"][0] / criteria["noise"][1], losses["noise"].detach())


def test_the_trunk_moves_along_senone_less_alpha_domain(folder):
    """Shinohara's update of the trunk: the gradient of L_y - alpha L_d; above the head it is that of L_y alone."""
    system, _, batches = make(folder, heads={"noise": {"layer": 2, "width": 8, "alpha": 0.5}})
    trunk = list(system.network.parameters())

    def gradients(loss):
        return torch.autograd.grad(loss, trunk, retain_graph=True, allow_unused=True, materialize_grads=True)

    losses = system.losses(batches[0], "main", ["senone", "noise"])
    both = gradients(losses["senone"] + losses["noise"])
    hidden = system.network(system.norm(batches[0].inputs))
    plain = F.cross_entropy(system.senones(hidden[-1]).flatten(0, 1), batches[0].targets.flatten())
    known = batches[0].labels["noise"] != IGNORED
    domain = F.cross_entropy(system.heads["noise"].classify(hidden[1][known, 0]), batches[0].labels["noise"][known])
    for found, of_senone, of_domain in zip(both, gradients(plain), gradients(domain), strict=True):
        torch.testing.assert_close(found, of_senone - 0.5 * of_domain)
    assert set(system.shared_parameters("main")) == set(trunk[:4])


def test_schedules_follow_the_progress(folder):
    system, _, _ = make(folder)
    assert system.heads["noise"].factor == 0.0
    system.set_progress(0.5, 3.0)
    assert system.heads["noise"].factor == pytest.approx(-0.5 * (2 / (1 + math.exp(-5)) - 1))
    assert system.heads["condition"].factor == 1.0


def test_a_loss_that_no_chunk_has_is_a_zero_in_the_graph(folder):
    system, _, batches = make(folder)
    batch = batches[0]
    nothing = FrameBatch(
        batch.ids,
        batch.inputs,
        torch.full_like(batch.targets, IGNORED),
        {name: torch.full_like(labels, IGNORED) for name, labels in batch.labels.items()},
    )
    losses = system.losses(nothing, "main", ["senone", "noise", "condition"])
    assert all(loss == 0 and loss.requires_grad for loss in losses.values())
    sum(losses.values()).backward()
    assert all(parameter.grad is None or (parameter.grad == 0).all() for parameter in system.parameters())


def test_training_lowers_the_losses(folder):
    system, _, batches = make(folder, heads={"noise": {"reversed": False, "width": 8}})
    optimiser = torch.optim.SGD(system.parameters(), lr=0.03, momentum=0.9)
    course = []
    for _ in range(4):
        for batch in batches:
            losses = system.losses(batch, "main", ["senone", "noise"])
            optimiser.zero_grad()
            sum(losses.values()).backward()
            optimiser.step()
            course.append({name: float(loss.detach()) for name, loss in losses.items()})
    assert course[0]["senone"] > 1.0 and np.mean([entry["senone"] for entry in course[-5:]]) < 0.2
    assert course[0]["noise"] > 0.8 and np.mean([entry["noise"] for entry in course[-5:]]) < 0.2


@pytest.mark.parametrize("network", [DNN, TDNN], ids=["dnn", "tdnn"])
@torch.no_grad()
def test_log_likelihoods_are_posteriors_over_priors(folder, network):
    system, data, _ = make(folder, network, senones=6)
    system.eval()
    features = [data.features[name] for name in data.ids[:5]]
    together = system.infer(features, ["loglikes"])["loglikes"]
    priors = data.senone_counts / data.senone_counts.sum()
    left, right = system.network.left, system.network.right
    for one, scores in zip(features, together, strict=True):
        assert scores.shape == (len(one), 6)
        padded = np.concatenate([one[:1].repeat(left, 0), one, one[-1:].repeat(right, 0)])
        hidden = system.network(system.norm(torch.from_numpy(padded)[None]))
        posteriors = system.senones(hidden[-1])[0].softmax(1).numpy()
        np.testing.assert_allclose(scores[:, :4], np.log(posteriors[:, :4] / priors[:4]), atol=2e-5)
        assert (scores[:, 4:] < -9000).all()  # senones that no frame was aligned with
        np.testing.assert_allclose(system.infer([one], ["loglikes"])["loglikes"][0], scores, atol=1e-5)
        both = system.infer([one], ["senones", "loglikes"])
        assert both["senones"][0].tolist() == posteriors.argmax(1).tolist() and both["senones"][0].dtype == torch.int32
        np.testing.assert_allclose(both["loglikes"][0], scores, atol=1e-5)
        np.testing.assert_allclose(system.infer([one], ["layer2"])["layer2"][0], hidden[1][0], atol=1e-5)
    with pytest.raises(OutputError, match="3 values a frame with deltas, the network takes"):
        system.infer([np.zeros((9, 3), np.float32)], ["loglikes"])


def test_what_does_not_fit_is_named(folder):
    system, _, batches = make(folder)
    with pytest.raises(LossError, match="no loss asr; it has condition, noise, senone"):
        system.losses(batches[0], "main", ["asr"])
    with pytest.raises(ConfigError, match="layer: 4; there are 3"):
        make(folder, heads={"noise": {"layer": 4}})
    with pytest.raises(ConfigError, match="cannot be called senone"):
        make(folder, heads={"senone": {"labels": "noise"}})
    with pytest.raises(ConfigError, match="system.heads: expected `name: "):
        make(folder, heads=["noise"])
    with pytest.raises(ConfigError, match="no labels 'noise'; the config's `data` has none"):
        make(folder, heads={"noise": {}}, labels=None)
    with pytest.raises(ConfigError, match="no nrsr.nn.frame_network.FrameNetwork"):
        make(folder, network={"class": "nrsr.nn.BlstmEncoder"})
