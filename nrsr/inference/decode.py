"""Recognising a whole data directory: by the CTC output of a system, or by senones and a decoding graph."""

import functools
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nrsr.experiment.folder import Experiment
from nrsr.inference.application import of_experiment
from nrsr.inference.apply import apply_data
from nrsr.inference.driver import Settings
from nrsr.inference.graph_search import GraphSearch, HybridSettings, make_scorer, tuned_scale
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


def decode_with_graph(
    exp: Path,
    search: HybridSettings,
    data: DataDir,
    out: Path,
    settings: Settings,
    *,
    graph: Path | None,
    dev: DataDir | None = None,
    scales: Sequence[float] = (),
    device: str = "cpu",
    loglikes: bool = False,
) -> str:
    """Recognise every utterance of a data directory by the senones of a hybrid system, or the pdfs of a GMM.

    Args:
        graph: folder of make-graph; None writes out/loglikes.ark and .scp alone.
        dev: data with transcripts on which the acoustic scale is chosen among `scales`; it is written into
            out/acoustic_scale.

    Writes out/text, out/decode.log and, where asked for, the log-likelihoods.

    Returns:
        the log's last line: number of utterances and real-time factor.

    Raises:
        NrsrError: whatever is wrong with experiment, graph, data or options.
    """
    files: dict[str, str] = {}
    head = [f"experiment {exp}, graph {graph or 'none'}, {device}"]
    if graph is None:
        return apply_data(functools.partial(make_scorer, exp, device), data, out, settings, command="decode", head=head)
    make = functools.partial(GraphSearch, exp, graph, device=device, loglikes=loglikes)
    if dev is not None:
        scale, lines = tuned_scale(make, search.of_search(), scales, dev, settings)
        for line in lines:
            print(line, file=sys.stderr)
        search, head = replace(search, acoustic_scale=scale), [*head, *lines]
        files["acoustic_scale"] = f"{scale}\n"
    make = functools.partial(make, searches=[search.of_search()])
    return apply_data(make, data, out, settings, command="decode", head=[*head, str(search)], files=files)
