"""Turn a corpus on disk into Kaldi data directories.

Example:
    nrsr prepare mini --out data --size tiny
    nrsr prepare chime4 --corpus-dir CHiME4 --out data
    nrsr prepare aurora4 --corpus-dir AURORA4 --wsj0-dir WSJ0 --out data
    nrsr prepare rats --prepared-dir kaldi_rats/data --out data
    nrsr prepare iemocap --corpus-dir IEMOCAP_full_release --noise-dir downloads/nonspeech --fold 5 --out data
    nrsr prepare ljspeech --corpus-dir downloads/LJSpeech-1.1 --out data
    nrsr prepare voicebank --corpus-dir DS_10283_2791 --out data
    nrsr prepare librimix --corpus-dir LibriMix --speakers 3 --out data
    nrsr prepare emodb --corpus-dir downloads/emodb --noise-dir downloads/nonspeech --rate 16000 --out data
    nrsr prepare ravdess --corpus-dir downloads/ravdess --noise-dir downloads/nonspeech --fold 0 --out data
    nrsr prepare fsdd --corpus-dir downloads/free-spoken-digit-dataset --noise-dir downloads/nonspeech --out data
"""

import argparse
import importlib
import sys
from pathlib import Path

from nrsr.corpora import CORPORA
from nrsr.folders import making


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One sub-command for each corpus, with the arguments of its module."""
    corpora = parser.add_subparsers(dest="corpus", required=True, metavar="CORPUS", title="corpora")
    for name, path in CORPORA.items():
        module = importlib.import_module(path)
        summary = module.__doc__.splitlines()[0]
        corpus = corpora.add_parser(
            name,
            help=summary,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        # SUPPRESS: the sub-parser must not overwrite an option given before the corpus' name.
        corpus.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback")
        module.add_arguments(corpus)


def run(args: argparse.Namespace) -> None:
    """Write the data directories of a corpus; print what was written, and remarks on stderr."""
    options = {name: value for name, value in vars(args).items() if name not in ("corpus", "debug")}
    # A folder that is there may hold the directories of another corpus.
    with making(args.out, f"nrsr prepare {args.corpus}", anew=not Path(args.out).exists()):
        done = importlib.import_module(CORPORA[args.corpus]).prepare(**options)
    for note in done.notes:
        print(f"nrsr prepare {args.corpus}: {note}", file=sys.stderr)
    print("\n".join(done.table))
