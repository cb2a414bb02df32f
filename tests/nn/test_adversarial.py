"""Adversarial objectives against worked numbers, the gradient penalty against finite differences."""

import math

import pytest
import torch

from nrsr.nn.adversarial import Hinge, LeastSquares, Minimax, Wasserstein, gradient_penalty

REAL, FAKE = torch.tensor([0.0, 2.0]), torch.tensor([1.0, -3.0])


def sigmoid(score):
    return 1.0 / (1.0 + math.exp(-score))


@pytest.mark.parametrize(
    ("objective", "discriminator", "generator"),
    [
        (LeastSquares(), [2.0, 10.0], [0.0, 16.0]),
        (Hinge(), [3.0, 0.0], [-1.0, 3.0]),
        (Wasserstein(), [1.0, -5.0], [-1.0, 3.0]),
        (
            Minimax(),
            [-math.log(0.5) - math.log(1 - sigmoid(1)), -math.log(sigmoid(2)) - math.log(1 - sigmoid(-3))],
            [-math.log(sigmoid(1)), -math.log(sigmoid(-3))],
        ),
        (
            Minimax(saturating=True),
            [-math.log(0.5) - math.log(1 - sigmoid(1)), -math.log(sigmoid(2)) - math.log(1 - sigmoid(-3))],
            [math.log(1 - sigmoid(1)), math.log(1 - sigmoid(-3))],
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_worked_numbers(objective, discriminator, generator):
    torch.testing.assert_close(objective.discriminator(REAL, FAKE), torch.tensor(discriminator))
    torch.testing.assert_close(objective.generator(FAKE), torch.tensor(generator))


def test_gradient_penalty_of_a_linear_critic_is_that_of_its_weight():
    weight = torch.tensor([3.0, 4.0], requires_grad=True)
    penalty = gradient_penalty(lambda x: x @ weight, torch.randn(5, 2), torch.randn(5, 2))
    torch.testing.assert_close(penalty, torch.full((5,), 16.0))
    penalty.mean().backward()  # (|w| - 1)^2 has the gradient 2 (|w| - 1) w / |w|
    torch.testing.assert_close(weight.grad, 8.0 * torch.tensor([0.6, 0.8]))


def test_gradient_penalty_against_finite_differences():
    torch.manual_seed(0)
    critic = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double()
    real, fake = torch.randn(2, 3, dtype=torch.float64), torch.randn(2, 3, dtype=torch.float64)

    def total():
        torch.manual_seed(1)  # the same points between
        return gradient_penalty(lambda x: critic(x).squeeze(1), real, fake).mean()

    total().backward()
    weight, step = critic[0].weight, 1e-6
    for row, column in ((0, 0), (3, 2)):
        weight.data[row, column] += step
        above = total().item()
        weight.data[row, column] -= 2 * step
        below = total().item()
        weight.data[row, column] += step
        assert weight.grad[row, column].item() == pytest.approx((above - below) / (2 * step), rel=1e-5)
    # So are the slopes themselves, at a point between: here every point is the same.
    same = torch.randn(1, 3, dtype=torch.float64)
    slope = torch.stack(
        [
            (critic(same + step * unit) - critic(same - step * unit)).squeeze() / (2 * step)
            for unit in torch.eye(3, dtype=torch.float64)
        ]
    )
    found = gradient_penalty(lambda x: critic(x).squeeze(1), same, same)
    torch.testing.assert_close(found, (slope.norm() - 1).square()[None], rtol=1e-6, atol=1e-9)
