"""Write the data directories of a corpus: speech with transcripts, and noise with categories."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nrsr.kaldi.contents import remove_other_lists, spk2utt_of
from nrsr.kaldi.lists import split_words, write_list
from nrsr.kaldi.tables import WaveWriter

SAMPLE_RATE = 8000  # in Hz, of corpora that do not say otherwise
PEAK = 0.99  # that noises are lowered to


@dataclass(frozen=True)
class Utterance:
    """One utterance of speech; the id starts with the speaker, as Kaldi's sorting needs."""

    id: str
    speaker: str
    words: str
    wave: np.ndarray  # float32 [T] in [-1, 1)
    labels: Mapping[str, str] = field(default_factory=dict)  # list -> label, as "utt2emotion" -> "sad"


@dataclass(frozen=True)
class Noise:
    """One noise recording."""

    id: str
    category: str
    wave: np.ndarray  # float32 [T] in [-1, 1)


@dataclass
class Prepared:
    """What a preparation did: a table for stdout, and what it left out or changed for stderr."""

    table: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def write_speech(folder: Path, utterances: Iterable[Utterance], rate: int = SAMPLE_RATE) -> str:
    """Write wav.ark, wav.scp, text, utt2spk, spk2utt, utt2dur and lists of labels; returns a line of the table."""
    utterances = sorted(utterances, key=lambda utterance: utterance.id)
    seconds = _write_waves(folder, [(u.id, u.wave) for u in utterances], rate)
    write_list(folder / "text", {u.id: u.words for u in utterances})
    _write_speakers(folder, {u.id: u.speaker for u in utterances})
    labels = {name: {u.id: u.labels[name] for u in utterances} for name in utterances[0].labels} if utterances else {}
    for name, entries in labels.items():
        write_list(folder / name, entries)
    remove_other_lists(folder, {"wav.scp", "text", "utt2spk", "spk2utt", "utt2dur", *labels})
    text = {u.id: u.words for u in utterances}
    return speech_line(folder.name, text, len(utterances), len({u.speaker for u in utterances}), seconds)


def speech_line(name: str, text: Mapping[str, str] | None, utterances: int, speakers: int, seconds: float) -> str:
    """A line of the table on a directory of speech; text is None where it has no transcripts."""
    words = "-" if text is None else sum(len(split_words(line)) for line in text.values())
    return f"{name:<13}{utterances:>6} utterances {words:>6} words {speakers:>3} speakers {seconds / 60:>6.1f} min"


def write_noises(folder: Path, noises: Iterable[Noise], rate: int = SAMPLE_RATE) -> str:
    """Write wav.ark, wav.scp, utt2noise, utt2spk, spk2utt and utt2dur; returns a line of the table.

    Waves are scaled down to PEAK where they reach beyond it (resampling overshoots); their level
    does not matter, since mixing sets it.
    """
    noises = sorted(noises, key=lambda noise: noise.id)
    seconds = _write_waves(folder, [(n.id, below_one(n.wave)) for n in noises], rate)
    write_list(folder / "utt2noise", {n.id: n.category for n in noises})
    _write_speakers(folder, {n.id: n.id for n in noises})
    remove_other_lists(folder, {"wav.scp", "utt2noise", "utt2spk", "spk2utt", "utt2dur"})
    kinds = len({n.category for n in noises})
    return f"{folder.name:<13}{len(noises):>6} recordings {kinds:>6} categories {'':>9}{seconds / 60:>8.1f} min"


def _write_waves(folder: Path, waves: list[tuple[str, np.ndarray]], rate: int) -> float:
    """Write the waves and their durations; returns seconds in all."""
    folder.mkdir(parents=True, exist_ok=True)
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", rate) as writer:
        for name, wave in waves:
            writer[name] = wave
    write_list(folder / "utt2dur", {name: f"{len(wave) / rate:.6f}" for name, wave in waves})
    return sum(len(wave) for _, wave in waves) / rate


def _write_speakers(folder: Path, speaker_of: dict[str, str]) -> None:
    write_list(folder / "utt2spk", speaker_of)
    write_list(folder / "spk2utt", spk2utt_of(speaker_of))


def below_one(wave: np.ndarray) -> np.ndarray:
    """The wave, lowered to PEAK where it goes beyond it."""
    highest = float(np.abs(wave).max(initial=0.0))
    return wave * np.float32(PEAK / highest) if highest > PEAK else wave
