"""The voc recipes: mini from the corpus to the table at its smallest size; the others' data on trees of their shape."""

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from nrsr.config import load_yaml
from nrsr.data.mel_inputs import features_of
from nrsr.data.stored_mels import StoredMels
from nrsr.kaldi import DataDir
from nrsr.kaldi.lists import read_list

ROOT = Path(__file__).resolve().parents[2]
TINY = """
base: {base}
turns:
  discriminator: {{start: 2}}
  generator: {{loss_weights: {{adversarial: {{start: 2}}{feature}}}}}
training: {{steps: 4, validate_steps: 2}}
"""


def run(corpus: str, *options: object) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [ROOT / "egs" / corpus / "voc" / "run.sh", *map(str, options)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


def test_mini_ends_with_the_table(tmp_path):
    config = tmp_path / "melgan.yaml"
    base = ROOT / "egs/mini/voc/conf/melgan.yaml"
    config.write_text(TINY.format(base=base, feature=", feature: {start: 2}"))
    out = run("mini", "--size", "tiny", "--work-dir", tmp_path, "--nj", 1, "--config", config)
    table = out[out.index("stage 6") :]
    for system in ("melgan", "griffin_lim"):
        assert re.search(rf"^{system} +\d+\.\d\d\d \[", table, re.MULTILINE), table
    assert "test M-STFT" in table and "test STOI" in table
    folder = tmp_path / "exp/tiny/melgan_seed1"
    log = (folder / "log/vocode_test.log").read_text()
    assert "3 utterances, real-time factor" in log
    training = (folder / "train.log").read_text()
    assert "generator/spectral" in training and "discriminator/adversarial" in training
    waves = DataDir(folder / "vocode_test").waves()
    original = DataDir(tmp_path / "data/tiny_voc/test").waves()
    assert waves.rate() == 22050 and set(waves) == set(original)
    assert all(0 <= len(waves[name]) - len(original[name]) <= 256 for name in waves)
    assert {path.name for path in (tmp_path / "exp/tiny").glob("*.png")} == {"RESULTS_test.png", "RESULTS_training.png"}
    (features,) = (tmp_path / "data/tiny_voc").glob("mels_*")
    assert features.name.startswith("mels_22050_")  # of all vocoders


def write_speech(folder: Path, names: list[str], rate: int) -> None:
    """The same 0.12 s of noise under each name."""
    folder.mkdir(parents=True)
    soundfile.write(folder / "x.wav", np.random.default_rng(0).normal(0, 0.1, rate * 12 // 100), rate)
    content = (folder / "x.wav").read_bytes()
    (folder / "x.wav").unlink()
    for name in names:
        (folder / f"{name}.wav").write_bytes(content)


def ljspeech(root: Path) -> None:
    names = [f"LJ001-{number:04d}" for number in range(1, 506)]
    write_speech(root / "wavs", names, 22050)
    (root / "metadata.csv").write_text("".join(f"{name}|Printed|Spoken\n" for name in names))


def vctk(root: Path) -> None:
    names = [f"p225_{number:03d}" for number in range(1, 26)]
    write_speech(root / "wav48/p225", names, 48000)
    (root / "txt/p225").mkdir(parents=True)
    for name in names:
        (root / f"txt/p225/{name}.txt").write_text("Please call Stella.\n")


def jsut(root: Path) -> None:
    from nrsr.corpora.jsut import PARTS

    for part in PARTS:
        names = [f"{part.upper()}_{number:04d}" for number in range(1, 58)]
        write_speech(root / part / "wav", names, 48000)
        (root / part / "transcript_utf8.txt").write_text("".join(f"{name}:水\n" for name in names), encoding="utf-8")


def csmsc(root: Path) -> None:
    names = [f"{number:06d}" for number in range(1, 206)]
    write_speech(root / "Wave", names, 48000)
    lines = "".join(f"{name}\t卡尔\n\tka2 er2\n" for name in names)
    (root / "ProsodyLabeling").mkdir()
    (root / "ProsodyLabeling/000001-010000.txt").write_text(lines, encoding="utf-8")


TREES = {"ljspeech": (ljspeech, (5, 250, 250)), "vctk": (vctk, (5, 10, 10)), "jsut": (jsut, (13, 250, 250))}
TREES["csmsc"] = csmsc, (5, 100, 100)


@pytest.mark.parametrize("corpus", TREES)
def test_published_sets_and_mels_of_a_small_tree(corpus, tmp_path):
    write, sizes = TREES[corpus]
    write(tmp_path / "tree")
    config = ROOT / "egs" / corpus / "voc/conf/parallel_wavegan.yaml"
    # Features and statistics of one of the three corpora at 24 kHz stand for all of them.
    last = 2 if corpus in ("ljspeech", "vctk") else 0
    options = ["--corpus-dir", tmp_path / "tree", "--work-dir", tmp_path, "--stop-stage", last]
    run(corpus, *options, "--config", config, "--untrained", "")
    sets = [DataDir(tmp_path / "data" / name) for name in ("train", "dev", "test")]
    assert tuple(len(data.utterances) for data in sets) == sizes
    assert {data.waves().rate() for data in sets} == {load_yaml(config)["sample_rate"]}
    if last:
        (folder,) = (tmp_path / "data").glob("mels_*")
        for name in ("train", "dev", "test"):
            StoredMels(folder / name / "feats.scp").check_definition(
                features_of(load_yaml(config)).definition(), needed=True
            )
        assert (tmp_path / "exp/parallel_wavegan_seed1/statistics.ark").is_file()


def test_fsdd_divides_the_speakers(shared_data, tmp_path):
    options = ["--size", "tiny", "--work-dir", tmp_path, "--stop-stage", 1, "--unseen", "lucas"]
    run("fsdd", *options, "--corpus-dir", shared_data / "fsdd", "--noise-dir", shared_data / "nonspeech")
    speakers = {
        name: set(read_list(tmp_path / f"data/tiny_voc/{name}/utt2spk").values())
        for name in ("train_of_seen", "dev", "test_seen", "test_unseen")
    }
    assert speakers["test_unseen"] == {"lucas"}
    assert len(speakers["train_of_seen"]) == 5 and "lucas" not in speakers["train_of_seen"]
    assert speakers["test_seen"] | speakers["dev"] <= speakers["train_of_seen"]


def test_ravdess_divides_the_speakers(tmp_path):
    from nrsr.corpora import ravdess

    names = [name.removesuffix(".wav") for actor in ravdess.ACTORS for name in ravdess.expected_files(actor)]
    for actor in ravdess.ACTORS:
        (tmp_path / "tree" / f"Actor_{actor}").mkdir(parents=True)
    soundfile.write(tmp_path / "x.wav", 0.1 * np.ones(96), 48000)
    for name in names:
        os.link(tmp_path / "x.wav", tmp_path / "tree" / f"{name}.wav")
    run("ravdess", "--corpus-dir", tmp_path / "tree", "--work-dir", tmp_path, "--stop-stage", 1, "--tested", 60)
    data = {name: DataDir(tmp_path / f"data/fold0_voc/{name}") for name in ("train", "dev", "test_seen", "test_unseen")}
    assert {name: len(content.utterances) for name, content in data.items()} == {
        "train": 780, "dev": 16, "test_seen": 60, "test_unseen": 60,
    }  # fmt: skip
    speakers = {name: set(content.read("utt2spk").values()) for name, content in data.items()}
    assert speakers["test_seen"] <= speakers["train"] and len(speakers["train"]) == 14
    assert not (speakers["test_unseen"] | speakers["dev"]) & speakers["train"]
    assert not speakers["test_unseen"] & speakers["dev"]
    assert not set(data["test_seen"].utterances) & set(data["train"].utterances)
