"""Scored experiments of made-up words, and their pooling."""

import random
from pathlib import Path

from nrsr.scoring import experiments, find_metric, pooling, score_texts, write_table

SETS = ["test_clean", "test_seen"]
DIGITS = ["one", "two", "three", "four", "five"]
SNRS = ["-5", "0", "5", "10"]
UTTERANCES = [f"s{number % 3}-{number:03d}" for number in range(40)]


def write_run(folder: Path, name: str, fold: int, worse: float, sets=SETS, config: str | None = None) -> None:
    """One experiment: strings depend on nothing, noises on the fold, errors on the name."""
    strings, heard_by = random.Random(0), random.Random(name)
    said = {utterance: " ".join(strings.choices(DIGITS, k=strings.randint(1, 6))) for utterance in UTTERANCES}
    for test_set in sets:
        labels = {"spk": {utterance: utterance[:2] for utterance in said}}
        if test_set != "test_clean":
            noises = random.Random(fold)
            labels["noisefile"] = {utterance: f"n{fold}{noises.randrange(6)}" for utterance in said}
            labels["snr"] = {utterance: SNRS[number % 4] for number, utterance in enumerate(said)}
        heard = {
            utterance: " ".join("oh" if heard_by.random() < worse else word for word in text.split())
            for utterance, text in said.items()
        }
        write_table(score_texts(said, heard, labels), folder / name / f"decode_{test_set}/score/scores.tsv")
    (folder / name).mkdir(parents=True, exist_ok=True)
    if config:
        (folder / name / "config.yaml").write_text(config)


def find_runs(folder, sets):
    return experiments.find_runs(folder, sets, find_metric("wer"))


def pool_runs(runs, sets, baselines, primary=("-5", "0", "5"), draws=1000):
    return pooling.pool_runs(runs, sets, baselines, [find_metric("wer")], primary, draws)


def wer_of(pooled, test_set, system):
    return pooled["sets"][test_set]["systems"][system]["wer"]


def only(pooled, test_set, system):
    """The system's one comparison on a test set."""
    (found,) = [one for one in pooled["sets"][test_set]["comparisons"] if one["system"] == system]
    return found
