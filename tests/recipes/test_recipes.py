"""The shell recipes from end to end at their smallest size, repeated, killed and resumed."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import soundfile
import torch
from pages import blocks, commands

from nrsr.kaldi import DataDir

ROOT = Path(__file__).resolve().parents[2]
MINI = ROOT / "egs" / "mini" / "asr" / "run.sh"
MINI_SEP = ROOT / "egs" / "mini" / "sep" / "run.sh"
FSDD = ROOT / "egs" / "fsdd" / "asr" / "run.sh"
SHORT = ["--size", "tiny", "--set", "training.epochs=4"]


def start(recipe: Path, work: Path, *options: str, path: Path | None = None) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"} | ({"PYTHONPATH": str(path)} if path else {})
    command = [str(recipe), *SHORT, "--work-dir", str(work), *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


def run(recipe: Path, work: Path, *options: str, path: Path | None = None) -> str:
    running = start(recipe, work, *options, path=path)
    out, err = running.communicate(timeout=600)
    assert running.returncode == 0, out[-2000:] + err[-3000:]
    return out


@pytest.fixture(scope="module")
def mini(tmp_path_factory) -> tuple[Path, str]:
    """The work folder of a mini run with both systems, and what the run printed."""
    work = tmp_path_factory.mktemp("mini")
    return work, run(MINI, work)


def changed_since(folder: Path, when: float) -> set[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path in files if path.stat().st_mtime > when}


def test_mini_ends_with_the_table(mini):
    work, out = mini
    table = out[out.index("stage 6") :]
    assert re.search(r"no_se", table)
    assert re.search(r"mtl", table)
    assert (work / "exp/tiny/RESULTS.md").is_file()
    for name in ("test_clean", "test_seen", "test_unseen"):
        assert (work / f"exp/tiny/mtl_seed1/decode_{name}/score/wer.json").is_file()


def test_a_second_run_repeats_nothing(mini):
    work, _ = mini
    before = time.time()
    out = run(MINI, work)
    assert "no_se" in out
    changed = changed_since(work, before)
    assert {name for name in changed if "/RESULTS" not in name} == set()


def test_stage_5_redoes_decoding_and_scoring_alone(mini):
    work, _ = mini
    model = work / "exp/tiny/mtl_seed1/model.pt"
    before, made = time.time(), model.stat().st_mtime
    run(MINI, work, "--stage", "5")
    changed = changed_since(work, before)
    assert "exp/tiny/mtl_seed1/decode_test_seen/text" in changed
    assert "exp/tiny/no_se_seed1/decode_test_clean/score/wer.json" in changed
    assert model.stat().st_mtime == made
    assert not any(name.startswith("data/") for name in changed)


def test_a_run_killed_in_training_resumes_to_the_same_weights(mini):
    work, _ = mini
    options = ["--config", "conf/mtl.yaml", "--tag", "killed"]
    folder = work / "exp/tiny/mtl-killed_seed1"
    running = start(MINI, work, *options)
    deadline = time.monotonic() + 200
    while not (folder / "last.pt").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    assert not (folder / "model.pt").exists()
    run(MINI, work, *options)
    resumed = torch.load(folder / "model.pt", weights_only=True)
    whole = torch.load(work / "exp/tiny/mtl_seed1/model.pt", weights_only=True)
    assert_equal(resumed, whole)


def assert_equal(one, other) -> None:
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_equal(one[key], other[key])
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other)


def test_the_front_end_of_the_manual_works_from_outside_the_package(mini, tmp_path):
    work, _ = mini
    python, yaml = blocks("docs/add-a-front-end.md", "python", "yaml")
    (tmp_path / "local").mkdir()
    (tmp_path / "local/frame_mask.py").write_text(python)
    config = tmp_path / "frame_mask.yaml"
    config.write_text(yaml.replace("base: mtl.yaml", f"base: {MINI.parent}/conf/mtl.yaml"))
    assert len(python.strip().splitlines()) <= 32
    out = run(MINI, work, "--config", str(config), path=tmp_path / "local")
    assert "frame_mask" in out[out.index("stage 6") :]


def test_what_the_first_hour_shows(mini, nrsr_main, tmp_path, monkeypatch):
    work, _ = mini
    shown = [script.replace("/full", "/tiny") for script in blocks("docs/first-hour.md", "sh")]
    (script,) = (script for script in shown if "nrsr transcribe" in script)
    monkeypatch.chdir(tmp_path)
    for name in ("data", "exp"):
        (tmp_path / name).symlink_to(work / name)
    wave = next(iter(DataDir(work / "data/tiny/test_seen").waves().values()))
    soundfile.write("speech.wav", wave, 8000)
    printed = {}
    for words in commands(script, tmp_path):
        if words[0] == "nrsr":
            status, printed[words[1]], err = nrsr_main(*words[1:])
            assert status == 0, err
    assert printed["transcribe"].startswith("speech.wav\t")
    assert re.search(r"^all +24 ", printed["score-wer"], re.MULTILINE), printed["score-wer"]


@pytest.mark.parametrize("name", ["attention", "blstm"])
def test_other_units_encoders_and_decoders_run_to_the_table(mini, name):
    work, _ = mini
    out = run(MINI, work, "--config", f"conf/{name}.yaml")
    assert name in out[out.index("stage 6") :]


def test_a_recogniser_hears_the_separated_speakers(mini, tmp_path):
    work, _ = mini
    recogniser = str(work / "exp/tiny/no_se_seed1")
    out = run(MINI_SEP, tmp_path, "--config", "conf/sep_2mix.yaml", "--recogniser", recogniser)
    results = (tmp_path / "exp/tiny/RESULTS.md").read_text()
    words = results.partition("**WER in %**")[2].partition("**")[0]
    for system in ("sep_2mix", "mixture", "alone"):
        assert re.search(rf"^\| {system} \|( \d+\.\d\d \|)+$", words, re.MULTILINE), words
    before = time.time()
    run(MINI_SEP, tmp_path, "--config", "conf/sep_2mix.yaml", "--recogniser", recogniser)
    assert {name for name in changed_since(tmp_path, before) if "/RESULTS" not in name} == set()
    assert out[out.rindex("stage 6") :].count("permutation by best SI-SNR") == 2


def test_a_failing_stage_stops_the_recipe_with_its_reason(mini):
    work, _ = mini
    running = start(MINI, work, "--config", "conf/nowhere.yaml")
    _, err = running.communicate(timeout=60)
    assert running.returncode != 0
    assert "conf/nowhere.yaml" in err


def test_fsdd_runs_on_real_recordings_with_paths_relative_to_the_root(shared_data, tmp_path):
    corpus, noise = (os.path.relpath(shared_data / name, ROOT) for name in ("fsdd", "nonspeech"))
    options = ["--corpus-dir", corpus, "--noise-dir", noise, "--folds", "1"]
    # In two stages: the front-end, the recogniser behind it, then both.
    options += ["--frontends", "conf/frontend.yaml", "--config", "conf/frozen.yaml conf/two_stage.yaml"]
    out = run(FSDD, tmp_path, *options)
    assert "two_stage" in out[out.rindex("stage 6") :]
    folders = [tmp_path / f"exp/tiny/{name}_fold1_seed1" for name in ("frontend", "frozen", "two_stage")]
    assert (folders[2] / "decode_test_unseen/score/wer.json").is_file()
    first, frozen, last = (torch.load(folder / "model.pt", weights_only=True)["model"] for folder in folders)
    for name, value in first.items():
        assert torch.equal(frozen[name], value), name
        assert name.endswith((".mean", ".std")) or not torch.equal(last[name], value), name
    # With a recogniser of clean speech as well, and noise on the fly over half of the strings.
    options[4:] = ["--folds", "1", "--frontends", "conf/fly/frontend.yaml", "--train-share", "0.5", "--tag", "half"]
    options += ["--recognisers", "conf/fly/recogniser_clean.yaml", "--config", "conf/fly/joint_clean_gr.yaml"]
    options += ["--set", "training.epochs=null training.steps=2 training.validate_steps=1", "--report", "false"]
    run(FSDD, tmp_path, *options)
    folder = tmp_path / "exp/tiny/joint_clean_gr-half_fold1_seed1"
    assert (folder / "decode_test_unseen/score/wer.json").is_file()
    assert "half_fold1_seed1" in (folder / "config.yaml").read_text()
    assert len(DataDir(tmp_path / "data/tiny_fold1/train_share0.5").utterances) in range(19, 25)


def test_fsdd_names_a_corpus_that_is_not_there(tmp_path):
    running = start(FSDD, tmp_path, "--corpus-dir", "nowhere", "--noise-dir", "nowhere")
    _, err = running.communicate(timeout=60)
    assert running.returncode != 0
    assert "nowhere" in err
