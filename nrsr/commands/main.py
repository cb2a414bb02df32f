"""The `nrsr` program: finds the sub-command, and turns every failure into one line and an exit status."""

import argparse
import importlib
import io
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from nrsr.errors import NrsrError
from nrsr.files import NO_ROOM, cure_of

# Sub-command -> what it does. `nrsr a-b` lives in nrsr/commands/a_b.py.
COMMANDS = {
    "doctor": "list what is installed, what is missing, and how to get it",
    "prepare": "turn a corpus on disk into Kaldi data directories",
    "validate-data": "check a data directory",
    "fix-data": "sort a data directory and drop incomplete utterances, listing each",
    "split-data": "split a data directory into parts by speaker or utterance",
    "subset-data": "take some utterances of a data directory",
    "combine-data": "join data directories",
    "perturb-speed": "copy a data directory with changed speed",
    "mix": "add noise to clean speech at given SNRs",
    "mix-speakers": "mix utterances of different speakers, with noise or without",
    "simulate-rirs": "simulate room impulse responses for reverberation",
    "make-feats": "compute fbank, MFCC or log-mel features to ark/scp",
    "compute-cmvn": "compute mean and variance statistics",
    "make-units": "choose the output units of a recogniser from text",
    "make-lm": "estimate an n-gram language model (ARPA) from text",
    "prepare-lang": "make a lang folder: lexicon, phones, topology, L",
    "make-graph": "make the decoding graph HCLG of a model and a grammar",
    "train-gmm": "train a GMM-HMM: monophones, or triphones with tied states",
    "align": "align a data directory: pdf-ids, transition-ids and phones",
    "train": "train a system",
    "average": "average the weights of the best epochs",
    "apply": "apply a system of any kind to a data directory",
    "decode": "recognise a data directory",
    "enhance": "write enhanced waveforms of a data directory",
    "vocode": "turn mel features into waveforms by a vocoder",
    "import-vocoder": "make an experiment of a public checkpoint of a vocoder",
    "classify": "classify utterances, such as their emotions",
    "separate": "separate the speakers of mixtures",
    "generate": "generate speech or noise by a trained system",
    "split-speakers": "make a data directory of the single speakers of mixtures",
    "transcribe": "recognise audio files",
    "probe": "classify noise from a hidden layer of a trained system",
    "score-wer": "compute word error rates, with intervals and breakdowns",
    "score": "compute any metric of lists or signals, with intervals",
    "score-se": "compute PESQ, STOI, SI-SDR, CSIG and others of enhanced speech",
    "score-voc": "compute MCD, M-STFT, F0 errors, PESQ and STOI of vocoded speech",
    "score-sep": "compute SI-SNR, SDR, PESQ and STOI of separated speakers",
    "score-ser": "compute WA, UA and macro-F1 of classified emotions",
    "score-gen": "score generated utterances by a classifier",
    "spectrograms": "draw the spectrograms of an utterance in several data directories",
    "dev-criterion": "print how good experiments are on their development data",
    "report": "write the tables of RESULTS.md from scored experiments",
}


class Terminated(BaseException):
    """SIGTERM has come; as an exception, so that half-written files are removed on the way out."""


@contextmanager
def sigterm_raises() -> Iterator[None]:
    """Raise Terminated in the block when SIGTERM comes."""

    def stop(number: int, frame: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def parser_of(name: str) -> tuple[argparse.ArgumentParser, object]:
    """The argument parser of one sub-command and its module."""
    module = importlib.import_module("nrsr.commands." + name.replace("-", "_"))
    parser = argparse.ArgumentParser(
        prog=f"nrsr {name}", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    # Before Python 3.14, argparse takes a list of SNRs such as "-5,0,5" for an option.
    parser._negative_number_matcher = re.compile(r"^-\.?\d")
    parser.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    module.add_arguments(parser)
    return parser, module


def usage() -> str:
    """The usage line and one line for each command, for `nrsr --help`."""
    lines = [f"  {name:<15}{what}" for name, what in COMMANDS.items()]
    return "usage: nrsr COMMAND [options]   (nrsr COMMAND --help says more)\n\n" + "\n".join(lines)


def one_line(error: BaseException) -> str:
    """What went wrong, without a traceback, for stderr."""
    if isinstance(error, NrsrError):
        text = str(error)
    elif isinstance(error, OSError):
        # Whatever writes files names them.
        file = error.filename or ("standard output" if error.errno in NO_ROOM else None)
        text = f"{file}: {error.strerror}" if file else str(error)
        if cure := cure_of(error):
            text += f"; {cure}"
    else:
        text = f"{type(error).__name__}: {error} (not foreseen; --debug shows where)"
    return " ".join(text.split())


def main(argv: list[str] | None = None) -> int:
    """Run one sub-command; returns the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] in ("-h", "--help"):
        print(usage())
        return 0 if argv else 1
    name = argv[0]
    if name not in COMMANDS:
        print(f"nrsr: there is no command {name!r}; `nrsr --help` lists them", file=sys.stderr)
        return 1
    debug = "--debug" in argv
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Ids, words and file names are UTF-8 whatever the user's locale, and go out as they came in.
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    try:
        parser, module = parser_of(name)
        with sigterm_raises():
            status = module.run(parser.parse_args(argv[1:])) or 0
            sys.stdout.flush()
            return status
    except BrokenPipeError:
        # A reader such as `head` has gone: not our failure, and nothing more can be printed.
        _close_stdout()
        return 1
    except KeyboardInterrupt:
        print(f"nrsr {name}: interrupted", file=sys.stderr)
        return 130
    except Terminated:
        print(f"nrsr {name}: stopped by SIGTERM; run the same command again", file=sys.stderr)
        return 128 + signal.SIGTERM
    except Exception as error:
        if debug:
            raise
        print(f"nrsr {name}: {one_line(error)}", file=sys.stderr)
        if isinstance(error, OSError) and error.errno in NO_ROOM and error.filename is None:
            _close_stdout()
        return 1


def _close_stdout() -> None:
    """Send what is still to be printed nowhere, so that Python does not fail once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
