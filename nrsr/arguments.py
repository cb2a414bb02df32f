"""Command-line arguments that several commands have, and their types."""

import argparse
from pathlib import Path


def seed_number(text: str) -> int:
    """The seed of a random generator: a whole number from 0, as numpy takes."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0; take another")
    return int(text)


def channel_number(text: str) -> int:
    """A channel of a recording: a whole number from 0."""
    if not (text.isascii() and text.isdigit() and len(text) < 5):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0; take the number of a channel")
    return int(text)


def add_channel(parser: argparse.ArgumentParser) -> None:
    """Add the option --channel of commands that read audio."""
    parser.add_argument(
        "--channel",
        type=channel_number,
        metavar="N",
        help="channel of recordings with several, from 0; mono files are read as they are",
    )


def add_system_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --exp and --config, of which one is given: a trained experiment, or a system that needs no training."""
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--exp", type=Path, help="folder of a trained experiment")
    group.add_argument("--config", type=Path, metavar="YAML", help="config of a system that needs no training")


def add_running_arguments(parser: argparse.ArgumentParser, piece: float = 60.0, overlap: float = 10.0) -> None:
    """Add the options of commands that apply a trained system to a data directory."""
    parser.add_argument("--nj", type=int, default=1, metavar="N", help="worker processes of one thread each (1)")
    parser.add_argument("--batch-size", type=int, metavar="N", help="inputs in a batch (16)")
    add_piece_arguments(parser, piece, overlap)
    add_channel(parser)
    parser.add_argument("--allow-pipes", action="store_true", help="run commands in wav.scp")


def add_piece_arguments(parser: argparse.ArgumentParser, piece: float = 60.0, overlap: float = 10.0) -> None:
    """Add the options for cutting long recordings, and for the device."""
    parser.add_argument("--piece", type=float, default=piece, metavar="S", help=f"longest piece, seconds ({piece:g})")
    parser.add_argument(
        "--overlap", type=float, default=overlap, metavar="S", help=f"overlap of pieces, seconds ({overlap:g})"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where the network runs (cpu)")


def draws(text: str) -> int:
    """Number of bootstrap draws; fewer than 1,000 make a 95 % interval too inexact."""
    if not (text.isascii() and text.isdigit() and len(text) < 8 and int(text) >= 1000):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of draws; take at least 1000, of 7 digits at most")
    return int(text)


def names(text: str) -> list[str]:
    """A list separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
