"""Conv-TasNet: sizes, reconstruction, loss. What every front-end must hold stands in test_contract.py."""

import numpy as np
import pytest
import torch

from nrsr.config import ConfigError
from nrsr.frontends import ConvTasNet
from nrsr.nn import TemporalConvNet
from nrsr.nn.mask_network import TcnMasks

SMALL = {"filters": 32, "window": 20, "bottleneck": 12, "hidden": 16, "skip": 12, "blocks": 3, "stacks": 2}


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def block(bottleneck, hidden, skip, residual=True):
    """A block's parameters: 1x1 in, depthwise of 3, two PReLUs, two norms, one or two 1x1 out."""
    paths = skip + (bottleneck if residual else 0)
    return hidden * (bottleneck + 1) + hidden * 4 + 2 + 4 * hidden + paths * (hidden + 1)


def test_the_published_size():
    """5.1 M parameters for two speakers (Luo & Mesgarani 2019, table II).

    The published figure is met with the last block's residual path, which leads nowhere and is left out here.
    """
    ends = 2 * 512 * 16  # encoder and decoder
    around = 2 * 512 + 128 * 513 + 1  # norm, bottleneck, PReLU
    blocks = 23 * block(128, 512, 128) + block(128, 512, 128, residual=False)
    two = TemporalConvNet(512, 2 * 512)
    assert ends + parameters(two) == ends + around + blocks + 1024 * 129 == 4_984_881
    assert ends + parameters(two) + 128 * 513 == 5_050_545  # 5.1 M
    assert parameters(ConvTasNet(8000)) == 4_984_881 - 512 * 129 == 4_918_833


def with_open_mask(**changed):
    torch.manual_seed(0)
    frontend = ConvTasNet(8000, **(SMALL | changed)).eval()
    with torch.no_grad():
        frontend.network.out.weight.zero_()
        frontend.network.out.bias.fill_(100.0)  # a mask of one
    return frontend


@pytest.mark.parametrize(("filters", "window"), [(32, 20), (20, 20), (512, 16), (8, 2)])
def test_starts_from_perfect_reconstruction(filters, window):
    frontend = with_open_mask(filters=filters, window=window)
    lengths = torch.tensor([300, 177, 1, 20])
    waves = torch.randn(4, 300)
    enhanced, loss = frontend(waves, lengths)
    assert loss is None
    for row, size in enumerate(lengths.tolist()):
        torch.testing.assert_close(enhanced[row, :size], waves[row, :size], atol=1e-5, rtol=0)
        assert not enhanced[row, size:].any()


def test_loss_is_negative_si_snr_of_the_output():
    frontend = with_open_mask(limit=60.0)
    rng = np.random.default_rng(0)
    clean = rng.standard_normal((2, 800))
    noisy = clean + rng.standard_normal((2, 800)) * np.array([[0.1], [2.0]])
    lengths = [800, 500]
    _, losses = frontend(torch.tensor(noisy).float(), torch.tensor(lengths), torch.tensor(clean).float())
    for row, size in enumerate(lengths):
        x, s = (signal[row, :size] - signal[row, :size].mean() for signal in (noisy, clean))
        cosine = x @ s / np.sqrt((x @ x) * (s @ s))
        assert losses[row].item() == pytest.approx(-10 * np.log10(cosine**2 / (1 - cosine**2)), abs=0.01)


def test_odd_windows_and_even_kernels_are_refused():
    with pytest.raises(ConfigError, match="window 15"):
        ConvTasNet(8000, **(SMALL | {"window": 15}))
    with pytest.raises(ConfigError, match="kernel 4"):
        ConvTasNet(8000, **SMALL, kernel=4)
    with pytest.raises(ConfigError, match="kernel 4"):
        TcnMasks(8, 2, bottleneck=4, hidden=8, skip=4, kernel=4)
