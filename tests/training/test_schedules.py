"""Learning-rate factors, by worked numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nrsr.config import ConfigError
from nrsr.training.schedules import Constant, Warmup, WarmupHoldDecay


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


def test_constant():
    assert {Constant().factor(step, 10) for step in range(10)} == {1.0}


@pytest.mark.parametrize("arguments", [{"warmup": 0.5, "hold": 0.4}, {"warmup": -0.1}, {"hold": 1.1}])
def test_bad_fractions_are_refused(arguments):
    with pytest.raises(ConfigError, match="0 <= warmup <= hold <= 1"):
        WarmupHoldDecay(**arguments)
    with pytest.raises(ConfigError, match="steps"):
        Warmup(0)
