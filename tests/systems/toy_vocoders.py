"""Small vocoders of each kind at 8 kHz."""

import torch

from nrsr.systems import System, build_system

FEATURES = {"class": "nrsr.signal.VocoderMel", "n_fft": 128, "hop": 32, "n_mels": 12, "centred": False}
RATE = 8000
RESOLUTIONS = [[64, 16, 48], [128, 32, 96]]
SYSTEMS = {
    "melgan": {
        "class": "nrsr.systems.MelGan",
        "generator": {"channels": 16, "scales": [4, 4, 2], "stacks": 2},
        "discriminator": {"scales": 2, "channels": 4, "strides": [4], "limit": 16},
    },
    "parallel_wavegan": {
        "class": "nrsr.systems.ParallelWaveGan",
        "generator": {"scales": [4, 8], "blocks": 4, "stacks": 2, "residual": 8, "gate": 16, "skip": 8},
        "discriminator": {"layers": 4, "channels": 6},
    },
    "hifigan": {
        "class": "nrsr.systems.HiFiGan",
        "generator": {
            "channels": 16, "scales": [8, 4], "upsampling_kernels": [16, 8], "kernels": [3, 5],
            "dilations": [[1, 2], [1, 3]],
        },
        "discriminator": {"periods": [2, 3], "channels": [4, 8, 8], "scales": 2, "scale_channels": 16},
    },
}  # fmt: skip


def config_of(name: str, **changes) -> dict:
    """A config of a small vocoder."""
    system = {**SYSTEMS[name], "features": dict(FEATURES), "resolutions": RESOLUTIONS, **changes}
    return {"sample_rate": RATE, "system": system}


def vocoder(name: str, seed: int = 0, **changes) -> System:
    """A small vocoder with random weights, and statistics where it normalises."""
    torch.manual_seed(seed)
    system = build_system(config_of(name, **changes))
    if system.norm is not None:
        system.accumulate_statistics(torch.randn(1, 100, 12) - 3.0, torch.tensor([100]))
        system.norm.finish()
    return system
