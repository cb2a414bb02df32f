"""Measures of separation against other implementations."""

import importlib.util
import warnings
from itertools import permutations

import numpy as np
import pytest
import torch
from toy_mixtures import RATE, mixture_of, scored

from nrsr.scoring import UndefinedMeasure
from nrsr.scoring.metrics.pesq import pesq
from nrsr.scoring.metrics.sdr import sdr
from nrsr.scoring.metrics.si_snr import si_snr
from nrsr.scoring.metrics.stoi import stoi
from nrsr.scoring.signals import HIGHEST, LOWEST


@pytest.mark.parametrize("speakers", [2, 3, 4])
@pytest.mark.parametrize("seed", [1, 2])
def test_agreement_with_torchmetrics_and_permutation(speakers, seed):
    audio = pytest.importorskip("torchmetrics.functional.audio", reason="pip install torchmetrics")
    mixture, sources, estimates = mixture_of(speakers, seed)
    found = scored(mixture, sources, estimates, "si_snr", "sdr")
    double = torch.from_numpy(estimates).double()[None], torch.from_numpy(sources).double()[None]
    best, order = audio.permutation_invariant_training(
        *double, audio.scale_invariant_signal_noise_ratio, eval_func="max"
    )
    assert found.order == order[0].tolist()
    assert found.values["si_snr"].mean() == pytest.approx(best.item(), abs=1e-3)
    ordered, noisy = torch.from_numpy(estimates[found.order]), torch.from_numpy(mixture).expand(speakers, -1)
    for name, theirs in (("si_snr", audio.scale_invariant_signal_noise_ratio), ("sdr", audio.signal_distortion_ratio)):
        after, before = (theirs(one.double(), double[1][0]).numpy() for one in (ordered, noisy))
        np.testing.assert_allclose(found.values[name], after, atol=1e-3)
        np.testing.assert_allclose(found.values[f"{name}_i"], after - before, atol=1e-3)


@pytest.mark.parametrize("speakers", [2, 3])
def test_sdr_agrees_with_mir_eval(speakers):
    theirs = pytest.importorskip("mir_eval.separation", reason="pip install 'mir_eval<0.9'")
    mixture, sources, estimates = mixture_of(speakers, 5, 4000)
    found = scored(mixture, sources, estimates, "sdr")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        values, _, _, order = theirs.bss_eval_sources(sources.astype(float), estimates.astype(float))
    assert order.tolist() == found.order
    np.testing.assert_allclose(found.values["sdr"], values, atol=1e-3)


def test_si_snr_of_worked_numbers():
    source = np.array([1.0, -1.0, 1.0, -1.0])
    noise = np.array([1.0, 1.0, -1.0, -1.0])  # orthogonal to it, without mean
    assert si_snr(source, 3 * source + 0.3 * noise) == pytest.approx(20.0)
    assert si_snr(source + 7, source + noise - 2) == pytest.approx(0.0)  # means count nothing
    assert (
        si_snr(source, source) == HIGHEST and si_snr(source, 0 * source) == LOWEST and si_snr(source, noise) == LOWEST
    )
    with pytest.raises(UndefinedMeasure, match="the source is constant"):
        si_snr(np.ones(4), noise)


def test_sdr_forgives_a_short_filter_and_si_snr_does_not():
    _, sources, _ = mixture_of(2, 0)
    late = np.concatenate([np.zeros(20, dtype=np.float32), sources[0][:-20]])
    assert sdr(sources[0], late) > 20 and si_snr(sources[0], late) < 5
    assert sdr(sources[0], np.zeros_like(late)) == LOWEST and sdr(sources[0], sources[0]) == HIGHEST


@pytest.mark.parametrize("speakers", [2, 3])
def test_the_order_of_estimates_changes_nothing(speakers):
    mixture, sources, estimates = mixture_of(speakers, 3)
    wanted = scored(mixture, sources, estimates, "si_snr", "sdr")
    for order in permutations(range(speakers)):
        found = scored(mixture, sources, estimates[list(order)], "si_snr", "sdr")
        for name, values in wanted.values.items():
            np.testing.assert_allclose(found.values[name], values, rtol=1e-9)
        assert [order[number] for number in found.order] == wanted.order


def test_silent_sources_and_estimates():
    mixture, sources, estimates = mixture_of(3, 4)
    whole = scored(mixture, sources, estimates, "si_snr", "sdr")
    sources[1] = 0.0
    found = scored(mixture, sources, estimates, "si_snr", "sdr")
    assert found.silent_sources == [1] and np.isnan(found.values["sdr"][1]) and found.failed == {}
    assert [found.order[0], found.order[2]] == [whole.order[0], whole.order[2]]
    np.testing.assert_allclose(found.values["si_snr"][[0, 2]], whole.values["si_snr"][[0, 2]])
    # A silent estimate is left to the silent source; where all are heard, one source gets it.
    estimates[found.order[0]] = 0.0
    assert scored(mixture, sources, estimates, "si_snr").silent_estimates == []
    mixture, sources, _ = mixture_of(3, 4)
    found = scored(mixture, sources, estimates, "si_snr", "sdr")
    (silent,) = found.silent_estimates
    assert found.values["si_snr"][silent] == LOWEST and found.values["sdr"][silent] == LOWEST


@pytest.mark.parametrize("offset", [0.0, 0.1, -1.0])
def test_a_constant_source_counts_as_silent(offset):
    mixture, sources, estimates = mixture_of(2, 4)
    whole = scored(mixture, sources, estimates, "si_snr", "sdr")
    sources[1] = offset
    found = scored(mixture, sources, estimates, "si_snr", "sdr")
    assert found.silent_sources == [1] and found.failed == {}
    assert np.isnan(found.values["si_snr"][1]) and np.isnan(found.values["sdr_i"][1])
    assert found.order[0] == whole.order[0] and found.values["sdr"][0] == pytest.approx(whole.values["sdr"][0])
    estimates[:] = offset  # nothing of the source is in a constant
    found = scored(mixture, sources, estimates, "si_snr", "sdr")
    assert found.silent_estimates == [0] and found.values["si_snr"][0] == found.values["sdr"][0] == LOWEST


@pytest.mark.parametrize("level", [1e-3, 1e-5, 1e-12, 1e-25])
def test_the_level_of_a_recording_changes_nothing(level):
    mixture, sources, estimates = mixture_of(2, 4, samples=16000)
    names = ["si_snr", "sdr", *(["stoi"] if importlib.util.find_spec("pystoi") else [])]
    whole = scored(mixture, sources, estimates, *names)
    found = scored(*(np.float32(level) * waves for waves in (mixture, sources, estimates)), *names)
    assert found.order == whole.order and found.silent_sources == [] and found.failed == {}
    for name in names:
        np.testing.assert_allclose(found.values[name], whole.values[name], atol=1e-3)
        np.testing.assert_allclose(found.values[f"{name}_i"], whole.values[f"{name}_i"], atol=1e-3)


def test_pesq_and_stoi_are_those_of_the_libraries():
    library, pystoi = pytest.importorskip("pesq"), pytest.importorskip("pystoi")
    mixture, sources, estimates = mixture_of(2, 6, 12000)
    found = scored(mixture, sources, estimates, "si_snr", "sdr", "pesq", "stoi")
    first = estimates[found.order[0]]
    assert found.values["pesq"][0] == pytest.approx(library.pesq(RATE, sources[0], first, "nb"))
    assert found.values["stoi"][0] == pytest.approx(pystoi.stoi(sources[0], first, RATE))
    assert found.values["stoi_i"][0] == pytest.approx(
        pystoi.stoi(sources[0], first, RATE) - pystoi.stoi(sources[0], mixture, RATE)
    )
    assert scored(mixture, sources, estimates, "pesq", rate=11025).failed == {
        "pesq": "source 2: PESQ is for 8000 and 16000 Hz, not 11025"
    }
    with pytest.raises(UndefinedMeasure, match="at least 1/4 of a second"):
        pesq(sources[0][:500], first[:500], RATE)
    with pytest.raises(UndefinedMeasure):
        pesq(sources[0], 0 * first, RATE)
    with pytest.raises(UndefinedMeasure, match="too little speech"):
        stoi(sources[0][:1000], first[:1000], RATE)
