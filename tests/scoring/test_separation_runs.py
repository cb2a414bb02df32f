"""Pooled separation figures: worked means and differences, seeds, folds, missing runs, and the report's tables."""

from pathlib import Path

import numpy as np
import pytest

from nrsr.scoring.experiments import ExperimentsError
from nrsr.scoring.separation_runs import find_separation_runs, pool_separation
from nrsr.scoring.utterances import COUNTS, LABELS

MIXTURES = [f"m{number}" for number in range(8)]


def write_run(folder: Path, name: str, gains: dict[str, float], mixtures=MIXTURES, snr="5") -> None:
    """A run whose SI-SNRi is gain + number of the mixture on each set, and whose SDRi is twice that."""
    for test_set, gain in gains.items():
        path = folder / name / f"separate_{test_set}" / "score" / "utterances.tsv"
        path.parent.mkdir(parents=True)
        lines = ["utt\tnoise\tnoisefile\tsnr\tsi_snr\tsi_snr_i\tsdr_i"]
        for number, utt in enumerate(mixtures):
            value = gain + number
            sdr = "-" if number == 0 else f"{2 * value}"
            lines.append(f"{utt}\train\tn{number % 3}\t{snr}\t{value - 1}\t{value}\t{sdr}")
        path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def exp(tmp_path) -> Path:
    for seed, offset in ((1, 0.0), (2, 2.0)):
        write_run(tmp_path, f"sum_seed{seed}", {"seen": 1.0 + offset, "unseen": offset})
        write_run(tmp_path, f"gm_seed{seed}", {"seen": 1.5 + offset, "unseen": offset + 0.1 * seed})
    write_run(tmp_path, "gm_seed3", {"seen": 30.0})
    write_run(tmp_path, "odd", {"seen": 0.0})
    return tmp_path


def test_worked_figures(exp):
    runs, left_out = find_separation_runs(exp, ["seen", "unseen"])
    assert left_out == ["odd"]
    assert [(run.system, run.seed) for run in runs] == [("gm", 1), ("gm", 2), ("gm", 3), ("sum", 1), ("sum", 2)]
    pooled = pool_separation(runs, ["seen", "unseen", "nowhere"], "sum", draws=500)
    assert list(pooled) == ["seen", "unseen"]
    seen = pooled["seen"]
    assert seen["drawn"] == [8, 3]
    figure = seen["systems"]["sum"]["si_snr_i"]
    assert figure["mean"] == pytest.approx(2.0 + 3.5)
    assert figure["deviation"] == pytest.approx(np.sqrt(2.0))
    assert figure["interval"][0] < figure["mean"] < figure["interval"][1]
    assert figure["mixtures"] == 8
    assert seen["systems"]["sum"]["sdr_i"]["mean"] == pytest.approx(2 * (2.0 + 4.0))  # the first is undefined
    assert seen["systems"]["sum"]["sdr_i"]["mixtures"] == 7
    # Only seeds 1 and 2 are paired; every mixture gains 0.5 dB, so every draw does.
    difference = seen["differences"]["gm"]["si_snr_i"]
    assert (difference["mean"], difference["pairs"], difference["better"]) == (pytest.approx(0.5), 2, 1.0)
    assert difference["interval"] == pytest.approx((0.5, 0.5))
    assert difference["deviation"] == pytest.approx(0.0)
    unseen = pooled["unseen"]["differences"]["gm"]["si_snr_i"]  # 0.1 and 0.2 dB in the two seeds
    assert (unseen["mean"], unseen["deviation"]) == (pytest.approx(0.15), pytest.approx(np.sqrt(0.005)))


def test_folds_stand_side_by_side(tmp_path):
    for fold, gain in ((0, 1.0), (1, 3.0)):
        write_run(tmp_path, f"sum_fold{fold}_seed1", {"seen": gain})
    write_run(tmp_path, "gm_fold1_seed1", {"seen": 4.0})
    runs, _ = find_separation_runs(tmp_path, ["seen"])
    seen = pool_separation(runs, ["seen"], "sum", draws=100)["seen"]
    assert seen["drawn"] == [16, 3]
    assert seen["systems"]["sum"]["si_snr_i"]["mean"] == pytest.approx(2.0 + 3.5)
    assert seen["systems"]["gm"]["si_snr_i"]["mean"] == pytest.approx(7.5)
    assert seen["systems"]["gm"]["si_snr_i"]["mixtures"] == 8
    assert seen["differences"]["gm"]["si_snr_i"]["mean"] == pytest.approx(1.0)


def test_bad_folders_are_named(tmp_path, exp):
    with pytest.raises(ExperimentsError, match="holds no <system>"):
        find_separation_runs(tmp_path / "nowhere", ["seen"])
    write_run(exp, "other_seed1", {"seen": 0.0}, mixtures=MIXTURES[:5])
    with pytest.raises(ExperimentsError, match="mixtures or noises are not those of"):
        find_separation_runs(exp, ["seen"])
    (exp / "other_seed1/separate_seen/score/utterances.tsv").write_text("utt\tsi_snr\nm0\n")
    with pytest.raises(ExperimentsError, match="is no table of score-sep"):
        find_separation_runs(exp, ["seen"])


def write_words(folder: Path, name: str, test_set: str, errors: int) -> None:
    """Scores of a recogniser on the two speakers of each of four mixtures, three words a speaker."""
    rows = [f"s{speaker}-m{number}-{speaker}" for number in range(4) for speaker in (1, 2)]
    counts = {"words": 3, "sub": errors, "chars": 9, "char_errors": errors}
    cells = [str(counts.get(count, 0)) for count in COUNTS]
    labels = {"noise": "rain", "noisefile": "n1"}
    lines = ["\t".join(LABELS + COUNTS)]
    for number, utterance in enumerate(rows):
        own = {"utt": utterance, "spk": utterance[:2], "snr": "0" if number < 4 else "10", **labels}
        lines.append("\t".join([own[label] for label in LABELS] + cells))
    path = folder / name / f"decode_{test_set}" / "score" / "utterances.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(lines) + "\n")


def test_what_a_recogniser_makes_of_it_stands_in_the_report(nrsr_main, exp):
    options = ("--sets", "seen,unseen", "--baseline", "sum", "--draws", "1000")
    status, out, err = nrsr_main("report-sep", "--exp", exp, *options)
    assert status == 0, err
    assert "recognised" not in out
    for name, errors in (("sum_seed1", 2), ("gm_seed1", 1), ("mixture_once", 3)):
        write_words(exp, name, "seen", errors)
    status, out, err = nrsr_main("report-sep", "--exp", exp, *options, "--out", exp / "RESULTS.md")
    assert status == 0, err
    text = (exp / "RESULTS.md").read_text()
    assert "**Separated speakers recognised. WER in %**" in text
    assert "| gm* | 33.33 | 33.33 | 33.33 |" in text  # seeds 2 and 3 were not recognised
    assert "| mixture | 100.00 | 100.00 | 100.00 |" in text
    assert "Primary figure: mean of 0, 10 dB" in text
    assert "| seen: gm* - sum* | -33.33 [-33.33, -33.33] | -50.0 % | 1.000 | 1 |" in text
    assert out.rstrip().splitlines()[-1].startswith("Intervals: 95 %, bootstrap: seen over 8 mixtures")


def test_the_report(nrsr_main, exp):
    results = exp / "RESULTS.md"
    results.write_text("# Ours\n\nA word before.\n")
    options = ("--sets", "seen,unseen", "--baseline", "sum", "--draws", "1000", "--out", results)
    status, out, err = nrsr_main("report-sep", "--exp", exp, *options)
    assert status == 0, err
    assert "odd is left out" in err
    text = results.read_text()
    assert "A word before." in text
    assert "| seen: gm - sum | +0.50 [+0.50, +0.50] |" in text
    assert "| sum | 5.50 [" in text
    assert out.rstrip().splitlines()[-1].startswith("Intervals: 95 %, bootstrap: seen over 8 mixtures and 3 noise")
