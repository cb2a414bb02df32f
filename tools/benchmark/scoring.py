"""How long scoring and reporting take: score-wer as test sets grow, a report of twenty experiments, score-sep twice.

Usage: python tools/benchmark/scoring.py [--utterances 1000,10000,100000] [--mixtures 20]

Each command runs in a process of its own; seconds of the wall and of the CPU, and the largest memory, are those of it.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from nrsr.kaldi import WaveWriter, write_list
from nrsr.scoring import score_texts, write_table

WORDS = [f"word{number}" for number in range(5000)]
SPEAKERS, RECORDINGS, LENGTH = 500, 300, 10


def measured(*arguments: object) -> str:
    """Run a command of nrsr; seconds of wall and CPU, and memory."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "nrsr.commands.main", *map(str, arguments)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: failed")
    wall = time.perf_counter() - start
    return f"{wall:6.1f} s, CPU {usage.ru_utime + usage.ru_stime:6.1f} s, {usage.ru_maxrss / 1024:6.0f} MB"


def recognised(said: list[str], rng: random.Random, rate: float) -> list[str]:
    """Words with a third of `rate` of substitutions, deletions and insertions each."""
    heard = []
    for word in said:
        chance = rng.random() / rate
        if chance > 2 / 3:
            heard.append(word)
        if 1 / 3 < chance < 1:
            heard.append(rng.choice(WORDS))
    return heard


def texts(utterances: int, seed: int, rate: float = 0.1) -> tuple[dict[str, str], dict[str, str]]:
    """Reference and hypothesis of ten words each; ids begin with one of the speakers."""
    said_by, heard_by = random.Random(0), random.Random(seed)
    reference, hypothesis = {}, {}
    for number in range(utterances):
        name = f"s{number * SPEAKERS // utterances:03d}-{number:06d}"
        said = said_by.choices(WORDS, k=LENGTH)
        reference[name], hypothesis[name] = " ".join(said), " ".join(recognised(said, heard_by, rate))
    return reference, hypothesis


def labels(names: list[str]) -> dict[str, dict[str, str]]:
    """Speakers, ten noises, noise recordings and five SNRs."""
    numbered = list(enumerate(names))
    return {
        "spk": {name: name[:4] for name in names},
        "noise": {name: f"noise{number % 10}" for number, name in numbered},
        "noisefile": {name: f"recording{number % RECORDINGS}" for number, name in numbered},
        "snr": {name: str(5 * (number % 5) - 5) for number, name in numbered},
    }


def time_score_wer(utterances: int, work: Path) -> None:
    folder = work / f"words{utterances}"
    reference, hypothesis = texts(utterances, 1)
    write_list(folder / "text", reference)
    write_list(folder / "hyp", hypothesis)
    for label, values in labels(list(reference)).items():
        write_list(folder / f"utt2{label}", values)
    options = ("--data", folder, "--out", folder / "score")
    print(f"score-wer, {utterances:7d} utterances: {measured('score-wer', *options, folder / 'text', folder / 'hyp')}")


def time_report(work: Path) -> None:
    exp = work / "exp"
    for number in range(20):
        for name in ("test_clean", "test_seen", "test_unseen"):
            reference, hypothesis = texts(1200, number, 0.1 + 0.01 * (number // 4))
            known = labels(list(reference)) if name != "test_clean" else {}
            run = f"system{number // 4}_seed{number % 4}"
            write_table(score_texts(reference, hypothesis, known), exp / run / f"decode_{name}/score/scores.tsv")
    print(f"report, 20 experiments, 3 sets:     {measured('report', '--exp', exp, '--baseline', 'system0')}")


def time_score_sep(mixtures: int, work: Path) -> None:
    rng = np.random.default_rng(0)
    for folder, parts in {"data": ("wav", "spk1", "spk2"), "a": ("spk1", "spk2"), "b": ("spk1", "spk2")}.items():
        for part in parts:
            with WaveWriter(work / folder / f"{part}.ark", work / folder / f"{part}.scp", 8000) as writer:
                for number in range(mixtures):
                    level = 0.1 * (1 + np.sin(np.arange(32000) / 900 + rng.uniform(0, 6)))
                    writer[f"m{number:04d}"] = (level * rng.uniform(-1, 1, 32000)).astype(np.float32)
        write_list(work / folder / "utt2spk", {f"m{number:04d}": "m" for number in range(mixtures)})
    for system, which in (("a", "the first system"), ("b", "the second")):
        spent = measured("score-sep", "--data", work / "data", "--estimates", work / system)
        print(f"score-sep, {mixtures} mixtures of 4 s, {which + ':':17s} {spent}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", default="1000,10000,100000")
    parser.add_argument("--mixtures", type=int, default=20)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        for utterances in args.utterances.split(","):
            time_score_wer(int(utterances), Path(work))
        time_report(Path(work))
        time_score_sep(args.mixtures, Path(work))


if __name__ == "__main__":
    main()
