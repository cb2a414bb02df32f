"""The scores table: comes back as it was, means over an utterance's rows, damage refused by file and line."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nrsr.errors import NrsrError
from nrsr.scoring import ScoreFileError, ScoreTable, find_metric, find_runs, read_table, write_table
from nrsr.scoring.rows import table_of_rows

TEXT = "utt\tspk\tnoise\tnoisefile\tsnr\twords\tsub\tdel\tins\n"
TEXT += "a-1\ta\t-\t-\t5\t3\t1\t0\t0\na-2\tä b\t-\t-\t5.0\t2\t0\t0\t1\n"
SEPARATED = "utt\tsource\testimate\tsi_snr\nm1\t1\t2\t3.5\nm1\t2\t1\t-\nm2\t1\t1\t-1e1\nm2\t2\t2\t2\n"


def written(tmp_path, content):
    path = tmp_path / "scores.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_table_comes_back(tmp_path):
    columns = {
        "utt": np.array(["a", "b\u2028\x85", "c d"]),
        "snr": np.array(["5.0", "-", "4e2"]),
        "words": np.array([3, 0, 12345]),
        "si_snr": np.array([1.5, np.nan, -3.0000001]),
    }
    write_table(ScoreTable(columns), tmp_path / "scores.tsv")
    again = read_table(tmp_path / "scores.tsv")
    assert list(again.columns) == list(columns)
    for name in ("utt", "snr"):
        assert again.columns[name].tolist() == columns[name].tolist()
    np.testing.assert_array_equal(again.counts("words"), columns["words"])
    np.testing.assert_allclose(again.numbers("si_snr"), columns["si_snr"], atol=1e-6)


def test_counts_of_which_some_are_undefined_stay_whole(tmp_path):
    """As of an utterance with a silent reference among others."""
    metrics = [find_metric("vuv_error"), find_metric("logf0_rmse")]
    rows = [[3, 201, 0.25, 100], [None] * 4, [0, 201, 0.5, 0]]
    table = table_of_rows(["a", "b", "c"], {}, metrics, rows)
    write_table(table, tmp_path / "scores.tsv")
    again = read_table(tmp_path / "scores.tsv")
    assert again.columns["vuv_frames"].tolist() == ["201", "-", "201"]
    for scores in (table, again):
        np.testing.assert_array_equal(metrics[0].counts(scores)["wrong"], [3, np.nan, 0])
        np.testing.assert_array_equal(metrics[1].counts(scores)["frames"], [100, np.nan, 0])
        np.testing.assert_array_equal(metrics[1].counts(scores)["squares"], [0.25, np.nan, 0.5])


def test_rows_of_an_utterance_are_averaged_and_summed(tmp_path):
    table = read_table(written(tmp_path, SEPARATED))
    assert table.utterances.tolist() == ["m1", "m2"] and len(table) == 4
    assert table.averaged(table.numbers("si_snr")).tolist() == [3.5, -4.0]  # what is undefined takes no part
    assert table.summed(table.counts("estimate")).tolist() == [3, 3]
    counts = find_metric("si_snr").counts(table)
    assert (counts["sum"].tolist(), counts["utterances"].tolist()) == ([3.5, -4.0], [1, 1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", ":1: is no table of scores"),
        ("words\tutt\n1\ta\n", ":1: is no table of scores"),
        ("utt\twords\twords\na\t1\t1\n", ":1: is no table of scores"),
        ("utt\twords\n", ":2: the table has no rows or is cut off"),
        (TEXT[:-1], "the table has no rows or is cut off"),
        (TEXT + "a-3\ta\n", ":4: expected 9 cells, found 2"),
        (TEXT + TEXT.splitlines()[1] + "\n", ":4: 'a-1' stands twice"),
        (SEPARATED + "m2\t2\t2\t2\n", ":6: 'm2 2' stands twice"),
        (b"\xff", "cannot be read"),
    ],
)
def test_damage_is_named(tmp_path, content, message):
    path = written(tmp_path, content)
    with pytest.raises(ScoreFileError) as error:
        read_table(path)
    assert str(error.value).startswith(str(path)) and message in str(error.value)
    assert str(error.value).endswith("score the set again")


@pytest.mark.parametrize("cell", ["x", "-1", "1.5", "99999999999999999999", "9" * 5000, "", "\u0663", "nan", "1_0"])
def test_a_cell_that_is_no_count_is_named(tmp_path, cell):
    path = written(tmp_path, TEXT.replace("\t3\t1", f"\t{cell}\t1"))
    with pytest.raises(ScoreFileError, match="scores.tsv:2: words .* is no count; score the set again"):
        find_metric("wer").counts(read_table(path))


@pytest.mark.parametrize("cell", ["x", "nan", "inf", "1e999", "-1e15", "", "0x10", "1_0"])
def test_a_cell_that_is_no_number_is_named(tmp_path, cell):
    path = written(tmp_path, SEPARATED.replace("-1e1", cell))
    with pytest.raises(ScoreFileError, match="scores.tsv:4: si_snr .* is no number, or too large; score the set again"):
        find_metric("si_snr").counts(read_table(path))


MUTATIONS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=MUTATIONS,
    cut=st.integers(0, 60),
    extra=st.sampled_from([b"", b"\n", b"\t", b"9" * 30, b"\0", b"a-1\t1\n", "\u2028".encode()]),
    words=st.booleans(),
)
def test_mutated_tables_raise_named_errors_alone(tmp_path, changes, cut, extra, words):
    spoilt = bytearray((TEXT if words else SEPARATED).encode())
    for place, value in changes:
        spoilt[place % len(spoilt)] = value
    folder = tmp_path / "exp" / "a_seed1" / "decode_test" / "score"
    folder.mkdir(parents=True, exist_ok=True)
    path = written(folder, bytes(spoilt[: len(spoilt) - cut]) + extra)
    metric = find_metric("wer" if words else "si_snr")
    try:
        runs, _ = find_runs(tmp_path / "exp", ["test"], metric)
        values = metric.value({name: column.sum() for name, column in metric.counts(runs[0].scores["test"]).items()})
    except NrsrError as error:
        assert str(path) in str(error) or str(tmp_path / "exp") in str(error)
    else:
        assert np.ndim(values) == 0
