"""Mix utterances of different speakers, with noise or without, and keep each speaker's signal and words in parallel.

Example:
    nrsr mix-speakers --speech data/train_clean --noise data/noise_train --snr 0,5,10 --count 3000 --out data/train_2mix
    nrsr mix-speakers --speech data/test_clean --speakers 3 --levels 0,0 --out data/test_3mix

OUT becomes a data directory with wav.scp (mixtures), spk1.scp, spk2.scp, ... and noise1.scp (what they are the sum of),
text_spk1, ... (words), utt2spk1, ... (speakers), utt2levels, utt2noise, utt2noisefile and utt2snr. Which utterances
meet depends on --seed and the list of utterances; levels, places and noise of a mixture on --seed and its id alone, so
every system gets the same mixtures. What would clip is lowered, all parts alike.
"""

import argparse
import sys

from nrsr.arguments import add_channel, seed_number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Speech, noise, numbers of speakers and mixtures, and how levels and lengths are chosen."""
    parser.add_argument("--speech", required=True, metavar="DATA", help="data directory of clean speech")
    parser.add_argument("--noise", metavar="DATA", help="data directory of noises, with utt2noise")
    parser.add_argument("--snr", type=decibels, default=(), metavar="DB,...", help="SNRs, used in turn")
    parser.add_argument("--speakers", type=int, default=2, metavar="N", help="speakers in each mixture (2)")
    parser.add_argument("--count", type=int, metavar="N", help="mixtures (as many as use each utterance about once)")
    parser.add_argument(
        "--levels", type=two_decibels, default=(-2.5, 2.5), metavar="LOW,HIGH",
        help="level of further speakers relative to the first, dB (-2.5,2.5)",
    )  # fmt: skip
    parser.add_argument("--mode", choices=("max", "min"), default="max", help="whole utterances, or cut (max)")
    parser.add_argument("--active", action="store_true", help="power of the speech over its active samples only")
    parser.add_argument("--seed", type=seed_number, default=0, help="seed of all random choices (0)")
    add_channel(parser)
    parser.add_argument("--allow-pipes", action="store_true", help="run the commands that wav.scp may hold")
    parser.add_argument("--out", required=True, metavar="DATA", help="data directory to make")


def decibels(text: str) -> tuple[float, ...]:
    """Numbers separated by commas."""
    return tuple(float(part) for part in text.split(","))


def two_decibels(text: str) -> tuple[float, float]:
    """Two numbers separated by a comma."""
    low, high = decibels(text)
    return low, high


def run(args: argparse.Namespace) -> None:
    """Write mixtures of several speakers with their sources and noise."""
    from nrsr.datadirs.mix_speakers import MixSettings, mix_speakers

    names = ("speakers", "count", "levels", "mode", "active", "seed")
    settings = MixSettings(**{name: getattr(args, name) for name in names}, snrs=args.snr)
    options = {"channel": args.channel, "allow_pipes": args.allow_pipes}
    summary = mix_speakers(args.speech, args.out, settings, args.noise, **options)
    print(f"nrsr mix-speakers: {args.out}: {summary}", file=sys.stderr)
