"""SI-SNR: worked numbers, the textbook formula in numpy, invariance, silence, padding."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nrsr.nn.si_snr import levelled, si_snr


def in_numpy(estimate, reference):
    """Le Roux et al. 2019 in float64, without any limit."""
    x = estimate.astype(np.float64) - estimate.astype(np.float64).mean()
    s = reference.astype(np.float64) - reference.astype(np.float64).mean()
    target = x @ s / (s @ s) * s
    return 10 * np.log10(target @ target / ((x - target) @ (x - target)))


def one(estimate, reference, **options):
    estimate, reference = (torch.as_tensor(wave, dtype=torch.float32)[None] for wave in (estimate, reference))
    return si_snr(estimate, reference, torch.tensor([estimate.shape[1]]), **options).item()


def test_worked_numbers():
    speech, noise = np.array([1.0, -1.0, 1.0, -1.0]), np.array([1.0, 1.0, -1.0, -1.0])  # orthogonal, without a mean
    assert one(speech + noise, speech) == pytest.approx(0.0, abs=1e-5)
    assert one(speech + 0.1 * noise, speech, limit=80) == pytest.approx(20.0, abs=1e-3)
    assert one(speech + 0.1 * noise + 5.0, 3.0 * speech - 1.0, limit=80) == pytest.approx(20.0, abs=1e-3)
    # The soft limit at 30 dB: ε = 0.001 of the estimate's energy joins both terms.
    assert one(speech + 0.1 * noise, speech) == pytest.approx(10 * np.log10((1 + 0.00101) / (0.01 + 0.00101)), abs=1e-4)
    assert one(speech, speech) == pytest.approx(10 * np.log10(1001), abs=1e-4)
    assert one(noise, speech) == pytest.approx(-10 * np.log10(1001), abs=1e-4)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**20),
    size=st.integers(8, 600),
    snr=st.floats(-15, 40),
    gains=st.tuples(st.floats(0.05, 20), st.floats(0.05, 20)),
)
def test_agrees_with_numpy_and_ignores_scale(seed, size, snr, gains):
    rng = np.random.default_rng(seed)
    reference = rng.standard_normal(size)
    estimate = reference + rng.standard_normal(size) * 10 ** (-snr / 20)
    expected = in_numpy(estimate, reference)
    assume(-50 < expected < 60)  # beyond, the limit of 80 dB and float32 show
    assert one(estimate, reference, limit=80) == pytest.approx(expected, abs=0.05)
    assert one(gains[0] * estimate, -gains[1] * reference, limit=80) == pytest.approx(expected, abs=0.05)


def test_padding_and_batch_do_not_matter():
    generator = torch.Generator().manual_seed(0)
    estimates, references = torch.randn(3, 900, generator=generator), torch.randn(3, 900, generator=generator)
    lengths = torch.tensor([900, 400, 1])
    together = si_snr(estimates, references, lengths)
    for row, size in enumerate(lengths.tolist()):
        alone = si_snr(estimates[row : row + 1, :size], references[row : row + 1, :size], lengths[row : row + 1])
        torch.testing.assert_close(together[row], alone[0], atol=1e-5, rtol=0)
    estimates[1, 400:] = torch.nan
    torch.testing.assert_close(si_snr(estimates, references, lengths), together)


@pytest.mark.parametrize(("estimate_gain", "reference_gain"), [(1.0, 0.0), (0.0, 1.0), (0.0, 0.0)])
def test_silence_gives_the_lower_limit_and_finite_gradients(estimate_gain, reference_gain):
    generator = torch.Generator().manual_seed(0)
    estimates = (estimate_gain * torch.randn(1, 500, generator=generator)).requires_grad_()
    figure = si_snr(estimates, reference_gain * torch.randn(1, 500, generator=generator), torch.tensor([500]))
    figure.sum().backward()
    assert figure.item() == pytest.approx(-30.0, abs=0.01)
    assert estimates.grad.isfinite().all()


LEVELS = [1.0, 1e-3, 1e-5, 1e-12, 1e-30]


@pytest.mark.parametrize("level", LEVELS)
def test_the_level_changes_neither_figure_nor_direction_of_the_gradient(level):
    generator = torch.Generator().manual_seed(0)
    reference = torch.randn(1, 4000, generator=generator)
    estimate = reference + 1e-3 * torch.randn(1, 4000, generator=generator)
    lengths, gradients = torch.tensor([4000]), []
    expected = in_numpy(estimate[0].numpy(), reference[0].numpy())
    assert expected == pytest.approx(60.0, abs=0.3)
    for gain in (1.0, level):
        scaled = (gain * estimate).requires_grad_()
        figure = si_snr(scaled, gain * reference, lengths, limit=100)
        assert figure.item() == pytest.approx(expected, abs=0.05)
        gradients.append(torch.autograd.grad(figure.sum(), scaled)[0])
    torch.testing.assert_close(
        gradients[1] * level, gradients[0], rtol=1e-3, atol=1e-3 * gradients[0].abs().max().item()
    )
    assert si_snr(estimate, level * reference, lengths, limit=100).item() == pytest.approx(expected, abs=0.05)


def test_silence_is_that_of_a_signal_s_own_format():
    step = 2.0**-15  # of 16 bits
    one_step = torch.zeros(6, 100_000)
    one_step[1] = 0.25  # a constant
    one_step[2, 500] = step
    one_step[3] = 0.25
    one_step[3, 500] += step  # a single step beside an offset
    one_step[4] = 1e-20 * torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    one_step[5] = 0.1 + 3e-9 * torch.arange(100_000).remainder(2)  # less than a step of float32
    rows, silent = levelled(one_step, torch.full((6,), 100_000))
    assert silent.tolist() == [True, True, False, False, False, True]
    assert rows.abs().amax(1).tolist() == [0.0, 0.0, 1.0, 1.0, 1.0, 0.0]


def test_what_is_not_finite_is_not_silence():
    for bad in (torch.nan, torch.inf):
        estimate = torch.zeros(1, 100)
        estimate[0, 3] = bad
        assert si_snr(estimate, torch.randn(1, 100), torch.tensor([100])).isnan().all()
