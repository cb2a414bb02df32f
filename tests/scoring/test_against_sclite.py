"""Counts beside those of sclite (SCTK): committed ones, and live ones where the program is installed."""

import random
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from nrsr.kaldi.lists import read_list
from nrsr.scoring import ScoreTable, score_texts

GOLDEN = Path(__file__).parent / "golden"
WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "oh",
    "stop",
    "go",
    "on",
    "off",
]
SCORES = re.compile(r"^id: \((\S+)\)\n(?:.*\n)*?Scores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)$", re.MULTILINE)


def corrupted(words: list[str], rate: float, rng: random.Random) -> list[str]:
    """Words with substitutions, deletions and insertions, a third of `rate` each."""
    heard = []
    for word in words:
        chance = rng.random() / rate
        if chance > 1:
            heard.append(word)
        elif chance > 2 / 3:
            heard += [word, rng.choice(WORDS)]
        elif chance > 1 / 3:
            heard.append(rng.choice(WORDS))
    return heard


def drawn_texts(rate: float, utterances: int, seed: int) -> tuple[dict[str, str], dict[str, str]]:
    """Reference and hypothesis of up to 12 words an utterance; ids begin with the speaker."""
    rng = random.Random(seed)
    said = {f"spk{n % 4}-{n:04d}": [rng.choice(WORDS) for _ in range(rng.randint(0, 12))] for n in range(utterances)}
    heard = {utterance: corrupted(words, rate, rng) for utterance, words in said.items()}
    return {u: " ".join(words) for u, words in said.items()}, {u: " ".join(words) for u, words in heard.items()}


def sclite(reference: dict[str, str], hypothesis: dict[str, str], folder: Path) -> dict[str, tuple[int, ...]]:
    """utterance -> correct, substitutions, deletions, insertions."""
    for name, text in (("ref.trn", reference), ("hyp.trn", hypothesis)):
        (folder / name).write_text("".join(f"{words} ({utterance})\n" for utterance, words in text.items()))
    command = ["sctk", "sclite", "-r", "ref.trn", "trn", "-h", "hyp.trn", "trn", "-i", "rm", "-o", "pralign", "stdout"]
    output = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    return {match[1]: tuple(map(int, match.groups()[1:])) for match in SCORES.finditer(output)}


def errors_of(scores: ScoreTable) -> np.ndarray:
    return scores.counts("sub") + scores.counts("del") + scores.counts("ins")


def check(scores: ScoreTable, counts: dict[str, tuple[int, ...]]) -> None:
    """Words and errors are equal in each utterance; of as many errors, sclite takes the fewest substitutions."""
    assert counts.keys() == set(scores.utterances.tolist())
    columns = {name: scores.counts(name) for name in ("words", "sub", "del", "ins")}
    for number, utterance in enumerate(scores.utterances.tolist()):
        correct, substitutions, deletions, insertions = counts[utterance]
        assert columns["words"][number] == correct + substitutions + deletions
        assert errors_of(scores)[number] == substitutions + deletions + insertions
        assert columns["ins"][number] - columns["del"][number] == insertions - deletions
        assert columns["sub"][number] >= substitutions


def test_golden_counts():
    reference, hypothesis = (read_list(GOLDEN / name, allow_empty_values=True) for name in ("ref.txt", "hyp.txt"))
    lines = (line.split() for line in (GOLDEN / "sclite.txt").read_text().splitlines())
    counts = {utterance: tuple(map(int, rest)) for utterance, *rest in lines}
    scores = score_texts(reference, hypothesis, {"spk": {utterance: utterance[:4] for utterance in reference}})
    check(scores, counts)
    assert int(errors_of(scores).sum()) == sum(sum(rest[1:]) for rest in counts.values()) > 100
    for speaker in ("spk0", "spk1", "spk2", "spk3"):
        own = errors_of(scores)[scores.label("spk") == speaker]
        expected = [rest for utterance, rest in counts.items() if utterance.startswith(speaker)]
        assert own.sum() == sum(sum(rest[1:]) for rest in expected)


@pytest.mark.skipif(not shutil.which("sctk"), reason="sclite is not installed (Debian package sctk)")
@pytest.mark.parametrize(("rate", "seed"), [(0.03, 1), (0.15, 2), (0.45, 3)])
def test_live_counts(tmp_path, rate, seed):
    reference, hypothesis = drawn_texts(rate, 400, seed)
    check(score_texts(reference, hypothesis, {}), sclite(reference, hypothesis, tmp_path))


@pytest.mark.skipif(not shutil.which("sctk"), reason="sclite is not installed (Debian package sctk)")
def test_where_sclite_counts_more_errors(tmp_path):
    """Its weights (4 for a substitution, 3 for the others) may buy matches with an error more; ours are the fewest."""
    reference = {"a-1": "seven three one seven eight four eight"}
    hypothesis = {"a-1": "two eight nine four eight four"}
    assert sclite(reference, hypothesis, tmp_path) == {"a-1": (3, 1, 3, 2)}
    assert errors_of(score_texts(reference, hypothesis, {})).tolist() == [5]
