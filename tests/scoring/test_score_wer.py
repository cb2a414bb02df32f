"""nrsr score-wer: figures worked by hand, jiwer's totals, breakdowns, files, bad input."""

import json
import random

import jiwer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.scoring import ScoreFileError, read_scores, score_texts, summarise, write_scores

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
    assert (tmp_path / "score" / "utterances.tsv").read_text().splitlines()[:3] == [
        "utt\tspk\tnoise\tnoisefile\tsnr\twords\tsub\tdel\tins\tchars\tchar_errors",
        "a-1\ta\twind\tn0\t10\t3\t1\t0\t0\t13\t1",
        "a-2\ta\twind\tn1\t-5\t1\t0\t0\t0\t4\t0",
    ]
    assert {path.name for path in (tmp_path / "score").iterdir()} == {
        "wer.txt",
        "wer.json",
        "aligned.txt",
        "utterances.tsv",
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
    total = summarise(score_texts(reference, hypothesis, {}), draws=10)["total"]
    words = jiwer.process_words(list(reference.values()), list(hypothesis.values()))
    ours = total["substitutions"], total["deletions"], total["insertions"]
    assert ours == (words.substitutions, words.deletions, words.insertions)
    assert total["wer"] == pytest.approx(100 * words.wer)
    assert total["cer"] == pytest.approx(100 * jiwer.cer(list(reference.values()), list(hypothesis.values())))


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


def test_data_directory_of_other_utterances(nrsr_main, texts, data, tmp_path):
    write(data / "utt2snr", {"a-1": "5"})
    status, _, err = nrsr_main("score-wer", "--data", data, *texts)
    assert status == 1
    assert "utt2snr: lacks 4 utterance(s) of the reference (first a-2)" in err
    status, _, err = nrsr_main("score-wer", "--data", tmp_path / "nowhere", *texts)
    assert status == 1
    assert "nowhere" in err


def test_few_draws_are_refused(nrsr_main, texts):
    status, _, err = nrsr_main("score-wer", "--draws", "100", *texts)
    assert status == 2
    assert "at least 1000" in err


def test_a_negative_seed_is_refused(nrsr_main, texts):
    status, _, err = nrsr_main("score-wer", "--seed", "-1", *texts)
    assert status == 2
    assert "'-1' is no whole number from 0" in err


def test_scores_survive_writing(tmp_path):
    scores = score_texts(REF, HYP, {"spk": dict.fromkeys(REF, "ä")})
    write_scores(scores, tmp_path / "s.tsv")
    again = read_scores(tmp_path / "s.tsv")
    assert all((again[name] == scores[name]).all() for name in scores.columns)


@pytest.mark.parametrize(
    "damage", ["", "utt\tspk\n", "{}a-1\ta\n", "{}a-1\ta\t-\t-\t-\tx\t1\t1\t1\t1\t1\n", "{}{}", "cut"]
)
def test_damaged_scores_are_named(tmp_path, damage):
    path = tmp_path / "s.tsv"
    write_scores(score_texts(REF, HYP, {}), path)
    whole = path.read_text()
    header, rest = whole.split("\n", 1)
    content = whole[:-1] if damage == "cut" else whole + rest if damage == "{}{}" else damage.format(header + "\n")
    path.write_text(content)
    with pytest.raises(ScoreFileError, match=str(path)):
        read_scores(path)
