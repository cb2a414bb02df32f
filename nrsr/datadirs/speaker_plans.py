"""Which utterances of different speakers make which mixture, and at which levels: drawn from a seed and names."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nrsr.datadirs.mix import seed_of
from nrsr.signal.mixing import MixingError

FRUITLESS = 20  # rounds without a new mixture after which there are no more


@dataclass(frozen=True)
class SpeakerPlan:
    """What one mixture is made of.

    Attributes:
        utterances: one of each speaker.
        levels: dB of each speaker's active speech over the first one's; the first is 0.
        offsets: where each begins if it is shorter than the longest, from 0 (with it) to 1 (ends with it).
        noise: of the noise directory, or None.
        seed: of the place in the noise.
    """

    utterances: tuple[str, ...]
    levels: tuple[float, ...]
    offsets: tuple[float, ...]
    noise: str | None
    snr_db: float | None
    seed: int

    @property
    def id(self) -> str:
        """The mixture's id: those of its utterances, joined by underscores."""
        return "_".join(self.utterances)


def plan_speaker_mixtures(
    speaker_of: Mapping[str, str],
    speakers: int,
    count: int,
    levels: tuple[float, float],
    noises: Sequence[str],
    snrs: Sequence[float],
    seed: int,
) -> list[SpeakerPlan]:
    """Plans of `count` mixtures in order of their ids.

    Args:
        speaker_of: utterance -> speaker.
        speakers: in each mixture.
        levels: lowest and highest level of further speakers over the first one's, in dB.
        noises: to choose from; none for mixtures without noise.
        snrs: gone round over the mixtures, so that each is used equally often.

    Raises:
        MixingError: too few speakers, or fewer different mixtures than wanted.
    """
    voices = sorted(set(speaker_of.values()))
    if len(voices) < speakers:
        available = "one speaker only" if len(voices) == 1 else f"{len(voices)} speakers"
        raise MixingError(f"{available} ({' '.join(voices)}), but mixtures of {speakers} need as many; add others")
    chosen: dict[str, tuple[str, ...]] = {}
    seen, fruitless, rng = set(), 0, np.random.default_rng(seed_of(seed, "speakers"))
    while len(chosen) < count and fruitless < FRUITLESS:
        before = len(chosen)
        for group in groups(speaker_of, speakers, rng):
            if len(chosen) < count and frozenset(group) not in seen:
                seen.add(frozenset(group))
                chosen["_".join(group)] = group
        fruitless = 0 if len(chosen) > before else fruitless + 1
    if len(chosen) < count:
        raise MixingError(f"{len(chosen)} different mixtures can be found, {count} are wanted; lower --count")
    return [
        _plan(name, chosen[name], levels, noises, snrs[number % len(snrs)] if noises else None, seed)
        for number, name in enumerate(sorted(chosen))
    ]


def _plan(
    name: str, group: tuple[str, ...], levels: tuple[float, float], noises: Sequence[str], snr: float | None, seed: int
) -> SpeakerPlan:
    """What is drawn for a mixture follows from the seed and its id alone."""
    rng = np.random.default_rng(seed_of(seed, name))
    drawn = rng.uniform(*levels, len(group) - 1)
    offsets = rng.random(len(group))
    noise = noises[rng.integers(len(noises))] if noises else None
    return SpeakerPlan(group, (0.0, *drawn.tolist()), tuple(offsets.tolist()), noise, snr, int(rng.integers(2**63)))


def groups(speaker_of: Mapping[str, str], size: int, rng: np.random.Generator) -> Iterator[tuple[str, ...]]:
    """Deal all utterances once into groups of different speakers, until too few speakers are left.

    A speaker is drawn by the number of utterances left, so that few are left over where one has many.
    """
    voices = sorted(set(speaker_of.values()))
    hands = {voice: [name for name in sorted(speaker_of) if speaker_of[name] == voice] for voice in voices}
    for hand in hands.values():
        rng.shuffle(hand)
    left = np.array([len(hands[voice]) for voice in voices], dtype=np.float64)
    while (left > 0).sum() >= size:
        drawn = rng.choice(len(voices), size, replace=False, p=left / left.sum())
        left[drawn] -= 1
        yield tuple(hands[voices[voice]].pop() for voice in drawn)
