"""Strings of generated digits: the words of their pieces, the silence behind a digit cut off, each digit used alike."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from nrsr.kaldi import DataDir, WaveWriter, write_list
from nrsr.kaldi.validate import validate

SCRIPT = Path(__file__).resolve().parents[2] / "egs/fsdd/gan/local/digit_strings.py"
RATE, SPOKEN = 8000, 2400
WORDS = ("one", "two", "three")


def digits(folder: Path) -> DataDir:
    """A tone of 0.3 s for each word, 0.7 s of silence behind it."""
    texts = {}
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as writer:
        for number in range(9):
            name, word = f"generated-{number}", number % len(WORDS)
            wave = np.zeros(8000, np.float32)
            wave[:SPOKEN] = 0.5 * np.sin(2 * np.pi * (300 + 200 * word) * np.arange(SPOKEN) / RATE)
            writer[name], texts[name] = wave, WORDS[word]
    write_list(folder / "text", texts)
    write_list(folder / "utt2spk", dict.fromkeys(texts, "generated"))
    return DataDir(folder)


def test_strings_of_generated_digits(tmp_path):
    digits(tmp_path / "digits")
    command = [sys.executable, SCRIPT, "--digits", tmp_path / "digits", "--count", "60", "--out", tmp_path / "strings"]
    subprocess.run(command, check=True, timeout=120)
    assert validate(tmp_path / "strings", need=("wav.scp", "text", "utt2spk", "utt2dur")) == []
    strings = DataDir(tmp_path / "strings")
    texts, waves = strings.read("text"), strings.waves(rate=RATE)
    assert sorted(texts) == [f"generated-string-{number:04d}" for number in range(1, 61)]
    counts = Counter(word for text in texts.values() for word in text.split())
    assert max(counts.values()) - min(counts.values()) <= 3
    for name, text in texts.items():
        count, wave = len(text.split()), waves[name]
        # The tones, and none of the silence of 0.7 s behind each.
        assert (np.abs(wave) > 0.05).sum() == pytest.approx(0.935 * count * SPOKEN, rel=0.1)
        assert len(wave) < count * (SPOKEN + 3000) + 6000
