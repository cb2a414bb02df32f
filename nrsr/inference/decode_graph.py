"""Recognising a whole data directory by senones and a decoding graph; the acoustic scale is chosen on other data."""

import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from nrsr.inference.apply import apply_data
from nrsr.inference.batches import make_batches
from nrsr.inference.driver import Pass, Settings, shared
from nrsr.inference.graph_search import GraphSearch, HybridSettings, make_scorer
from nrsr.inference.recogniser import DecodingError
from nrsr.kaldi import DataDir
from nrsr.kaldi.lists import split_words
from nrsr.listing import shown


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
    files: dict[str, str | None] = {"acoustic_scale": None}
    head = [f"experiment {exp}, graph {graph or 'none'}, {device}"]
    if graph is None:
        make = functools.partial(make_scorer, exp, device)
        return apply_data(make, data, out, settings, command="decode", head=head, files={**files, "text": None})
    make = functools.partial(GraphSearch, exp, graph, search.of_search(), device=device)
    if dev is not None:
        scale, lines = tuned_scale(make, scales, dev, settings)
        for line in lines:
            print(line, file=sys.stderr)
        search, head = replace(search, acoustic_scale=scale), [*head, *lines]
        files["acoustic_scale"] = f"{scale}\n"
    make = functools.partial(GraphSearch, exp, graph, search.of_search(), device=device, loglikes=loglikes)
    return apply_data(make, data, out, settings, command="decode", head=[*head, str(search)], files=files)


def tuned_scale(
    make: Callable[..., GraphSearch], scales: Sequence[float], dev: DataDir, settings: Settings
) -> tuple[float, list[str]]:
    """The acoustic scale with the fewest word errors on development data, of equal ones the smallest; and a report.

    Args:
        make: makes the application for some `scales`; can be pickled.
        dev: data with transcripts.

    Raises:
        DecodingError: no transcripts, or utterances that cannot be recognised.
    """
    if not dev.has("text"):
        raise DecodingError(f"{dev.path / 'text'}: no such file; the acoustic scale is chosen on data with transcripts")
    reference = {name: split_words(words) for name, words in dev.read("text", allow_empty_values=True).items()}
    if lacking := [name for name in dev.utterances if name not in reference]:
        raise DecodingError(f"{dev.path / 'text'}: lacks {len(lacking)} utterances: {shown(lacking)}")
    tried = sorted(set(scales))
    application, make = shared(functools.partial(make, scales=tried), settings)
    inputs = application.open(dev, **settings.reading)
    batches = make_batches(inputs.durations(), settings.batch_size)
    run = Pass(make, inputs, batches, settings, f"batches of {dev.path}")
    errors, words = dict.fromkeys(tried, 0), 0
    for utterance, result in run:
        words += len(reference[utterance])
        for scale in tried:
            errors[scale] += Levenshtein.distance(reference[utterance], split_words(result.values[str(scale)]))
    if run.failures:
        name, failure = next(iter(run.failures.items()))
        raise DecodingError(f"{dev.path}: {len(run.failures)} utterances failed; {name}: {failure.reason}")
    best = min(errors, key=errors.get)
    counted = f"word errors of {words} on {dev.path}"
    lines = [f"acoustic scale {scale:g}: {count} {counted}" for scale, count in errors.items()]
    lines.append(f"acoustic scale {best:g} taken")
    if len(errors) > 1 and best in (min(errors), max(errors)):
        lines.append(f"acoustic scale {best:g} lies at the end of those tried; try further ones")
    return best, lines
