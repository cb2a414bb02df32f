"""Long recordings by pieces: frames and words as of the whole, in the memory of one piece; short ones as ever."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import nrsr
from nrsr.data.outputs import CtcOutput, FrameOutput, WaveOutput
from nrsr.data.pieces import Pieces, PiecesError, piece_starts
from nrsr.inference import DecodingSettings, Recogniser
from nrsr.inference.stretches import stretches
from nrsr.kaldi import DataDir, open_table, read_list

RATE, STRIDE = 8000, 320


@settings(max_examples=100, deadline=None)
@given(
    frames=st.integers(1, 300),
    step=st.integers(1, 9),
    size=st.integers(6, 60),
    rest=st.integers(0, 8),
    seed=st.integers(0, 9),
)
def test_frames_of_pieces_are_those_of_the_whole(frames, step, size, rest, seed):
    """Pieces of a network whose frame covers two steps of the input, so that each has one frame less than steps."""
    whole = np.random.default_rng(seed).standard_normal((frames, 3)).astype(np.float32)
    samples = (frames + 1) * step + min(rest, step - 1)
    starts = piece_starts(samples, size * step, size * step // 2, step)
    ends = [min(start + size * step, samples) for start in starts]
    parts = [whole[start // step : end // step - 1] for start, end in zip(starts, ends, strict=True)]
    joined = FrameOutput(step).join(parts, starts, np.zeros(samples))
    assert np.array_equal(joined, whole)
    with pytest.raises(PiecesError, match="pieces share no output frame"):
        FrameOutput(10).join([whole[:1], whole[:1]], [0, 20], np.zeros(30))


def test_waves_of_pieces_are_those_of_the_whole():
    whole = np.random.default_rng(0).standard_normal(1001).astype(np.float32)
    starts = piece_starts(1001, 200, 60)
    joined = WaveOutput(RATE).join([whole[start : start + 200] for start in starts], starts, whole)
    np.testing.assert_allclose(joined, whole, atol=1e-6)
    # Ten samples for each frame of the input.
    starts = piece_starts(100, 20, 6)
    parts = [whole[10 * start : 10 * start + 200] for start in starts]
    joined = WaveOutput(RATE, samples=10).join(parts, starts, np.zeros((100, 80)))
    np.testing.assert_allclose(joined, whole[:1000], atol=1e-6)


def posteriors(units: list[int], size: int = 6, sure: float = 12.0) -> np.ndarray:
    logits = np.zeros((len(units), size), np.float32)
    logits[np.arange(len(units)), units] = sure
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_a_unit_in_the_overlap_is_neither_lost_nor_doubled(shift):
    """A unit exactly in the middle, which the second piece sees a frame earlier or later."""
    first = posteriors([0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0])  # frames 0 to 11
    second = [0] * 12  # frames 4 to 15
    second[8 - 4 + shift], second[10] = 2, 3
    joined = CtcOutput(10).join([first, posteriors(second)], [0, 40], np.zeros(160))
    best = joined.argmax(axis=1).tolist()
    assert [unit for unit in best if unit] == [1, 2, 3] and len(best) == 16


def test_cuts_of_the_last_pieces_do_not_cross():
    """With an overlap of half a piece, the last piece may begin just after its neighbour."""
    rng, size = np.random.default_rng(0), 40
    for frames in range(81, 100):
        for _ in range(60):
            starts = piece_starts(frames, size, size // 2)
            times = [np.arange(start, min(start + size, frames), dtype=np.float32) for start in starts]
            parts = [np.stack([np.log(rng.uniform(0.01, 1.0, len(part))), part], axis=1) for part in times]
            assert CtcOutput(1).join(parts, starts, np.zeros(frames))[:, 1].tolist() == list(range(frames))


def test_stretches_end_in_pauses():
    units = [1, 1, 0, 2, 0, 0, 0, 0, 3, 0, 4, 4, 4, 4, 5, 5, 0, 0, 0, 1]
    assert stretches(posteriors(units), 10) == [(0, 6), (6, 9), (9, 17), (17, 20)]
    for longest in (2, 5, 10, 19):
        parts = stretches(posteriors(units), longest)
        assert [last for _, last in parts[:-1]] == [first for first, _ in parts[1:]]
        assert parts[0][0] == 0 and parts[-1][1] == 20 and max(last - first for first, last in parts) <= longest
    first, second = stretches(posteriors(units[:10]), 9)
    assert first[1] == second[0] == 6
    assert stretches(posteriors([1] * 10), 4) == [(0, 2), (2, 4), (4, 6), (6, 10)]  # no pause at all
    assert stretches(posteriors(units), 20) == [(0, 20)]


@pytest.fixture
def memoryless(experiment):
    """The random recogniser with an encoder that looks at one frame alone, and the lengths of what it is given."""
    loaded, seen = nrsr.load(experiment), []
    projection = torch.randn(STRIDE, 16, generator=torch.Generator().manual_seed(0))
    spread = torch.randn(16, len(loaded.units), generator=torch.Generator().manual_seed(1))

    def encode(waves, lengths):
        seen.append(waves.shape[1])
        frames = loaded.system.output_lengths(lengths)
        hidden = (waves.unfold(1, STRIDE, STRIDE) @ projection)[:, : int(frames.max())]
        logits = 3 * hidden @ spread
        logits[..., [1, -1]] = -100
        logits[..., 0] += 4
        return hidden, logits.log_softmax(2), frames

    loaded.system.encode = encode
    return loaded, seen


@pytest.mark.parametrize("method", ["greedy", "beam"])
def test_words_of_a_long_recording_are_those_of_the_whole(memoryless, method):
    loaded, seen = memoryless
    rng = np.random.default_rng(0)
    wave = (rng.standard_normal(30 * RATE) * np.repeat(rng.choice([0.001, 0.3], 150), RATE // 5)).astype(np.float32)
    recogniser = Recogniser(loaded, DecodingSettings(method=method, beam=8), loglikes=True)
    [whole] = recogniser.whole([wave])
    seen.clear()
    pieces = recogniser.by_pieces(wave, Pieces(4.0, 1.0), RATE)
    assert len(whole.values["text"].split()) > 20
    assert pieces.values["text"] == whole.values["text"]
    np.testing.assert_allclose(pieces.values["loglikes"], whole.values["loglikes"], atol=1e-4)
    assert max(seen) == 4 * RATE and len(seen) == 10


def test_the_joint_search_goes_from_pause_to_pause(memoryless, monkeypatch):
    loaded, _ = memoryless
    recogniser = Recogniser(loaded, DecodingSettings(method="joint", beam=2))
    searched = []
    monkeypatch.setattr(recogniser, "_search", lambda hidden, log_probs: searched.append(len(hidden)) or [2])
    wave = np.random.default_rng(0).standard_normal(20 * RATE).astype(np.float32)
    result = recogniser.by_pieces(wave, Pieces(4.0, 1.0), RATE)
    frames = int(loaded.system.output_lengths(torch.tensor(len(wave))))
    assert sum(searched) == frames and max(searched) <= 4 * RATE // STRIDE
    assert len(result.values["text"].split()) == len(searched) > 5


def test_decode_cuts_what_is_longer_than_a_piece_alone(nrsr_main, experiment, data, tmp_path):
    """Utterances of 0.4 to 1.6 s: those of up to 1 s have the words and log-likelihoods that they have without it."""
    arguments = ["decode", "--exp", experiment, "--data", data, "--write-loglikes"]
    assert nrsr_main(*arguments, "--out", tmp_path / "whole")[0] == 0
    assert nrsr_main(*arguments, "--out", tmp_path / "pieces", "--piece", 1, "--overlap", 0.5)[0] == 0
    whole, pieces = (read_list(tmp_path / name / "text", allow_empty_values=True) for name in ("whole", "pieces"))
    old, new = (open_table(tmp_path / name / "loglikes.scp") for name in ("whole", "pieces"))
    assert whole.keys() == pieces.keys() and set(old) == set(new)
    waves = DataDir(data).waves(rate=RATE)
    long = [name for name in new if len(waves[name]) > RATE]
    assert len(long) == 6
    for name in new:
        assert old[name].shape == new[name].shape
        if name not in long:
            assert whole[name] == pieces[name] and np.allclose(old[name], new[name], atol=1e-4)
    assert any(not np.allclose(old[name], new[name], atol=1e-4) for name in long)


def test_hybrid_pieces_see_enough_of_their_neighbours(nrsr_main):
    """Exact wherever the overlap holds twice the context of a network that looks at a neighbourhood."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((500, 2)).astype(np.float32)

    def network(rows: np.ndarray) -> np.ndarray:
        padded = np.pad(rows, ((5, 5), (0, 0)), mode="edge")
        return sum(padded[shift : shift + len(rows)] * (shift + 1) for shift in range(11))

    starts = piece_starts(500, 100, 20)
    joined = FrameOutput(1).join([network(features[start : start + 100]) for start in starts], starts, features)
    np.testing.assert_allclose(joined, network(features), rtol=1e-6)
