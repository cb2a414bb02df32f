"""Combining gradients by weights that come from their inner products: what all methods but the plain sum share."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from nrsr.gradients.combiner import Combiner, GradientError
from nrsr.gradients.processes import anywhere, process_count, sum_gradients, sum_tensors

GRANULARITIES = ("tensor", "module", "all")
PERIODS = ("micro-batch", "update")


class GramianCombiner(Combiner):
    """Gives each group of shared parameters the gradient Σ_t w_t g_t, with weights from the inner products g_t · g_u.

    Each task is differentiated by itself from the one forward pass with `torch.autograd.grad`, into tensors of its
    own, so no task can overwrite another. Parameters that not every task reaches get the plain sum. In a group of
    processes the gradients of every task are added up first, so that the weights are those of the joined batch.
    Nothing waits for the device.

    Args:
        granularity: what shares weights: each "tensor" by itself, all tensors of a "module" (as an LSTM or a linear
            layer), or "all".
        per: combine each "micro-batch", or the gradients of all micro-batches of an "update" once.

    Raises:
        GradientError: another granularity or period.
    """

    def __init__(self, granularity: str = "tensor", per: str = "micro-batch") -> None:
        if granularity not in GRANULARITIES:
            raise GradientError(f"gradients.granularity: {granularity!r}: take one of {', '.join(GRANULARITIES)}")
        if per not in PERIODS:
            raise GradientError(f"gradients.per: {per!r}: take one of {', '.join(PERIODS)}")
        self.granularity, self.per = granularity, per
        self.gradient_type = torch.float32  # of the gradients combined last
        # The sums for `.grad` in `finish`, and the tasks' gradients that are still to be combined, by name.
        self._combined: dict[str, tuple[nn.Parameter, Tensor]] = {}
        self._waiting: dict[str, tuple[nn.Parameter, list[Tensor]]] = {}
        self._tasks: list[str] = []

    @abstractmethod
    def weights(self, gramians: Tensor, tasks: Sequence[str]) -> tuple[Tensor, dict[str, Tensor]]:
        """Weights [groups, tasks] for inner products [groups, tasks, tasks], float64, and statistics to log.

        Raises:
            GradientError: tasks that the method cannot combine.
        """

    def backward(
        self, losses: Mapping[str, Tensor], shared: Mapping[str, nn.Parameter], parameters: Sequence[nn.Parameter]
    ) -> dict[str, Tensor]:
        self._tasks, parameters = list(losses), list(parameters)
        gradients = task_gradients(losses, parameters)
        names = {id(parameter): name for name, parameter in shared.items()}
        met: dict[str, tuple[nn.Parameter, list[Tensor]]] = {}
        for parameter, *per_task in zip(parameters, *gradients, strict=True):
            if id(parameter) in names and all(gradient is not None for gradient in per_task):
                met[names[id(parameter)]] = (parameter, per_task)
            else:
                add_gradient(parameter, per_task)
        if self.per == "update":
            for name, (parameter, per_task) in met.items():
                before = self._waiting.get(name)
                self._waiting[name] = (parameter, per_task if before is None else _added(before[1], per_task))
            return {}
        return self._combine(met)

    def finish(self, parameters: Sequence[nn.Parameter]) -> dict[str, Tensor]:
        statistics = self._combine(self._waiting) if self.per == "update" else {}
        sum_gradients(parameters)
        for parameter, gradient in self._combined.values():
            add_gradient(parameter, [gradient])
        self._waiting, self._combined = {}, {}
        return statistics

    def _combine(self, met: dict[str, tuple[nn.Parameter, list[Tensor]]]) -> dict[str, Tensor]:
        """Add the combined gradients of parameters and their tasks' gradients to what `finish` leaves."""
        if not met:
            return {}
        names, rows = list(met), [gradients for _, gradients in met.values()]
        columns = [list(column) for column in zip(*rows, strict=True)]
        sum_tensors([gradient for column in columns for gradient in column])
        gramians, self.gradient_type = inner_products(columns), columns[0][0].dtype
        groups = self._groups(names, gramians.device)
        if groups is not None:
            numbers, count = groups
            gramians = gramians.new_zeros(count, *gramians.shape[1:]).index_add_(0, numbers, gramians)
        weights, statistics = self.weights(gramians, self._tasks)
        if groups is not None:
            weights = weights[numbers]
        # In place: these tensors are as large as the model, and fresh memory costs more than the arithmetic.
        first, *rest = [list(weight.unbind()) for weight in weights.to(columns[0][0].dtype).unbind(1)]
        totals = columns[0]
        torch._foreach_mul_(totals, first)
        for column, weight in zip(columns[1:], rest, strict=True):
            torch._foreach_addcmul_(totals, column, weight)
        for name, total in zip(names, totals, strict=True):
            before = self._combined.get(name)
            self._combined[name] = (met[name][0], total if before is None else before[1].add_(total))
        return conflict_statistics(gramians) | statistics

    def _groups(self, names: list[str], device: torch.device) -> tuple[Tensor, int] | None:
        """The group of each tensor, and how many there are; None where each is its own."""
        if self.granularity == "tensor":
            return None
        modules = [name.rpartition(".")[0] if self.granularity == "module" else "" for name in names]
        numbers = {module: number for number, module in enumerate(dict.fromkeys(modules))}
        return torch.tensor([numbers[module] for module in modules], device=device), len(numbers)


def task_gradients(losses: Mapping[str, Tensor], parameters: list[nn.Parameter]) -> list[list[Tensor | None]]:
    """Gradients [tasks][parameters] of each loss from one forward pass, each in memory of its own.

    None for a parameter that a loss does not reach.

    In a group of processes a gradient that another process has is zero here, not None.
    """
    gradients = []
    for number, loss in enumerate(reversed(losses.values()), start=1):
        kept = number < len(losses)
        gradients.append(list(torch.autograd.grad(loss, parameters, retain_graph=kept, allow_unused=True)))
    gradients.reverse()
    copy_shared_memory(gradients)
    if process_count() > 1:
        flags = [gradient is not None for column in gradients for gradient in column]
        there = iter(anywhere(flags, parameters[0].device))
        for column in gradients:
            for place, parameter in enumerate(parameters):
                if next(there) and column[place] is None:
                    column[place] = torch.zeros_like(parameter)
    return gradients


def copy_shared_memory(gradients: list[list[Tensor | None]]) -> None:
    """Copy those that share memory: autograd may give one tensor for two parameters, or one number for many."""
    seen = set()
    for column in gradients:
        for place, gradient in enumerate(column):
            if gradient is not None:
                if gradient.data_ptr() in seen or not gradient.is_contiguous():
                    column[place] = gradient.clone(memory_format=torch.contiguous_format)
                seen.add(column[place].data_ptr())


def inner_products(columns: Sequence[Sequence[Tensor]]) -> Tensor:
    """Inner products, float64 [tensors, tasks, tasks], of the tasks' gradients [tasks][tensors], on their device."""
    count = len(columns)
    flat = [[tensor.flatten() for tensor in column] for column in columns]
    products: dict[tuple[int, int], Tensor] = {}
    for first in range(count):
        for second in range(first, count):
            pairs = zip(flat[first], flat[second], strict=True)
            products[first, second] = torch.stack([torch.dot(left, right) for left, right in pairs])
    rows = [torch.stack([products[min(i, j), max(i, j)] for j in range(count)], dim=1) for i in range(count)]
    return torch.stack(rows, dim=1).double()


def conflict_statistics(gramians: Tensor) -> dict[str, Tensor]:
    """Over all groups and pairs of tasks: the share in conflict, the mean angle in degrees, and the norms' ratio.

    Pairs in which a gradient is zero count as not in conflict, with an angle of 90 degrees, and not in the ratio. The
    ratio is the geometric mean of the later task's norm over the earlier one's. Of a single task there are none.
    """
    if gramians.shape[1] < 2:
        return {}
    squares = gramians.diagonal(dim1=1, dim2=2)
    first, second = torch.triu_indices(gramians.shape[1], gramians.shape[1], offset=1, device=gramians.device)
    dots, earlier, later = gramians[:, first, second], squares[:, first], squares[:, second]
    there = (earlier > 0) & (later > 0)
    cosines = torch.where(there, dots / (earlier * later).sqrt(), 0.0).clamp(-1.0, 1.0)
    ratios = torch.where(there, 0.5 * (later / earlier).log(), 0.0).sum() / there.sum().clamp_min(1)
    return {
        "conflicts": (dots < 0).double().mean(),
        "angle": torch.rad2deg(cosines.acos()).mean(),
        "ratio": ratios.exp(),
    }


def add_gradient(parameter: nn.Parameter, gradients: Sequence[Tensor | None]) -> None:
    """Add gradients to `.grad`, which keeps the first one; `.grad` is left alone where there is none."""
    for gradient in gradients:
        if gradient is not None:
            parameter.grad = gradient.detach() if parameter.grad is None else parameter.grad.add_(gradient)


def _added(before: list[Tensor], now: list[Tensor]) -> list[Tensor]:
    return [old + new for old, new in zip(before, now, strict=True)]
