"""HMM topologies as in a lang folder's `topo`: states of each phone, their pdf classes and transitions."""

import re
from dataclasses import dataclass

import numpy as np

from nrsr.errors import NrsrError
from nrsr.kaldi.binary import BinaryReader, BinaryWriter

NO_PDF = -1
# Kaldi marks topologies whose self-loops have pdf classes of their own with this count of entries.
EXTENDED = -1
FINAL_LAST = "the last state emits nothing and has no transitions"


class TopologyError(NrsrError):
    """A topology that is none; names the file, the place and the cure."""


@dataclass(frozen=True)
class State:
    """One state of a phone's HMM.

    Attributes:
        pdf_class: of frames that come with a transition to another state; NO_PDF for a state that emits nothing.
        self_loop_class: of frames that come with the self-loop; the same in all but chain models.
        transitions: (next state, initial probability).
    """

    pdf_class: int
    self_loop_class: int
    transitions: tuple[tuple[int, float], ...]


Entry = tuple[State, ...]


class Topology:
    """The HMM of each phone.

    Args:
        entries: phone id -> its states; the last state is the end, which emits nothing.
    """

    def __init__(self, entries: dict[int, Entry]):
        self.entries = dict(sorted(entries.items()))
        for phone, states in self.entries.items():
            check(phone, states)

    @property
    def phones(self) -> list[int]:
        """Phone ids, ascending."""
        return list(self.entries)

    def classes(self, phone: int) -> int:
        """Number of pdf classes of a phone."""
        return 1 + max(max(state.pdf_class, state.self_loop_class) for state in self.entries[phone])

    def is_simple(self) -> bool:
        """Whether self-loops share the pdfs of their states, as in all but chain models."""
        return all(s.pdf_class == s.self_loop_class for states in self.entries.values() for s in states)

    def text(self) -> str:
        """Kaldi's text form."""
        lines = ["<Topology>"]
        for states, phones in grouped(self.entries):
            lines += ["<TopologyEntry>", "<ForPhones>", " ".join(map(str, phones)), "</ForPhones>"]
            for number, state in enumerate(states):
                words = [f"<State> {number}"]
                if state.pdf_class != NO_PDF and state.pdf_class == state.self_loop_class:
                    words.append(f"<PdfClass> {state.pdf_class}")
                elif state.pdf_class != NO_PDF:
                    words.append(f"<ForwardPdfClass> {state.pdf_class} <SelfLoopPdfClass> {state.self_loop_class}")
                words += [f"<Transition> {target} {probability:.9g}" for target, probability in state.transitions]
                lines.append(" ".join([*words, "</State>"]))
            lines.append("</TopologyEntry>")
        return "\n".join([*lines, "</Topology>"]) + "\n"

    def write_binary(self, writer: BinaryWriter) -> None:
        """Write Kaldi's binary form, as in a model."""
        groups = grouped(self.entries)
        entry_of = {phone: number for number, (_, phones) in enumerate(groups) for phone in phones}
        writer.token("<Topology>")
        writer.integers(self.phones)
        writer.integers([entry_of.get(phone, -1) for phone in range(self.phones[-1] + 1)])
        simple = self.is_simple()
        if not simple:
            writer.integer(EXTENDED)
        writer.integer(len(groups))
        for states, _ in groups:
            writer.integer(len(states))
            for state in states:
                writer.integer(state.pdf_class)
                if not simple:
                    writer.integer(state.self_loop_class)
                writer.integer(len(state.transitions))
                for target, probability in state.transitions:
                    writer.integer(target)
                    writer.real(probability)
        writer.token("</Topology>")

    @classmethod
    def read_binary(cls, reader: BinaryReader) -> "Topology":
        """From a model.

        Raises:
            ModelFileError, TopologyError: bytes that are no topology.
        """
        reader.expect("<Topology>")
        phones, entry_of = reader.integers(), reader.integers()
        count = reader.integer()
        simple = count != EXTENDED
        entries = []
        for _ in range(count if simple else reader.integer()):
            states = []
            for _ in range(reader.integer()):
                pdf_class = reader.integer()
                loop_class = pdf_class if simple else reader.integer()
                transitions = tuple((reader.integer(), reader.real()) for _ in range(reader.integer()))
                states.append(State(pdf_class, loop_class, transitions))
            entries.append(tuple(states))
        reader.expect("</Topology>")
        if any(not 0 <= phone < len(entry_of) or not 0 <= entry_of[phone] < len(entries) for phone in phones):
            raise reader.wrong("a phone without topology")
        return cls({phone: entries[entry_of[phone]] for phone in phones})

    @classmethod
    def from_text(cls, text: str, where: str) -> "Topology":
        """From the text of a lang folder's `topo`.

        Args:
            where: the file, for messages.

        Raises:
            TopologyError: no topology in Kaldi's text form.
        """
        try:
            return parse(text)
        except (ValueError, IndexError, AttributeError) as error:
            raise TopologyError(f"{where}: is no topology ({error}); make the lang folder anew") from None


def grouped(entries: dict[int, Entry]) -> list[tuple[Entry, list[int]]]:
    """Each HMM with the phones that have it, in the order of their first phones."""
    groups: dict[Entry, list[int]] = {}
    for phone, states in entries.items():
        groups.setdefault(states, []).append(phone)
    return list(groups.items())


def parse(text: str) -> Topology:
    """From a text; ValueError, IndexError or AttributeError where it is none."""
    content = " ".join(text.split())
    whole = re.fullmatch(r"<Topology>(.*)</Topology>", content)
    if not whole:
        raise ValueError("it is not between <Topology> and </Topology>")
    entries: dict[int, Entry] = {}
    for part in whole.group(1).split("<TopologyEntry>")[1:]:
        phones, body = re.fullmatch(r" ?<ForPhones>(.*)</ForPhones>(.*)</TopologyEntry> ?", part).groups()
        states = tuple(parse_state(text) for text in body.split("<State>")[1:])
        for phone in map(int, phones.split()):
            if phone in entries:
                raise ValueError(f"phone {phone} is in two entries")
            entries[phone] = states
    return Topology(entries)


def parse_state(text: str) -> State:
    """From ` 0 <PdfClass> 0 <Transition> 0 0.5 <Transition> 1 0.5 </State>`."""
    head, *transitions = text.removesuffix(" ").removesuffix("</State>").split("<Transition>")
    classes = dict(re.findall(r"<(\w+)> (\d+)", head))
    pdf_class = int(classes.get("PdfClass", classes.get("ForwardPdfClass", NO_PDF)))
    # Probabilities as float32, which a model file keeps, so that a topology equals the one read back from there.
    targets = tuple((int(words.split()[0]), float(np.float32(words.split()[1]))) for words in transitions)
    return State(pdf_class, int(classes.get("SelfLoopPdfClass", pdf_class)), targets)


def check(phone: int, states: Entry) -> None:
    """Refuse what Kaldi's HmmTopology::Check refuses."""
    classes = sorted({c for state in states for c in (state.pdf_class, state.self_loop_class) if c != NO_PDF})
    problem = None
    if phone < 1:
        problem = "phone ids start at 1"
    elif len(states) < 2 or states[-1].transitions or states[-1].pdf_class != NO_PDF:
        problem = FINAL_LAST
    elif classes != list(range(len(classes))) or not classes:
        problem = f"the pdf classes {classes} are not 0, 1, 2, ..."
    elif any(not state.transitions for state in states[:-1]):
        problem = "a state before the last has no transitions"
    elif any(len({target for target, _ in state.transitions}) < len(state.transitions) for state in states):
        problem = "a state has two transitions to the same state"
    elif any(not (0 <= target < len(states) and 0 < p <= 1) for state in states for target, p in state.transitions):
        problem = "a transition leads to no state or has no probability"
    if problem:
        raise TopologyError(f"topology of phone {phone}: {problem}; make the lang folder anew")
