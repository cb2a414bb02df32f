"""Adding gradients up over the processes of a data-parallel training."""

from collections.abc import Iterable, Sequence

import torch
import torch.distributed as dist
from torch import Tensor, nn

BUCKET = 1 << 20  # elements sent in one message: fewer messages for small tensors, no large copies for big ones


def process_count() -> int:
    """Processes that train together; 1 without a process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def sum_tensors(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor by its sum over all processes; every process gives the same shapes in the same order."""
    if process_count() == 1:
        return
    for bucket in buckets(tensors):
        flat = torch.cat([tensor.flatten() for tensor in bucket])
        dist.all_reduce(flat)
        for tensor, part in zip(bucket, flat.split([tensor.numel() for tensor in bucket]), strict=True):
            tensor.copy_(part.view_as(tensor))


def buckets(tensors: Iterable[Tensor]) -> Iterable[list[Tensor]]:
    """Runs of tensors of one type, of about BUCKET elements."""
    bucket: list[Tensor] = []
    for tensor in tensors:
        full = sum(earlier.numel() for earlier in bucket) + tensor.numel() > BUCKET
        if bucket and (full or tensor.dtype != bucket[0].dtype):
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket


def anywhere(flags: Sequence[bool], device: torch.device) -> list[bool]:
    """Which flags are set in at least one process."""
    if process_count() == 1 or not flags:
        return list(flags)
    counts = torch.tensor(flags, dtype=torch.int32, device=device)
    dist.all_reduce(counts)
    return [count > 0 for count in counts.tolist()]


def sum_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Replace each `.grad` by its sum over all processes; None counts as zeros where another process has a gradient."""
    if process_count() == 1 or not parameters:
        return
    present = anywhere([parameter.grad is not None for parameter in parameters], parameters[0].device)
    for parameter, there in zip(parameters, present, strict=True):
        if there and parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    sum_tensors([parameter.grad for parameter in parameters if parameter.grad is not None])
