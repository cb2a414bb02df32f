"""decode, transcribe and enhance over a small random system."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import nrsr
from nrsr.config import ConfigError
from nrsr.inference import ApplyError, DecodingSettings, NgramModel, Recogniser
from nrsr.inference.batches import make_batches
from nrsr.kaldi import DataDir, open_table, read_list, write_list


def decode(nrsr_main, experiment, data, out, *options) -> dict[str, str]:
    status, printed, err = nrsr_main("decode", "--exp", experiment, "--data", data, "--out", out, *options)
    assert status == 0, err
    assert "14 utterances, real-time factor" in printed
    return read_list(out / "text", allow_empty_values=True)


@pytest.fixture(scope="module")
def lm(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("lm") / "lm.arpa"
    NgramModel([["one", "two"], ["three", "nine", "nine"], ["four"], ["eight", "one"]], 2).write_arpa(path)
    return path


def test_text_is_that_of_each_utterance_alone(nrsr_main, experiment, data, tmp_path):
    text = decode(nrsr_main, experiment, data, tmp_path / "out", "--batch-size", 3)
    loaded = nrsr.load(experiment)
    waves = DataDir(data).waves(rate=8000)
    for utterance in set(waves) - {"spk1-short"}:
        wave = torch.from_numpy(waves[utterance])[None]
        with torch.inference_mode():
            _, log_probs, lengths = loaded.system.encode(wave, torch.tensor([wave.shape[1]]))
        best = log_probs[0, : lengths[0]].argmax(dim=1).tolist()
        units = [unit for before, unit in zip([0, *best], best, strict=False) if unit not in (0, before)]
        assert text[utterance] == loaded.units.decode(units)
    assert sum(map(bool, text.values())) > 8  # the system does say something
    assert list(text) == sorted(text)


@pytest.mark.parametrize("method", ["greedy", "beam", "joint"])
def test_same_text_for_any_batch_size(nrsr_main, experiment, data, tmp_path, method, lm):
    options = ["--method", method, "--beam", 4]
    if method != "greedy":
        options += ["--lm", lm]
    texts = [
        decode(nrsr_main, experiment, data, tmp_path / str(size), *options, "--batch-size", size) for size in (1, 3, 8)
    ]
    assert texts[0] == texts[1] == texts[2]
    assert any(texts[0].values())


def test_same_text_for_any_number_of_workers(nrsr_main, experiment, data, tmp_path, lm):
    options = ["--method", "beam", "--lm", lm, "--write-loglikes"]
    decode(nrsr_main, experiment, data, tmp_path / "1", *options, "--nj", 1)
    decode(nrsr_main, experiment, data, tmp_path / "2", *options, "--nj", 2)
    assert (tmp_path / "1" / "text").read_bytes() == (tmp_path / "2" / "text").read_bytes()
    one, two = (open_table(tmp_path / nj / "loglikes.scp") for nj in "12")
    assert set(one) == set(two) == set(read_list(data / "utt2spk")) - {"spk1-short"}
    for utterance in one:
        np.testing.assert_array_equal(one[utterance], two[utterance])
        np.testing.assert_allclose(np.exp(one[utterance]).sum(axis=1), 1.0, rtol=1e-5)


def test_what_is_too_short_is_listed(nrsr_main, experiment, data, tmp_path):
    status, _, err = nrsr_main("decode", "--exp", experiment, "--data", data, "--out", tmp_path / "out")
    assert status == 0
    assert "1 utterances are too short for one frame" in err
    assert "spk1-short\n" in (tmp_path / "out" / "text").read_text()
    assert "too short for one frame and get no words: spk1-short" in (tmp_path / "out/decode.log").read_text()


def test_bad_input_is_named_and_the_rest_is_recognised(nrsr_main, experiment, data, tmp_path):
    broken = tmp_path / "data"
    broken.mkdir()
    entries = read_list(data / "wav.scp")
    soundfile.write(tmp_path / "other_rate.wav", np.zeros(1600), 16000)
    for replacement, expected in (("/nowhere.wav", "'spk1-u03'"), (f"{tmp_path}/other_rate.wav", "16000 Hz")):
        write_list(broken / "wav.scp", {**entries, "spk1-u03": replacement})
        write_list(broken / "utt2dur", DataDir(data).durations())
        status, _, err = nrsr_main("decode", "--exp", experiment, "--data", broken, "--out", tmp_path / "out")
        assert status == 1
        assert "1 of 14 utterances failed" in err and expected in err
        assert entries.keys() - read_list(tmp_path / "out/text", allow_empty_values=True).keys() == {"spk1-u03"}
        assert "\nspk1-u03 failed: " in (tmp_path / "out/decode.log").read_text()
        assert list(read_list(tmp_path / "out/skipped")) == ["spk1-u03"]
    decode(nrsr_main, experiment, data, tmp_path / "out")
    assert not (tmp_path / "out/skipped").exists()
    write_list(broken / "utt2spk", dict.fromkeys([*entries, "ghost"], "spk1"))
    status, _, err = nrsr_main("decode", "--exp", experiment, "--data", broken, "--out", tmp_path / "out")
    assert status == 1
    assert "1 utterances have no audio in wav.scp, the first is 'ghost'" in err
    for name in ("wav.scp", "utt2dur", "utt2spk"):
        write_list(broken / name, {})
    status, _, err = nrsr_main("decode", "--exp", experiment, "--data", broken, "--out", tmp_path / "out")
    assert status == 1
    assert "holds no utterances" in err


@pytest.mark.parametrize("method", ["greedy", "beam", "joint"])
def test_a_system_that_gives_nan_is_refused(experiment, method):
    loaded = nrsr.load(experiment)
    with torch.no_grad():
        loaded.system.ctc.bias[2] = torch.nan
    recogniser = Recogniser(loaded, DecodingSettings(method=method))
    with pytest.raises(ApplyError, match="NaN or infinite log-probabilities"):
        recogniser.whole([np.full(8000, 0.1, dtype=np.float32)])


def test_errors_of_options(nrsr_main, experiment, data, tmp_path, lm):
    for options, expected in (
        (["--lm", lm], "--lm: the greedy method uses no language model"),
        (["--method", "beam", "--lm", tmp_path / "no.arpa"], "no.arpa: No such file"),
        (["--method", "beam", "--beam", 0], "decoding.beam: 0 is too small"),
        (["--nj", 0], "--nj 0: that is no number of processes"),
        (["--batch-size", 0], "decoding.batch_size: 0 is too small"),
    ):
        status, _, err = nrsr_main("decode", "--exp", experiment, "--data", data, "--out", tmp_path, *options)
        assert status == 1
        assert expected in err


def test_an_experiment_that_is_none_is_named(nrsr_main, data, tmp_path):
    for arguments in (["decode", "--data", data, "--out", tmp_path / "out"], ["transcribe", "x.wav"]):
        status, _, err = nrsr_main(*arguments, "--exp", tmp_path)
        assert status == 1
        assert f"{tmp_path}/config.yaml: no such file; give a folder that nrsr train has made" in err


def test_settings_come_from_the_config():
    config = {"decoding": {"method": "beam", "lm_weight": 1}}
    settings = DecodingSettings.from_config(config, {"beam": 7, "method": None})
    assert (settings.method, settings.lm_weight, settings.beam, settings.ctc_weight) == ("beam", 1, 7, 0.3)
    for wrong, message in (
        ({"methd": "beam"}, "unknown key methd"),
        ({"method": "best"}, "'best' is not known"),
        ({"beam": 2.5}, "decoding.beam: 2.5 is no int"),
        ({"batch_size": True}, "decoding.batch_size"),
        ({"ctc_weight": 1.5}, "between 0 and 1"),
        (["greedy"], "expected `key: value` lines"),
    ):
        with pytest.raises(ConfigError, match=message):
            DecodingSettings.from_config({"decoding": wrong}, {})


def test_batches_hold_like_durations_under_a_cap():
    durations = {f"u{number}": float(number) for number in range(1, 200)}
    batches = make_batches(durations, 8)
    assert sorted(utterance for batch in batches for utterance in batch) == sorted(durations)
    assert max(map(len, batches)) == 8
    assert all(len(batch) == 1 or durations[batch[0]] * len(batch) <= 300 for batch in batches)


def test_transcribe_takes_any_file(nrsr_main, experiment, data, tmp_path):
    wave = DataDir(data).waves()["spk1-u12"]
    soundfile.write(tmp_path / "same.wav", wave, 8000, subtype="FLOAT")
    soundfile.write(tmp_path / "two.flac", np.stack([wave, -0.5 * wave[::-1]], axis=1), 8000)
    soundfile.write(tmp_path / "fast.ogg", np.repeat(wave, 2), 16000)
    files = [tmp_path / name for name in ("same.wav", "two.flac", "fast.ogg")]
    status, out, err = nrsr_main("transcribe", "--exp", experiment, *files)
    assert status == 0, err
    lines = [line.split("\t") for line in out.splitlines()]
    assert [line[0] for line in lines] == [str(file) for file in files]
    assert lines[0][1] == lines[1][1] != ""
    assert "two.flac: the first of 2 channels is taken" in err
    assert "fast.ogg: resampled from 16000 Hz to 8000 Hz" in err
    assert "same.wav" not in err
    (tmp_path / "text.wav").write_text("no audio")
    status, _, err = nrsr_main("transcribe", "--exp", experiment, tmp_path / "text.wav")
    assert status == 1
    assert "text.wav" in err
    status, _, err = nrsr_main("transcribe", "--exp", experiment, "cat x.wav |")
    assert status == 1
    assert "'cat x.wav |': is a command, not a file" in err


def test_enhance_makes_a_data_directory(nrsr_main, experiment, data, tmp_path):
    outs = [tmp_path / "1", tmp_path / "2"]
    for out, options in zip(outs, (["--batch-size", 1], ["--batch-size", 5, "--nj", 2]), strict=True):
        status, printed, err = nrsr_main("enhance", "--exp", experiment, "--data", data, "--out", out, *options)
        assert status == 0, err
        assert "14 utterances, real-time factor" in printed
    noisy, one, two = (DataDir(folder).waves() for folder in (data, *outs))
    frontend = nrsr.load(experiment).system.frontend
    for utterance in noisy:
        assert len(one[utterance]) == len(noisy[utterance])
        assert np.abs(one[utterance] - two[utterance]).max() <= 1 / 32768
    wave = torch.from_numpy(noisy["spk1-u12"])[None]
    with torch.inference_mode():
        expected = frontend(wave, torch.tensor([wave.shape[1]]))[0][0].numpy()
    np.testing.assert_allclose(one["spk1-u12"], expected, atol=1 / 32768)
    assert (outs[0] / "utt2spk").read_bytes() == (data / "utt2spk").read_bytes()
    status, _, err = nrsr_main("enhance", "--exp", experiment, "--data", data, "--out", data)
    assert status == 1
    assert "is the data directory itself" in err
    for option in ("--nj", "--batch-size"):
        status, _, err = nrsr_main("enhance", "--exp", experiment, "--data", data, "--out", tmp_path / "0", option, 0)
        assert status == 1
        assert f"{option} 0: " in err


def test_pipes_run_only_when_allowed(nrsr_main, experiment, data, tmp_path):
    wave = DataDir(data).waves()["spk1-u05"]
    soundfile.write(tmp_path / "a.wav", wave, 8000)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "wav.scp").write_text(f"a cat {tmp_path}/a.wav |\n")
    options = ["--exp", experiment, "--data", tmp_path / "data", "--out", tmp_path / "out"]
    status, _, err = nrsr_main("decode", *options)
    assert status == 1
    assert "--allow-pipes" in err
    status, _, err = nrsr_main("decode", *options, "--allow-pipes")
    assert status == 0, err
    assert (tmp_path / "out" / "text").read_text().startswith("a")


def test_decode_and_transcribe_take_a_channel_and_refuse_other_audio(experiment, data, tmp_path, nrsr_main):
    stereo = tmp_path / "stereo"
    stereo.mkdir()
    mono = DataDir(data).waves()["spk1-u05"]
    soundfile.write(tmp_path / "s.wav", np.stack([0 * mono, mono], axis=1), 8000)
    write_list(stereo / "wav.scp", {"u": tmp_path / "s.wav"})
    write_list(stereo / "utt2spk", {"u": "u"})
    arguments = ("decode", "--exp", experiment, "--data", stereo, "--out", tmp_path / "out")
    assert "has 2 channels" in nrsr_main(*arguments)[2]
    assert nrsr_main(*arguments, "--channel", 1)[0] == 0
    status, out, err = nrsr_main("transcribe", "--exp", experiment, "--channel", 1, tmp_path / "s.wav")
    assert (status, out.split("\t")[1].strip(), err) == (0, read_list(tmp_path / "out" / "text")["u"], "")
    assert "the first of 2 channels" in nrsr_main("transcribe", "--exp", experiment, tmp_path / "s.wav")[2]
    write_list(stereo / "utt2dur", {"u": "0.5"})
    status, _, err = nrsr_main(*arguments, "--channel", 1)
    assert status == 1 and "'u': utt2dur says 0.500 s" in err
