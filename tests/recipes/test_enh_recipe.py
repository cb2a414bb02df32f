"""The recipes of enhancement from the corpus to the table at their smallest size, killed and resumed."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from nrsr.kaldi import DataDir
from nrsr.scoring import read_table

ROOT = Path(__file__).resolve().parents[2]
MINI, FSDD = (ROOT / "egs" / corpus / "enh" for corpus in ("mini", "fsdd"))
SHORTER = {"mask_blstm": f"{MINI}/conf/mask_blstm.yaml", "segan": f"{MINI}/conf/segan.yaml"}
RUNS_OF_FOLD_1 = ("mask_blstm_fold1_seed1", "noisy_fold1_once")
SHORTER |= {"recogniser": f"{MINI.parent}/asr/conf/identity.yaml"}


def start(work: Path, *options: str, recipe: Path = MINI) -> subprocess.Popen:
    command = [recipe / "run.sh", "--size", "tiny", "--work-dir", work, "--nj", "2", *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True, **pipes
    )


def run(work: Path, *options: str, recipe: Path = MINI) -> str:
    running = start(work, *options, recipe=recipe)
    out, err = running.communicate(timeout=1200)
    assert running.returncode == 0, out[-2000:] + err[-3000:]
    return out


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> list[str]:
    """Options for trainings of an epoch, of a mask and a SEGAN, and of the recognisers."""
    folder, files = tmp_path_factory.mktemp("conf"), {}
    for name, base in SHORTER.items():
        files[name] = folder / f"{name}.yaml"
        files[name].write_text(f"base: {base}\ntraining: {{epochs: 1, average: 1}}\n")
    config = f"{files['mask_blstm']} {files['segan']}"
    return ["--config", config, "--recognisers", "retrained", "--recogniser", str(files["recogniser"])]


def changed_since(folder: Path, when: float) -> set[str]:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return {path.relative_to(folder).as_posix() for path in files if path.stat().st_mtime > when}


def test_a_killed_run_goes_on_to_the_table_and_a_further_one_repeats_nothing(short, tmp_path):
    exp = tmp_path / "exp/tiny"
    running = start(tmp_path, *short)
    deadline = time.monotonic() + 600
    while not (exp / "mask_blstm_seed1/metrics.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    trained = (exp / "mask_blstm_seed1/model.pt").stat().st_mtime
    assert not (exp / "mask_blstm_seed1/enhance_test_seen").exists()
    out = run(tmp_path, *short)
    assert (exp / "mask_blstm_seed1/model.pt").stat().st_mtime == trained
    assert "done before" in out.partition("stage 4")[0]

    table = out[out.rindex("WER in %") :]
    header, *rows = (re.split("  +", line.strip()) for line in table.splitlines()[1:4])
    assert header == ["system", "retrained: clean", "retrained: seen", "retrained: unseen"]
    assert [row[0] for row in rows[:2]] == ["noisy", "mask_blstm"]
    assert all(float(cell) > 0 for row in rows[:2] for cell in row[1:])
    assert (exp / "noisy-retrained_seed1").resolve() == exp / "noisy-noisy_seed1"
    text = (exp / "RESULTS.md").read_text()
    quality = text[text.index("| system | seen PESQ") :]
    assert re.search(r"^\| seen: segan - noisy \|( [+-]\d+\.\d+ \[.*\] \|)+", quality, re.MULTILINE)
    assert "![WER over SNR, with 95 % intervals](RESULTS_snr.png)" in text

    before = time.time()
    run(tmp_path, *short)
    assert {name for name in changed_since(tmp_path, before) if "/RESULTS" not in name} == set()


def test_fsdd_goes_from_real_recordings_to_the_table_of_quality(shared_data, tmp_path):
    config = tmp_path / "mask_blstm.yaml"
    config.write_text(f"base: {FSDD}/conf/mask_blstm.yaml\ntraining: {{epochs: 1, average: 1}}\n")
    options = ["--corpus-dir", str(shared_data / "fsdd"), "--noise-dir", str(shared_data / "nonspeech"), "--folds", "1"]
    options += ["--config", str(config), "--shelf", "", "--recognisers", "", "--quality", "stoi,si_sdr"]
    out = run(tmp_path, *options, recipe=FSDD)
    header, *rows = (re.split("  +", line.strip()) for line in out[out.rindex("\nsystem ") :].splitlines()[1:4])
    assert header == ["system", "seen STOI", "seen SI-SDR", "unseen STOI", "unseen SI-SDR"]
    assert [row[0] for row in rows] == ["noisy", "mask_blstm"]
    assert rows[0][1:] != rows[1][1:] and all(0 < float(row[cell]) < 1 for row in rows for cell in (1, 3))
    exp = tmp_path / "exp/tiny"
    enhanced, noisy = (read_table(exp / f"{name}/enhance_test_seen/score/scores.tsv") for name in RUNS_OF_FOLD_1)
    assert len(enhanced) == len(noisy) == len(DataDir(tmp_path / "data/tiny_fold1/test_seen").utterances)
    text = (exp / "RESULTS.md").read_text()
    assert re.search(r"^\| mask_blstm \| 0\.20 M \| 1 \| 1 \| 1 \|$", text, re.MULTILINE)
