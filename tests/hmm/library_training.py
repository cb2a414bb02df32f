"""Monophones trained with the library's own statistics, updates and aligner, frame by frame.

Of our EM they take only how many Gaussians each pdf gets.
"""

from pathlib import Path

import kaldi_hmm_gmm
import kaldifst
import numpy as np

from nrsr.data.features import FeatureSettings, StoredFeatures
from nrsr.hmm.gmm import single_gaussians
from nrsr.hmm.gmm_update import split_targets
from nrsr.hmm.topology import Topology
from nrsr.hmm.training_graphs import GraphCompiler
from nrsr.hmm.transitions import transitions_of
from nrsr.hmm.tree import monophone_tree
from nrsr.kaldi.lang import Lang
from nrsr.kaldi.lists import read_list

ALL = int(kaldi_hmm_gmm.GmmUpdateFlags.kGmmAll.value)
Segments = list[tuple[int, int, int]]  # phone, first frame, one past the last frame


class LibraryTraining:
    """Graphs, features and model of one training.

    The topology, the tree and the training graphs are made as ours are; what learns is the library's.
    """

    def __init__(self, data: Path, lang_folder: Path, settings: FeatureSettings):
        lang = Lang.load(lang_folder)
        stored = StoredFeatures(data, settings)
        topology = Topology.from_text(lang.topo, f"{lang_folder}/topo")
        tree = monophone_tree(lang.sets, {phone: topology.classes(phone) for phone in topology.phones})
        transitions = transitions_of(tree, topology)
        compiler = GraphCompiler(transitions, tree, lang_folder / "L.fst", lang.disambiguation)
        texts = read_list(data / "text")
        self.graphs = {name: compiler([lang.words[word] for word in text.split()]) for name, text in texts.items()}
        self.features = {name: stored[name] for name in texts}
        frames = np.concatenate(list(self.features.values()))
        shape = (tree.num_pdfs, 1)
        self.gmm = single_gaussians(np.tile(frames.mean(0), shape), np.tile(frames.var(0), shape)).for_library()
        self.model = transitions.for_library(tree)
        even = (evenly(graph, len(self.features[name]), seed) for seed, (name, graph) in enumerate(self.graphs.items()))
        self.ids = dict(zip(self.graphs, even, strict=True))

    def update(self, gaussians: int, min_occupancy: float) -> None:
        """One M-step over the present alignments."""
        sums, transition_sums = kaldi_hmm_gmm.AccumAmDiagGmm(), self.model.init_stats()
        sums.init(self.gmm, ALL)
        for name, ids in self.ids.items():
            for frame, number in zip(self.features[name], ids, strict=True):
                sums.accumulate_for_gmm(self.gmm, frame, self.model.transition_id_to_pdf(number), 1.0)
            for number in ids:
                transition_sums[number] += 1
        occupancy = [sums.get_acc(pdf).occupancy.sum() for pdf in range(self.gmm.num_pdfs)]
        options = kaldi_hmm_gmm.MleDiagGmmOptions()
        options.min_gaussian_occupancy = min_occupancy
        kaldi_hmm_gmm.mle_am_diag_gmm_update(options, sums, ALL, self.gmm)
        self.model.mle_update(transition_sums, kaldi_hmm_gmm.MleTransitionUpdateConfig())
        rng = np.random.default_rng(gaussians)
        for pdf, size in enumerate(split_targets(np.array(occupancy), gaussians, 0.25)):
            grow(self.gmm.get_pdf(pdf), int(size), rng)

    def align(self, beam: float) -> None:
        config = kaldi_hmm_gmm.AlignConfig()
        config.beam, config.retry_beam = beam, 40.0
        for name, graph in self.graphs.items():
            searched = graph.copy()
            kaldi_hmm_gmm.add_transition_probs(
                trans_model=self.model, transition_scale=1.0, self_loop_scale=0.1, fst=searched
            )
            scores = kaldi_hmm_gmm.DecodableAmDiagGmmScaled(self.gmm, self.model, self.features[name], 0.1)
            found = kaldi_hmm_gmm.align_utterance_wrapper(config, name, 0.1, searched, scores, 0, 0, 0, 0.0, 0)
            assert found[0] == 1, f"{name} was not aligned"
            self.ids[name] = found[5]

    def segments(self, name: str) -> Segments:
        """Phones of an utterance and the frames that each of them has."""
        ids = self.ids[name]
        starts, left_phone = [], True
        for at, number in enumerate(ids):  # a state's first transition leaves it, its self-loops follow
            if not self.model.is_self_loop(number):
                if left_phone:
                    starts.append(at)
                left_phone = self.model.is_final(number)
        phones = [self.model.transition_id_to_phone(ids[at]) for at in starts]
        return list(zip(phones, starts, [*starts[1:], len(ids)], strict=True))


def grow(mixture: kaldi_hmm_gmm.DiagGmm, size: int, rng: np.random.Generator) -> None:
    """Split the heaviest Gaussian until there are `size`; the library's own splitting cannot be seeded."""
    weights, means, variances = (np.array(part) for part in (mixture.weights, mixture.means, mixture.vars))
    if size <= len(weights):
        return
    while len(weights) < size:
        heaviest = int(weights.argmax())
        weights[heaviest] /= 2
        move = 0.01 * np.sqrt(variances[heaviest]) * rng.standard_normal(mixture.dim)
        weights, variances = np.append(weights, weights[heaviest]), np.vstack([variances, variances[heaviest]])
        means = np.vstack([means, means[heaviest] + move])
        means[heaviest] -= move
    mixture.resize(size, mixture.dim)
    mixture.set_weights(weights.astype(np.float32))
    mixture.set_invvars_and_means((1 / variances).astype(np.float32), means.astype(np.float32))
    mixture.compute_gconsts()


def evenly(graph: kaldifst.StdVectorFst, frames: int, seed: int) -> list[int]:
    """Transition-ids of a random way through a graph, as Kaldi's align-equal."""
    _, path = kaldifst.equal_align(graph, frames, seed, 10)
    return kaldifst.get_linear_symbol_sequence(path)[1]


def train(data: Path, lang: Path, settings: FeatureSettings, gaussians: int, iterations: int) -> LibraryTraining:
    training = LibraryTraining(data, lang, settings)
    training.update(training.gmm.num_gauss, min_occupancy=3.0)
    for number in range(1, iterations):
        training.align(6.0 if number == 1 else 10.0)
        grown = round(training.gmm.num_pdfs + (gaussians - training.gmm.num_pdfs) * min(1, number / iterations * 1.4))
        training.update(grown, min_occupancy=10.0)
    training.align(10.0)
    return training
