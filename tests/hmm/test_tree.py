"""Trees, topologies and transitions: Kaldi's binary forms, and the same answers as the library gives."""

import itertools

import kaldi_hmm_gmm
import kaldifst
import numpy as np
import pytest

from nrsr.hmm.topology import Topology, TopologyError
from nrsr.hmm.transitions import Transitions, transitions_of
from nrsr.hmm.tree import PDF_CLASS, Leaf, Split, Table, Tree, monophone_tree
from nrsr.kaldi.binary import BinaryReader, BinaryWriter, ModelFileError
from nrsr.kaldi.topo import topology_text

SILENCE, PHONES = 1, [2, 3, 4]
TOPOLOGY = Topology.from_text(topology_text(PHONES, [SILENCE], silence_states=5), "topo")


def triphone_tree() -> Tree:
    """Silence without context; of the others phone 2 alone, and 3 and 4 sharing a root."""
    silence = Table(PDF_CLASS, tuple(Leaf(pdf) for pdf in range(5)))
    first = Split(PDF_CLASS, (0,), Split(0, (0, 1), Leaf(5), Leaf(6)), Split(2, (3, 4), Leaf(7), Leaf(8)))
    shared = Split(2, (2,), Leaf(9), Split(1, (3,), Split(PDF_CLASS, (0, 1), Leaf(10), Leaf(11)), Leaf(7 + 5)))
    rest = Split(1, (2,), first, shared)
    return Tree(3, 1, Split(1, (SILENCE,), silence, rest))


def contexts_and_classes() -> tuple[np.ndarray, np.ndarray]:
    everywhere = [0, SILENCE, *PHONES]
    events = [
        (left, phone, right, number)
        for left, phone, right in itertools.product(everywhere, [SILENCE, *PHONES], everywhere)
        for number in range(TOPOLOGY.classes(phone))
    ]
    events = np.array(events)
    return events[:, :3], events[:, 3]


def library_answers(tree: Tree, transitions: Transitions) -> dict[tuple[int, ...], set[int]]:
    """Pdf-ids of each context in the H transducer that the library makes of the tree."""
    windows = sorted({tuple(context.tolist()) for context in contexts_and_classes()[0]})
    model = transitions.for_library(tree)
    options = kaldi_hmm_gmm.HTransducerConfig()
    h, _ = kaldi_hmm_gmm.get_h_transducer([[], *map(list, windows)], tree.for_library(), model, options)
    found: dict[tuple[int, ...], set[int]] = {}
    for start in kaldifst.ArcIterator(h, h.start):
        window = windows[start.olabel - 1]
        todo, seen, pdfs = [start], set(), set()
        while todo:
            arc = todo.pop()
            if arc.ilabel:
                pdfs.add(int(transitions.pdf[arc.ilabel]))
            if arc.nextstate not in seen and arc.nextstate != h.start:
                seen.add(arc.nextstate)
                todo += list(kaldifst.ArcIterator(h, arc.nextstate))
        found[window] = pdfs
    return found


def round_trip(tree: Tree, tmp_path) -> Tree:
    tree.write(tmp_path / "tree")
    return Tree.read(tmp_path / "tree")


def test_a_tree_is_read_as_it_was_written(tmp_path):
    tree = triphone_tree()
    assert round_trip(tree, tmp_path) == tree
    assert Tree.from_library(tree.for_library()) == tree
    assert tree.num_pdfs == 13
    tree.for_library().write(True, str(tmp_path / "theirs"))
    assert (tmp_path / "theirs").read_bytes() == (tmp_path / "tree").read_bytes()


def test_the_library_gives_the_same_pdf_ids_for_every_context(tmp_path):
    tree = round_trip(triphone_tree(), tmp_path)
    contexts, classes = contexts_and_classes()
    pdfs = tree.pdf_ids(contexts, classes)
    assert pdfs.min() >= 0 and set(pdfs.tolist()) == set(range(13))
    ours: dict[tuple[int, ...], set[int]] = {}
    for context, pdf in zip(contexts.tolist(), pdfs.tolist(), strict=True):
        ours.setdefault(tuple(context), set()).add(pdf)
    assert library_answers(tree, transitions_of(tree, TOPOLOGY)) == ours


def test_monophone_trees_are_the_librarys():
    classes = {phone: TOPOLOGY.classes(phone) for phone in TOPOLOGY.phones}
    theirs = kaldi_hmm_gmm.monophone_context_dependency([1, 2, 3, 4], [-1, 5, 3, 3, 3])
    assert Tree.from_library(theirs) == monophone_tree([[1], [2], [3], [4]], classes)
    shared = monophone_tree([[1], [2, 3], [4]], classes)
    assert shared.num_pdfs == 11
    assert shared.pdf_ids(np.array([[2], [3]]), np.array([1, 1])).tolist() == [6, 6]


def test_a_tree_has_no_answer_for_an_unknown_phone():
    tree = monophone_tree([[1], [2]], {1: 5, 2: 3})
    assert tree.pdf_ids(np.array([[3], [-1], [2]]), np.array([0, 0, 2])).tolist() == [-1, -1, 7]
    with pytest.raises(ModelFileError, match="no pdf for phone 3"):
        transitions_of(tree, TOPOLOGY)


def test_transition_ids_are_the_librarys():
    tree = triphone_tree()
    transitions = transitions_of(tree, TOPOLOGY)
    model = transitions.for_library(tree)  # checks the pdf-ids
    assert model.num_transition_states == len(transitions.tuples)
    assert list(model.state2id)[1:] == transitions.first[1:].tolist()
    assert list(model.id2state)[1:] == transitions.state[1:].tolist()
    np.testing.assert_allclose(model.log_probs, transitions.log_probs, atol=1e-6)
    # What Kaldi's own writing code gives in text form.
    words = str(model).split()
    first = words.index("<Triples>")
    assert " ".join(words[:first]) == "<TransitionModel> " + " ".join(transitions.topology.text().split())
    triples = [int(word) for word in words[first + 2 : words.index("</Triples>")]]
    assert triples == [number for row in transitions.tuples for number in row[:3]]


def test_probabilities_of_transitions_are_the_librarys():
    tree = triphone_tree()
    transitions = transitions_of(tree, TOPOLOGY)
    counts = np.random.default_rng(0).integers(0, 12, transitions.num_ids + 1).astype(float)
    counts[0] = 0
    model = transitions.for_library(tree)
    model.mle_update(counts, kaldi_hmm_gmm.MleTransitionUpdateConfig())
    ours = transitions.updated(counts)
    np.testing.assert_allclose(ours.log_probs[1:], np.array(model.log_probs)[1:], atol=1e-5)
    theirs, handed = model.__getstate__(), ours.for_library(tree).__getstate__()
    np.testing.assert_allclose(theirs[6], handed[6], atol=1e-5)
    np.testing.assert_allclose(theirs[7], handed[7], atol=1e-4)  # what is left beside the self-loops


def test_ids_of_transitions_are_found_by_what_they_are():
    transitions = transitions_of(triphone_tree(), TOPOLOGY)
    ids = np.arange(1, transitions.num_ids + 1)
    args = [array[ids] for array in (transitions.phone, transitions.hmm_state, transitions.pdf, transitions.index)]
    assert transitions.ids_of(*args).tolist() == ids.tolist()
    nowhere = np.array([4]), np.array([2]), np.array([0]), np.array([0])
    assert transitions.ids_of(*nowhere).tolist() == [0]


def test_transitions_are_read_as_they_were_written():
    transitions = transitions_of(triphone_tree(), TOPOLOGY)
    writer = BinaryWriter()
    transitions.write_to(writer)
    again = Transitions.read_from(BinaryReader(bytes(writer.content), "x.mdl"))
    assert again.tuples == transitions.tuples
    assert again.topology.text() == transitions.topology.text()
    np.testing.assert_allclose(again.log_probs, transitions.log_probs, atol=1e-6)


def test_a_topology_with_thirds_equals_the_one_of_its_model():
    topology = Topology.from_text(topology_text([2], [1], silence_states=4), "topo")
    writer = BinaryWriter()
    topology.write_binary(writer)
    assert Topology.read_binary(BinaryReader(bytes(writer.content), "x.mdl")).text() == topology.text()


def test_topologies_of_chain_models_are_read_but_not_trained():
    text = (
        "<Topology> <TopologyEntry> <ForPhones> 1 2 </ForPhones> <State> 0 <ForwardPdfClass> 0 <SelfLoopPdfClass> 1 "
        "<Transition> 0 0.5 <Transition> 1 0.5 </State> <State> 1 </State> </TopologyEntry> </Topology>"
    )
    topology = Topology.from_text(text, "topo")
    writer = BinaryWriter()
    topology.write_binary(writer)
    again = Topology.read_binary(BinaryReader(bytes(writer.content), "x.mdl"))
    assert again.entries == topology.entries and again.classes(1) == 2 and not again.is_simple()
    with pytest.raises(ModelFileError, match="chain model"):
        transitions_of(monophone_tree([[1], [2]], {1: 2, 2: 2}), topology)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no topology"),
        ("<Topology> <TopologyEntry> <ForPhones> 1 </ForPhones> </Topology>", "is no topology"),
        (topology_text([2], [1]).replace("<PdfClass> 1", "<PdfClass> 7"), "pdf classes"),
        (topology_text([2], [1]).replace("<Transition> 3 0.25", "<Transition> 9 0.25"), "leads to no state"),
        (topology_text([2], [1]).replace("\n2\n", "\n1\n"), "phone 1 is in two entries"),
    ],
)
def test_bad_topologies_are_named(text, problem):
    with pytest.raises(TopologyError, match=problem):
        Topology.from_text(text, "lang/topo")


def test_broken_trees_are_named(tmp_path):
    path = tmp_path / "tree"
    triphone_tree().write(path)
    whole = path.read_bytes()
    for number in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:number])
        with pytest.raises(ModelFileError, match="tree"):
            Tree.read(path)
    path.write_bytes(b"ContextDependency 1 0 ToPdf TE 0 2 ( NULL CE 0 ) EndContextDependency")
    with pytest.raises(ModelFileError, match="is no binary file"):
        Tree.read(path)


@pytest.mark.parametrize(
    ("tree", "what"),
    [
        (Tree(10**9, 0, Leaf(0)), "a context of 1000000000 phones"),
        (Tree(3, 1, Split(7, (1,), Leaf(0), Leaf(1))), "a question about place 7 of a context of 3 phones"),
        (Tree(3, 1, Table(1, (Leaf(0), Leaf(2000000000)))), "2 pdf-ids from 0 to 2000000000"),
        (Tree(3, 1, Split(1, (1,), Leaf(0), Leaf(-1))), "2 pdf-ids from -1 to 0"),
        (Tree(3, 1, Table(1, (None, None))), "no pdf-id"),
    ],
)
def test_trees_that_cannot_be_are_refused(tmp_path, tree, what):
    tree.write(tmp_path / "tree")
    with pytest.raises(ModelFileError, match=what):
        Tree.read(tmp_path / "tree")
