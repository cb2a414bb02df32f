"""Draw the spectrograms of an utterance in several data directories, one below the other.

Example:
    nrsr spectrograms --out samples.png original=data/test melgan=exp/melgan_seed1/vocode_test
    nrsr spectrograms --utterance theo-test-0007 --out samples.pdf noisy=data/test_seen enhanced=exp/a/enhance_test_seen

Each DIR holds the utterance in its wav.scp; without --utterance the first that all of them have is drawn. All panels
have the colours of the first, 80 dB from its loudest point down.
"""

import argparse
from pathlib import Path

from nrsr.errors import NrsrError


class SpectrogramError(NrsrError):
    """Data directories that have no utterance in common, or no such one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The data directories by name, the utterance, and the figure."""
    parser.add_argument("data", nargs="+", metavar="NAME=DIR", help="title of a panel, and its data directory")
    parser.add_argument("--utterance", metavar="ID", help="the first that all directories have")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="figure: png, pdf or svg")


def run(args: argparse.Namespace) -> None:
    """Write the figure, and print which utterance it shows."""
    from nrsr.kaldi import DataDir
    from nrsr.reporting.spectrogram_figure import draw_spectrograms

    folders = {}
    for entry in args.data:
        name, equals, folder = entry.partition("=")
        if not equals or not folder or name in folders:
            raise SpectrogramError(f"{entry}: give NAME=DIR, each name once")
        folders[name] = DataDir(folder).waves()
    first, *rest = folders.values()
    rate = first.rate()
    common = [utterance for utterance in first if all(utterance in waves for waves in rest)]
    if not common or args.utterance not in (None, *common):
        wanted = f"utterance {args.utterance}" if args.utterance else "common utterance"
        raise SpectrogramError(f"{' '.join(args.data)}: no {wanted}; name directories of the same set")
    utterance = args.utterance or common[0]
    if odd := [name for name, waves in folders.items() if waves.info(utterance)[1] != rate]:
        raise SpectrogramError(f"{odd[0]}: has another rate than the first, {rate} Hz; resample it")
    draw_spectrograms({name: waves[utterance] for name, waves in folders.items()}, rate, args.out)
    print(f"{args.out}: {utterance}")
