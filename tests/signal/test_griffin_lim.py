"""Griffin-Lim against torchaudio's, its fixed point, and mel features taken apart."""

import numpy as np
import pytest
import torch

from nrsr.signal import MelGanMel, ParallelWaveGanMel, VocoderMel
from nrsr.signal.griffin_lim import griffin_lim
from nrsr.signal.mel_inverse import spectra_under
from nrsr.signal.stft import STFT, InnerSTFT


def tone(samples: int, rate: int = 8000) -> torch.Tensor:
    time = torch.arange(samples) / rate
    glide = torch.sin(2 * torch.pi * (300 * time + 400 * time.square()))
    return (0.3 * glide + 0.1 * torch.sin(2 * torch.pi * 1200 * time)).unsqueeze(0)


@pytest.mark.parametrize("sizes", [(128, 32, 128), (128, 48, 100), (64, 20, 64)])
def test_inner_stft_is_undone_but_for_the_ends(sizes):
    stft, waves = InnerSTFT(*sizes), torch.randn(2, 128 + 48 * 20)
    spectra = stft(waves)
    assert spectra.shape[2] == (waves.shape[1] - sizes[0]) // sizes[1] + 1
    back = stft.inverse(spectra, waves.shape[1])
    inner = slice(sizes[0], -sizes[0])
    torch.testing.assert_close(back[:, inner], waves[:, inner], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("momentum", [0.0, 0.99])
def test_against_torchaudio(momentum):
    functional = pytest.importorskip("torchaudio.functional", exc_type=(ImportError, OSError, RuntimeError))
    stft = InnerSTFT(256, 64, 256)
    wave = tone(256 + 64 * 40)
    magnitudes = stft(torch.nn.functional.pad(wave, (128, 128))).abs()
    theirs = functional.griffinlim(
        magnitudes, stft.window, 256, 64, 256, 1.0, 30, momentum, wave.shape[1], rand_init=False
    )
    ours = griffin_lim(magnitudes, stft, wave.shape[1] + 256, 30, momentum)[:, 128:-128]

    def distance(found):
        return ((stft(found).abs() - stft(wave).abs()).norm() / stft(wave).norm()).item()

    # They differ at the ends, where torchaudio mirrors, and in how far a momentum goes; neither is the better one.
    assert distance(ours) < 1.3 * distance(theirs) + 0.01
    assert distance(ours) < (0.1 if momentum else 0.25)


def test_without_momentum_no_iteration_makes_it_worse():
    stft, wave = STFT(128, 32), tone(4000)
    magnitudes = stft(wave).abs()
    distances = [
        (stft(griffin_lim(magnitudes, stft, 4000, iterations)).abs() - magnitudes).norm().item()
        for iterations in range(0, 12, 2)
    ]
    assert all(later <= earlier * 1.0001 for earlier, later in zip(distances, distances[1:], strict=False))
    assert distances[-1] < 0.7 * distances[0]


def test_spectra_under_filters_are_consistent_and_not_negative():
    extractor = MelGanMel(22050)
    magnitudes = torch.rand(5, 513, generator=torch.Generator().manual_seed(0)).square()
    sums = magnitudes @ extractor.bank
    found = spectra_under(sums, extractor.bank)
    assert (found >= 0).all()
    assert ((found @ extractor.bank - sums).abs() / sums).mean() < 5e-3
    assert not spectra_under(torch.zeros(2, 80), extractor.bank).any()


@pytest.mark.parametrize(
    "extractor",
    [
        VocoderMel(8000, 256, 64, n_mels=40, centred=False),
        VocoderMel(8000, 256, 64, n_mels=40, logarithm="e", guard=1e-9),
        ParallelWaveGanMel(8000, 512, 100, 400, n_mels=40, high=3900),
    ],
)
def test_a_waveform_of_mels_has_nearly_these_mels(extractor):
    from nrsr.systems.griffin_lim import GriffinLim

    options = {name: value for name, value in extractor.definition().items() if name != "sample_rate"}
    system = GriffinLim(8000, {"class": "nrsr.signal.VocoderMel", **options}).eval()
    wave = tone(8000)[0].numpy()
    mels = extractor.compute(wave)
    [found] = system.infer([mels], ["wav"])["wav"]
    assert found.shape == (len(mels) * extractor.hop,) and found.abs().max() < 1.0
    again = extractor.compute(found.numpy()[:8000])
    strong = mels > mels.max() - 1.5  # what can be heard
    frames = slice(8, -8)
    assert np.abs(again[frames] - mels[: len(again)][frames])[strong[: len(again)][frames]].mean() < 0.15
