"""Room impulse responses of simulated rooms, by the image method of pyroomacoustics."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nrsr.errors import NrsrError
from nrsr.folders import making
from nrsr.kaldi.lists import write_list
from nrsr.kaldi.tables import WaveWriter
from nrsr.progress import track
from nrsr.signal.mixing import PEAK
from nrsr.signal.reverberation import direct_path
from nrsr.workers import run_work

TRIES = 200  # draws of a room before the settings count as contradictory
WALL = 0.5  # m between a wall and whoever speaks or listens
BEFORE_DIRECT = 0.0025  # s kept before the direct path


class RirError(NrsrError):
    """Rooms that cannot be simulated."""


@dataclass(frozen=True)
class RoomSettings:
    """What is drawn for each room, all values between two bounds alike.

    Attributes:
        rate: samples a second.
        rt60: reverberation time in s, as Sabine's formula has it.
        size: length and width in m.
        height: in m.
        distance: between mouth and microphone, in m.
    """

    rate: int
    rt60: tuple[float, float] = (0.2, 0.6)
    size: tuple[float, float] = (3.0, 8.0)
    height: tuple[float, float] = (2.5, 4.0)
    distance: tuple[float, float] = (0.5, 3.0)

    def __post_init__(self) -> None:
        for name in ("rt60", "size", "height", "distance"):
            low, high = getattr(self, name)
            if not (0.0 < low <= high < float("inf")):
                raise RirError(f"--{name} {low:g},{high:g}: give LOWEST,HIGHEST, both above 0")
        if min(self.size[0], self.height[0]) <= 2 * WALL:
            raise RirError(f"rooms of {min(self.size[0], self.height[0]):g} m: take more than {2 * WALL:g} m")
        if self.rate < 1:
            raise RirError(f"--rate {self.rate}: give samples a second, as 16000")


class Room(NamedTuple):
    """One simulated room."""

    response: np.ndarray  # float32 [R]
    rt60: float
    dimensions: np.ndarray  # m, [3]
    distance: float  # m


def simulate_rirs(out: str | Path, count: int, settings: RoomSettings, *, seed: int = 0, nj: int = 1) -> None:
    """Write OUT/rir.scp with its audio, OUT/rir2rt60 (s) and OUT/rir2room (length, width, height, distance in m).

    A response depends on the settings, `seed` and its number alone. It begins 2.5 ms before the direct path, ends when
    the room has rung for its reverberation time, and reaches just below full scale.

    Raises:
        RirError: settings for which no room can be found, or pyroomacoustics is not installed.
    """
    if count < 1:
        raise RirError(f"--count {count}: simulate at least one room")
    load_pyroomacoustics()
    out, width = Path(out), len(str(count))
    names = [f"rir{number:0{width}}" for number in range(1, count + 1)]
    with making(out, "nrsr simulate-rirs"):
        rooms = run_work(functools.partial(make_simulation, settings, seed), range(count), nj)
        rt60s, shapes = {}, {}
        with WaveWriter(out / "rir.ark", out / "rir.scp", settings.rate) as writer:
            for name, room in zip(names, track(rooms, f"rooms of {out}", total=count), strict=True):
                writer[name] = room.response
                rt60s[name] = f"{room.rt60:.3f}"
                shapes[name] = " ".join(f"{metres:.2f}" for metres in (*room.dimensions, room.distance))
        write_list(out / "rir2rt60", rt60s)
        write_list(out / "rir2room", shapes)


def make_simulation(settings: RoomSettings, seed: int) -> Callable[[int], Room]:
    """A function that simulates the room of a number."""
    return lambda number: simulate(settings, np.random.default_rng([seed, number]))


def simulate(settings: RoomSettings, rng: np.random.Generator) -> Room:
    """Draw a room with a mouth and a microphone, and compute its impulse response.

    Raises:
        RirError: no room with these settings was found.
    """
    acoustics = load_pyroomacoustics()
    for _ in range(TRIES):
        rt60 = rng.uniform(*settings.rt60)
        dimensions = np.array([rng.uniform(*settings.size), rng.uniform(*settings.size), rng.uniform(*settings.height)])
        mouth, microphone = (rng.uniform(WALL, dimensions - WALL) for _ in range(2))
        distance = float(np.linalg.norm(mouth - microphone))
        if not settings.distance[0] <= distance <= settings.distance[1]:
            continue
        try:
            absorption, order = acoustics.inverse_sabine(rt60, dimensions)
        except ValueError:  # even walls that reflect nothing leave this room a longer reverberation
            continue
        materials = acoustics.Material(absorption)
        room = acoustics.ShoeBox(dimensions, fs=settings.rate, materials=materials, max_order=order)
        room.add_source(mouth)
        room.add_microphone(microphone)
        room.compute_rir()
        return Room(cut_response(room.rir[0][0], settings.rate, rt60), rt60, dimensions, distance)
    raise RirError(
        f"no room of {settings.size[0]:g} to {settings.size[1]:g} m with an RT60 of {settings.rt60[0]:g} to "
        f"{settings.rt60[1]:g} s and a distance of {settings.distance[0]:g} to {settings.distance[1]:g} m was found; "
        "allow longer reverberation, smaller rooms or shorter distances"
    )


def cut_response(response: np.ndarray, rate: int, rt60: float) -> np.ndarray:
    """A response [R] from shortly before its direct path to its reverberation time behind it, below full scale."""
    direct = direct_path(response)
    kept = response[max(direct - round(BEFORE_DIRECT * rate), 0) : direct + round(rt60 * rate) + 1]
    return (kept * (PEAK / np.abs(kept).max())).astype(np.float32)


def load_pyroomacoustics():
    """The library, which is no requirement of nrsr.

    Raises:
        RirError: it is not installed.
    """
    try:
        import pyroomacoustics
    except ImportError as error:
        raise RirError(f"pyroomacoustics cannot be imported ({error}); pip install pyroomacoustics") from None
    return pyroomacoustics
