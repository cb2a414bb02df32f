"""nrsr vocode: Kaldi mels in, waveforms out, whatever their length; and what it refuses."""

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml

from nrsr.experiment.checkpoint import save_checkpoint
from nrsr.kaldi import DataDir, TableWriter, open_table, write_list
from nrsr.systems import build_system
from nrsr.systems.gan_vocoder import CHUNK

sys.path.insert(0, str(Path(__file__).parents[1] / "systems"))
sys.path.insert(0, str(Path(__file__).parents[1] / "data"))

from toy_mels import write_mels, write_waves  # noqa: E402
from toy_vocoders import FEATURES, RATE, config_of, vocoder  # noqa: E402

HOP = FEATURES["hop"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> dict[str, Path]:
    """An experiment of each vocoder, as nrsr train leaves it."""
    folders = {}
    for name in ("melgan", "parallel_wavegan", "hifigan"):
        folder = tmp_path_factory.mktemp(name)
        save_checkpoint(folder / "model.pt", {"model": vocoder(name).state_dict()})
        (folder / "config.yaml").write_text(yaml.safe_dump(config_of(name)))
        folders[name] = folder
    return folders


@pytest.fixture(scope="module")
def mels(tmp_path_factory) -> Path:
    """A data directory with utterances of several lengths, one of them longer than a chunk."""
    long = (CHUNK + 300) * HOP + 5
    folder = write_mels(tmp_path_factory.mktemp("mels") / "data", [3000, 800, long, 40], features=FEATURES)
    write_list(folder / "text", {f"spk-{number:03d}": "some words" for number in range(4)})
    return folder


@pytest.mark.parametrize("name", ["melgan", "parallel_wavegan", "hifigan"])
def test_chunks_batches_and_files_change_nothing(nrsr_main, trained, mels, tmp_path, name):
    options = {"alone": [], "batches": ["--batch-size", 3], "files": ["--wav-files"]}
    found = {}
    for what, more in options.items():
        command = ["vocode", "--exp", trained[name], *more, f"scp:{mels}/feats.scp", tmp_path / what]
        status, out, err = nrsr_main(*command)
        assert status == 0, err
        assert re.search(r"4 utterances, real-time factor \d+\.\d+ on one worker", out)
        found[what] = dict(DataDir(tmp_path / what).waves(rate=RATE).items())
        status, _, err = nrsr_main("validate-data", tmp_path / what)
        assert status == 0, err
    system, table = vocoder(name).eval(), open_table(mels / "feats.scp")
    for utterance in table:
        [whole] = system.vocode([table[utterance]], chunk=100_000)
        whole /= max(1.0, np.abs(whole).max() / 0.999)
        for waves in found.values():
            assert len(waves[utterance]) == len(table[utterance]) * HOP
            np.testing.assert_allclose(waves[utterance], whole, atol=1e-4)
    assert (tmp_path / "files/wav/spk-002.wav").is_file() and soundfile.info(
        tmp_path / "files/wav/spk-002.wav"
    ).subtype == "PCM_16"
    assert not (tmp_path / "alone/utt2dur").exists() and (tmp_path / "alone/text").is_file()


def test_a_data_directory_by_nrsr_apply(nrsr_main, trained, mels, tmp_path):
    for command in (
        ["apply", "--exp", trained["melgan"], "--data", mels, "--out", tmp_path / "apply"],
        ["vocode", "--exp", trained["melgan"], f"scp:{mels}/feats.scp", tmp_path / "vocode"],
    ):
        assert nrsr_main(*command)[0] == 0
    one, other = (dict(DataDir(tmp_path / name).waves(rate=RATE).items()) for name in ("apply", "vocode"))
    for utterance, wave in one.items():
        np.testing.assert_array_equal(wave, other[utterance])


def test_labels_come_along(nrsr_main, trained, mels, tmp_path):
    data = shutil.copytree(mels, tmp_path / "data")
    names = [f"spk-{number:03d}" for number in range(4)]
    write_list(data / "utt2emotion", dict.fromkeys(names, "calm"))
    write_list(data / "spk2gender", dict.fromkeys(set(DataDir(data).read("utt2spk").values()), "f"))
    assert nrsr_main("vocode", "--exp", trained["melgan"], f"scp:{data}/feats.scp", tmp_path / "out")[0] == 0
    for name in ("utt2emotion", "spk2gender"):
        assert (tmp_path / "out" / name).read_text() == (data / name).read_text()


def test_mels_of_another_toolkit(nrsr_main, trained, tmp_path):
    with TableWriter(f"ark,scp:{tmp_path}/tts.ark,{tmp_path}/tts.scp") as writer:
        writer["one"] = np.random.default_rng(0).normal(-3.0, 1.0, (50, 12)).astype(np.float32)
        writer["path/two"] = np.zeros((5, 12), np.float32)
    command = ["vocode", "--exp", trained["melgan"], f"scp:{tmp_path}/tts.scp", tmp_path / "out"]
    assert nrsr_main(*command)[0] == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"wav.ark", "wav.scp", "vocode.log"}
    status, _, err = nrsr_main(*command, "--wav-files")
    assert status == 1 and "path/two: names no file" in err


def test_griffin_lim_by_its_config(nrsr_main, mels, tmp_path):
    config = tmp_path / "griffin_lim.yaml"
    system = {"class": "nrsr.systems.GriffinLim", "features": FEATURES, "iterations": 8}
    config.write_text(yaml.safe_dump({"sample_rate": RATE, "system": system}))
    status, out, err = nrsr_main("vocode", "--config", config, f"scp:{mels}/feats.scp", tmp_path / "out")
    assert status == 0, err
    waves = DataDir(tmp_path / "out").waves(rate=RATE)
    assert len(waves["spk-000"]) == 3000 // HOP * HOP
    status, _, err = nrsr_main("train", "--config", config, "--train", mels, "--dev", mels, "--exp", tmp_path / "exp")
    assert status == 1 and len(err.strip().splitlines()) == 1


def test_world_by_its_config(nrsr_main, tmp_path):
    pytest.importorskip("pyworld", exc_type=ImportError)
    folder = write_waves(tmp_path / "data", [RATE, 5000]).path
    config = tmp_path / "world.yaml"
    config.write_text(yaml.safe_dump({"system": {"class": "nrsr.systems.World"}}))
    status, out, err = nrsr_main("apply", "--config", config, "--data", folder, "--out", tmp_path / "out")
    assert status == 0, err
    waves = DataDir(tmp_path / "out").waves(rate=RATE)
    assert [len(waves[name]) for name in sorted(waves)] == [RATE, 5000]
    status, _, err = nrsr_main("vocode", "--config", config, f"scp:{folder}/feats.scp", tmp_path / "none")
    assert status == 1
    assert f"{config}: World takes no mel features; apply it with nrsr apply --config {config}" in err


def refused(nrsr_main, *command) -> str:
    status, _, err = nrsr_main(*command)
    assert status == 1
    return err


def test_bad_input(nrsr_main, trained, mels, tmp_path):
    exp, out = trained["melgan"], tmp_path / "out"
    assert "give the list of the features, as scp:" in refused(nrsr_main, "vocode", "--exp", exp, "ark:x.ark", out)
    err = refused(nrsr_main, "vocode", "--exp", exp, f"scp:{tmp_path}/nowhere.scp", out)
    assert "nowhere.scp: no such file" in err
    err = refused(nrsr_main, "vocode", "--exp", exp, f"scp:{mels}/feats.scp", mels)
    assert "is the folder of feats.scp itself" in err
    other = write_mels(tmp_path / "other", [900, 1200], features={**FEATURES, "logarithm": "e", "hop": 16})
    err = refused(nrsr_main, "vocode", "--exp", exp, f"scp:{other}/feats.scp", out)
    assert (
        f"{other}/feats.yaml: hop 16, not 32, logarithm e, not 10, as the vocoder takes it; run nrsr make-feats" in err
    )
    wide = tmp_path / "wide.scp"
    with TableWriter(f"ark,scp:{tmp_path}/wide.ark,{wide}") as writer:
        writer["one"] = np.zeros((5, 80), np.float32)
    assert "80 bands a frame, not 12" in refused(nrsr_main, "vocode", "--exp", exp, f"scp:{wide}", out)
    config = tmp_path / "front.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "sample_rate": RATE,
                "system": {"class": "nrsr.systems.Enhancement", "frontend": {"class": "nrsr.frontends.Identity"}},
            }
        )
    )
    err = refused(nrsr_main, "vocode", "--config", config, f"scp:{mels}/feats.scp", out)
    assert f"{config}: Enhancement takes no mel features; apply it with nrsr apply" in err


def test_utterances_that_fail_are_listed_and_the_others_written(nrsr_main, trained, mels, tmp_path):
    table = open_table(mels / "feats.scp")
    rows = {name: table[name].copy() for name in ("spk-000", "spk-001")}
    rows["spk-001"][3, 2] = 12345.0
    with TableWriter(f"ark,scp:{tmp_path}/bad.ark,{tmp_path}/bad.scp") as writer:
        for name, matrix in rows.items():
            writer[name] = matrix
    content = (tmp_path / "bad.ark").read_bytes()
    infinite = np.float32(-np.inf).tobytes()
    (tmp_path / "bad.ark").write_bytes(content.replace(np.float32(12345.0).tobytes(), infinite))
    err = refused(nrsr_main, "vocode", "--exp", trained["melgan"], f"scp:{tmp_path}/bad.scp", tmp_path / "out")
    assert "1 of 2 utterances failed" in err and "spk-001: frame 3 has -inf in band 2" in err
    assert list(DataDir(tmp_path / "out").waves(rate=RATE)) == ["spk-000"]
    assert "spk-001" in (tmp_path / "out/skipped").read_text()


def test_weight_norm_is_folded_for_application_alone(trained):
    import nrsr
    from nrsr.inference.application import SystemOutputs

    experiment = nrsr.load(trained["melgan"])
    names = set(experiment.system.state_dict())
    assert any("original0" in name for name in names)
    SystemOutputs(experiment, ["wav"])
    assert not any("original0" in name for name in experiment.system.state_dict())
    assert names == set(build_system(experiment.config).state_dict())
    assert torch.is_grad_enabled()
