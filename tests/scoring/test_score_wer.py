"""nrsr score-wer: figures worked by hand, jiwer's totals, breakdowns, files, bad input."""

import json
import random

import jiwer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.kaldi import read_list
from nrsr.scoring import find_metric, score_texts, summarise
from nrsr.scoring.table import read_table

REF = {"a-1": "one two three", "a-2": "four", "b-1": "five six", "b-2": "", "b-3": "seven"}
HYP = {"a-1": "one too three", "a-2": "four", "b-1": "six", "b-2": "oh", "b-3": "seven seven"}
WORDS = st.lists(st.sampled_from(["on", "one", "two", "tow", "to"]), max_size=6).map(" ".join)


def write(path, entries):
    path.write_text("".join(f"{key} {value}".rstrip() + "\n" for key, value in entries.items()), encoding="utf-8")
    return path


@pytest.fixture
def texts(tmp_path):
    return write(tmp_path / "ref", REF), write(tmp_path / "hyp", HYP)


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder / "utt2spk", {utterance: utterance[0] for utterance in REF})
    write(folder / "utt2noise", dict.fromkeys(REF, "wind"))
    write(folder / "utt2noisefile", {utterance: f"n{number % 2}" for number, utterance in enumerate(REF)})
    write(folder / "utt2snr", dict(zip(REF, ["10", "-5.0", "-5", "0", "10.0"], strict=True)))
    return folder


def test_worked_figures(nrsr_main, texts, data, tmp_path):
    status, out, err = nrsr_main("score-wer", "--data", data, "--out", tmp_path / "score", *texts)
    assert status == 0
    summary = json.loads((tmp_path / "score" / "wer.json").read_text())
    total = summary["total"]
    counts = ("utterances", "utterances_with_errors", "words", "substitutions", "deletions", "insertions", "errors")
    assert [total[name] for name in counts] == [5, 4, 7, 1, 1, 2, 4]
    assert total["wer"] == pytest.approx(400 / 7)
    # Characters: 13 + 4 + 8 + 0 + 5; two -> too 1, "five " 5, "oh" 2, " seven" 6.
    assert (total["characters"], total["character_errors"]) == (30, 14)
    assert list(summary["snr"]) == ["-5", "0", "10"]
    assert summary["snr"]["-5"]["wer"] == pytest.approx(100 / 3)
    assert summary["snr"]["0"]["wer"] is None
    assert summary["snr"]["0"]["insertions"] == 1
    assert {name: row["errors"] for name, row in summary["speaker"].items()} == {"a": 1, "b": 3}
    assert summary["noise"]["wind"]["words"] == 7
    assert summary["bootstrap"] == {"over": ["utterances", "noise recordings"], "draws": 2000, "seed": 0}
    low, high = total["wer_interval"]
    assert 0 <= low < total["wer"] < high
    assert "1 of 5 references have no words" in err
    assert "b-2" in err
    assert "57.14 [" in out
    assert "undefined" in out
    assert "speaker" not in out
    assert "speaker" in (tmp_path / "score" / "wer.txt").read_text()
    aligned = (tmp_path / "score" / "aligned.txt").read_text()
    assert "a-1 words 3 S 1 D 0 I 0\n  ref  one two three\n  hyp  one too three\n           S\n" in aligned
    assert (tmp_path / "score" / "scores.tsv").read_text().splitlines()[:3] == [
        "utt\tspk\tnoise\tnoisefile\tsnr\tuniq\twords\tsub\tdel\tins\tchars\tchar_errors",
        "a-1\ta\twind\tn0\t10\t-\t3\t1\t0\t0\t13\t1",
        "a-2\ta\twind\tn1\t-5.0\t-\t1\t0\t0\t0\t4\t0",
    ]
    assert {path.name for path in (tmp_path / "score").iterdir()} == {
        "wer.txt",
        "wer.json",
        "aligned.txt",
        "scores.tsv",
    }


def test_without_data_directory(nrsr_main, texts):
    status, out, _ = nrsr_main("score-wer", "--cer", *texts)
    assert status == 0
    assert "over utterances (2000 draws)" in out
    assert "CER" in out
    assert "46.67" in out
    assert "SNR" not in out


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(WORDS.filter(bool), WORDS), min_size=1, max_size=5))
def test_totals_are_those_of_jiwer(pairs):
    reference = {f"u{number}": said for number, (said, _) in enumerate(pairs)}
    hypothesis = {f"u{number}": heard for number, (_, heard) in enumerate(pairs)}
    table = score_texts(reference, hypothesis, {})
    total = summarise(table, [find_metric("wer"), find_metric("cer")], draws=10)["total"][""]
    words = jiwer.process_words(list(reference.values()), list(hypothesis.values()))
    ours = tuple(int(table.counts(name).sum()) for name in ("sub", "del", "ins"))
    assert ours == (words.substitutions, words.deletions, words.insertions)
    assert total["wer"]["value"] == pytest.approx(100 * words.wer)
    characters = jiwer.cer(list(reference.values()), list(hypothesis.values()))
    assert total["cer"]["value"] == pytest.approx(100 * characters)


def test_identical_texts_have_no_errors(nrsr_main, texts):
    status, out, _ = nrsr_main("score-wer", texts[0], texts[0])
    assert status == 0
    assert "0.00 [0.00, 0.00]" in out


def test_versus_is_paired(nrsr_main, texts, tmp_path):
    worse = write(tmp_path / "worse", dict.fromkeys(REF, "nine"))
    out_dir = tmp_path / "out"
    status, out, _ = nrsr_main("score-wer", "--out", out_dir, *texts, "--versus", worse)
    assert status == 0
    versus = json.loads((out_dir / "wer.json").read_text())["versus"]
    # 8 errors in `worse` (3 + 1 + 2 + 1 + 1), 4 in HYP, over 7 words.
    assert versus["difference"] == pytest.approx(-400 / 7)
    assert versus["relative"] == pytest.approx(-50)
    assert versus["versus_wer"] - versus["wer"] == pytest.approx(400 / 7)
    assert f"-57.14 [{versus['difference_interval'][0]:+.2f}" in out
    status, out, _ = nrsr_main("score-wer", *texts, "--versus", texts[1])
    assert "+0.00 [+0.00, +0.00]" in out
    assert "0.500" in out


def test_order_of_lines_and_white_space_do_not_matter(nrsr_main, texts, tmp_path):
    shuffled = list(HYP.items())
    random.Random(0).shuffle(shuffled)
    other = tmp_path / "other"
    other.write_bytes("".join(f"{u}\t {t.replace(' ', '  ')} \r\n" for u, t in shuffled).encode())
    assert nrsr_main("score-wer", texts[0], other) == nrsr_main("score-wer", *texts)


@pytest.mark.parametrize(
    ("hypothesis", "message"),
    [
        ({k: v for k, v in HYP.items() if k[0] == "a"}, "3 missing (first b-1), none extra"),
        (HYP | {"c-1": "one"}, "none missing, 1 extra (first c-1)"),
        ({}, "5 missing (first a-1)"),
    ],
)
def test_mismatched_ids_are_refused(nrsr_main, texts, tmp_path, hypothesis, message):
    path = write(tmp_path / "other", hypothesis)
    status, out, err = nrsr_main("score-wer", "--out", tmp_path / "score", texts[0], path)
    assert (status, out) == (1, "")
    assert message in err
    assert str(path) in err
    assert err.count("\n") == 1
    assert not (tmp_path / "score").exists()


def test_duplicate_ids_are_refused(nrsr_main, texts, tmp_path):
    path = tmp_path / "twice"
    path.write_text(texts[1].read_text() + "a-1 one\n")
    status, _, err = nrsr_main("score-wer", texts[0], path)
    assert status == 1
    assert f"{path}:6" in err
    assert "a-1" in err


def test_empty_references_alone_have_no_wer(nrsr_main, texts, tmp_path):
    path = write(tmp_path / "empty", dict.fromkeys(REF, ""))
    status, _, err = nrsr_main("score-wer", path, texts[1])
    assert status == 1
    assert "holds no words" in err


def test_clean_utterances_beside_noisy_ones_have_no_noise(nrsr_main, texts, data, tmp_path):
    for name in ("utt2noise", "utt2noisefile", "utt2snr"):
        write(data / name, {utterance: text for utterance, text in read_list(data / name).items() if utterance > "a-2"})
    status, _, err = nrsr_main("score-wer", "--data", data, "--out", tmp_path / "score", *texts)
    assert status == 0, err
    table = read_table(tmp_path / "score" / "scores.tsv")
    known = [utterance > "a-2" for utterance in REF]
    for label in ("noise", "noisefile", "snr"):
        assert [value != "-" for value in table.label(label).tolist()] == known
    assert "-" not in table.label("spk").tolist()


def test_data_directory_of_other_utterances(nrsr_main, texts, data, tmp_path):
    write(data / "utt2spk", {"a-1": "a"})
    status, _, err = nrsr_main("score-wer", "--data", data, *texts)
    assert status == 1
    assert "utt2spk: lacks 4 utterance(s) of the reference (first a-2)" in err
    status, _, err = nrsr_main("score-wer", "--data", tmp_path / "nowhere", *texts)
    assert status == 1
    assert "nowhere" in err


def test_few_draws_are_refused(nrsr_main, texts):
    status, _, err = nrsr_main("score-wer", "--draws", "100", *texts)
    assert status == 2
    assert "'100' is no number of draws; take at least 1000" in err


def test_a_negative_seed_is_refused(nrsr_main, texts):
    status, _, err = nrsr_main("score-wer", "--seed", "-1", *texts)
    assert status == 2
    assert "'-1' is no whole number from 0" in err


def test_labels_that_read_as_numbers_stay_apart(nrsr_main, tmp_path):
    """Speakers, noises and recordings are text; the eight recordings of one day each are drawn for themselves."""
    ids = [f"u{number}" for number in range(8)]
    speakers = ["01", "1", "1234567", "1234568", "1e2", "100", "0x10", "16"]
    noises = ["4e2", "400", "4e2", "400", "hum", "hum", "1_0", "10"]
    recordings = [f"2019010{number}" for number in range(8)]
    data = tmp_path / "data"
    data.mkdir()
    for name, labels in (("utt2spk", speakers), ("utt2noise", noises), ("utt2noisefile", recordings)):
        write(data / name, dict(zip(ids, labels, strict=True)))
    snrs = ["5", "5.0", "+5", "5e0", "-5", "-05", "clean", "1_0"]
    write(data / "utt2snr", dict(zip(ids, snrs, strict=True)))
    reference = write(tmp_path / "ref", dict.fromkeys(ids, "one two"))
    hypothesis = write(tmp_path / "hyp", {name: "one two" if number % 2 else "x x" for number, name in enumerate(ids)})
    status, _, err = nrsr_main("score-wer", "--data", data, "--out", tmp_path / "score", reference, hypothesis)
    assert status == 0, err
    summary = json.loads((tmp_path / "score" / "wer.json").read_text())
    assert {name: row["wer"] for name, row in summary["speaker"].items()} == {
        speaker: 0.0 if number % 2 else 100.0 for number, speaker in enumerate(speakers)
    }
    assert {name: row["utterances"] for name, row in summary["noise"].items()} == {
        "4e2": 2, "400": 2, "hum": 2, "1_0": 1, "10": 1
    }  # fmt: skip
    # SNRs compare as numbers, and the shortest spelling stands for all.
    assert {name: row["utterances"] for name, row in summary["snr"].items()} == {"-5": 2, "5": 4, "1_0": 1, "clean": 1}
    assert list(summary["snr"]) == ["-5", "5", "1_0", "clean"]
    low, high = summary["total"]["wer_interval"]
    assert low < 20 and high > 80  # of one recording, and not eight, the interval would be narrower
    rows = [line.split("\t") for line in (tmp_path / "score" / "scores.tsv").read_text().splitlines()[1:]]
    assert [row[1:5] for row in rows] == [list(row) for row in zip(speakers, noises, recordings, snrs, strict=True)]


def test_a_label_of_several_words_stays_as_it_is(nrsr_main, texts, data, tmp_path):
    write(data / "utt2noise", {name: ("car horn", "car_horn")[number % 2] for number, name in enumerate(REF)})
    status, out, err = nrsr_main("score-wer", "--data", data, *texts)
    assert status == 0, err
    assert "\ncar horn " in out and "\ncar_horn " in out
    write(data / "utt2noise", dict.fromkeys(REF, "car\thorn"))
    status, _, err = nrsr_main("score-wer", "--data", data, *texts)
    assert status == 1 and "utt2noise: the label of a-1 holds a tab" in err and err.count("\n") == 1
