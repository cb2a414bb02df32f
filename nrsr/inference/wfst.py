"""WFST decoding: log-likelihoods of pdfs searched through a decoding graph for the best words (token passing)."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import kaldi_hmm_gmm
import kaldifst
import numpy as np

from nrsr.errors import NrsrError
from nrsr.hmm.graph_folder import Graph


class WfstError(NrsrError):
    """Scores that do not fit the graph, or settings that cannot be; names the utterance and the cure."""


MOST = 2**31 - 1  # states that the library can count


@dataclass(frozen=True)
class WfstSettings:
    """How to search.

    Attributes:
        acoustic_scale: factor of the log-likelihoods against the graph's costs; 0.1 is usual, to be tuned.
        beam: largest cost over the best path's at which a path is kept.
        max_active: most paths kept.
    """

    acoustic_scale: float = 0.1
    beam: float = 13.0
    max_active: int = 7000

    def __post_init__(self) -> None:
        if not (self.acoustic_scale > 0 and self.beam > 0 and 1 < self.max_active <= MOST):
            raise WfstError(
                f"{self}: scale and beam must be above 0, max_active from 2 to {MOST}; Kaldi takes 0.1, 13 and 7000"
            )


class WfstResult(NamedTuple):
    """The best path of an utterance.

    Attributes:
        words: with spaces between them.
        final: whether the path ends where the grammar allows; otherwise it is the best unfinished one.
        cost: of the path, acoustics scaled; infinite where nothing was found.
        pdfs: pdf-id of each frame, int32 [frames].
    """

    words: str
    final: bool
    cost: float
    pdfs: np.ndarray


class WfstDecoder:
    """Decodes utterances one after the other in this process.

    The library's FasterDecoder: one best path, no lattice; on digit strings 3 to 4 times as fast as
    LatticeFasterDecoder.
    """

    def __init__(self, graph: str | Path | Graph, settings: WfstSettings = WfstSettings()):
        """Raises FstError or ListError where the graph folder is missing or broken."""
        self._graph = graph if isinstance(graph, Graph) else Graph.load(graph)
        self.settings = settings
        options = kaldi_hmm_gmm.FasterDecoderOptions(beam=settings.beam, max_active=settings.max_active)
        self._decoder = kaldi_hmm_gmm.FasterDecoder(self._graph.fst, options)

    def __call__(self, scores: np.ndarray, name: str = "scores", acoustic_scale: float | None = None) -> WfstResult:
        """The best words of an utterance.

        Args:
            scores: log-likelihoods [frames, pdfs], natural logarithms (of a network: log posterior - log prior).
            name: the utterance, for messages.
            acoustic_scale: in place of that of the settings.

        Raises:
            WfstError: another number of pdfs than the model has, or scores that are not finite.
        """
        pdfs = self._graph.num_pdfs
        if scores.ndim != 2 or scores.shape[1] != pdfs:
            raise WfstError(f"{name}: has scores {scores.shape}, the graph is for [frames, {pdfs}]; use its own model")
        if not np.isfinite(scores).all():
            raise WfstError(
                f"{name}: has scores that are not finite; give every pdf a prior above 0 and check the model"
            )
        if not len(scores):
            return WfstResult("", False, np.inf, np.zeros(0, np.int32))
        scale = self.settings.acoustic_scale if acoustic_scale is None else acoustic_scale
        scaled = np.float32(scale) * scores.astype(np.float32, copy=False)
        self._decoder.decode(kaldi_hmm_gmm.DecodableCtc(scaled))  # it takes column `label - 1`, which is the pdf-id
        final = self._decoder.reached_final()
        ok, path = self._decoder.get_best_path()
        if not ok:
            return WfstResult("", False, np.inf, np.zeros(0, np.int32))
        _, labels, words, weight = kaldifst.get_linear_symbol_sequence(path)
        text = " ".join(self._graph.words[word] for word in words)
        return WfstResult(text, final, weight.value1 + weight.value2, np.array(labels, np.int32) - 1)
