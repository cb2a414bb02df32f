"""A graph folder, Kaldi's: HCLG.fst with words.txt, phones.txt, phones/, num_pdfs, and the pdf of each transition."""

from dataclasses import dataclass
from pathlib import Path

import kaldifst
import numpy as np

from nrsr.files import atomic_copy, atomic_open
from nrsr.folders import making, refuse_incomplete
from nrsr.hmm.fst_content import FstError, check_labels, refuse_endless
from nrsr.hmm.fst_files import load_content, read_fst, to_library, write_fst
from nrsr.hmm.graph import GraphOptions, decoding_graph
from nrsr.hmm.model import read_transitions
from nrsr.hmm.transitions import Transitions
from nrsr.hmm.tree import Tree
from nrsr.kaldi.checksums import Checksums, write_checksums
from nrsr.kaldi.lang import Lang, LangError
from nrsr.kaldi.lists import read_lines, split_words
from nrsr.kaldi.symbols import read_symbols, write_symbols
from nrsr.listing import shown

PDFS = "transition_pdfs.int"  # the pdf of each transition-id, from 1
LONGEST_NUMBER = 9  # digits of an id
COPIED = ("word_boundary.int", "align_lexicon.int", "silence.csl", "disambig.int")  # of the lang folder's phones/


@dataclass(frozen=True)
class Graph:
    """A decoding graph and the meaning of its labels.

    Attributes:
        fst: from pdf-ids + 1 to words. HCLG.fst itself has transition-ids, as Kaldi's programs want them; the search
            needs no more than their pdfs, and scores with a column for each transition-id would be many times as wide.
        words: number -> word.
        num_pdfs: scores that the model gives for a frame.
    """

    fst: kaldifst.StdVectorFst
    words: dict[int, str]
    num_pdfs: int

    @classmethod
    def load(cls, folder: str | Path) -> "Graph":
        """Read a graph folder. Files are checked against its checksums, and against each other where it has none.

        Raises:
            FstError, ListError, ChecksumError: a file is missing, broken or changed, or was written by Kaldi alone.
        """
        folder = Path(folder)
        refuse_incomplete(folder)
        fst = load_content(folder / "HCLG.fst")
        if not (folder / PDFS).is_file():
            raise FstError(f"{folder}: has no {PDFS}, which Kaldi's graphs lack; let nrsr make-graph make the graph")
        Checksums(folder).check_files(name for name in Checksums(folder).names if name != "HCLG.fst")
        words = {number: word for word, number in read_symbols(folder / "words.txt").items()}
        num_pdfs, pdfs = read_num_pdfs(folder), np.array(_numbers(folder / PDFS), np.int64)
        if len(pdfs) and pdfs.max() >= num_pdfs:
            raise FstError(f"{folder / PDFS}: has pdf {pdfs.max()}, num_pdfs says {num_pdfs}; make the graph anew")
        path = folder / "HCLG.fst"
        if fst.start < 0:
            raise FstError(f"{path}: accepts nothing; make the graph anew")
        check_labels(fst, "input", range(len(pdfs) + 1), path, PDFS)
        check_labels(fst, "output", words, path, "words.txt")
        refuse_endless(fst, path, any_cycle=False)
        labels = fst.arcs
        fst.body[labels] = np.concatenate([[0], pdfs + 1])[fst.body[labels]]
        return cls(to_library(fst, path), words, num_pdfs)


def read_num_pdfs(folder: str | Path) -> int:
    """The number of pdfs that a graph is for.

    Raises:
        FstError: no such file, or one that does not hold a number above 0.
    """
    path = Path(folder) / "num_pdfs"
    if not path.is_file():
        raise FstError(f"{path}: no such file; give a folder of nrsr make-graph")
    numbers = _numbers(path)
    if len(numbers) != 1 or numbers[0] < 1:
        raise FstError(f"{path}: must hold one number above 0; make the graph anew")
    return numbers[0]


def _numbers(path: Path) -> list[int]:
    """Whole numbers from 0."""
    columns = [column for _, line in read_lines(path) for column in split_words(line)]
    if not all(column.isascii() and column.isdigit() and len(column) <= LONGEST_NUMBER for column in columns):
        raise FstError(f"{path}: must hold whole numbers; make the graph anew")
    return list(map(int, columns))


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
    phones = [*lang.phone_ids, *lang.disambiguation]
    lexicon = read_fst(lang_folder / "L_disambig.fst", inputs=phones, outputs=lang.words.values())
    fst = decoding_graph(lexicon, grammar, lang, tree, transitions, options)
    with making(folder, "nrsr make-graph"):
        for name in COPIED:
            if (lang_folder / "phones" / name).is_file():
                atomic_copy(lang_folder / "phones" / name, folder / "phones" / name)
        write_graph(folder, fst, lang, transitions)
    return fst


def check_phones(lang: Lang, transitions: Transitions, what: str) -> None:
    """Refuse a lang folder whose phones are not those that a model was trained with."""
    phones = set(transitions.topology.phones)
    if differing := phones.symmetric_difference(lang.phone_ids):
        names = {number: name for name, number in lang.phones.items()}
        listed = shown(sorted(names.get(phone, str(phone)) for phone in differing))
        raise LangError(
            f"{what}: {len(differing)} phones are in one of them alone: {listed}; use one lang folder for both"
        )


def write_graph(folder: Path, fst: kaldifst.StdVectorFst, lang: Lang, transitions: Transitions) -> None:
    """Write everything but the copies from phones/; HCLG.fst and the checksums come last."""
    write_symbols(folder / "words.txt", lang.words)
    write_symbols(folder / "phones.txt", lang.phones)
    with atomic_open(folder / "num_pdfs") as stream:
        stream.write(f"{transitions.num_pdfs}\n")
    with atomic_open(folder / PDFS) as stream:
        stream.writelines(f"{pdf}\n" for pdf in transitions.pdf[1:].tolist())
    write_fst(fst, folder / "HCLG.fst")
    copies = [f"phones/{name}" for name in COPIED]
    write_checksums(folder, ["HCLG.fst", "words.txt", "phones.txt", "num_pdfs", PDFS, *copies])
