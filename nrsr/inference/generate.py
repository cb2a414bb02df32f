"""Generating waveforms from a seed, as a data directory."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from nrsr.config import settings_from
from nrsr.data.labels import LabelSettings
from nrsr.data.outputs import WaveFiles, WaveOutput
from nrsr.denormals import flushing_denormals
from nrsr.experiment.folder import Experiment
from nrsr.files import atomic_open
from nrsr.folders import making
from nrsr.inference.application import ApplyError, check_device
from nrsr.kaldi import write_list
from nrsr.kaldi.contents import remove_other_lists, spk2utt_of
from nrsr.listing import listed, shown
from nrsr.progress import track
from nrsr.signal.activity import is_silent
from nrsr.systems import GenerativeSystem

SPEAKER = "generated"  # of all utterances, whose ids begin with it
DIGITS = 5  # of an utterance's number, at least
SHOWN = 20  # spectrograms in the figure


@dataclass(frozen=True)
class Wanted:
    """What is to be generated.

    Attributes:
        count: waveforms.
        label: of all of them; None takes the system's labels in turn.
        seed: of the random numbers; the first waveforms of a longer run are those of a shorter one.
        batch_size: waveforms that are generated together.
        device: "cpu" or "cuda".
    """

    count: int
    label: str | None = None
    seed: int = 0
    batch_size: int = 64
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name, value in (("count", self.count), ("batch-size", self.batch_size)):
            if value < 1:
                raise ApplyError(f"--{name} {value}: is too small; take 1 or more")


class Generated:
    """Waveforms of a trained system, generated while they are iterated over: pairs of utterance and waveform [T].

    Attributes:
        rate: samples a second.
        list_name: the list that holds labels, as `text`; None without labels.
        labels: utterance -> label; empty without labels.
        first: title and waveform of the first ones.

    Raises:
        ApplyError: a system that generates nothing, or a label that it does not have; samples that are not finite,
            while they are iterated over.
    """

    def __init__(self, experiment: Experiment, wanted: Wanted):
        check_device(wanted.device)
        system = experiment.system
        if not isinstance(system, GenerativeSystem):
            raise ApplyError(f"{experiment.path}: {type(system).__name__} generates nothing; take a GAN, or nrsr apply")
        if wanted.label is not None and wanted.label not in system.labels:
            known = (
                f"knows {listed(system.labels, len(system.labels))}" if system.labels else "was trained without labels"
            )
            raise ApplyError(f"--label {wanted.label}: {experiment.path} {known}; take another, or leave it out")
        self._system, self._wanted = system.to(wanted.device).eval(), wanted
        width = max(DIGITS, len(str(wanted.count)))
        self._names = [f"{SPEAKER}-{number:0{width}}" for number in range(1, wanted.count + 1)]
        chosen = [system.labels.index(wanted.label)] if wanted.label is not None else range(len(system.labels))
        self._numbers = [chosen[place % len(chosen)] for place in range(wanted.count)] if system.labels else []
        labels = [system.labels[number] for number in self._numbers]
        self.labels = dict(zip(self._names, labels, strict=False))
        kinds = experiment.config.get("data", {}).get("labels", {})
        self.list_name = settings_from(LabelSettings, kinds[system.kind], "data.labels").file if labels else None
        self.rate, self.first = system.sample_rate, []
        self._audio = self._work = 0.0

    def __len__(self) -> int:
        return len(self._names)

    @torch.inference_mode()
    def __iter__(self) -> Iterator[tuple[str, np.ndarray]]:
        random, size = torch.Generator().manual_seed(self._wanted.seed), self._wanted.batch_size
        starts = range(0, len(self), size)
        for start in track(starts, "generating batches", len(starts)):
            begun = time.perf_counter()
            names, numbers = self._names[start : start + size], self._numbers[start : start + size]
            # One by one, and on the CPU, so that neither the size of a batch nor the device changes what is drawn.
            latent = torch.cat([self._system.draw(1, torch.device("cpu"), random) for _ in names])
            labels = torch.tensor(numbers, device=self._wanted.device) if numbers else None
            with flushing_denormals():
                waves = self._system.generate(latent.to(self._wanted.device), labels).float().cpu().numpy()
            if not np.isfinite(waves).all():
                raise ApplyError("the system generates NaN or infinite samples; its training went wrong")
            self._audio += waves.size / self.rate
            self._work += time.perf_counter() - begun
            for name, wave in zip(names, waves, strict=True):
                if len(self.first) < SHOWN:
                    self.first.append((self.labels.get(name, name), wave))
                yield name, wave

    def speed(self) -> str:
        """A line about how long it took beside the audio."""
        factor = self._work / self._audio
        return f"{len(self)} utterances, {self._audio:.1f} s of audio, real-time factor {factor:.4f}"


def write_generated(generated: Generated, out: Path, head: str, *, files: bool = False) -> None:
    """Write a data directory, with a batch in memory at a time.

    It has wav.scp, utt2spk, spk2utt, utt2dur, and the labels in the list that the training read them from, such as
    text. OUT/generate.log has `head`, remarks and how long it took.

    Args:
        files: write OUT/wav/UTTERANCE.wav in place of OUT/wav.ark.

    Raises:
        ApplyError: samples that are not finite.
    """
    output = WaveFiles(generated.rate) if files else WaveOutput(generated.rate)
    samples: dict[str, int] = {}
    remarks: dict[str, list[str]] = {}
    with making(out, "nrsr generate"):
        with output.writer(out, "wav") as writer:
            for name, wave in generated:
                samples[name] = len(wave)
                for remark in (writer.write(name, wave), "are silent" if is_silent(wave) else None):
                    if remark:
                        remarks.setdefault(remark, []).append(name)
        _write_lists(out, generated, samples)
        lines = [f"{len(names)} of {len(samples)} {what}: {shown(names)}" for what, names in remarks.items()]
        for line in lines:
            print(f"nrsr generate: {line}", file=sys.stderr)
        with atomic_open(out / "generate.log") as stream:
            stream.writelines(f"{line}\n" for line in (head, *lines, generated.speed()))


def _write_lists(out: Path, generated: Generated, samples: dict[str, int]) -> None:
    """The lists of a data directory, and none of an earlier run."""
    utt2spk = dict.fromkeys(samples, SPEAKER)
    lists = {
        "utt2spk": utt2spk,
        "spk2utt": spk2utt_of(utt2spk),
        "utt2dur": {name: f"{count / generated.rate:.6f}" for name, count in samples.items()},
    }
    if generated.list_name is not None:
        lists[generated.list_name] = generated.labels
    for name, entries in lists.items():
        write_list(out / name, entries)
    remove_other_lists(out, {"wav.scp", *lists})
