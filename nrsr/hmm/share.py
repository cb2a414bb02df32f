"""A share of the utterances in one process: features, training graphs and alignments, held through a training."""

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nrsr.data.features import FeatureSettings
from nrsr.hmm.aligner import Aligner, Beams, even_alignment, reason_of_failure
from nrsr.hmm.alignments import convert
from nrsr.hmm.gmm import Gmm
from nrsr.hmm.gmm_features import GmmFeatures, transformed
from nrsr.hmm.gmm_statistics import GmmStatistics, accumulate
from nrsr.hmm.lda import LdaStatistics, accumulate_lda
from nrsr.hmm.mllt import MlltStatistics, accumulate_mllt
from nrsr.hmm.training_graphs import Graph, GraphCompiler
from nrsr.hmm.transitions import Transitions
from nrsr.hmm.tree import Tree
from nrsr.hmm.tree_statistics import TreeStatistics, accumulate_tree
from nrsr.kaldi.tables import open_table
from nrsr.signal import cmvn

SEEDS = 1 << 20  # of even alignments, different for each utterance
INT32 = 1 << 31  # seeds of the library lie below


@dataclass(frozen=True)
class ShareSpec:
    """The description of a share, which is sent to its process.

    Attributes:
        data: data directory with feats.scp.
        features: how they are normalised and which deltas they get.
        utterances: id -> words as numbers.
        lexicon: path of L.fst.
        disambiguation: phones that stand for no sound.
        silence: phones that do not count for LDA and MLLT.
        transform: the model's, if the features are spliced and transformed.
    """

    data: Path
    features: FeatureSettings
    utterances: dict[str, list[int]]
    lexicon: Path
    disambiguation: list[int]
    silence: list[int]
    transform: np.ndarray | None = None


class Share:
    """Utterances of one process, one behind the other in one array of float32 (dimension x 4 bytes a frame)."""

    def __init__(self, spec: ShareSpec):
        self.spec = spec
        self.names = list(spec.utterances)
        stored = GmmFeatures(spec.data, spec.features, spec.transform)
        parts = [stored.normalised(name) for name in self.names]
        sizes = np.array([len(part) for part in parts], np.int64)
        empty = np.zeros((0, stored.stored_dim), np.float32)
        self.features = stored.with_deltas(np.concatenate([empty, *parts]), sizes)
        self.starts = np.concatenate([[0], np.cumsum(sizes)])
        self.ids = np.zeros(len(self.features), np.int32)  # transition-ids, 0 where an utterance is not aligned
        self.graphs: list[Graph | None] = []
        self.failed: dict[int, str] = {}  # number of an utterance -> why it is not aligned

    def moments(self) -> np.ndarray:
        """Sums, sums of squares and count of all frames, [2, D + 1] as CMVN statistics."""
        return cmvn.accumulate(self.features)

    def compile(self, transitions: Transitions, tree: Tree) -> None:
        """Make the training graphs of a model."""
        self.transitions, self.tree = transitions, tree
        compiler = GraphCompiler(transitions, tree, self.spec.lexicon, self.spec.disambiguation)
        self.graphs = [compiler(self.spec.utterances[name]) for name in self.names]

    def align_evenly(self, seed: int) -> None:
        """Give each utterance an even alignment."""
        for number, graph in enumerate(self.graphs):
            frames = int(self.starts[number + 1] - self.starts[number])
            # Of the name, so that the alignment does not depend on the number of processes.
            draw = (seed + zlib.crc32(self.names[number].encode()) % SEEDS) % INT32
            self._set(number, even_alignment(graph, frames, draw) if graph is not None else None, Beams())

    def align(self, gmm: Gmm, log_probs: np.ndarray, beams: Beams) -> int:
        """Align anew; those that fail keep no alignment. Returns how many needed the wider beam."""
        aligner = Aligner(self.transitions.with_log_probs(log_probs), self.tree, gmm, beams)
        retried = 0
        for number, graph in enumerate(self.graphs):
            ids = None
            if graph is not None:
                ids, again = aligner(graph, self.features[self.starts[number] : self.starts[number + 1]])
                retried += again
            self._set(number, ids, beams)
        return retried

    def _set(self, number: int, ids: np.ndarray | None, beams: Beams) -> None:
        start, end = self.starts[number : number + 2]
        self.failed.pop(number, None)
        self.ids[start:end] = 0 if ids is None else ids
        if ids is None:
            graph = self.graphs[number]
            lost = "its words have no way through the lexicon"
            self.failed[number] = lost if graph is None else reason_of_failure(graph, int(end - start), beams)

    def take(self, table: str | Path) -> int:
        """Take alignments of another model from an scp, of the utterances that have one of the right length.

        Returns how many have.
        """
        alignments = open_table(table)
        for number, name in enumerate(self.names):
            start, end = self.starts[number : number + 2]
            ids = alignments.get(name)
            self.failed.pop(number, None)
            fits = ids is not None and len(ids) == end - start
            self.ids[start:end] = ids if fits else 0
            if not fits:
                what = (
                    "no alignment" if ids is None else f"{len(ids)} frames in its alignment, {end - start} in features"
                )
                self.failed[number] = what
        return len(self.names) - len(self.failed)

    def lda_statistics(self, transitions: Transitions, context: int) -> LdaStatistics:
        """Statistics of spliced frames and their pdfs, from alignments to `transitions`."""
        rows = self._spoken(transitions)
        pdfs = transitions.pdf[self.ids[rows]]
        return accumulate_lda(self.features, np.diff(self.starts), context, rows, pdfs, transitions.num_pdfs)

    def transform(self, matrix: np.ndarray) -> None:
        """Splice and transform the features."""
        self.features = transformed(self.features, np.diff(self.starts), matrix)

    def mllt_statistics(self, gmm: Gmm) -> MlltStatistics:
        """Statistics of the features as they are."""
        rows = self._spoken(self.transitions)
        return accumulate_mllt(gmm, self.features[rows], self.transitions.pdf[self.ids[rows]])

    def multiply(self, matrix: np.ndarray) -> None:
        """Transform the features frame by frame."""
        self.features = self.features @ matrix.T.astype(np.float32)

    def _spoken(self, transitions: Transitions) -> np.ndarray:
        """Numbers of the aligned frames that are not silence."""
        return np.flatnonzero((self.ids > 0) & ~np.isin(transitions.phone[self.ids], self.spec.silence))

    def statistics(self, gmm: Gmm) -> GmmStatistics:
        """EM statistics of all aligned frames."""
        rows = self.ids > 0
        features, ids = (self.features, self.ids) if rows.all() else (self.features[rows], self.ids[rows])
        return accumulate(gmm, features, self.transitions.pdf[ids], ids, self.transitions.num_ids)

    def tree_statistics(self, transitions: Transitions, without_context: list[int]) -> TreeStatistics:
        """Statistics of triphones, from alignments to `transitions`."""
        rows = self.ids > 0
        return accumulate_tree(
            transitions, self.features[rows], self.ids[rows], self._bounds()[rows], np.array(without_context)
        )

    def convert(self, old: Transitions) -> None:
        """Turn alignments to a former model into those to the model of the graphs, as Kaldi's convert-ali."""
        rows = self.ids > 0
        self.ids[rows] = convert(self.ids[rows], self._bounds()[rows], old, self.transitions, self.tree)

    def _bounds(self) -> np.ndarray:
        """Number of the utterance of each frame."""
        return np.repeat(np.arange(len(self.names)), np.diff(self.starts))

    def count_failed(self) -> int:
        """How many utterances are not aligned."""
        return len(self.failed)

    def alignments(self) -> tuple[dict[str, np.ndarray], dict[str, str]]:
        """Transition-ids of the aligned utterances, and why the others are not."""
        kept = {
            name: self.ids[self.starts[number] : self.starts[number + 1]]
            for number, name in enumerate(self.names)
            if number not in self.failed
        }
        return kept, {self.names[number]: why for number, why in sorted(self.failed.items())}
