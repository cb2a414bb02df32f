"""ARPA language models as scores: read by the KenLM that flashlight-text brings."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flashlight.lib.text.decoder.kenlm import KenLM
from flashlight.lib.text.dictionary import Dictionary

from nrsr.kaldi.arpa import Arpa, LanguageModelError, read_arpa

# The place in KenLM's code that its messages begin with.
ORIGIN = re.compile(r"^[^\n]* threw \w+( because [^\n]*\n|\.)")
LOWEST_ORDER, HIGHEST_ORDER = 2, 6  # KenLM's own limits, fixed when it is compiled


def read_vocabulary(path: str | Path) -> list[str]:
    """Check an ARPA file from end to end, and return its unigrams in their order.

    Raises:
        LanguageModelError: as read_arpa, or n-grams longer or shorter than KenLM reads.
    """
    arpa = read_arpa(path)
    check_order(path, arpa)
    return arpa.words


def check_order(path: str | Path, arpa: Arpa) -> None:
    """Refuse n-grams longer or shorter than KenLM reads."""
    if not LOWEST_ORDER <= arpa.order <= HIGHEST_ORDER:
        raise LanguageModelError(
            f"{path}: has n-grams up to {arpa.order}, KenLM reads {LOWEST_ORDER} to {HIGHEST_ORDER}; make it with nrsr "
            "make-lm --order and one of these"
        )


def load_kenlm(path: str | Path, symbols: Sequence[str], name: str | Path | None = None) -> KenLM:
    """A KenLM whose word ids are places in `symbols`; those that the file lacks score as its `<unk>`.

    KenLM's scores are log10; multiply by ln 10 beside natural logarithms.

    Args:
        path: a plain ARPA file (nrsr.kaldi.arpa.plain_file): KenLM's own messages name no line.
        name: of the file in messages, where `path` is a copy.
    """
    with _quiet():
        try:
            return KenLM(str(path), Dictionary(list(symbols)))
        except Exception as error:
            reason = " ".join(ORIGIN.sub("", str(error)).split())
            raise LanguageModelError(f"{name or path}: KenLM cannot read it ({reason}); make it again") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep KenLM's progress bars, which it writes to file descriptor 2 itself, out of the logs."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
