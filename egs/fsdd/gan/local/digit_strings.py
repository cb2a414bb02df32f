"""Join generated digits into strings, with the lengths, gaps and margins of the corpus's strings.

Example:
    python local/digit_strings.py --digits exp/full/wavegan_labels_seed1/generate_words --count 1500 --out data/strings

What a digit has behind its last active frame is cut off: generators make words of one length, with silence behind.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nrsr.arguments import seed_number
from nrsr.corpora.datadirs import SAMPLE_RATE, Utterance, write_speech
from nrsr.corpora.digits import faint_noise, string_lengths
from nrsr.corpora.draws import deal, generator
from nrsr.corpora.fsdd import GAP, MARGIN
from nrsr.inference.generate import SPEAKER
from nrsr.kaldi import DataDir
from nrsr.signal.activity import active_samples


def spoken(wave: np.ndarray) -> np.ndarray:
    """A digit [T] up to its last active sample; as it is where it is silent."""
    active = np.flatnonzero(active_samples(wave))
    return wave[: active[-1] + 1] if len(active) else wave


def digit_strings(digits: DataDir, count: int, seed: int) -> Iterator[Utterance]:
    """`count` strings of 1 to 7 digits, each digit used about equally often."""
    words, waves = digits.read("text"), digits.waves(rate=SAMPLE_RATE)
    rng = generator(seed, "digit_strings")
    lengths, dealt = string_lengths(rng), deal(list(words), rng)
    for number in range(1, count + 1):
        chosen = [next(dealt) for _ in range(next(lengths))]
        pieces = [faint_noise(MARGIN, SAMPLE_RATE, rng)]
        for name in chosen:
            pieces += [spoken(waves[name]), faint_noise(GAP, SAMPLE_RATE, rng)]
        pieces[-1] = faint_noise(MARGIN, SAMPLE_RATE, rng)
        text = " ".join(words[name] for name in chosen)
        yield Utterance(f"{SPEAKER}-string-{number:04d}", SPEAKER, text, np.concatenate(pieces))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", required=True, metavar="DATA", help="data directory of nrsr generate, with text")
    parser.add_argument("--count", required=True, type=int, metavar="N", help="strings to make")
    parser.add_argument("--seed", type=seed_number, default=0)
    parser.add_argument("--out", required=True, type=Path, metavar="DATA", help="data directory to make")
    args = parser.parse_args()
    print(write_speech(args.out, digit_strings(DataDir(args.digits), args.count, args.seed)))


if __name__ == "__main__":
    main()
