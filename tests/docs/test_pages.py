"""What the pages of docs/ say of corpora, configs, gradients and folders is so."""

import inspect
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml
from pages import ROOT, blocks

from nrsr.commands.doctor import corpus_problems
from nrsr.config import build
from nrsr.data.batches import BatchSettings
from nrsr.data.features import FeatureSettings
from nrsr.data.frames import FrameDataset
from nrsr.data.mixtures import MixtureSet
from nrsr.experiment.settings import EXPERIMENT_KEYS, TrainingSettings
from nrsr.experiment.turn_settings import GAME_KEYS
from nrsr.gradients import Combiner
from nrsr.gradients.torchjd import TorchJd
from nrsr.inference.settings import DecodingSettings
from nrsr.kaldi import DataDir, write_list


@pytest.fixture
def corpus(tmp_path) -> Path:
    """Two utterances a split, laid out as docs/add-a-corpus.md says."""
    for split in ("train", "dev", "test"):
        for speaker in ("ann", "bob"):
            file = tmp_path / "corpus" / split / speaker / f"{speaker}{split}.wav"
            file.parent.mkdir(parents=True)
            soundfile.write(file, np.random.default_rng(0).uniform(-0.1, 0.1, 8000), 16000)
        write_list(tmp_path / "corpus" / split / "prompts.txt", {f"{name}{split}": "go on" for name in ("ann", "bob")})
    return tmp_path / "corpus"


def test_the_corpus(nrsr_main, mycorpus, corpus, tmp_path):
    status, printed, err = nrsr_main("prepare", "mycorpus", "--corpus-dir", corpus, "--out", tmp_path / "data")
    assert status == 0 and "train_clean       2 utterances      4 words   2 speakers" in printed, err
    for split in ("train", "dev", "test"):
        assert nrsr_main("validate-data", tmp_path / "data" / f"{split}_clean")[0] == 0
    assert DataDir(tmp_path / "data/dev_clean").read("text") == {"ann-anndev": "go on", "bob-bobdev": "go on"}
    (corpus / "dev/prompts.txt").write_text("anndev go on\n")
    status, _, err = nrsr_main("prepare", "mycorpus", "--corpus-dir", corpus, "--out", tmp_path / "data")
    assert status == 1 and "dev/prompts.txt: lacks bobdev; add its words, or remove " in err
    (corpus / "dev/prompts.txt").unlink()
    recipe = tmp_path / "mycorpus" / "asr"
    recipe.mkdir(parents=True)
    (recipe / "run.sh").touch()
    assert corpus_problems(recipe, corpus_dir=corpus) == [
        f"{corpus}/dev/prompts.txt: no such file; give the folder that holds train/"
    ]


def test_the_combiners(tmp_path, monkeypatch):
    (tmp_path / "local").mkdir()
    (tmp_path / "local/equal_norms.py").write_text(blocks("docs/gradients.md", "python")[0])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "local"))
    monkeypatch.syspath_prepend(tmp_path / "local")
    specs = [yaml.safe_load(block)["gradients"] for block in blocks("docs/gradients.md", "yaml")]
    remedy, projected, own = (build(spec, Combiner, "gradients") for spec in specs)
    assert remedy.k == 5 and isinstance(projected, TorchJd) and own.granularity == "module"
    first, second = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    losses = {"asr": 3 * first.sum() + second.sum(), "se": first[0] * 4.0 + 0 * second.sum()}
    shared = {"a.weight": first, "b.weight": second}
    figures = own.backward(losses, shared, list(shared.values())) | own.finish(list(shared.values()))
    # Norms of `first`: 3 √2 and 4, of `second`: √2 and 0, which counts as it is.
    mean = (18**0.5 + 4) / 2
    assert torch.allclose(first.grad, torch.tensor([mean / 2**0.5 + mean, mean / 2**0.5]))
    assert torch.allclose(second.grad, torch.full((2,), 0.5)) and "mean_norm" in figures


def test_every_key_of_a_config_is_named():
    page = (ROOT / "docs/config.md").read_text(encoding="utf-8")
    keys = {*EXPERIMENT_KEYS, *GAME_KEYS, "base"}
    for settings in (TrainingSettings, BatchSettings, DecodingSettings, FeatureSettings):
        keys |= {field.name for field in fields(settings)}
    given = {"self", "path", "units", "rate", "settings", "allow_pipes"}
    for data in (MixtureSet, FrameDataset):
        keys |= set(inspect.signature(data.__init__).parameters) - given
    assert {key for key in keys if f"`{key}`" not in page} == set()


def test_defaults_of_a_training_are_those_of_the_page():
    page = (ROOT / "docs/config.md").read_text(encoding="utf-8")
    for field in fields(TrainingSettings):
        shown = [line for line in page.splitlines() if line.startswith(f"| `{field.name}` | ")]
        if shown and field.name not in ("validate_steps",):
            default = "none" if field.default is None else f"{field.default}".strip()
            assert shown[0].split("|")[2].strip().strip("`") == default, shown[0]
