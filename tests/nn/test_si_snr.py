"""SI-SNR: worked numbers, the textbook formula in numpy, invariance, silence, padding."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nrsr.nn.si_snr import si_snr


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
