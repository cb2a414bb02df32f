"""The program around the commands: what a signal leaves behind."""

import os
import signal

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
