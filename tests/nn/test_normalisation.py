"""GlobalNorm's statistics and SpecAugment's stripes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.nn import GlobalNorm, SpecAugment, StatisticsError
from nrsr.signal.masks import valid_mask


def observed(dim=3, offset=0.0):
    generator = torch.Generator().manual_seed(0)
    norm = GlobalNorm(dim)
    kept = []
    for _ in range(3):
        features = torch.randn(2, 50, dim, generator=generator) * 2 + offset
        frames = torch.tensor([50, 17])
        features[1, 17:] = 1e6
        norm.accumulate_statistics(features, frames)
        kept += [features[0], features[1, :17]]
    return norm, torch.cat(kept).double().numpy()


def test_statistics_are_those_of_the_valid_frames():
    # An offset of 1000 standard deviations: sums in float32 would lose the variance.
    norm, frames = observed(offset=2000.0)
    norm.finish()
    np.testing.assert_allclose(norm.mean, frames.mean(0), rtol=1e-6)
    np.testing.assert_allclose(norm.std, frames.std(0), rtol=1e-5)
    statistics = norm.statistics()
    assert statistics.dtype == np.float64
    assert statistics.shape == (2, 4)
    assert statistics[0, 3] == 201
    assert statistics[1, 3] == 0


def test_worked_example():
    norm = GlobalNorm(2)
    norm.load_statistics(np.array([[4.0, 8.0, 4.0], [20.0, 16.0, 0.0]]))  # means 1, 2; variances 4, 0
    result = norm(torch.tensor([[5.0, 2.0]]))
    assert result.tolist() == [[2.0, 0.0]]


def test_statistics_travel_through_files_and_checkpoints():
    norm, _ = observed()
    norm.finish()
    features = torch.randn(2, 4, 3)
    from_file, from_checkpoint = GlobalNorm(3), GlobalNorm(3)
    from_file.load_statistics(norm.statistics())
    from_checkpoint.load_state_dict(norm.state_dict())
    assert torch.equal(from_file(features), norm(features))
    assert torch.equal(from_checkpoint(features), norm(features))
    unfinished = GlobalNorm(3)
    unfinished.load_state_dict(GlobalNorm(3).state_dict())
    with pytest.raises(StatisticsError, match="compute-cmvn --config"):
        unfinished(features)


@pytest.mark.parametrize(
    ("statistics", "message"),
    [
        (np.ones((2, 3)), r"\(2, 3\), the system needs \(2, 4\)"),
        (np.ones(4), r"\(4,\)"),
        (np.zeros((2, 4)), "no frames"),
        (np.full((2, 4), np.nan), "not finite"),
    ],
)
def test_wrong_statistics_are_named(statistics, message):
    with pytest.raises(StatisticsError, match=message):
        GlobalNorm(3).load_statistics(statistics)
    with pytest.raises(StatisticsError, match="no frames were accumulated"):
        GlobalNorm(3).finish()


@given(
    frames=st.lists(st.integers(1, 60), min_size=1, max_size=4),
    masks=st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(0, 3), st.integers(0, 12)),
    seed=st.integers(0, 1000),
)
@settings(max_examples=50, deadline=None)
def test_specaugment_masks_whole_stripes_within_bounds(frames, masks, seed):
    time_masks, time_width, frequency_masks, frequency_width = masks
    augment = SpecAugment(time_masks, time_width, 0.5, frequency_masks, frequency_width)
    frames = torch.tensor(frames)
    features = torch.ones(len(frames), int(frames.max()), 10)
    torch.manual_seed(seed)
    result = augment(features, frames)
    torch.manual_seed(seed)
    assert torch.equal(result, augment(features, frames))
    assert not result[~valid_mask(frames, features.shape[1])].any()
    for row, size in zip(result, frames.tolist(), strict=True):
        hidden = row[:size] == 0
        whole_frames, whole_bins = hidden.all(1), hidden.all(0)
        assert torch.equal(hidden, whole_frames.unsqueeze(1) | whole_bins.unsqueeze(0))
        if not whole_bins.all():
            assert whole_frames.sum() <= time_masks * min(time_width, size // 2)
        if not whole_frames.all():
            assert whole_bins.sum() <= frequency_masks * min(frequency_width, 10)


def test_specaugment_covers_all_positions_and_differs_by_utterance():
    torch.manual_seed(0)
    augment = SpecAugment(1, 10, 1.0, 1, 4)
    result = augment(torch.ones(2000, 20, 8), torch.full((2000,), 20))
    hidden_frames, hidden_bins = (result == 0).all(2), (result == 0).all(1)
    assert hidden_frames.any(0).all()
    assert hidden_bins.any(0).all()
    assert 4.0 < hidden_frames.sum(1).float().mean() < 6.0  # uniform on 0...10
    assert hidden_frames.sum(1).max() == 10
    assert 1.7 < hidden_bins.sum(1).float().mean() < 2.3
    assert len({tuple(row.tolist()) for row in hidden_frames}) > 50


def test_specaugment_does_nothing_in_evaluation():
    features = torch.randn(2, 9, 4)
    assert SpecAugment().eval()(features, torch.tensor([9, 3])) is features
