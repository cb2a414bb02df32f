"""Audio GANs and classifiers trained by the loop: labels that are missing, resumption, collapse in the log."""

import json
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import toy_games
from test_games import assert_same

import nrsr
from nrsr.errors import NrsrError
from nrsr.kaldi import WaveWriter, write_list
from nrsr.training.run import run_training

sys.path.insert(0, str(Path(__file__).parents[1] / "systems"))
from toy_gans import ADAM, RATE, spec_of

TURNS = {
    "classifier": {"loss_weights": {"classification": 1.0}, "optimiser": ADAM},
    "discriminator": {"loss_weights": {"adversarial": 1.0}, "optimiser": ADAM},
    "generator": {"loss_weights": {"adversarial": 1.0, "control": 1.0}, "optimiser": ADAM},
}
WGAN = {
    "discriminator": {"loss_weights": {"adversarial": 1.0, "penalty": 10.0}, "optimiser": ADAM, "repeat": 2},
    "generator": {"loss_weights": {"adversarial": 1.0}, "optimiser": ADAM},
}


def write_words(folder: Path, words: list[str], seed: int = 0, samples: int = 2000) -> Path:
    """A data directory with one utterance a word."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as writer:
        for number, word in enumerate(words):
            writer[f"s-{number:03}"] = rng.uniform(-0.3, 0.3, samples + 100 * len(word)).astype(np.float32)
    write_list(folder / "text", {f"s-{number:03}": word for number, word in enumerate(words)})
    write_list(folder / "utt2spk", {f"s-{number:03}": "s" for number in range(len(words))})
    return folder


def config_of(system: dict, turns: dict, labelled: bool, **training) -> dict:
    return {
        "sample_rate": RATE,
        "system": system,
        "turns": turns,
        "data": {"segment": system["samples"], **({"labels": {"word": {"file": "text"}}} if labelled else {})},
        "batches": {"size": 6},
        "training": {"steps": 6, "validate_steps": 3, "select": "last", "average": 1, "clip": None, **training},
    }


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("words")
    write_words(folder / "train", ["one", "two", "three"] * 8)
    write_words(folder / "dev", ["one", "two", "three", "four"] * 2, 1)
    return folder


def train(words: Path, folder: Path, config: dict) -> list[dict]:
    statistics(words, folder, config)
    run_training(config, 1, words / "train", words / "dev", None, folder)
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def statistics(words: Path, folder: Path, config: dict) -> None:
    from nrsr.commands.compute_cmvn import of_system

    of_system(config, str(words / "train"), str(folder / "statistics.ark"), False)


def test_controlgan_logs_its_controller_and_leaves_out_words_that_nobody_taught(words, tmp_path, capsys):
    history = train(words, tmp_path / "exp", config_of(spec_of("ControlGan", rate=0.5), TURNS, True))
    assert [entry["step"] for entry in history] == [3, 6]
    gammas = [entry["dev"]["gamma"] for entry in history]
    assert 0 < gammas[0] < gammas[1]
    assert {"accuracy", "fake_accuracy", "diversity", "distance"} <= history[0]["dev"].keys()
    assert {"classifier/classification", "generator/control"} <= history[0]["train"].keys()
    skipped = (tmp_path / "exp/skipped.txt").read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in skipped] == [
        f"s-00{n} without a word that is learnt: four" for n in (3, 7)
    ]
    assert "dev: 2 utterances left out: 2 without a word that is learnt" in capsys.readouterr().err
    system = nrsr.load(tmp_path / "exp").system
    assert system.labels == ["one", "three", "two"] and system.gamma.item() == pytest.approx(gammas[1])


def test_the_controller_is_resumed_bit_for_bit(words, tmp_path):
    config = config_of(spec_of("ControlGan", rate=0.5), TURNS, True, save_steps=1)

    def play(folder, config):
        if not (folder / "statistics.ark").exists():
            statistics(words, folder, config)
        run_training(config, 1, words / "train", words / "dev", None, folder)

    assert toy_games.in_processes(1, play, tmp_path / "whole", config) == [0]
    assert toy_games.in_processes(1, play, tmp_path / "killed", config, kill=5) == [-signal.SIGKILL]
    state = torch.load(tmp_path / "killed/last.pt", weights_only=True)
    assert 0 < state["progress"]["step"] < 6 and state["model"]["gamma"] > 0
    assert toy_games.in_processes(1, play, tmp_path / "killed", config) == [0]
    assert_same(tmp_path / "whole", tmp_path / "killed")


def test_a_collapse_stands_in_the_log(words, tmp_path, monkeypatch):
    from nrsr.systems import WaveGan

    real = WaveGan.draw
    monkeypatch.setattr(WaveGan, "draw", lambda self, *options: real(self, *options)[:1].expand(options[0], -1))
    config = config_of(spec_of("WaveGan"), WGAN, False)
    history = train(words, tmp_path / "exp", config)
    assert history[0]["dev"]["diversity"] < 1e-3
    log = (tmp_path / "exp/train.log").read_text()
    assert log.count("note: mode collapse: generated examples differ by 0.0 % of what real ones differ by") == 2


def test_a_divergence_stands_in_the_log(words, tmp_path, monkeypatch):
    from nrsr.systems import WaveGan

    monkeypatch.setattr(WaveGan, "fake", lambda self, latent, labels: self.generator(latent) * 0 + 50.0)
    train(words, tmp_path / "exp", config_of(spec_of("WaveGan"), WGAN, False))
    log = (tmp_path / "exp/train.log").read_text()
    assert log.count("note: divergence: the mean of generated examples is ") == 1  # not nearer than at first


def test_audio_of_another_rate_is_named(words, tmp_path):
    config = {**config_of(spec_of("WaveGan"), WGAN, False), "sample_rate": 16000}
    with pytest.raises(NrsrError, match="8000 Hz"):
        run_training(config, 1, words / "train", words / "dev", None, tmp_path / "exp")


@pytest.mark.parametrize("labelled", [False, True])
def test_silence_and_fewer_utterances_than_a_batch(tmp_path, labelled):
    for name, count in (("train", 2), ("dev", 2)):
        folder = write_words(tmp_path / name, ["one", "two"][:count])
        with WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as writer:
            for number in range(count):
                writer[f"s-{number:03}"] = np.zeros(3000, np.float32)
    (tmp_path / "train/utt2dur").unlink(missing_ok=True)
    name, turns = ("ControlGan", TURNS) if labelled else ("WaveGan", WGAN)
    history = train(tmp_path, tmp_path / "exp", config_of(spec_of(name), turns, labelled))
    assert history[-1]["dev"]["diversity"] is None and history[-1]["skipped_steps"] == 0
    what = "of one word " if labelled else ""
    note = f"note: development data {what}do not differ from each other: are they silent, or too few?"
    assert note in (tmp_path / "exp/train.log").read_text()


def test_batches_of_segments_are_of_all_lengths(words, tmp_path):
    """Padded to one length, words are not sorted by it: no batch is of short ones alone."""
    from nrsr.data.batches import BatchSettings
    from nrsr.data.waveforms import WaveformDataset

    data = WaveformDataset(words / "train", None, RATE, BatchSettings(), segment=4096)
    data.prepare_for_training()
    lengths = [{data.samples[item.number] for item in batch} for batch in data.batches(BatchSettings(size=6), 1, 0)]
    assert len(lengths) == 4 and max(map(len, lengths)) > 1
    capped = data.batches(BatchSettings(size=6, max_seconds=4 * 4096 / RATE), 1, 0)
    assert {len(batch) for batch in capped} == {4}  # the cap counts what is padded
