"""Simulate rooms, and write their impulse responses for reverberation on the fly.

Example:
    nrsr simulate-rirs --count 1000 --rate 16000 --rt60 0.2,0.6 --nj 4 --out data/rirs

OUT gets rir.scp with a wav ark, rir2rt60 (seconds) and rir2room (length, width, height and distance between mouth and
microphone, in metres). A config names the list in data.augment:
    - {class: nrsr.data.augmentation.Reverberate, rirs: ../rirs/rir.scp, probability: 0.5, clean: early}
Rooms are rectangular, with equal absorption of all walls (image method; pip install pyroomacoustics). A second of
reverberation takes some seconds of computing.
"""

import argparse
import sys

from nrsr.arguments import seed_number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The number of rooms, the bounds of what is drawn for each, and the folder to write."""
    parser.add_argument("--count", type=int, required=True, metavar="N", help="number of rooms")
    parser.add_argument("--rate", type=int, required=True, metavar="HZ", help="samples a second")
    for name, default, what in (
        ("rt60", "0.2,0.6", "reverberation time in seconds"),
        ("size", "3,8", "length and width in metres"),
        ("height", "2.5,4", "in metres"),
        ("distance", "0.5,3", "between mouth and microphone in metres"),
    ):
        parser.add_argument(
            f"--{name}", type=bounds, default=bounds(default), metavar="LOW,HIGH", help=f"{what} ({default})"
        )
    parser.add_argument("--seed", type=seed_number, default=0, help="seed of the rooms (0)")
    parser.add_argument("--nj", type=int, default=1, metavar="N", help="processes (1)")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to make")


def bounds(text: str) -> tuple[float, float]:
    """Two numbers separated by a comma."""
    low, high = (float(part) for part in text.split(","))
    return low, high


def run(args: argparse.Namespace) -> None:
    """Draw rooms and write their impulse responses with reverberation times."""
    from nrsr.datadirs.simulate_rirs import RoomSettings, simulate_rirs

    settings = RoomSettings(args.rate, args.rt60, args.size, args.height, args.distance)
    simulate_rirs(args.out, args.count, settings, seed=args.seed, nj=args.nj)
    print(f"nrsr simulate-rirs: {args.out}/rir.scp: {args.count} rooms", file=sys.stderr)
