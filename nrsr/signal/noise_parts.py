"""The parts of generated noises: shaped noise, slow modulation, tones that glide, and scattered events."""

from collections.abc import Callable

import numpy as np

NYQUIST_MARGIN = 0.45  # of the sampling rate: no tone goes above


def shaped(samples: int, rate: int, rng: np.random.Generator, gain: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Gaussian noise [samples] whose amplitude spectrum follows `gain` of frequency in Hz; no offset."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequencies = np.fft.rfftfreq(samples, 1.0 / rate)
    spectrum[0] = 0.0
    spectrum[1:] *= gain(frequencies[1:])
    return np.fft.irfft(spectrum, samples)


def low_pass(corner: float, order: int = 2) -> Callable[[np.ndarray], np.ndarray]:
    """Gain of a Butterworth low-pass."""
    return lambda frequencies: 1.0 / np.sqrt(1.0 + (frequencies / corner) ** (2 * order))


def high_pass(corner: float, order: int = 2) -> Callable[[np.ndarray], np.ndarray]:
    """Gain of a Butterworth high-pass."""
    return lambda frequencies: 1.0 / np.sqrt(1.0 + (corner / frequencies) ** (2 * order))


def rms(wave: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(wave))))


def unit(wave: np.ndarray) -> np.ndarray:
    """The wave at an RMS of 1; silence stays silence."""
    level = rms(wave)
    return wave / level if level else wave


def wander(samples: int, rate: int, rng: np.random.Generator, speed: float) -> np.ndarray:
    """A curve [samples] that wanders around 0 with variance near 1, changing about `speed` times a second."""
    # Knots at random heights, joined smoothly: costs nothing beside filtering noise of so low a frequency.
    places = np.arange(samples) * (speed / rate) + rng.random()
    knots = rng.standard_normal(int(places[-1]) + 2)
    before = places.astype(int)
    weight = 0.5 - 0.5 * np.cos(np.pi * (places - before))
    return knots[before] * (1.0 - weight) + knots[before + 1] * weight


def harmonics(frequency: np.ndarray, rate: int, amplitudes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A sum of sines at 1, 2, ... times a frequency [samples] in Hz that may glide; silent above the band."""
    phase = 2.0 * np.pi * np.cumsum(frequency) / rate
    wave = np.zeros(len(frequency))
    for number, amplitude in enumerate(amplitudes, 1):
        audible = number * frequency < NYQUIST_MARGIN * rate
        wave += amplitude * np.sin(number * phase + rng.uniform(0.0, 2.0 * np.pi)) * audible
    return wave


def event_times(samples: int, rate: int, rng: np.random.Generator, per_second: float) -> np.ndarray:
    """Sample indices of events at random (a Poisson process), at least one."""
    return rng.integers(samples, size=max(1, rng.poisson(per_second * samples / rate)))


def scatter(samples: int, times: np.ndarray, amplitudes: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The kernel, repeated at the given samples with the given amplitudes; [samples]."""
    impulses = np.zeros(samples)
    np.add.at(impulses, times, amplitudes)
    size = 1 << (samples + len(kernel)).bit_length()  # a length with large prime factors takes ten times as long
    return np.fft.irfft(np.fft.rfft(impulses, size) * np.fft.rfft(kernel, size), size)[:samples]


def ring(rate: int, frequency: float, decay: float) -> np.ndarray:
    """A sine of `frequency` Hz that dies away with a time constant of `decay` seconds."""
    time = np.arange(int(6.0 * decay * rate) + 1) / rate
    return np.exp(-time / decay) * np.sin(2.0 * np.pi * min(frequency, NYQUIST_MARGIN * rate) * time + 0.5)


def bursts(samples: int, rate: int, period: float, length: float, start: float) -> np.ndarray:
    """An envelope [samples] in 0..1: on for `length` of every `period` seconds, with edges of 5 ms."""
    time = (np.arange(samples) / rate - start) % period
    return np.clip(np.minimum(time, length - time) / 0.005, 0.0, 1.0)
