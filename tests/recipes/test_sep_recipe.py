"""The recipes of separation from the corpus to the table, at their smallest size."""

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from nrsr.corpora.emodb import SPEAKERS
from nrsr.kaldi.datadir import DataDir

ROOT = Path(__file__).resolve().parents[2]
MINI, EMODB = (ROOT / "egs" / corpus / "sep" / "run.sh" for corpus in ("mini", "emodb"))


def run(recipe: Path, work: Path, *options: str | Path) -> str:
    command = [recipe, "--size", "tiny", "--work-dir", work, "--nj", "1", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


def test_mini_ends_with_the_table(tmp_path):
    out = run(MINI, tmp_path, "--config", "conf/unified_2mix_gm.yaml")
    table = out[out.index("stage 6") :]
    assert re.search(r"^unified_2mix_gm +-?\d+\.\d\d \[", table, re.MULTILINE)
    assert "seen SI-SNRi" in table and "unseen SDRi" in table
    folder = tmp_path / "exp/tiny/unified_2mix_gm_seed1"
    for name in ("test_seen", "test_unseen"):
        assert "real-time factor" in (folder / f"log/separate_{name}.log").read_text()
        assert (folder / f"separate_{name}/score/sep.json").is_file()
    assert "conflicts" in (folder / "train.log").read_text()


@pytest.fixture(scope="module")
def sentences_and_sounds(tmp_path_factory) -> tuple[Path, Path]:
    """Three seconds of each actor in the layout of EmoDB, a voice of its own pitch; and all nonspeech sounds."""
    corpus, noise = tmp_path_factory.mktemp("emodb"), tmp_path_factory.mktemp("nonspeech")
    (corpus / "wav").mkdir()
    rng = np.random.default_rng(0)
    time = np.arange(16000) / 16000
    for number, speaker in enumerate(SPEAKERS):
        voice = sum(np.sin(2 * np.pi * (90 + 15 * number) * harmonic * time) / harmonic for harmonic in range(1, 20))
        for sentence in ("a01", "a05", "b10"):
            syllables = np.abs(np.sin(2 * np.pi * rng.uniform(1.0, 3.0) * time))
            soundfile.write(corpus / "wav" / f"{speaker}{sentence}Na.wav", 0.1 * syllables * voice, 16000)
    for number in range(1, 101):
        soundfile.write(noise / f"n{number}.wav", 0.1 * rng.normal(size=10000), 20000)
    return corpus, noise


def test_emodb_changes_data_and_systems_with_the_rate(sentences_and_sounds, tmp_path):
    corpus, noise = sentences_and_sounds
    options = ["--corpus-dir", corpus, "--noise-dir", noise, "--rate", "8000", "--folds", "1"]
    out = run(EMODB, tmp_path, *options, "--config", "conf/unified_2mix_gr_8k.yaml")
    assert re.search(r"^unified_2mix_gr_8k +-?\d+\.\d\d \[", out[out.rindex("stage 6") :], re.MULTILINE)
    mixed = tmp_path / "data/tiny_8000_fold1_2mix"
    voices = {}
    for name in ("train", "dev", "test_seen", "test_unseen"):
        data = DataDir(mixed / name)
        assert data.waves().rate() == 8000
        voices[name] = {voice for number in (1, 2) for voice in data.read(f"utt2spk{number}").values()}
    assert not (voices["train"] & voices["dev"] or (voices["train"] | voices["dev"]) & voices["test_seen"])
    noises = {name: set(DataDir(mixed / name).read("utt2noise").values()) for name in ("train", "test_unseen")}
    assert not noises["train"] & noises["test_unseen"]
    config = yaml.safe_load((tmp_path / "exp/tiny_8000/unified_2mix_gr_8k_fold1_seed1/config.yaml").read_text())
    assert (config["sample_rate"], config["system"]["window"]) == (8000, 40)


def test_emodb_knows_two_rates(tmp_path):
    done = subprocess.run([EMODB, "--rate", "44100"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "--rate takes 16000 or 8000, not '44100'" in done.stderr
