"""Recognising a data directory with a hybrid system or a GMM: senone log-likelihoods, searched through a graph."""

import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

from nrsr.files import atomic_open
from nrsr.inference.gmm_scores import write_scores
from nrsr.inference.listing import shown
from nrsr.inference.recogniser import DecodingError
from nrsr.inference.senone_scores import HybridJob
from nrsr.inference.wfst import decode_likelihoods
from nrsr.kaldi import DataDir, open_table, write_list
from nrsr.kaldi.lists import split_words


def decode_hybrid(
    job: HybridJob,
    data: DataDir,
    out: Path,
    *,
    dev: DataDir | None = None,
    scales: Sequence[float] = (),
    nj: int = 1,
    allow_pipes: bool = False,
) -> str:
    """Recognise every utterance of a data directory.

    Args:
        dev: data with transcripts on which the acoustic scale is chosen among `scales`.

    Writes out/text (an empty hypothesis is its id alone) and out/decode.log; out/acoustic_scale with the one that was
    chosen; and out/loglikes.* where `job` asks for them. Without a graph these alone.

    Returns:
        the log's last line.

    Raises:
        NrsrError: whatever is wrong with experiment, graph, data or options.
    """
    lines = [f"experiment {job.exp}, graph {job.graph or 'none'}, data {data.path}, {nj} workers, {job.device}"]
    if job.graph is None:
        scored = write_scores(job, data, out, nj=nj, allow_pipes=allow_pipes)
        return _finish(out, [*lines, f"{scored.table}: {scored.speed(scored.seconds, 'scoring')}"])
    if scales and dev is not None:
        scale, tried = tuned_scale(job, dev, out, scales, nj=nj, allow_pipes=allow_pipes)
        job = replace(job, settings=replace(job.settings, acoustic_scale=scale))
        lines += tried
        with atomic_open(out / "acoustic_scale") as stream:
            stream.write(f"{scale}\n")
    scored = write_scores(job, data, out, nj=nj, allow_pipes=allow_pipes)
    started = time.perf_counter()
    text = dict.fromkeys(scored.frames, "") | search(job, open_table(scored.table), nj)
    searching = time.perf_counter() - started
    if not job.loglikes:
        for name in ("loglikes.scp", "loglikes.ark"):
            (out / name).unlink()
    lines += [str(job.settings), *_remarks(text, scored.frames), scored.speed(scored.seconds, "scoring")]
    last = _finish(out, [*lines, f"{len(text)} utterances; {scored.speed(searching, 'search')}"])
    write_list(out / "text", text)
    return last


def search(job: HybridJob, scores: Mapping[str, np.ndarray], nj: int) -> dict[str, str]:
    """Words of scored utterances."""
    how = job.settings
    return decode_likelihoods(job.graph, scores, how.acoustic_scale, how.beam, how.max_active, nj)


def tuned_scale(
    job: HybridJob, dev: DataDir, out: Path, scales: Sequence[float], *, nj: int = 1, allow_pipes: bool = False
) -> tuple[float, list[str]]:
    """The acoustic scale with the fewest word errors on development data, of equal ones the smallest; and a report.

    Raises:
        DecodingError: no transcripts.
    """
    if not dev.has("text"):
        raise DecodingError(f"{dev.path / 'text'}: no such file; the acoustic scale is chosen on data with transcripts")
    reference = {name: split_words(words) for name, words in dev.read("text", allow_empty_values=True).items()}
    if lacking := [name for name in dev.utterances if name not in reference]:
        raise DecodingError(f"{dev.path / 'text'}: lacks {len(lacking)} utterances: {shown(lacking)}")
    folder = out / "dev_scores"
    scored = write_scores(job, dev, folder, nj=nj, allow_pipes=allow_pipes)
    errors = {}
    for scale in sorted(set(scales)):
        scaled = replace(job, settings=replace(job.settings, acoustic_scale=scale))
        found = dict.fromkeys(scored.frames, "") | search(scaled, open_table(scored.table), nj)
        errors[scale] = sum(Levenshtein.distance(reference[name], split_words(words)) for name, words in found.items())
    shutil.rmtree(folder)
    words = sum(len(reference[name]) for name in scored.frames)
    best = min(errors, key=errors.get)
    told = f"word errors of {words} on {dev.path}"
    lines = [f"acoustic scale {scale:g}: {count} {told}" for scale, count in errors.items()]
    lines.append(f"acoustic scale {best:g} taken")
    if len(errors) > 1 and best in (min(errors), max(errors)):
        lines.append(f"acoustic scale {best:g} lies at the end of those tried; try further ones")
    for line in lines:
        print(line, file=sys.stderr)
    return best, lines


def _finish(out: Path, lines: list[str]) -> str:
    with atomic_open(out / "decode.log") as stream:
        stream.writelines(line + "\n" for line in lines)
    return lines[-1]


def _remarks(text: Mapping[str, str], frames: Mapping[str, int]) -> list[str]:
    """What should not go unnoticed; said on stderr as well."""
    remarks = []
    if short := [name for name, count in frames.items() if not count]:
        remarks.append(f"{len(short)} utterances have no frames and stand without words: {shown(short)}")
    if empty := [name for name, words in text.items() if not words and frames[name]]:
        remarks.append(f"{len(empty)} utterances have an empty hypothesis: {shown(empty)}")
    for remark in remarks:
        print(remark, file=sys.stderr)
    return remarks
