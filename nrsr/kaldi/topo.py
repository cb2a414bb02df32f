"""Kaldi's topo file: the states and first transition probabilities of every phone's HMM."""

from collections.abc import Sequence

from nrsr.kaldi.lang import LangError

STAY, LEAVE = 0.75, 0.25  # of a state that has its self-loop and one way on, as in Kaldi's gen_topo


def topology_text(
    nonsilence: Sequence[int], silence: Sequence[int], *, states: int = 3, silence_states: int = 5
) -> str:
    """The text of a topo file.

    Speech phones go from left to right. Silence may wander: its states but first and last all reach each other and the
    last one, so that three of them do for a short silence and any number for a long one.

    Args:
        nonsilence, silence: ids of phones, each above 0.
        states, silence_states: emitting states; silence with 1 or 2 is left-to-right as well.

    Raises:
        LangError: no phones, or less than one state.
    """
    if states < 1 or silence_states < 1:
        raise LangError(f"{states} and {silence_states} states: an HMM needs 1 or more; Kaldi takes 3 and 5")
    entries = []
    if nonsilence:
        entries.append(_entry(nonsilence, _left_to_right(states)))
    if silence:
        entries.append(
            _entry(silence, _ergodic(silence_states) if silence_states > 2 else _left_to_right(silence_states))
        )
    if not entries:
        raise LangError("there are no phones; give the lexicon some")
    return "<Topology>\n" + "".join(entries) + "</Topology>\n"


def _left_to_right(states: int) -> list[dict[int, float]]:
    """Of each state: next state -> probability."""
    return [{state: STAY, state + 1: LEAVE} for state in range(states)]


def _ergodic(states: int) -> list[dict[int, float]]:
    """The first state goes to all but the last, those in between to all but the first."""
    even = 1 / (states - 1)
    first = dict.fromkeys(range(states - 1), even)
    between = [dict.fromkeys(range(1, states), even) for _ in range(states - 2)]
    return [first, *between, {states - 1: STAY, states: LEAVE}]


def _entry(phones: Sequence[int], transitions: list[dict[int, float]]) -> str:
    lines = ["<TopologyEntry>", "<ForPhones>", " ".join(map(str, sorted(phones))), "</ForPhones>"]
    for state, ways in enumerate(transitions):
        arcs = " ".join(f"<Transition> {target} {probability:.10g}" for target, probability in ways.items())
        lines.append(f"<State> {state} <PdfClass> {state} {arcs} </State>")
    lines += [f"<State> {len(transitions)} </State>", "</TopologyEntry>"]
    return "\n".join(lines) + "\n"
