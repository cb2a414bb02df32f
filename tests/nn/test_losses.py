"""CTC and attention losses against worked numbers and enumeration."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.nn.losses import IGNORED, add_sos_eos, attention_accuracy, attention_loss, ctc_collapse, ctc_loss


def collapse(path):
    return [unit for unit, _ in itertools.groupby(path) if unit != 0]


def test_ctc_worked_example():
    # Two frames, p(blank) = .6 / .3 and p(1) = .4 / .7: p("1") = .4*.7 + .4*.3 + .6*.7 = .82
    log_probs = torch.tensor([[[0.6, 0.4], [0.3, 0.7]]]).log()
    one = torch.tensor([1])
    assert ctc_loss(log_probs, torch.tensor([2]), torch.tensor([[1]]), one).item() == pytest.approx(-math.log(0.82))
    assert ctc_loss(log_probs, one, torch.tensor([[1]]), one).item() == pytest.approx(-math.log(0.4))
    # An empty transcript: all blanks.
    empty = ctc_loss(log_probs, torch.tensor([2]), torch.zeros(1, 0, dtype=torch.int64), torch.tensor([0]))
    assert empty.item() == pytest.approx(-math.log(0.18))


@given(st.integers(0, 500), st.lists(st.integers(1, 2), max_size=3), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_ctc_equals_the_sum_over_all_paths(seed, target, frames):
    generator = torch.Generator().manual_seed(seed)
    log_probs = torch.randn(1, 5, 3, generator=generator).log_softmax(2)
    total = sum(
        math.exp(sum(log_probs[0, frame, unit].item() for frame, unit in enumerate(path)))
        for path in itertools.product(range(3), repeat=frames)
        if collapse(path) == target
    )
    targets = torch.tensor([target + [0] * (3 - len(target))])
    loss = ctc_loss(log_probs, torch.tensor([frames]), targets, torch.tensor([len(target)])).item()
    if total == 0.0:
        assert math.isinf(loss)
    else:
        assert loss == pytest.approx(-math.log(total), abs=1e-4)


def test_collapse_takes_the_best_path_within_each_length():
    paths = torch.tensor([[1, 1, 0, 1, 2, 2], [0, 0, 3, 3, 3, 2], [1, 2, 3, 1, 2, 3]])
    log_probs = torch.nn.functional.one_hot(paths, 4).float()
    assert ctc_collapse(log_probs, torch.tensor([6, 5, 0])) == [[1, 1, 2], [3], []]


def test_sos_and_eos():
    inputs, outputs = add_sos_eos(torch.tensor([[3, 4, 5], [6, 0, 0], [0, 0, 0]]), torch.tensor([3, 1, 0]), 9)
    assert inputs.tolist() == [[9, 3, 4, 5], [9, 6, 9, 9], [9, 9, 9, 9]]
    assert outputs.tolist() == [[3, 4, 5, 9], [6, 9, IGNORED, IGNORED], [9, IGNORED, IGNORED, IGNORED]]


def test_attention_worked_example():
    logits = torch.tensor([[[0.5, 0.25, 0.25], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1]]]).log()
    outputs = torch.tensor([[0, 2, IGNORED]])
    plain = attention_loss(logits, outputs, 0.0)
    assert plain.item() == pytest.approx(-(math.log(0.5) + math.log(0.6)))
    smooth = attention_loss(logits, outputs, 0.3)
    spread = -(math.log(0.5 * 0.25 * 0.25) + math.log(0.2 * 0.2 * 0.6)) / 3
    assert smooth.item() == pytest.approx(0.7 * plain.item() + 0.3 * spread)
    right, counted = attention_accuracy(logits, torch.tensor([[0, 1, IGNORED]]))
    assert (right.item(), counted.item()) == (1, 2)
