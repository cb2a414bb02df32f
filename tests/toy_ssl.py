"""Small self-supervised encoders of each kind, and waveforms of three lengths for them."""

import torch
from torch import Tensor

CONVOLUTIONS = [[16, 10, 5], *[[16, 3, 2]] * 4, *[[16, 2, 2]] * 2]
SMALL = {"convolutions": CONVOLUTIONS, "width": 32, "layers": 3, "heads": 4, "feedforward": 48, "position_groups": 4}
KINDS = {  # with group norm or layer norm, norms first or not, with biases, with relative positions
    "wav2vec2_base": SMALL,
    "wav2vec2_large_lv60k": SMALL,
    "hubert_large": SMALL,
    "wavlm_base": SMALL,
    "wavlm_large": SMALL,
}


def spread(module: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Give all weights values of some size, so that no part can be left out unnoticed."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in module.named_parameters():
            drawn = torch.randn(weight.shape, generator=generator)
            weight.copy_(1 + 0.2 * drawn if weight.dim() == 1 and name.endswith("weight") else 0.2 * drawn)
    return module


def waves_of(*lengths: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Waveforms [B, T] with an offset and some loudness, rubbish past their ends, and their lengths [B]."""
    generator = torch.Generator().manual_seed(seed)
    waves = 0.05 * torch.randn(len(lengths), max(lengths), generator=generator) + 0.02
    past = torch.arange(waves.shape[1]) >= torch.tensor(lengths).unsqueeze(1)
    return waves.masked_fill(past, 7.0), torch.tensor(lengths)
