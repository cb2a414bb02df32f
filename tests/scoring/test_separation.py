"""Measures of separation against other implementations, and scoring of whole directories."""

import importlib.util
import json
import warnings
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch

from nrsr.kaldi import WaveWriter, write_list
from nrsr.scoring import UndefinedMeasure, find_metric, read_table
from nrsr.scoring.metrics import pesq as pesq_metric
from nrsr.scoring.metrics import stoi as stoi_metric
from nrsr.scoring.metrics.pesq import pesq
from nrsr.scoring.metrics.sdr import sdr
from nrsr.scoring.metrics.si_snr import si_snr
from nrsr.scoring.metrics.stoi import stoi
from nrsr.scoring.separation import SourceScores, score_mixture
from nrsr.scoring.signals import HIGHEST, LOWEST

RATE = 8000


def speech_like(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Coloured noise whose level wanders, float32."""
    wave = np.convolve(rng.normal(size=samples), np.hanning(9), "same")
    return np.float32(0.05 * wave * (0.2 + np.abs(np.sin(np.arange(samples) / 1500 + rng.uniform(0, 6)))))


def scored(mixture: np.ndarray, sources: np.ndarray, estimates: np.ndarray, *names: str, rate=RATE) -> SourceScores:
    return score_mixture(mixture, sources, estimates, rate, [find_metric(name) for name in names])


def mixture_of(speakers: int, seed: int, samples: int = 9000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mixture, sources and imperfect estimates in a random order: filtered, leaking, noisy, with an offset."""
    rng = np.random.default_rng(seed)
    sources = np.stack([speech_like(rng, samples) for _ in range(speakers)])
    mixture = sources.sum(0) + 0.2 * speech_like(rng, samples)
    leak = rng.uniform(0, 0.3, (speakers, speakers)) + np.eye(speakers)
    filtered = np.stack([np.convolve(source, rng.normal(size=8) * 0.1 + np.eye(8)[0])[:samples] for source in sources])
    estimates = leak @ filtered + 0.01 * rng.normal(size=sources.shape) + 0.003
    return mixture, sources, np.float32(estimates[rng.permutation(speakers)])


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


def write_set(folder: Path, parts: dict[str, dict[str, np.ndarray]]) -> Path:
    for part, waves in parts.items():
        with WaveWriter(folder / f"{part}.ark", folder / f"{part}.scp", RATE, bits=32) as writer:
            for name, wave in waves.items():
                writer[name] = wave
    names = list(next(iter(parts.values())))
    write_list(folder / "utt2spk", {name: name for name in names})
    return folder


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """Eight mixtures m0 ... m7 of two speakers in two noises at two SNRs, and what a system made of them."""
    ref: dict[str, dict[str, np.ndarray]] = {"wav": {}, "spk1": {}, "spk2": {}}
    est: dict[str, dict[str, np.ndarray]] = {"spk1": {}, "spk2": {}}
    for number in range(8):
        mixture, sources, estimates = mixture_of(2, number, 4000 + 100 * number)
        ref["wav"][f"m{number}"] = mixture
        for speaker in range(2):
            ref[f"spk{speaker + 1}"][f"m{number}"] = sources[speaker]
            est[f"spk{speaker + 1}"][f"m{number}"] = estimates[speaker]
    data = write_set(tmp_path / "test", ref)
    write_list(data / "utt2noise", {f"m{n}": ("car", "rain")[n % 2] for n in range(8)})
    write_list(data / "utt2noisefile", {f"m{n}": f"recording{n % 4}" for n in range(8)})
    write_list(data / "utt2snr", {f"m{n}": str(5 * (n // 4)) for n in range(8)})
    return data, write_set(tmp_path / "separated", est)


def test_scoring_a_directory(folders, nrsr_main, tmp_path):
    data, separated = folders
    status, out, err = nrsr_main(
        "score-sep",
        "--data",
        data,
        "--estimates",
        separated,
        "--out",
        tmp_path / "score",
        "--measures",
        "sdr,si_snr",
        "--draws",
        1000,
    )
    assert status == 0 and err == ""
    assert "SI-SNRi" in out and "rain" in out and "over utterances and noise recordings (1000 draws)" in out
    expected = []
    for number in range(8):
        mixture, sources, estimates = mixture_of(2, number, 4000 + 100 * number)
        expected.append(scored(mixture, sources, estimates, "si_snr").values["si_snr_i"].mean())
    summary = json.loads((tmp_path / "score" / "sep.json").read_text())
    figure = summary["total"]["si_snr_i"]
    assert figure["mean"] == pytest.approx(np.mean(expected), abs=1e-6) and figure["mixtures"] == 8
    assert figure["interval"][0] < figure["mean"] < figure["interval"][1]
    assert summary["snr"]["5"]["si_snr_i"]["mean"] == pytest.approx(np.mean(expected[4:]), abs=1e-6)
    assert summary["noise"]["car"]["sdr"]["mixtures"] == 4
    table = read_table(tmp_path / "score" / "scores.tsv")
    assert list(table.columns)[:6] == ["utt", "source", "estimate", "noise", "noisefile", "snr"] and len(table) == 16
    assert table.averaged(table.numbers("si_snr_i"))[2] == pytest.approx(expected[2], abs=1e-6)
    assert table.label("noisefile")[2] == "recording2" and table.columns["source"].tolist() == ["1", "2"] * 8
    assert (tmp_path / "score" / "sep.txt").read_text() == out


def test_a_paired_comparison(folders, nrsr_main, tmp_path):
    data, separated = folders
    names = [f"m{number}" for number in range(8)]
    same = {f"spk{k}": {n: mixture_of(2, i, 4000 + 100 * i)[0] for i, n in enumerate(names)} for k in (1, 2)}
    other = write_set(tmp_path / "nothing", same)  # the mixture twice: an improvement of 0 dB
    options = ["--measures", "si_snr", "--out", tmp_path / "score", "--versus", other]
    status, out, _ = nrsr_main("score-sep", "--data", data, "--estimates", separated, *options)
    assert status == 0 and f"paired with {other} (above 0: better than it)" in out
    summary = json.loads((tmp_path / "score" / "sep.json").read_text())
    assert summary["versus"]["si_snr"]["difference"] == pytest.approx(summary["total"]["si_snr_i"]["mean"], abs=1e-9)


def test_what_is_silent_or_clipped_is_named(folders, nrsr_main):
    data, separated = folders
    with (
        WaveWriter(data / "a.ark", data / "spk2.scp", RATE, bits=32) as sources,
        WaveWriter(data / "b.ark", data / "wav.scp", RATE, bits=32) as mixtures,
        WaveWriter(separated / "a.ark", separated / "spk1.scp", RATE, bits=32) as estimates,
    ):
        for number in range(8):
            mixture, own, made = mixture_of(2, number, 4000 + 100 * number)
            sources[f"m{number}"] = np.full_like(own[1], 0.1 * (number == 2)) if number in (2, 3) else own[1]
            mixtures[f"m{number}"] = np.clip(mixture * (60 if number == 5 else 1), -1, 1)
            estimates[f"m{number}"] = made[0] * (number != 6)
    status, _, err = nrsr_main("score-sep", "--data", data, "--estimates", separated, "--measures", "si_snr")
    assert status == 0
    assert "2 mixtures with silent sources, which have no scores: m2 m3\n" in err
    assert "1 mixtures with silent estimates, which count -50 dB: m6\n" in err
    assert "1 mixtures with clipping: m5\n" in err


def test_folders_that_do_not_belong_together_are_refused(folders, nrsr_main, tmp_path):
    data, separated = folders

    def message(*options: object) -> str:
        status, _, err = nrsr_main(
            "score-sep", "--data", data, "--estimates", separated, "--measures", "si_snr", *options
        )
        assert status == 1
        return err

    scp = (separated / "spk2.scp").read_text().splitlines(keepends=True)
    (separated / "spk2.scp").write_text("".join(scp[:5]))
    assert "spk2.scp: lacks 3 of 8 mixtures, first m5; separate the same data directory again" in message()
    (separated / "spk2.scp").write_text(
        "".join(scp).replace("m1 ", "m0x ").replace("m0 ", "m1 ").replace("m0x ", "m0 ")
    )
    assert "m0: 4100 samples were separated of 4000" in message() or "4000 samples" in message()
    (separated / "spk2.scp").unlink()
    assert "has no spk2.scp, but" in message()
    (data / "spk2.scp").unlink()
    assert "one speaker only (spk1.scp)" in message()


def test_missing_libraries_are_named(folders, nrsr_main, monkeypatch):
    data, separated = folders
    for module, name in ((pesq_metric, "no_such_pesq"), (stoi_metric, "no_such_stoi")):
        monkeypatch.setattr(module, "METRIC", replace(module.METRIC, library=name))
    status, out, err = nrsr_main("score-sep", "--data", data, "--estimates", separated)
    assert status == 0 and "PESQ" not in out and "SDRi" in out
    assert "no_such_pesq and no_such_stoi not installed (pip install no_such_pesq no_such_stoi); what needs them" in err
    status, _, err = nrsr_main("score-sep", "--data", data, "--estimates", separated, "--measures", "sdr,stoi")
    assert status == 1 and "--measures sdr,stoi: no_such_stoi not installed" in err
    status, _, err = nrsr_main("score-sep", "--data", data, "--estimates", separated, "--measures", "mos")
    assert status == 1 and "there is no metric mos; there are cer, sdr, si_snr, wer, " in err
    status, _, err = nrsr_main("score-sep", "--data", data, "--estimates", separated, "--measures", "wer")
    assert status == 1 and "wer: compares no signals; the measures are sdr, si_snr" in err


def test_processes_give_what_one_gives(folders, nrsr_main):
    data, separated = folders
    outs = [
        nrsr_main("score-sep", "--data", data, "--estimates", separated, "--measures", "si_snr", "--nj", nj)[1]
        for nj in (1, 2)
    ]
    assert outs[0] == outs[1]
