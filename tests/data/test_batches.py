"""Batches under a hard cap: no cap exceeded, each utterance once, the same order for the same seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nrsr.data.batches import BatchError, BatchSettings, batch_counts, check_cap, shuffled_batches, sorted_batches

CAP = 1000


@given(
    st.lists(st.integers(0, CAP), max_size=200),
    st.integers(1, 20),
    st.integers(0, 2**31),
    st.integers(0, 500),
)
def test_cap_coverage_and_determinism(lengths, size, seed, epoch):
    samples = np.array(lengths, dtype=np.int64)
    batches = shuffled_batches(samples, size, CAP, seed, epoch)
    for found in (batches, sorted_batches(samples, size, CAP)):
        assert sorted(number for batch in found for number in batch) == list(range(len(samples)))
        for batch in found:
            assert 0 < len(batch) <= size
            assert len(batch) * samples[batch].max() <= CAP
    assert batches == shuffled_batches(samples.copy(), size, CAP, seed, epoch)


@given(
    st.one_of(
        st.lists(st.integers(0, CAP), max_size=60),
        st.builds(lambda length, count: [length] * count, st.integers(0, CAP), st.integers(0, 60)),
    ),
    st.integers(1, 20),
)
def test_batches_are_counted_exactly(lengths, size):
    samples = np.array(lengths, dtype=np.int64)
    counts = [len(shuffled_batches(samples, size, CAP, 3, epoch)) for epoch in range(3)]
    assert batch_counts(samples, size, CAP, 3, 3) == counts


def test_order_changes_with_epoch_and_seed():
    samples = np.random.default_rng(0).integers(8000, 80000, 300)
    plans = [shuffled_batches(samples, 16, 10**6, seed, epoch) for seed, epoch in [(1, 0), (1, 1), (2, 0)]]
    assert plans[0] != plans[1] != plans[2] != plans[0]
    # Not only the order of the batches: their members change too.
    assert {frozenset(batch) for batch in plans[0]} != {frozenset(batch) for batch in plans[1]}


def test_little_padding():
    samples = np.random.default_rng(0).integers(8000, 80000, 2000)
    batches = shuffled_batches(samples, 16, 10**7, 0, 0)
    padded = sum(len(batch) * samples[batch].max() for batch in batches)
    assert samples.sum() / padded > 0.93
    assert len(batches) == 125


def test_sorted_batches_start_with_the_longest():
    first, second = sorted_batches(np.array([3, 9, 5, 9]), 2, 100)
    assert sorted(first) == [1, 3] and second == [2, 0]


def test_utterances_of_one_length_are_in_random_order_the_same_each_time():
    batches = sorted_batches(np.full(400, 7), 20, 1000)
    assert batches == sorted_batches(np.full(400, 7), 20, 1000)
    assert all(max(batch) - min(batch) > 100 for batch in batches)


def test_an_utterance_over_the_cap_is_named():
    check_cap(["a", "b"], np.array([8000, 16000]), 16000, 8000)
    with pytest.raises(BatchError, match="utterance b: its 2.5 s .* batches.max_seconds"):
        check_cap(["a", "b"], np.array([8000, 20000]), 16000, 8000)


@pytest.mark.parametrize("bad", [{"size": 0}, {"max_seconds": 0}, {"workers": -1}, {"shortest": 2, "longest": 1}])
def test_bad_settings_are_refused(bad):
    with pytest.raises(BatchError):
        BatchSettings(**bad)
