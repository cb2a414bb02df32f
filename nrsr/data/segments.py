"""Segments of a fixed length, cut out of training utterances: one at random, or all with a hop."""

from dataclasses import dataclass

import numpy as np

from nrsr.config import ConfigError
from nrsr.data.augmentation.signals import Signals

SHORT = ("pad", "leave_out")


@dataclass(frozen=True)
class Segments:
    """Settings of segments of training utterances.

    Attributes:
        samples: length of a segment.
        short: "pad" appends silence to shorter utterances, "leave_out" lists them as skipped.
        hop: an epoch has each whole segment that begins at a multiple of so many samples; None: one of each utterance,
            at random.
    """

    samples: int
    short: str = "pad"
    hop: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.samples, bool) or not isinstance(self.samples, int) or self.samples < 1:
            raise ConfigError(f"data.segment: {self.samples!r} is no number of samples; give a whole one, as 8192")
        if self.short not in SHORT:
            raise ConfigError(f"data.short: {self.short!r}: take one of {', '.join(SHORT)}")
        if self.hop is not None and (isinstance(self.hop, bool) or not isinstance(self.hop, int) or self.hop < 1):
            raise ConfigError(f"data.hop: {self.hop!r} is no number of samples; give a whole one, as 8192, or null")

    def starts(self, samples: int) -> list[int]:
        """Where the segments of an utterance of so many samples begin, for a hop; one segment of a short utterance."""
        return list(range(0, max(samples - self.samples, 0) + 1, self.hop))

    def cut(self, signals: Signals, rng: np.random.Generator, start: int | None = None) -> Signals:
        """A stretch, the same of the waveform and of what is parallel to it; short utterances stay whole.

        Args:
            start: where it begins. None draws it; of several speakers, as many as can be have sound in it then.
        """
        spare = len(signals.wave) - self.samples
        if spare <= 0:
            return signals
        if start is None:
            several = signals.parallel is not None and len(signals.parallel) > 1
            start = start_with_sound(signals.parallel, self.samples, rng) if several else int(rng.integers(spare + 1))
        return signals.changed(lambda wave: wave[start : start + self.samples])

    def reason_against(self, samples: int, rate: int) -> str | None:
        """Why an utterance of so many samples is left out, or None."""
        if self.short == "pad" or samples >= self.samples:
            return None
        return f"shorter than data.segment: {samples / rate:.3f} s"


def start_with_sound(sources: np.ndarray, samples: int, rng: np.random.Generator) -> int:
    """Where to cut `samples` out of sources [K, T]: at random among the places with sound of most sources."""
    sounding = np.cumsum(np.pad(sources != 0.0, ((0, 0), (1, 0))), axis=1)
    active = (sounding[:, samples:] > sounding[:, :-samples]).sum(0)
    return int(rng.choice(np.flatnonzero(active == active.max())))


def segments_of(segment: int | None, short: str | None, hop: int | None = None) -> Segments | None:
    """The settings `data.segment`, `data.short` and `data.hop`, None where utterances stay whole.

    Raises:
        ConfigError: values that cannot be, or `short` or `hop` without `segment`.
    """
    if segment is None:
        for name, value in {"short": short, "hop": hop}.items():
            if value is not None:
                raise ConfigError(
                    f"data.{name}: {value!r} is for segments alone; give data.segment as well, or leave it out"
                )
        return None
    return Segments(segment, short or SHORT[0], hop)
