"""Writing files: no half files, no leftovers, no links followed, and messages that name the file."""

import errno
import os
import resource
import stat

import pytest
from killed import killed_at

from nrsr.config import load_yaml
from nrsr.errors import NrsrError
from nrsr.experiment.checkpoint import load_checkpoint, save_checkpoint
from nrsr.files import LinkError, atomic_open, atomic_path, open_anew, open_to_append, remove_leftovers
from nrsr.hmm.fst_files import read_fst
from nrsr.kaldi.binary import open_model
from nrsr.kaldi.lists import read_lines
from nrsr.scoring.table import read_table


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), atomic_open(tmp_path / "a/b") as stream:
        stream.write("half")
        raise RuntimeError
    assert list((tmp_path / "a").iterdir()) == []
    with atomic_open(tmp_path / "a/b") as stream:
        stream.write("whole\n")
        assert not (tmp_path / "a/b").exists()
    with atomic_path(tmp_path / "a/c") as temporary:
        temporary.write_bytes(b"by a library")
    assert {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()} == {
        "b": b"whole\n",
        "c": b"by a library",
    }


def test_the_mode_is_what_the_users_mask_says(tmp_path):
    before = os.umask(0o027)
    try:
        with atomic_open(tmp_path / "x"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640


def test_temporary_names_cannot_be_foreseen(tmp_path):
    seen = set()
    for _ in range(20):
        with atomic_open(tmp_path / "x"):
            seen.update(path.name for path in tmp_path.glob(".x.*"))
    assert len(seen) == 20
    assert min(map(len, seen)) >= len(".x..tmp") + 16


def test_a_name_of_the_greatest_length_is_written(tmp_path):
    for name in ("x" * 255, "東" * 85):
        with atomic_open(tmp_path / name) as stream:
            stream.write(name)
        assert (tmp_path / name).read_text(encoding="utf-8") == name


def test_leftovers_of_a_killed_process_are_removed_and_those_of_a_living_one_are_not(tmp_path):
    def write():
        for name in ("a", "b"):
            with atomic_open(tmp_path / name) as stream:
                stream.write(name)

    (tmp_path / ".notes.tmp").touch()  # not ours
    (tmp_path / ".link.0123.tmp").symlink_to(tmp_path / ".notes.tmp")
    assert killed_at(0, write)
    assert len(list(tmp_path.glob(".a.*.tmp"))) == 1
    with atomic_open(tmp_path / "c") as stream:  # the first writing of this process to the folder
        assert not list(tmp_path.glob(".a.*.tmp"))
        remove_leftovers(tmp_path)
        stream.write("c")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".link.0123.tmp", ".notes.tmp", "c"]


def test_logs_are_not_written_through_links(tmp_path):
    (tmp_path / "mine").write_text("mine\n")
    (tmp_path / "log").symlink_to(tmp_path / "mine")
    with pytest.raises(LinkError, match="log: is a link.*remove it"):
        open_to_append(tmp_path / "log")
    with open_anew(tmp_path / "log") as stream:
        stream.write("new\n")
    with open_to_append(tmp_path / "log") as stream:
        stream.write("more\n")
    assert (tmp_path / "log").read_text() == "new\nmore\n"
    assert (tmp_path / "mine").read_text() == "mine\n"


def test_a_full_disk_has_the_name_of_the_file(tmp_path):
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(OSError) as caught:
        try:
            with atomic_open(tmp_path / "big", "wb") as stream:
                resource.setrlimit(resource.RLIMIT_FSIZE, (1000, old[1]))
                stream.write(bytes(100_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert caught.value.filename == str(tmp_path / "big")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_may_not_be_written_is_told_by_the_files_own_name(nrsr_main, tmp_path, monkeypatch):
    (tmp_path / "text").write_text("u one two\n")

    def refused(*_):
        raise PermissionError(13, "Permission denied", "somewhere/.x.0123.tmp")

    monkeypatch.setattr("nrsr.files.os.open", refused)  # root may write anywhere
    status, _, err = nrsr_main("make-lm", tmp_path / "text", tmp_path / "x.arpa")
    assert status == 1
    assert err == (
        f"nrsr make-lm: {tmp_path}/x.arpa: Permission denied; check the permissions of the file and of its folder\n"
    )


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_permission_is_told_as_what_it_is(number, monkeypatch, tmp_path):
    """By every reader whose files have a cure of their own."""
    path = tmp_path / "x"
    path.write_text("x 1\n")

    def refused(name, *_, **__):
        raise OSError(number, os.strerror(number), str(name))

    readers = [
        lambda: load_yaml(path),
        lambda: load_checkpoint(path, "train again"),
        lambda: save_checkpoint(path, {}),
        lambda: read_table(path),
        lambda: list(read_lines(path)),
        lambda: read_fst(path),
        lambda: open_model(path),
    ]
    for name in ("builtins.open", "io.open", "os.open", "pathlib.Path.open", "pathlib.Path.read_bytes"):
        monkeypatch.setattr(name, refused)
    monkeypatch.setattr("pathlib.Path.read_text", refused)
    for reader in readers:
        with pytest.raises(NrsrError, match=f"{path}: .*{os.strerror(number)}.*permissions"):
            reader()
