"""What every front-end promises: shapes, the same samples in any batch, gradients, silence, learning."""

import pytest
import torch

from nrsr.frontends import ConvTasNet, MaskBlstm, MaskUnet, MelVocoder, Segan

FRONTENDS = {
    "mask_blstm": lambda: MaskBlstm(8000, n_fft=64, hop=32, layers=1, width=12, mask="sigmoid", dropout=0.2),
    "mask_unet": lambda: MaskUnet(8000, n_fft=64, hop=32, channels=[4, 8, 8], kernel=5, dropout=0.2),
    "conv_tasnet": lambda: ConvTasNet(8000, 32, 20, bottleneck=12, hidden=16, skip=12, blocks=3, stacks=2),
    "segan": lambda: Segan(8000, [6, 8, 10], kernel=5, window=64),
    "segan_overlap": lambda: Segan(8000, [6, 8, 10], kernel=5, window=64, overlap_add=True),
}
# Mels in and out, and the waveform by a vocoder that no enhancement loss reaches.
MELS = {"class": "nrsr.signal.VocoderMel", "n_fft": 64, "hop": 32, "n_mels": 10}
MELGAN = {"class": "nrsr.nn.melgan.MelGanGenerator", "channels": 8, "scales": [4, 4, 2], "stacks": 2}
FRONTENDS["mel_vocoder"] = lambda: MelVocoder(8000, MELS, MELGAN, layers=1, width=12)
LENGTHS = [700, 431, 64, 19, 1]  # odd ones, ones shorter than a window


@pytest.fixture(params=FRONTENDS)
def frontend(request):
    torch.manual_seed(0)
    made = FRONTENDS[request.param]()
    made.accumulate_statistics(torch.randn(1, 8000), torch.tensor([8000]))
    for module in made.modules():
        if hasattr(module, "finish"):
            module.finish()
    return made


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    waves, clean = (0.3 * torch.randn(len(LENGTHS), max(LENGTHS), generator=generator) for _ in range(2))
    return waves, torch.tensor(LENGTHS), clean


def test_shapes_and_zeros_past_the_end(frontend, batch):
    waves, lengths, clean = batch
    enhanced, losses = frontend(waves, lengths, clean)
    assert enhanced.shape == waves.shape
    assert losses.shape == (len(LENGTHS),)
    assert frontend(waves, lengths)[1] is None
    for row, size in enumerate(LENGTHS):
        assert not enhanced[row, size:].any()


def test_padding_and_batch_change_nothing(frontend, batch):
    waves, lengths, clean = batch
    frontend.eval()
    enhanced, losses = frontend(waves, lengths, clean)
    for row, size in enumerate(LENGTHS):
        for padding in (0, 1, 37, 500):
            padded = [torch.nn.functional.pad(signal[row : row + 1, :size], (0, padding)) for signal in (waves, clean)]
            padded[0][:, size:] = 7.0  # what stands past the end is not looked at
            alone, loss = frontend(padded[0], lengths[row : row + 1], padded[1])
            torch.testing.assert_close(alone[0, :size], enhanced[row, :size], atol=1e-5, rtol=0)
            torch.testing.assert_close(loss[0], losses[row], atol=1e-4, rtol=1e-5)


def test_losses_alone_are_those_of_the_whole(frontend, batch):
    frontend.eval()
    torch.testing.assert_close(frontend.losses(*batch), frontend(*batch)[1])


def test_both_losses_reach_every_parameter(frontend, batch):
    waves, lengths, clean = batch
    parameters = list(frontend.parameters())
    enhancing = [parameter for name, parameter in frontend.named_parameters() if not name.startswith("vocoder.")]
    enhanced, losses = frontend(waves, lengths, clean)
    direction = torch.randn(enhanced.shape)
    for loss, reached in ((losses.sum(), enhancing), ((enhanced * direction).sum(), parameters)):
        gradients = torch.autograd.grad(loss, reached, retain_graph=True)
        assert all(gradient.isfinite().all() and gradient.any() for gradient in gradients)


def test_silent_clean_or_noisy_speech_is_finite(frontend, batch):
    waves, lengths, clean = batch
    silence = torch.zeros_like(waves)
    for noisy, wanted in ((waves, silence), (silence, clean), (silence, silence)):
        frontend.zero_grad()
        enhanced, losses = frontend(noisy, lengths, wanted)
        (enhanced.square().sum() + losses.sum()).backward()
        assert losses.isfinite().all()
        assert all(parameter.grad.isfinite().all() for parameter in frontend.parameters())


def test_learns_to_take_noise_away(frontend):
    generator = torch.Generator().manual_seed(2)
    time = torch.arange(2000) / 8000
    clean = torch.sin(2 * torch.pi * torch.tensor([[300.0], [500.0], [700.0], [900.0]]) * time) * 0.3
    waves, lengths = clean + 0.3 * torch.randn(clean.shape, generator=generator), torch.tensor([2000, 2000, 1500, 1000])
    optimiser = torch.optim.Adam(frontend.parameters(), lr=1e-2)
    first = None
    for _ in range(40):
        optimiser.zero_grad()
        loss = frontend(waves, lengths, clean)[1].mean()
        first = first if first is not None else loss.item()
        loss.backward()
        optimiser.step()
    # Two decibels better, or a quarter of the squared distance gone.
    assert loss.item() < (first - 2.0 if isinstance(frontend, ConvTasNet) else 0.75 * first)
