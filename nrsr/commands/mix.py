"""Add noise to clean speech at given SNRs, and keep the clean speech in parallel.

Example:
    nrsr mix --speech data/test_clean --noise data/noise_seen --snr -5,0,5,10,15 --active --out data/test_seen

OUT becomes a data directory with wav.scp (mixtures), spk1.scp (clean speech at the level it has in the mixture), text,
utt2spk, spk2utt, utt2dur, utt2noise (category), utt2noisefile and utt2snr, and the labels of the speech (utt2emotion,
spk2gender, ...); with --copies, utt2uniq names the original. The noise of a mixture depends on --seed and its id, and
its SNR on --seed and the ids of SPEECH, so every system gets the same mixtures. Noises shorter than the speech are
repeated, longer ones cropped at random. What would clip is lowered, mixture and clean speech alike.
"""

import argparse
import sys

from nrsr.arguments import add_channel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Speech, noise, SNRs, and how the noise is drawn."""
    parser.add_argument("--speech", required=True, metavar="DATA", help="data directory of clean speech")
    parser.add_argument("--noise", required=True, metavar="DATA", help="data directory of noises, with utt2noise")
    parser.add_argument("--snr", required=True, type=decibels, metavar="DB,...", help="SNRs, equally often")
    parser.add_argument("--active", action="store_true", help="power of the speech over its active samples only")
    parser.add_argument("--seed", type=int, default=0, help="seed of the choice of noises (0)")
    parser.add_argument("--copies", type=int, default=1, metavar="N", help="mixtures of each utterance (1)")
    add_channel(parser)
    parser.add_argument("--allow-pipes", action="store_true", help="run the commands that wav.scp may hold")
    parser.add_argument("--out", required=True, metavar="DATA", help="data directory to make")


def decibels(text: str) -> list[float]:
    """Numbers separated by commas."""
    return [float(part) for part in text.split(",")]


def run(args: argparse.Namespace) -> None:
    """Write noisy copies of the speech with noise at the given SNRs."""
    from nrsr.datadirs.mix import mix_directory

    options = {name: getattr(args, name) for name in ("active", "seed", "copies", "channel", "allow_pipes")}
    summary = mix_directory(args.speech, args.noise, args.out, args.snr, **options)
    print(f"nrsr mix: {args.out}: {summary}", file=sys.stderr)
