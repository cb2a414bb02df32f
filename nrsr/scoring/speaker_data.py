"""Mixtures taken apart: a data directory of single speakers, which a recogniser decodes and score-wer scores."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nrsr.folders import making
from nrsr.kaldi import DataDir
from nrsr.kaldi.contents import spk2utt_of, write_lists
from nrsr.scoring.labels import ScoringError
from nrsr.scoring.table import read_table

CHOICES = "score/scores.tsv"
# Lists of a mixture that hold for each of its speakers.
COPIED = ("utt2noise", "utt2noisefile", "utt2snr")


def write_speakers(data: DataDir, out: Path, *, estimates: Path | None = None, mixture: bool = False) -> str:
    """Write a data directory with an utterance <speaker>-<mixture>-<number> for each speaker of each mixture.

    Its audio is the estimate that score-sep has chosen for the speaker, that of the permutation with the best SI-SNR;
    without `estimates` the speaker alone as in the mixture, or with `mixture` the mixture as it is: the best and the
    worst that separation can do for a recogniser. utt2uniq has its mixture, so that a bootstrap draws the speakers of a
    mixture together.

    Args:
        data: mixtures, with text_spk1, text_spk2, ...
        estimates: folder of nrsr separate, with what nrsr score-sep wrote in score/.

    Returns:
        a line that says what was done.

    Raises:
        ScoringError: no transcripts, or mixtures that were not scored or not separated.
    """
    count = 0
    while data.has(f"text_spk{count + 1}"):
        count += 1
    if not count:
        raise ScoringError(
            f"{data.path}: no text_spk1; WER needs the transcript of each speaker (mix-speakers --mode max)"
        )
    chosen = read_choices(estimates / CHOICES) if estimates else {}
    lists: dict[str, dict[str, str]] = {name: {} for name in ("wav.scp", "text", "utt2spk", "utt2uniq")}
    copied = {name: data.read(name) for name in COPIED if data.has(name)}
    labels: dict[str, dict[str, str]] = {name: {} for name in copied}
    for number in range(1, count + 1):
        texts = data.read(f"text_spk{number}")
        speakers = data.read(f"utt2spk{number}") if data.has(f"utt2spk{number}") else {}
        audio = _audio_of(data, number, estimates, chosen, mixture)
        for name in data.utterances:
            if name not in texts or name not in audio:
                lacking = f"text_spk{number}" if name not in texts else "what was separated and scored"
                raise ScoringError(f"{data.path}: {name} is not in {lacking}; score and separate the same directory")
            speaker = speakers.get(name, name)
            utterance = f"{speaker}-{name}-{number}"
            entries = {"wav.scp": audio[name], "text": texts[name], "utt2spk": speaker, "utt2uniq": name}
            for key, value in entries.items():
                lists[key][utterance] = value
            for key, values in copied.items():
                if name in values:
                    labels[key][utterance] = values[name]
    lists["spk2utt"] = spk2utt_of(lists["utt2spk"])
    with making(out, "nrsr split-speakers"):
        write_lists(out, {**lists, **labels})
    return f"{out}: {len(lists['text'])} utterances of the speakers of {len(data.utterances)} mixtures"


def read_choices(path: Path) -> dict[tuple[str, int], int]:
    """(mixture, source) -> estimate, numbers from 1, of the scores.tsv of score-sep.

    Raises:
        ScoringError: no such file, or a row without a number.
        ScoreFileError: a damaged file, or one that does not say which estimate was taken.
    """
    if not path.is_file():
        raise ScoringError(f"{path}: no such file; run nrsr score-sep with --out {path.parent}")
    table = read_table(path)
    columns = [table.counts(name) for name in ("source", "estimate")]
    if np.isnan(columns).any():
        raise ScoringError(f"{path}: lacks the source or estimate of some row; score the set again")
    sources, estimates = (column.astype(int).tolist() for column in columns)
    return dict(zip(zip(table.columns["utt"].tolist(), sources, strict=True), estimates, strict=True))


def _audio_of(
    data: DataDir, number: int, estimates: Path | None, chosen: Mapping[tuple[str, int], int], mixture: bool
) -> dict[str, str]:
    """The audio of one speaker of each mixture, as wav.scp names it."""
    if mixture:
        return data.read("wav.scp")
    if estimates is None:
        return data.read(f"spk{number}.scp")
    separated = DataDir(estimates)
    scps = {estimate: separated.read(f"spk{estimate}.scp") for estimate in set(chosen.values())}
    entries = {name: scps[chosen[name, number]] for name in data.utterances if (name, number) in chosen}
    return {name: scp[name] for name, scp in entries.items() if name in scp}
