"""The masking BLSTM against numpy, and the front-end that does nothing."""

import numpy as np
import pytest
import torch

from nrsr.frontends import Identity, MaskBlstm
from nrsr.nn import StatisticsError

SMALL = {"n_fft": 256, "hop": 80, "layers": 1, "width": 96}


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def with_constant_mask(value, **changed):
    """A front-end whose mask is `value` everywhere."""
    torch.manual_seed(0)
    frontend = MaskBlstm(8000, **(SMALL | {"width": 4} | changed)).eval()
    with torch.no_grad():
        frontend.linear.weight.zero_()
        frontend.linear.bias.fill_(value)
    frontend.accumulate_statistics(torch.randn(1, 8000), torch.tensor([8000]))
    frontend.norm.finish()
    return frontend


def test_parameter_counts():
    assert parameters(MaskBlstm(8000, **SMALL)) == 199_233
    lstm = sum(2 * 4 * 896 * (inputs + 896 + 2) for inputs in (257, 1792, 1792))
    assert parameters(MaskBlstm(8000)) == lstm + 1792 * 257 + 257 == 47_303_681


@pytest.mark.parametrize(("n_fft", "hop"), [(256, 80), (512, 256), (64, 32)])
def test_mask_of_one_gives_every_sample_back(n_fft, hop):
    frontend = with_constant_mask(1.0, n_fft=n_fft, hop=hop)
    lengths = torch.tensor([1000, 777, 1, 256])
    waves = torch.randn(4, 1000)
    enhanced, loss = frontend(waves, lengths)
    assert loss is None
    for row, size in enumerate(lengths.tolist()):
        torch.testing.assert_close(enhanced[row, :size], waves[row, :size], atol=1e-5, rtol=0)
        assert not enhanced[row, size:].any()


def test_loss_is_that_of_the_specification():
    frontend = with_constant_mask(0.5)
    generator = torch.Generator().manual_seed(1)
    waves, clean = torch.randn(2, 900, generator=generator), torch.randn(2, 900, generator=generator)
    lengths = torch.tensor([900, 500])
    enhanced, losses = frontend(waves, lengths, clean)
    window = np.hanning(257)[:-1]
    for row, size in enumerate(lengths.tolist()):
        total, frames = 0.0, 0
        padded = [np.pad(signal[row, :size].double().numpy(), 128 + 256) for signal in (waves, clean)]
        for centre in range(0, size + 128, 80):  # every frame that overlaps the utterance
            noisy, wanted = (np.abs(np.fft.rfft(window * signal[centre + 256 : centre + 512])) for signal in padded)
            total += np.square(0.5 * noisy - wanted).sum()
            frames += 1
        assert losses[row].item() == pytest.approx(total / frames, rel=1e-4)
    torch.testing.assert_close(enhanced[0], waves[0] * 0.5, atol=1e-5, rtol=0)


def test_masks():
    for mask, expected in (("relu", 0.0), ("sigmoid", 1 / (1 + np.exp(2.0)))):
        frontend = with_constant_mask(-2.0, mask=mask)
        waves = torch.randn(1, 400)
        enhanced, _ = frontend(waves, torch.tensor([400]))
        torch.testing.assert_close(enhanced, waves * expected, atol=1e-5, rtol=0)


def test_training_uses_dropout_and_evaluation_does_not():
    torch.manual_seed(0)
    frontend = MaskBlstm(8000, **SMALL)
    waves, lengths = torch.randn(1, 2000), torch.tensor([2000])
    with pytest.raises(StatisticsError, match="compute-cmvn"):
        frontend(waves, lengths)
    frontend.accumulate_statistics(waves, lengths)
    frontend.norm.finish()
    assert not torch.equal(frontend(waves, lengths)[0], frontend(waves, lengths)[0])
    frontend.eval()
    assert torch.equal(frontend(waves, lengths)[0], frontend(waves, lengths)[0])


def test_silence_has_finite_gradients():
    frontend = MaskBlstm(8000, **SMALL)
    frontend.accumulate_statistics(torch.randn(1, 4000), torch.tensor([4000]))
    frontend.norm.finish()
    silence = torch.zeros(2, 1000)
    enhanced, losses = frontend(silence, torch.tensor([1000, 600]), silence)
    (enhanced.square().sum() + losses.sum()).backward()
    assert not enhanced.any()
    assert all(parameter.grad.isfinite().all() for parameter in frontend.parameters())


def test_null_gives_waveforms_on():
    frontend = Identity(8000)
    waves, lengths = torch.randn(2, 50), torch.tensor([50, 20])
    frontend.accumulate_statistics(waves, lengths)
    for clean in (None, waves):
        enhanced, loss = frontend(waves, lengths, clean)
        assert enhanced is waves
        assert loss is None
    assert parameters(frontend) == 0
