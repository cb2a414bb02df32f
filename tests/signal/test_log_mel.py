"""Log-mel features against a numpy formula, against torchaudio, and in batches."""

import numpy as np
import pytest
import torch

from nrsr.signal import Fbank, FeatureError, LogMel


def slow_log_mel(wave, rate, n_fft, hop, n_mels, low, high, floor):
    """The definition, one frame and one filter at a time."""

    def hertz(mel):
        return mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)

    def mel(hertz):
        return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4)

    edges = [hertz(m) for m in np.linspace(mel(low), mel(high), n_mels + 2)]
    padded = np.pad(wave, n_fft // 2)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    rows = []
    for start in range(0, len(wave) + 1, hop):
        power = np.abs(np.fft.rfft(padded[start : start + n_fft] * window)) ** 2
        row = []
        for left, centre, right in zip(edges, edges[1:], edges[2:], strict=False):
            frequencies = np.arange(n_fft // 2 + 1) * rate / n_fft
            weights = np.interp(frequencies, [left, centre, right], [0, 1, 0]) * 2 / (right - left)
            row.append(np.log(max(power @ weights, floor)))
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("low, high", [(0.0, 4000.0), (60.0, 3500.0)])
def test_equals_the_definition(low, high):
    wave = np.random.default_rng(0).uniform(-0.5, 0.5, 2345).astype(np.float32)
    wave[800:1400] = 0.0  # frames at the floor
    extractor = LogMel(8000, 256, 80, 20, low=low, high=high)
    wanted = slow_log_mel(wave, 8000, 256, 80, 20, low, high, 1e-10)
    assert wanted.min() == pytest.approx(np.log(1e-10))
    np.testing.assert_allclose(extractor.compute(wave), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rate, n_fft, win_length, hop", [(8000, 256, 200, 80), (16000, 512, 400, 160)])
def test_equals_torchaudio(rate, n_fft, win_length, hop):
    transforms = pytest.importorskip("torchaudio.transforms", exc_type=(ImportError, OSError, RuntimeError))
    wave = torch.rand(1, 5000, generator=torch.Generator().manual_seed(3)) - 0.5
    peer = transforms.MelSpectrogram(
        rate, n_fft, win_length, hop, n_mels=30, norm="slaney", mel_scale="slaney", pad_mode="constant"
    )
    wanted = peer(wave).clamp(min=1e-10).log()[0].T
    ours = LogMel(rate, n_fft, hop, 30, win_length=win_length).compute(wave[0].numpy())
    np.testing.assert_allclose(ours, wanted.numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mel_scale", ["slaney", "kaldi"])
def test_padding_and_rubbish_past_the_end_change_nothing(mel_scale):
    extractor = LogMel(8000, 256, 80, 20, mel_scale=mel_scale)
    waves = torch.rand(3, 2000, generator=torch.Generator().manual_seed(4)) - 0.5
    lengths = torch.tensor([2000, 1234, 3])
    features, frames = extractor(waves, lengths)
    assert frames.tolist() == [26, 16, 1]
    for row, length in enumerate(lengths.tolist()):
        alone = extractor.compute(waves[row, :length].numpy())
        np.testing.assert_allclose(features[row, : frames[row]], alone, atol=1e-4)
        assert not features[row, frames[row] :].any()


@pytest.mark.parametrize("extractor", [LogMel(8000, 256, 80, 20), Fbank(8000)])
def test_mixed_precision_changes_nothing(extractor):
    waves, lengths = torch.rand(2, 900, generator=torch.Generator().manual_seed(5)) - 0.5, torch.tensor([900, 700])
    with torch.autocast("cpu", torch.bfloat16):
        mixed, _ = extractor(waves, lengths)
    torch.testing.assert_close(mixed, extractor(waves, lengths)[0])


def test_gradient():
    extractor = LogMel(8000, 64, 16, 5).double()
    waves = torch.randn(2, 100, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w: extractor(w, torch.tensor([100, 70]))[0], waves)


@pytest.mark.parametrize(
    "options", [{"high": 5000}, {"low": 3000, "high": 200}, {"n_mels": 200}, {"mel_scale": "bark"}, {"floor": 0}]
)
def test_bad_options_are_refused(options):
    with pytest.raises(FeatureError):
        LogMel(**{"sample_rate": 8000, "n_fft": 256, "hop": 80, "n_mels": 40, **options})
