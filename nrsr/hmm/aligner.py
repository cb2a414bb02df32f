"""Forced alignment of one utterance: the best way through its training graph, as transition-ids."""

from dataclasses import dataclass

import kaldi_hmm_gmm
import kaldifst
import numpy as np

from nrsr.hmm.gmm import Gmm
from nrsr.hmm.training_graphs import Graph, shortest_length, with_probabilities
from nrsr.hmm.transitions import Transitions
from nrsr.hmm.tree import Tree
from nrsr.kaldi.binary import ModelFileError

ACOUSTIC_SCALE = 0.1  # Kaldi's, of log likelihoods beside the log probabilities of the graph
RETRIES = 10  # of the random way that a first, even alignment takes


@dataclass(frozen=True)
class Beams:
    """Beams of the search (differences in cost): the first, and that of a second try where no path reached the end."""

    beam: float = 10.0
    retry_beam: float = 40.0


class Aligner:
    """Searches with the mixtures of one model.

    The library's decoder asks for likelihoods of the pdfs inside the beam alone, which costs less than scoring all.
    """

    def __init__(self, transitions: Transitions, tree: Tree, gmm: Gmm, beams: Beams):
        self._transitions = transitions.for_library(tree)
        self._gmm = gmm.for_library()
        self._beams = beams

    def __call__(self, graph: Graph, features: np.ndarray) -> tuple[np.ndarray | None, bool]:
        """Align features [N, D] to a graph.

        Raises:
            ModelFileError: likelihoods overflow.

        Returns:
            transition-ids [N], or None where no way reached the end; and whether the wider beam was needed.
        """
        graph = with_probabilities(graph, self._transitions)
        scores = kaldi_hmm_gmm.DecodableAmDiagGmmScaled(self._gmm, self._transitions, features, ACOUSTIC_SCALE)
        decoder = kaldi_hmm_gmm.FasterDecoder(graph, kaldi_hmm_gmm.FasterDecoderOptions(beam=self._beams.beam))
        try:
            decoder.decode(scores)
            retried = not decoder.reached_final()
            if retried:
                decoder.set_options(kaldi_hmm_gmm.FasterDecoderOptions(beam=self._beams.retry_beam))
                decoder.decode(scores)
        except RuntimeError:  # a failed check of the library
            raise ModelFileError("likelihoods are not finite; the features or the mixtures are broken") from None
        if not decoder.reached_final():
            return None, True
        _, path = decoder.get_best_path()
        return ids_of_path(path, len(features)), retried


def even_alignment(graph: Graph, frames: int, seed: int) -> np.ndarray | None:
    """Transition-ids [frames] of a random way through a graph, its states lasting about equally long; None if too long.

    Kaldi's start for a model that knows nothing.
    """
    ok, path = kaldifst.equal_align(graph, frames, seed, RETRIES)
    return ids_of_path(path, frames) if ok else None


def ids_of_path(path: kaldifst.StdVectorFst | kaldifst.Lattice, frames: int) -> np.ndarray | None:
    """Transition-ids [frames] of a linear FST, or None if it is empty or of another length."""
    ok, ids, _, _ = kaldifst.get_linear_symbol_sequence(path)
    return np.array(ids, np.int32) if ok and len(ids) == frames else None


def reason_of_failure(graph: Graph, frames: int, beams: Beams) -> str:
    """Why an utterance was not aligned, for the user."""
    needed = shortest_length(graph)
    if needed is None or frames < needed:
        return f"{frames} frames are too short for the {needed} states of its HMM"
    return f"no way reached the end within the beam of {beams.retry_beam:g}; its transcript is perhaps wrong"
