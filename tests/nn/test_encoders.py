"""Encoders: sizes, lengths, and independence of padding."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.config import ConfigError
from nrsr.nn import Blstm, BlstmEncoder, ConformerEncoder
from nrsr.nn.masked_batch_norm import MaskedBatchNorm
from nrsr.nn.subsampling import Conv2dSubsampling
from nrsr.signal.masks import valid_mask, zero_padding


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameter_counts():
    assert parameters(ConformerEncoder(40, 2, 96, 4, 384, 15, channels=32)) == 488_704
    block, dim, ffn = 0, 256, 2048
    block += 2 * (2 * dim + 2 * dim * ffn + ffn + dim)  # two feed-forward modules with their norms
    block += 2 * dim + 3 * (dim * dim + dim) + dim * dim + 2 * dim + dim * dim + dim  # attention
    block += 2 * dim + 2 * (dim * dim + dim) + (15 * dim + dim) + 2 * dim + dim * dim + dim  # convolution
    block += 2 * dim
    subsampling = 9 * dim + dim + 9 * dim * dim + dim + 19 * dim * dim + dim
    assert parameters(ConformerEncoder(80)) == 12 * block + subsampling == 33_464_320


def encoders(kind):
    torch.manual_seed(0)
    if kind == "blstm":
        return BlstmEncoder(20, layers=2, width=12, channels=4)
    norm, factor = kind
    return ConformerEncoder(20, 2, 16, 2, 32, 5, subsampling=factor, channels=4, conv_norm=norm)


@pytest.mark.parametrize("kind", ["blstm", ("batch", 4), ("layer", 2)], ids=str)
def test_output_does_not_depend_on_padding_or_batch(kind):
    encoder = encoders(kind)
    features, frames = torch.randn(3, 60, 20), torch.tensor([60, 33, 9])
    encoder.train()
    encoder(features, frames)  # batch norm gets running statistics of its own
    encoder.eval()
    hidden, lengths = encoder(features.masked_fill(~valid_mask(frames, 60).unsqueeze(2), 99.0), frames)
    assert hidden.shape == (3, int(lengths[0]), encoder.dim)
    assert torch.equal(lengths, encoder.output_lengths(frames))
    for row in range(3):
        alone, length = encoder(features[row : row + 1, : frames[row]], frames[row : row + 1])
        assert length[0] == lengths[row] == alone.shape[1]
        torch.testing.assert_close(alone[0], hidden[row, : lengths[row]], atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["blstm", ("batch", 4), ("layer", 2)], ids=str)
def test_training_does_not_see_padding(kind):
    encoder = encoders(kind).train()
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    features, frames = torch.randn(2, 40, 20), torch.tensor([40, 21])
    results = []
    for filler in (0.0, 5.0):
        encoder.zero_grad()
        filled = features.masked_fill(~valid_mask(frames, 40).unsqueeze(2), filler)
        hidden, lengths = encoder(filled, frames)
        zero_padding(hidden, lengths).square().sum().backward()
        results.append([parameter.grad.clone() for parameter in encoder.parameters()])
    torch.testing.assert_close(*results, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("factor", [2, 4])
@given(frames=st.lists(st.integers(0, 70), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_subsampled_lengths_are_those_of_the_convolutions(factor, frames):
    layer = Conv2dSubsampling(16, 8, factor, channels=2).eval()
    frames = torch.tensor(frames)
    features = torch.randn(len(frames), int(frames.max()), 16)
    hidden, lengths = layer(features, frames)
    assert hidden.shape[1] == max(int(lengths.max()), 1)
    for row, size in enumerate(frames.tolist()):
        if size < layer.shortest:
            assert lengths[row] == 0
            continue
        alone = layer.convolutions(features[row : row + 1, :size].unsqueeze(1))
        assert alone.shape[2] == lengths[row]
        # The next output would need a frame past the end.
        assert lengths[row] * factor <= size < (lengths[row] + 2) * factor


def test_features_too_narrow_are_named():
    with pytest.raises(ConfigError, match="5 features a frame are too few for a factor of 4"):
        ConformerEncoder(5)


def test_blstm_equals_a_packed_one():
    torch.manual_seed(0)
    ours = Blstm(5, 4, layers=2, dropout=0.0)
    theirs = torch.nn.LSTM(5, 4, num_layers=2, batch_first=True, bidirectional=True)
    for layer in range(2):
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            for lstm, suffix in ((ours.forwards[layer], ""), (ours.backwards[layer], "_reverse")):
                getattr(theirs, f"{name}_l{layer}{suffix}").data.copy_(getattr(lstm, f"{name}_l0"))
    inputs, lengths = torch.randn(3, 9, 5), torch.tensor([4, 9, 1])
    packed = torch.nn.utils.rnn.pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(theirs(packed)[0], batch_first=True)
    torch.testing.assert_close(zero_padding(ours(inputs, lengths), lengths), expected)


def test_masked_batch_norm_is_batch_norm_of_the_valid_frames():
    ours, theirs = MaskedBatchNorm(6), torch.nn.BatchNorm1d(6)
    for _ in range(3):
        hidden = torch.randn(4, 7, 6) * 3 + 1
        valid = valid_mask(torch.tensor([7, 2, 5, 1]), 7)
        hidden[~valid] = 1e4
        torch.testing.assert_close(ours(hidden, valid)[valid], theirs(hidden[valid]), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    ours.eval(), theirs.eval()
    torch.testing.assert_close(ours(hidden, valid)[valid], theirs(hidden[valid]), atol=1e-5, rtol=1e-5)
