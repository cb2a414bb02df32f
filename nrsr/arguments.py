"""Types of command-line arguments that several commands have."""

import argparse


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
    """The option --channel of commands that read audio."""
    parser.add_argument(
        "--channel", type=channel_number, metavar="N", help="of recordings with several, counted from 0"
    )
