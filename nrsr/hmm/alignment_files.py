"""Alignments in a folder: pdf-ids, transition-ids and times of phones, written and read, Kaldi's own too."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nrsr.files import atomic_open
from nrsr.hmm.alignments import AlignmentError, phone_starts
from nrsr.hmm.transitions import Transitions
from nrsr.kaldi.lists import write_list
from nrsr.kaldi.symbols import write_symbols
from nrsr.kaldi.tables import TableWriter, open_table, read_table

FRAME_SHIFT = 0.01  # seconds, of Kaldi's features
SUBSAMPLING = "frame_subsampling_factor"  # Kaldi's file beside alignments of chain models: frames of features for each
SKIPPED = "unaligned"  # list of utterances that have no alignment, and why
SPEED = re.compile(r"(sp[0-9.]+-)*")  # prefixes of nrsr perturb-speed


def write_alignments(
    folder: str | Path,
    alignments: Mapping[str, np.ndarray],
    skipped: Mapping[str, str],
    transitions: Transitions,
    phones: dict[str, int],
    frame_shift: float = FRAME_SHIFT,
) -> None:
    """Write ali.scp (pdf-ids), trans_ali.scp (transition-ids), phone.ctm, phones.txt and, if any, `unaligned`.

    Args:
        alignments: utterance -> transition-ids, one a frame.
        skipped: utterance without alignment -> why.
        phones: name -> number.
        frame_shift: seconds between frames of the alignments, for phone.ctm.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = {number: name for name, number in phones.items()}
    with (
        TableWriter(f"ark,scp:{folder}/ali.ark,{folder}/ali.scp") as pdfs,
        TableWriter(f"ark,scp:{folder}/trans_ali.ark,{folder}/trans_ali.scp") as ids,
        atomic_open(folder / "phone.ctm") as ctm,
    ):
        for utterance in sorted(alignments):
            path = alignments[utterance]
            ids[utterance] = path
            pdfs[utterance] = transitions.pdf[path]
            starts = phone_starts(transitions, path, np.zeros(len(path)))
            ends = [*starts[1:], len(path)]
            for start, end, phone in zip(starts, ends, transitions.phone[path[starts]], strict=True):
                times = f"{start * frame_shift:.3f} {(end - start) * frame_shift:.3f}"
                ctm.write(f"{utterance} 1 {times} {names[int(phone)]}\n")
    write_symbols(folder / "phones.txt", phones)
    if skipped:
        write_list(folder / SKIPPED, skipped)
    else:
        (folder / SKIPPED).unlink(missing_ok=True)


def read_alignments(folder: str | Path, transitions: Transitions) -> dict[str, np.ndarray]:
    """Transition-ids of each utterance of a folder: trans_ali.scp, or Kaldi's ali.1.gz, ali.2.gz, ...

    Raises:
        AlignmentError: no alignments, an utterance twice, or ids that the model does not have.
        TableError, StreamError: broken files.
    """
    folder = Path(folder)
    if (folder / "trans_ali.scp").is_file():
        alignments = dict(open_table(folder / "trans_ali.scp").items())
    else:
        alignments = {}
        for path in kaldi_files(folder):
            for utterance, ids in read_table(f"ark:{path}"):
                if utterance in alignments:
                    raise AlignmentError(f"{path}: utterance {utterance} is in another ali.*.gz too; remove one")
                alignments[utterance] = ids
    for utterance, ids in alignments.items():
        good = isinstance(ids, np.ndarray) and ids.dtype == np.int32 and ids.ndim == 1 and len(ids)
        if not good or ids.min() < 1 or ids.max() > transitions.num_ids:
            raise AlignmentError(
                f"{folder}: the alignment of {utterance} is none to the transition-ids of final.mdl (1 to "
                f"{transitions.num_ids}); take both from one folder"
            )
    return alignments


def kaldi_files(folder: Path) -> list[Path]:
    """Kaldi's ali.N.gz, by their numbers.

    Raises:
        AlignmentError: there are none, or one is missing in between.
    """
    numbered = {
        int(match.group(1)): path
        for path in folder.glob("ali.*.gz")
        if (match := re.fullmatch(r"ali\.([0-9]+)\.gz", path.name))
    }
    if not numbered:
        raise AlignmentError(f"{folder}: has neither trans_ali.scp nor ali.1.gz; check the path, or align first")
    if missing := sorted(set(range(1, max(numbered) + 1)) - set(numbered)):
        raise AlignmentError(f"{folder}: ali.{missing[0]}.gz is missing; copy all of Kaldi's ali.*.gz")
    return [numbered[number] for number in sorted(numbered)]


def subsampling_of(folder: Path) -> int:
    """How many frames of features each frame of a folder's alignments is for: 3 as a rule with Kaldi's chain models.

    Raises:
        AlignmentError: frame_subsampling_factor holds no whole number above 0.
    """
    path = folder / SUBSAMPLING
    content = path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else "1"
    if not re.fullmatch("[1-9][0-9]{0,3}", content):
        raise AlignmentError(f"{path}: holds {content[:20]!r}, no whole number above 0; copy Kaldi's file again")
    return int(content)


def refuse_subsampled(folder: Path) -> None:
    """Raise an AlignmentError for alignments that have fewer frames than the features."""
    if (factor := subsampling_of(folder)) > 1:
        raise AlignmentError(f"{folder / SUBSAMPLING}: a frame of these is {factor} of the features; take a GMM's")


def clean_names(utterances: list[str], originals: Mapping[str, str], known: Mapping[str, object]) -> dict[str, str]:
    """Utterance of a parallel set -> its clean utterance, for those found.

    That has the same id, or the id without the ending -c1, -c2, ... of nrsr mix, or the id in utt2uniq. The prefix of
    nrsr perturb-speed, as sp0.9-, goes before the id in utt2uniq, which names the original at its own speed.
    """
    names = {}
    for name in utterances:
        original, speed = originals.get(name, name), SPEED.match(name)[0]
        for candidate in (name, re.sub(r"-c[0-9]+$", "", name), speed + original, original):
            if candidate in known:
                names[name] = candidate
                break
    return names


def parallel_alignments(
    alignments: Mapping[str, np.ndarray], sources: Mapping[str, str], frames: Mapping[str, int], where: str
) -> dict[str, np.ndarray]:
    """Alignments of clean speech for the same speech with noise.

    Args:
        alignments: of the clean utterances.
        sources: noisy utterance -> clean utterance.
        frames: of the noisy utterances.
        where: the noisy directory, for messages.

    Raises:
        AlignmentError: numbers of frames differ, so that the sets are not parallel.
    """
    wrong = [name for name, source in sources.items() if frames[name] != len(alignments[source])]
    if wrong:
        first = wrong[0]
        raise AlignmentError(
            f"{where}: {len(wrong)} of {len(sources)} utterances have other numbers of frames than the clean ones, "
            f"as {first} with {frames[first]} against {len(alignments[sources[first]])}; it is not parallel to them"
        )
    return {name: alignments[source] for name, source in sources.items()}
