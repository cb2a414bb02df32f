"""Half-overlapping windows: positions, padding, overlap-add; the wave encoder and decoder made of them."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from nrsr.config import ConfigError
from nrsr.nn import WaveDecoder, WaveEncoder
from nrsr.nn.half_overlap import half_overlapping, overlap_add


def test_windows_stand_where_they_should():
    windows = half_overlapping(torch.arange(1.0, 8).view(1, 7, 1), count=3, size=4)
    assert windows.squeeze().tolist() == [[1, 2, 3, 4], [3, 4, 5, 6], [5, 6, 7, 0]]
    assert overlap_add(windows).squeeze().tolist() == [1, 2, 6, 8, 10, 12, 7, 0]


@settings(max_examples=50, deadline=None)
@given(size=st.integers(1, 20), hop=st.integers(1, 5), count=st.integers(1, 6), channels=st.integers(1, 3))
def test_agrees_with_fold(size, hop, count, channels):
    sequences = torch.randn(2, size, channels)
    windows = half_overlapping(sequences, count, 2 * hop)
    needed = (count + 1) * hop
    padded = F.pad(sequences, (0, 0, 0, max(needed - size, 0)))[:, :needed]
    assert torch.equal(windows, padded.unfold(1, 2 * hop, hop).transpose(2, 3))
    columns = windows.permute(0, 3, 2, 1).flatten(1, 2)
    folded = F.fold(columns, (1, needed), (1, 2 * hop), stride=(1, hop))
    torch.testing.assert_close(overlap_add(windows), folded[:, :, 0].transpose(1, 2))


@pytest.mark.parametrize("size", [1, 15, 16, 17, 24, 25, 400])
def test_encoder_and_decoder_are_a_convolution_and_its_transpose(size):
    torch.manual_seed(0)
    encoder, decoder = WaveEncoder(12, 16), WaveDecoder(12, 16)
    waves = torch.randn(2, size)
    count = int(encoder.frames(torch.tensor(size)))
    reach = 16 + 8 * (count - 1)
    assert reach >= size > reach - 8 or (count == 1 and size <= 16)  # no sample is left out, no frame is for nothing
    found = encoder(waves, torch.tensor([size, size]), count)
    padded = F.pad(waves, (0, reach - size)).unsqueeze(1)
    expected = F.conv1d(padded, encoder.basis.weight.unsqueeze(1), stride=8).relu()
    torch.testing.assert_close(found, expected.transpose(1, 2), atol=1e-6, rtol=1e-5)
    back = F.conv_transpose1d(expected, decoder.basis.weight.t().unsqueeze(1), stride=8).squeeze(1)
    torch.testing.assert_close(decoder(found, size), back[:, :size], atol=1e-6, rtol=1e-5)
    longer = decoder(found, reach + 5)
    torch.testing.assert_close(longer, F.pad(back, (0, 5)), atol=1e-6, rtol=1e-5)


def test_the_encoder_leaves_padding_at_zero_whatever_stands_there():
    encoder = WaveEncoder(8, 4)
    waves, lengths = torch.randn(2, 40), torch.tensor([40, 10])
    waves[1, 10:] = torch.nan
    frames = encoder.frames(lengths)
    assert frames.tolist() == [19, 4]
    encoded = encoder(waves, lengths, 19)
    assert not encoded[1, 4:].any()
    torch.testing.assert_close(encoded[1:, :4], encoder(waves[1:, :10], lengths[1:], 4))


def test_an_odd_window_is_refused():
    with pytest.raises(ConfigError, match="window 15 must be an even number"):
        WaveEncoder(8, 15)
