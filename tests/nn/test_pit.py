"""Permutation-invariant SI-SNR: against brute force in numpy, Hungarian against exhaustive, silence, padding."""

from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.nn.pit import audible, best_permutation, pairwise_si_snr, pit_si_snr


def in_numpy(estimate, source):
    """Le Roux et al. 2019 in float64."""
    x, s = (wave - wave.mean() for wave in (estimate.astype(np.float64), source.astype(np.float64)))
    target = x @ s / (s @ s) * s
    return 10 * np.log10(target @ target / ((x - target) @ (x - target)))


@settings(max_examples=40, deadline=None)
@given(count=st.integers(2, 5), seed=st.integers(0, 2**20), size=st.integers(50, 400), noise=st.floats(0.01, 3))
def test_finds_the_best_permutation_and_its_figures(count, seed, size, noise):
    rng = np.random.default_rng(seed)
    sources = rng.standard_normal((count, size))
    shuffled = rng.permutation(count)
    estimates = sources[shuffled] * 3.0 + noise * rng.standard_normal((count, size))
    scores = {
        order: [in_numpy(estimates[one], source) for one, source in zip(order, sources, strict=True)]
        for order in permutations(range(count))
    }
    best = max(scores, key=lambda order: sum(scores[order]))
    waves = (torch.from_numpy(one).float()[None] for one in (estimates, sources))
    found, order, active = pit_si_snr(*waves, torch.tensor([size]))
    assert order[0].tolist() == list(best)
    np.testing.assert_allclose(found[0].numpy(), scores[best], atol=1e-3)
    assert active.all()


def test_mixed_precision_leaves_the_figures_alone():
    generator = torch.Generator().manual_seed(0)
    sources = torch.randn(4, 3, 400, generator=generator)
    estimates = sources.flip(1) + 0.03 * torch.randn(4, 3, 400, generator=generator)
    lengths = torch.full((4,), 400)
    expected = pairwise_si_snr(estimates, sources, lengths)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(pairwise_si_snr(estimates, sources, lengths), expected, atol=0.0, rtol=0.0)


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_every_permutation_can_win(count):
    for order in permutations(range(count)):
        scores = torch.zeros(1, count, count)
        scores[0, torch.arange(count), torch.tensor(order)] = 1.0
        assert best_permutation(scores)[0].tolist() == list(order)


def test_hungarian_agrees_with_trying_all():
    generator = torch.Generator().manual_seed(0)
    for count in (4, 5):
        scores = torch.randn(20, count, count, generator=generator)
        found = best_permutation(scores)
        for one, columns in zip(scores, found, strict=True):
            best = max(
                sum(one[row, column] for row, column in enumerate(order)) for order in permutations(range(count))
            )
            assert one[torch.arange(count), columns].sum().item() == pytest.approx(best.item(), abs=1e-5)
    assert best_permutation(torch.full((1, 4, 4), torch.nan)).shape == (1, 4)


def test_pairs_agree_with_the_exact_figure():
    generator = torch.Generator().manual_seed(0)
    sources = torch.randn(2, 3, 500, generator=generator)
    estimates = sources.flip(1) + 0.1 * torch.randn(2, 3, 500, generator=generator) + 5.0
    pairs = pairwise_si_snr(estimates, sources, torch.tensor([500, 300]))
    for batch, size in enumerate((500, 300)):
        for source in range(3):
            for estimate in range(3):
                expected = in_numpy(estimates[batch, estimate, :size].numpy(), sources[batch, source, :size].numpy())
                assert pairs[batch, source, estimate].item() == pytest.approx(expected, abs=0.2)


def test_a_silent_source_is_told_apart_and_takes_the_estimate_that_is_left():
    generator = torch.Generator().manual_seed(0)
    sources = torch.randn(2, 3, 400, generator=generator)
    sources[0, 1] = 0.0
    sources[1, 2] = 0.25  # a constant is no sound
    estimates = (sources[:, [2, 0, 1]] + 0.1 * torch.randn(2, 3, 400, generator=generator)).requires_grad_()
    lengths = torch.tensor([400, 350])
    assert audible(sources, lengths).tolist() == [[True, False, True], [True, True, False]]
    found, order, active = pit_si_snr(estimates, sources, lengths)
    assert active.tolist() == [[True, False, True], [True, True, False]]
    assert order.tolist() == [[1, 2, 0], [1, 2, 0]]
    assert found[0, 1].item() == found[1, 2].item() == 0.0
    assert (found[active] > 15).all()
    found.sum().backward()
    assert estimates.grad.isfinite().all()
    assert not estimates.grad[0, 2].any()
    assert estimates.grad[0, 0].any()


def test_silent_estimates_and_all_silent_sources_stay_finite():
    waves = torch.randn(1, 2, 100)
    lengths = torch.tensor([100])
    estimates = torch.zeros(1, 2, 100, requires_grad=True)
    found, _, active = pit_si_snr(estimates, waves, lengths)
    found.sum().backward()
    assert found.isfinite().all() and estimates.grad.isfinite().all() and active.all()
    found, _, active = pit_si_snr(waves, torch.zeros(1, 2, 100), lengths)
    assert not found.any() and not active.any()


def test_padding_does_not_matter():
    generator = torch.Generator().manual_seed(0)
    sources = torch.randn(3, 2, 300, generator=generator)
    estimates = torch.randn(3, 2, 300, generator=generator)
    lengths = torch.tensor([300, 120, 40])
    together = pit_si_snr(estimates, sources, lengths)
    estimates[1, :, 120:] = sources[2, :, 40:] = torch.nan
    for one, other in zip(together, pit_si_snr(estimates, sources, lengths), strict=True):
        assert torch.equal(one, other)
    for row, size in enumerate(lengths.tolist()):
        alone = pit_si_snr(estimates[row : row + 1, :, :size], sources[row : row + 1, :, :size], lengths[row : row + 1])
        torch.testing.assert_close(together[0][row], alone[0][0], atol=1e-4, rtol=0)


@pytest.mark.parametrize("count", [2, 3])
def test_nothing_waits_for_the_device_up_to_three_sources(count):
    waves = torch.randn(2, count, 50, device="meta")  # holds no numbers: reading one on the host raises
    found, order, _ = pit_si_snr(waves, waves, torch.tensor([50, 50], device="meta"))
    assert found.shape == order.shape == (2, count)


@pytest.mark.parametrize("level", [1e-3, 1e-5, 1e-20])
def test_the_level_changes_nothing(level):
    generator = torch.Generator().manual_seed(0)
    sources = torch.randn(2, 3, 4000, generator=generator)
    sources[1, 1] = 0.0
    estimates = sources.flip(1) + 1e-3 * torch.randn(2, 3, 4000, generator=generator)
    lengths = torch.tensor([4000, 3000])
    values, order, active = pit_si_snr(estimates, sources, lengths)
    assert values[active].tolist() == pytest.approx([60.0] * 5, abs=0.5)
    for gains in ((level, level), (1.0, level), (level, 1.0)):
        found = pit_si_snr(gains[0] * estimates, gains[1] * sources, lengths)
        torch.testing.assert_close(found[0], values, atol=0.01, rtol=0)
        assert torch.equal(found[1], order) and torch.equal(found[2], active)
    assert audible(level * sources, lengths).tolist() == [[True] * 3, [True, False, True]]


def test_each_source_has_a_level_of_its_own():
    generator = torch.Generator().manual_seed(0)
    sources = torch.randn(1, 2, 2000, generator=generator) * torch.tensor([1.0, 1e-6])[:, None]
    estimates = sources.flip(1) * (1.0 + 0.01 * torch.randn(1, 2, 2000, generator=generator))
    values, order, active = pit_si_snr(estimates, sources, torch.tensor([2000]))
    assert order.tolist() == [[1, 0]] and active.all()
    assert (values - 40.0).abs().max() < 1.0
