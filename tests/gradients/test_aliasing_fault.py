"""The fault of the released gradient-modulation trainer, reproduced, and that ours is free of it.

It saves `parameter.grad.data` of the enhancement loss without a copy, sets the gradients to zero in place, and runs
the second backward pass, which writes into the same memory: the saved gradient is the separation's by then, and what
is called modulation is twice the gradient of separation.
"""

import pytest
import torch
from torch import nn

from nrsr.gradients import Modulation, Remedy, Sum, modulate

SE, SEP = torch.tensor([-1.0, 2.0]), torch.tensor([1.0, 0.0])  # in conflict: their product is -1


def losses_of(parameter: nn.Parameter) -> dict[str, torch.Tensor]:
    """Two losses of one forward pass, whose gradients are SEP and SE."""
    hidden = 1.0 * parameter
    return {"sep": (hidden * SEP).sum(), "se": (hidden * SE).sum()}


def released_trainer(parameter: nn.Parameter, *, copy: bool, in_place: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """What the released trainer makes of the two gradients: the saved one, and the step's."""
    optimiser, losses = torch.optim.SGD([parameter], lr=1.0), losses_of(parameter)
    optimiser.zero_grad(set_to_none=not in_place)
    losses["se"].backward(retain_graph=True)
    saved = parameter.grad.data.clone() if copy else parameter.grad.data
    optimiser.zero_grad(set_to_none=not in_place)  # in place by default before torch 2.0
    losses["sep"].backward()
    separation = parameter.grad.data.clone()
    product = torch.dot(saved, separation)
    modulated = saved - product * separation / separation.norm() ** 2 if product < 0 else saved
    return saved, separation + modulated


def test_the_saved_gradient_is_overwritten():
    parameter = nn.Parameter(torch.zeros(2))
    parameter.grad = torch.zeros(2)  # as from the second step on
    saved, total = released_trainer(parameter, copy=False, in_place=True)
    assert saved.tolist() == SEP.tolist()  # not SE
    assert total.tolist() == [2.0, 0.0]  # twice the gradient of separation; enhancement has no say


@pytest.mark.parametrize(("copy", "in_place"), [(True, True), (True, False), (False, False)])
def test_a_copy_or_gradients_set_to_none_would_have_saved_it(copy, in_place):
    saved, total = released_trainer(nn.Parameter(torch.zeros(2)), copy=copy, in_place=in_place)
    assert saved.tolist() == SE.tolist()
    assert total.tolist() == [1.0, 2.0]
    assert torch.equal(modulate(SE, SEP) + SEP, total)


@pytest.mark.parametrize("per", ["micro-batch", "update"])
def test_our_modulation_is_free_of_it(per):
    parameter = nn.Parameter(torch.zeros(2))
    parameter.grad = torch.zeros(2)  # memory of an earlier step, which must be neither read nor kept as a gradient
    combiner = Modulation(main="sep", per=per)
    for repeat in (1, 2):  # accumulation over micro-batches goes into the same memory
        combiner.backward(losses_of(parameter), {"encoder": parameter}, [parameter])
        if per == "micro-batch":
            combiner.finish([parameter])
            assert parameter.grad.tolist() == [1.0 * repeat, 2.0 * repeat]
    if per == "update":
        combiner.finish([parameter])
        assert parameter.grad.tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    "combiner", [Sum(), Remedy(main="sep"), Modulation(main="sep")], ids=lambda c: type(c).__name__
)
def test_zeroing_in_place_changes_no_step(combiner):
    """Three steps on a model with memory between them: zeroed in place or set to none, the weights are the same."""

    def trained(in_place: bool) -> list[list[float]]:
        parameter, weights = nn.Parameter(torch.zeros(2)), []
        optimiser = torch.optim.SGD([parameter], lr=0.5)
        for _ in range(3):
            optimiser.zero_grad(set_to_none=not in_place)
            losses = losses_of(parameter)
            losses["se"] = losses["se"] + parameter.square().sum()
            combiner.backward(losses, {"encoder": parameter}, [parameter])
            combiner.finish([parameter])
            optimiser.step()
            weights.append(parameter.tolist())
        return weights

    assert trained(True) == trained(False)
