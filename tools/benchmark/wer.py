"""How fast words are aligned and counted, beside jiwer: 100,000 words in 5,000 utterances, one thread.

Usage: python tools/benchmark/wer.py [--words 100000] [--rate 0.1]
"""

import argparse
import random
import time
from collections.abc import Callable

import jiwer

from nrsr.scoring import find_metric, score_texts, summarise

LENGTH = 20  # words in an utterance
REPEATS = 3


def texts(words: int, rate: float) -> tuple[dict[str, str], dict[str, str]]:
    """References from a vocabulary of 5,000 words, and hypotheses with a third of `rate` of each kind of error."""
    rng = random.Random(0)
    vocabulary = [f"word{number}" for number in range(5000)]
    reference, hypothesis = {}, {}
    for number in range(words // LENGTH):
        said = rng.choices(vocabulary, k=LENGTH)
        heard = []
        for word in said:
            chance = rng.random() / rate
            if chance > 2 / 3:
                heard.append(word)
            if 1 / 3 < chance < 1:
                heard.append(rng.choice(vocabulary))
        reference[f"u{number:06d}"], hypothesis[f"u{number:06d}"] = " ".join(said), " ".join(heard)
    return reference, hypothesis


def best_time(work: Callable) -> tuple[float, object]:
    """Shortest of some runs in seconds, and what the work gave."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return min(times), result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=0.1)
    args = parser.parse_args()
    reference, hypothesis = texts(args.words, args.rate)
    said, heard = list(reference.values()), list(hypothesis.values())

    seconds, scores = best_time(lambda: score_texts(reference, hypothesis, {}))
    word_seconds, words = best_time(lambda: jiwer.process_words(said, heard))
    character_seconds, characters = best_time(lambda: jiwer.process_characters(said, heard))
    bootstrap_seconds, _ = best_time(lambda: summarise(scores, [find_metric("wer"), find_metric("cer")]))

    theirs = words.substitutions, words.deletions, words.insertions
    ours = tuple(int(scores.counts(name).sum()) for name in ("sub", "del", "ins"))
    print(f"S, D, I: nrsr {ours}, jiwer {theirs}")
    their_characters = characters.substitutions + characters.deletions + characters.insertions
    print(f"character errors: nrsr {int(scores.counts('char_errors').sum())}, jiwer {their_characters}")
    both = word_seconds + character_seconds
    print(f"nrsr, words and characters: {args.words / seconds / 1e6:.2f} million words a second")
    print(
        f"jiwer, words:               {args.words / word_seconds / 1e6:.2f}  (nrsr {word_seconds / seconds:.1f} times)"
    )
    print(f"jiwer, words, characters:   {args.words / both / 1e6:.2f}  (nrsr {both / seconds:.1f} times)")
    print(f"2,000 bootstrap draws over {len(said)} utterances: {bootstrap_seconds:.2f} s")


if __name__ == "__main__":
    main()
