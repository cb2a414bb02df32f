"""N-gram language models: interpolated Witten-Bell estimates, written as ARPA files."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from nrsr.files import atomic_open
from nrsr.inference.arpa import HIGHEST_ORDER, LOWEST_ORDER
from nrsr.kaldi.arpa import END, START, UNKNOWN, LanguageModelError
from nrsr.kaldi.lists import read_lines, read_list, split_words

NEVER = -99.0  # log10 probability that ARPA gives to <s>, which is never predicted


def sentences_of(path: str | Path, *, plain: bool = False) -> list[list[str]]:
    """The sentences of a Kaldi text file, or of a plain one without ids (one sentence a line).

    Raises:
        ListError: a file that is missing, not UTF-8 or, with ids, not a Kaldi text file.
    """
    if plain:
        return [split_words(line) for _, line in read_lines(path)]
    return [split_words(words) for words in read_list(path, allow_empty_values=True).values()]


class NgramModel:
    """Witten-Bell smoothed n-grams, interpolated (Witten and Bell 1991; Chen and Goodman 1998, equation 2.15).

    p(w | h) = (c(h w) + t(h) p(w | h')) / (c(h) + t(h)), where c counts, t(h) is the number of different words
    seen after h, and h' is h without its oldest word. The unigrams back off to 1 / |vocabulary|, `</s>` and
    `<unk>` included. Unlike Kneser-Ney's discounts it is defined for any text, ten digits included.
    """

    def __init__(self, sentences: Iterable[Sequence[str]], order: int):
        """Count the n-grams of sentences (sequences of words) up to `order`.

        Raises:
            LanguageModelError: an order that KenLM does not read, no words, or sentence marks as words.
        """
        if not LOWEST_ORDER <= order <= HIGHEST_ORDER:
            raise LanguageModelError(
                f"--order {order}: KenLM reads {LOWEST_ORDER} to {HIGHEST_ORDER}; take one of them"
            )
        self.order = order
        self.counts: list[Counter[tuple[str, ...]]] = [Counter() for _ in range(order)]
        for sentence in sentences:
            self._count(tuple(sentence))
        if not self.counts[0]:
            raise LanguageModelError("the text holds no words; a language model needs some")
        self.words = sorted({word for (word,) in self.counts[0]} - {END, UNKNOWN})
        self._known = {START, END, *self.words}
        # Of each history: how many words followed it, and how many different ones.
        self._followers: Counter[tuple[str, ...]] = Counter()
        self._kinds: Counter[tuple[str, ...]] = Counter()
        for counts in self.counts:
            for ngram, count in counts.items():
                self._followers[ngram[:-1]] += count
                self._kinds[ngram[:-1]] += 1

    def _count(self, sentence: tuple[str, ...]) -> None:
        marks = {START, END}.intersection(sentence)
        if marks:
            raise LanguageModelError(f"{marks.pop()} is a word of the text; sentences are marked by line ends")
        if not sentence:
            return
        padded = (START, *sentence, END)
        for length, counts in enumerate(self.counts, start=1):
            first = max(0, 2 - length)  # a lone <s> is nobody's prediction
            counts.update(padded[at : at + length] for at in range(first, len(padded) - length + 1))

    def probability(self, word: str, history: Sequence[str] = ()) -> float:
        """p(word | history), natural scale; unknown words read as `<unk>`, long histories lose their oldest words."""
        ngram = (*history, word)[-self.order :]
        return self._probability(tuple(word if word in self._known else UNKNOWN for word in ngram))

    def _probability(self, ngram: tuple[str, ...]) -> float:
        if not ngram:
            return 1 / (len(self.words) + 2)
        history, lower = ngram[:-1], self._probability(ngram[1:])
        kinds = self._kinds[history]
        if not kinds:
            return lower
        return (self.counts[len(history)][ngram] + kinds * lower) / (self._followers[history] + kinds)

    def backoff(self, history: tuple[str, ...]) -> float:
        """The weight of the lower order after a history; 1 where nothing was seen after it."""
        kinds = self._kinds[history]
        return kinds / (self._followers[history] + kinds) if kinds else 1.0

    def write_arpa(self, path: str | Path) -> None:
        """Write the model as an ARPA file that KenLM, SRILM and Kaldi's arpa2fst read."""
        sections = [self._unigrams(), *(sorted(counts) for counts in self.counts[1:])]
        with atomic_open(path) as stream:
            stream.write("\\data\\\n")
            stream.writelines(f"ngram {order}={len(ngrams)}\n" for order, ngrams in enumerate(sections, start=1))
            for order, ngrams in enumerate(sections, start=1):
                stream.write(f"\n\\{order}-grams:\n")
                stream.writelines(self._line(ngram) for ngram in ngrams)
            stream.write("\n\\end\\\n")

    def _unigrams(self) -> list[tuple[str]]:
        return [(word,) for word in (UNKNOWN, START, END, *self.words)]

    def _line(self, ngram: tuple[str, ...]) -> str:
        probability = NEVER if ngram == (START,) else math.log10(self._probability(ngram))
        entry = f"{probability:.7f}\t{' '.join(ngram)}"
        if len(ngram) == self.order or ngram[-1] == END:
            return entry + "\n"
        return f"{entry}\t{math.log10(self.backoff(ngram)):.7f}\n"
