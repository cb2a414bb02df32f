"""The vocoders' mel features against their published code written out in numpy, torchaudio, and in batches."""

import numpy as np
import pytest
import torch

from nrsr.signal import FeatureError, HiFiGanMel, MelGanMel, ParallelWaveGanMel, VocoderMel
from nrsr.signal.mel import slaney_bank


def frames_of(wave, n_fft, hop, win_length):
    """Magnitudes [N, bins] of frames that lie wholly in a wave."""
    window = np.zeros(n_fft)
    left = (n_fft - win_length) // 2
    window[left : left + win_length] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(win_length) / win_length)
    starts = range(0, len(wave) - n_fft + 1, hop)
    return np.abs([np.fft.rfft(wave[start : start + n_fft] * window) for start in starts])


def melgan(wave):
    """mel2wav/modules.py, Audio2Mel: (n_fft - hop) / 2 mirrored samples, the whole band, log10 of at least 1e-5."""
    magnitudes = frames_of(np.pad(wave, 384, "reflect"), 1024, 256, 1024)
    return np.log10(np.maximum(magnitudes @ slaney_bank(22050, 1024, 80, 0.0, 11025.0), 1e-5))


def parallel_wavegan(wave):
    """bin/preprocess.py at 24,000 Hz: librosa's centred STFT, 80 to 7,600 Hz, log10 of at least 1e-10."""
    magnitudes = frames_of(np.pad(wave, 1024, "reflect"), 2048, 300, 1200)
    return np.log10(np.maximum(magnitudes @ slaney_bank(24000, 2048, 80, 80.0, 7600.0), 1e-10))


def hifigan(wave):
    """meldataset.py, mel_spectrogram: as MelGAN's, up to 8,000 Hz, 1e-9 under the root, ln of at least 1e-5."""
    magnitudes = np.sqrt(frames_of(np.pad(wave, 384, "reflect"), 1024, 256, 1024) ** 2 + 1e-9)
    return np.log(np.maximum(magnitudes @ slaney_bank(22050, 1024, 80, 0.0, 8000.0), 1e-5))


DEFINITIONS = {
    "melgan": (lambda: MelGanMel(22050), melgan, 5000 // 256),
    "parallel wavegan": (
        lambda: ParallelWaveGanMel(24000, n_fft=2048, hop=300, win_length=1200), parallel_wavegan, 5000 // 300 + 1,
    ),
    "hifi-gan": (lambda: HiFiGanMel(22050), hifigan, 5000 // 256),
}  # fmt: skip


@pytest.mark.parametrize("name", DEFINITIONS)
def test_equals_the_published_definition(name):
    make, published, frames = DEFINITIONS[name]
    wave = np.random.default_rng(0).uniform(-0.5, 0.5, 5000).astype(np.float32)
    wave[1500:4000] = 0.0  # frames of silence
    ours, theirs = make().compute(wave), published(wave.astype(np.float64))
    assert theirs.shape == (frames, 80)
    np.testing.assert_allclose(ours, theirs, atol=2e-4)
    # None serves another's network: the same wave has other numbers, or other frames.
    for other in DEFINITIONS:
        features = DEFINITIONS[other][0]().compute(wave)
        assert other == name or features.shape != ours.shape or np.abs(features - ours).max() > 0.1


@pytest.mark.parametrize("name", DEFINITIONS)
def test_silence_is_its_own_value(name):
    extractor = DEFINITIONS[name][0]()
    silent = extractor.compute(np.zeros(5000))
    np.testing.assert_allclose(silent, np.tile(extractor.silence.numpy(), (len(silent), 1)), atol=1e-5)
    assert np.isfinite(silent).all()


@pytest.mark.parametrize("rate, n_fft, win_length, hop", [(8000, 256, 200, 64), (16000, 512, 512, 128)])
def test_centred_frames_equal_torchaudio(rate, n_fft, win_length, hop):
    transforms = pytest.importorskip("torchaudio.transforms", exc_type=(ImportError, OSError, RuntimeError))
    wave = torch.rand(1, 5000, generator=torch.Generator().manual_seed(3)) - 0.5
    peer = transforms.MelSpectrogram(
        rate, n_fft, win_length, hop, n_mels=30, power=1.0, norm="slaney", mel_scale="slaney", pad_mode="reflect"
    )
    ours = VocoderMel(rate, n_fft, hop, win_length, n_mels=30).compute(wave[0].numpy())
    np.testing.assert_allclose(ours, peer(wave).clamp(min=1e-10).log10()[0].T.numpy(), atol=1e-4)


@pytest.mark.parametrize("centred", [True, False])
def test_padding_and_rubbish_past_the_end_change_nothing(centred):
    extractor = VocoderMel(8000, 256, 64, n_mels=20, centred=centred)
    waves = torch.rand(4, 2000, generator=torch.Generator().manual_seed(4)) - 0.5
    lengths = torch.tensor([2000, 1234, 65, 1])  # the last ones are mirrored again and again
    features, frames = extractor(waves, lengths)
    assert frames.tolist() == ([32, 20, 2, 1] if centred else [31, 19, 1, 0])
    for row, length in enumerate(lengths.tolist()):
        alone = extractor.compute(waves[row, :length].numpy())
        np.testing.assert_allclose(features[row, : frames[row]], alone, atol=1e-4)
        assert not features[row, frames[row] :].any()


def test_mirrored_as_numpy_does():
    wave = np.arange(1.0, 6.0)
    for size in range(1, 6):
        extractor = VocoderMel(8000, 16, 4, n_mels=1, high=4000)
        ours = extractor.compute(wave[:size])
        padded = np.pad(wave[:size], 8, "reflect") if size > 1 else np.full(17, wave[0])
        theirs = np.log10(frames_of(padded, 16, 4, 16) @ slaney_bank(8000, 16, 1, 0.0, 4000.0))
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"guard": 1e-9, "logarithm": "e", "centred": False}])
def test_gradient(options):
    extractor = VocoderMel(8000, 64, 16, n_mels=5, **options).double()
    waves = torch.randn(2, 70, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w: extractor(w, torch.tensor([70, 50]))[0], waves)
    silence = torch.zeros(1, 100, dtype=torch.float64, requires_grad=True)
    extractor(silence, torch.tensor([100]))[0].sum().backward()
    assert silence.grad.isfinite().all()


def test_expand_undoes_compress():
    sums = torch.tensor([1e-3, 1.0, 20.0])
    for logarithm in ("10", "e"):
        extractor = VocoderMel(8000, 64, 16, n_mels=5, logarithm=logarithm)
        torch.testing.assert_close(extractor.expand(extractor.compress(sums)), sums)


@pytest.mark.parametrize(
    "options",
    [
        {"high": 5000},
        {"n_mels": 200},
        {"logarithm": "2"},
        {"floor": 0},
        {"guard": -1.0},
        {"hop": 300},
        {"win_length": 999},
    ],
)
def test_bad_options_are_refused(options):
    with pytest.raises(FeatureError):
        VocoderMel(**{"sample_rate": 8000, "n_fft": 256, "hop": 80, "n_mels": 40, **options})
