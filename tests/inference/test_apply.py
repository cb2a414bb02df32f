"""The driver: outputs of any system, a task outside the package, and what fails while the rest is written."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import nrsr
from nrsr.config import save_yaml
from nrsr.experiment.checkpoint import save_checkpoint
from nrsr.frontends import MaskBlstm
from nrsr.inference import driver
from nrsr.kaldi import DataDir, open_table, read_list, write_list
from nrsr.kaldi.audio_states import SOURCES_OF
from nrsr.systems import build_system


@pytest.fixture
def outside(tmp_path, monkeypatch) -> Path:
    """The experiment of a system that stands in a user's own file."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setenv("NRSR_MODULES", "outside_task")
    config = {"sample_rate": 8000, "system": {"class": "outside_task.Loudness"}}
    save_yaml(config, tmp_path / "exp" / "config.yaml")
    save_checkpoint(tmp_path / "exp" / "model.pt", {"model": build_system(config).state_dict()})
    return tmp_path / "exp"


def test_a_task_outside_the_package(nrsr_main, outside, data, tmp_path):
    """Inputs and outputs of its own; one utterance that it cannot read, and one that breaks its batch."""
    out = tmp_path / "out"
    status, _, err = nrsr_main("apply", "--exp", outside, "--data", data, "--out", out, "--batch-size", 5)
    failed = {"spk1-u04": "LookupError: no such thing as this utterance", "spk1-short": "RuntimeError: a batch with"}
    assert status == 1 and "2 of 14 utterances failed" in err and "spk1-short spk1-u04" in err
    skipped = read_list(out / "skipped")
    assert skipped.keys() == failed.keys() and all(skipped[name].startswith(failed[name]) for name in failed)
    levels = {
        name: float(np.abs(wave[::2]).max()) for name, wave in DataDir(data).waves().items() if name not in failed
    }
    assert json.loads((out / "level.json").read_text()) == pytest.approx(levels)
    assert read_list(out / "label") == {name: "loud" if level > 0.5 else "soft" for name, level in levels.items()}
    vectors = open_table(out / "posteriors.scp")
    assert {name: vectors[name].tolist() for name in vectors} == {
        name: pytest.approx([level, 1 - level], abs=1e-6) for name, level in levels.items()
    }
    loud = [name for name, level in levels.items() if level > 0.5]
    assert f"{len(loud)} utterances are loud" in err
    log = (out / "apply.log").read_text()
    assert all(name in log for name in [*loud, *failed]) and "12 utterances, real-time factor" in log
    options = ["--exp", outside, "--data", data, "--out", tmp_path / "one", "--outputs", "label"]
    assert nrsr_main("apply", *options)[0] == 1
    assert {path.name for path in (tmp_path / "one").iterdir()} == {"label", "apply.log", "skipped", SOURCES_OF}
    # Where an earlier run has written other outputs, these go away.
    (tmp_path / "one" / "mine.txt").write_text("not an output")
    for outputs, files in (
        ("level,posteriors", {"level.json", "posteriors.scp", "posteriors.ark"}),
        ("label", {"label"}),
    ):
        assert nrsr_main("apply", *options[:-1], outputs)[0] == 1
        names = {path.name for path in (tmp_path / "one").iterdir()}
        assert names == files | {"apply.log", "skipped", SOURCES_OF, "mine.txt"}


def test_outputs_of_a_recogniser(nrsr_main, experiment, data, tmp_path):
    status, _, err = nrsr_main("apply", "--exp", experiment, "--data", data, "--out", tmp_path / "a")
    assert status == 0 and "1 utterances are too short for loglikes and get none: spk1-short" in err
    assert nrsr_main("decode", "--exp", experiment, "--data", data, "--out", tmp_path / "b", "--write-loglikes")[0] == 0
    applied, decoded = (open_table(tmp_path / name / "loglikes.scp") for name in "ab")
    assert set(applied) == set(decoded)
    assert all(np.allclose(applied[name], decoded[name], atol=1e-5) for name in decoded)
    options = ["--exp", experiment, "--data", data, "--out", tmp_path / "c"]
    assert nrsr_main("apply", *options, "--outputs", "layer1,wav", "--nj", 2)[0] == 0
    hidden = open_table(tmp_path / "c" / "layer1.scp")["spk1-u12"]
    system, wave = nrsr.load(experiment).system, DataDir(data).waves()["spk1-u12"]
    with torch.inference_mode():
        wanted, _, _ = system.encode(torch.from_numpy(wave)[None], torch.tensor([len(wave)]))
    np.testing.assert_allclose(hidden, wanted[0], atol=1e-4)
    assert set(DataDir(tmp_path / "c").waves()) == set(DataDir(data).waves())
    for wanted, message in (
        ("loglikes,x", "x: .* outputs loglikes, wav, layer1"),
        ("", ": .* outputs loglikes, wav"),
    ):
        status, _, err = nrsr_main("apply", *options, "--outputs", wanted)
        assert status == 1 and re.search(message, err)


def test_lists_beside_waveforms_hold_what_was_written(nrsr_main, experiment, data, tmp_path):
    spoilt = shutil.copytree(data, tmp_path / "data")
    entries = read_list(spoilt / "wav.scp")
    write_list(spoilt / "spk2utt", {"spk1": " ".join(sorted(entries))})
    write_list(spoilt / "wav.scp", {**entries, "spk1-u01": "/nowhere.wav"})
    write_list(spoilt / "utt2dur", DataDir(data).durations())
    status, _, err = nrsr_main("enhance", "--exp", experiment, "--data", spoilt, "--out", tmp_path / "out")
    assert status == 1 and "1 of 14 utterances failed" in err and "/nowhere.wav" in err
    found = DataDir(tmp_path / "out")
    for name in ("wav.scp", "utt2spk", "text", "utt2dur"):
        assert found.read(name).keys() == entries.keys() - {"spk1-u01"}
    assert found.read("spk2utt")["spk1"].split() == sorted(entries.keys() - {"spk1-u01"})
    assert nrsr_main("validate-data", tmp_path / "out")[0] == 0
    assert nrsr_main("enhance", "--exp", experiment, "--data", data, "--out", tmp_path / "out")[0] == 0
    assert not (tmp_path / "out" / "spk2utt").exists()  # an earlier run's, which this data directory lacks


def test_files_that_fail_are_named_and_the_others_are_recognised(nrsr_main, experiment, data, tmp_path):
    waves = DataDir(data).waves()
    for name in ("u10", "u12"):
        soundfile.write(tmp_path / f"{name}.wav", waves[f"spk1-{name}"], 8000, subtype="FLOAT")
    (tmp_path / "text.wav").write_text("no audio")
    spike = waves["spk1-u11"].copy()
    spike[77] = 1e30
    soundfile.write(tmp_path / "spike.wav", spike, 8000, subtype="FLOAT")
    files = [tmp_path / f"{name}.wav" for name in ("u10", "text", "spike", "u12")]
    status, printed, err = nrsr_main("transcribe", "--exp", experiment, *files)
    assert status == 1 and "2 of 4 files failed: " in err
    assert [line.split("\t")[0] for line in printed.splitlines()] == [str(files[0]), str(files[3])]
    assert f"{files[1]}: failed: " in err and f"{files[2]}: failed: " in err
    alone = nrsr_main("transcribe", "--exp", experiment, files[3])[1]
    assert alone == printed.splitlines(keepends=True)[1]
    status, printed, err = nrsr_main("transcribe", "--exp", experiment, *files[1:3])
    assert status == 1 and printed == "" and "nothing succeeded" in err and all(str(file) in err for file in files[1:3])


@pytest.mark.parametrize("command", ["apply", "enhance", "decode"])
def test_a_system_that_gives_nan_writes_nothing(nrsr_main, experiment, data, tmp_path, command, monkeypatch):
    monkeypatch.setattr(MaskBlstm, "forward", lambda self, waves, lengths, clean=None: (waves * torch.nan, None))
    monkeypatch.setattr(driver, "GIVE_UP", 3)
    out = tmp_path / "out"
    status, _, err = nrsr_main(command, "--exp", experiment, "--data", data, "--out", out, "--batch-size", 1)
    assert status == 1 and "not tried; failed: spk1-u12 spk1-u11 spk1-u10; spk1-u12: the system gives NaN" in err
    assert not out.exists()


def test_failures_of_different_reasons_do_not_stop_the_rest(nrsr_main, experiment, data, tmp_path, monkeypatch):
    """The longest come first and cannot be read; the others are recognised all the same."""
    monkeypatch.setattr(driver, "GIVE_UP", 3)
    spoilt = shutil.copytree(data, tmp_path / "data")
    entries = read_list(spoilt / "wav.scp")
    gone = {f"spk1-u{number:02d}": f"/nowhere/{number}.wav" for number in range(6, 13)}
    write_list(spoilt / "wav.scp", entries | gone)
    write_list(spoilt / "utt2dur", DataDir(data).durations())
    options = ["--exp", experiment, "--data", spoilt, "--out", tmp_path / "out", "--batch-size", 2]
    status, _, err = nrsr_main("decode", *options)
    assert status == 1 and "7 of 14 utterances failed" in err
    assert read_list(tmp_path / "out" / "skipped").keys() == gone.keys()
    assert read_list(tmp_path / "out" / "text", allow_empty_values=True).keys() == entries.keys() - gone.keys()
