"""Phonetic decision trees: from a phone in its context and a pdf class to a pdf-id; Kaldi's binary form."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import kaldi_hmm_gmm
import numpy as np

from nrsr.kaldi.binary import BinaryReader, BinaryWriter, ModelFileError, open_model

PDF_CLASS = -1  # the key of the pdf class; keys from 0 are places in the context
WIDEST = 9  # phones in a context; Kaldi's recipes have 1 to 5
MOST_GAPS, FEWEST_PDFS = 2, 100  # pdf-ids are numbered from 0 with few gaps, or none
EDGE = 0  # in a context: beyond the utterance


@dataclass(frozen=True)
class Leaf:
    """An answer: a pdf-id."""

    pdf: int


@dataclass(frozen=True)
class Table:
    """One child for each value of a key, None where the tree has no answer."""

    key: int
    children: tuple["Node | None", ...]


@dataclass(frozen=True)
class Split:
    """A question: whether the value of a key is one of `values`."""

    key: int
    values: tuple[int, ...]
    yes: "Node"
    no: "Node"


Node = Leaf | Table | Split


@dataclass(frozen=True)
class Tree:
    """A whole tree.

    Attributes:
        width: phones in a context, 1 or 3.
        central: the place of the phone itself, from 0.
    """

    width: int
    central: int
    root: Node

    @property
    def num_pdfs(self) -> int:
        """One more than the largest pdf-id."""
        return 1 + max(leaf.pdf for leaf in leaves(self.root))

    def pdf_ids(self, contexts: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Pdf-ids of many events at once.

        Args:
            contexts: phone ids [n, width], EDGE beyond an utterance.
            classes: pdf class [n] of each.

        Returns:
            int32 [n], -1 where the tree has no answer.
        """
        answers = np.full(len(classes), -1, np.int32)
        todo: list[tuple[Node | None, np.ndarray]] = [(self.root, np.arange(len(classes)))]
        while todo:
            node, rows = todo.pop()
            if node is None or not len(rows):
                continue
            if isinstance(node, Leaf):
                answers[rows] = node.pdf
                continue
            values = classes[rows] if node.key == PDF_CLASS else contexts[rows, node.key]
            if isinstance(node, Split):
                asked = np.isin(values, node.values)
                todo += [(node.yes, rows[asked]), (node.no, rows[~asked])]
            else:
                todo += [
                    (node.children[v], rows[values == v]) for v in np.unique(values) if 0 <= v < len(node.children)
                ]
        return answers

    def reachable(self, phone: int, pdf_class: int) -> list[int]:
        """Pdf-ids that a phone's pdf class can have in some context, ascending."""
        known = {self.central: phone, PDF_CLASS: pdf_class}
        pdfs, todo = set(), [self.root]
        while todo:
            node = todo.pop()
            if isinstance(node, Leaf):
                pdfs.add(node.pdf)
            elif isinstance(node, Split):
                value = known.get(node.key)
                if value is None or value in node.values:
                    todo.append(node.yes)
                if value is None or value not in node.values:
                    todo.append(node.no)
            elif node is not None:
                value = known.get(node.key)
                if value is None:
                    todo += node.children
                elif 0 <= value < len(node.children):
                    todo.append(node.children[value])
        return sorted(pdfs)

    def write_to(self, writer: BinaryWriter) -> None:
        """Kaldi's binary form."""
        writer.token("ContextDependency")
        writer.integer(self.width, self.central)
        writer.token("ToPdf")
        write_node(self.root, writer)
        writer.token("EndContextDependency")

    def write(self, path: str | Path) -> None:
        """Write Kaldi's `tree`."""
        writer = BinaryWriter()
        self.write_to(writer)
        writer.save(path)

    @classmethod
    def read(cls, path: str | Path) -> "Tree":
        """Read Kaldi's `tree`.

        Raises:
            ModelFileError: no tree in binary form.
        """
        return cls.read_from(open_model(path))

    @classmethod
    def read_from(cls, reader: BinaryReader) -> "Tree":
        """Read from before the tree."""
        reader.expect("ContextDependency")
        width, central = reader.integer(), reader.integer()
        reader.expect("ToPdf")
        try:
            root = read_node(reader)
        except RecursionError:
            raise reader.wrong("the tree is too deep") from None
        reader.expect("EndContextDependency")
        if root is None or not 0 <= central < width <= WIDEST:
            raise reader.wrong(f"the tree is empty, or of a context of {width} phones with {central} before the phone")
        if problem := problem_of_nodes(root, width):
            raise reader.wrong(problem)
        return cls(width, central, root)

    def for_library(self) -> kaldi_hmm_gmm.ContextDependency:
        """The same tree as an object of kaldi-hmm-gmm, which can be given one through its pickled state alone."""
        writer = BinaryWriter()
        self.write_to(writer)
        dependency = kaldi_hmm_gmm.ContextDependency.__new__(kaldi_hmm_gmm.ContextDependency)
        dependency.__setstate__((np.frombuffer(bytes(writer.content), np.int8).tolist(),))
        return dependency

    @classmethod
    def from_library(cls, dependency: kaldi_hmm_gmm.ContextDependency) -> "Tree":
        """The tree inside an object of kaldi-hmm-gmm."""
        content = np.array(dependency.__getstate__()[0], np.int8).tobytes()
        return cls.read_from(BinaryReader(content, "a tree of kaldi-hmm-gmm"))


def leaves(node: Node | None) -> Iterator[Leaf]:
    """All leaves under a node; one that is at several places comes several times."""
    todo = [node]
    while todo:
        node = todo.pop()
        if isinstance(node, Leaf):
            yield node
        elif isinstance(node, Split):
            todo += [node.no, node.yes]
        elif node is not None:
            todo += reversed(node.children)


def problem_of_nodes(root: Node, width: int) -> str | None:
    """A question on a place that contexts lack, or an answer that is no pdf-id; None for a valid tree."""
    pdfs, todo = set(), [root]
    while todo:
        node = todo.pop()
        if isinstance(node, Leaf):
            pdfs.add(node.pdf)
        elif node is not None:
            if node.key != PDF_CLASS and not 0 <= node.key < width:
                return f"a question about place {node.key} of a context of {width} phones"
            todo += [node.yes, node.no] if isinstance(node, Split) else node.children
    if pdfs and (min(pdfs) < 0 or max(pdfs) >= MOST_GAPS * len(pdfs) + FEWEST_PDFS):
        return f"{len(pdfs)} pdf-ids from {min(pdfs)} to {max(pdfs)}"
    return None if pdfs else "no pdf-id"


def write_node(node: Node | None, writer: BinaryWriter) -> None:
    """Write a node and its descendants as Kaldi's EventMap."""
    if node is None:
        writer.token("NULL")
    elif isinstance(node, Leaf):
        writer.token("CE")
        writer.integer(node.pdf)
    elif isinstance(node, Split):
        writer.token("SE")
        writer.integer(node.key)
        writer.integers(sorted(node.values))
        writer.token("{")
        write_node(node.yes, writer)
        write_node(node.no, writer)
        writer.token("}")
    else:
        writer.token("TE")
        writer.integer(node.key)
        writer.unsigned(len(node.children))
        writer.token("(")
        for child in node.children:
            write_node(child, writer)
        writer.token(")")


def read_node(reader: BinaryReader) -> Node | None:
    """Read a node and its descendants; raises a ModelFileError where a question lacks an answer."""
    kind = reader.expect("NULL", "CE", "SE", "TE")
    if kind == "NULL":
        return None
    if kind == "CE":
        return Leaf(reader.integer())
    key = reader.integer()
    if kind == "TE":
        count = reader.unsigned()
        reader.expect("(")
        table = Table(key, tuple(read_node(reader) for _ in range(count)))
        reader.expect(")")
        return table
    values = tuple(reader.integers())
    reader.expect("{")
    yes, no = read_node(reader), read_node(reader)
    if yes is None or no is None:
        raise ModelFileError(f"{reader.name}: byte {reader.at}: a question without answers; the tree is corrupt")
    reader.expect("}")
    return Split(key, values, yes, no)


def monophone_tree(sets: list[list[int]], classes: dict[int, int]) -> Tree:
    """The tree without context: one pdf for each set of phones and pdf class.

    Args:
        sets: phones that share their pdfs.
        classes: phone -> number of its pdf classes, the same within a set.
    """
    children: list[Node | None] = [None] * (1 + max(max(phones) for phones in sets))
    used = 0
    for phones in sets:
        count = classes[phones[0]]
        states = Table(PDF_CLASS, tuple(Leaf(used + number) for number in range(count)))
        for phone in phones:
            children[phone] = states
        used += count
    return Tree(1, 0, Table(0, tuple(children)))
