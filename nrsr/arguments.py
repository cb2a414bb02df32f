"""Types of command-line arguments that several commands have."""

import argparse


def seed_number(text: str) -> int:
    """The seed of a random generator: a whole number from 0, as numpy takes."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0; take another")
    return int(text)
