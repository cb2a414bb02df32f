"""Alignments as arrays: where phones begin, their contexts, and the same alignment for another model."""

import numpy as np

from nrsr.errors import NrsrError
from nrsr.hmm.transitions import Transitions
from nrsr.hmm.tree import EDGE, Tree


class AlignmentError(NrsrError):
    """Alignments that do not fit a model or a data directory; names the utterance or file and the cure."""


def is_reordered(transitions: Transitions, ids: np.ndarray, utterances: np.ndarray) -> bool:
    """Whether self-loops follow the transition out of their state, as Kaldi's graphs have it by default.

    Args:
        ids: transition-ids [N] of utterances one behind the other.
        utterances: [N], number of the utterance of each frame.
    """
    state, loop = transitions.state[ids], transitions.self_loop[ids]
    changes = (state[1:] != state[:-1]) & (utterances[1:] == utterances[:-1])
    ends_in_loop, starts_in_loop = loop[:-1][changes].any(), loop[1:][changes].any()
    return bool(ends_in_loop or not starts_in_loop)


def phone_starts(transitions: Transitions, ids: np.ndarray, utterances: np.ndarray) -> np.ndarray:
    """Frames at which phones begin, ascending, in alignments [N] of utterances one behind the other."""
    if not len(ids):
        return np.zeros(0, np.int64)
    loop, final = transitions.self_loop[ids], transitions.final[ids]
    first = np.concatenate([[True], utterances[1:] != utterances[:-1]])
    if is_reordered(transitions, ids, utterances):
        # A frame that is no self-loop enters a state; it enters a phone when the one before it left one.
        places = np.where(loop, -1, np.arange(len(ids)))
        entered = np.maximum.accumulate(places)
        left_phone = np.concatenate([[False], final[np.maximum(entered[:-1], 0)]])
        return np.flatnonzero(first | (~loop & left_phone))
    return np.flatnonzero(first | np.concatenate([[False], final[:-1]]))


def phone_contexts(
    transitions: Transitions, ids: np.ndarray, utterances: np.ndarray, width: int, central: int
) -> tuple[np.ndarray, np.ndarray]:
    """The phone of each segment in its context, and the segment of each frame.

    Returns:
        contexts: phone ids [segments, width]; EDGE beyond the utterance.
        segments: [N], number of the segment of each frame.
    """
    starts = phone_starts(transitions, ids, utterances)
    phones, owners = transitions.phone[ids[starts]], utterances[starts]
    contexts = np.full((len(starts), width), EDGE, np.int32)
    for place in range(width):
        offset = place - central
        source = np.arange(len(starts)) + offset
        inside = (source >= 0) & (source < len(starts))
        inside[inside] &= owners[source[inside]] == owners[inside]
        contexts[inside, place] = phones[source[inside]]
    segments = np.zeros(len(ids), np.int64)
    segments[starts[1:]] = 1
    return contexts, np.cumsum(segments)


def pdf_classes(transitions: Transitions, ids: np.ndarray) -> np.ndarray:
    """The pdf class [N] of each transition-id."""
    size = max(len(states) for states in transitions.topology.entries.values())
    table = np.full((max(transitions.topology.phones) + 1, size), -1, np.int32)
    for phone, states in transitions.topology.entries.items():
        table[phone, : len(states)] = [state.pdf_class for state in states]
    return table[transitions.phone[ids], transitions.hmm_state[ids]]


def convert(ids: np.ndarray, utterances: np.ndarray, old: Transitions, new: Transitions, tree: Tree) -> np.ndarray:
    """The same path in another model of the same phones and topology, as Kaldi's convert-ali.

    Args:
        ids: transition-ids [N] of `old`, of utterances one behind the other.
        utterances: [N], number of the utterance of each frame.
        tree: of `new`.

    Raises:
        AlignmentError: phones or topologies differ.
    """
    contexts, segments = phone_contexts(old, ids, utterances, tree.width, tree.central)
    classes = pdf_classes(old, ids)
    # Each event comes many times; the tree is asked once.
    events, place = np.unique(np.column_stack([contexts[segments], classes]), axis=0, return_inverse=True)
    pdfs = tree.pdf_ids(events[:, :-1], events[:, -1])[place.reshape(-1)]
    converted = new.ids_of(old.phone[ids], old.hmm_state[ids], pdfs, old.index[ids])
    if not converted.all():
        phone = int(old.phone[ids[converted == 0][0]])
        raise AlignmentError(
            f"phone {phone}: differs between the model of the alignments and the lang folder; align anew"
        )
    return converted
