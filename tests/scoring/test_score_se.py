"""nrsr score-se: whole directories of enhanced speech, scored, compared, refused, and reported."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from toy_speech import voice

from nrsr.kaldi import WaveWriter, write_list
from nrsr.kaldi.audio_states import SOURCES_OF, audio_states, write_states
from nrsr.kaldi.datadir import DataDir
from nrsr.reporting.enhancement_tables import band_notes
from nrsr.scoring import find_metric, read_table
from nrsr.scoring.metric import UndefinedMeasure
from nrsr.scoring.metrics import pesq as pesq_metric
from nrsr.scoring.metrics import si_sdr as si_sdr_metric
from nrsr.scoring.mixture_scores import NAME

RATE = 8000
NAMES = [f"u{number}" for number in range(6)]
QUICK = "si_sdr,segsnr"


def write_waves(folder: Path, scp: str, waves: dict[str, np.ndarray]) -> None:
    with WaveWriter(folder / f"{scp}.ark", folder / f"{scp}.scp", RATE, bits=32) as writer:
        for name, wave in waves.items():
            writer[name] = np.float32(wave)
    write_list(folder / "utt2spk", {name: name for name in waves})


def signals() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Clean, noisy, and enhanced, which has half of the noise."""
    pairs = {name: voice(RATE, 0.4 + 0.02 * number, number) for number, name in enumerate(NAMES)}
    clean = {name: pair[0] for name, pair in pairs.items()}
    return clean, {name: pair[1] for name, pair in pairs.items()}, {n: np.mean(pair, 0) for n, pair in pairs.items()}


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    clean, noisy, enhanced = signals()
    data, estimates = tmp_path / "data", tmp_path / "exp" / "a_seed1" / "enhance_test"
    write_waves(data, "wav", noisy)
    write_waves(data, "spk1", clean)
    write_waves(estimates, "wav", enhanced)
    write_list(data / "utt2noise", {name: ("car", "rain")[number % 2] for number, name in enumerate(NAMES)})
    write_list(data / "utt2noisefile", {name: f"recording{number % 3}" for number, name in enumerate(NAMES)})
    write_list(data / "utt2snr", {name: str(5 * (number // 3)) for number, name in enumerate(NAMES)})
    return data, estimates


@pytest.fixture
def score_se(nrsr_main, folders):
    data, estimates = folders

    def run(*options: object, estimates: Path = estimates) -> tuple[int, str, str]:
        return nrsr_main("score-se", "--data", data, "--estimates", estimates, "--draws", 1000, *options)

    return run


def change(folder: Path, scp: str = "wav", **changed: np.ndarray | None) -> None:
    """Write a list anew with other signals, or without those that are None."""
    waves = {**dict(DataDir(folder).waves(f"{scp}.scp")), **changed}
    write_waves(folder, scp, {name: wave for name, wave in waves.items() if wave is not None})
    write_list(folder / "utt2spk", {name: name for name in NAMES})


def test_scores_of_a_directory(folders, score_se, tmp_path):
    data, estimates = folders
    status, out, err = score_se("--out", estimates / "score", "--metrics", QUICK)
    assert status == 0, err
    clean, noisy, enhanced = signals()
    before, after = (
        [find_metric("si_sdr").measure(clean[name], waves[name], RATE)[0] for name in NAMES]
        for waves in (noisy, enhanced)
    )
    assert f"SI-SDR in dB           6   {np.mean(before):.2f}  {np.mean(after):.2f} [" in out
    assert "over utterances and noise recordings (1000 draws)" in out
    total = json.loads((estimates / "score" / "scores.json").read_text())
    assert total["total"]["si_sdr"] == pytest.approx(np.mean(after), abs=1e-4)
    assert total["total"]["si_sdr_i"] == pytest.approx(np.mean(after) - np.mean(before), abs=1e-4)
    assert total["snr"]["5"]["si_sdr"] == pytest.approx(np.mean(after[3:]), abs=1e-4)
    assert (total["rate"], total["lags"]) == (RATE, {})
    table = read_table(estimates / "score" / "scores.tsv")
    assert list(table.columns) == [
        "utt",
        "spk",
        "noise",
        "noisefile",
        "snr",
        "uniq",
        "si_sdr",
        "si_sdr_i",
        "segsnr",
        "segsnr_i",
    ]
    np.testing.assert_allclose(table.numbers("si_sdr"), after, atol=1e-4)
    assert (estimates / "score" / "scores.txt").read_text() == out
    assert err.startswith("nrsr score-se: seconds of CPU time over all processes") and "si_sdr 0." in err
    assert score_se("--metrics", QUICK, "--nj", 2)[1] == out


def test_all_metrics_say_which_pesq_they_take(folders, score_se):
    for library in ("pesq", "pystoi"):
        pytest.importorskip(library)
    status, out, err = score_se()
    assert status == 0, err
    rows = [line.split()[0] for line in out.splitlines()[1:12]]
    assert rows == ["PESQ", "STOI", "ESTOI", "SI-SDR", "SDR", "segSNR", "LLR,", "WSS,", "CSIG", "CBAK", "COVL"]
    assert "PESQ is narrow-band (MOS-LQO of P.862.1); CSIG, CBAK and COVL take the raw score of P.862\n" in out
    assert "LLR, lower is better" in out


def test_rates_above_16_khz_say_which_pesq_they_take():
    notes = band_notes([find_metric("pesq"), find_metric("dnsmos_p808")], 48000)
    assert notes == [
        "PESQ is wide-band (MOS-LQO of P.862.2), of signals brought from 48000 to 16000 Hz; CSIG, CBAK and COVL are "
        "undefined at this rate",
        "DNSMOS is of signals brought from 48000 to 16000 Hz",
    ]
    pytest.importorskip("pesq")
    clean, noisy = voice(48000)
    brought = [soxr.resample(wave, 48000, 16000, quality="HQ") for wave in (clean, noisy)]
    assert find_metric("pesq").measure(clean, noisy, 48000) == find_metric("pesq").measure(*brought, 16000)
    for name in ("csig", "cbak", "covl"):
        with pytest.raises(UndefinedMeasure, match="not 48000"):
            find_metric(name).measure(clean, noisy, 48000)


def test_no_enhancement_is_a_system_whose_scores_are_computed_once(folders, score_se, nrsr_main, monkeypatch, tmp_path):
    data, estimates = folders
    calls = []
    own = si_sdr_metric.si_sdr

    def counted(source, estimate, rate):
        calls.append(estimate)
        return own(source, estimate, rate)

    monkeypatch.setattr(si_sdr_metric, "METRIC", replace(si_sdr_metric.METRIC, measure=lambda *s: (counted(*s),)))
    options = ("--metrics", "si_sdr")
    baseline = tmp_path / "exp" / "no_se_once" / "enhance_test" / "score"
    assert score_se(*options, "--out", baseline, estimates=data)[0] == 0
    assert len(calls) == 6
    assert set(read_table(baseline / "scores.tsv").columns["si_sdr_i"]) == {"0.000000"}
    status, out, _ = score_se(*options, "--out", estimates / "score", "--versus", data)
    assert status == 0 and len(calls) == 12
    assert f"paired with {data} (above 0: better than it)" in out
    values = json.loads((estimates / "score" / "scores.json").read_text())
    assert values["versus"]["si_sdr"]["difference"] == pytest.approx(values["total"]["si_sdr_i"], abs=1e-9)
    assert len(read_table(data / NAME)) == 6
    change(data, u3=DataDir(data).waves()["u3"] * np.float32(0.5))
    score_se(*options)
    assert len(calls) == 12 + 6 + 1
    report = ("--exp", tmp_path / "exp", "--metric", "si_sdr", "--sets", "test", "--primary", "all")
    status, printed, err = nrsr_main("report", *report, "--baseline", "no_se")
    assert status == 0, err
    rows = [line.split()[:2] for line in printed.splitlines()[-4:]]
    assert ["a", f"{values['total']['si_sdr']:.2f}"] in rows and rows[1][0] == "no_se"
    assert "SI-SDRi" not in printed


def test_metrics_that_share_quantities_measure_them_once(folders, score_se, monkeypatch):
    library = pytest.importorskip("pesq")
    calls, own = [], library.pesq
    monkeypatch.setattr(library, "pesq", lambda *signals: calls.append(1) or own(*signals))
    assert score_se("--metrics", "csig,pesq,cbak,covl")[0] == 0
    assert len(calls) == 12


def test_real_recordings_without_clean_speech(folders, score_se):
    data, estimates = folders
    (data / "spk1.scp").unlink()
    status, _, err = score_se("--metrics", "dnsmos_p808,pesq,stoi")
    assert status == 1
    assert f"--metrics pesq, stoi: compares with clean speech, and {data} has no spk1.scp\n" in err
    if not all(map(importlib.util.find_spec, ("speechmos", "onnxruntime"))):
        status, _, err = score_se()
        assert status == 1 and "without it DNSMOS alone can be scored" in err
        pytest.skip("speechmos and onnxruntime are not installed")
    status, out, err = score_se("--metrics", "dnsmos_p808")
    assert status == 0, err
    assert f"{data}: has no spk1.scp; scored without clean speech" in err
    assert "DNSMOS is of signals brought from 8000 to 16000 Hz, where nothing sounds above 4000 Hz" in out
    assert "DNSMOS P808           6  " in out


def test_what_does_not_fit_is_listed_and_nothing_is_scored(folders, score_se, tmp_path):
    data, estimates = folders
    waves = dict(DataDir(estimates).waves())
    change(estimates, u0=waves["u0"][:-100], u1=waves["u1"][:-1], u2=None)
    change(data, "spk1", u5=None)
    soundfile.write(tmp_path / "nan.wav", np.full(3360, np.nan), RATE, subtype="FLOAT")
    entries = (estimates / "wav.scp").read_text().splitlines()
    rows = [f"u4 {tmp_path / 'nan.wav'}" if entry.startswith("u4 ") else entry for entry in entries]
    (estimates / "wav.scp").write_text("\n".join(rows) + "\n")
    status, out, err = score_se("--metrics", QUICK, "--out", tmp_path / "score")
    assert (status, out) == (1, "") and not (tmp_path / "score").exists()
    assert f"{estimates}: 2 utterances with estimate of another length: u0 u1; 3100 samples, the noisy" in err
    assert f"1 utterances with no estimate: u2; {estimates / 'wav.scp'} lacks it" in err
    assert f"1 utterances with no clean speech: u5; {data / 'spk1.scp'} lacks it" in err
    assert "1 utterances with a signal that cannot be read: u4; " in err and "contains NaN or infinite samples" in err
    assert err.splitlines()[-1].startswith(f"nrsr score-se: {estimates}: 5 of 6 utterances cannot be scored (")


def test_another_rate_and_integers_as_floats_are_named(folders, score_se, tmp_path):
    data, estimates = folders
    wave = DataDir(data).waves("spk1.scp")["u1"]
    soundfile.write(tmp_path / "fast.wav", wave, 16000)
    soundfile.write(tmp_path / "loud.wav", 32768 * wave, RATE, subtype="FLOAT")
    for name, what in (("fast", "has 16000 Hz but 8000 Hz are wanted"), ("loud", "divide by 32768")):
        write_list(data / "spk1.scp", {**DataDir(data).read("spk1.scp"), "u1": str(tmp_path / f"{name}.wav")})
        status, _, err = score_se("--metrics", QUICK)
        assert status == 1 and "1 utterances with a signal that cannot be read: u1; " in err and what in err


def test_integers_are_scored_as_floats_are(folders, score_se):
    data, estimates = folders
    values = [score_se("--metrics", "si_sdr")[1]]
    for folder, scp in ((data, "wav"), (data, "spk1"), (estimates, "wav")):
        waves = dict(DataDir(folder).waves(f"{scp}.scp"))
        with WaveWriter(folder / f"{scp}_int.ark", folder / f"{scp}.scp", RATE, bits=16) as writer:
            for name, wave in waves.items():
                writer[name] = wave
    values.append(score_se("--metrics", "si_sdr")[1])
    assert values[0].splitlines()[1].split()[:5] == values[1].splitlines()[1].split()[:5]


def test_a_lag_is_refused_or_noted(folders, score_se, tmp_path):
    data, estimates = folders
    rng = np.random.default_rng(0)
    near = {name: wave + 1e-3 * rng.normal(size=len(wave)) for name, wave in DataDir(data).waves("spk1.scp").items()}
    change(estimates, **{name: np.pad(wave, (40 * (name != "u0"), 0))[: len(wave)] for name, wave in near.items()})
    status, out, err = score_se("--metrics", QUICK, "--out", tmp_path / "score")
    assert (status, out) == (1, "") and not (tmp_path / "score").exists()
    listed = "5 utterances whose estimate is later (+) or earlier (-) than clean speech, by samples: u1 (+40) u2 (+40)"
    assert f"nrsr score-se: {estimates}: {listed}" in err
    assert "5 of 6 utterances are not in time with the clean speech (estimate); shift them, or score them" in err
    status, out, err = score_se("--metrics", QUICK, "--out", tmp_path / "score", "--allow-lag")
    assert status == 0 and listed in err and f"{listed} u3 (+40) u4 (+40) u5 (+40); scored as they are\n" in out
    lags = json.loads((tmp_path / "score" / "scores.json").read_text())["lags"]
    assert lags == {"estimate": dict.fromkeys(NAMES[1:], 40)}


def test_what_is_silent_clipped_or_too_short_is_named(folders, score_se):
    pytest.importorskip("pesq")
    data, estimates = folders
    length = {name: len(wave) for name, wave in DataDir(data).waves().items()}
    pause = np.where(np.arange(length["u5"]) < 600, 0, DataDir(data).waves("spk1.scp")["u5"])
    change(data, "spk1", u0=np.zeros(length["u0"]), u3=np.full(1, 0.1), u5=pause)
    change(data, u3=np.full(1, 0.1), u4=np.clip(9 * DataDir(data).waves()["u4"], -1, 1))
    change(estimates, u1=np.zeros(length["u1"]), u3=np.full(1, 0.1))
    status, out, err = score_se("--metrics", "si_sdr,pesq,csig,segsnr")
    assert status == 0, err
    assert "2 utterances with silent clean speech: u0 u3\n" in err
    assert "2 utterances with silent estimate: u1 u3\n" in err
    assert "1 utterances with digital silence in the clean speech, which LLR, CSIG and COVL leave out: u5\n" in err
    assert "1 utterances with clipped noisy signal: u4\n" in err
    assert "2 utterances without si_sdr, csig, segsnr (the source is constant): u0 u3\n" in err
    assert "SI-SDR in dB           4 " in out
    change(data, "spk1", **{name: np.zeros(len(wave)) for name, wave in DataDir(data).waves("spk1.scp").items()})
    status, _, err = score_se("--metrics", "si_sdr")
    assert status == 1 and f"{data}: no utterance has a value of any metric; check its signals\n" in err


def test_stale_and_foreign_estimates_are_refused(folders, score_se):
    data, estimates = folders
    write_states(estimates / SOURCES_OF, audio_states(DataDir(data)))
    assert score_se("--metrics", "si_sdr")[0] == 0
    change(data, u2=DataDir(data).waves()["u2"][:-1])
    status, _, err = score_se("--metrics", "si_sdr")
    assert status == 1
    assert f"has changed since {estimates} was made of it" in err and f"run nrsr enhance on {data} again" in err
    (estimates / SOURCES_OF).unlink()
    write_waves(estimates, "wav", {"x9": np.ones(99), **dict(DataDir(estimates).waves())})
    status, _, err = score_se("--metrics", "si_sdr")
    assert status == 1 and f"{estimates}: has 1 utterances that {data} lacks, first x9" in err
    write_waves(data, "spk2", dict(DataDir(data).waves()))
    status, _, err = score_se("--metrics", "si_sdr")
    assert status == 1 and "has several speakers (spk2.scp); score them by nrsr score-sep" in err


def test_metrics_that_cannot_be_taken_are_named(folders, score_se, monkeypatch):
    status, _, err = score_se("--metrics", "wer")
    assert status == 1 and "--metrics wer: compares no signals; there are llr, " in err
    status, _, err = score_se("--metrics", "mos")
    assert status == 1 and "there is no metric mos" in err
    monkeypatch.setattr(pesq_metric, "METRIC", replace(pesq_metric.METRIC, library="no_such_pesq"))
    status, _, err = score_se("--metrics", "pesq")
    assert status == 1 and "--metrics pesq: no_such_pesq not installed (pip install no_such_pesq)\n" in err
