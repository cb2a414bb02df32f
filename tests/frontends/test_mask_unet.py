"""The U-Net mask: sizes, what the mask sees, loss. What every front-end must hold stands in test_contract.py."""

import pytest
import torch

from nrsr.config import ConfigError
from nrsr.frontends import MaskBlstm, MaskUnet


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def make(**arguments):
    torch.manual_seed(0)
    frontend = MaskUnet(8000, **({"n_fft": 64, "hop": 32, "channels": [4, 8], "kernel": 3} | arguments)).eval()
    frontend.accumulate_statistics(torch.randn(1, 8000), torch.tensor([8000]))
    frontend.norm.finish()
    return frontend


def test_parameter_counts():
    down = (4 * 9 + 4) + (8 * 4 * 9 + 8)
    up = (16 * 8 * 9 + 16) + (4 * 8 * 9 + 4)  # 8 to 4 x 4 channels; 4 and 4 beside to 4 x 1
    assert parameters(make()) == down + up + 2 * (4 + 8 + 4)
    widths = [1, 16, 32, 64, 128, 256, 512]
    down = sum(coarser * (25 * finer + 1) for finer, coarser in zip(widths, widths[1:], strict=False))
    inputs = [2 * width for width in widths[1:-1]] + [512]
    up = sum(4 * finer * (9 * into + 1) for finer, into in zip(widths, inputs, strict=False))
    assert parameters(MaskUnet(8000)) == down + up + 2 * (sum(widths[1:]) + sum(widths[1:-1])) == 12_224_388


@pytest.mark.parametrize("n_fft", [32, 64, 62])
@pytest.mark.parametrize("levels", [1, 2, 5])
def test_any_number_of_frames_and_bins(n_fft, levels):
    frontend = make(n_fft=n_fft, hop=16, channels=[2] * levels)
    for size in (1, 2, 15, 16, 17, 130):
        waves, lengths = torch.randn(1, size), torch.tensor([size])
        spectra, frames = frontend.stft.analyse(waves, lengths)
        mask = frontend.mask(spectra.abs(), frames)
        assert mask.shape == spectra.shape
        assert spectra.shape[2] == n_fft // 2 + 1
        assert ((mask > 0) & (mask < 1)).all()


def test_the_mask_sees_both_neighbours_and_the_whole_width_of_its_context():
    frontend = make(channels=[4, 8, 8])
    frames = torch.tensor([101])
    magnitudes = torch.rand(1, 101, 33, generator=torch.Generator().manual_seed(3)).requires_grad_()
    (seen,) = torch.autograd.grad(frontend.mask(magnitudes, frames)[0, 50, 16], magnitudes)
    # Global layer norm lets all frames in a little; the frames that convolutions reach come through much stronger.
    strength = seen[0].abs().sum(1)
    assert strength[46:55].min() > 2 * strength[[5, 95]].max()


def test_loss_is_that_of_the_other_spectral_mask():
    """A mask of one half everywhere from either network gives the same loss."""
    unet, blstm = make(), MaskBlstm(8000, n_fft=64, hop=32, layers=1, width=4, mask="sigmoid").eval()
    blstm.norm.load_state_dict(unet.norm.state_dict())
    for last in (unet.up[-1], blstm.linear):
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.zeros_(last.bias)
    waves, clean, lengths = torch.randn(2, 900), torch.randn(2, 900), torch.tensor([900, 333])
    for one, other in zip(unet(waves, lengths, clean), blstm(waves, lengths, clean), strict=True):
        torch.testing.assert_close(one, other)


def test_no_levels_and_even_kernels_are_refused():
    with pytest.raises(ConfigError, match="at least one level"):
        MaskUnet(8000, channels=[])
    with pytest.raises(ConfigError, match="kernel 4"):
        MaskUnet(8000, kernel=4)
