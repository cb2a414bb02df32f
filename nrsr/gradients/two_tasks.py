"""What gradient remedy and modulation share: two losses, and per tensor a linear map of their two gradients."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nrsr.errors import NrsrError
from nrsr.gradients.combiner import Combiner


class GradientError(NrsrError):
    """Losses that a combiner cannot combine."""


def products(lefts: Sequence[Tensor], rights: Sequence[Tensor]) -> Tensor:
    """Inner products of pairs of tensors, float64 [number of pairs], on their device."""
    pairs = zip(lefts, rights, strict=True)
    return torch.stack([torch.dot(left.flatten(), right.flatten()) for left, right in pairs]).double()


class TwoTasks(Combiner):
    """Combines the gradients s of an auxiliary loss and a of the main one, tensor by tensor.

    Each task is differentiated by itself from the one forward pass with `torch.autograd.grad`, into tensors of its
    own, so neither can overwrite the other. A shared tensor gets x * s + y * a with x and y from the inner products
    s·s, a·a, s·a; any other parameter gets the plain sum. Nothing waits for the device.

    Args:
        main, auxiliary: names of the two losses.
    """

    def __init__(self, main: str = "asr", auxiliary: str = "se") -> None:
        self.main, self.auxiliary = main, auxiliary

    @abstractmethod
    def weights(self, ss: Tensor, aa: Tensor, sa: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Factors x of s and y of a, float64 [tensors] like the inner products, and figures to log."""

    def backward(
        self, losses: dict[str, Tensor], shared: Sequence[nn.Parameter], parameters: Sequence[nn.Parameter]
    ) -> dict[str, Tensor]:
        """See `Combiner`.

        Raises:
            GradientError: the losses are not the two that this combiner was made for.
        """
        if losses.keys() != {self.main, self.auxiliary}:
            raise GradientError(
                f"gradients: {type(self).__name__} combines the losses {self.main} and {self.auxiliary}, loss_weights "
                f"has {', '.join(losses)}; name both there, or set gradients.main and gradients.auxiliary"
            )
        parameters = list(parameters)
        ours = torch.autograd.grad(losses[self.auxiliary], parameters, retain_graph=True, allow_unused=True)
        theirs = torch.autograd.grad(losses[self.main], parameters, allow_unused=True)
        meeting = {id(parameter) for parameter in shared}
        pairs, figures = [], {}
        for parameter, s, a in zip(parameters, ours, theirs, strict=True):
            if s is not None and a is not None and id(parameter) in meeting:
                pairs.append((parameter, s, a))
            else:
                add_gradient(parameter, s, a)
        if pairs:
            met, s, a = map(list, zip(*pairs, strict=True))
            x, y, figures = self.weights(products(s, s), products(a, a), products(s, a))
            combined = torch._foreach_mul(s, list(x.to(s[0].dtype).unbind()))
            torch._foreach_add_(combined, torch._foreach_mul(a, list(y.to(a[0].dtype).unbind())))
            for parameter, gradient in zip(met, combined, strict=True):
                add_gradient(parameter, gradient)
        return figures


def add_gradient(parameter: nn.Parameter, *gradients: Tensor | None) -> None:
    """Add gradients to `.grad`, leaving it alone where there is none."""
    for gradient in gradients:
        if gradient is not None:
            # A copy at first: what autograd gives may share memory with another parameter's gradient.
            parameter.grad = gradient.detach().clone() if parameter.grad is None else parameter.grad.add_(gradient)


def conflict_figures(ss: Tensor, aa: Tensor, sa: Tensor) -> dict[str, Tensor]:
    """Share of tensors in conflict, and the mean angle between s and a in degrees (90 where one is zero)."""
    norms = (ss * aa).sqrt()
    cosines = torch.where(norms > 0, sa / norms, 0.0).clamp(-1.0, 1.0)
    return {"conflicts": (sa < 0).double().mean(), "angle": torch.rad2deg(cosines.acos()).mean()}
