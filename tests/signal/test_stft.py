"""The STFT against numpy's FFT, its inverse, and padding."""

import numpy as np
import pytest
import torch

from nrsr.signal import STFT, FeatureError


def test_frames_equal_numpy_fft():
    wave = np.random.default_rng(0).standard_normal(1000)
    stft = STFT(256, 80).double()
    spectra = stft(torch.as_tensor(wave)[None])[0].numpy()
    padded = np.pad(wave, (128, 168))
    window = np.hanning(257)[:-1]
    assert spectra.shape == (129, stft.frames(1000)) == (129, 14)
    for frame in range(14):
        wanted = np.fft.rfft(padded[frame * 80 : frame * 80 + 256] * window)
        np.testing.assert_allclose(spectra[:, frame], wanted, atol=1e-5)


@pytest.mark.parametrize("length", [1, 79, 80, 81, 255, 4000])
@pytest.mark.parametrize("n_fft, hop, win_length", [(256, 80, None), (512, 256, None), (256, 64, 200)])
def test_inverse_undoes_forward(length, n_fft, hop, win_length):
    waves = torch.randn(2, length, generator=torch.Generator().manual_seed(1))
    stft = STFT(n_fft, hop, win_length)
    torch.testing.assert_close(stft.inverse(stft(waves), length), waves, atol=1e-5, rtol=1e-4)


def test_zero_padding_changes_no_frame():
    wave = torch.randn(1, 700, generator=torch.Generator().manual_seed(2))
    stft = STFT(256, 80)
    alone = stft(wave)
    padded = stft(torch.nn.functional.pad(wave, (0, 900)))
    torch.testing.assert_close(padded[:, :, : alone.shape[2]], alone)


def test_gradient():
    stft = STFT(16, 4).double()
    waves = torch.randn(2, 40, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w: stft.inverse(stft(w) * 0.5, 40), waves)


@pytest.mark.parametrize("arguments", [(255, 80), (0, 1), (256, 0), (256, 129), (256, 80, 159), (256, 80, 512)])
def test_bad_options_are_refused(arguments):
    with pytest.raises(FeatureError):
        STFT(*arguments)
