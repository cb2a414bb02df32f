"""Where speech begins and ends by phone labels: worked files of both formats, and broken ones."""

import pytest

from nrsr.corpora.phone_labels import LabelError, hts_span, praat_span


def test_monophones_with_pauses_at_both_ends(tmp_path):
    lab = tmp_path / "x.lab"
    lab.write_text("0 1000000 pau\n1000000 2050000 pau\n2050000 3000000 ae\n3000000 4000000 pau\n"
                   "4000000 9000000 t\n9000000 9900000 pau\n")  # fmt: skip
    assert hts_span(lab) == (0.205, 0.9)


def test_full_context_labels_and_speech_without_silence(tmp_path):
    lab = tmp_path / "x.lab"
    rows = [(0, 3125000, "xx^xx-sil+m=i"), (3125000, 3525000, "xx^sil-m+i=z"), (3525000, 7700000, "sil^m-i+z=u")]
    lab.write_text("".join(f"{start} {end} {phone}/A:-3+1+7\n" for start, end, phone in rows))
    assert hts_span(lab) == (0.3125, 0.77)


def test_a_text_grid_in_short_form(tmp_path):
    grid = tmp_path / "000001.interval"
    head = 'File type = "ooTextFile short"\n"TextGrid"\n\n0\n5.1\n<exists>\n1\n"IntervalTier"\n"phone"\n0\n5.1\n4\n'
    grid.write_text(head + '0\n0.26\n"sil"\n0.26\n0.4\n"k"\n0.4\n4.81\n"a"\n4.81\n5.1\n"sil"\n')
    assert praat_span(grid) == (0.26, 4.81)
    grid.write_text((head + '0\n0.26\n"sil"\n0.26\n4.81\n"a"\n4.81\n5.1\n"sil"\n').replace("\n", "\r\n"))
    assert praat_span(grid) == (0.26, 4.81)


@pytest.mark.parametrize(
    "read, content, message",
    [
        (hts_span, "0 100 pau\nsilence\n", r"x:2: expected START END PHONE, found 'silence'"),
        (hts_span, "0 100 pau\n100 200 sil\n", "x: labels silence alone"),
        (praat_span, "0 100 pau\n", "x: is no TextGrid in short form"),
        (praat_span, "\n".join(["1"] * 11 + ["0", "4", '"sil"', "3", "5", '"sil"']), "from 4.0 s to 3.0 s is empty"),
    ],
)
def test_broken_labels_are_named(tmp_path, read, content, message):
    (tmp_path / "x").write_text(content)
    with pytest.raises(LabelError, match=message):
        read(tmp_path / "x")
