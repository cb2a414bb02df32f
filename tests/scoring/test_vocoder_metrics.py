"""Metrics of vocoders: worked numbers, the path by enumeration, and the command."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.kaldi import WaveWriter, write_list
from nrsr.scoring.metric import UndefinedMeasure, find_metric
from nrsr.scoring.metrics import mcd
from nrsr.scoring.metrics.mstft import mstft
from nrsr.scoring.metrics.pesq import pesq
from nrsr.scoring.table import ScoreTable
from nrsr.scoring.warping_path import mean_on_path
from nrsr.signal.mel_cepstrum import warping
from nrsr.signal.world import Analysis

sys.path.insert(0, str(Path(__file__).parent))

from toy_speech import voice  # noqa: E402

RATE = 16000


@pytest.fixture
def world():
    return pytest.importorskip("pyworld", exc_type=ImportError)


def slow_mean(distances: np.ndarray) -> float:
    """The same cell by cell."""
    rows, columns = distances.shape
    best = {}
    for i in range(rows):
        for j in range(columns):
            before = [best[place] for place in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if place in best]
            total, count = min(before, key=lambda pair: pair[0]) if before else (0.0, 0)
            best[i, j] = total + distances[i, j], count + 1
    total, count = best[rows - 1, columns - 1]
    return total / count


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
@settings(deadline=None)
def test_the_path_cell_by_cell(rows, columns, seed):
    distances = np.random.default_rng(seed).uniform(0.0, 1.0, (rows, columns))
    assert mean_on_path(distances) == pytest.approx(slow_mean(distances))


def test_equal_sequences_have_a_path_without_distance():
    frames = np.random.default_rng(0).normal(size=20)
    slower = np.repeat(frames, 2)
    assert mean_on_path(np.abs(frames[:, None] - slower)) == 0.0


def harmonics(pitch: float, tilt: float = 1.0, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    partials = (np.sin(2 * np.pi * pitch * number * time) / number**tilt for number in range(1, int(7000 / pitch)))
    return (0.1 * sum(partials)).astype(np.float32)


def test_log_f0_of_tones_a_semitone_apart(world):
    measure = find_metric("logf0_rmse").measure
    wave, higher = harmonics(200.0), harmonics(200.0 * 2 ** (1 / 12))
    squares, frames = measure(wave, higher, RATE)
    assert frames > 150
    assert math.sqrt(squares / frames) == pytest.approx(math.log(2) / 12, rel=0.02)
    assert measure(wave, wave, RATE)[0] == 0.0


def test_voicing_errors_of_a_half_that_is_noise(world):
    measure = find_metric("vuv_error").measure
    wave = harmonics(200.0)
    noisy = wave.copy()
    noisy[RATE // 2 :] = np.random.default_rng(0).normal(0, 0.05, RATE // 2)
    wrong, frames = measure(wave, noisy, RATE)
    assert frames == 201 and wrong == pytest.approx(100, abs=12)
    assert measure(wave, wave, RATE)[0] == 0


def test_mel_cepstral_distortion(world):
    measure = find_metric("mcd").measure
    wave = harmonics(150.0)
    assert measure(wave, wave, RATE)[0] < 1e-5
    assert measure(wave, 0.1 * wave, RATE)[0] < 0.5  # c_0 does not count
    bright = measure(wave, harmonics(150.0, 0.6), RATE)[0]
    brighter = measure(wave, harmonics(150.0, 0.3), RATE)[0]
    assert 1.0 < bright < brighter < 20.0
    with pytest.raises(UndefinedMeasure, match="constant"):
        measure(np.zeros(RATE), wave, RATE)


def test_distortion_of_a_known_difference_of_cepstra(monkeypatch):
    """Envelopes that differ by d in c_1 alone are (10 / ln 10) sqrt(2) d apart, 6.14 d."""
    alpha, omega = warping(RATE), np.linspace(0.0, np.pi, 513)
    bent = omega + 2.0 * np.arctan(alpha * np.sin(omega) / (1.0 - alpha * np.cos(omega)))
    pair = [Analysis(np.zeros(4), np.exp(2.0 * c * np.cos(bent)) * np.ones((4, 1))) for c in (0.3, 0.8)]
    monkeypatch.setattr(mcd, "analyses", lambda *signals: pair)
    assert mcd.mcd(np.zeros(1), np.zeros(1), RATE) == pytest.approx(10 / math.log(10) * math.sqrt(2) * 0.5)


def test_pooled_values_are_of_all_frames():
    metric = find_metric("logf0_rmse")
    columns = {"utt": np.array(["a", "b"]), "logf0_squares": np.array([4.0, 0.0]), "logf0_frames": np.array([1, 3])}
    sums = {name: values.sum() for name, values in metric.counts(ScoreTable(columns)).items()}
    assert metric.value(sums) == 1.0
    metric = find_metric("vuv_error")
    columns = {"utt": np.array(["a", "b"]), "vuv_wrong": np.array([1, 4]), "vuv_frames": np.array([10, 10])}
    sums = {name: values.sum() for name, values in metric.counts(ScoreTable(columns)).items()}
    assert metric.value(sums) == 25.0


def test_distance_of_half_the_level():
    wave = np.random.default_rng(0).normal(0, 0.1, RATE)
    assert mstft(wave, wave) == 0.0
    assert mstft(wave, 0.5 * wave) == pytest.approx(0.5 + math.log(2), rel=1e-3)
    with pytest.raises(UndefinedMeasure, match="no longer than 1024 samples"):
        mstft(wave[:1024], wave[:1024])


def test_pesq_of_higher_rates_is_that_of_16_khz():
    pytest.importorskip("pesq")
    soxr = pytest.importorskip("soxr")
    clean, noisy = voice(RATE, 1.0)
    up = [soxr.resample(wave, RATE, 24000, quality="HQ") for wave in (clean, noisy)]
    assert pesq(*up, 24000) == pytest.approx(pesq(clean, noisy, RATE), abs=0.05)


def write_waves(folder: Path, waves: dict[str, np.ndarray], rate: int = RATE) -> Path:
    folder.mkdir(parents=True)
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", rate) as writer:
        for name, wave in waves.items():
            writer[name] = wave
    write_list(folder / "utt2spk", {name: name.split("-")[0] for name in waves})
    return folder


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    waves = {f"{speaker}-{number}": voice(RATE, 1.0, seed=number)[0] for speaker in "ab" for number in range(2)}
    data = write_waves(tmp_path / "data", waves)
    made = {
        name: (wave + rng.normal(0, 0.003, len(wave)))[: len(wave) - 100].astype(np.float32)
        for name, wave in waves.items()
    }
    return data, write_waves(tmp_path / "vocode_test", made)


def test_score_voc(nrsr_main, folders, world, tmp_path):
    data, estimates = folders
    command = ["score-voc", "--data", data, "--estimates", estimates, "--out", tmp_path / "score", "--draws", 1000]
    status, out, err = nrsr_main(*command)
    assert status == 0, err
    content = json.loads((tmp_path / "score/scores.json").read_text())
    assert {"mcd", "mstft", "logf0_rmse", "vuv_error", "stoi"} <= set(content["total"])
    assert 0 < content["total"]["mcd"] < 20 and 0.5 < content["total"]["stoi"] < 1
    assert "MCD in dB" in out and {"a", "b"} == set(content["speaker"])
    status, out, err = nrsr_main(*command[:5], "--versus", data, "--metrics", "mstft", "--draws", 1000)
    assert status == 0 and "M-STFT" in out


def test_lengths_that_no_frame_explains(nrsr_main, folders, tmp_path):
    data, _ = folders
    short = write_waves(
        tmp_path / "short", {f"{s}-{n}": np.full(8000, 0.1, np.float32) for s in "ab" for n in range(2)}
    )
    status, _, err = nrsr_main("score-voc", "--data", data, "--estimates", short, "--metrics", "mstft")
    assert status == 1 and "8000 samples beside 16000 of the reference" in err
    slow = write_waves(
        tmp_path / "slow", {f"{s}-{n}": np.full(8000, 0.1, np.float32) for s in "ab" for n in range(2)}, 8000
    )
    status, _, err = nrsr_main("score-voc", "--data", data, "--estimates", slow, "--metrics", "mstft")
    assert status == 1 and "8000" in err
    status, _, err = nrsr_main("score-voc", "--data", data, "--estimates", data, "--metrics", "wer")
    assert status == 1 and "--metrics wer: compares no signals" in err
