"""The plain sum: what `.grad` holds afterwards."""

import torch

from nrsr.gradients import Sum


def test_sum_adds_the_gradient_of_all_losses_to_its_own_parameters():
    shared, head = torch.nn.Parameter(torch.tensor([1.0, 2.0])), torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    foreign, unused = torch.nn.Parameter(torch.tensor([5.0, 6.0])), torch.nn.Parameter(torch.tensor([7.0]))
    for repeat in (1, 2):
        losses = {"asr": (shared * head * foreign).sum(), "se": (shared**2).sum()}
        assert Sum().backward(losses, {"shared": shared}, [shared, head, unused]) == {}
        assert Sum().finish([shared, head, unused]) == {}
        # d asr / d shared = head * foreign, d se / d shared = 2 * shared; gradients accumulate over micro-batches.
        assert shared.grad.tolist() == [repeat * (15.0 + 2.0), repeat * (24.0 + 4.0)]
        assert head.grad.tolist() == [repeat * 5.0, repeat * 12.0]
        assert foreign.grad is None
        assert unused.grad is None
