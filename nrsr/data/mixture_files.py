"""The audio of a directory of mixtures: mixture, sources and noise of each utterance, checked to fit together."""

from pathlib import Path

import numpy as np

from nrsr.errors import NrsrError
from nrsr.kaldi.audio import AudioError
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.waves import Waves


class MixturesError(NrsrError):
    """A data directory does not serve as mixtures with their sources."""


class MixtureFiles:
    """wav.scp, spk1.scp, spk2.scp, ... and perhaps noise1.scp of a data directory.

    Attributes:
        speakers: how many spkN.scp there are.
        noise: waves of noise1.scp, or None.

    Raises:
        MixturesError: no mixtures, or fewer than two sources.
    """

    def __init__(self, path: str | Path, rate: int | None, allow_pipes: bool = False, channel: int | None = None):
        self.directory, self.path = DataDir(path, channel=channel), Path(path)
        if not self.directory.has("wav.scp"):
            raise MixturesError(f"{self.path / 'wav.scp'}: no such file; it should list the mixtures")
        scps = []
        while self.directory.has(f"spk{len(scps) + 1}.scp"):
            scps.append(f"spk{len(scps) + 1}.scp")
        if len(scps) < 2:
            present = "one speaker only (spk1.scp)" if scps else "no spk1.scp"
            raise MixturesError(f"{self.path}: {present}; a mixture needs spk1.scp, spk2.scp, ..., a source each")
        self.speakers, self._scps = len(scps), scps
        self.waves = self._open("wav.scp", rate, allow_pipes)
        self.sources = [self._open(scp, rate, allow_pipes) for scp in scps]
        self.noise = self._open("noise1.scp", rate, allow_pipes) if self.directory.has("noise1.scp") else None

    def _open(self, scp: str, rate: int | None, allow_pipes: bool) -> Waves:
        return self.directory.waves(scp, rate=rate, allow_pipes=allow_pipes)

    def parts(self) -> dict[str, Waves]:
        """The sources and the noise by the name of their list."""
        parts = dict(zip(self._scps, self.sources, strict=True))
        return parts if self.noise is None else {**parts, "noise1.scp": self.noise}

    def lengths(self) -> tuple[dict[str, int], dict[str, str]]:
        """Samples of each mixture that is whole, by headers alone; and of all others, why they are left out."""
        samples, skipped = {}, {}
        for name in self.directory.utterances:
            problem, count = self._look_at(name)
            if problem is None:
                samples[name] = count
            else:
                skipped[name] = problem
        return samples, skipped

    def _look_at(self, name: str) -> tuple[str | None, int]:
        """What is wrong with a mixture by its headers, or None; and its samples."""
        if name not in self.waves:
            return "no mixture: wav.scp lacks it", 0
        absent = [scp for scp, waves in self.parts().items() if name not in waves]
        speakers = self.speakers - sum(scp.startswith("spk") for scp in absent)
        if speakers < 2:
            return f"{('no speaker', 'one speaker only')[speakers]}: {', '.join(absent)} lacks it", 0
        if absent:
            return f"incomplete: {', '.join(absent)} lacks it", 0
        try:
            count = self._samples(self.waves, name)
            lengths = {scp: self._samples(waves, name) for scp, waves in self.parts().items()}
        except AudioError as error:
            return f"unreadable audio: {error}", 0
        for scp, length in lengths.items():
            if length != count:
                return f"sources of unequal length: {length} samples in {scp}, {count} in wav.scp", 0
        return None, count

    def _samples(self, waves: Waves, name: str) -> int:
        if self.directory.has("segments"):
            return round(waves.seconds(name) * waves.rate())
        return waves.info(name)[0]

    def read(self, name: str, *, silence: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Mixture [T], sources [K, T] and noise [T] (None where the directory does not list it), float32.

        Args:
            silence: let sources be silent.

        Raises:
            MixturesError: lengths at odds, or a silent source.
            AudioError: audio that cannot be read.
        """
        wave = self.waves[name]
        parts = {scp: waves[name] for scp, waves in self.parts().items()}
        for scp, part in parts.items():
            if len(part) != len(wave):
                raise MixturesError(
                    f"{self.path / scp}: {name}: {len(part)} samples beside {len(wave)} of the mixture; all parts of a "
                    "mixture have its length"
                )
        noise = parts.pop("noise1.scp", None)
        for scp, part in parts.items() if not silence else ():
            self._refuse_silence(scp, name, part)
        return wave, np.stack(list(parts.values())), noise

    def read_source(self, name: str, number: int) -> np.ndarray:
        """Source `number` (from 0) of a mixture, float32 [T].

        Raises:
            MixturesError: it is silent; AudioError: it cannot be read.
        """
        wave = self.sources[number][name]
        self._refuse_silence(self._scps[number], name, wave)
        return wave

    def read_noise(self, name: str) -> np.ndarray:
        """The noise of a mixture, or what its sources leave of it; float32 [T]."""
        if self.noise is not None:
            return self.noise[name]
        wave, sources, _ = self.read(name)
        return wave - sources.sum(0)

    def _refuse_silence(self, scp: str, name: str, wave: np.ndarray) -> None:
        if not wave.any():
            raise MixturesError(
                f"{self.path / scp}: {name}: the source is silent; leave the mixture out "
                "(nrsr validate-data --mixtures lists all such)"
            )

    def speaker_lists(self, names: list[str]) -> list[list[str]]:
        """For each source number, who it is in each of the named mixtures.

        Raises:
            MixturesError: no utt2spk1, ..., or an utterance missing there, or no more speakers than sources.
        """
        lists = []
        for number in range(1, self.speakers + 1):
            file = self.path / f"utt2spk{number}"
            if not file.is_file():
                raise MixturesError(f"{file}: no such file; dynamic mixing needs the speaker of each source")
            speaker_of = self.directory.read(file.name)
            lacking = [name for name in names if name not in speaker_of]
            if lacking:
                raise MixturesError(f"{file}: lacks {len(lacking)} mixtures, first {lacking[0]}; add their speakers")
            lists.append([speaker_of[name] for name in names])
        everyone = {speaker for speakers in lists for speaker in speakers}
        if len(everyone) < self.speakers:
            raise MixturesError(
                f"{self.path}: {len(everyone)} speakers in all are too few to mix {self.speakers} anew; set "
                "data.dynamic_mixing to false"
            )
        return lists
