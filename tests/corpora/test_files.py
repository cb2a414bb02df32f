"""Corpora as they lie on disks: litter of operating systems, links that lead round, transcripts in other codings."""

from pathlib import Path

import pytest

from nrsr.corpora import chime4, emodb, fsdd, librimix_metadata, librimix_tree, nonspeech, rats_tables
from nrsr.corpora.files import files_below, names_in
from nrsr.corpora.wsj_transcripts import find_transcripts
from nrsr.kaldi.lists import ListError

LITTER = ("._011C0200.DOT", "._x.wav", ".DS_Store", "Thumbs.db", "thumbs.db", "desktop.ini")


def put_litter(*folders: Path) -> None:
    for folder in folders:
        for name in LITTER:
            (folder / name).write_bytes(b"\x00\x05\x16\x07\xff\xfe")


def test_links_that_lead_round_end(tmp_path):
    disc = tmp_path / "dots"
    disc.mkdir()
    (disc / "a.dot").write_text("One two (011c0201)\n")
    for name in ("wsj0", "WSJ0"):
        (tmp_path / name).symlink_to(".")
    (disc / "up").symlink_to("..")
    (disc / "other").symlink_to(disc / "nothing")
    put_litter(tmp_path, disc)
    assert [path.name for path in files_below(tmp_path) if path.is_file()] == ["a.dot"]
    assert find_transcripts(tmp_path) == {"011c0201": "ONE TWO"}


def test_rats_files_are_found_once(tmp_path):
    (tmp_path / "train" / "eng").mkdir(parents=True)
    (tmp_path / "train" / "round").symlink_to(tmp_path)
    name = "10001_20001_eng_A"
    (tmp_path / "train" / "eng" / f"{name}.tab").write_text("")
    (tmp_path / "train" / "eng" / f"._{name}.tab").write_bytes(b"\x00\x05\x16\x07")
    found = rats_tables.files_of(tmp_path, "tab", "A")
    assert {key: path.name for key, path in found.items()} == {name: f"{name}.tab"}


def test_litter_is_no_part_of_any_corpus(tmp_path):
    put_litter(tmp_path)
    assert names_in(tmp_path) == [] and chime4.wavs_in(tmp_path) == set() and nonspeech.strange_files(tmp_path) == []
    assert not any("._" in line or "Thumbs" in line for line in fsdd.notes(tmp_path, tmp_path))
    (tmp_path / "other.wav").write_bytes(b"")
    assert any("1 files that are not of the official set" in line for line in fsdd.notes(tmp_path, tmp_path))
    assert not emodb.is_recording("._03a01Fa.wav")
    (tmp_path / "libri2mix_dev.csv").write_text("")
    (tmp_path / "._libri2mix_dev.csv").write_bytes(b"\x00\xff")
    assert list(librimix_metadata.metadata_files(tmp_path, 2)) == ["dev"]


def test_transcripts_of_librispeech(tmp_path):
    chapter = tmp_path / "dev-clean" / "84" / "121123"
    chapter.mkdir(parents=True)
    (chapter / "84-121123.trans.txt").write_text("84-121123-0000 GO\u2028DO IT\r\n", encoding="utf-8", newline="")
    (chapter / "._84-121123.trans.txt").write_bytes(b"\x00\x05\xff")
    assert librimix_tree.read_texts(tmp_path) == {"84-121123-0000": "GO\u2028DO IT"}
    (chapter / "84-121123.trans.txt").write_bytes(b"84-121123-0000 GO\n84-121123-0001 D\xc9J\xc0\n")
    with pytest.raises(ListError, match=r"84-121123\.trans\.txt:2: is not UTF-8; convert the file"):
        librimix_tree.read_texts(tmp_path)


def test_transcripts_and_metadata_that_are_not_utf8_are_named_with_their_line(tmp_path):
    (tmp_path / "b.dot").write_bytes(b"One (011c0201)\nCaf\xe9 (011c0202)\n")
    with pytest.raises(ListError, match=r"b\.dot:2: is not UTF-8"):
        find_transcripts(tmp_path)
    (tmp_path / "libri2mix_dev.csv").write_bytes(b"mixture_ID,\xe9\n")
    with pytest.raises(ListError, match=r"libri2mix_dev\.csv:1: is not UTF-8"):
        librimix_metadata.read_metadata(tmp_path / "libri2mix_dev.csv", 2)
