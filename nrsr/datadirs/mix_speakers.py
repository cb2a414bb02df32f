"""Making a data directory of mixtures of several speakers, with perhaps noise, of a directory of utterances."""

import functools
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nrsr.datadirs.mix import KEPT_NOISES, count_resampled, refuse_missing
from nrsr.datadirs.speaker_plans import SpeakerPlan, plan_speaker_mixtures
from nrsr.folders import making
from nrsr.kaldi.contents import remove_other_lists, spk2utt_of
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lists import write_list
from nrsr.kaldi.tables import WaveWriter
from nrsr.kaldi.waves import Waves
from nrsr.progress import track
from nrsr.signal.activity import active_power
from nrsr.signal.mixing import MixingError, fit_noise, gain_against_clipping, scaled_noise

MODES = ("max", "min")


@dataclass(frozen=True)
class MixSettings:
    """How mixtures are made.

    Attributes:
        speakers: in each mixture.
        count: mixtures; None makes as many as use each utterance about once.
        levels: lowest and highest level of further speakers over the first one's, in dB of active speech.
        snrs: in dB, gone round over the mixtures; power of the speakers together over that of the noise.
        mode: "max" keeps whole utterances, the shorter ones with silence around; "min" cuts to the shortest, and
            has no transcripts, since words are cut off.
        active: take the speakers' power for the SNR over the samples where they speak.
    """

    speakers: int = 2
    count: int | None = None
    levels: tuple[float, float] = (-2.5, 2.5)
    snrs: tuple[float, ...] = ()
    mode: str = "max"
    active: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        low, high = self.levels
        numbers = [*self.levels, *self.snrs]
        if self.speakers < 2 or (self.count is not None and self.count < 1) or self.mode not in MODES:
            raise MixingError(f"{self.speakers} speakers, {self.count} mixtures, mode {self.mode}: no such mixtures")
        if not all(map(math.isfinite, numbers)) or low > high:
            raise MixingError(f"levels {self.levels}, SNRs {self.snrs}: give finite dB, the lower level first")


@dataclass(frozen=True)
class SpeakerSummary:
    """What was done, for the user.

    Attributes:
        silent: utterances that were left out since they are silent.
        lowered: mixtures that a common gain has lowered.
    """

    mixtures: int
    used: int
    utterances: int
    silent: list[str]
    lowered: int
    noises: int
    resampled: int

    def __str__(self) -> str:
        noises = f", {self.noises} noises" if self.noises else ", no noise"
        noises += f" ({self.resampled} of them resampled)" if self.resampled else ""
        text = f"{self.mixtures} mixtures of {self.used} of {self.utterances} utterances{noises}"
        text += f"; {self.lowered} lowered by a common gain against clipping"
        if self.silent:
            some = " ".join(self.silent[:20]) + (" ..." if len(self.silent) > 20 else "")
            text += f"; {len(self.silent)} silent utterances are left out: {some}"
        return text


def mix_speakers(
    speech: str | Path,
    out: str | Path,
    settings: MixSettings,
    noise: str | Path | None = None,
    *,
    channel: int | None = None,
    allow_pipes: bool = False,
) -> SpeakerSummary:
    """Write OUT with wav.scp, spk1.scp, spk2.scp, ... and noise1.scp, which add up, and lists of what they are.

    text_spk1, ... (mode "max") and utt2spk1, ... list words and speaker of each source, utt2noise, utt2noisefile and
    utt2snr the noise; each mixture is its own speaker in utt2spk. Equal arguments give equal mixtures. Noise is
    resampled to the rate of the speech.

    Args:
        speech: data directory with wav.scp and utt2spk; text goes along.
        noise: data directory with wav.scp and utt2noise (noise -> category), for mixtures with noise.
        channel: of recordings that have several, counted from 0, in speech and noise.

    Raises:
        MixingError: one speaker only, more mixtures wanted than there are, a silent noise, options that do not fit.
        ListError, DataDirError, AudioError: broken input.
    """
    speech_dir, out = DataDir(speech, channel=channel), Path(out)
    noise_dir = None if noise is None else DataDir(noise, channel=channel)
    if (noise_dir is None) != (not settings.snrs):
        raise MixingError("noise and SNRs go together; give both, or neither")
    if out.resolve() in {each.path.resolve() for each in (speech_dir, noise_dir) if each is not None}:
        raise MixingError(f"{out}: would overwrite what it is made of; give another --out")
    speaker_of = speech_dir.read("utt2spk")
    rate = speech_dir.waves(allow_pipes=allow_pipes).rate()
    waves = speech_dir.all_waves(rate=rate, allow_pipes=allow_pipes)
    refuse_missing(speech_dir.path / "utt2spk", list(waves), speaker_of)
    noises, category_of = open_noises(noise_dir, rate, allow_pipes)
    powers = {name: active_power(waves[name]) for name in track(waves, f"levels of {speech}")}
    audible = {name: speaker_of[name] for name, level in powers.items() if level > 0.0}
    count = settings.count or max(len(audible) // settings.speakers, 1)
    plans = plan_speaker_mixtures(
        audible, settings.speakers, count, settings.levels, list(noises), settings.snrs, settings.seed
    )
    with making(out, "nrsr mix-speakers"):
        samples, lowered = write_mixtures(out, plans, waves, powers, noises, rate, settings)
        lists = lists_of(plans, speech_dir, speaker_of, category_of, settings)
        lists["utt2dur"] = {name: f"{length / rate:.6f}" for name, length in samples.items()}
        for name, entries in lists.items():
            write_list(out / name, entries)
        remove_other_lists(out, {*lists, *(f"{name}.scp" for name in audio_parts(settings))})
    used = len({name for plan in plans for name in plan.utterances})
    silent = [name for name in waves if name not in audible]
    resampled = count_resampled(noises, rate) if noise_dir else 0
    return SpeakerSummary(len(plans), used, len(waves), silent, lowered, len(noises), resampled)


def open_noises(noise_dir: DataDir | None, rate: int, allow_pipes: bool) -> tuple[Waves | dict, dict[str, str]]:
    """The noises and their categories; none without a directory."""
    if noise_dir is None:
        return {}, {}
    noises = noise_dir.waves(rate=rate, resample=True, allow_pipes=allow_pipes)
    category_of = noise_dir.read("utt2noise")
    refuse_missing(noise_dir.path / "utt2noise", list(noises), category_of)
    if not len(noises):
        raise MixingError(f"{noise_dir.path}/wav.scp: lists no noise; add some")
    return noises, category_of


def audio_parts(settings: MixSettings) -> list[str]:
    """Names of the audio of mixtures: the mixture, its sources, its noise."""
    sources = [f"spk{number}" for number in range(1, settings.speakers + 1)]
    return ["wav", *sources, *(["noise1"] if settings.snrs else [])]


def write_mixtures(
    out: Path,
    plans: Sequence[SpeakerPlan],
    waves: Mapping[str, np.ndarray],
    powers: Mapping[str, float],
    noises: Mapping[str, np.ndarray],
    rate: int,
    settings: MixSettings,
) -> tuple[dict[str, int], int]:
    """Write the wav arks; returns the samples of each mixture and how many a common gain lowered."""
    noise_of = functools.lru_cache(KEPT_NOISES)(noises.__getitem__)
    names = audio_parts(settings)
    samples, lowered = {}, 0
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(WaveWriter(out / f"{name}.ark", out / f"{name}.scp", rate)) for name in names
        }
        for plan in track(plans, f"mixing {out}"):
            sources = [waves[name] for name in plan.utterances]
            noise = noise_of(plan.noise) if plan.noise else None
            try:
                mixed, gain = mix_sources(sources, [powers[name] for name in plan.utterances], noise, plan, settings)
            except MixingError as error:
                raise MixingError(f"mixture {plan.id} with noise {plan.noise}: {error}") from None
            for name, wave in zip(names, mixed, strict=True):
                writers[name][plan.id] = wave
            samples[plan.id] = len(mixed[0])
            lowered += gain < 1.0
    return samples, lowered


def mix_sources(
    waves: Sequence[np.ndarray],
    powers: Sequence[float],
    noise: np.ndarray | None,
    plan: SpeakerPlan,
    settings: MixSettings,
) -> tuple[list[np.ndarray], float]:
    """One mixture.

    Args:
        waves: [T] of each speaker.
        powers: of their active samples, above 0.
        noise: [M] of any length, or None.

    Returns:
        Mixture, sources, and noise if any, float32 [T], the first the sum of the others; and the common gain.

    Raises:
        MixingError: speech or noise that is silent in the part used.
    """
    levels = zip(powers, plan.levels, strict=True)
    gains = [np.sqrt(powers[0] / power * 10.0 ** (level / 10.0)) for power, level in levels]
    scaled = [wave.astype(np.float64) * gain for wave, gain in zip(waves, gains, strict=True)]
    if settings.mode == "min":
        samples = min(map(len, scaled))
        parts = [wave[:samples] for wave in scaled]
    else:
        samples = max(map(len, scaled))
        parts = [placed(wave, samples, offset) for wave, offset in zip(scaled, plan.offsets, strict=True)]
    if not all(part.any() for part in parts):
        raise MixingError("a source is silent where the mixture takes it; take --mode max, or another --seed")
    if noise is not None:
        stretch = fit_noise(noise, samples, np.random.default_rng(plan.seed))
        parts.append(scaled_noise(np.sum(parts, axis=0), stretch, plan.snr_db, active=settings.active))
    gain = gain_against_clipping(*parts, np.sum(parts, axis=0))
    parts = [(part * gain).astype(np.float32) for part in parts]
    return [np.sum(parts, axis=0, dtype=np.float32), *parts], gain


def placed(wave: np.ndarray, samples: int, offset: float) -> np.ndarray:
    """The wave within so many samples, with silence before and after; an offset of 0 begins at once."""
    before = round(offset * (samples - len(wave)))
    return np.pad(wave, (before, samples - len(wave) - before))


def lists_of(
    plans: Sequence[SpeakerPlan],
    speech_dir: DataDir,
    speaker_of: Mapping[str, str],
    category_of: Mapping[str, str],
    settings: MixSettings,
) -> dict[str, dict[str, str]]:
    """Who speaks in a mixture, what, at which level, in which noise, as lists of a data directory."""
    lists = {"utt2spk": {plan.id: plan.id for plan in plans}}
    lists["spk2utt"] = spk2utt_of(lists["utt2spk"])
    words = speech_dir.read("text", allow_empty_values=True) if speech_dir.has("text") else {}
    for number in range(settings.speakers):
        utterances = {plan.id: plan.utterances[number] for plan in plans}
        lists[f"utt2spk{number + 1}"] = {name: speaker_of[utterance] for name, utterance in utterances.items()}
        if words and settings.mode == "max":
            lists[f"text_spk{number + 1}"] = {
                name: words[utterance] for name, utterance in utterances.items() if utterance in words
            }
    lists["utt2levels"] = {plan.id: " ".join(f"{level:.3f}" for level in plan.levels) for plan in plans}
    if settings.snrs:
        lists["utt2noise"] = {plan.id: category_of[plan.noise] for plan in plans}
        lists["utt2noisefile"] = {plan.id: plan.noise for plan in plans}
        lists["utt2snr"] = {plan.id: f"{plan.snr_db:g}" for plan in plans}
    return lists
