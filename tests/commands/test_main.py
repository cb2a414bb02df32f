"""The program around the commands: what a signal and a full disk leave behind."""

import os
import resource
import signal
import subprocess
import sys

from nrsr.commands import make_units
from nrsr.files import atomic_open


def test_sigterm_ends_in_one_line_and_leaves_no_half_file(nrsr_main, monkeypatch, tmp_path):
    def run(args):
        with atomic_open(tmp_path / "out") as stream:
            stream.write("half")
            os.kill(os.getpid(), signal.SIGTERM)
            stream.write("whole")

    monkeypatch.setattr(make_units, "run", run)
    before = signal.getsignal(signal.SIGTERM)
    status, _, err = nrsr_main("make-units", "--config", "x", "text", "out")
    assert status == 128 + signal.SIGTERM
    assert err == "nrsr make-units: stopped by SIGTERM; run the same command again\n"
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_disk_without_room_names_the_file_and_leaves_no_half_of_it(nrsr_main, tmp_path):
    (tmp_path / "text").write_text("".join(f"u{number} word{number}\n" for number in range(2000)))
    (tmp_path / "conf.yaml").write_text("units: {kind: word}\n")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, old[1]))
    try:
        status, _, err = nrsr_main("make-units", "--config", tmp_path / "conf.yaml", tmp_path / "text", tmp_path / "u")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert status == 1
    assert err == f"nrsr make-units: {tmp_path}/u/units.txt: File too large; make room and run the same command again\n"
    assert not (tmp_path / "u").exists()


def test_an_output_that_is_full_is_told_in_one_line(tmp_path):
    (tmp_path / "ref").write_text("a x\n")
    command = [sys.executable, "-m", "nrsr.commands.main", "score-wer", "ref", "ref"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "nrsr score-wer: standard output: No space left on device; make room and run the same command again\n"
    )


def test_output_is_utf8_whatever_the_locale(tmp_path):
    (tmp_path / "ref").write_text("ä-1 東\n", encoding="utf-8")
    command = [sys.executable, "-m", "nrsr.commands.main", "score-wer", "ref", "ref", "--versus", "ä東"]
    (tmp_path / "ä東").write_bytes((tmp_path / "ref").read_bytes())
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONIOENCODING": "latin1"}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "paired with ä東".encode() in done.stdout
