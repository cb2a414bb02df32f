"""WORLD: pitch of a known voice, resynthesis at low and high rates, and a missing library."""

import builtins
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nrsr.signal import world


@pytest.fixture
def pyworld():
    return pytest.importorskip("pyworld", exc_type=ImportError)


def voice(rate: int, pitch: float = 140.0) -> np.ndarray:
    time = np.arange(rate) / rate
    partials = range(1, int(rate / 2.2 / pitch))
    return 0.1 * sum(np.sin(2 * np.pi * pitch * number * time) / number for number in partials)


@pytest.mark.parametrize("rate", [8000, 16000, 24000])
def test_a_voice_stays_voiced_and_keeps_its_pitch(pyworld, rate):
    wave = voice(rate)
    made = world.resynthesise(wave, rate)
    assert made.shape == wave.shape and made.dtype == np.float32
    before, after = world.analyse(wave, rate), world.analyse(made, rate)
    assert before.envelope.shape[0] == len(before.pitch) == 201
    inner = slice(20, -20)
    assert (before.pitch[inner] > 0).all() and (after.pitch[inner] > 0).mean() > 0.95
    voiced = after.pitch[inner] > 0
    np.testing.assert_allclose(after.pitch[inner][voiced], 140.0, rtol=0.03)


def test_a_low_rate_does_not_hang_on_memory_nobody_has_set(pyworld):
    # 128 fills memory with doubles of sign minus, which D4C once read as a frame without voice
    code = "import sys; from tests.signal.test_world import voice, world; "
    code += "sys.stdout.buffer.write(world.resynthesise(voice(8000), 8000).tobytes())"
    made = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"MALLOC_PERTURB_": fill},
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for fill in ("128", "165")
    ]
    assert len(made[0]) == 4 * 8000 and made[0] == made[1]


def test_silence(pyworld):
    assert not world.analyse(np.zeros(8000), 8000).pitch.any()
    assert np.abs(world.resynthesise(np.zeros(8000), 8000)).max() < 1e-3


def test_a_missing_library_is_named(monkeypatch):
    genuine = builtins.__import__

    def missing(name, *rest, **others):
        if name == "pyworld":
            raise ImportError("No module named 'pyworld'")
        return genuine(name, *rest, **others)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(world.WorldError, match='pyworld does not import .*; pip install "pyworld>=0.3.4"'):
        world.library()
