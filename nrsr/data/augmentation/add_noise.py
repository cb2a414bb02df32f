"""Noise at a random SNR."""

from pathlib import Path

import numpy as np

from nrsr.config import ConfigError
from nrsr.data.augmentation.augmentation import Augmentation
from nrsr.data.augmentation.recordings import Recordings
from nrsr.data.augmentation.settings import checked_probability, checked_range
from nrsr.data.augmentation.signals import Signals
from nrsr.signal.mixing import gain_against_clipping, scaled_noise


class AddNoise(Augmentation):
    """Adds a random stretch of a random recording, by the formula of `nrsr mix`.

    The speech keeps its level unless something would clip; then one gain lowers speech and mixture alike. Clean speech
    that is parallel to the waveform stays clean. An utterance whose spk1.scp names the recording that wav.scp names is
    clean itself, and gets its noise here.

    Where `Crop` has cut out a silent stretch, for which no SNR is defined, training leaves the stretch as it is; a
    recording that is silent as a whole is refused.

    Args:
        noise: data directory of the noises; a relative path starts from the training data directory.
        snr: [lowest, highest] in dB, all values between them alike.
        probability: of noise being added; other utterances stay as they are.
        active: take the power of the speech over its active samples, as `nrsr mix --active`.
        onto: "wave" adds the noise to the waveform; "clean" to the parallel clean speech, in place of any noise that
            was mixed in before, and leaves utterances without clean speech as they are.
        channel: of noise recordings that have several, counted from 0.

    Raises:
        ConfigError: a range, probability or `onto` that cannot be.
    """

    def __init__(
        self,
        noise: str,
        snr: list[float],
        probability: float = 1.0,
        active: bool = False,
        onto: str = "wave",
        channel: int | None = None,
    ):
        if onto not in ("wave", "clean"):
            raise ConfigError(f"data.augment: AddNoise: onto: {onto!r}: take wave or clean")
        self.noise, self.active, self.onto, self.channel = noise, active, onto, channel
        self.snr = checked_range(snr, "AddNoise: snr", "dB")
        self.probability = checked_probability(probability, "AddNoise: probability")

    def open(self, directory: Path, rate: int, *, allow_pipes: bool = False) -> None:
        self._recordings = Recordings(directory / self.noise, rate, channel=self.channel, allow_pipes=allow_pipes)

    def __call__(self, signals: Signals, rng: np.random.Generator) -> Signals:
        if self.onto == "clean" and signals.parallel is None:
            return signals
        if rng.random() >= self.probability:
            return signals
        if self.onto == "clean":
            signals = Signals(signals.speech(), signals.parallel)
        snr, speech = rng.uniform(*self.snr), signals.speech()
        added = scaled_noise(speech, self._recordings.stretch(len(speech), rng), snr, active=self.active)
        gain = gain_against_clipping(signals.wave, speech, added, signals.wave + added)
        if gain < 1.0:
            signals = signals.changed(lambda wave: (wave.astype(np.float64) * gain).astype(np.float32))
        return Signals(signals.wave + (added * gain).astype(np.float32), signals.parallel)

    def fingerprint(self) -> str:
        return self._recordings.fingerprint()
