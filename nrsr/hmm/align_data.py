"""Aligning a data directory with a GMM, or taking alignments of Kaldi or of parallel clean speech."""

import sys
from pathlib import Path

from nrsr.data.features import FeatureSettings, StoredFeatures
from nrsr.files import atomic_copy
from nrsr.folders import making
from nrsr.hmm.alignment_files import (
    FRAME_SHIFT,
    SUBSAMPLING,
    clean_names,
    parallel_alignments,
    read_alignments,
    refuse_subsampled,
    subsampling_of,
    write_alignments,
)
from nrsr.hmm.alignments import AlignmentError
from nrsr.hmm.gmm_folder import SETTINGS, load_settings, open_features
from nrsr.hmm.model import TRANSFORM, read_model, read_transitions
from nrsr.hmm.share import Share
from nrsr.hmm.topology import Topology
from nrsr.hmm.train_gmm import Outcome, align_and_write, announce, checked, list_skipped
from nrsr.hmm.transcripts import read_transcripts, shares
from nrsr.hmm.tree import Tree
from nrsr.hmm.worker_pool import WorkerPool
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lang import Lang
from nrsr.kaldi.symbols import read_symbols

COMMAND = "nrsr align"
MODEL_FILES = ("final.mdl", "tree", TRANSFORM, SETTINGS, SUBSAMPLING)


def say(line: str) -> None:
    """Print a line on stderr."""
    print(f"nrsr align: {line}", file=sys.stderr, flush=True)


def align_data(gmm: Path, data: Path, lang_folder: Path, out: Path, *, nj: int = 1) -> Outcome:
    """Align DATA by its transcripts with the GMM of a folder, and write alignments and copies of the model to `out`.

    Raises:
        AlignmentError: the model is of other phones, or nothing was aligned.
        ModelFileError, LangError, FeaturesError, ListError, TableError: broken input.
    """
    nj, lang = checked(nj), Lang.load(lang_folder)
    model, settings = read_model(gmm), load_settings(gmm)
    topology = Topology.from_text(lang.topo, f"{lang_folder}/topo")
    if topology.text() != model.transitions.topology.text():
        raise AlignmentError(f"{gmm}: was trained with other phones or HMMs than those of {lang_folder}")
    stored = open_features(gmm, model, data)
    transcripts = read_transcripts(data, lang, stored)
    announce(transcripts, data, say)
    with making(out, COMMAND), WorkerPool(Share, shares(transcripts, stored, lang_folder, lang, nj)) as pool:
        pool.ask("compile", model.transitions, model.tree)
        outcome = align_and_write(pool, model, settings, transcripts, lang, out, say)
        copy_model(gmm, out)
    return outcome


def take_kaldi(folder: Path, out: Path, lang_folder: Path | None = None) -> int:
    """Turn Kaldi's ali.*.gz, with final.mdl and tree beside them, into nrsr's alignments; returns their number.

    Args:
        lang_folder: where phones.txt is, if `folder` has none.

    Raises:
        AlignmentError: no alignments, or not those of final.mdl.
        ModelFileError, ListError, TableError: broken files.
    """
    transitions = read_transitions(folder / "final.mdl")
    if Tree.read(folder / "tree").num_pdfs != transitions.num_pdfs:
        raise AlignmentError(f"{folder}: tree and final.mdl have different numbers of pdfs; take both of one training")
    phones = read_symbols((lang_folder or folder) / "phones.txt")
    if unnamed := set(transitions.topology.phones) - set(phones.values()):
        raise AlignmentError(f"{lang_folder or folder}/phones.txt: lacks phone {min(unnamed)}; give the right --lang")
    alignments = read_alignments(folder, transitions)
    shift = load_settings(folder).frame_shift if (folder / SETTINGS).is_file() else FRAME_SHIFT
    if (factor := subsampling_of(folder)) > 1:
        say(f"{folder}: a frame of the alignments is {factor} of the features; they give times, no senones of frames")
    with making(out, COMMAND):
        write_alignments(out, alignments, {}, transitions, phones, factor * shift)
        copy_model(folder, out)
    return len(alignments)


def take_parallel(folder: Path, data: Path, out: Path) -> int:
    """Write the alignments of clean speech for DATA, the same speech with noise, frame by frame; returns their number.

    Raises:
        AlignmentError: numbers of frames differ, or no utterance was found.
        ModelFileError, ListError, TableError, FeaturesError: broken files.
    """
    refuse_subsampled(folder)
    transitions = read_transitions(folder / "final.mdl")
    alignments = read_alignments(folder, transitions)
    directory = DataDir(data)
    originals = directory.read("utt2uniq") if directory.has("utt2uniq") else {}
    sources = clean_names(directory.utterances, originals, alignments)
    skipped = {name: "its clean speech has no alignment" for name in directory.utterances if name not in sources}
    if not sources:
        raise AlignmentError(f"{data}: none of {len(skipped)} utterances has clean speech aligned in {folder}")
    frames = StoredFeatures(data, FeatureSettings(cmvn="none")).frames(list(sources))
    copied = parallel_alignments(alignments, sources, frames, str(data))
    settings, phones = load_settings(folder), read_symbols(folder / "phones.txt")
    with making(out, COMMAND):
        write_alignments(out, copied, skipped, transitions, phones, settings.frame_shift)
        copy_model(folder, out)
    say(f"{data}: {len(copied)} utterances have the alignments of their clean speech; all numbers of frames agree")
    list_skipped(skipped, out, say)
    return len(copied)


def copy_model(source: Path, target: Path) -> None:
    """Copy the model's files beside the alignments made with it."""
    if source.resolve() == target.resolve():
        return
    for name in MODEL_FILES:
        if (source / name).is_file():
            atomic_copy(source / name, target / name)
        else:  # that of another model would be taken for this one's
            (target / name).unlink(missing_ok=True)
