"""Mel-cepstra by their definition, and the warping of the usual rates."""

import numpy as np
import pytest

from nrsr.signal.mel_cepstrum import frequency_transform, mel_cepstra, warping


@pytest.mark.parametrize("alpha", [0.0, 0.31, 0.466])
def test_mel_cepstra_are_the_spectrum_over_the_bent_axis(alpha):
    rng = np.random.default_rng(0)
    wanted = rng.normal(size=(3, 9)) / np.arange(1, 10)
    omega = np.linspace(0.0, np.pi, 513)
    bent = omega + 2.0 * np.arctan(alpha * np.sin(omega) / (1.0 - alpha * np.cos(omega)))
    envelopes = np.exp(2.0 * wanted @ np.cos(np.arange(9)[:, None] * bent))
    np.testing.assert_allclose(mel_cepstra(envelopes, 8, alpha), wanted, atol=1e-6)
    np.testing.assert_allclose(mel_cepstra(envelopes, 20, alpha)[:, 9:], 0.0, atol=1e-6)


def test_without_a_warping_nothing_changes():
    np.testing.assert_array_equal(frequency_transform(6, 3, 0.0), np.eye(4, 6))


def test_one_delay_by_hand():
    """z^-1 is a + (1 - a²) z~^-1 - a (1 - a²) z~^-2 + ..."""
    a = 0.4
    transform = frequency_transform(2, 3, a)
    np.testing.assert_allclose(transform[:, 0], [1.0, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(transform[:, 1], [a, 1 - a**2, -a * (1 - a**2), a**2 * (1 - a**2)])


def test_warpings_of_sptk():
    """Those of pysptk.util.mcepalpha."""
    assert [warping(rate) for rate in (8000, 16000, 22050, 24000, 48000)] == [0.312, 0.41, 0.455, 0.466, 0.554]
