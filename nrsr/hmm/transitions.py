"""Kaldi's transition model: the meaning of each transition-id, and the probabilities of transitions."""

import kaldi_hmm_gmm
import numpy as np

from nrsr.hmm.topology import NO_PDF, Topology
from nrsr.hmm.tree import Tree
from nrsr.kaldi.binary import BinaryReader, BinaryWriter, ModelFileError

FLOOR, MIN_COUNT = 0.01, 5.0  # Kaldi's, of transition probabilities and of the counts that change them


class Transitions:
    """Transition-ids and their log probabilities.

    A transition state is a (phone, HMM state, pdf, pdf of the self-loop); its transitions are numbered in the order of
    the topology. Transition-ids start at 1, so all arrays below have an unused place 0.

    Args:
        topology: of all phones.
        tuples: the transition states, sorted.
        log_probs: natural logarithms [ids + 1]; the topology's where left out.

    Attributes:
        phone, hmm_state, pdf, state, index: int32 [ids + 1]; `state` is the transition state from 1, `index` the
            number of the transition in it.
        self_loop, final: bool [ids + 1]; whether the transition stays in the state, or ends the phone.
        first: int32 [states + 2], the first transition-id of each transition state.
    """

    def __init__(
        self, topology: Topology, tuples: list[tuple[int, int, int, int]], log_probs: np.ndarray | None = None
    ):
        self.topology, self.tuples = topology, tuples
        rows, probabilities, first = [(0, 0, -1, 0, 0, False, False)], [1.0], [0]
        for number, (phone, state, pdf, loop_pdf) in enumerate(tuples, 1):
            first.append(len(rows))
            states = topology.entries[phone]
            for index, (target, probability) in enumerate(states[state].transitions):
                loop, final = target == state, target == len(states) - 1
                rows.append((phone, state, loop_pdf if loop else pdf, number, index, loop, final))
                probabilities.append(probability)
        self.first = np.array([*first, len(rows)], np.int32)
        columns = np.array(rows, np.int32).T
        self.phone, self.hmm_state, self.pdf, self.state, self.index = columns[:5]
        self.self_loop, self.final = columns[5].astype(bool), columns[6].astype(bool)
        self.log_probs = np.log(probabilities) if log_probs is None else np.asarray(log_probs, np.float64)

    @property
    def num_ids(self) -> int:
        """Number of transition-ids, which are 1 ... num_ids."""
        return len(self.phone) - 1

    @property
    def num_pdfs(self) -> int:
        """One more than the largest pdf-id."""
        return int(self.pdf.max()) + 1

    def with_log_probs(self, log_probs: np.ndarray) -> "Transitions":
        """The same transitions with other probabilities."""
        return Transitions(self.topology, self.tuples, log_probs)

    def ids_of(self, phones: np.ndarray, hmm_states: np.ndarray, pdfs: np.ndarray, index: np.ndarray) -> np.ndarray:
        """Transition-ids [n] of given transitions; 0 where there is none such.

        `pdfs` is the pdf of the state, which in all but chain models its self-loop shares.
        """
        size = (self.num_pdfs, max(len(states) for states in self.topology.entries.values()))
        codes = np.array([(phone * size[1] + state) * size[0] + pdf for phone, state, pdf, _ in self.tuples])
        wanted = (phones.astype(np.int64) * size[1] + hmm_states) * size[0] + pdfs
        place = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
        ids = self.first[place + 1] + index
        return np.where((codes[place] == wanted) & (ids < self.first[place + 2]), ids, 0).astype(np.int32)

    def updated(self, counts: np.ndarray) -> "Transitions":
        """Probabilities of largest likelihood for counts [ids + 1], as Kaldi's MleUpdate.

        States counted fewer than MIN_COUNT times keep theirs; none falls under FLOOR.
        """
        starts = self.first[1:-1]
        states = self.state[1:] - 1
        totals = np.add.reduceat(counts[1:], starts - 1)
        probabilities = counts[1:] / np.maximum(totals, 1e-10)[states]
        for _ in range(3):  # each renormalisation can push a floored one down again
            probabilities /= np.maximum(np.add.reduceat(probabilities, starts - 1), 1e-10)[states]
            probabilities = np.maximum(probabilities, FLOOR)
        changed = (totals >= MIN_COUNT) & (np.diff(self.first[1:]) > 1)
        log_probs = self.log_probs.copy()
        log_probs[1:] = np.where(changed[states], np.log(probabilities), log_probs[1:])
        return self.with_log_probs(log_probs)

    def for_library(self, tree: Tree) -> kaldi_hmm_gmm.TransitionModel:
        """The same as an object of kaldi-hmm-gmm.

        Raises:
            ModelFileError: the tree is of another model.
        """
        topology = kaldi_hmm_gmm.HmmTopology()
        try:
            topology.read(self.topology.text())
            model = kaldi_hmm_gmm.TransitionModel(tree.for_library(), topology)
        except RuntimeError as error:  # a failed check of the library, which names its own sources
            reason = str(error).strip().split("\n")[-1].removeprefix("[E] ").rstrip(".")
            raise ModelFileError(f"the model cannot be used ({reason}); train it anew") from None
        if not np.array_equal(np.array(model.id2pdf_id)[1:], self.pdf[1:]):
            raise ModelFileError("the tree is not the one of the model; take both from one folder")
        state = list(model.__getstate__())
        loops = np.zeros(len(self.tuples) + 1)
        loops[self.state[self.self_loop]] = np.exp(self.log_probs[self.self_loop])
        state[6] = self.log_probs.tolist()
        state[7] = np.log(np.maximum(1.0 - loops, 1e-10)).tolist()
        changed = kaldi_hmm_gmm.TransitionModel.__new__(kaldi_hmm_gmm.TransitionModel)
        changed.__setstate__(tuple(state))
        return changed

    def write_to(self, writer: BinaryWriter) -> None:
        """Kaldi's binary form."""
        simple = self.topology.is_simple()
        name = "Triples" if simple else "Tuples"
        writer.token("<TransitionModel>")
        self.topology.write_binary(writer)
        writer.token(f"<{name}>")
        writer.integer(len(self.tuples))
        for row in self.tuples:
            writer.integer(*(row[:3] if simple else row))
        writer.token(f"</{name}>", "<LogProbs>")
        writer.floats(self.log_probs)
        writer.token("</LogProbs>", "</TransitionModel>")

    @classmethod
    def read_from(cls, reader: BinaryReader) -> "Transitions":
        """Read from before a transition model.

        Raises:
            ModelFileError, TopologyError: bytes that are none.
        """
        reader.expect("<TransitionModel>")
        topology = Topology.read_binary(reader)
        kind = reader.expect("<Triples>", "<Tuples>")
        tuples = []
        for _ in range(reader.integer()):
            phone, state, pdf = reader.integer(), reader.integer(), reader.integer()
            tuples.append((phone, state, pdf, pdf if kind == "<Triples>" else reader.integer()))
            if phone not in topology.entries or not 0 <= state < len(topology.entries[phone]) - 1 or pdf < 0:
                raise reader.wrong(f"a transition state {tuples[-1]} that the topology does not have")
        reader.expect(kind.replace("<", "</"))
        reader.expect("<LogProbs>")
        log_probs = reader.vector()
        reader.expect("</LogProbs>")
        reader.expect("</TransitionModel>")
        transitions = cls(topology, tuples)
        if len(log_probs) != transitions.num_ids + 1 or not np.isfinite(log_probs).all():
            raise reader.wrong(f"{len(log_probs)} probabilities for {transitions.num_ids} transitions")
        return transitions.with_log_probs(log_probs)


def transitions_of(tree: Tree, topology: Topology) -> Transitions:
    """The transitions that a tree and a topology give, with the topology's probabilities.

    Raises:
        ModelFileError: the tree has no pdf for a phone, or the topology is that of a chain model.
    """
    if not topology.is_simple():
        raise ModelFileError("the topology is that of a chain model, which nrsr does not train")
    tuples = []
    for phone, states in topology.entries.items():
        for number, state in enumerate(states):
            if state.pdf_class == NO_PDF:
                continue
            pdfs = tree.reachable(phone, state.pdf_class)
            if not pdfs:
                raise ModelFileError(f"the tree has no pdf for phone {phone}; train it anew with this lang folder")
            tuples += [(phone, number, pdf, pdf) for pdf in pdfs]
    return Transitions(topology, sorted(tuples))
