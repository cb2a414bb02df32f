"""Recognising a whole data directory by the CTC output of a system."""

import functools
import sys
from pathlib import Path

from nrsr.experiment.folder import Experiment
from nrsr.inference.application import of_experiment
from nrsr.inference.apply import apply_data
from nrsr.inference.driver import Settings
from nrsr.inference.language_model import unspelled_words
from nrsr.inference.recogniser import Recogniser
from nrsr.inference.settings import DecodingSettings
from nrsr.kaldi import DataDir
from nrsr.listing import SHOWN


def decode_data(
    experiment: Experiment,
    search: DecodingSettings,
    data: DataDir,
    out: Path,
    settings: Settings,
    *,
    lm: Path | None = None,
    device: str = "cpu",
    loglikes: bool = False,
) -> str:
    """Recognise every utterance of a data directory by the CTC output of a system.

    Writes out/text (an empty hypothesis is its id alone), out/decode.log and, where asked for, out/loglikes.ark and
    .scp (natural logarithms, [M, V]).

    Returns:
        the log's last line: number of utterances and real-time factor.

    Raises:
        NrsrError: whatever is wrong with experiment, data or options.
    """
    if lm is not None and search.method != "greedy" and (words := unspelled_words(lm, experiment.units)):
        listed = ", ".join(words[:SHOWN])
        print(f"{lm}: {len(words)} words cannot be written in the units: {listed} ...", file=sys.stderr)
    options = {"lm": lm, "device": device, "loglikes": loglikes}
    make = functools.partial(of_experiment, Recogniser, experiment.path, search, **options)
    head = [f"experiment {experiment.path}, language model {lm or 'none'}, {device}", str(search)]
    return apply_data(make, data, out, settings, command="decode", head=head)
