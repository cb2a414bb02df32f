"""Mask networks: published sizes, agreement with a plain writing of the published network, padding."""

import pytest
import torch
from torch import nn

from nrsr.config import ConfigError
from nrsr.nn import Dprnn, SepFormer, TcnMasks
from nrsr.nn.dual_path import chunk_counts

SMALL = {
    "dprnn": lambda masks=2: Dprnn(8, masks, blocks=2, dim=6, width=5, chunk=10),
    "sepformer": lambda masks=2: SepFormer(8, masks, blocks=2, layers=2, dim=6, heads=2, ffn=12, chunk=10),
    "tcn": lambda masks=2: TcnMasks(8, masks, bottleneck=6, hidden=10, skip=6, blocks=3, stacks=2),
}
networks = pytest.mark.parametrize("name", SMALL)


def make(name, masks=2):
    torch.manual_seed(0)
    network = SMALL[name](masks).eval()
    with torch.no_grad():
        for one in network.parameters():  # norms and biases too, so that none is at the value that hides a fault
            one.add_(0.3 * torch.randn_like(one))
    return network


@networks
@pytest.mark.parametrize("masks", [1, 3])
def test_shape_and_sign(name, masks):
    found = make(name, masks)(torch.rand(2, 33, 8), torch.tensor([33, 20]))
    assert found.shape == (2, masks, 33, 8)
    assert (found >= 0).all()
    assert found[:, :, :20].any()


@networks
def test_an_utterance_is_the_same_alone_and_in_any_batch(name):
    network = make(name)
    frames = torch.tensor([57, 33, 1, 57, 34])
    inputs = torch.rand(5, 70, 8) * (torch.arange(70) < frames[:, None]).unsqueeze(2)  # padded beyond the longest
    together = network(inputs, frames)
    for row, size in enumerate(frames.tolist()):
        alone = network(inputs[row : row + 1, :size], frames[row : row + 1])
        torch.testing.assert_close(together[row, :, :size], alone[0], atol=2e-5, rtol=1e-4)


@networks
def test_gradients_do_not_see_padding(name):
    network = make(name)
    frames = torch.tensor([57, 23])
    inputs = torch.rand(2, 60, 8) * (torch.arange(60) < frames[:, None]).unsqueeze(2)
    together = network(inputs, frames)
    sum(one[:, :size].square().sum() for one, size in zip(together, frames.tolist(), strict=True)).backward()
    found = [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]
    network.zero_grad()
    for row, size in enumerate(frames.tolist()):
        network(inputs[row : row + 1, :size], frames[row : row + 1]).square().sum().backward()
    expected = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)


def test_chunks_as_published():
    assert chunk_counts([1, 4, 5, 14, 15, 0], 10) == [2, 2, 4, 4, 6, 2]


def published(network, inputs, within, across):
    """The published network for one utterance [1, N, C], written plainly: padding, loops over chunks, GroupNorm."""

    def group_norm(maps, norm):  # [1, C, ...]
        return nn.functional.group_norm(maps, 1, norm.weight, norm.bias, eps=1e-8)

    size, chunk = inputs.shape[1], network.chunk
    hop = chunk // 2
    hidden = network.bottleneck(group_norm(inputs.transpose(1, 2), network.norm).transpose(1, 2))[0]
    gap = chunk - (hop + size % chunk) % chunk
    padded = torch.cat([torch.zeros(hop, hidden.shape[1]), hidden, torch.zeros(gap + hop, hidden.shape[1])])
    starts = range(0, len(padded) - hop, hop)
    chunks = torch.stack([padded[start : start + chunk] for start in starts])  # [S, K, C]
    for block in network.blocks:
        for path, norm, turned in ((block.within, block.within_norm, False), (block.across, block.across_norm, True)):
            sequences = chunks.transpose(0, 1) if turned else chunks
            out = (across if turned else within)(path, sequences)
            out = out.transpose(0, 1) if turned else out
            chunks = chunks + group_norm(out.permute(2, 1, 0)[None], norm)[0].permute(2, 1, 0)
    made = network.split(network.activation(chunks))  # all masks before the overlap-add
    total = torch.zeros(len(padded), made.shape[2])
    for number, start in enumerate(starts):
        total[start : start + chunk] += made[number]
    total = total[hop : hop + size].unflatten(1, (network.masks, -1))
    gated = network.value(total).tanh() * network.gate(total).sigmoid()
    return network.out(gated).relu().transpose(0, 1)[None]


def test_dprnn_is_the_published_network():
    def path(module, sequences):
        return module.out(module.lstm(sequences)[0])

    network = make("dprnn")
    for size in (5, 14, 57):
        inputs = torch.rand(1, size, 8)
        expected = published(network, inputs, path, path)
        torch.testing.assert_close(network(inputs, torch.tensor([size])), expected, atol=2e-5, rtol=1e-4)


def test_sepformer_is_the_published_network():
    def path(module, sequences):
        position = torch.arange(sequences.shape[1]).unsqueeze(1)
        table = torch.zeros(sequences.shape[1:])
        table[:, 0::2] = torch.sin(position * 10000 ** (-torch.arange(0, 6, 2) / 6))
        table[:, 1::2] = torch.cos(position * 10000 ** (-torch.arange(0, 6, 2) / 6))
        sequences = sequences + table
        for layer in module.layers:
            theirs = nn.TransformerEncoderLayer(
                6, 2, 12, dropout=0.0, layer_norm_eps=1e-6, batch_first=True, norm_first=True
            )
            attention, ffn = layer.attention, layer.ffn
            weights = {"self_attn.in_proj_": attention.queries_keys_values, "self_attn.out_proj.": attention.out}
            weights |= {"linear1.": ffn[0], "linear2.": ffn[2]}
            weights |= {"norm1.": layer.attention_norm, "norm2.": layer.ffn_norm}
            state = {
                f"{name}{kind}": getattr(ours, kind) for name, ours in weights.items() for kind in ("weight", "bias")
            }
            theirs.load_state_dict(state)
            sequences = theirs.eval()(sequences)
        return module.norm(sequences)

    network = make("sepformer")
    for size in (5, 57):
        inputs = torch.rand(1, size, 8)
        expected = published(network, inputs, path, path)
        torch.testing.assert_close(network(inputs, torch.tensor([size])), expected, atol=2e-5, rtol=1e-4)


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="chunk 7 must be an even number"):
        Dprnn(8, 2, chunk=7)
    with pytest.raises(ConfigError, match="heads 5 must divide dim 6"):
        SepFormer(8, 2, dim=6, heads=5)
