"""Frames of one value throughout are 0 once their mean is off: rounding leaves nothing that a logarithm would show."""

import math

import numpy as np
import pytest
import torch

from nrsr.signal import Fbank, Mfcc

FLOOR = math.log(torch.finfo(torch.float32).eps)  # -15.942, as Kaldi has it


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("level", [1000 / 32768, 8192 / 32768, 32767 / 32768, -12345 / 32768, 0.1, 1 / 3])
def test_constant_signals(rate, level):
    wave = np.full(rate // 2, level, np.float32)
    for options in ({}, {"window_type": "hamming"}, {"preemphasis": 0.0}, {"snip_edges": False}):
        features = Fbank(rate, **options).compute(wave)
        assert len(features) > 40
        np.testing.assert_array_equal(features, np.float32(FLOOR))
    cepstra = Mfcc(rate, use_energy=False).compute(wave)
    np.testing.assert_allclose(cepstra[:, 1:], 0.0, atol=1e-4)
    np.testing.assert_array_equal(Mfcc(rate).compute(wave)[:, 0], np.float32(FLOOR))


def test_constant_stretches_of_a_signal_and_nothing_else():
    rng = np.random.default_rng(0)
    wave = rng.uniform(-0.5, 0.5, 32000).astype(np.float32)
    wave[8000:16000] = 0.25
    wave[20000:28000] = 0.25
    wave[20000:28000:390] += 1 / 32768  # one step of 16 bits in each frame
    frames = Fbank(16000).compute(wave)
    still = (frames == np.float32(FLOOR)).all(1)
    assert still.nonzero()[0].tolist() == list(range(50, 98))  # frames 50 to 97 lie in samples 8000 to 15999
    assert frames[125:172].max(1).min() > -9.0  # of a power about 1, in the window's flanks less


def test_batches_and_gradients():
    waves = torch.rand(2, 8000) - 0.5
    waves[1, :6000] = 0.3
    waves.requires_grad_(True)
    fbank = Fbank(16000)
    features, frames = fbank(waves, torch.tensor([8000, 6000]))
    alone, _ = fbank(waves[1:, :6000], torch.tensor([6000]))
    assert torch.equal(features[1, : frames[1]], alone[0]) and (alone == np.float32(FLOOR)).all()
    features.sum().backward()
    assert waves.grad.isfinite().all() and waves.grad[0].any()
