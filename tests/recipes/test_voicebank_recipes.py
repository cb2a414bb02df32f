"""The recipes of VoiceBank+DEMAND from a small tree of the corpus's shape to the tables, in one work folder."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from toy_voicebank import write_voicebank

from nrsr.config import load_yaml

ROOT = Path(__file__).resolve().parents[2]
ENH, ASR = ROOT / "egs/voicebank/enh", ROOT / "egs/voicebank/asr"
ENHANCER = f"""
base: {ENH}/conf/mask_blstm.yaml
system:
  frontend: {{class: nrsr.frontends.MaskBlstm, n_fft: 256, hop: 128, layers: 1, width: 8, mask: sigmoid, dropout: 0.0}}
training: {{epochs: 1}}
"""
RECOGNISER = f"""
base: {ASR}/conf/recogniser.yaml
units: {{kind: char, size: null}}
system:
  encoder: {{class: nrsr.nn.ConformerEncoder, blocks: 1, dim: 16, heads: 2, ffn: 32, kernel: 7, dropout: 0.1}}
  decoder: {{class: nrsr.nn.TransformerDecoder, layers: 1, heads: 2, ffn: 32, dropout: 0.1}}
training: {{epochs: 1}}
decoding: {{beam: 2}}
"""


def run(recipe: Path, *options: str | Path) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [recipe / "run.sh", "--nj", "1", *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two recordings of a second by each of six speakers, and configs for them."""
    root = tmp_path_factory.mktemp("voicebank")
    write_voicebank(root / "corpus", per_speaker=2, seconds=1.0)
    (root / "mask.yaml").write_text(ENHANCER)
    (root / "recogniser.yaml").write_text(RECOGNISER)
    return root


def test_words_and_quality_end_with_the_tables(folder):
    work = folder / "work"
    options = ["--corpus-dir", folder / "corpus", "--work-dir", work, "--config", folder / "mask.yaml", "--shelf", ""]
    options += ["--results", folder / "results.md"]
    run(ASR, *options, "--recognisers", "noisy", "--recogniser", folder / "recogniser.yaml")
    results = (folder / "results.md").read_text()
    assert "| system | noisy: clean | noisy: test |" in results
    assert "| published: SpeechBrain, noisy speech | - | 3.46 |" in results
    for system in ("noisy", "mask"):
        assert re.search(rf"^\| {system} \| \d+\.\d\d \| \d+\.\d\d \|$", results, re.MULTILINE), results

    # The other recipe finds all of its work done in the same folder.
    assert "starting at step" not in run(ENH, *options)
    results = (folder / "results.md").read_text()
    columns = ("PESQ", "STOI", "SI-SDR", "CSIG", "CBAK", "COVL", "segSNR")
    assert "| system |" + "".join(f" test {name} |" for name in columns) in results
    assert "| published: SEGAN | 2.16 | - | - | 3.48 | 2.94 | 2.80 | 7.73 |" in results
    for system in ("noisy", "mask"):
        assert re.search(rf"^\| {system} \| \d\.\d+ \| \d\.\d+ \|", results, re.MULTILINE), results


def test_configs_are_of_the_published_sizes():
    segan, convtasnet = (load_yaml(ENH / "conf" / f"{name}.yaml") for name in ("segan", "convtasnet"))
    assert segan["batches"]["size"] == 400 and segan["training"]["epochs"] == 86
    assert segan["data"] == {"segment": 16384, "hop": 8192, "short": "leave_out"}
    assert convtasnet["system"]["frontend"]["window"] == 32 and convtasnet["system"]["frontend"]["filters"] == 512
