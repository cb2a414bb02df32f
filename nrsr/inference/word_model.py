"""A word language model and its lexicon as a score of units, for a beam search that extends unit by unit."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from flashlight.lib.text.decoder import LMState
from flashlight.lib.text.decoder.kenlm import KenLM

from nrsr.data import Units
from nrsr.data.units import SPACE, WORD_START

LN10 = math.log(10.0)  # KenLM's scores are log10, those of the recogniser natural


class Lexicon:
    """The words that units can spell, as a tree of their spellings.

    Nodes are numbers, 0 the root: `children[node]` maps a unit to the next node, `word[node]` is the place in
    `words` of the word that is complete there, -1 for none.
    """

    def __init__(self, units: Units, words: Sequence[str]):
        """Spell each word as the recogniser was trained to; `unspelled` lists those that it cannot write."""
        self.words: list[str] = []
        self.unspelled: list[str] = []
        self.children: list[dict[int, int]] = [{}]
        self.word = [-1]
        for word in words:
            spelling = units.encode(word)
            if not spelling or units.unknown in spelling:
                self.unspelled.append(word)
            else:
                self._insert(word, spelling)
        symbols = range(len(units))
        if units.kind == "bpe":
            self.starts_word = [units.symbols[unit].startswith(WORD_START) for unit in symbols]
        else:
            self.starts_word = [units.kind == "word" for _ in symbols]
        self.separator = units.symbols.index(SPACE) if units.kind == "char" else None

    def _insert(self, word: str, spelling: list[int]) -> None:
        node = 0
        for unit in spelling:
            if unit not in self.children[node]:
                self.children[node][unit] = len(self.children)
                self.children.append({})
                self.word.append(-1)
            node = self.children[node][unit]
        self.word[node] = len(self.words)
        self.words.append(word)


class WordState(NamedTuple):
    """The state of a hypothesis.

    Attributes:
        words: KenLM's state after its whole words.
        node: of the lexicon, of the word begun; 0 between words.
    """

    words: LMState
    node: int


class Steps(NamedTuple):
    """Units that may follow: their ids, what each adds to the score, and the node behind each; arrays [K]."""

    units: np.ndarray
    scores: np.ndarray
    nodes: np.ndarray


class WordModel:
    """Scores units by the words that they spell: lm_weight * ln p(word | words before) + word_score for each.

    A word counts when it is complete: at a space (characters), at the next word's first piece (BPE) or at once
    (words). Until then its units score the best unigram under way ("smearing"), taken back at the end, so that
    the sum over a whole hypothesis is exactly the language model's. Units that spell no word of the lexicon are not
    permitted: a search must follow `inside` and `between`, and end at nodes that are `whole`.
    """

    def __init__(self, lexicon: Lexicon, kenlm: KenLM, *, lm_weight: float, word_score: float):
        """`kenlm` takes places in `lexicon.words` as its word ids."""
        self._lexicon, self._kenlm = lexicon, kenlm
        self._scale, self._word_score = lm_weight * LN10, word_score
        self._ahead = self._look_ahead()
        self._inside: dict[int, Steps] = {}
        self.whole = np.array(lexicon.word) >= 0  # of each node, whether a hypothesis may end there
        self.whole[0] = True
        self.between = self._between_words()

    def _look_ahead(self) -> list[float]:
        """The best weighted unigram score among the words at or under each node; 0 at the root."""
        begin = self._kenlm.start(True)
        children, word = self._lexicon.children, self._lexicon.word
        ahead = [-math.inf] * len(word)
        for node in reversed(range(len(word))):  # children were numbered after their parents
            if word[node] >= 0:
                ahead[node] = self._scale * self._kenlm.score(begin, word[node])[1]
            ahead[node] = max([ahead[node], *(ahead[child] for child in children[node].values())])
        return [0.0, *ahead[1:]]

    def _between_words(self) -> Steps:
        """What may follow a whole word: a space, or the first units of other words."""
        if self._lexicon.separator is not None:
            return _steps([(self._lexicon.separator, 0.0, 0)])
        first = self._lexicon.children[0].items()
        return _steps([(unit, self._ahead[node], node) for unit, node in first if self._lexicon.starts_word[unit]])

    def inside(self, node: int) -> Steps:
        """What may follow inside of the word begun at a node, or before a word at node 0."""
        if node not in self._inside:
            here = self._ahead[node]
            steps = [(unit, self._ahead[after] - here, after) for unit, after in self._lexicon.children[node].items()]
            if node == 0 and self._lexicon.separator is not None:
                steps.append((self._lexicon.separator, 0.0, 0))
            self._inside[node] = _steps(steps)
        return self._inside[node]

    def separates(self, unit: int) -> bool:
        """Whether a unit behind a word ends it: the space, or the first unit of another word."""
        return self._lexicon.starts_word[unit] or unit == self._lexicon.separator

    def complete(self, state: WordState) -> tuple[LMState, float] | None:
        """KenLM's state after the word that ends here, and its score less what was looked ahead; None for no word."""
        word = self._lexicon.word[state.node]
        if word < 0:
            return None
        after, log10 = self._kenlm.score(state.words, word)
        return after, self._scale * log10 + self._word_score - self._ahead[state.node]

    def start(self, start_with_nothing: bool) -> WordState:
        """The state before the first unit."""
        return WordState(self._kenlm.start(start_with_nothing), 0)

    def permitted(self, state: WordState) -> np.ndarray:
        """The units that may follow, int64 [K]."""
        inside = self.inside(state.node).units
        return np.concatenate([inside, self.between.units]) if self._lexicon.word[state.node] >= 0 else inside

    def score(self, state: WordState, unit: int) -> tuple[WordState, float]:
        """The state after a permitted unit, and what the unit adds to the hypothesis."""
        words, node, added = state.words, state.node, 0.0
        if node > 0 and self.separates(unit):
            words, added = self.complete(state)
            node = 0
        if unit == self._lexicon.separator:
            return WordState(words, 0), added
        after = self._lexicon.children[node][unit]
        return WordState(words, after), added + self._ahead[after] - self._ahead[node]

    def most_word_score(self, units: int) -> float:
        """The most that the scores of words add to a hypothesis in so many further units, and in its end."""
        words = units if self._lexicon.separator is None else units // 2  # a letter and a space
        return max(self._word_score, 0.0) * (words + 1)

    def finish(self, state: WordState) -> tuple[WordState, float]:
        """Complete the last word and end the sentence; -inf inside of a word."""
        words, added = state.words, 0.0
        if state.node != 0:
            if (completed := self.complete(state)) is None:
                return state, -math.inf
            words, added = completed
        return state, added + self._scale * self._kenlm.finish(words)[1]


def _steps(steps: list[tuple[int, float, int]]) -> Steps:
    units, scores, nodes = zip(*steps, strict=True) if steps else ((), (), ())
    return Steps(np.array(units, np.int64), np.array(scores, np.float64), np.array(nodes, np.int64))
