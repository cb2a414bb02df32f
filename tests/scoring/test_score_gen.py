"""nrsr score-gen on sets of tones: real ones, copies, a collapse and noise; and nrsr report of sets of other sizes."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "systems"))
from toy_gans import RATE

from nrsr.config import save_yaml
from nrsr.experiment.checkpoint import save_checkpoint
from nrsr.experiment.metadata import write_metadata
from nrsr.kaldi import DataDir, WaveWriter, write_list
from nrsr.scoring import read_table
from nrsr.systems import build_system

WORDS = ["high", "low", "mid"]
PITCH = {"high": 2400.0, "low": 500.0, "mid": 1200.0}
SAMPLES = 2048
SYSTEM = {
    "class": "nrsr.systems.Classifier",
    "samples": SAMPLES,
    "features": {"class": "nrsr.signal.LogMel", "n_fft": 256, "hop": 128, "n_mels": 16, "floor": 1e-4},
    "network": {"class": "nrsr.nn.WordClassifier", "frames": 16, "width": 4},
}


def tone(word: str, rng: np.random.Generator) -> np.ndarray:
    """A tone of about the word's pitch, that begins somewhere, in noise."""
    time = np.arange(SAMPLES) / RATE
    wave = 0.3 * np.sin(2 * np.pi * PITCH[word] * rng.uniform(0.9, 1.1) * time + rng.uniform(0, 6))
    return (wave * (time > rng.uniform(0, 0.1)) + rng.normal(0, 0.02, SAMPLES)).astype(np.float32)


def write(folder: Path, waves: dict[str, np.ndarray], words: dict[str, str] | None = None, rate: int = RATE) -> Path:
    folder.mkdir(parents=True)
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", rate) as writer:
        for name, wave in waves.items():
            writer[name] = wave
    write_list(folder / "utt2spk", {name: name for name in waves})
    if words is not None:
        write_list(folder / "text", words)
    return folder


def tones(folder: Path, count: int, seed: int, prefix: str = "real") -> Path:
    rng = np.random.default_rng(seed)
    words = {f"{prefix}-{number:03}": WORDS[number % 3] for number in range(count)}
    return write(folder, {name: tone(word, rng) for name, word in words.items()}, words)


@pytest.fixture(scope="module")
def sets(tmp_path_factory) -> Path:
    """Folders train, dev, good, noise, collapsed and copied, and a classifier that was trained a little."""
    folder, rng = tmp_path_factory.mktemp("sets"), np.random.default_rng(9)
    tones(folder / "train", 90, 0)
    tones(folder / "dev", 30, 1, "dev")
    tones(folder / "good", 60, 2, "generated")
    names = [f"generated-{number:03}" for number in range(60)]
    write(folder / "noise", {name: rng.normal(0, 0.1, SAMPLES).astype(np.float32) for name in names})
    one = tone("mid", rng)
    write(folder / "collapsed", {name: (one + rng.normal(0, 1e-3, SAMPLES)).astype(np.float32) for name in names})
    train, good = DataDir(folder / "train").waves(), DataDir(folder / "good").waves()
    mixed = {name: good[name] if number > 2 else train[f"real-{number:03}"] for number, name in enumerate(names)}
    write(folder / "copied", mixed)
    torch.manual_seed(0)
    system = build_system({"sample_rate": RATE, "system": SYSTEM}, metadata={"classes": {"word": WORDS}})
    waves = torch.from_numpy(np.stack([train[name] for name in train]))
    labels = torch.tensor([WORDS.index(word) for word in DataDir(folder / "train").read("text").values()])
    optimiser = torch.optim.Adam(system.parameters(), 0.01)
    for _ in range(40):
        optimiser.zero_grad()
        logits = system(waves, torch.full((len(waves),), SAMPLES))
        torch.nn.functional.cross_entropy(logits, labels).backward()
        optimiser.step()
    exp = folder / "classifier"
    save_yaml(
        {"sample_rate": RATE, "system": SYSTEM, "data": {"labels": {"word": {"file": "text"}}}}, exp / "config.yaml"
    )
    write_metadata({"classes": {"word": WORDS}}, exp)
    save_checkpoint(exp / "model.pt", {"model": system.state_dict()})
    return folder


@pytest.fixture
def score(nrsr_main, sets, tmp_path):
    def run(name: str) -> tuple[dict, str]:
        options = ["--train", sets / "train", "--held-out", sets / "dev", "--splits", 2, "--draws", 1000]
        options += ["--classifier", sets / "classifier", "--data", sets / name, "--out", tmp_path / name]
        status, _, err = nrsr_main("score-gen", *options)
        assert status == 0, err
        return json.loads((tmp_path / name / "scores.json").read_text()), err

    return run


def test_good_and_bad_sets(score, tmp_path):
    found = {name: score(name)[0]["total"] for name in ("good", "noise", "collapsed", "dev", "train")}
    assert found["good"]["accuracy"] > 95 and found["good"]["inception"] > 2.0
    assert found["good"]["nearest"] == pytest.approx(1.0, abs=0.2)
    assert found["good"]["diversity"] == pytest.approx(1.0, abs=0.2)
    assert found["dev"]["nearest"] == pytest.approx(1.0, abs=1e-5)
    assert found["train"]["frechet"] < 0.5 * found["good"]["frechet"] and found["train"]["nearest"] > 0.5
    assert found["good"]["frechet"] < 0.2 * found["noise"]["frechet"]
    assert found["noise"]["inception"] < 1.5 and found["noise"]["accuracy"] is None
    assert found["collapsed"]["inception"] < 1.1 and found["collapsed"]["diversity"] < 0.5
    low, high = found["good"]["frechet_interval"]
    assert low < found["good"]["frechet"] < high
    table = read_table(tmp_path / "good/scores.tsv")
    assert table.numbers("frechet").mean() == pytest.approx(found["good"]["frechet"], abs=1e-4)
    assert set(table.columns["neighbour"]) <= {f"real-{number:03}" for number in range(90)} and len(table) == 60
    assert (table.columns["label"] == table.columns["classified"]).mean() > 0.95


def test_copies_are_named(score):
    content, err = score("copied")
    assert content["copies"] == {f"generated-{number:03}": f"real-{number:03}" for number in range(3)}
    assert "generated-001 is a copy of real-001" in err
    assert score("good")[0]["copies"] == {} and score("train")[0]["copies"] == {}


def test_silence_in_both_real_sets_does_not_hide_copies(nrsr_main, sets, tmp_path):
    folders, rng = {}, np.random.default_rng(0)
    for name in ("train", "dev", "copied"):
        waves, words = DataDir(sets / name).waves(), None
        if name == "copied":  # 60 dB above some noise
            waves = {key: wave + 1e-3 * wave.std() * rng.normal(size=SAMPLES) for key, wave in waves.items()}
        else:
            waves = dict(waves) | {f"{name}-silent": np.zeros(SAMPLES, dtype=np.float32)}
            words = DataDir(sets / name).read("text") | {f"{name}-silent": WORDS[0]}
        folders[name] = write(tmp_path / name, waves, words)
    options = ["--train", folders["train"], "--held-out", folders["dev"], "--splits", 2, "--draws", 1000]
    options += ["--classifier", sets / "classifier", "--data", folders["copied"], "--out", tmp_path / "score"]
    status, _, err = nrsr_main("score-gen", *options)
    assert status == 0, err
    copies = json.loads((tmp_path / "score/scores.json").read_text())["copies"]
    assert copies == {f"generated-{number:03}": f"real-{number:03}" for number in range(3)}


def test_a_classifier_of_another_corpus_with_the_same_words_is_named(nrsr_main, sets, tmp_path):
    waves = DataDir(sets / "noise").waves()
    other = write(tmp_path / "other", waves, {name: WORDS[row % 3] for row, name in enumerate(waves)})
    options = ["--train", other, "--held-out", sets / "dev", "--splits", 2, "--draws", 1000, "--data", sets / "good"]
    status, printed, err = nrsr_main("score-gen", "--classifier", sets / "classifier", *options)
    assert status == 0
    assert re.search(r"classifier recognises \d+\.\d % of .*other: it is poor, or of another corpus", err)
    assert re.search(r"The classifier recognises \d+\.\d % of .*other\.", printed)


def test_the_deviation_of_the_inception_score_is_over_its_splits(score, sets):
    content, _ = score("good")
    assert 0 < content["inception_deviation"] < 0.5 and content["classifier_accuracy"] > 95


def test_reports_of_sets_of_other_sizes(nrsr_main, sets, score, tmp_path):
    exp = tmp_path / "exp"
    for system, name in (("a_seed1", "good"), ("a_seed2", "copied"), ("b_seed1", "noise"), ("real_once", "dev")):
        score(name)
        shutil.copytree(tmp_path / name, exp / system / "generate_words" / "score")
        save_yaml({"sample_rate": RATE}, exp / system / "config.yaml")
    options = ["--exp", exp, "--sets", "words", "--metric", "inception,frechet", "--primary", "all", "--baseline", "a"]
    status, printed, err = nrsr_main("report", *options, "--draws", 1000, "--out", tmp_path / "RESULTS.md")
    assert status == 0, err
    scores = {}
    for name in ("a_seed1", "a_seed2", "b_seed1", "real_once"):
        content = json.loads((exp / name / "generate_words/score/scores.json").read_text())
        scores[name] = content["total"]["inception"]
    rows = {line.split()[0].rstrip("*"): line.split()[1:] for line in printed.splitlines()[-8:] if line}
    assert float(rows["a"][0]) == pytest.approx((scores["a_seed1"] + scores["a_seed2"]) / 2, abs=0.006)
    assert float(rows["real"][0]) == pytest.approx(scores["real_once"], abs=0.006)
    text = (tmp_path / "RESULTS.md").read_text()
    assert "words: b* - a" in text and "Further metrics" in text and "nearest" in text
    header, unlabelled = (
        re.split(r" *\| *", next(line for line in text.splitlines() if re.match(start, line)))
        for start in (r"\| system \| .*WA in %", r"\| words: b\* \| .*\[")
    )
    assert [unlabelled[header.index(f"{title} in %")] for title in ("WA", "UA", "macro-F1", "accuracy")] == ["-"] * 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("rate", "16000 Hz"),
        ("label", "text: other-0 has the label 'eleven', and .*classifier knows high, low, mid; take a classifier of"),
        ("few", "3 utterances are too few for 2 splits"),
        ("recogniser", "is a WaveGan, and a classifier is wanted"),
    ],
)
def test_refusals(nrsr_main, sets, tmp_path, change, message):
    rng = np.random.default_rng(0)
    waves = {
        f"other-{number}": rng.normal(0, 0.1, SAMPLES).astype(np.float32)
        for number in range(3 if change == "few" else 9)
    }
    words = dict.fromkeys(waves, "eleven") if change == "label" else None
    data = write(tmp_path / "other", waves, words, 16000 if change == "rate" else RATE)
    classifier = sets / "classifier"
    if change == "recogniser":
        from toy_gans import make_system, spec_of

        classifier = tmp_path / "gan"
        save_yaml({"sample_rate": RATE, "system": spec_of("WaveGan")}, classifier / "config.yaml")
        save_checkpoint(classifier / "model.pt", {"model": make_system("WaveGan", False).state_dict()})
    options = ["--train", sets / "train", "--held-out", sets / "dev", "--splits", 2, "--data", data]
    status, _, err = nrsr_main("score-gen", "--classifier", classifier, *options)
    lines = [line for line in err.splitlines() if "batches of" not in line]
    assert status == 1 and len(lines) == 1
    assert re.search(message, lines[0]), err


def test_training_data_without_labels(nrsr_main, sets, tmp_path):
    options = ["--classifier", sets / "classifier", "--train", sets / "noise", "--held-out", sets / "dev"]
    status, _, err = nrsr_main("score-gen", *options, "--data", sets / "good")
    assert status == 1 and "noise/text: no such list; the training data must have labels" in err
    options = ["--classifier", sets / "classifier", "--train", sets / "train", "--held-out", sets / "train"]
    status, _, err = nrsr_main("score-gen", *options, "--data", sets / "good")
    assert status == 1 and "train: is the training data; give recordings that nobody was trained on" in err
