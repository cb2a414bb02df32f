"""The hybrid recipes from audio to the table at their smallest size."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from nrsr.kaldi.lists import read_list
from nrsr.scoring import read_table

ROOT = Path(__file__).resolve().parents[2]
MINI, FSDD, AURORA4 = (ROOT / "egs" / corpus / "hybrid" / "run.sh" for corpus in ("mini", "fsdd", "aurora4"))
SHORT = ["--size", "tiny", "--scales", "0.1,0.2", "--nj", "1"]


def run(recipe: Path, work: Path, *options: str) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [str(recipe), "--work-dir", str(work), *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def mini(tmp_path_factory) -> tuple[Path, str]:
    """The work folder of a mini run with one network, and what the run printed."""
    work = tmp_path_factory.mktemp("hybrid")
    return work, run(MINI, work, *SHORT, "--config", "conf/amtl.yaml")


def test_mini_ends_with_gmms_and_networks_in_the_table(mini):
    work, out = mini
    table = out[out.index("stage 6") :]
    for system, run_of in (("mono", "mono_once"), ("tri", "tri_once"), ("lda", "lda_once"), ("amtl", "amtl_seed1")):
        assert re.search(rf"^\s*\|?\s*{system}\b", table, flags=re.MULTILINE)
        for name in ("test_clean", "test_seen", "test_unseen"):
            assert (work / f"exp/tiny/{run_of}/decode_{name}/score/wer.json").is_file()
    assert (work / "exp/tiny/RESULTS.md").is_file()
    clean = json.loads((work / "exp/tiny/tri_once/decode_test_clean/score/wer.json").read_text())
    assert clean["total"]["wer"] < 70.0  # trained on a minute and a half of speech


def test_networks_learn_the_alignments_of_clean_speech(mini):
    work, _ = mini
    data = work / "data/tiny"
    names = [line.split()[0] for line in (data / "train/ali.scp").read_text().splitlines()]
    assert len(names) == 120
    assert sum(name.endswith("-c0") for name in names) == 60
    noises = [line.split()[0] for line in (data / "train/utt2noise").read_text().splitlines()]
    assert set(names) - set(noises) == {name for name in names if name.endswith("-c0")}


def test_probes_and_scales_stand_beside_the_hypotheses(mini):
    work, _ = mini
    probe = json.loads((work / "exp/tiny/amtl_seed1/decode_dev/probe.json").read_text())
    assert (probe["layer"], probe["labels"]["against"]) == (2, "clean")
    assert probe["utterance"]["chance"] == pytest.approx(50.0, abs=0.1)
    for name in ("mono_once", "tri_once", "lda_once", "amtl_seed1"):
        assert float((work / f"exp/tiny/{name}/decode_dev/acoustic_scale").read_text()) in (0.1, 0.2)


def test_frames_are_scored_by_the_alignments_of_clean_speech(mini):
    work, _ = mini
    data, exp = work / "data/tiny", work / "exp/tiny/amtl_seed1"
    frames = {}
    for name in ("test_clean", "test_seen"):
        content = json.loads((exp / f"apply_{name}/score/scores.json").read_text())
        assert 2.0 < content["total"]["frame_accuracy"] < 100.0  # far above chance of several hundred senones
        table = read_table(exp / f"apply_{name}/score/scores.tsv")
        frames[name] = dict(zip(table.utterances.tolist(), table.counts("frames").tolist(), strict=True))
        lost = data / "ali" / name / "unaligned"
        unaligned = read_list(lost).keys() if lost.exists() else set()
        assert frames[name].keys() | unaligned == read_list(data / name / "utt2spk").keys()
        assert len(unaligned) < 5
    assert set(frames["test_seen"].values()) <= set(frames["test_clean"].values())  # the same strings, with noise
    assert "frame accuracy in %" in (work / "exp/tiny/RESULTS.md").read_text()


def test_a_second_run_repeats_nothing(mini):
    work, _ = mini
    before = time.time()
    run(MINI, work, *SHORT, "--config", "conf/amtl.yaml", "--stop-stage", "5")
    assert [path for path in work.rglob("*") if path.is_file() and path.stat().st_mtime > before] == []


def test_fsdd_runs_on_real_recordings(shared_data, tmp_path):
    corpus, noise = (os.path.relpath(shared_data / name, ROOT) for name in ("fsdd", "nonspeech"))
    options = ["--corpus-dir", corpus, "--noise-dir", noise, "--config", "conf/invariant.yaml", "--folds", "1"]
    out = run(FSDD, tmp_path, *SHORT, *options)
    assert "invariant" in out[out.rindex("stage 6") :]
    assert (tmp_path / "exp/tiny/tri_fold1_once/decode_test_unseen/score/wer.json").is_file()
    # Each string once, in few kinds of noise, with the GMMs that are there.
    options[4:] = ["--noises", "2", "--folds", "1", "--set", "training.epochs=2"]
    options += ["--config", "conf/few/single.yaml conf/few/amtl.yaml"]
    out = run(FSDD, tmp_path, *SHORT, *options)
    assert "amtl" in out[out.rindex("stage 6") :]
    data, exp = tmp_path / "data/tiny_fold1_held_out", tmp_path / "exp/tiny_held_out"
    assert (exp / "RESULTS_gain.png").is_file()
    noise_of, kinds = read_list(data / "train_noises2/utt2noise"), set(read_list(data / "noise_dev/utt2noise").values())
    assert len(set(noise_of.values())) == 2 and not kinds & set(noise_of.values())
    strings = list(read_list(data / "train_noises2/ali.scp"))
    assert sorted(strings) == sorted(read_list(data / "train_clean/utt2spk")) and len(noise_of) == len(strings) // 2
    options[options.index("2")] = "9"
    failed = subprocess.run([FSDD, "--work-dir", tmp_path, *SHORT, *options], cwd=ROOT, capture_output=True, text=True)
    assert failed.returncode == 1 and "noise_train has 8 kinds; take fewer, or all" in failed.stderr


def test_aurora4_names_a_corpus_that_is_not_given(tmp_path):
    command = [str(AURORA4), "--work-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "give --corpus-dir" in done.stderr
