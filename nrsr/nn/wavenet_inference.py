"""Parallel WaveGAN's generator on a CPU without gradients: the same waveform with half the work.

Three things are done otherwise than in training. The features of a block are a linear function of the frames, and so is
their upsampling: the 1 x 1 convolution comes first, at the frame rate. All convolutions are products of matrices with
the channels of a sample side by side, added up in place; and a block goes over the waveform in stretches that stay in
the cache. tanh(a) is 2 sigmoid(2a) - 1, since torch's tanh takes three times as long.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nrsr.nn.time_convolutions import infers_on_cpu

if TYPE_CHECKING:
    from nrsr.nn.parallel_wavegan import MelUpsampler, ParallelWaveGanGenerator, WaveNetBlock

TAPS = 5  # frames that a sample's upsampled features depend on, at most: two before its own, and two behind
STRETCH = 1024  # samples, about


def can_infer(generator: "ParallelWaveGanGenerator", features: Tensor) -> bool:
    """Whether `infer` does what the generator does: on a CPU in float32, for some frames, where nothing is learnt."""
    frames, few = features.shape[2] - 2 * generator.context, generator.smoothed <= TAPS // 2
    return few and frames >= TAPS and infers_on_cpu(features)


def infer(generator: "ParallelWaveGanGenerator", features: Tensor, noise: Tensor) -> Tensor:
    """One utterance: features [mels, N + 2 context] and noise [T] to a waveform [T]."""
    frames = generator.upsampler.first(features.unsqueeze(0))[0].T
    rises = upsampling(generator.upsampler, len(frames))
    padding = max(block.dilated.padding[0] for block in generator.blocks)
    now = torch.nn.functional.pad(noise.unsqueeze(1) * generator.first.weight[:, 0, 0], (0, 0, padding, padding))
    now[padding : padding + len(noise)] += generator.first.bias
    then, total = torch.zeros_like(now), torch.zeros(len(noise), generator.hidden.in_channels)
    for block in generator.blocks:
        _pass_block(block, frames, rises, now, then, total, padding)
        total += block.skip.bias
        now, then = then, now
    total *= (1.0 / len(generator.blocks)) ** 0.5
    hidden = torch.addmm(generator.hidden.bias, total.relu_(), generator.hidden.weight[:, :, 0].T).relu_()
    return hidden @ generator.last.weight[0, :, 0] + generator.last.bias


def _pass_block(
    block: "WaveNetBlock", frames: Tensor, rises: Tensor, now: Tensor, then: Tensor, total: Tensor, padding: int
) -> None:
    """`then` from `now`, both [padding + T + padding, residual], and what the block adds to `total` [T, skip]."""
    half, root = block.residual.in_channels, 0.5**0.5
    scale = torch.ones(2 * half)
    scale[:half] = 2.0  # sigmoid(2a) for tanh(a)
    weights = (block.dilated.weight.permute(2, 1, 0) * scale).contiguous()
    # The last of the taps is the bias.
    projected = torch.nn.functional.pad(frames @ block.features.weight[:, :, 0].T, (0, 0, TAPS // 2, TAPS // 2))
    projected = projected.unfold(0, TAPS, 1).transpose(1, 2)
    taps = torch.cat([projected, block.dilated.bias.expand(len(projected), 1, -1)], dim=1) * scale
    # The gated sum comes out with the other sign.
    residual, skip = -root * block.residual.weight[:, :, 0].T, -block.skip.weight[:, :, 0].T
    bias, hop = root * block.residual.bias, rises.shape[1]
    step = max(1, STRETCH // hop)
    for frame in range(0, len(frames), step):
        gate = (rises[frame : frame + step] @ taps[frame : frame + step]).flatten(0, 1)
        begin, size = frame * hop, len(gate)
        for place, weight in enumerate(weights):
            start = padding + begin - block.dilated.padding[0] + place * block.dilated.dilation[0]
            gate.addmm_(now[start : start + size], weight)
        gate.sigmoid_()
        filtered, opened = gate[:, :half], gate[:, half:]
        gated = torch.addcmul(opened, filtered, opened, value=-2.0)
        rows = slice(padding + begin, padding + begin + size)
        torch.addmm(now[rows], gated, residual, beta=root, out=then[rows])
        then[rows] += bias
        total[begin : begin + size].addmm_(gated, skip)


def upsampling(upsampler: "MelUpsampler", frames: int) -> Tensor:
    """What each sample of a frame takes of the frames around it, and 1 for a bias: [frames, hop, TAPS + 1].

    It is the same for all frames but the outer two on each side, where the network has zeros in place of neighbours.
    """
    impulses = torch.eye(TAPS).unsqueeze(0)
    answers = upsampler.smooth(impulses)[0].unflatten(
        1, (TAPS, -1)
    )  # of the impulse in frame i, at sample p of frame k
    middle = TAPS // 2
    kinds = torch.zeros(TAPS, answers.shape[2], TAPS + 1)
    kinds[:, :, -1] = 1.0
    for kind in range(TAPS):
        for tap in range(max(0, middle - kind), min(TAPS, TAPS + middle - kind)):
            kinds[kind, :, tap] = answers[kind - middle + tap, kind]
    places = torch.arange(frames)
    return kinds[torch.where(places < middle, places, (TAPS - frames + places).clamp_min(middle))]
