"""CTC prefix beam search over the words of a lexicon with their language model: it never leaves the lexicon."""

from dataclasses import dataclass, field

import numpy as np
from flashlight.lib.text.decoder import LMState

from nrsr.inference.word_model import WordModel, WordState

BLANK = 0
THRESHOLD = 50.0  # hypotheses further under the best one are dropped: a share of e**-50 changes no sum


@dataclass(eq=False)
class _Prefix:
    """A sequence of units, as a node of the tree of all that were tried.

    Attributes:
        unit: the last one, the blank for none.
        lm: score of the language model so far, weighted.
        completed: KenLM's state behind the word that ends here and what that adds, where one ends.
        rise: the most that a further unit can add to `lm`.
    """

    parent: "_Prefix | None"
    unit: int
    state: WordState
    lm: float
    completed: tuple[LMState, float] | None
    rise: float
    children: dict[int, "_Prefix"] = field(default_factory=dict)

    def units(self) -> list[int]:
        units, here = [], self
        while here.parent is not None:
            units.append(here.unit)
            here = here.parent
        return units[::-1]


class _Beam:
    """The H prefixes that live, with log-probabilities [H] of their alignments that end on the blank or on a unit."""

    def __init__(self, prefixes: list[_Prefix], blank: np.ndarray, unit: np.ndarray):
        self.prefixes, self.blank, self.unit = prefixes, blank, unit
        self.rows = {prefix: row for row, prefix in enumerate(prefixes)}
        self.last = np.array([prefix.unit for prefix in prefixes])
        self.lm = np.array([prefix.lm for prefix in prefixes])
        self.rise = np.array([prefix.rise for prefix in prefixes])
        self.nodes = np.array([prefix.state.node for prefix in prefixes])
        parents = np.array([self.rows.get(prefix.parent, -1) for prefix in prefixes])
        self.children = np.flatnonzero(parents >= 0)
        self.parents = parents[self.children]


class WordBeamSearch:
    """CTC prefix beam search (Hannun et al. 2014) whose hypotheses are extended by permitted units alone.

    It scores log p_ctc(units) + score of the words. All units are looked at in each frame; those that cannot come into
    the beam are passed over by bounds. The best hypothesis of whole words always lives, so that one is found, however
    little the utterance sounds like the lexicon. In flashlight's search a forbidden unit has a finite price, which is
    paid where the permitted units are not among the best of a frame.
    """

    def __init__(self, model: WordModel, *, beam: int):
        self._model, self._beam = model, beam

    def __call__(self, log_probs: np.ndarray) -> tuple[list[int], float]:
        """The best unit ids of one utterance, log_probs [M, V], and their score."""
        if not len(log_probs):
            return [], 0.0
        beam = _Beam([self._prefix(None, BLANK, self._model.start(False), 0.0)], np.zeros(1), np.full(1, -np.inf))
        for frame in log_probs.astype(np.float64):
            beam = self._step(beam, frame)
        totals = np.logaddexp(beam.blank, beam.unit) + beam.lm
        ends = totals + np.array([self._model.finish(prefix.state)[1] for prefix in beam.prefixes])
        best = int(ends.argmax())
        return beam.prefixes[best].units(), float(ends[best])

    def _prefix(self, parent: _Prefix | None, unit: int, state: WordState, lm: float) -> _Prefix:
        completed = self._model.complete(state)
        rises = [self._model.inside(state.node).scores.max(initial=-np.inf)]
        if completed is not None:
            rises.append(completed[1] + self._model.between.scores.max(initial=-np.inf))
        return _Prefix(parent, unit, state, lm, completed, max(rises))

    def _step(self, beam: _Beam, frame: np.ndarray) -> _Beam:
        """The beam after a frame, log-probabilities [V]."""
        total = np.logaddexp(beam.blank, beam.unit)
        blank, unit = total + frame[BLANK], beam.unit + frame[beam.last]
        if len(beam.children):  # a prefix that lives is also reached from the one before it
            last = beam.last[beam.children]
            entering = np.where(beam.last[beam.parents] == last, beam.blank[beam.parents], total[beam.parents])
            unit[beam.children] = np.logaddexp(unit[beam.children], entering + frame[last])
        stay = np.logaddexp(blank, unit) + beam.lm
        cutoff = stay.max() - THRESHOLD
        if len(stay) >= self._beam:
            cutoff = max(cutoff, np.partition(stay, -self._beam)[-self._beam])
        rows, units, added, nodes, scores = self._extensions(beam, total, frame, cutoff)
        new = [
            place
            for place, (row, unit_id) in enumerate(zip(rows.tolist(), units.tolist(), strict=True))
            if beam.prefixes[row].children.get(unit_id) not in beam.rows
        ]
        everything = np.concatenate([stay, scores[new]])
        chosen = self._choose(beam, everything, nodes[new])
        kept, entered = chosen[chosen < len(stay)], [new[place] for place in (chosen[chosen >= len(stay)] - len(stay))]
        if not entered and len(kept) == len(stay):
            beam.blank, beam.unit = blank, unit
            return beam
        prefixes = [beam.prefixes[row] for row in kept]
        prefixes += [self._extend(beam.prefixes[rows[e]], int(units[e]), int(nodes[e]), added[e]) for e in entered]
        acoustic = scores[entered] - np.array([prefix.lm for prefix in prefixes[len(kept) :]])
        return _Beam(
            prefixes,
            np.concatenate([blank[kept], np.full(len(entered), -np.inf)]),
            np.concatenate([unit[kept], acoustic]),
        )

    def _extensions(
        self, beam: _Beam, total: np.ndarray, frame: np.ndarray, cutoff: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Rows, units, what these add to `lm`, nodes and scores of all permitted units that score above a cutoff."""
        bound = total + beam.lm
        hopeful = np.flatnonzero(bound + beam.rise + frame[BLANK + 1 :].max() > cutoff)
        between, inside = self._model.between, []
        first = np.array([beam.prefixes[row].completed is not None for row in hopeful], bool)
        ending = hopeful[first]
        if len(ending):
            price = np.array([beam.prefixes[row].completed[1] for row in ending])
            likely = frame[between.units] + between.scores + (bound[ending] + price).max() > cutoff
            between = type(between)(*(column[likely] for column in between))
            inside.append(
                (
                    np.repeat(ending, len(between.units)),
                    np.tile(between.units, len(ending)),
                    (price[:, None] + between.scores).ravel(),
                    np.tile(between.nodes, len(ending)),
                )
            )
        for row in hopeful.tolist():
            steps = self._model.inside(beam.prefixes[row].state.node)
            if len(steps.units):
                inside.append((np.full(len(steps.units), row), *steps))
        if not inside:
            nothing = np.zeros(0, np.int64)
            return nothing, nothing, np.zeros(0), nothing, np.zeros(0)
        rows, units, added, nodes = map(np.concatenate, zip(*inside, strict=True))
        before = np.where(units == beam.last[rows], beam.blank[rows] + beam.lm[rows], bound[rows])
        scores = before + frame[units] + added
        kept = np.flatnonzero(scores > cutoff)
        return rows[kept], units[kept], added[kept], nodes[kept], scores[kept]

    def _choose(self, beam: _Beam, scores: np.ndarray, nodes: np.ndarray) -> np.ndarray:
        """Places of those that live, in order: the best ones, and the best of whole words."""
        chosen = np.flatnonzero(scores >= scores.max() - THRESHOLD)
        if len(chosen) > self._beam:
            chosen = chosen[np.argpartition(scores[chosen], -self._beam)[-self._beam :]]
        whole = self._model.whole[np.concatenate([beam.nodes, nodes])]
        if not whole[chosen].any():
            chosen = np.append(chosen, np.where(whole, scores, -np.inf).argmax())
        return np.sort(chosen)

    def _extend(self, prefix: _Prefix, unit: int, node: int, added: float) -> _Prefix:
        """The prefix with one unit more."""
        if unit not in prefix.children:
            ends_word = prefix.completed is not None and self._model.separates(unit)
            words = prefix.completed[0] if ends_word else prefix.state.words
            prefix.children[unit] = self._prefix(prefix, unit, WordState(words, node), prefix.lm + added)
        return prefix.children[unit]
