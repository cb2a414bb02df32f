"""HCLG, the decoding graph: grammar, lexicon, context and HMMs composed, after Mohri, Pereira and Riley (2008)."""

from collections.abc import Sequence
from dataclasses import dataclass

import kaldi_hmm_gmm
import kaldifst

from nrsr.hmm.fst_content import FstError
from nrsr.hmm.transitions import Transitions
from nrsr.hmm.tree import Tree
from nrsr.kaldi.lang import Lang

FEWEST_STATES, MOST_GROWTH = 100_000, 20  # beyond both, determinisation is given up: it would not end


@dataclass(frozen=True)
class GraphOptions:
    """Scales of a graph's probabilities, Kaldi's by default.

    Attributes:
        transition_scale: of the logarithms of transitions that leave a state.
        self_loop_scale: of those of self-loops, and of leaving a state at all.
    """

    transition_scale: float = 1.0
    self_loop_scale: float = 0.1


def decoding_graph(
    lexicon: kaldifst.StdVectorFst,
    grammar: kaldifst.StdVectorFst,
    lang: Lang,
    tree: Tree,
    transitions: Transitions,
    options: GraphOptions = GraphOptions(),
) -> kaldifst.StdVectorFst:
    """Compose a decoding graph from transition-ids to words, self-loops behind the transitions into a state.

    The steps are those of Kaldi's mkgraph.sh. Weights are not pushed (push-special there): that changes no path's cost,
    only how early the search can prune, and the library lacks it.

    Args:
        lexicon: L_disambig.fst, arcs sorted by word.
        grammar: G, arcs sorted by input word.

    Raises:
        FstError: no sentence of the grammar can be said.
    """
    words = kaldifst.compose(lexicon, grammar)
    _refuse_empty(words, "lexicon and grammar")
    determinise(words, "lexicon and grammar")
    kaldifst.minimize_encoded(words)
    kaldifst.arcsort(words, sort_type="ilabel")
    contexts, windows = kaldifst.compose_context(lang.disambiguation, tree.width, tree.central, words)
    kaldifst.arcsort(contexts, sort_type="ilabel")
    model = transitions.for_library(tree)
    config = kaldi_hmm_gmm.HTransducerConfig(transition_scale=options.transition_scale)
    hmms, disambiguation = kaldi_hmm_gmm.get_h_transducer(windows, tree.for_library(), model, config)
    graph = kaldifst.compose(hmms, contexts)
    _refuse_empty(graph, "HMMs and lexicon")
    determinise(graph, "HMMs, lexicon and grammar")
    _erase(graph, disambiguation)
    kaldifst.minimize_encoded(graph)
    return kaldi_hmm_gmm.add_self_loops(options.self_loop_scale, [], True, model, graph)


def _refuse_empty(fst: kaldifst.StdFst, what: str) -> None:
    if fst.start < 0:
        raise FstError(f"{what} accept no common sentence; make the lang folder, the grammar and the model fit")


def determinise(fst: kaldifst.StdVectorFst, what: str) -> None:
    """Remove epsilons and determinise in place, adding probabilities of equal paths.

    Raises:
        FstError: one input has several outputs, as when disambiguation symbols are missing.
    """
    most = max(FEWEST_STATES, MOST_GROWTH * fst.num_states)
    try:
        endless = kaldifst.determinize_star(fst, max_states=most, use_log=True)
    except RuntimeError:  # what the library says of it spans lines and names its own sources
        raise FstError(
            f"{what} cannot be determinised: words that sound alike lack disambiguation symbols, or the grammar"
            " accepts a sentence in several ways; make the lang folder and the grammar with nrsr"
        ) from None
    if endless:
        raise FstError(f"{what} grow beyond {most} states when they are determinised; make the lang folder anew")


def _erase(fst: kaldifst.StdVectorFst, labels: Sequence[int]) -> None:
    """Put epsilon in the place of input labels, which are the highest; the library has no rmsymbols."""
    if not labels:
        return
    first = min(labels)
    for state in kaldifst.StateIterator(fst):
        for arc in kaldifst.ArcIterator(fst, state):
            if arc.ilabel >= first:
                arc.ilabel = 0
