"""Separation of recordings of any length: pieces, order of the speakers, level, and the whole command."""

import functools
import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import nrsr
from nrsr.config import save_yaml
from nrsr.experiment.checkpoint import save_checkpoint
from nrsr.inference import DecodingError
from nrsr.inference.separate import SeparationJob, UtteranceSeparator
from nrsr.inference.separator import Pieces, Separator, joined, levelled, piece_starts
from nrsr.kaldi import DataDir, WaveWriter, read_list, write_list
from nrsr.systems import build_system

RATE = 8000
MASKER = {"class": "nrsr.nn.Dprnn", "blocks": 1, "dim": 6, "width": 5, "chunk": 20}


@settings(max_examples=100, deadline=None)
@given(samples=st.integers(1, 500), size=st.integers(2, 60), share=st.floats(0.01, 1.0))
def test_pieces_cover_a_recording(samples, size, share):
    overlap = max(1, int(share * (size // 2)))
    starts = piece_starts(samples, size, overlap)
    ends = [min(start + size, samples) for start in starts]
    assert starts[0] == 0 and ends[-1] == samples
    for end, following in zip(ends[:-1], starts[1:], strict=True):
        assert end - following >= overlap
    assert all(end - start == size for start, end in zip(starts, ends, strict=True)) or len(starts) == 1


@pytest.mark.parametrize("speakers", [2, 3, 4])
def test_shuffled_pieces_come_together_again(speakers):
    generator = torch.Generator().manual_seed(0)
    whole = torch.randn(speakers, 1234, generator=generator)
    starts = piece_starts(1234, 200, 50)
    assert len(starts) == 8

    orders = (torch.randperm(speakers, generator=generator) for _ in starts)
    pieces = (whole[order, start : start + 200] for order, start in zip(orders, starts, strict=True))
    found = joined(pieces, starts, 1234)
    best = (found / found.norm(dim=1, keepdim=True)) @ (whole / whole.norm(dim=1, keepdim=True)).t()
    assert sorted(best.argmax(1).tolist()) == list(range(speakers))
    torch.testing.assert_close(found, whole[best.argmax(1)], atol=1e-5, rtol=0)


def test_silence_in_the_overlap_keeps_the_order():
    whole = torch.zeros(2, 300)
    whole[0, :50] = whole[1, 250:] = 1.0
    starts = piece_starts(300, 200, 50)
    pieces = [whole[:, start : start + 200] for start in starts]
    assert torch.equal(joined(iter(pieces), starts, 300), whole)


def test_levels_add_up_to_the_mixture():
    generator = torch.Generator().manual_seed(0)
    speakers = torch.randn(3, 4000, generator=generator)
    mixture = speakers.sum(0)
    found = levelled(speakers * torch.tensor([[40.0], [0.01], [-3.0]]), mixture)
    torch.testing.assert_close(found, speakers, atol=1e-3, rtol=0)
    found = levelled(torch.stack([speakers[0], speakers[0], torch.zeros(4000)]), mixture)  # two alike, one silent
    assert found.isfinite().all()
    assert found.abs().max() < 2 * speakers.abs().max()


def write_experiment(folder: Path, speakers: int = 2) -> Path:
    torch.manual_seed(0)
    system = {"class": "nrsr.systems.Separation", "speakers": speakers, "filters": 8, "window": 20, "masker": MASKER}
    config = {"sample_rate": RATE, "system": system}
    save_yaml(config, folder / "config.yaml")
    save_checkpoint(folder / "model.pt", {"model": build_system(config).state_dict()})
    return folder


@pytest.fixture(scope="module")
def exp(tmp_path_factory) -> Path:
    return write_experiment(tmp_path_factory.mktemp("exp"))


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as writer:
        for name, seconds in (("a", 0.5), ("b", 0.9), ("c", 0.001)):
            writer[name] = rng.uniform(-0.3, 0.3, round(seconds * RATE)).astype(np.float32)
        writer["loud"] = np.sign(rng.standard_normal(4000)).astype(np.float32)
    write_list(folder / "utt2spk", {name: name for name in ("a", "b", "c", "loud")})
    write_list(folder / "text", {"a": "one"})
    return folder


def test_a_data_directory(nrsr_main, exp, data, tmp_path):
    status, out, err = nrsr_main("separate", "--exp", exp, "--data", data, "--out", tmp_path / "out")
    assert status == 0, err
    assert "4 utterances, real-time factor 0." in out
    found = DataDir(tmp_path / "out")
    assert found.utterances == ["a", "b", "c", "loud"]
    assert not found.has("text")
    system, mixtures = nrsr.load(exp).system, DataDir(data).waves(rate=RATE)
    for name in ("a", "b"):
        wave = torch.from_numpy(mixtures[name])
        with torch.inference_mode():
            expected = levelled(system.separate(wave[None], torch.tensor([len(wave)]))[0], wave).numpy()
        for number, one in enumerate(expected, start=1):
            np.testing.assert_allclose(found.waves(f"spk{number}.scp", rate=RATE)[name], one, atol=1e-4)
    assert len(found.waves("spk2.scp", rate=RATE)["c"]) == 8
    if "scaled down" in err:
        assert "1 utterances were scaled down to fit 16 bits: loud" in err


def test_work_can_be_sent_to_other_processes(exp, data):
    make_work = functools.partial(UtteranceSeparator, SeparationJob(exp), DataDir(data).waves(rate=RATE))
    again = pickle.loads(pickle.dumps(make_work))
    found, expected = (pickle.loads(pickle.dumps(make()("a"))) for make in (again, make_work))
    assert np.array_equal(found.waves, expected.waves) and not found.scaled


def test_long_recordings_in_pieces_use_pieces_alone(exp):
    system = nrsr.load(exp).system
    seen = []
    original = system.separate
    system.separate = lambda waves, lengths: seen.append(waves.shape[1]) or original(waves, lengths)
    separator = Separator(system, Pieces(0.5, 0.1))
    found = separator(0.1 * torch.randn(20_000))
    assert found.shape == (2, 20_000)
    assert set(seen) == {4000} and len(seen) == 6


def test_a_long_recording_is_separated_as_a_whole_one(exp):
    """A network without memory gives the same, whole or in pieces: what differs is what this test would see."""
    system = nrsr.load(exp).system
    system.separate = lambda waves, lengths: torch.stack([2.0 * waves, waves.roll(7, 1) * 0.5], dim=1)
    wave = torch.randn(20_000)
    whole, pieces = (Separator(system, one)(wave) for one in (Pieces(), Pieces(0.5, 0.1)))
    assert (whole - pieces).abs().gt(1e-3).sum() < 7 * 2 * 8  # where the roll meets the edges


def test_files(nrsr_main, exp, data, tmp_path):
    wave = np.random.default_rng(0).uniform(-0.5, 0.5, (8000, 2)).astype(np.float32)
    soundfile.write(tmp_path / "two.wav", wave, 16000)
    status, out, err = nrsr_main("separate", "--exp", exp, "--out", tmp_path / "out", tmp_path / "two.wav")
    assert status == 0 and "1 files, real-time factor" in out
    assert "the first of 2 channels" in err and "resampled from 16000 Hz" in err
    for number in (1, 2):
        info = soundfile.info(tmp_path / "out" / f"two_spk{number}.wav")
        assert (info.samplerate, info.frames, info.channels) == (RATE, 4000, 1)


def test_what_does_not_fit_is_named(nrsr_main, exp, data, experiment, tmp_path):
    out = ("--out", tmp_path / "out")
    cases = [
        (("--exp", exp), "give either --data or audio files"),
        (("--exp", exp, "--data", data, "x.wav"), "give either --data or audio files"),
        (("--exp", experiment, "--data", data), "JointAsr separates no speakers"),
        (("--exp", exp, "a/x.wav", "b/x.wav"), "x: several files of one name"),
        (("--exp", exp, "--data", data, "--overlap", "20"), "--overlap 20: the overlap must be"),
        (("--exp", exp, "nowhere.wav"), "nowhere.wav"),
    ]
    for options, message in cases:
        status, _, err = nrsr_main("separate", *out, *options)
        assert status == 1 and message in err, err
    status, _, err = nrsr_main("separate", "--exp", exp, "--data", data, "--out", data)
    assert status == 1 and "is the data directory itself" in err
    assert set(read_list(data / "wav.scp")) == {"a", "b", "c", "loud"}
    with pytest.raises(DecodingError, match="overlap must be above 0"):
        Pieces(1.0, 0.0)
