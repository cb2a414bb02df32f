"""Seventeen kinds of noise made by formulas, for a corpus that needs no recordings.

`NOISES[name](samples, rate, rng)` gives float32 [samples] at an RMS of 1 without offset; "babble" takes a pool of
speech as fourth argument. The same generator state gives the same noise; each call draws an instance of its own
(another pitch, speed, density).
"""

import functools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator

from nrsr.errors import NrsrError
from nrsr.signal.noise_parts import (
    NYQUIST_MARGIN,
    bursts,
    event_times,
    harmonics,
    high_pass,
    low_pass,
    ring,
    scatter,
    shaped,
    unit,
    wander,
)

SHORTEST = 0.1  # seconds
LOWEST = 20.0  # Hz: coloured noise is flat below


class NoiseError(NrsrError):
    """A noise that cannot be made as asked."""


def coloured(samples: int, rate: int, rng: Generator, slope: float) -> np.ndarray:
    """Noise whose power goes with frequency to the power of `slope`."""
    return shaped(samples, rate, rng, lambda frequencies: np.maximum(frequencies, LOWEST) ** (slope / 2.0))


def white(samples: int, rate: int, rng: Generator) -> np.ndarray:
    """The same power at all frequencies."""
    return coloured(samples, rate, rng, 0.0)


def pink(samples: int, rate: int, rng: Generator) -> np.ndarray:
    """Power falling by 3 dB an octave."""
    return coloured(samples, rate, rng, -1.0)


def brown(samples: int, rate: int, rng: Generator) -> np.ndarray:
    """Power falling by 6 dB an octave."""
    return coloured(samples, rate, rng, -2.0)


def blue(samples: int, rate: int, rng: Generator) -> np.ndarray:
    """Power rising by 3 dB an octave."""
    return coloured(samples, rate, rng, 1.0)


def babble(samples: int, rate: int, rng: Generator, speech: Sequence[np.ndarray]) -> np.ndarray:
    """Six to ten voices at once, each a chain of utterances of the pool at its own level."""
    pool = [wave for wave in speech if np.any(wave)]
    if not pool:
        raise NoiseError("babble: the pool of speech is empty or silent; give recordings of speech")
    mixture = np.zeros(samples)
    for _ in range(rng.integers(6, 11)):
        chain, missing = [], samples
        while missing > 0:
            utterance = unit(pool[rng.integers(len(pool))].astype(np.float64))
            if not chain:  # voices do not start together
                utterance = utterance[rng.integers(len(utterance)) :]
            chain.append(utterance[:missing])
            missing -= len(utterance)
        mixture += np.concatenate(chain) * 10.0 ** (rng.uniform(-6.0, 0.0) / 20.0)
    return mixture


def hum(samples: int, rate: int, rng: Generator) -> np.ndarray:
    """Mains hum: 50 or 60 Hz and its harmonics over a faint noise."""
    amplitudes = rng.uniform(0.3, 1.0, 20) / np.arange(1, 21)
    amplitudes[0] = 1.5
    tone = harmonics(np.full(samples, rng.choice([50.0, 60.0])), rate, amplitudes, rng)
    return unit(tone) + 0.03 * unit(pink(samples, rate, rng))


def siren(samples: int, rate: int, rng: Generator) -> np.ndarray:
    """A wail between two pitches, or two tones in turn, with overtones."""
    low, high = rng.uniform(400.0, 700.0), rng.uniform(900.0, 1500.0)
    turn = np.sin(2.0 * np.pi * (rng.uniform(0.2, 1.0) * np.arange(samples) / rate + rng.random()))
    if rng.random() < 0.3:
        turn = np.tanh(20.0 * turn)
    tone = harmonics(low + (high - low) * (0.5 + 0.5 * turn), rate, np.array([1.0, 0.4, 0.25, 0.1]), rng)
    return unit(tone) + 0.05 * unit(pink(samples, rate, rng))


def engine(samples: int, rate: int, rng: Generator) -> np.ndarray:
    """A motor: many harmonics of a wandering firing rate, a beat at half of it, and exhaust noise."""
    firing = rng.uniform(40.0, 120.0) * (1.0 + 0.05 * wander(samples, rate, rng, 0.5))
    amplitudes = rng.uniform(0.2, 1.0, 30) * np.arange(1, 31) ** -0.7
    beat = 1.0 + 0.3 * np.sin(np.pi * np.cumsum(firing) / rate)
    tone = harmonics(firing, rate, amplitudes, rng) * beat
    return unit(tone) + 0.4 * unit(shaped(samples, rate, rng, low_pass(600.0))) * beat


def rain(samples: int, rate: int, rng: Generator) -> np.ndarray:
    """Some thousand small drops a second over a hiss, and fewer large ones."""
    fine = event_times(samples, rate, rng, rng.uniform(1000.0, 3000.0))
    large = event_times(samples, rate, rng, rng.uniform(20.0, 60.0))
    drops = scatter(samples, fine, rng.standard_normal(len(fine)), ring(rate, 3000.0, 0.0005))
    splashes = scatter(samples, large, rng.uniform(0.5, 2.0, len(large)), ring(rate, 1200.0, 0.002))
    hiss = shaped(samples, rate, rng, high_pass(800.0, order=1))
    return unit(drops) + 0.4 * unit(splashes) + 0.7 * unit(hiss)


def clicks(samples: int, rate: int, rng: Generator) -> np.ndarray:
    """Hard clicks, as of keys, a few a second."""
    times = event_times(samples, rate, rng, rng.uniform(3.0, 8.0))
    sounds = np.zeros(samples)
    for kind in np.array_split(times, 3):  # three sounds of click
        kernel = ring(rate, rng.uniform(1000.0, 3500.0), rng.uniform(0.002, 0.006))
        sounds += scatter(samples, kind, rng.uniform(0.5, 1.0, len(kind)), kernel)
    return unit(sounds) + 0.02 * unit(pink(samples, rate, rng))


def wind(samples: int, rate: int, rng: Generator) -> np.ndarray:
    """Gusts: low noise whose level and brightness swell together."""
    gust = wander(samples, rate, rng, 0.7)
    rumble = unit(shaped(samples, rate, rng, low_pass(150.0, order=1)))
    whistle = unit(shaped(samples, rate, rng, lambda f: low_pass(900.0)(f) * high_pass(300.0)(f)))
    return rumble * np.exp(0.6 * gust) + 0.3 * whistle * np.exp(1.2 * gust)


def crackle(samples: int, rate: int, rng: Generator) -> np.ndarray:
    """A fire or an old record: many short cracks, few of them loud, over a soft rumble."""
    times = event_times(samples, rate, rng, rng.uniform(30.0, 90.0))
    sizes = np.minimum(rng.pareto(1.5, len(times)) + 0.1, 20.0) * rng.choice([-1.0, 1.0], len(times))
    cracks = scatter(samples, times, sizes, ring(rate, rng.uniform(1500.0, 3000.0), 0.0007))
    return unit(cracks) + 0.2 * unit(brown(samples, rate, rng))


def fan(samples: int, rate: int, rng: Generator) -> np.ndarray:
    """Rushing air with the tone of the blades, pulsing once a turn."""
    turns = rng.uniform(12.0, 30.0)
    blades = harmonics(np.full(samples, turns * rng.integers(4, 8)), rate, 1.0 / np.arange(1, 7), rng)
    pulse = 1.0 + 0.15 * np.sin(2.0 * np.pi * turns * np.arange(samples) / rate)
    return (unit(shaped(samples, rate, rng, low_pass(700.0, order=1))) + 0.5 * unit(blades)) * pulse


def beeps(samples: int, rate: int, rng: Generator) -> np.ndarray:
    """An alarm clock: a tone that comes and goes with a fixed period."""
    period = rng.uniform(0.3, 1.0)
    on = bursts(samples, rate, period, period * rng.uniform(0.3, 0.6), rng.uniform(0.0, period))
    tone = harmonics(np.full(samples, rng.uniform(600.0, 2000.0)), rate, np.array([1.0, 0.3, 0.1]), rng)
    return unit(tone * on) + 0.03 * unit(pink(samples, rate, rng))


def birds(samples: int, rate: int, rng: Generator) -> np.ndarray:
    """Calls of several short chirps that glide, high and at random."""
    top = min(6000.0, NYQUIST_MARGIN * rate)
    wave = np.zeros(samples)
    for begin in event_times(samples, rate, rng, 2.0):
        length = int(rng.uniform(0.04, 0.12) * rate)
        ends = rng.uniform(0.5 * top, 0.95 * top, 2)
        phase = 2.0 * np.pi * np.cumsum(np.linspace(*ends, length)) / rate
        chirp = np.hanning(length) * np.sin(phase) * rng.uniform(0.3, 1.0)
        times = begin + np.arange(rng.integers(2, 7)) * int(rng.uniform(1.3, 2.0) * length)
        wave += scatter(samples, times[times < samples], np.ones(np.sum(times < samples)), chirp)
    return unit(wave) + 0.05 * unit(pink(samples, rate, rng))


def train(samples: int, rate: int, rng: Generator) -> np.ndarray:
    """Wheels over rail joints in pairs, with the rumble and squeal of rolling."""
    period = rng.uniform(0.4, 0.9)
    joints = np.arange(rng.uniform(0.0, period), samples / rate, period)
    times = (np.concatenate([joints, joints + 0.22 * period]) * rate).astype(int)
    times = times[times < samples]
    body = ring(rate, rng.uniform(150.0, 400.0), 0.03)
    body[: int(0.02 * rate)] += 0.5 * rng.standard_normal(int(0.02 * rate))
    clacks = scatter(samples, times, rng.uniform(0.7, 1.0, len(times)), body)
    rumble = shaped(samples, rate, rng, low_pass(250.0, order=1))
    return 0.7 * unit(clacks) + unit(rumble) * (1.0 + 0.2 * np.tanh(wander(samples, rate, rng, 1.0)))


def traffic(samples: int, rate: int, rng: Generator) -> np.ndarray:
    """Cars that pass one after the other, each louder and brighter as it comes near, over a far rumble."""
    time = np.arange(samples) / rate
    wave = 0.5 * unit(brown(samples, rate, rng))
    far = unit(shaped(samples, rate, rng, low_pass(500.0, order=1)))
    near = unit(shaped(samples, rate, rng, lambda f: low_pass(2500.0)(f) * high_pass(100.0)(f)))
    for passing in event_times(samples, rate, rng, 0.4) / rate:
        distance = 1.0 + ((time - passing) / rng.uniform(0.4, 1.2)) ** 2
        wave += rng.uniform(0.6, 1.5) * (far / distance**0.5 + near / distance)
    return wave


def finished(make: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """The generator with its length checked, and its result without offset, at an RMS of 1, as float32."""

    @functools.wraps(make)
    def noise(samples: int, rate: int, rng: Generator, *pool: Sequence[np.ndarray]) -> np.ndarray:
        if samples < SHORTEST * rate:
            raise NoiseError(f"{make.__name__}: {samples} samples at {rate} Hz; ask for at least {SHORTEST} s")
        wave = make(samples, rate, rng, *pool)
        return unit(wave - wave.mean()).astype(np.float32)

    return noise


# Name -> generator; babble alone takes a pool of speech.
NOISES: dict[str, Callable[..., np.ndarray]] = {
    make.__name__: finished(make)
    for make in (
        *(white, pink, brown, blue, babble, hum, siren, engine, rain),
        *(clicks, wind, crackle, fan, beeps, birds, train, traffic),
    )
}
