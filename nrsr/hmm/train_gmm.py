"""Training a GMM-HMM on a data directory into a folder: model, tree, alignments, log."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from nrsr.files import open_anew
from nrsr.folders import making
from nrsr.hmm.alignment_files import write_alignments
from nrsr.hmm.alignments import AlignmentError
from nrsr.hmm.em import Log
from nrsr.hmm.gmm_features import GmmFeatures
from nrsr.hmm.gmm_folder import GmmSettings, TrainingLog, save_settings
from nrsr.hmm.model import Model, write_model
from nrsr.hmm.share import Share
from nrsr.hmm.train_lda import train_lda
from nrsr.hmm.train_mono import train_mono
from nrsr.hmm.train_tri import train_tri
from nrsr.hmm.transcripts import SHOWN, Transcripts, read_transcripts, shares
from nrsr.hmm.worker_pool import WorkerPool
from nrsr.kaldi.lang import Lang
from nrsr.listing import listed
from nrsr.workers import WorkerError


@dataclass(frozen=True)
class Outcome:
    """The outcome of a training or an alignment.

    Attributes:
        model: that aligned the utterances.
        aligned: number of utterances with an alignment.
        skipped: utterance -> why it has none.
    """

    model: Model
    aligned: int
    skipped: dict[str, str]


def train_gmm(
    kind: str,
    data: Path,
    lang_folder: Path,
    out: Path,
    settings: GmmSettings,
    *,
    alignments: Path | None = None,
    nj: int = 1,
    seed: int = 0,
) -> Outcome:
    """Train a GMM-HMM, align the data with the result, and write the folder.

    Args:
        kind: "mono" (monophones), "tri" (triphones) or "lda" (triphones on spliced frames with LDA and MLLT, which take
            the place of deltas).
        alignments: folder with alignments of the same data, for triphones.
        nj: processes; sums of several differ from those of one by rounding.

    Raises:
        AlignmentError: not one utterance could be aligned, or the given alignments do not fit.
        LdaError, MlltError: too little speech for them.
        LangError, FeaturesError, ListError, ModelFileError, TopologyError, TableError: broken input.
    """
    nj, lang = checked(nj), Lang.load(lang_folder)
    if kind == "lda":
        settings = replace(settings, features=replace(settings.features, deltas=0))
    stored = GmmFeatures(data, settings.features)
    transcripts = read_transcripts(data, lang, stored)
    with making(out, "nrsr train-gmm"), open_anew(out / "train.log") as stream:
        log = TrainingLog(stream, sys.stderr, f"nrsr train-gmm {kind}")
        announce(transcripts, data, log)
        with WorkerPool(Share, shares(transcripts, stored, lang_folder, lang, nj)) as pool:
            if kind == "mono":
                model = train_mono(pool, lang, str(lang_folder), settings.mono, settings.alignment, seed, log)
            elif kind == "tri":
                model = train_tri(pool, lang, alignments, settings.tri, settings.alignment, seed, log)
            else:
                model = train_lda(pool, lang, alignments, settings.lda, settings.alignment, seed, log)
            write_model(out, model)
            save_settings(out, settings, kind, seed)
            return align_and_write(pool, model, settings, transcripts, lang, out, log)


def align_and_write(
    pool: WorkerPool,
    model: Model,
    settings: GmmSettings,
    transcripts: Transcripts,
    lang: Lang,
    out: Path,
    log: Log,
) -> Outcome:
    """Align with a model whose graphs the processes have, write the alignments, and list utterances without one.

    Raises:
        AlignmentError: no utterance has one.
    """
    retried = sum(pool.ask("align", model.gmm, model.transitions.log_probs, settings.alignment))
    aligned, skipped = {}, dict(transcripts.skipped)
    for alignments, failed in pool.ask("alignments"):
        aligned |= alignments
        skipped |= failed
    if not aligned:
        name, why = next(iter(skipped.items()))
        raise AlignmentError(f"{out}: none of {len(skipped)} utterances was aligned; {name}: {why}")
    write_alignments(out, aligned, skipped, model.transitions, lang.phones, settings.frame_shift)
    log(f"{len(aligned)} utterances aligned, {retried} with the wider beam; {model.gmm.num_gaussians} Gaussians")
    list_skipped(skipped, out, log)
    return Outcome(model, len(aligned), skipped)


def announce(transcripts: Transcripts, data: Path, log: Log) -> None:
    """Print remarks on the data before training begins."""
    log(f"{data}: {len(transcripts.words)} utterances")
    for note in transcripts.notes():
        log(note)


def list_skipped(skipped: dict[str, str], out: Path, log: Log) -> None:
    """Name and count the utterances without alignment, by reason."""
    reasons: dict[str, list[str]] = {}
    for name, why in sorted(skipped.items()):
        reasons.setdefault(why, []).append(name)
    if len(reasons) > 1:
        log(f"{len(skipped)} utterances have no alignment; {out}/unaligned lists them")
    for why, names in reasons.items():
        log(f"no alignment, {why}: {len(names)} utterances, {listed(names, SHOWN)}")


def checked(nj: int) -> int:
    """A number of processes.

    Raises:
        WorkerError: it is none.
    """
    if nj < 1:
        raise WorkerError(f"--nj {nj}: that is no number of processes; take 1 or more")
    return nj
