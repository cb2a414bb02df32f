"""Making a noisy data directory, with parallel clean speech, of a clean one and a directory of noises."""

import functools
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nrsr.folders import making
from nrsr.kaldi.contents import label_lists, remove_other_lists, spk2utt_of
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lists import write_list
from nrsr.kaldi.tables import WaveWriter
from nrsr.kaldi.waves import Waves
from nrsr.progress import track
from nrsr.signal.mixing import MixingError, mix

KEPT_NOISES = 32  # recordings held in memory


@dataclass(frozen=True)
class Plan:
    """What one mixture is made of."""

    utterance: str  # of the clean directory
    noise: str
    snr_db: float
    seed: int  # of the place in the noise


@dataclass
class Summary:
    """What was done, for the user."""

    mixtures: int
    lowered: int  # by the common gain
    noises: int
    resampled: int  # noises at another rate than the speech
    rate: int
    active: bool

    def __str__(self) -> str:
        power = "speech-active samples" if self.active else "all samples"
        noises = f"{self.noises} noises"
        if self.resampled:
            noises += f" ({self.resampled} of them resampled to {self.rate} Hz)"
        return (
            f"{self.mixtures} mixtures with {noises}; SNR: power of the speech over {power}, of the noise over "
            f"the whole stretch added; {self.lowered} lowered by a common gain against clipping"
        )


def seed_of(seed: int, name: str) -> int:
    """A seed that depends on nothing but a number and a name."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:8], "big")


def plan_mixtures(
    utterances: Sequence[str], noises: Sequence[str], snrs: Sequence[float], seed: int, copies: int
) -> dict[str, Plan]:
    """Mixture id -> plan. Ids are the utterances', with -c1, -c2, ... where there are several copies.

    SNRs go round over the utterances in an order drawn from `seed` and the ids, so that each is used equally often. In
    corpora where each speaker says the same in the same order, they would otherwise depend on what is said: in the
    order of ids in a set, and with one drawn from `seed` alone in the sets of all folds. Noises are drawn from `seed`
    and the mixture's id alone.
    """
    plans = {}
    order = np.random.default_rng(seed_of(seed, " ".join(utterances))).permutation(len(utterances))
    for index, utterance in zip(order, utterances, strict=True):
        for copy in range(copies):
            name = utterance if copies == 1 else f"{utterance}-c{copy + 1}"
            rng = np.random.default_rng(seed_of(seed, name))
            noise = noises[rng.integers(len(noises))]
            plans[name] = Plan(utterance, noise, snrs[(index + copy) % len(snrs)], int(rng.integers(2**63)))
    return plans


def mix_directory(
    speech: str | Path,
    noise: str | Path,
    out: str | Path,
    snrs: Sequence[float],
    *,
    active: bool = False,
    seed: int = 0,
    copies: int = 1,
    channel: int | None = None,
    allow_pipes: bool = False,
) -> Summary:
    """Write OUT with mixtures (wav.scp), their clean parts (spk1.scp), and the lists of the speech and the noise.

    The clean parts have the common gain of the mixture, so mixture - clean is the noise up to rounding to 16 bits.
    Noise is resampled to the rate of the speech.

    Args:
        speech: data directory with wav.scp and utt2spk; text goes along.
        noise: data directory with wav.scp and utt2noise (noise -> category).
        snrs: in dB.
        active: take the speech's power over its active samples.
        copies: mixtures of each utterance.
        channel: of recordings that have several, counted from 0, in speech and noise.

    Raises:
        MixingError: options that make no sense, a noise without category, speech or noise that cannot be mixed.
        ListError, DataDirError, AudioError: broken input.
    """
    snrs = [float(snr) for snr in snrs]
    if not snrs or not all(map(math.isfinite, snrs)) or copies < 1:
        raise MixingError(f"SNRs {snrs}, {copies} copies: give at least one finite SNR and one copy")
    clean_dir, noise_dir, out = DataDir(speech, channel=channel), DataDir(noise, channel=channel), Path(out)
    if out.resolve() in (clean_dir.path.resolve(), noise_dir.path.resolve()):
        raise MixingError(f"{out}: would overwrite what it is made of; give another --out")
    speaker_of, category_of = clean_dir.read("utt2spk"), noise_dir.read("utt2noise")
    rate = clean_dir.waves(allow_pipes=allow_pipes).rate()  # of the first recording; reading with it refuses others
    waves = clean_dir.all_waves(rate=rate, allow_pipes=allow_pipes)
    noises = noise_dir.waves(rate=rate, resample=True, allow_pipes=allow_pipes)
    refuse_missing(clean_dir.path / "utt2spk", list(waves), speaker_of)
    refuse_missing(noise_dir.path / "utt2noise", list(noises), category_of)
    if not len(noises):
        raise MixingError(f"{noise_dir.path}/wav.scp: lists no noise; add some")
    plans = plan_mixtures(list(waves), list(noises), snrs, seed, copies)
    with making(out, "nrsr mix"):
        samples, lowered = write_mixtures(out, plans, waves, noises, rate, active)
        write_lists(out, plans, clean_dir, speaker_of, category_of, {name: n / rate for name, n in samples.items()})
    return Summary(len(plans), lowered, len(noises), count_resampled(noises, rate), rate, active)


def count_resampled(noises: Waves, rate: int) -> int:
    """How many recordings have another rate."""
    return sum(noises.info(noise)[1] != rate for noise in noises)


def refuse_missing(path: Path, wanted: Sequence[str], entries: Mapping[str, object]) -> None:
    """Refuse a list that lacks ids."""
    missing = [name for name in wanted if name not in entries]
    if missing:
        some = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        raise MixingError(f"{path}: lacks {len(missing)} ids ({some}); add them, or run nrsr fix-data {path.parent}")


def write_mixtures(
    out: Path, plans: dict[str, Plan], waves: Mapping, noises: Mapping, rate: int, active: bool
) -> tuple[dict[str, int], int]:
    """Write both wav arks; returns the samples of each mixture and how many a common gain lowered."""
    noise_of = functools.lru_cache(KEPT_NOISES)(noises.__getitem__)
    samples, lowered = {}, 0
    with (
        WaveWriter(out / "clean.ark", out / "spk1.scp", rate) as clean_writer,
        WaveWriter(out / "wav.ark", out / "wav.scp", rate) as writer,
    ):
        for name, plan in track(plans.items(), f"mixing {out}", total=len(plans)):
            speech, rng = waves[plan.utterance], np.random.default_rng(plan.seed)
            try:
                mixture, clean, _ = mix(speech, noise_of(plan.noise), plan.snr_db, rng, active=active)
            except MixingError as error:
                raise MixingError(f"utterance {plan.utterance} with noise {plan.noise}: {error}") from None
            writer[name], clean_writer[name] = mixture, clean
            samples[name] = len(mixture)
            lowered += not np.array_equal(clean, speech)
    return samples, lowered


def write_lists(
    out: Path,
    plans: dict[str, Plan],
    clean_dir: DataDir,
    speaker_of: dict[str, str],
    category_of: dict[str, str],
    seconds: dict[str, float],
) -> None:
    """Write text (where the speech has it), utt2spk, spk2utt, utt2dur, labels, and what was added to each mixture."""
    lists = {
        "utt2noise": {name: category_of[plan.noise] for name, plan in plans.items()},
        "utt2noisefile": {name: plan.noise for name, plan in plans.items()},
        "utt2snr": {name: f"{plan.snr_db:g}" for name, plan in plans.items()},
        "utt2dur": {name: f"{duration:.6f}" for name, duration in seconds.items()},
    }
    if clean_dir.has("text"):
        words = clean_dir.read("text", allow_empty_values=True)
        lists["text"] = {name: words[plan.utterance] for name, plan in plans.items() if plan.utterance in words}
    lists["utt2spk"] = {name: speaker_of[plan.utterance] for name, plan in plans.items()}
    lists["spk2utt"] = spk2utt_of(lists["utt2spk"])
    for name in label_lists(clean_dir.path):
        values = clean_dir.read(name)
        of_speakers = name.startswith("spk2")
        lists[name] = values if of_speakers else {
            mixture: values[plan.utterance] for mixture, plan in plans.items() if plan.utterance in values
        }  # fmt: skip
    if copied := {name: plan.utterance for name, plan in plans.items() if name != plan.utterance}:
        lists["utt2uniq"] = copied | lists.get("utt2uniq", {})
    for name, entries in lists.items():
        write_list(out / name, entries)
    remove_other_lists(out, {"wav.scp", "spk1.scp", *lists})
