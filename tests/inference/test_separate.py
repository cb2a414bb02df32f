"""Separation of recordings of any length: pieces, order of the speakers, level, and the whole command."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import nrsr
from nrsr.config import save_yaml
from nrsr.data.pieces import Pieces, PiecesError, piece_starts
from nrsr.experiment.checkpoint import save_checkpoint
from nrsr.inference.application import SystemOutputs
from nrsr.kaldi import DataDir, WaveWriter, read_list, write_list
from nrsr.systems import Separation, build_system
from nrsr.systems.separated_output import SeparatedOutput, in_one_order, levelled

RATE = 8000
MASKER = {"class": "nrsr.nn.Dprnn", "blocks": 1, "dim": 6, "width": 5, "chunk": 20}


@settings(max_examples=200, deadline=None)
@given(samples=st.integers(1, 500), size=st.integers(2, 60), share=st.floats(0.01, 1.0), step=st.integers(1, 7))
def test_pieces_cover_a_recording(samples, size, share, step):
    overlap = max(1, int(share * (size // 2)))
    starts = piece_starts(samples, size, overlap, step)
    ends = [min(start + size, samples) for start in starts]
    assert starts[0] == 0 and ends[-1] == samples and all(start % step == 0 for start in starts)
    if step <= size - overlap:
        for end, following in zip(ends[:-1], starts[1:], strict=True):
            assert end - following >= overlap
    assert all(size - step < end - start <= size for start, end in zip(starts, ends, strict=True)) or len(starts) == 1


def cut(whole: torch.Tensor, starts: list[int], size: int) -> list[torch.Tensor]:
    return [whole[:, start : start + size] for start in starts]


@pytest.mark.parametrize("speakers", [2, 3, 4])
def test_shuffled_pieces_come_together_again(speakers):
    generator = torch.Generator().manual_seed(0)
    whole = torch.randn(speakers, 1234, generator=generator)
    starts = piece_starts(1234, 200, 50)
    assert len(starts) == 8
    orders = [torch.randperm(speakers, generator=generator) for _ in starts]
    pieces = [piece[order] for piece, order in zip(cut(whole, starts, 200), orders, strict=True)]
    found = in_one_order(pieces, starts)
    for piece, wanted in zip(found, cut(whole[orders[0]], starts, 200), strict=True):
        assert torch.equal(piece, wanted)
    output = SeparatedOutput(RATE, speakers)
    mixture = whole.sum(0)
    joined = output.join([piece.numpy() for piece in pieces], starts, mixture.numpy())
    np.testing.assert_allclose(joined, levelled(whole[orders[0]], mixture), atol=1e-5)


def test_silence_in_the_overlap_keeps_the_order():
    whole = torch.zeros(2, 300)
    whole[0, :50] = whole[1, 250:] = 1.0
    starts = piece_starts(300, 200, 50)
    found = in_one_order(cut(whole, starts, 200), starts)
    assert all(map(torch.equal, found, cut(whole, starts, 200)))


@pytest.mark.parametrize("leak", [0.3, 0.03, 0.01])
@pytest.mark.parametrize("noise", [1e-3, 1e-5])
def test_a_faint_leak_does_not_turn_the_speakers_round(leak, noise):
    """In the overlap one speaker alone; the other's channel holds a leak, which a correlation takes for a speaker."""
    generator = torch.Generator().manual_seed(0)
    rate, size, overlap = 800, 24000, 4000
    whole = 0.05 * torch.randn(2, 90 * rate, generator=generator)
    starts = piece_starts(90 * rate, size, overlap)
    for start in starts[1:]:
        whole[1, start - 40 : start + overlap + 40] = 0.0
    given = whole + leak * whole.flip(0)
    given = given + noise * torch.randn(given.shape, generator=generator)
    pieces = [piece.flip(0) if number % 2 else piece for number, piece in enumerate(cut(given, starts, size))]
    found = torch.from_numpy(
        SeparatedOutput(RATE, 2).join([piece.numpy() for piece in pieces], starts, whole.sum(0).numpy())
    )
    target = (found * whole).sum(1, keepdim=True) / whole.square().sum(1, keepdim=True) * whole
    si_snr = 20 * (target.norm(dim=1) / (found - target).norm(dim=1)).log10()
    assert (si_snr > -10 * np.log10(leak**2 + (noise / 0.05) ** 2) - 1.5).all()


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


def test_long_recordings_in_pieces_use_pieces_alone(exp):
    loaded = nrsr.load(exp)
    seen = []
    original = loaded.system.separate
    loaded.system.separate = lambda waves, lengths: seen.append(waves.shape[1]) or original(waves, lengths)
    wave = 0.1 * np.random.default_rng(0).standard_normal(20_000).astype(np.float32)
    found = SystemOutputs(loaded).by_pieces(wave, Pieces(0.5, 0.1), RATE)
    assert found.values["spk"].shape == (2, 20_000)
    assert set(seen) == {4000} and len(seen) == 6


def test_a_long_recording_is_separated_as_a_whole_one(exp):
    """A network without memory gives the same, whole or in pieces: what differs is what this test would see."""
    loaded = nrsr.load(exp)
    loaded.system.separate = lambda waves, lengths: torch.stack([2.0 * waves, waves.roll(7, 1) * 0.5], dim=1)
    wave = np.random.default_rng(0).standard_normal(20_000).astype(np.float32)
    application = SystemOutputs(loaded)
    [whole], pieces = application.whole([wave]), application.by_pieces(wave, Pieces(0.5, 0.1), RATE)
    differ = np.abs(whole.values["spk"] - pieces.values["spk"]) > 1e-3
    assert differ.sum() < 7 * 2 * 8  # where the roll meets the edges


def test_files(nrsr_main, exp, data, tmp_path):
    wave = np.random.default_rng(0).uniform(-0.5, 0.5, (8000, 2)).astype(np.float32)
    soundfile.write(tmp_path / "two.wav", wave, 16000)
    status, out, err = nrsr_main("separate", "--exp", exp, "--out", tmp_path / "out", tmp_path / "two.wav")
    assert status == 0 and "1 files" in out
    assert "the first of 2 channels" in err and "resampled from 16000 Hz" in err
    for number in (1, 2):
        info = soundfile.info(tmp_path / "out" / f"two_spk{number}.wav")
        assert (info.samplerate, info.frames, info.channels) == (RATE, 4000, 1)


def test_files_that_fail_leave_no_waveforms(nrsr_main, exp, tmp_path, monkeypatch):
    """One sample of 1e30, and a network that gives NaN: named, while the other file is separated."""
    wave = np.random.default_rng(0).uniform(-0.5, 0.5, 4000).astype(np.float32)
    spike = wave.copy()
    spike[99] = 1e30
    for name, content in (("good", wave), ("spike", spike), ("bad", wave[:3000])):
        soundfile.write(tmp_path / f"{name}.wav", content, RATE, subtype="FLOAT")
    original = Separation.separate

    def separate(self, waves, lengths):
        return original(self, waves, lengths) * (torch.nan if waves.shape[1] == 3000 else 1.0)

    monkeypatch.setattr(Separation, "separate", separate)
    files = [tmp_path / f"{name}.wav" for name in ("spike", "bad", "good")]
    status, _, err = nrsr_main("separate", "--exp", exp, "--out", tmp_path / "out", *files)
    assert status == 1 and "2 of 3 files failed" in err
    assert f"{files[0]}: failed: " in err and f"{files[1]}: failed: the system gives NaN" in err
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"good_spk1.wav", "good_spk2.wav"}
    assert 0.0 < np.abs(soundfile.read(tmp_path / "out" / "good_spk1.wav")[0]).max() < 1.0


def test_what_does_not_fit_is_named(nrsr_main, exp, data, experiment, tmp_path):
    out = ("--out", tmp_path / "out")
    cases = [
        (("--exp", exp), "give either --data or audio files"),
        (("--exp", exp, "--data", data, "x.wav"), "give either --data or audio files"),
        (("--exp", experiment, "--data", data), "JointAsr outputs loglikes, wav, layer1"),
        (("--exp", exp, "a/x.wav", "b/x.wav"), "x: several files of one name"),
        (("--exp", exp, "--data", data, "--overlap", "20"), "--overlap 20: the overlap must be"),
        (("--exp", exp, "nowhere.wav"), "files: nothing succeeded; failed: nowhere.wav; nowhere.wav: "),
    ]
    for options, message in cases:
        status, _, err = nrsr_main("separate", *out, *options)
        assert status == 1 and message in err, err
    status, _, err = nrsr_main("separate", "--exp", exp, "--data", data, "--out", data)
    assert status == 1 and "is the data directory itself" in err
    assert set(read_list(data / "wav.scp")) == {"a", "b", "c", "loud"}
    with pytest.raises(PiecesError, match="overlap must be above 0"):
        Pieces(1.0, 0.0)
