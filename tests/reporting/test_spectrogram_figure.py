"""Spectrograms: a tone where it belongs, and the command."""

from pathlib import Path

import numpy as np
import pytest

from nrsr.kaldi import WaveWriter, write_list
from nrsr.reporting.spectrogram_figure import decibels, draw_spectrograms

RATE = 8000


def tone(hertz: float, seconds: float = 0.5) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def test_a_tone_is_where_it_belongs():
    levels = decibels(tone(1000.0), RATE)
    assert levels.shape == (63, 129)
    assert set(levels[5:-5].argmax(axis=1)) == {32}  # 1000 Hz in steps of 31.25 Hz
    # Half the sum of the window times the amplitude: 20 log10(0.25 * 127.5).
    assert levels[30].max() == pytest.approx(20 * np.log10(0.25 * 127.5), abs=0.1)


def test_waves_of_several_lengths(tmp_path):
    draw_spectrograms({"a": tone(500.0), "b": tone(700.0, 0.3), "silence": np.zeros(100)}, RATE, tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def write_data(folder: Path, names: list[str], rate: int = RATE) -> Path:
    folder.mkdir()
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", rate) as writer:
        for name in names:
            writer[name] = tone(500.0)
    write_list(folder / "utt2spk", dict.fromkeys(names, "s"))
    return folder


def test_the_command(nrsr_main, tmp_path):
    one, two = write_data(tmp_path / "one", ["s-1", "s-2", "s-3"]), write_data(tmp_path / "two", ["s-2", "s-3"])
    out = tmp_path / "x.svg"
    status, printed, err = nrsr_main("spectrograms", "--out", out, f"original={one}", f"melgan={two}")
    assert (status, printed) == (0, f"{out}: s-2\n"), err
    assert "melgan" in out.read_text() or out.stat().st_size > 1000
    status, printed, _ = nrsr_main("spectrograms", "--out", out, "--utterance", "s-3", f"a={one}", f"b={two}")
    assert (status, printed) == (0, f"{out}: s-3\n")
    fast = write_data(tmp_path / "fast", ["s-2"], 16000)
    for arguments, message in (
        ([f"a={one}", f"b={fast}"], "b: has another rate than the first, 8000 Hz"),
        (["--utterance", "s-1", f"a={one}", f"b={two}"], "no utterance s-1"),
        ([f"a={one}", f"a={two}"], "give NAME=DIR, each name once"),
        ([str(one)], "give NAME=DIR"),
    ):
        status, _, err = nrsr_main("spectrograms", "--out", out, *arguments)
        assert status == 1 and message in err
