"""The ser recipes: mini from the corpus to the table at its smallest size; what the others call, and their data."""

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import soundfile

from nrsr.config import load_yaml
from nrsr.corpora import cremad
from nrsr.kaldi import DataDir
from nrsr.kaldi.lists import read_list

ROOT = Path(__file__).resolve().parents[2]


def run(corpus: str, *options: object) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [ROOT / "egs" / corpus / "ser" / "run.sh", *map(str, options)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


def test_mini_ends_with_the_table(tmp_path):
    out = run("mini", "--size", "tiny", "--work-dir", tmp_path, "--nj", 2, "--config", "conf/multi.yaml")
    exp = tmp_path / "exp/tiny"
    table = out[out.rindex("UA, WA in %") :]
    for system in ("teacher", "multi"):
        assert re.search(rf"^{system}( +\d+\.\d\d){{6}}", table, re.MULTILINE), table
    for name in ("RESULTS.md", "RESULTS_snr.png", "RESULTS_confusion.png", "multi_seed1/classify_test_seen/emotion"):
        assert (exp / name).is_file()
    assert "speakers and" in (exp / "RESULTS.md").read_text()
    # The teacher begins with an encoder that was trained without labels, once for all seeds.
    assert load_yaml(exp / "teacher_seed1/config.yaml")["init"] == {"features": {"from": str(exp / "masked/masked")}}
    assert "masked prediction: 100 clusters" in (exp / "masked/masked/train.log").read_text()
    # The student's first training begins with the teacher's modules, the second with the first one's encoder.
    first, second = (load_yaml(exp / name / "config.yaml")["init"] for name in ("distil/multi_seed1", "multi_seed1"))
    assert first == {"features.network": {"from": str(exp / "teacher_seed1"), "first_layers": True}}
    assert second == {"features": {"from": str(exp / "distil/multi_seed1")}}
    assert "similarity_4" in (exp / "distil/multi_seed1/train.log").read_text()
    # The teacher's layers are stored once, and no checkpoint of the student holds the teacher.
    layers = sorted(path.name for path in (exp / "teacher_seed1/layers_2-3-4").glob("layer*.scp"))
    assert layers == ["layer2.scp", "layer3.scp", "layer4.scp"]
    assert not list(exp.glob("*multi_seed1/frozen.pt"))
    posteriors = DataDir(tmp_path / "data/tiny/test_seen").utterances
    assert len(read_list(exp / "multi_seed1/classify_test_seen/posteriors.scp")) == len(posteriors)


def test_cremad_on_a_small_tree_has_sets_apart(shared_data, tmp_path):
    folder, rng = tmp_path / "tree/AudioWAV", np.random.default_rng(0)
    folder.mkdir(parents=True)
    for number, actor in enumerate(cremad.ACTORS):
        emotion = list(cremad.EMOTIONS)[number % 6]
        soundfile.write(folder / f"{actor}_DFA_{emotion}_XX.wav", rng.normal(0, 0.1, 4000), 16000)
    options = ["--corpus-dir", tmp_path / "tree", "--noise-dir", shared_data / "nonspeech", "--work-dir", tmp_path]
    out = run("cremad", *options, "--folds", 0, "--stop-stage", 1)
    assert out.count("valid, ") == 3
    data = tmp_path / "data/fold0"
    noisy = DataDir(data / "test_unseen")
    assert set(noisy.read("utt2emotion").values()) <= set(cremad.EMOTIONS.values())
    assert set(noisy.read("utt2snr").values()) == {"-5", "0", "5", "10", "15", "20"}
    noises = {name: set(DataDir(data / name).read("utt2noisefile").values()) for name in ("train", "test_seen")}
    assert noises["train"] and not noises["train"] & noises["test_seen"]
