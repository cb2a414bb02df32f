"""Training graphs: for each transcript, every way to say it as a transducer of transition-ids."""

import math
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import kaldi_hmm_gmm
import kaldifst

from nrsr.hmm.fst_files import read_fst
from nrsr.hmm.transitions import Transitions
from nrsr.hmm.tree import Tree
from nrsr.kaldi.symbols import read_symbols

TRANSITION_SCALE, SELF_LOOP_SCALE = 1.0, 0.1  # Kaldi's, of the log probabilities in a graph that is searched
Graph = kaldifst.StdVectorFst


class GraphCompiler:
    """Makes graphs without the probabilities of transitions, which change in training.

    Args:
        lexicon: path of L.fst in its lang folder.
        disambiguation: phones that stand for no sound; none of them is in L.fst.
    """

    def __init__(self, transitions: Transitions, tree: Tree, lexicon: str | Path, disambiguation: Sequence[int]):
        phones = {*transitions.topology.phones, *disambiguation}
        words = read_symbols(Path(lexicon).with_name("words.txt")).values()
        fst = read_fst(lexicon, inputs=phones, outputs=words)
        # The library's compiler keeps references to these, and changes the lexicon it is given.
        self._parts = (
            transitions.for_library(tree),
            tree.for_library(),
            Graph(fst),
        )
        options = kaldi_hmm_gmm.TrainingGraphCompilerOptions(transition_scale=0.0, self_loop_scale=0.0)
        self._compiler = kaldi_hmm_gmm.TrainingGraphCompiler(*self._parts, list(disambiguation), options)

    def __call__(self, words: Sequence[int]) -> Graph | None:
        """The graph of a transcript; None where the lexicon has no way to say it."""
        try:
            graph = self._compiler.compile_graph_from_text(list(words))
        except RuntimeError:  # a failed check of the library: composing L with the words gave nothing
            return None
        return graph if graph.num_states and graph.start >= 0 else None


def with_probabilities(graph: Graph, model: kaldi_hmm_gmm.TransitionModel) -> Graph:
    """A copy with the probabilities of transitions, as it is searched."""
    graph = graph.copy()
    kaldi_hmm_gmm.add_transition_probs(
        trans_model=model, transition_scale=TRANSITION_SCALE, self_loop_scale=SELF_LOOP_SCALE, fst=graph
    )
    return graph


def shortest_length(graph: Graph) -> int | None:
    """Frames of the shortest way through a graph; None where no way leads to its end."""
    distance = {graph.start: 0}
    todo = deque([graph.start])
    while todo:
        state = todo.popleft()
        if math.isfinite(graph.final(state).value):
            return distance[state]
        for arc in kaldifst.ArcIterator(graph, state):
            length = distance[state] + (arc.ilabel != 0)
            if length < distance.get(arc.nextstate, length + 1):
                distance[arc.nextstate] = length
                if arc.ilabel:
                    todo.append(arc.nextstate)
                else:
                    todo.appendleft(arc.nextstate)
    return None
