"""Make a data directory of the single speakers of mixtures, to recognise the words of each.

Example:
    nrsr split-speakers --data data/test --estimates exp/a/separate_test --out exp/a/speakers_test
    nrsr decode --exp exp/recogniser --data exp/a/speakers_test --out exp/a/decode_test
    nrsr score-wer --data exp/a/speakers_test exp/a/speakers_test/text exp/a/decode_test/text

Each speaker gets the estimate that nrsr score-sep has chosen for it, by the permutation with the best SI-SNR. Without
--estimates the audio is the speaker alone, and with --mixture the mixture itself.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The mixtures, where the audio of each speaker comes from, and the directory to write."""
    parser.add_argument("--data", required=True, help="data directory of mixtures, with text_spk1, text_spk2, ...")
    audio = parser.add_mutually_exclusive_group()
    audio.add_argument("--estimates", type=Path, metavar="DIR", help="folder of nrsr separate, scored into DIR/score")
    audio.add_argument("--mixture", action="store_true", help="take the mixture for each speaker")
    parser.add_argument("--out", required=True, type=Path, metavar="DATA", help="data directory to make")


def run(args: argparse.Namespace) -> None:
    """Write a data directory with one utterance for each speaker of each mixture."""
    from nrsr.kaldi import DataDir
    from nrsr.scoring.speaker_data import write_speakers

    print(write_speakers(DataDir(args.data), args.out, estimates=args.estimates, mixture=args.mixture))
