"""Relative self-attention against a loop over pairs, and the attention decoder's causality."""

import math

import pytest
import torch

from nrsr.nn import TransformerDecoder
from nrsr.nn.relative_attention import RelativeSelfAttention, align_distances, relative_positions


@pytest.mark.parametrize("size", [1, 2, 5])
def test_distances_are_aligned_to_keys(size):
    scores = torch.randn(2, 3, size, 2 * size - 1)
    aligned = align_distances(scores)
    for query in range(size):
        for key in range(size):
            # Column 0 holds the distance query - key = size - 1.
            assert torch.equal(aligned[..., query, key], scores[..., query, size - 1 - (query - key)])


def test_relative_positions_are_sinusoids_of_the_distance():
    positions = relative_positions(3, 4, torch.device("cpu"), torch.float32)
    for row, distance in enumerate([2, 1, 0, -1, -2]):
        slow = distance / 100.0
        expected = [math.sin(distance), math.cos(distance), math.sin(slow), math.cos(slow)]
        torch.testing.assert_close(positions[row], torch.tensor(expected), atol=1e-6, rtol=0)


def test_attention_equals_the_formula_pair_by_pair():
    torch.manual_seed(0)
    batch, size, dim, heads = 2, 5, 8, 2
    attention = RelativeSelfAttention(dim, heads).eval()
    hidden = torch.randn(batch, size, dim)
    padding = torch.tensor([[False] * 5, [False, False, False, True, True]])
    positions = relative_positions(size, dim, hidden.device, hidden.dtype)
    found = attention(hidden, positions, padding)
    weight, bias = attention.queries_keys_values.weight, attention.queries_keys_values.bias
    for row in range(batch):
        valid = int((~padding[row]).sum())
        q, k, v = (hidden[row] @ weight.T + bias).split(dim, dim=1)
        for i in range(valid):
            context = []
            for head in range(heads):
                part = slice(head * dim // heads, (head + 1) * dim // heads)
                u, w = attention.content_bias[head, 0], attention.position_bias[head, 0]
                scores = []
                for j in range(valid):
                    r = (attention.positions.weight @ positions[size - 1 - (i - j)])[part]
                    scores.append((torch.dot(q[i, part] + u, k[j, part]) + torch.dot(q[i, part] + w, r)) / 2.0)
                context.append(torch.stack(scores).softmax(0) @ v[:valid, part])
            expected = attention.out(torch.cat(context))
            torch.testing.assert_close(found[row, i], expected, atol=1e-5, rtol=1e-4)


def make_decoder():
    torch.manual_seed(1)
    return TransformerDecoder(vocabulary=9, dim=16, layers=2, heads=2, ffn=32).eval()


def test_decoder_sees_no_later_unit_and_no_padding():
    decoder = make_decoder()
    memory, memory_lengths = torch.randn(2, 7, 16), torch.tensor([7, 4])
    tokens = torch.tensor([[8, 1, 2, 3], [8, 4, 5, 6]])
    logits = decoder(memory, memory_lengths, tokens, torch.tensor([4, 3]))
    changed = tokens.clone()
    changed[:, 2:] = 7
    other = decoder(memory, memory_lengths, changed, torch.tensor([4, 3]))
    torch.testing.assert_close(logits[:, :2], other[:, :2], atol=1e-5, rtol=0)
    assert not torch.allclose(logits[:, 2], other[:, 2])
    memory[1, 4:] = 1e3
    alone = decoder(memory[1:, :4], memory_lengths[1:], tokens[1:, :3], torch.tensor([3]))
    padded = decoder(memory, memory_lengths, tokens, torch.tensor([4, 3]))
    torch.testing.assert_close(alone[0], padded[1, :3], atol=1e-5, rtol=0)


def test_decoder_step_is_the_last_position_of_forward():
    decoder = make_decoder()
    memory, memory_lengths = torch.randn(3, 7, 16), torch.tensor([7, 4, 0])
    tokens = torch.tensor([[8, 1, 2], [8, 4, 5], [8, 8, 1]])
    logits = decoder(memory, memory_lengths, tokens, torch.tensor([3, 3, 3]))
    for size in (1, 2, 3):
        log_probs = decoder.step(memory, memory_lengths, tokens[:, :size])
        torch.testing.assert_close(log_probs, logits[:, size - 1].log_softmax(1), atol=1e-5, rtol=0)
        torch.testing.assert_close(log_probs.exp().sum(1), torch.ones(3))
