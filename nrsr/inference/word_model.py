"""A word language model and its lexicon as a score of units, for a beam search that extends unit by unit."""

import math
from collections.abc import Sequence

from flashlight.lib.text.decoder import LM, LMState
from flashlight.lib.text.decoder.kenlm import KenLM

from nrsr.data import Units
from nrsr.data.units import SPACE, WORD_START

LN10 = math.log(10.0)  # KenLM's scores are log10, those of the recogniser natural
FORBIDDEN = -1e4  # log-probability of what spells no word; -inf would turn sums into NaN


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


class WordModel(LM):
    """Scores units by the words that they spell: lm_weight * ln p(word | words before) + word_score for each.

    A word counts when it is complete: at a space (characters), at the next word's first piece (BPE) or at once
    (words). Until then its units score the best unigram under way ("smearing"), taken back at the end, so that
    the sum over a whole hypothesis is exactly the language model's. Words outside the lexicon are forbidden.
    """

    def __init__(self, lexicon: Lexicon, kenlm: KenLM, *, lm_weight: float, word_score: float):
        """`kenlm` takes places in `lexicon.words` as its word ids."""
        LM.__init__(self)
        self._lexicon, self._kenlm = lexicon, kenlm
        self._scale, self._word_score = lm_weight * LN10, word_score
        self._ahead = self._look_ahead()
        # Flashlight's state of a hypothesis -> KenLM's state of its whole words, and the node of the word begun.
        self._places: dict[LMState, tuple[LMState, int]] = {}
        self._scored: dict[tuple[LMState, int], tuple[LMState, float]] = {}

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

    def start(self, start_with_nothing: bool) -> LMState:
        """The state before the first unit; forgets the utterance before."""
        self._places.clear()
        self._scored.clear()
        state = LMState()
        self._places[state] = (self._kenlm.start(start_with_nothing), 0)
        return state

    def score(self, state: LMState, unit: int) -> tuple[LMState, float]:
        """The state after a unit, and what the unit adds to the hypothesis."""
        key = (state, unit)
        if key not in self._scored:  # asked again in each frame in which the hypothesis lives
            words, node, added = self._step(*self._places[state], unit)
            after = state.child(unit)
            self._places[after] = (words, node)
            self._scored[key] = (after, added)
        return self._scored[key]

    def _step(self, words: LMState, node: int, unit: int) -> tuple[LMState, int, float]:
        added = 0.0
        if node > 0 and (self._lexicon.starts_word[unit] or unit == self._lexicon.separator):
            words, added = self._complete(words, node)
            node = 0
        if unit == self._lexicon.separator:
            return words, 0, added
        after = self._lexicon.children[node].get(unit) if node >= 0 else None
        if after is None:
            return words, -1, FORBIDDEN
        return words, after, added + self._ahead[after] - self._ahead[node]

    def _complete(self, words: LMState, node: int) -> tuple[LMState, float]:
        """The word that ends at a node: KenLM's state after it, its score less what was looked ahead."""
        word = self._lexicon.word[node]
        if word < 0:
            return words, FORBIDDEN
        after, log10 = self._kenlm.score(words, word)
        return after, self._scale * log10 + self._word_score - self._ahead[node]

    def finish(self, state: LMState) -> tuple[LMState, float]:
        """Complete the last word and end the sentence."""
        words, node = self._places[state]
        added = 0.0
        if node != 0:
            words, added = self._complete(words, node) if node > 0 else (words, FORBIDDEN)
        return state, added + self._scale * self._kenlm.finish(words)[1]
