"""Published values beside ours: read from the recipe's file, printed with their source, refused without one."""

from pathlib import Path

import pytest

from nrsr.reporting import PublishedError, read_published
from nrsr.scoring import score_texts, write_table

ROOT = Path(__file__).resolve().parents[2]
WHOLE = "system\tseen\tseen:cer\tsource\nTheirs\t9.50\t4.1\ta paper\nOthers\t-\t5.2\tanother\nThird\t8\t-\ta paper\n"


def written(tmp_path, content):
    path = tmp_path / "published.tsv"
    path.write_text(content)
    return path


def test_values_are_read_by_set_and_metric(tmp_path):
    rows = read_published(written(tmp_path, WHOLE))
    assert [row.system for row in rows] == ["Theirs", "Others", "Third"]
    assert rows[0].values == {("seen", ""): "9.50", ("seen", "cer"): "4.1"}
    assert rows[1].source == "another"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", ":1: the first line must be: system, sets, source"),
        ("system\tsource\n", ":1: the first line must be"),
        (WHOLE + "Fourth\t1\t2\n", ":5: expected 4 cells, the last of them a source"),
        (WHOLE + "Fourth\t1\t2\t \n", ":5: expected 4 cells, the last of them a source"),
    ],
)
def test_a_value_without_a_source_is_refused(tmp_path, content, message):
    with pytest.raises(PublishedError, match=message):
        read_published(written(tmp_path, content))


def test_they_stand_in_the_small_table_with_their_source(tmp_path, nrsr_main):
    said = {f"u{number}": "one two three four" for number in range(10)}
    labels = {"snr": {name: str(5 * (int(name[1:]) % 2)) for name in said}}
    path = tmp_path / "exp" / "ours_seed1" / "decode_seen" / "score" / "scores.tsv"
    write_table(score_texts(said, dict.fromkeys(said, "one two three"), labels), path)
    options = ["--exp", tmp_path / "exp", "--sets", "seen", "--metric", "wer,cer", "--primary", "0,5"]
    options += [
        "--published",
        written(tmp_path, WHOLE),
        "--out",
        tmp_path / "R.md",
        "--figure",
        tmp_path / "f" / "x.png",
    ]
    status, out, err = nrsr_main("report", *options)
    assert status == 0, err
    small = (tmp_path / "R.md").read_text().partition("Measured: ")[0]
    assert "| published: Theirs | 9.50 | 4.1 |\n| published: Others | - | 5.2 |" in small
    assert "| ours | 25.00 | 27.78 |" in small
    assert "- Published (Theirs, Third): a paper.\n- Published (Others): another." in small
    assert "![WER over SNR, with 95 % intervals](f/x.png)" in small and (tmp_path / "f" / "x.png").is_file()
    assert "published: Theirs" in out


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("egs/*/*/conf/published*.tsv")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_recipes_files_are_printed_in_their_results(path):
    """Each value of a recipe's file stands in its RESULTS.md too, in one row."""
    lines = [line for line in (path.parents[1] / "RESULTS.md").read_text().splitlines() if line.startswith("|")]
    for row in read_published(path):
        values = [value for value in row.values.values() if value != "-"]
        assert any(all(f" {value} |" in line for value in values) for line in lines), row.system
