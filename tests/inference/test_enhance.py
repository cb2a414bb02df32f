"""nrsr enhance on data directories and files: SEGAN's windows in pieces, any batch, other rates, what does not fit."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import nrsr
from nrsr.config import load_yaml, save_yaml
from nrsr.data.pieces import Pieces, PiecesError, piece_starts
from nrsr.experiment.checkpoint import save_checkpoint
from nrsr.inference.application import SystemOutputs
from nrsr.kaldi import DataDir, WaveWriter, write_list
from nrsr.systems import build_system

RATE, WINDOW = 8000, 256


@pytest.fixture(scope="module", params=[False, True], ids=["side by side", "overlap-add"])
def exp(request, tmp_path_factory) -> Path:
    """A small SEGAN with random weights, large enough that its windows differ from each other."""
    folder = tmp_path_factory.mktemp("segan")
    torch.manual_seed(0)
    frontend = {"class": "nrsr.frontends.Segan", "channels": [4, 6, 8], "kernel": 7, "window": WINDOW}
    frontend["overlap_add"] = request.param
    config = {"sample_rate": RATE, "system": {"class": "nrsr.systems.SeganEnhancement", "frontend": frontend}}
    system = build_system(config)
    for parameter in system.frontend.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    save_yaml(config, folder / "config.yaml")
    save_checkpoint(folder / "model.pt", {"model": system.state_dict()})
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    lengths = {"a": 1, "b": 255, "c": 256, "d": 257, "e": 5000, "f": 4000}
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as writer:
        for name, samples in lengths.items():
            writer[name] = rng.uniform(-0.3, 0.3, samples).astype(np.float32)
    write_list(folder / "utt2spk", dict.fromkeys(lengths, "s"))
    return folder


@pytest.mark.parametrize("samples", [8001, 8192, 20_000])
def test_pieces_of_windows_are_the_whole(exp, samples):
    loaded, seen = nrsr.load(exp), []
    original = loaded.system.frontend.forward
    loaded.system.frontend.forward = lambda waves, lengths: seen.append(waves.shape[1]) or original(waves, lengths)
    outputs, wave = SystemOutputs(loaded), 0.3 * np.random.default_rng(0).standard_normal(samples).astype(np.float32)
    [whole] = outputs.whole([wave])
    del seen[:]
    # 2000 samples are not a multiple of the window, so that the last window of each piece is not whole.
    pieces = outputs.by_pieces(wave, Pieces(2000 / RATE, 700 / RATE), RATE)
    assert set(map(len, (whole.values["wav"], pieces.values["wav"]))) == {samples}
    assert max(seen) == 2000 and len(seen) == len(piece_starts(samples, 2000, 700, WINDOW)) > 3
    np.testing.assert_allclose(pieces.values["wav"], whole.values["wav"], atol=2e-5)
    assert whole.values["wav"].std() > 0.01
    with pytest.raises(PiecesError, match="--overlap: pieces must share 512 samples or more"):
        outputs.by_pieces(wave, Pieces(2000 / RATE, 200 / RATE), RATE)


def test_any_batch_and_piece_give_the_same(nrsr_main, exp, data, tmp_path):
    waves = {}
    for name, options in {"one": ["--batch-size", 1], "all": [], "pieces": ["--piece", 0.4, "--overlap", 0.1]}.items():
        status, out, err = nrsr_main("enhance", "--exp", exp, "--data", data, "--out", tmp_path / name, *options)
        assert status == 0, err
        assert "6 utterances, real-time factor 0." in out
        waves[name] = DataDir(tmp_path / name).waves()
    for utterance, given in DataDir(data).waves().items():
        for name in ("all", "pieces"):
            assert len(waves[name][utterance]) == len(given)
            np.testing.assert_allclose(waves[name][utterance], waves["one"][utterance], atol=2**-14)


def test_a_setting_of_a_trained_front_end_is_changed(nrsr_main, exp, data, tmp_path):
    other = shutil.copytree(exp, tmp_path / "other")
    config = load_yaml(exp / "config.yaml")
    overlap_add = not config["system"]["frontend"]["overlap_add"]
    config["system"]["frontend"]["overlap_add"] = overlap_add
    save_yaml(config, other / "config.yaml")
    change = ("--set", f"system.frontend.overlap_add={str(overlap_add).lower()}")
    for name, options in {"plain": (exp,), "changed": (exp, *change), "other": (other,)}.items():
        status, _, err = nrsr_main("enhance", "--data", data, "--out", tmp_path / name, "--exp", *options)
        assert status == 0, err
    plain, changed, expected = (DataDir(tmp_path / name).waves()["e"] for name in ("plain", "changed", "other"))
    np.testing.assert_array_equal(changed, expected)
    assert not np.array_equal(changed, plain)
    assert f"experiment {exp}, cpu, {change[1]}\n" in (tmp_path / "changed/enhance.log").read_text()
    for wrong, message in (
        ("data.segment=5", "--set data.segment=5: enhancing takes the config's system alone; give system.KEY=VALUE"),
        ("system.frontend.overlaps=true", "overlaps"),
    ):
        status, _, err = nrsr_main("enhance", "--exp", exp, "--set", wrong, "--data", data, "--out", tmp_path / "x")
        assert status == 1 and message in err, err


def test_files_of_any_rate(nrsr_main, exp, data, tmp_path):
    wave = DataDir(data).waves()["e"]
    soundfile.write(tmp_path / "same.wav", wave, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "integers.flac", wave, RATE, subtype="PCM_16")
    soundfile.write(tmp_path / "two.wav", np.stack([np.repeat(wave, 2), np.zeros(10_000)], 1), 2 * RATE)
    files = [tmp_path / name for name in ("same.wav", "integers.flac", "two.wav", "broken.wav")]
    files[-1].write_bytes(b"RIFF")
    status, out, err = nrsr_main("enhance", "--exp", exp, "--out", tmp_path / "out", *files[:3])
    assert status == 0, err
    assert "3 files, real-time factor 0." in out
    assert "two.wav: resampled from 16000 Hz to 8000 Hz" in err and "the first of 2 channels is taken" in err
    with torch.inference_mode():
        [expected] = nrsr.load(exp).system.eval().infer([wave], ["wav"])["wav"]
    scale = min(1.0, 0.999 / float(expected.abs().max()))
    for name, samples in (("same", 5000), ("integers", 5000), ("two", 5000)):
        found, rate = soundfile.read(tmp_path / "out" / f"{name}.wav", dtype="float32")
        assert rate == RATE and len(found) == samples and found.any()
        if name != "two":
            np.testing.assert_allclose(found, scale * expected.numpy(), atol=1e-3)
    status, out, err = nrsr_main("enhance", "--exp", exp, "--out", tmp_path / "out", files[3], files[0])
    assert status == 1 and "1 of 2 files failed: " in err and "broken.wav" in err
    assert (tmp_path / "out" / "same.wav").is_file()


def test_a_config_takes_the_rate_of_the_first_file(nrsr_main, tmp_path):
    save_yaml(
        {"system": {"class": "nrsr.systems.Enhancement", "frontend": {"class": "nrsr.frontends.Identity"}}},
        tmp_path / "identity.yaml",
    )
    wave = np.random.default_rng(0).uniform(-0.3, 0.3, 3000)
    soundfile.write(tmp_path / "a.wav", wave, 11025)
    options = ["--config", tmp_path / "identity.yaml", "--out", tmp_path / "out"]
    assert nrsr_main("enhance", *options, tmp_path / "a.wav")[0] == 0
    found, rate = soundfile.read(tmp_path / "out" / "a.wav")
    assert rate == 11025
    np.testing.assert_allclose(found, wave, atol=2**-14)


def test_what_does_not_fit_is_named(nrsr_main, exp, data, tmp_path):
    soundfile.write(tmp_path / "x.wav", np.zeros(100), RATE)
    for options, message in (
        (("--out", tmp_path / "out"), "give either --data or audio files"),
        (("--out", tmp_path / "out", "--data", data, "x.wav"), "give either --data or audio files"),
        (("--out", tmp_path / "out", "a/x.wav", "b/x.wav"), "x: several files of one name; enhance them into"),
        (("--out", tmp_path, tmp_path / "x.wav"), "would be written over; name another folder"),
    ):
        status, _, err = nrsr_main("enhance", "--exp", exp, *options)
        assert status == 1 and message in err, err
    assert not soundfile.read(tmp_path / "x.wav")[0].any()


def test_labels_of_utterances_and_speakers_come_along(nrsr_main, exp, data, tmp_path):
    noisy = tmp_path / "noisy"
    shutil.copytree(data, noisy)
    names = DataDir(noisy).utterances
    write_list(noisy / "utt2spk", {name: "s" if name < "e" else "t" for name in names})
    write_list(noisy / "utt2emotion", {name: f"mood-{name}" for name in names})
    write_list(noisy / "spk2gender", {"s": "f", "t": "m"})
    (noisy / "utt2num_frames").write_text("".join(f"{name} 1\n" for name in names))
    assert nrsr_main("enhance", "--exp", exp, "--data", noisy, "--out", tmp_path / "out")[0] == 0
    assert (tmp_path / "out/utt2emotion").read_text() == (noisy / "utt2emotion").read_text()
    assert (tmp_path / "out/spk2gender").read_text() == "s f\nt m\n"
    assert not (tmp_path / "out/utt2num_frames").exists()
    # Where the utterances of a speaker fail, the labels of all of them stay away.
    soundfile.write(tmp_path / "bad.wav", np.full(300, np.nan), RATE, subtype="FLOAT")
    scp = (noisy / "wav.scp").read_text().splitlines()
    scp = [f"{line.split()[0]} {tmp_path / 'bad.wav'}" if line[0] in "ef" else line for line in scp]
    (noisy / "wav.scp").write_text("\n".join(scp) + "\n")
    assert nrsr_main("enhance", "--exp", exp, "--data", noisy, "--out", tmp_path / "some")[0] == 1
    assert (tmp_path / "some/utt2emotion").read_text() == "".join(f"{name} mood-{name}\n" for name in "abcd")
    assert (tmp_path / "some/spk2gender").read_text() == "s f\n"


def test_parallel_audio_of_recordings_stays_away(nrsr_main, exp, data, tmp_path):
    segmented = tmp_path / "segmented"
    segmented.mkdir()
    soundfile.write(tmp_path / "r.wav", np.random.default_rng(0).uniform(-0.3, 0.3, 2 * RATE), RATE)
    for name in ("wav.scp", "spk1.scp"):
        write_list(segmented / name, {"r": tmp_path / "r.wav"})
    write_list(segmented / "segments", {"r-1": "r 0 0.8", "r-2": "r 1 1.9"})
    write_list(segmented / "utt2spk", {"r-1": "r", "r-2": "r"})
    write_list(segmented / "spk2utt", {"r": "r-1 r-2"})
    command = ("enhance", "--exp", exp, "--data", segmented, "--out", tmp_path / "out")
    status, _, err = nrsr_main(*command)
    assert status == 0 and "segmented/spk1.scp: lists recordings, not utterances, and is not copied" in err
    assert not (tmp_path / "out/spk1.scp").exists()
    status, _, err = nrsr_main("validate-data", tmp_path / "out")
    assert status == 0, err
    write_list(segmented / "spk1.scp", dict.fromkeys(["r-1", "r-2"], tmp_path / "r.wav"))
    assert nrsr_main(*command)[0] == 0 and (tmp_path / "out/spk1.scp").is_file()
