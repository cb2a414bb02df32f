"""Speed perturbation: copies of a data directory that are spoken faster and slower (Ko et al., Interspeech 2015)."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from nrsr.datadirs.combine import join
from nrsr.folders import making
from nrsr.kaldi.contents import AUDIO_SCP, Contents
from nrsr.kaldi.datadir import DataDir, DataDirError
from nrsr.kaldi.tables import WaveWriter
from nrsr.progress import track
from nrsr.signal.speed import change_speed

# What is made from the audio and must be made anew; recordings become utterances.
DERIVED = ("feats.scp", "vad.scp", "ali.scp", "cmvn.scp", "utt2num_frames", "utt2audio", "utt2dur", "segments")


def perturb_speed(
    path: str | Path,
    out: str | Path,
    factors: Sequence[float] = (0.9, 1.0, 1.1),
    *,
    rate: int | None = None,
    channel: int | None = None,
    allow_pipes: bool = False,
) -> list[str]:
    """Write a directory with one copy of each utterance per factor.

    Copies at 1.0 keep their ids, and their audio unless a channel is chosen; others are `sp0.9-utterance` of
    speaker `sp0.9-speaker`, with audio in OUT/wav.ark, and parallel audio (spk1.scp, ...) changed alike in
    OUT/spk1.ark. Where a copy would go beyond ±1, it and its parallel audio are scaled by one gain.
    utt2uniq names the original utterance, or that which utt2uniq of the original names, as in Kaldi.

    Args:
        rate, channel, allow_pipes: as audio.read_audio.

    Returns:
        Notes of lists that are left out.

    Raises:
        DataDirError: a factor that is not positive or appears twice, or utterances without audio in wav.scp.
        AudioError: audio that cannot be read.
    """
    if not factors or len(set(factors)) != len(factors) or not all(0.1 <= factor <= 10 for factor in factors):
        raise DataDirError(f"{out}: speeds {list(factors)} are not different numbers from 0.1 to 10; correct them")
    if Path(path).resolve() == Path(out).resolve():
        raise DataDirError(f"{out}: is the directory to be perturbed; choose another folder to write to")
    contents, data = Contents.load(path), DataDir(path, channel=channel)
    if "wav.scp" not in contents.lists:
        raise DataDirError(f"{path}: has no wav.scp, so there is no audio to change; run the stage that makes it")
    options = {"rate": rate, "allow_pipes": allow_pipes}
    options["rate"] = data.all_waves(**options).rate()
    written = [factor for factor in factors if factor != 1.0 or channel is not None]
    with making(out, "nrsr perturb-speed"):
        scps, seconds = write_audio(data, contents, Path(out), written, options) if written else ({}, {})
        directories = [(f"{path} at speed {factor:g}", renamed(contents, factor, scps, seconds)) for factor in written]
        if 1.0 in factors and channel is None:
            directories.append((str(path), original(contents, data.durations(rate=rate, allow_pipes=allow_pipes))))
        joined, notes = join(directories)
        joined.write(out)
    return [f"{out}: {note}" for note in notes]


def prefix_of(factor: float) -> str:
    """Prefix of the ids at a speed, as Kaldi has it: sp0.9-, and none at 1.0."""
    return "" if factor == 1.0 else f"sp{factor:g}-"


def audio_scps(contents: Contents) -> list[str]:
    """Names of the lists of audio: wav.scp, and those of parallel sources and noise."""
    return [name for name in contents.lists if name == "wav.scp" or AUDIO_SCP.fullmatch(name)]


def original(contents: Contents, seconds: dict[str, float]) -> Contents:
    """The utterances at their own speed, without what is made anew for all."""
    copy = contents.select(seconds)
    for name in set(DERIVED) - {"segments"}:
        copy.lists.pop(name, None)
    copy.add("utt2dur", "utterance", {key: f"{value:.4f}" for key, value in seconds.items()})
    copy.add("utt2uniq", "utterance", {key: key for key in copy.utterances} | copy.lists.get("utt2uniq", {}))
    return copy


def write_audio(
    data: DataDir, contents: Contents, out: Path, factors: list[float], options: dict
) -> tuple[dict[str, dict[str, str]], dict[str, float]]:
    """Write OUT/wav.ark, OUT/spk1.ark, ... with all changed copies; returns their scps and seconds by new id."""
    rate = options["rate"]
    sources = {name: data.waves(name, **options) for name in audio_scps(contents)}
    seconds = {}
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(WaveWriter(out / f"{Path(name).stem}.ark", None, rate)) for name in sources
        }
        for utterance in track(sources["wav.scp"], f"speed perturbation of {data.path}"):
            waves = {name: source[utterance] for name, source in sources.items() if utterance in source}
            for factor in factors:
                copies = {name: change_speed(wave, rate, factor) for name, wave in waves.items()}
                peak = max(float(np.abs(copy).max(initial=0.0)) for copy in copies.values())
                gain = 0.9999 / peak if peak > 1.0 else 1.0
                for name, copy in copies.items():
                    writers[name][prefix_of(factor) + utterance] = copy * np.float32(gain)
                seconds[prefix_of(factor) + utterance] = len(copies["wav.scp"]) / rate
    return {name: writer.entries for name, writer in writers.items()}, seconds


def renamed(contents: Contents, factor: float, scps: dict[str, dict[str, str]], seconds: dict[str, float]) -> Contents:
    """The lists of a changed copy under its new ids, with the audio of write_audio."""
    prefix = prefix_of(factor)
    originals = {prefix + utterance: utterance for utterance in contents.utterances if prefix + utterance in seconds}
    copy = Contents(list(originals), {}, {}, list(contents.extra))
    for name, entries in contents.select(originals.values()).lists.items():
        if name not in DERIVED and name not in scps and contents.kinds[name] != "recording":
            values = {prefix + key: (prefix + value if name == "utt2spk" else value) for key, value in entries.items()}
            copy.add(name, contents.kinds[name], values)
    for name, entries in scps.items():
        copy.add(name, "utterance", {key: entries[key] for key in originals if key in entries})
    copy.add("utt2dur", "utterance", {key: f"{seconds[key]:.4f}" for key in originals})
    given = contents.lists.get("utt2uniq", {})
    copy.add("utt2uniq", "utterance", {key: given.get(utterance, utterance) for key, utterance in originals.items()})
    return copy
