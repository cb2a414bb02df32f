"""Pooled means of separation, by the same road as WER: worked values, seeds apart from folds, ties, missing runs."""

from pathlib import Path

import numpy as np
import pytest

from nrsr.scoring import ExperimentsError, ScoreFileError, find_metric, find_runs, pool_runs

MIXTURES = [f"m{number}" for number in range(8)]
METRICS = [find_metric("si_snr_i"), find_metric("sdr_i")]


def write_run(folder: Path, name: str, gains: dict[str, float], mixtures=MIXTURES, snr="5") -> None:
    """A run whose SI-SNRi is gain + number of the mixture on each set, in the mean of two speakers, SDRi twice that."""
    for test_set, gain in gains.items():
        path = folder / name / f"separate_{test_set}" / "score" / "scores.tsv"
        path.parent.mkdir(parents=True)
        lines = ["utt\tsource\testimate\tnoise\tnoisefile\tsnr\tsi_snr\tsi_snr_i\tsdr\tsdr_i"]
        for number, utt in enumerate(mixtures):
            for source in (1, 2):
                value = gain + number + (source - 1.5)
                sdr = "-" if number == 0 else f"{2 * value}"
                lines.append(f"{utt}\t{source}\t1\train\tn{number % 3}\t{snr}\t{value - 1}\t{value}\t{sdr}\t{sdr}")
        path.write_text("\n".join(lines) + "\n")


def pooled_of(folder, sets, draws=1000):
    runs, _ = find_runs(folder, sets, METRICS[0])
    return pool_runs(runs, sets, ["sum"], METRICS, ["all"], draws)


def difference_of(pooled, test_set, metric="si_snr_i"):
    (comparison,) = pooled["sets"][test_set]["comparisons"]
    return comparison["pairs"], comparison["metrics"][metric]["all"]


@pytest.fixture
def exp(tmp_path) -> Path:
    for seed, offset in ((1, 0.0), (2, 2.0)):
        write_run(tmp_path, f"sum_seed{seed}", {"seen": 1.0 + offset, "unseen": offset})
        write_run(tmp_path, f"gm_seed{seed}", {"seen": 1.5 + offset, "unseen": offset + 0.1 * seed})
    write_run(tmp_path, "gm_seed3", {"seen": 30.0})
    write_run(tmp_path, "odd", {"seen": 0.0})
    return tmp_path


def test_worked_values(exp):
    runs, left_out = find_runs(exp, ["seen", "unseen"], METRICS[0])
    assert left_out == ["odd"]
    assert [(run.system, run.seed) for run in runs] == [("gm", 1), ("gm", 2), ("gm", 3), ("sum", 1), ("sum", 2)]
    pooled = pooled_of(exp, ["seen", "unseen", "nowhere"])
    assert list(pooled["sets"]) == ["seen", "unseen"] and pooled["sets_not_scored"] == ["nowhere"]
    seen = pooled["sets"]["seen"]
    assert (seen["utterances"], seen["noise_recordings"]) == (8, 3)
    own = seen["systems"]["sum"]["si_snr_i"]["all"]
    assert own["value"] == pytest.approx(2.0 + 3.5)
    assert own["seed_deviation"] == pytest.approx(np.sqrt(2.0))
    assert own["interval"][0] < own["value"] < own["interval"][1]
    assert seen["systems"]["sum"]["sdr_i"]["all"]["value"] == pytest.approx(2 * (2.0 + 4.0))  # the first is undefined
    # Only seeds 1 and 2 are paired; every mixture gains 0.5 dB, so every draw does.
    pairs, difference = difference_of(pooled, "seen")
    assert (pairs, difference["difference"]) == (2, pytest.approx(0.5))
    assert difference["probability_of_improvement"] == 1.0
    assert difference["interval"] == pytest.approx((0.5, 0.5))
    assert difference["seed_deviation"] == pytest.approx(0.0)
    _, unseen = difference_of(pooled, "unseen")  # 0.1 and 0.2 dB in the two seeds
    assert (unseen["difference"], unseen["seed_deviation"]) == (pytest.approx(0.15), pytest.approx(np.sqrt(0.005)))


def test_deviation_is_over_seeds_and_not_over_folds(tmp_path):
    """Folds differ by 10 dB and seeds by 2: what is told is that of the seeds, over all folds each."""
    for fold, gain in ((0, 0.0), (1, 10.0)):
        for seed, offset in ((1, 0.0), (2, 2.0)):
            write_run(tmp_path, f"sum_fold{fold}_seed{seed}", {"seen": gain + offset})
            write_run(tmp_path, f"gm_fold{fold}_seed{seed}", {"seen": gain + 2 * offset})
    write_run(tmp_path, "gm_fold0_seed3", {"seen": 99.0})  # a seed that lacks a fold
    pooled = pooled_of(tmp_path, ["seen"])
    assert pooled["sets"]["seen"]["systems"]["sum"]["si_snr_i"]["all"]["seed_deviation"] == pytest.approx(np.sqrt(2))
    assert pooled["sets"]["seen"]["systems"]["gm"]["si_snr_i"]["all"]["seed_deviation"] == pytest.approx(np.sqrt(8))
    pairs, difference = difference_of(pooled, "seen")
    assert (pairs, difference["seed_deviation"]) == (4, pytest.approx(np.sqrt(2)))
    # A single seed in two folds says nothing about seeds.
    (tmp_path / "one").mkdir()
    for fold in (0, 1):
        (tmp_path / "one" / f"sum_fold{fold}_seed1").symlink_to(tmp_path / f"sum_fold{fold}_seed1")
    alone = pooled_of(tmp_path / "one", ["seen"])["sets"]["seen"]["systems"]["sum"]["si_snr_i"]["all"]
    assert alone["seed_deviation"] is None and alone["value"] == pytest.approx(5.0 + 3.5)


def test_a_tie_is_half_an_improvement(tmp_path):
    for name in ("sum", "gm"):
        write_run(tmp_path, f"{name}_seed1", {"seen": 1.0})
    _, difference = difference_of(pooled_of(tmp_path, ["seen"]), "seen")
    assert difference["difference"] == 0 and difference["probability_of_improvement"] == 0.5


def test_folds_are_pooled_and_paired(tmp_path):
    for fold, gain in ((0, 1.0), (1, 3.0)):
        write_run(tmp_path, f"sum_fold{fold}_seed1", {"seen": gain})
    write_run(tmp_path, "gm_fold1_seed1", {"seen": 4.0})
    pooled = pooled_of(tmp_path, ["seen"])
    systems = pooled["sets"]["seen"]["systems"]
    assert systems["sum"]["si_snr_i"]["all"]["value"] == pytest.approx(2.0 + 3.5)
    assert systems["gm"]["si_snr_i"]["all"]["value"] == pytest.approx(7.5)
    assert difference_of(pooled, "seen")[1]["difference"] == pytest.approx(1.0)
    assert pooled["systems"]["gm"]["missing"] == ["fold 0 seed 1"]


def test_unequal_numbers_of_runs_in_folds_are_noted(nrsr_main, tmp_path):
    for name in ("sum", "gm"):
        for fold, seeds in ((0, (1, 2, 3)), (1, (1,))):
            for seed in seeds:
                write_run(tmp_path, f"{name}_fold{fold}_seed{seed}", {"seen": 4.0 * fold}, MIXTURES)
    options = ("--sets", "seen", "--baseline", "sum", "--draws", "1000", "--metric", "si_snr_i", "--primary", "all")
    note = "All runs count alike, so that folds with more runs weigh more: fold 0 has 3, fold 1 has 1 (sum, gm)."
    status, out, err = nrsr_main("report", "--exp", tmp_path, *options)
    assert status == 0, err
    assert note in out.splitlines()
    assert pooled_of(tmp_path, ["seen"])["sets"]["seen"]["systems"]["sum"]["si_snr_i"]["all"]["value"] == 1.0 + 3.5
    for name in ("sum", "gm"):
        for seed in (2, 3):
            write_run(tmp_path, f"{name}_fold1_seed{seed}", {"seen": 4.0})
    assert "weigh more" not in nrsr_main("report", "--exp", tmp_path, *options)[1]


def test_what_one_system_lacks_is_left_out_of_both(tmp_path):
    """An utterance without a value for one system must not tell in the difference."""
    write_run(tmp_path, "sum_seed1", {"seen": 1.0})
    write_run(tmp_path, "gm_seed1", {"seen": 1.5})
    path = tmp_path / "gm_seed1/separate_seen/score/scores.tsv"
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    path.write_text("\n".join("\t".join([*row[:7], "-", *row[8:]] if row[0] == "m7" else row) for row in rows) + "\n")
    pooled = pooled_of(tmp_path, ["seen"])
    assert pooled["sets"]["seen"]["systems"]["gm"]["si_snr_i"]["all"]["value"] == pytest.approx(1.5 + 3.0)
    assert difference_of(pooled, "seen")[1]["difference"] == pytest.approx(0.5)


def test_bad_folders_are_named(tmp_path, exp):
    with pytest.raises(ExperimentsError, match="holds no <system>.*SI-SNRi for the sets seen"):
        find_runs(tmp_path / "nowhere", ["seen"], METRICS[0])
    write_run(exp, "other_seed1", {"seen": 0.0}, mixtures=MIXTURES[:5])
    with pytest.raises(ExperimentsError, match="SNRs or noises are not those of"):
        find_runs(exp, ["seen"], METRICS[0])
    path = exp / "other_seed1/separate_seen/score/scores.tsv"
    path.write_text("utt\tsi_snr_i\nm0\n")
    with pytest.raises(ScoreFileError, match=":2: expected 2 cells, found 1"):
        find_runs(exp, ["seen"], METRICS[0])
    path.unlink()
    write_run(exp, "sum_seed01", {"seen": 0.0})
    with pytest.raises(ExperimentsError, match="sum_seed0?1 and .*sum_seed0?1 have one system, fold and seed"):
        find_runs(exp, ["seen"], METRICS[0])
    write_run(exp / "b", "sum_seed1", {"seen": 0.0})
    (exp / "b/sum_seed1/enhance_seen").symlink_to(exp / "b/sum_seed1/separate_seen")
    with pytest.raises(ExperimentsError, match="both hold SI-SNRi of seen; remove one"):
        find_runs(exp / "b", ["seen"], METRICS[0])


def test_snrs_that_are_spelled_otherwise_are_the_same(tmp_path):
    write_run(tmp_path, "sum_seed1", {"seen": 1.0}, snr="5")
    write_run(tmp_path, "gm_seed1", {"seen": 2.0}, snr="5.0")
    assert difference_of(pooled_of(tmp_path, ["seen"]), "seen")[1]["difference"] == pytest.approx(1.0)


def write_words(folder: Path, name: str, test_set: str, errors: int) -> None:
    """Scores of a recogniser on the two speakers of each of four mixtures, three words a speaker."""
    lines = ["utt\tspk\tnoise\tnoisefile\tsnr\twords\tsub\tdel\tins"]
    for number in range(8):
        utterance = f"s{number % 2}-m{number // 2}-{number % 2}"
        lines.append(f"{utterance}\t{utterance[:2]}\train\tn1\t{0 if number < 4 else 10}\t3\t{errors}\t0\t0")
    path = folder / name / f"decode_{test_set}" / "score" / "scores.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(lines) + "\n")


OPTIONS = ("--sets", "seen,unseen", "--baseline", "sum", "--draws", "1000", "--metric", "si_snr_i,sdr_i")
OPTIONS += ("--primary", "all", "--also", "wer")


def test_what_a_recogniser_makes_of_it_stands_in_the_report(nrsr_main, exp):
    status, out, err = nrsr_main("report", "--exp", exp, *OPTIONS)
    assert status == 0, err
    assert "WER" not in out
    for name, errors in (("sum_seed1", 2), ("gm_seed1", 1), ("mixture_once", 3)):
        write_words(exp, name, "seen", errors)
    status, out, err = nrsr_main("report", "--exp", exp, *OPTIONS, "--out", exp / "RESULTS.md")
    assert status == 0, err
    text = (exp / "RESULTS.md").read_text()
    before, _, words = text.partition("**WER in %**")
    assert "mixture" not in before.replace("mixtures", "")
    assert "| gm* | 33.33 |" in words  # seeds 2 and 3 were not recognised
    assert "| mixture | 100.00 |" in words
    assert "seen: mean of 0, 10 dB" in words
    assert "| seen: gm* - sum* | -33.33 [-33.33, -33.33] | -50.0 % | - | 1.000 | 1 |" in words
    assert "Above 0: better" in before and "Below 0: better" in words
    lines = out.rstrip().splitlines()
    assert "SI-SNRi, SDRi in dB" in lines[lines.index("What was measured: WER") :]  # the small table comes last


def test_the_report(nrsr_main, exp):
    results = exp / "RESULTS.md"
    results.write_text("# Ours\n\nA word before.\n")
    status, _, err = nrsr_main("report", "--exp", exp, *OPTIONS, "--out", results)
    assert status == 0, err
    assert "odd is left out" in err
    text = results.read_text()
    assert "A word before." in text
    assert "| seen: gm* - sum* | +0.50 [+0.50, +0.50] | +1.00 [+1.00, +1.00] | 0.00 | 1.000 | 2 |" in text
    assert "| sum* | 5.50 | 12.00 | 4.50 | 10.00 |" in text  # seed 3 of gm is lacking
    assert "Further metrics" in text and "| seen: sum* | 12.00 [" in text
