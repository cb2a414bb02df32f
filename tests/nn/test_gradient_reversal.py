"""Gradient reversal and its schedules by worked numbers; heads that learn while the trunk flees, or follows."""

import math

import pytest
import torch
from torch import nn

from nrsr.config import ConfigError
from nrsr.nn.domain_head import DomainHead, DomainHeads, HeadSettings
from nrsr.nn.gradient_reversal import Constant, Ganin, Ramp, scale_gradient
from nrsr.nn.losses import IGNORED

CLASSES = {"noise": ["babble", "car", "clean"]}


def test_forward_is_identity_and_backward_is_times_the_factor():
    values = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)
    out = scale_gradient(values, -0.5)
    assert torch.equal(out, values)
    (out * torch.tensor([10.0, 20.0, 30.0])).sum().backward()
    assert values.grad.tolist() == [-5.0, -10.0, -15.0]


def test_schedules_have_the_values_of_their_papers():
    assert [Ramp(10).share(0.0, t) for t in (0, 1, 2.5, 10, 15)] == [0.0, 0.1, 0.25, 1.0, 1.0]
    assert Ganin().share(0.0, 0) == 0.0
    assert Ganin().share(0.5, 3) == pytest.approx(0.98661430)  # 2 / (1 + e^-5) - 1
    assert Ganin().share(1.0, 3) == pytest.approx(0.99990920)  # 2 / (1 + e^-10) - 1
    assert Ganin(2.0).share(0.5, 0) == pytest.approx(math.tanh(0.5))
    assert Constant().share(0.0, 0) == 1.0
    with pytest.raises(ConfigError, match="epochs"):
        Ramp(0)
    with pytest.raises(ConfigError, match="gamma"):
        Ganin(-1)


@pytest.mark.parametrize(("is_reversed", "sign"), [(True, -1.0), (False, 1.0)])
def test_trunk_gets_alpha_times_the_gradient_and_the_head_all_of_it(is_reversed, sign):
    """Against the gradients of the same classifier without any layer between, worked out by autograd."""
    torch.manual_seed(0)
    schedule = {"class": "nrsr.nn.gradient_reversal.Ramp", "epochs": 10}
    head = DomainHead(4, 3, HeadSettings(reversed=is_reversed, alpha=0.4, schedule=schedule, width=5))
    head.set_progress(0.1, 5.0)
    assert head.factor == pytest.approx(sign * 0.2)
    hidden = torch.randn(6, 1, 4, requires_grad=True)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    head(hidden, torch.ones(6, 1, dtype=torch.bool), labels).loss().backward()
    found, of_head = hidden.grad.clone(), [parameter.grad.clone() for parameter in head.parameters()]
    hidden.grad = None
    head.zero_grad()
    nn.functional.cross_entropy(head.classify(hidden[:, 0]), labels).backward()
    torch.testing.assert_close(found, sign * 0.2 * hidden.grad)
    for got, parameter in zip(of_head, head.parameters(), strict=True):
        torch.testing.assert_close(got, parameter.grad)


def test_a_head_starts_where_its_schedule_starts():
    assert DomainHead(4, 2, HeadSettings(schedule={"class": "nrsr.nn.gradient_reversal.Ganin"})).factor == 0.0
    assert DomainHead(4, 2, HeadSettings(alpha=0.3)).factor == -0.3


def test_unknown_labels_and_padding_do_not_count():
    torch.manual_seed(0)
    head = DomainHead(4, 3, HeadSettings())
    hidden = torch.randn(3, 5, 4)
    valid = torch.tensor([[True] * 5, [True] * 2 + [False] * 3, [True] * 5])
    labels = torch.tensor([1, 2, IGNORED])
    judged = head(hidden, valid, labels)
    assert judged.known.tolist() == [True, True, False]
    assert judged.losses[2] == 0 and judged.errors[2] == 0
    alone = head(hidden[1:2, :2], valid[1:2, :2], labels[1:2])
    torch.testing.assert_close(judged.losses[1], alone.losses[0])
    torch.testing.assert_close(judged.loss(), judged.losses[:2].mean())
    hidden[1, 2:] = 1e6
    torch.testing.assert_close(head(hidden, valid, labels).losses, judged.losses)
    nothing = head(hidden.requires_grad_(), valid, torch.full((3,), IGNORED)).loss()
    nothing.backward()
    assert nothing == 0 and torch.equal(hidden.grad, torch.zeros_like(hidden))


def test_a_pooled_head_judges_the_mean_of_the_valid_frames():
    torch.manual_seed(0)
    head = DomainHead(4, 3, HeadSettings(pooling="mean"))
    hidden, valid = torch.randn(2, 5, 4), torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    labels = torch.tensor([1, 2])
    means = torch.stack([hidden[0].mean(0), hidden[1, :3].mean(0)])
    wanted = nn.functional.cross_entropy(head.classify(means), labels, reduction="none")
    torch.testing.assert_close(head(hidden, valid, labels).losses, wanted)


def test_adversarial_training_takes_the_domain_out_of_the_trunk_and_multitask_keeps_it():
    """Inputs hold the word in one half and the domain in the other; a linear trunk may use both."""
    accuracies = {}
    for is_reversed in (True, False):
        torch.manual_seed(1)
        trunk, words = nn.Linear(4, 2), nn.Linear(2, 2)
        head = DomainHead(2, 2, HeadSettings(reversed=is_reversed, width=8))
        optimiser = torch.optim.Adam([*trunk.parameters(), *words.parameters(), *head.parameters()], lr=0.02)
        word, domain = torch.randint(2, (400,)), torch.randint(2, (400,))
        inputs = torch.cat([word[:, None] * 2.0 - 1 + 0.3 * torch.randn(400, 2), domain[:, None] * 2.0 - 1], 1)
        inputs = torch.cat([inputs, 0.3 * torch.randn(400, 1)], 1)
        valid = torch.ones(400, 1, dtype=torch.bool)
        for _ in range(150):
            hidden = trunk(inputs)
            judged = head(hidden.unsqueeze(1), valid, domain)
            loss = nn.functional.cross_entropy(words(hidden), word) + judged.loss()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            hidden = trunk(inputs)
            assert (words(hidden).argmax(1) == word).float().mean() > 0.95
            # A fresh linear probe by least squares, since the head itself proves nothing.
            design = torch.cat([hidden, torch.ones(400, 1)], 1)
            weights = torch.linalg.lstsq(design, domain[:, None] * 2.0 - 1).solution
            accuracies[is_reversed] = ((design @ weights > 0)[:, 0] == (domain > 0)).float().mean().item()
    assert accuracies[False] > 0.99
    assert accuracies[True] < 0.75


def test_heads_name_what_does_not_fit():
    heads = DomainHeads({"noise": {"layer": 2}, "low": {"layer": 1, "labels": "noise"}}, [4, 6], CLASSES)
    assert heads["noise"].classify[0].in_features == 6 and heads["low"].classify[0].in_features == 4
    assert heads["low"].classify[-1].out_features == 3
    assert DomainHeads({"noise": {}}, [4, 6], CLASSES)["noise"].classify[0].in_features == 6  # layer 0 is the last
    assert len(DomainHeads(None, [4], {})) == 0
    for specs, message in [
        ({"noise": {"layer": 3}}, "noise.layer: 3; there are 2"),
        ({"speaker": {}}, "no labels 'speaker'; the data have noise"),
        ({"noise": {"alfa": 1.0}}, "alfa"),
        ({"noise": {"alpha": -1.0}}, "negative"),
        ({"noise": {"pooling": "max"}}, "pooling 'max'"),
        ({"noise": {"schedule": {"class": "torch.nn.Linear"}}}, "no nrsr.nn.gradient_reversal.AlphaSchedule"),
        (["noise"], "expected `name"),
        ({"keys": {"labels": "noise"}}, "another name"),
    ]:
        with pytest.raises(ConfigError, match=message):
            DomainHeads(specs, [4, 6], CLASSES)
