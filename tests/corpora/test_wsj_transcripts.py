"""Transcripts of .dot files: marks that go, words that stay."""

import pytest

from nrsr.corpora.wsj_transcripts import TranscriptError, find_transcripts, read_dot, words_of


@pytest.mark.parametrize(
    ("transcript", "words"),
    [
        ("The sale of the hotels is part", "THE SALE OF THE HOTELS IS PART"),
        ("Mr. Smith ~", "MR. SMITH"),
        ("[door_slam] he [<cough] said . [cough>] so", "HE SAID SO"),
        ("ten \\%percent of \\.point five", "TEN PERCENT OF POINT FIVE"),
        ("yes ,COMMA no .PERIOD \\-\\-DASH --DASH :COLON", "YES ,COMMA NO .PERIOD --DASH --DASH :COLON"),
        ("the *mispronounced* <deleted> wo:rd !NOW Smith's A.'s", "THE MISPRONOUNCED DELETED WORD NOW SMITH'S A.'S"),
        ("[tongue_click]", ""),
    ],
)
def test_words_of(transcript, words):
    assert words_of(transcript) == words


def test_a_line_of_another_form_is_named(tmp_path):
    file = tmp_path / "dt05_real.dot_all"
    file.write_text("ONE TWO (F01_22GC010A_BUS)\n\nTHREE (F01_22GC010B_CAF) \n")
    assert read_dot(file) == {"F01_22GC010A_BUS": "ONE TWO", "F01_22GC010B_CAF": "THREE"}
    file.write_text("ONE (a)\nTWO\n")
    with pytest.raises(TranscriptError, match=r"dt05_real\.dot_all:2: is not `WORDS \(utterance\)`"):
        read_dot(file)
    file.write_text("ONE (a)\nTWO (a)\n")
    with pytest.raises(TranscriptError, match=r":2: has utterance 'a' for the second time"):
        read_dot(file)


def test_dot_files_are_found_at_any_depth_in_any_case_and_through_links(tmp_path):
    disc = tmp_path / "disc" / "TRANSCRP" / "DOTS"
    disc.mkdir(parents=True)
    (disc / "011C0200.DOT").write_text("One (011C0201)\nno utterance here\n")
    (tmp_path / "wsj0" / "si_tr_s").mkdir(parents=True)
    (tmp_path / "wsj0" / "si_tr_s" / "012c0200.dot").write_text("Two (012c0201)\n")
    (tmp_path / "wsj0" / "11-1.1").symlink_to(tmp_path / "disc")
    assert find_transcripts(tmp_path / "wsj0") == {"011c0201": "ONE", "012c0201": "TWO"}
