"""The gan recipes from the corpus to the table, at their smallest size."""

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from nrsr.corpora.digits import DIGITS
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.validate import validate

ROOT = Path(__file__).resolve().parents[2]


def run(recipe: str, work: Path, *options: str | Path) -> str:
    command = [ROOT / "egs" / recipe / "run.sh", "--size", "tiny", "--work-dir", work, "--nj", "1", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


def test_mini_ends_with_the_table(tmp_path):
    out = run("mini/gan", tmp_path, "--count", "40", "--config", "conf/control_gan.yaml")
    table = out[out.rindex("stage 6") :]
    for system in ("control_gan", "real_train_clean", "real_test_clean", "white_noise"):
        assert re.search(rf"^{system}\*? +\d+\.\d\d", table, re.MULTILINE), table
    assert "words inception score" in table and "words Fréchet distance" in table
    experiment = tmp_path / "exp/tiny/control_gan_seed1"
    generated = DataDir(experiment / "generate_words")
    assert validate(generated.path, need=("wav.scp", "text", "utt2spk", "utt2dur")) == []
    assert list(generated.read("text").values()) == sorted(DIGITS) * 4
    assert "real-time factor" in (experiment / "generate_words/generate.log").read_text()
    for name in ("RESULTS.md", "RESULTS_training.png", "control_gan_seed1/generate_words/spectrograms.png"):
        assert (tmp_path / "exp/tiny" / name).stat().st_size > 1000


@pytest.fixture(scope="module")
def speech_commands(tmp_path_factory) -> Path:
    """A small tree of Speech Commands: a tone of each digit by six speakers, of whom one tests and one validates."""
    folder, rng = tmp_path_factory.mktemp("commands"), np.random.default_rng(0)
    lists: dict[str, list[str]] = {"testing_list.txt": [], "validation_list.txt": []}
    for number, word in enumerate(DIGITS):
        (folder / word).mkdir()
        for speaker in range(6):
            name = f"{word}/{speaker:08x}_nohash_0.wav"
            time = np.arange(rng.integers(9000, 16000)) / 16000
            wave = 0.3 * np.sin(2 * np.pi * (200 + 150 * number + 10 * speaker) * time) + rng.normal(0, 0.01, len(time))
            soundfile.write(folder / name, wave, 16000)
            if speaker < 2:
                lists[list(lists)[speaker]].append(name)
    for name, files in lists.items():
        (folder / name).write_text("".join(f"{file}\n" for file in files))
    return folder


def test_sc09_at_its_published_sizes_of_data(speech_commands, tmp_path):
    options = ["--corpus-dir", speech_commands, "--count", "20", "--config", "conf/conditional_gan.yaml"]
    out = run("sc09/gan", tmp_path, *options)
    table = out[out.rindex("stage 6") :]
    for system in ("conditional_gan", "real_train", "real_test", "white_noise"):
        assert re.search(rf"^{system}\*? +\d+\.\d\d", table, re.MULTILINE), table
    waves = DataDir(tmp_path / "exp/tiny/conditional_gan_seed1/generate_words").waves(rate=16000)
    assert {len(waves[name]) for name in waves} == {16384}
