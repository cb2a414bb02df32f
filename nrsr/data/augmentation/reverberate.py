"""Speech in rooms, by room impulse responses."""

import zlib
from pathlib import Path

import numpy as np

from nrsr.config import ConfigError
from nrsr.data.augmentation.augmentation import Augmentation, AugmentationError
from nrsr.data.augmentation.settings import checked_probability, is_number
from nrsr.data.augmentation.signals import Signals
from nrsr.folders import refuse_incomplete
from nrsr.kaldi.audio import AudioError, read_audio
from nrsr.kaldi.lists import c_sorted, read_list
from nrsr.signal.reverberation import early_part, level_gain, reverberate

CLEAN = ("dry", "early", "reverberant")


class Reverberate(Augmentation):
    """Convolves an utterance with a random room impulse response, and keeps its length, timing and power.

    The direct path is in time with the dry speech, and what rings on behind the utterance is cut, so a response may be
    longer than the utterance. The power is the dry utterance's, unless something would clip. Put it before noise, which
    is recorded in a room of its own.

    The parallel clean speech follows: "dry" is the direct path alone, "early" has the reflections of the first
    milliseconds as well (which do not harm intelligibility, and which an enhancer can estimate), and
    "reverberant" all of them, for an enhancer that takes away noise alone. Utterances of several speakers are refused:
    each would need a place of its own.

    Args:
        rirs: list of the responses (rir.scp: id and audio file, as in wav.scp; nrsr simulate-rirs writes one); a
            relative path starts from the training data directory. Other rates are resampled.
        probability: of a room; other utterances stay as they are.
        clean: "dry", "early" or "reverberant".
        early_ms: what counts as early, in ms behind the direct path.

    Raises:
        ConfigError: settings that cannot be.
    """

    def __init__(self, rirs: str, probability: float = 1.0, clean: str = "early", early_ms: float = 50.0):
        if clean not in CLEAN:
            raise ConfigError(f"data.augment: Reverberate: clean: {clean!r}: take one of {', '.join(CLEAN)}")
        if not is_number(early_ms) or early_ms < 0.0:
            raise ConfigError(f"data.augment: Reverberate: early_ms: {early_ms!r} is no number of ms; give 50, say")
        self.rirs, self.probability = rirs, checked_probability(probability, "Reverberate: probability")
        self.clean, self.early_ms = clean, 0.0 if clean == "dry" else early_ms

    def open(self, directory: Path, rate: int, *, allow_pipes: bool = False) -> None:
        self._path, self._rate, self._allow_pipes = directory / self.rirs, rate, allow_pipes
        refuse_incomplete(self._path.parent)
        self._entries = read_list(self._path)
        self._names = c_sorted(self._entries)
        if not self._names:
            raise AugmentationError(f"{self._path}: lists no room impulse responses; add some")
        self._checksums = {}
        silent = []
        for name in self._names:
            response = self._read(name)
            self._checksums[name] = zlib.crc32(response)
            silent += [name] if not response.any() else []
        if silent:
            raise AugmentationError(
                f"{self._path}: {len(silent)} of {len(self._names)} room impulse responses are silent, the first is "
                f"{silent[0]}; leave them out"
            )

    def _read(self, name: str) -> np.ndarray:
        try:
            options = {"rate": self._rate, "resample": True, "allow_pipes": self._allow_pipes}
            return read_audio(self._entries[name], **options)[0]
        except AudioError as error:
            raise AudioError(f"{self._path}: response {name!r}: {error}") from None

    def __call__(self, signals: Signals, rng: np.random.Generator) -> Signals:
        if rng.random() >= self.probability:
            return signals
        if signals.parallel is not None and len(signals.parallel) > 1:
            raise AugmentationError(
                "data.augment: Reverberate: one room impulse response serves one speaker; take it out for mixtures"
            )
        response = self._read(self._names[rng.integers(len(self._names))])
        wet = reverberate(signals.wave, response)
        gain = level_gain(signals.wave, wet)
        parallel = signals.parallel
        if parallel is not None:
            kept = response if self.clean == "reverberant" else early_part(response, self._rate, self.early_ms)
            parallel = (reverberate(parallel[0], kept) * gain).astype(np.float32)[None]
        return Signals((wet * gain).astype(np.float32), parallel).within_full_scale()

    def fingerprint(self) -> str:
        return " ".join(f"{name} {self._checksums[name]}" for name in self._names)
