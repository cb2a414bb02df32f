"""Simulated rooms: reverberation as asked for, the same rooms from the same seed, refusals."""

import numpy as np
import pytest

from nrsr.datadirs.simulate_rirs import RirError, RoomSettings, cut_response, simulate, simulate_rirs
from nrsr.kaldi import read_audio, read_list
from nrsr.signal.mixing import PEAK

RATE = 8000
pytest.importorskip("pyroomacoustics")


def decay_time(response: np.ndarray) -> float:
    """RT60 by the slope of Schroeder's integral between -5 and -25 dB, in s."""
    left = np.cumsum(np.square(response[::-1], dtype=np.float64))[::-1]
    level = 10 * np.log10(left / left[0])
    start, end = (int(np.argmax(level < bound)) for bound in (-5.0, -25.0))
    return 60.0 / 20.0 * (end - start) / RATE


def test_longer_reverberation_is_longer():
    found = {}
    for rt60 in (0.15, 0.4):
        settings = RoomSettings(RATE, (rt60, rt60), (2.5, 3.5), (2.5, 3.0), (0.8, 2.0))
        rooms = [simulate(settings, np.random.default_rng(seed)) for seed in range(2)]
        for room in rooms:
            assert 0.8 <= room.distance <= 2.0 and (room.dimensions[:2] >= 2.5).all()
            assert np.abs(room.response).max() == pytest.approx(PEAK, rel=1e-6)
            assert len(room.response) <= (rt60 + 0.003) * RATE + 2
        found[rt60] = np.mean([decay_time(room.response) for room in rooms])
    assert 0.08 < found[0.15] < 0.28 < found[0.4] < 0.6


def test_a_folder_of_rooms(nrsr_main, tmp_path):
    options = ["--count", 3, "--rate", RATE, "--rt60", "0.15,0.2", "--size", "2,3", "--seed", 4]
    for folder, nj in (("a", 1), ("b", 2)):
        status, _, err = nrsr_main("simulate-rirs", *options, "--nj", nj, "--out", tmp_path / folder)
        assert status == 0 and f"{folder}/rir.scp: 3 rooms" in err
    first, second = (read_list(tmp_path / folder / "rir.scp") for folder in "ab")
    assert list(first) == ["rir1", "rir2", "rir3"] == list(second)
    for name, entry in first.items():
        np.testing.assert_array_equal(read_audio(entry)[0], read_audio(second[name])[0])
    assert all(0.15 <= float(rt60) <= 0.2 for rt60 in read_list(tmp_path / "a" / "rir2rt60").values())
    assert len(read_list(tmp_path / "a" / "rir2room")["rir1"].split()) == 4


def test_the_cut_keeps_the_direct_path():
    response = np.zeros(9000)
    response[[3000, 3400, 8999]] = 0.2, -0.1, 0.05
    kept = cut_response(response, RATE, 0.5)
    assert int(kept.argmax()) == 20 and kept.max() == pytest.approx(PEAK) and len(kept) == 20 + 4000 + 1


@pytest.mark.parametrize(
    "settings, named",
    [
        ({"rt60": (0.6, 0.2)}, "--rt60 0.6,0.2: give LOWEST,HIGHEST"),
        ({"distance": (0.0, 1.0)}, "--distance 0,1"),
        ({"size": (1.0, 3.0)}, "rooms of 1 m: take more than 1 m"),
        ({"rate": 0}, "--rate 0"),
    ],
)
def test_settings_that_cannot_be(settings, named):
    with pytest.raises(RirError, match=named):
        RoomSettings(**{"rate": RATE, **settings})


def test_rooms_that_are_not_found(tmp_path):
    with pytest.raises(RirError, match="no room of 8 to 8 m with an RT60 of 0.05 to 0.05 s"):
        simulate_rirs(tmp_path, 1, RoomSettings(RATE, (0.05, 0.05), (8.0, 8.0)))
    with pytest.raises(RirError, match="--count 0"):
        simulate_rirs(tmp_path, 0, RoomSettings(RATE))
