"""Distillation from data directories: stored layers and the teacher on the fly, what checkpoints hold, bad input."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "systems"))

from toy_students import EMOTIONS, RATE, encoder

import nrsr
from nrsr.config import ConfigError
from nrsr.data.labels import LabelError
from nrsr.data.stored_frames import StoredFramesError
from nrsr.errors import NrsrError
from nrsr.experiment.settings import parse_experiment
from nrsr.kaldi import DataDir, WaveWriter, read_list, write_list
from nrsr.kaldi.audio import AudioError
from nrsr.kaldi.audio_states import StaleError
from nrsr.systems import CollapseError, distilled_classifier
from nrsr.training.processes import Processes
from nrsr.training.run import check_frames, make_training, run_training

HEAD = {"class": "nrsr.nn.MeanPool", "width": 6}
SHARED = {
    "sample_rate": RATE,
    "data": {"labels": {"emotion": {"file": "utt2emotion"}}},
    "optimiser": {"class": "torch.optim.Adam", "lr": 3e-3},
    "batches": {"size": 4},
    "training": {"epochs": 2, "average": 1},
}


def write_data(folder: Path, names: list[str], seed: int) -> None:
    """Noisy and clean noise of 0.1 to 0.2 s with emotions in turn; one utterance has no frame."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    with (
        WaveWriter(folder / "clean.ark", folder / "spk1.scp", RATE) as clean,
        WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as noisy,
    ):
        for name in names:
            wave = rng.normal(0, 0.1, 30 if "short" in name else int(rng.integers(800, 1600))).astype(np.float32)
            clean[name], noisy[name] = wave, wave + rng.normal(0, 0.03, len(wave)).astype(np.float32)
    write_list(folder / "utt2emotion", {name: EMOTIONS[number % 3] for number, name in enumerate(names)})
    write_list(folder / "utt2spk", dict.fromkeys(names, names[0][0]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """train, dev, and a trained teacher."""
    folder = tmp_path_factory.mktemp("distillation")
    write_data(folder / "train", [*(f"a-{number}" for number in range(9)), "a-short"], 0)
    write_data(folder / "dev", [f"b-{number}" for number in range(4)], 1)
    system = {"class": "nrsr.systems.Classifier", "features": encoder(), "network": HEAD}
    settings = {**SHARED, "batches": {"size": 4, "shortest": 0.0}, "loss_weights": {"ce": 1.0}, "system": system}
    run_training(settings, 1, folder / "train", folder / "dev", None, folder / "teacher")
    return folder


@pytest.fixture(scope="module")
def layers(folder) -> Path:
    """The teacher's layers for the clean speech of both sets, in one folder."""
    from nrsr.commands.main import main

    names = {}
    (folder / "clean").mkdir()
    for part in ("train", "dev"):
        names |= read_list(folder / part / "spk1.scp")
    write_list(folder / "clean/wav.scp", {name: value for name, value in names.items() if "short" not in name})
    given = ["--exp", folder / "teacher", "--data", folder / "clean", "--out", folder / "layers"]
    assert main(["apply", *map(str, given), "--outputs", "layer1,layer3"]) == 0
    return folder / "layers"


def student(**changes) -> dict:
    system = {"class": "nrsr.systems.DistilledClassifier", "features": encoder(layers=2), "network": HEAD}
    system |= {"levels": [1, 3], **changes.pop("system", {})}
    data = {**SHARED["data"], **changes.pop("data", {})}
    weights = {"ce": 1.0, "l1": 1.0, "cosine": 1.0}
    return {**SHARED, "system": system, "data": data, "loss_weights": weights, **changes}


def on_the_fly(folder: Path, **changes) -> dict:
    init = {"teacher": {"from": str(folder / "teacher"), "module": "features"}}
    no_dropout = {**encoder(layers=2), "dropout": 0.0}
    return student(system={"teacher": encoder(), "features": no_dropout}, init=init, freeze=["teacher"], **changes)


def test_stored_layers_train_the_student_of_the_teacher_on_the_fly(folder, layers, tmp_path, capsys):
    configs = {"fly": on_the_fly(folder), "stored": student(
        system={"features": {**encoder(layers=2), "dropout": 0.0}}, data={"frames": str(layers)}
    )}  # fmt: skip
    for config in configs.values():
        config["system"] = {**config["system"], "network": {**HEAD, "dropout": 0.0}}
    # What is drawn for the student depends on what is drawn before it: both begin with the same weights.
    run_training(configs["stored"], 5, folder / "train", folder / "dev", None, tmp_path / "first")
    for name, config in configs.items():
        begin = {module: {"from": str(tmp_path / "first")} for module in ("features", "network")}
        config["init"] = {**config.get("init", {}), **begin}
        config["optimiser"] = {"class": "torch.optim.SGD", "lr": 0.05}  # Adam makes rounding visible
        run_training(config, 1, folder / "train", folder / "dev", None, tmp_path / name)
    fly, stored = (torch.load(tmp_path / name / "model.pt", weights_only=True)["model"] for name in configs)
    assert set(stored) == {name for name in fly if not name.startswith("teacher.")}
    for name, value in stored.items():
        torch.testing.assert_close(fly[name], value, rtol=1e-3, atol=1e-5)
    # The teacher is in frozen.pt once, and no checkpoint of an epoch holds it.
    frozen = torch.load(tmp_path / "fly/frozen.pt", weights_only=True)["model"]
    assert frozen and all(name.startswith("teacher.") for name in frozen)
    for path in (tmp_path / "fly/checkpoints").iterdir():
        assert not any(name.startswith("teacher.") for name in torch.load(path, weights_only=True)["model"])
    teacher = nrsr.load(folder / "teacher").system.features.state_dict()
    assert all(torch.equal(value, frozen[f"teacher.{name}"]) for name, value in teacher.items())
    log = (tmp_path / "fly/train.log").read_text()
    assert "distils layers 1, 3 of the teacher, applied to" in log and "similarity_3" in log and "spread" in log
    # What has no frame is listed, and is no part of either training.
    assert "a-short" in (tmp_path / "stored/skipped.txt").read_text()
    assert (tmp_path / "stored/train.utt2frames").is_file() and not (tmp_path / "fly/train.utt2frames").exists()
    capsys.readouterr()


def test_crops_and_noise_are_alike_for_student_and_teacher(folder, tmp_path):
    """A stretch is cut first, noise comes after, and the teacher gets the same stretch without noise."""
    noise = np.random.default_rng(7).uniform(-0.3, 0.3, 5000).astype(np.float32)
    (tmp_path / "noise").mkdir()
    with WaveWriter(tmp_path / "noise/wav.ark", tmp_path / "noise/wav.scp", RATE) as writer:
        writer["n"] = noise
    write_list(tmp_path / "noise/utt2spk", {"n": "n"})
    add = {"class": "nrsr.data.augmentation.AddNoise", "noise": str(tmp_path / "noise"), "snr": [5, 5], "onto": "clean"}
    augment = [{"class": "nrsr.data.augmentation.Crop", "seconds": 0.11}, add]
    config = on_the_fly(folder, data={"augment": augment})
    config["system"]["teacher"] = {**encoder(), "dropout": 0.0, "layer_drop": 0.9}  # which evaluation ignores
    run_training(config, 1, folder / "train", folder / "dev", None, tmp_path / "exp")
    assert "similarity_3" in (tmp_path / "exp/train.log").read_text()
    settings, sets = parse_experiment({**config, "seed": 1}), (folder / "train", folder / "dev")
    training = make_training(settings, sets, None, tmp_path / "again", Processes(), False)
    training.train_mode()
    whole, seen = DataDir(folder / "train").waves("spk1.scp"), 0
    teacher = nrsr.load(folder / "teacher").system.features
    for batch in training.loaded(training.train_set, training.plan(0)):
        targets = training.system.targets(batch)
        for row, name in enumerate(batch.ids):
            length = int(batch.lengths[row])
            clean, noisy = (waves[row, :length].numpy() for waves in (batch.clean, batch.waves))
            assert length == min(880, len(whole[name]))
            starts = range(len(whole[name]) - length + 1)
            assert any(np.array_equal(whole[name][start : start + length], clean) for start in starts)
            # The SNR is that of the stretch, without the padding of the batch, which stays silent.
            ratio = np.square(clean).mean() / np.square(noisy - clean).mean()
            assert 10 * np.log10(ratio) == pytest.approx(5.0, abs=0.01)
            assert not batch.waves[row, length:].any() and not batch.clean[row, length:].any()
            with torch.no_grad():
                layers, frames = teacher.layers(torch.from_numpy(clean)[None], torch.tensor([length]))
            for level in (1, 3):
                given = targets[level][row, : int(frames[0])]
                torch.testing.assert_close(given, layers[level][0], rtol=1e-4, atol=1e-5)
            seen += 1
    assert seen == 9


def test_a_collapse_ends_the_training_and_its_repetition(folder, tmp_path, monkeypatch):
    """Also at the last validation, which would otherwise leave a finished experiment."""
    monkeypatch.setattr(distilled_classifier, "COLLAPSED", 10.0)  # every student has collapsed by this
    config, exp = on_the_fly(folder, training={"epochs": 1, "average": 1}), tmp_path / "exp"
    for repetition in (1, 2):
        with pytest.raises(CollapseError, match="the student has collapsed"):
            run_training(config, 1, folder / "train", folder / "dev", None, exp)
        assert not (exp / "model.pt").exists() and not (exp / "last.pt").exists()
        log = (exp / "train.log").read_text()
        assert log.count("epoch 1 of 1: train") == log.count("ended: the student has collapsed") == repetition
        assert "spread" in (exp / "metrics.jsonl").read_text()
    monkeypatch.undo()
    run_training(config, 1, folder / "train", folder / "dev", None, exp)
    assert (exp / "model.pt").exists()


def test_a_resumed_training_refuses_frames_of_another_teacher(folder, layers, tmp_path):
    stored, exp = shutil.copytree(layers, tmp_path / "layers"), tmp_path / "exp"
    for scp in stored.glob("*.scp"):
        scp.write_text(scp.read_text().replace(str(layers), str(stored)))
    settings = parse_experiment({**student(data={"frames": str(stored)}), "seed": 1})
    training = make_training(settings, (folder / "train", folder / "dev"), None, exp, Processes(), False)
    check_frames(training, resumed=False, write=True)
    assert set(read_list(exp / "dev.utt2frames")) == {f"b-{number}" for number in range(4)}
    check_frames(training, resumed=True, write=True)
    for ark in stored.glob("*.ark"):
        ark.write_bytes(ark.read_bytes())
    with pytest.raises(StaleError, match="stored frames of 9 utterances of .*train have changed since this training"):
        check_frames(training, resumed=True, write=True)
    (exp / "train.utt2frames").unlink()
    (exp / "dev.utt2frames").unlink()
    check_frames(training, resumed=True, write=True)  # a training that began without the lists
    assert set(read_list(exp / "train.utt2frames")) == {f"a-{number}" for number in range(9)}


def test_stored_frames_fit_waveforms_whose_durations_are_rounded(folder, layers, tmp_path):
    sets = {name: tmp_path / name for name in ("train", "dev")}
    for name, path in sets.items():
        shutil.copytree(folder / name, path)
        seconds = {utterance: f"{value:.2f}" for utterance, value in DataDir(path).durations().items() if value > 0.01}
        write_list(path / "utt2dur", seconds)
    settings = parse_experiment({**student(data={"frames": str(layers)}), "seed": 1})
    training = make_training(settings, tuple(sets.values()), None, tmp_path / "exp", Processes(), False)
    data = training.train_set
    read = [data[number] for number in range(len(data))]
    assert len(read) == 9 and [len(example.wave) for example in read] != data.samples.tolist()
    planned, counts = (
        training.system.frame_counts(torch.tensor(samples)).tolist()
        for samples in (data.samples.tolist(), [len(example.wave) for example in read])
    )
    assert [len(example.frames["layer1"]) for example in read] == counts != planned


def refused(config: dict, folder: Path, tmp_path: Path, kind: type[NrsrError], message: str) -> None:
    with pytest.raises(kind, match=message):
        run_training(config, 1, folder / "train", folder / "dev", None, tmp_path / "exp")
    shutil.rmtree(tmp_path / "exp", ignore_errors=True)


def test_stored_layers_that_do_not_fit_are_named(folder, layers, tmp_path):
    def given(**changes) -> dict:
        return student(data={"frames": str(layers), **changes})

    refused(
        student(data={"frames": str(tmp_path)}), folder, tmp_path, StoredFramesError, "holds no frames .*nrsr apply"
    )
    missing = student(system={"levels": [1, 2]}, data={"frames": str(layers)})
    refused(missing, folder, tmp_path, StoredFramesError, "has no layer2, but layer1, layer3; run nrsr apply")
    refused(given(segment=800), folder, tmp_path, ConfigError, "data.frames: are of whole utterances; leave out")
    crop = {"class": "nrsr.data.augmentation.Crop", "seconds": 0.11}
    refused(given(augment=[crop]), folder, tmp_path, ConfigError, "take Crop and Speed out of data.augment")
    refused(student(), folder, tmp_path, ConfigError, "give the teacher there, or the folder of its stored layers")
    system = {"class": "nrsr.systems.Classifier", "features": encoder(), "network": HEAD}
    plain = {**SHARED, "system": system, "loss_weights": {"ce": 1.0}, "data": {**SHARED["data"], "frames": str(layers)}}
    refused(plain, folder, tmp_path, ConfigError, "data.frames: nrsr.systems.Classifier takes no stored frames")
    other = student(system={"features": encoder(layers=2, convolutions=[[8, 10, 5], [8, 8, 4]])})
    other["data"]["frames"] = str(layers)
    refused(
        other, folder, tmp_path, StoredFramesError, r"layer1.scp: .*frames, and its waveform gives .*; apply the teac"
    )


def test_teachers_and_labels_that_do_not_fit_are_named(folder, tmp_path):
    config = on_the_fly(folder)
    config.pop("freeze")
    refused(config, folder, tmp_path, ConfigError, r"freeze: the teacher is not trained; name it: freeze: \[teacher\]")
    config = on_the_fly(folder)
    config["system"]["teacher"] = encoder(feedforward=20)
    refused(config, folder, tmp_path, NrsrError, r"init.teacher: .* does not fit: other shapes: .*\(20, 8\)")
    config = on_the_fly(folder)
    config["data"] = {"labels": {"emotion": {"file": "utt2emotion", "classes": ["angry", "sad"]}}}
    refused(
        config, folder, tmp_path, LabelError, "a-1 has the label 'calm', .*does not name .angry sad.; mend the list"
    )
    config["data"] = {"labels": {"emotion": {"file": "utt2emotion", "classes": ["angry", "angry"]}}}
    refused(config, folder, tmp_path, ConfigError, "give two labels or more, each once")
    config = on_the_fly(folder, sample_rate=16000)
    refused(config, folder, tmp_path, AudioError, "dev/wav.ark:.*: has 8000 Hz but 16000 Hz are wanted; resample it")


def test_classify_names_short_clips_stereo_files_and_other_rates(folder, nrsr_main, tmp_path):
    test = tmp_path / "test"
    test.mkdir()
    rng = np.random.default_rng(0)
    waves = {"good": (1000, 1, RATE), "rate": (1000, 1, 16000), "short": (40, 1, RATE), "stereo": (1000, 2, RATE)}
    for name, (samples, channels, rate) in waves.items():
        soundfile.write(test / f"{name}.wav", rng.normal(0, 0.1, (samples, channels)), rate)
    write_list(test / "wav.scp", {name: test / f"{name}.wav" for name in waves})
    write_list(test / "utt2spk", dict.fromkeys(waves, "p"))
    given = ["--exp", folder / "teacher", "--data", test, "--out", tmp_path / "out"]
    status, _, err = nrsr_main("classify", *given, "--batch-size", 1)
    assert status == 1 and "3 of 4 utterances failed" in err
    assert set(skipped := read_list(tmp_path / "out/skipped")) == {"rate", "short", "stereo"}
    assert "is too short for emotion, posteriors" in skipped["short"]
    assert "16000 Hz" in skipped["rate"] and "2 channels" in skipped["stereo"]
    found = read_list(tmp_path / "out/emotion")
    assert set(found) == set(read_list(tmp_path / "out/posteriors.scp")) == {"good"} and found["good"] in EMOTIONS
    assert (tmp_path / "out/classes").read_text() == "angry 0\ncalm 1\nsad 2\n"
    status, _, err = nrsr_main("classify", *given[:4], "--out", tmp_path / "first", "--channel", 0)
    assert status == 1 and set(read_list(tmp_path / "first/emotion")) == {"good", "stereo"}
    # One that is too short is enough for an error, beside others in a batch and in a process of its own.
    write_list(test / "wav.scp", {name: test / f"{name}.wav" for name in ("good", "short")})
    write_list(test / "utt2spk", dict.fromkeys(("good", "short"), "p"))
    for more in ((), ("--nj", 2)):
        status, _, err = nrsr_main("classify", *given[:4], "--out", tmp_path / "short", *more)
        assert status == 1 and "1 of 2 utterances failed and are not in" in err and "short: is too short for" in err
        assert set(read_list(tmp_path / "short/emotion")) == {"good"}
