"""Frame accuracy: worked numbers, the table that reports read, and alignments that do not belong to what is scored."""

import json

import numpy as np
import pytest

from nrsr.kaldi import TableWriter
from nrsr.scoring import find_metric, read_table

KNOWN = {"a": [3, 3, 5, 5, 7], "b": [1, 2, 2], "c": [4]}
SAID = {"a": [3, 5, 5, 5, 7], "b": [1, 1, 1], "c": [4]}  # 4 of 5, 1 of 3, 1 of 1


@pytest.fixture
def tables(tmp_path):
    """tables(name=frames, ...) writes NAME.scp of each, and returns REF and HYP as options."""

    def write(**sets: dict) -> list[str]:
        for name, frames in sets.items():
            with TableWriter(f"ark,scp:{tmp_path}/{name}.ark,{tmp_path}/{name}.scp") as table:
                for utterance, values in frames.items():
                    table[utterance] = np.asarray(values)
        return [f"{tmp_path}/{name}.scp" for name in sets]

    return write


def test_worked_numbers(tables, tmp_path, nrsr_main):
    pair = tables(ref=KNOWN, hyp=SAID)
    options = ["--metric", "frame_accuracy", "--draws", "1000", "--out", tmp_path / "score"]
    status, out, _ = nrsr_main("score", *options, *pair)
    assert status == 0 and "66.67" in out  # 6 of 9
    table = read_table(tmp_path / "score/scores.tsv")
    assert table.counts("frames").tolist() == [5, 3, 1] and table.counts("frames_right").tolist() == [4, 1, 1]
    content = json.loads((tmp_path / "score/scores.json").read_text())
    low, high = content["total"]["frame_accuracy_interval"]
    assert 33.3 < low < content["total"]["frame_accuracy"] < high <= 100.0
    assert find_metric("frame_accuracy").counts(table)["right"].tolist() == [4, 1, 1]


def test_a_comparison_pairs_utterances(tables, tmp_path, nrsr_main):
    ref, hyp, other = tables(ref=KNOWN, hyp=SAID, other=KNOWN)
    status, out, _ = nrsr_main("score", "--metric", "frame_accuracy", "--draws", "1000", ref, hyp, "--versus", other)
    assert status == 0 and "-33.33" in out


def test_utterances_without_alignment_are_named(tables, nrsr_main):
    pair = tables(ref={"a": KNOWN["a"]}, hyp=SAID)
    status, out, err = nrsr_main("score", "--metric", "frame_accuracy", *pair)
    assert status == 0 and "80.00" in out
    assert "2 utterances are not in" in err and "scored: b c" in err


@pytest.mark.parametrize(
    ("ref", "hyp", "message"),
    [
        (KNOWN, {"a": SAID["a"], "c": [4]}, "hyp.scp: lacks 1 utterances of"),
        (KNOWN, SAID | {"b": [1, 2]}, "b: 2 frames beside 3 of"),
        (KNOWN, SAID | {"c": [4.0]}, "c: is no vector of whole numbers"),
        (KNOWN | {"c": [[4.0]]}, SAID, "ref.scp: c: is no vector of whole numbers"),
        ({}, SAID, "ref.scp: lists no utterances"),
    ],
)
def test_what_does_not_belong_together(tables, nrsr_main, ref, hyp, message):
    status, out, err = nrsr_main("score", "--metric", "frame_accuracy", *tables(ref=ref, hyp=hyp))
    assert status == 1 and message in err and not out


def test_senones_and_words_are_scored_one_by_one(tables, nrsr_main):
    status, _, err = nrsr_main("score", "--metric", "frame_accuracy,wer", *tables(ref=KNOWN, hyp=SAID))
    assert status == 1 and "score them one by one" in err
