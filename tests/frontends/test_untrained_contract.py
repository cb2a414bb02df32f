"""What front-ends without parameters promise: shapes, the same samples in any batch, silence, no lag, no loss."""

import copy
import pickle

import numpy as np
import pytest
import torch

from nrsr.data.batch import padded
from nrsr.frontends import Dtln, NsNet2, RnNoise, Wiener
from nrsr.kaldi import read_audio
from nrsr.nn.si_snr import si_snr
from nrsr.packages import PackageError

FRONTENDS = {
    "wiener": lambda rate: Wiener(rate),
    "log_mmse": lambda rate: Wiener(rate, gain="log_mmse"),
    "rnnoise": RnNoise,
    "nsnet2": NsNet2,
    "dtln": Dtln,
}
LENGTHS = [7000, 4310, 640, 19, 1]


@pytest.fixture(params=FRONTENDS)
def make(request):
    """What makes the front-end for a rate; those whose package is missing are skipped."""
    try:
        FRONTENDS[request.param](8000)
    except PackageError as error:
        pytest.skip(str(error))
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


def test_there_is_nothing_to_train_and_copies_do_the_same(make, batch):
    frontend = make(8000)
    assert not list(frontend.parameters()) and not frontend.state_dict()
    enhanced, _ = frontend(*batch)
    for other in (copy.deepcopy(frontend), pickle.loads(pickle.dumps(frontend))):
        assert torch.equal(other(*batch)[0], enhanced)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_speech_comes_out_in_time_and_with_less_noise(make, rate, shared_data):
    """By cross-correlation with the clean speech, in sixteenths of a sample; and by SI-SNR."""
    clean = []
    for who in ("theo", "jackson"):
        files = [shared_data / "fsdd" / "recordings" / f"{digit}_{who}_3.wav" for digit in (3, 7, 0)]
        digits = [np.pad(read_audio(file, rate=rate, resample=True)[0], rate // 8) for file in files]
        clean.append(np.concatenate(digits))
    enhanced, _ = make(rate)(*padded(clean, "cpu"))
    for wave, given in zip(enhanced.numpy(), clean, strict=True):
        assert abs(lag(given, wave[: len(given)])) <= 0.5
    rng = np.random.default_rng(0)
    noisy = [wave + np.float32(wave.std()) * rng.standard_normal(len(wave), np.float32) for wave in clean]
    (noisy, lengths), (clean, _) = padded(noisy, "cpu"), padded(clean, "cpu")
    enhanced, _ = make(rate)(noisy, lengths)
    before, after = (si_snr(waves, clean, lengths, 80.0).mean() for waves in (noisy, enhanced))
    assert after > before + 5.0


def lag(first, second, finer=16):
    """Samples by which the second signal is late, where the cross-correlation is highest."""
    size = 2 * len(first)
    spectrum = np.fft.rfft(second, size) * np.fft.rfft(first, size).conj()
    place = int(np.fft.irfft(spectrum, size * finer).argmax())
    return (place if place < size * finer / 2 else place - size * finer) / finer
