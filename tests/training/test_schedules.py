"""Learning-rate factors, by worked numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nrsr.config import ConfigError
from nrsr.training.schedules import Constant, Plateau, StepDecay, Warmup, WarmupHoldDecay


def test_warmup_hold_decay_worked():
    schedule = WarmupHoldDecay(warmup=0.2, hold=0.5)
    factors = [schedule.factor(step, 20) for step in range(20)]
    assert factors[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert factors[9:13] == [1.0, 1.0, 0.9, 0.8]
    assert factors[-1] == pytest.approx(0.1)  # the last step still moves; the one after it would be 0


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 300))
def test_warmup_hold_decay_rises_holds_and_falls(first, second, total):
    warmup, hold = sorted((first, second))
    factors = [WarmupHoldDecay(warmup, hold).factor(step, total) for step in range(total)]
    assert all(0 < factor <= 1 for factor in factors)
    peak = factors.index(max(factors))
    assert factors[: peak + 1] == sorted(factors[: peak + 1])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)


def test_warmup_peaks_at_its_last_step():
    schedule = Warmup(steps=100)
    assert schedule.factor(0, 1000) == 0.01 and schedule.factor(99, 1000) == 1.0
    assert schedule.factor(399, 1000) == pytest.approx(0.5)


def test_step_decay():
    schedule = StepDecay(every=200, decay=0.5)
    assert [schedule.factor(step, 500) for step in (0, 199, 200, 399, 400)] == [1.0, 1.0, 0.5, 0.5, 0.25]
    for wrong in ({"every": 0}, {"every": 5, "decay": 1.0}):
        with pytest.raises(ConfigError):
            StepDecay(**wrong)


def test_constant():
    assert {Constant().factor(step, 10) for step in range(10)} == {1.0}


@pytest.mark.parametrize("arguments", [{"warmup": 0.5, "hold": 0.4}, {"warmup": -0.1}, {"hold": 1.1}])
def test_bad_fractions_are_refused(arguments):
    with pytest.raises(ConfigError, match="0 <= warmup <= hold <= 1"):
        WarmupHoldDecay(**arguments)
    with pytest.raises(ConfigError, match="steps"):
        Warmup(0)


def plateau_factors(criteria, **options):
    """The factor after each epoch, as the training sees it."""
    schedule = Plateau(**options)
    factors = []
    for epoch in range(len(criteria) + 1):
        schedule.epochs_done(criteria[:epoch])
        factors.append(schedule.factor(0, 1))
    return factors


def test_plateau_worked():
    # Marks: 5, 4; three above it cut; 4 (equal) is no cut and sets the count to 0; three above cut again.
    criteria = [5.0, 4.0, 4.5, 4.1, 4.2, 4.9, 4.0, 4.1, 4.1, 4.1]
    assert plateau_factors(criteria, patience=2) == [1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25]
    # Epochs up to the start cut nothing, and the last of them is the mark, though an earlier one was better.
    criteria = [1.0, 9.0, 9.0, 9.0, 8.0, 8.5, 8.5, 8.5]
    assert plateau_factors(criteria, patience=2, start=4) == [1] * 8 + [0.5]
    assert plateau_factors([1.0] + [math.nan] * 4, patience=1) == [1, 1, 1, 0.5, 0.5, 0.25]
    assert plateau_factors([math.nan, 2.0, 1.0], patience=0, start=1) == [1, 1, 1, 1]


@given(st.lists(st.floats(-30, 30), max_size=40), st.integers(0, 3), st.integers(0, 5))
def test_plateau_is_what_the_epochs_say_however_it_is_told(criteria, patience, start):
    factors = plateau_factors(criteria, patience=patience, start=start, least=0.125)
    assert factors == sorted(factors, reverse=True)
    assert min(factors) >= 0.125
    resumed = Plateau(patience=patience, start=start, least=0.125)
    resumed.epochs_done(criteria)  # all at once, as a resumed training does
    assert resumed.factor(7, 9) == factors[-1]
    # Falling criteria cut nothing.
    assert plateau_factors(sorted(criteria, reverse=True), patience=patience, start=start)[-1] == 1.0


@pytest.mark.parametrize("arguments", [{"decay": 1.0}, {"patience": -1}, {"start": -1}, {"least": 0.0}])
def test_plateau_refuses_what_is_no_plateau(arguments):
    with pytest.raises(ConfigError, match="needs decay between 0 and 1"):
        Plateau(**arguments)
