"""Folders that are being made: refused until they are whole, one process at a time, and what a failure leaves."""

import errno
import fcntl
import os
import subprocess
import sys

import pytest
from killed import killed_at

from nrsr.folders import FolderInUse, IncompleteFolder, alone_in, making, refuse_incomplete
from nrsr.kaldi.lists import read_list, write_list


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_is_refused_until_it_is_whole_and_its_maker_may_read_it(tmp_path):
    out = tmp_path / "out"
    with making(out, "nrsr mix"):
        write_list(out / "a", {"x": "1"})
        assert read_list(out / "a") == {"x": "1"}
        told = in_another_process(f"from nrsr.kaldi.lists import read_list; read_list({str(out / 'a')!r})")
        assert (
            f"IncompleteFolder: {out}: is incomplete, since nrsr mix has not finished; wait for it, or run it" in told
        )
    refuse_incomplete(out)
    assert names(out) == ["a"]


def test_workers_read_what_their_process_makes(tmp_path):
    code = f"from nrsr.folders import refuse_incomplete; refuse_incomplete({str(tmp_path)!r})"
    with making(tmp_path, "nrsr mix"):
        mark = (tmp_path / ".incomplete").read_bytes()
        subprocess.run([sys.executable, "-c", code], check=True)
    (tmp_path / ".incomplete").write_bytes(mark)  # as if this process had been killed, and another had its number
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 1


def test_file_systems_without_locks(tmp_path, monkeypatch):
    no_locks = "import errno, fcntl\ndef refused(*_): raise OSError(errno.ENOSYS, '')\nfcntl.flock = refused\n"
    code = no_locks + f"from nrsr.folders import refuse_incomplete; refuse_incomplete({str(tmp_path)!r})"

    def refused(*_):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", refused)
    with making(tmp_path, "nrsr mix"):
        write_list(tmp_path / "a", {"x": "1"})
        subprocess.run([sys.executable, "-c", code], check=True)  # a worker reads what its process makes
        assert "is incomplete, since nrsr mix" in in_another_process(code)
    with alone_in(tmp_path, "nrsr train"):
        assert read_list(tmp_path / "a") == {"x": "1"}
    assert in_another_process(code) == ""


def test_what_lies_in_an_incomplete_folder_is_refused_as_well(tmp_path):
    (tmp_path / "out/part").mkdir(parents=True)
    (tmp_path / "out/.incomplete").write_text("nrsr split-data")
    with pytest.raises(IncompleteFolder, match="out: is incomplete, since nrsr split-data has not"):
        refuse_incomplete(tmp_path / "out/part")


def test_a_second_process_is_refused_and_leaves_the_first_alone(tmp_path):
    out = tmp_path / "out"
    second = f"from nrsr.folders import making\nwith making({str(out)!r}, 'nrsr decode'): pass"
    with making(out, "nrsr mix"):
        assert f"FolderInUse: {out}: another nrsr mix works here; wait until it has finished" in in_another_process(
            second
        )
        assert names(out) == [".incomplete"]
    assert in_another_process(second) == ""
    assert names(out) == []


def test_a_folder_stays_readable_for_commands_that_only_keep_others_out(tmp_path):
    with alone_in(tmp_path, "nrsr train"):
        refuse_incomplete(tmp_path)
        with pytest.raises(FolderInUse, match="another nrsr train works here"), alone_in(tmp_path, "nrsr train"):
            pass
    with alone_in(tmp_path, "nrsr train"):
        pass


@pytest.mark.parametrize("stood", [False, True])
def test_a_failure_before_the_first_change_leaves_what_stood(tmp_path, stood):
    out = tmp_path / "out"
    if stood:
        write_list(out / "a", {"x": "1"})
    with pytest.raises(RuntimeError), making(out, "nrsr mix"):
        raise RuntimeError
    assert out.exists() == stood
    if stood:
        assert read_list(out / "a") == {"x": "1"}


def test_a_failure_after_a_change_leaves_the_mark(tmp_path):
    write_list(tmp_path / "a", {"x": "1"})
    with pytest.raises(RuntimeError), making(tmp_path, "nrsr mix"):
        write_list(tmp_path / "a", {"x": "2"})
        raise RuntimeError
    with pytest.raises(IncompleteFolder, match="nrsr mix has not finished"):
        read_list(tmp_path / "a")
    with pytest.raises(RuntimeError), making(tmp_path, "nrsr mix"):
        raise RuntimeError  # changes nothing, but the folder is no better than before
    with pytest.raises(IncompleteFolder):
        refuse_incomplete(tmp_path)


def test_a_command_that_only_adds_something_does_not_complete_the_work_of_another(tmp_path):
    (tmp_path / ".incomplete").write_text("nrsr mix")
    with pytest.raises(IncompleteFolder, match="nrsr mix"), making(tmp_path, "nrsr make-feats", anew=False):
        pass
    (tmp_path / ".incomplete").write_text("nrsr make-feats")
    with making(tmp_path, "nrsr make-feats", anew=False):
        pass
    assert names(tmp_path) == []


def test_a_killed_maker_leaves_the_mark_and_no_lock(tmp_path):
    def work():
        with making(tmp_path, "nrsr mix"):
            write_list(tmp_path / "a", {"x": "1"})

    assert killed_at(0, work)
    with pytest.raises(IncompleteFolder):
        refuse_incomplete(tmp_path)
    assert len(names(tmp_path)) == 2
    work()
    assert names(tmp_path) == ["a"]


def in_another_process(code: str) -> str:
    """The last line that a Python process writes to stderr."""
    # The shell in between keeps it from being a worker of this process.
    command = ["sh", "-c", '"$0" -c "$1"; exit $?', sys.executable, code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr.strip().rpartition("\n")[2]
