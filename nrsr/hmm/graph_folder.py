"""A graph folder, Kaldi's: HCLG.fst with words.txt, phones.txt, phones/, num_pdfs, and the pdf of each transition."""

from dataclasses import dataclass
from pathlib import Path

import kaldifst

from nrsr.files import atomic_copy, atomic_open
from nrsr.folders import making, refuse_incomplete
from nrsr.hmm.fst_files import FstError, read_fst, write_fst
from nrsr.hmm.graph import GraphOptions, decoding_graph
from nrsr.hmm.model import read_transitions
from nrsr.hmm.transitions import Transitions
from nrsr.hmm.tree import Tree
from nrsr.kaldi.lang import Lang, LangError
from nrsr.kaldi.lexicon import shown
from nrsr.kaldi.lists import read_lines
from nrsr.kaldi.symbols import read_symbols, write_symbols

COPIED = ("word_boundary.int", "align_lexicon.int", "silence.csl", "disambig.int")  # of the lang folder's phones/


@dataclass(frozen=True)
class Graph:
    """A decoding graph and what its labels mean.

    Attributes:
        fst: from pdf-ids + 1 to words. HCLG.fst itself has transition-ids, as Kaldi's programs want them; the search
            needs no more than their pdfs, and scores with a column for each transition-id would be many times as wide.
        words: of each word's number, with "" for numbers that are not used.
        num_pdfs: scores that the model gives for a frame.
    """

    fst: kaldifst.StdVectorFst
    words: list[str]
    num_pdfs: int

    @classmethod
    def load(cls, folder: str | Path) -> "Graph":
        """Read a graph folder.

        Raises:
            FstError, ListError: a file is missing or broken, or was written by Kaldi alone.
        """
        folder = Path(folder)
        refuse_incomplete(folder)
        fst = read_fst(folder / "HCLG.fst")
        table = read_symbols(folder / "words.txt")
        words = [""] * (max(table.values()) + 1)
        for word, number in table.items():
            words[number] = word
        if not (folder / "transition_pdfs.int").is_file():
            raise FstError(
                f"{folder}: has no transition_pdfs.int, which Kaldi's graphs lack; let nrsr make-graph make the graph"
            )
        _relabel(fst, [0, *(pdf + 1 for pdf in _numbers(folder / "transition_pdfs.int"))], folder)
        return cls(fst, words, _numbers(folder / "num_pdfs")[0])


def _relabel(fst: kaldifst.StdVectorFst, labels: list[int], folder: Path) -> None:
    """Put labels[ilabel] in the place of each input label."""
    try:
        for state in kaldifst.StateIterator(fst):
            for arc in kaldifst.ArcIterator(fst, state):
                if arc.ilabel:
                    arc.ilabel = labels[arc.ilabel]
    except IndexError:
        raise FstError(
            f"{folder}: HCLG.fst and transition_pdfs.int are not of one model; make the graph anew"
        ) from None


def _numbers(path: Path) -> list[int]:
    try:
        return [int(column) for _, line in read_lines(path) for column in line.split()]
    except ValueError:
        raise FstError(f"{path}: must hold whole numbers; make the graph anew") from None


def make_graph(
    lang_folder: str | Path,
    model_folder: str | Path,
    grammar: kaldifst.StdVectorFst,
    folder: str | Path,
    options: GraphOptions,
) -> kaldifst.StdVectorFst:
    """Make the graph folder of a model (`tree`, `final.mdl`), a lang folder and a grammar.

    Raises:
        LangError: the model was trained with other phones.
        FstError, ModelFileError, ListError: a file is missing or broken, or no sentence can be said.
    """
    lang_folder, model_folder, folder = Path(lang_folder), Path(model_folder), Path(folder)
    refuse_incomplete(model_folder)
    lang = Lang.load(lang_folder)
    tree, transitions = Tree.read(model_folder / "tree"), read_transitions(model_folder / "final.mdl")
    check_phones(lang, transitions, f"{model_folder} and {lang_folder}")
    lexicon = read_fst(lang_folder / "L_disambig.fst")
    fst = decoding_graph(lexicon, grammar, lang, tree, transitions, options)
    with making(folder, "nrsr make-graph"):
        write_graph(folder, fst, lang, transitions)
        for name in COPIED:
            if (lang_folder / "phones" / name).is_file():
                atomic_copy(lang_folder / "phones" / name, folder / "phones" / name)
    return fst


def check_phones(lang: Lang, transitions: Transitions, what: str) -> None:
    """Refuse a lang folder whose phones are not those that a model was trained with."""
    phones = set(transitions.topology.phones)
    if differing := phones.symmetric_difference(lang.phone_ids):
        names = {number: name for name, number in lang.phones.items()}
        listed = shown(sorted(names.get(phone, str(phone)) for phone in differing))
        raise LangError(
            f"{what}: {len(differing)} phones stand in one of them alone: {listed}; use one lang folder for both"
        )


def write_graph(folder: Path, fst: kaldifst.StdVectorFst, lang: Lang, transitions: Transitions) -> None:
    """Write everything but the copies from phones/; HCLG.fst comes last."""
    write_symbols(folder / "words.txt", lang.words)
    write_symbols(folder / "phones.txt", lang.phones)
    with atomic_open(folder / "num_pdfs") as stream:
        stream.write(f"{transitions.num_pdfs}\n")
    with atomic_open(folder / "transition_pdfs.int") as stream:
        stream.writelines(f"{pdf}\n" for pdf in transitions.pdf[1:].tolist())
    write_fst(fst, folder / "HCLG.fst")
