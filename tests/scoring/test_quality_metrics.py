"""Metrics of enhanced speech: worked numbers, values of other implementations, and properties that must hold."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_speech import voice

from nrsr.scoring import UndefinedMeasure, find_metric
from nrsr.scoring.composite import regressed_pesq
from nrsr.scoring.dnsmos import excerpts
from nrsr.scoring.metrics.llr import autocorrelation, predictor
from nrsr.scoring.metrics.wss import slope_weights
from nrsr.scoring.signals import once

GOLDEN = Path(__file__).parent / "golden" / "pysepm.tsv"

# Of `voice` at 8 and 16 kHz. segSNR, LLR and WSS are those of pysepm-evo 0.1.1, and CSIG, CBAK and COVL follow from
# them and from pesq 0.0.4; STOI and ESTOI are of pystoi 0.4.1.
WORKED = {
    8000: {
        "segsnr": 4.594635, "llr": 1.333603, "wss": 24.340814, "pesq": 3.149391, "csig": 3.442946, "cbak": 3.291944,
        "covl": 3.332417, "stoi": 0.702372, "estoi": 0.220074,
    },
    16000: {
        "segsnr": 4.546120, "llr": 2.909864, "wss": 17.249326, "pesq": 1.431476, "csig": 1.0, "cbak": 2.483906,
        "covl": 1.135743, "stoi": 0.791203, "estoi": 0.219045,
    },
}  # fmt: skip
# Of 9.1 s of `voice` at 16 kHz, by speechmos 0.0.1.1 with librosa 0.11.0.
DNSMOS = {"dnsmos_sig": 2.290502, "dnsmos_bak": 1.545367, "dnsmos_ovrl": 1.541276, "dnsmos_p808": 2.294955}
FRAMED = ("segsnr", "llr", "wss")


def measured(name: str, clean: np.ndarray, estimate: np.ndarray, rate: int) -> float:
    metric = find_metric(name)
    for library in metric.library.split():
        pytest.importorskip(library)
    return metric.measure(clean, estimate, rate)[0]


@pytest.mark.parametrize(("rate", "name"), [(rate, name) for rate, values in WORKED.items() for name in values])
def test_worked_numbers(rate, name):
    assert measured(name, *voice(rate), rate) == pytest.approx(WORKED[rate][name], abs=2e-5)


def test_composites_take_the_raw_score_of_pesq_at_8_khz():
    """P.862.1 maps 3.0 of P.862 to 2.7385..., and P.862.2 is used as it is."""
    pytest.importorskip("pesq")
    clean, noisy = voice(8000)
    raw = regressed_pesq(clean, noisy, 8000)
    assert 0.999 + 4 / (1 + np.exp(-1.4945 * raw + 4.6607)) == pytest.approx(WORKED[8000]["pesq"], abs=1e-5)
    clean, noisy = voice(16000)
    assert regressed_pesq(clean, noisy, 16000) == pytest.approx(WORKED[16000]["pesq"], abs=1e-5)


def test_real_recordings_have_the_values_of_pysepm(shared_data):
    """100 recordings of fsdd (8 kHz) and ravdess (16 kHz) in nonspeech at -5 to 20 dB."""
    rows = [line.split("\t") for line in GOLDEN.read_text().splitlines()]
    for path, noise, snr, *values in rows[1:]:
        clean, rate = soundfile.read(shared_data / path, dtype="float32", always_2d=True)
        sound, other = soundfile.read(shared_data / noise, dtype="float32")
        clean, sound = clean[:, 0], np.resize(soxr.resample(sound, other, rate), len(clean))
        noisy = clean + sound * np.sqrt((clean @ clean) / (sound @ sound) / 10 ** (float(snr) / 10))
        found = [measured(name, clean, noisy, rate) for name in FRAMED]
        assert found == pytest.approx([float(value) for value in values], abs=1e-3), path


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 999), level=st.floats(-40, 20), gain=st.floats(0.1, 10), rate=st.sampled_from([8000, 16000]))
def test_levels_limits_and_perfect_estimates(seed, level, gain, rate):
    """Both signals louder alike change nothing; a perfect estimate is best; composites stay between 1 and 5."""
    clean, _ = voice(rate, 0.3, seed)
    noisy = clean + 0.03 * 10 ** (-level / 20) * np.random.default_rng(seed).normal(size=len(clean))
    for name in (*FRAMED, "si_sdr"):
        value, perfect = measured(name, clean, noisy, rate), measured(name, clean, clean, rate)
        assert measured(name, gain * clean, gain * noisy, rate) == pytest.approx(value, rel=1e-3, abs=1e-3)
        assert perfect >= value if find_metric(name).better == "higher" else perfect <= value
    assert measured("llr", clean, clean, rate) == pytest.approx(0, abs=1e-9)
    assert measured("wss", clean, clean, rate) == 0
    assert measured("segsnr", clean, clean, rate) == 35
    assert -10 <= measured("segsnr", clean, noisy, rate) <= 35
    assert measured("llr", clean, noisy, rate) >= -1e-9
    assert measured("si_sdr", clean, -gain * noisy, rate) == pytest.approx(measured("si_sdr", clean, noisy, rate))


@pytest.mark.parametrize("name", ["csig", "cbak", "covl"])
def test_composites_lie_between_1_and_5(name):
    clean, _ = voice(16000)
    loud = clean + 10 * np.random.default_rng(1).normal(size=len(clean))
    assert measured(name, clean, clean, 16000) == (5.0 if name != "cbak" else pytest.approx(5.0))
    assert 1.0 <= measured(name, clean, loud, 16000) < 1.5


def test_si_sdr_counts_an_offset_that_si_snr_takes_off():
    clean, noisy = voice(8000)
    clean = clean - clean.mean()
    offset = 0.05
    assert measured("si_snr", clean, noisy + offset, 8000) == pytest.approx(measured("si_snr", clean, noisy, 8000))
    power = 10 ** (-measured("si_sdr", clean, noisy, 8000) / 10)
    more = 10 ** (-measured("si_sdr", clean, noisy + offset, 8000) / 10)
    scale = (noisy + offset) @ clean / (clean @ clean)
    added = offset**2 + 2 * offset * noisy.mean()
    assert more - power == pytest.approx(added / (scale**2 * np.mean(clean**2)), rel=1e-6)


def test_the_predictor_solves_the_normal_equations():
    rng = np.random.default_rng(0)
    correlations = autocorrelation(rng.normal(size=(5, 240)), 10)
    filters = predictor(correlations)
    for own, found in zip(correlations, filters, strict=True):
        matrix = own[np.abs(np.subtract.outer(np.arange(10), np.arange(10)))]
        np.testing.assert_allclose(found[1:], -np.linalg.solve(matrix, own[1:]), rtol=1e-9)


def test_llr_leaves_digital_silence_out():
    """Its frames end with the last one that begins in the voice."""
    clean, noisy = voice(8000, 0.6)
    clean[2400:] = 0
    value = measured("llr", clean, noisy, 8000)
    assert value == measured("llr", clean[: 2400 + 240], noisy[: 2400 + 240], 8000)
    assert value == pytest.approx(measured("llr", clean[:2400], noisy[:2400], 8000), abs=0.1)
    click = np.zeros(1000)
    click[-1] = 0.1
    with pytest.raises(UndefinedMeasure, match="no frame of the source sounds"):
        measured("llr", click, click, 8000)


def test_weights_of_slopes_look_for_the_nearest_peak():
    """Levels 0 6 9 4 2 5 dB: bands 0 and 1 rise to 9 dB, of which 6 dB is taken; 2 and 3 fall from it; 4 rises to 5."""
    levels = np.array([[0.0, 6.0, 9.0, 4.0, 2.0, 5.0]])
    found = slope_weights(levels, np.diff(levels))
    below_loudest, below_peak = np.array([9, 3, 0, 5, 7]), np.array([6, 0, 0, 5, 0])
    np.testing.assert_allclose(found[0], 20 / (20 + below_loudest) / (1 + below_peak))


@pytest.mark.parametrize("name", ["segsnr", "llr", "wss", "si_sdr", "csig", "cbak", "covl", "stoi", "estoi", "pesq"])
def test_a_silent_reference_or_one_sample_has_no_value(name):
    clean, noisy = (np.float32(wave) for wave in voice(8000, 0.5))
    with pytest.raises(UndefinedMeasure):
        measured(name, np.zeros_like(clean), noisy, 8000)
    with pytest.raises(UndefinedMeasure):
        measured(name, clean[:1], noisy[:1], 8000)


@pytest.mark.parametrize(("name", "value"), [("stoi", 0), ("estoi", 0), ("si_sdr", -50), ("segsnr", 0)])
def test_a_silent_estimate(name, value):
    """All noise is the missing speech: segSNR 0 dB where speech is."""
    clean, _ = voice(16000)
    assert measured(name, clean, np.zeros_like(clean), 16000) == pytest.approx(value, abs=1e-6)
    for other in ("llr", "wss"):
        assert measured(other, clean, np.zeros_like(clean), 16000) > measured(other, *voice(16000), 16000)


def test_integers_have_the_values_of_floats():
    clean, noisy = (np.int16(32767 * wave) for wave in voice(8000))
    for name in (*FRAMED, "si_sdr", "stoi", "estoi"):
        value = measured(name, clean / 32768.0, noisy / 32768.0, 8000)
        assert measured(name, clean, noisy, 8000) == pytest.approx(value, rel=1e-3)


def test_other_rates_are_named():
    clean, noisy = voice(44100, 0.5)
    with pytest.raises(UndefinedMeasure, match="8000 and 16000 Hz, not 44100"):
        measured("csig", clean, noisy, 44100)
    assert measured("segsnr", clean, noisy, 44100) > 0


def test_estoi_does_not_depend_on_numpys_generator():
    clean, noisy = voice(8000)
    clean[3000:6000], noisy[3000:6000] = 0, 0
    np.random.seed(1)
    first, state = measured("estoi", clean, noisy, 8000), np.random.get_state()[1]
    np.random.seed(2)
    assert measured("estoi", clean, noisy, 8000) == first
    np.random.seed(1)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_what_metrics_share_is_measured_once():
    calls = []

    @once
    def level(source, estimate, rate):
        calls.append(rate)
        if rate == 1:
            raise UndefinedMeasure("no")
        return len(calls)

    one, two = np.zeros(3), np.zeros(3)
    assert [level(one, two, 2), level(one, two, 2), level(two, one, 2), level(one, two, 2)] == [1, 1, 2, 3]
    for _ in range(2):
        with pytest.raises(UndefinedMeasure, match="^no$"):
            level(one, two, 1)
    assert calls == [2, 2, 2, 1]


@pytest.mark.parametrize(("seconds", "count"), [(0.1, 3), (1, 7), (4, 7), (9.1, 1), (10.6, 1), (11, 2), (30.5, 21)])
def test_excerpts_of_dnsmos_are_those_of_its_authors(seconds, count):
    """A short signal is doubled until it is long enough; then an excerpt begins each second."""
    wave = np.arange(round(16000 * seconds), dtype=np.float32)
    found = excerpts(wave, 16000)
    assert found.shape == (count, 144160)
    np.testing.assert_array_equal(found[-1], np.resize(wave, 16000 * (count - 1) + 144160)[16000 * (count - 1) :])
    with pytest.raises(UndefinedMeasure, match="20 ms"):
        excerpts(wave[:320], 16000)


def test_dnsmos_has_the_values_of_speechmos_without_a_reference():
    _, noisy = voice(16000, 9.1)
    for name, value in DNSMOS.items():
        assert measured(name, None, noisy, 16000) == pytest.approx(value, abs=2e-4)


def test_dnsmos_brings_8_khz_to_16():
    _, noisy = voice(8000, 9.1)
    value = measured("dnsmos_ovrl", None, noisy, 8000)
    assert value == pytest.approx(measured("dnsmos_ovrl", None, soxr.resample(noisy, 8000, 16000), 16000), abs=1e-3)
