"""What front-ends without parameters promise: shapes, the same samples in any batch, silence, determinism, no loss."""

import pytest
import torch

from nrsr.frontends import Wiener

FRONTENDS = {
    "wiener": lambda rate: Wiener(rate),
    "log_mmse": lambda rate: Wiener(rate, gain="log_mmse"),
}
LENGTHS = [7000, 4310, 640, 19, 1]


@pytest.fixture(params=FRONTENDS)
def make(request):
    return FRONTENDS[request.param]


@pytest.fixture
def batch():
    """Bursts of tones in noise."""
    generator = torch.Generator().manual_seed(1)
    time = torch.arange(max(LENGTHS)) / 8000
    tones = 0.3 * torch.sin(2 * torch.pi * 440 * time) * (torch.sin(2 * torch.pi * 3 * time) > 0)
    return tones + 0.05 * torch.randn(len(LENGTHS), len(time), generator=generator), torch.tensor(LENGTHS)


def test_shapes_zeros_past_the_end_and_no_loss(make, batch):
    waves, lengths = batch
    enhanced, loss = make(8000)(waves, lengths, waves)
    assert loss is None and enhanced.shape == waves.shape and enhanced.dtype == torch.float32
    assert not enhanced.requires_grad and enhanced.isfinite().all()
    for row, size in enumerate(LENGTHS):
        assert not enhanced[row, size:].any()
    assert enhanced[0].square().sum() > 0.1 * waves[0].square().sum()


def test_padding_and_batch_change_nothing(make, batch):
    waves, lengths = batch
    frontend = make(8000)
    enhanced, _ = frontend(waves, lengths)
    assert torch.equal(frontend(waves, lengths)[0], enhanced)
    for row, size in enumerate(LENGTHS):
        for padding in (0, 500):
            padded = torch.nn.functional.pad(waves[row : row + 1, :size], (0, padding), value=7.0)
            alone, _ = frontend(padded, lengths[row : row + 1])
            torch.testing.assert_close(alone[0, :size], enhanced[row, :size], atol=1e-5, rtol=0)


@pytest.mark.parametrize("rate", [8000, 16000, 11025, 48000])
def test_any_rate_silence_and_clipped_speech(make, batch, rate):
    waves, lengths = batch
    frontend = make(rate)
    assert not frontend(torch.zeros_like(waves), lengths)[0].any()
    assert frontend((20 * waves).clamp(-1, 1), lengths)[0].isfinite().all()


def test_there_is_nothing_to_train(make):
    assert not list(make(8000).parameters()) and not make(8000).state_dict()
