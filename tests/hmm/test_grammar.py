"""Grammars: costs of sentences against probabilities by hand and from the language model, and bad input."""

import gzip
import math

import kaldifst
import pytest

from nrsr.hmm import grammar as grammar_module
from nrsr.hmm.grammar import (
    GrammarError,
    all_words,
    arpa_grammar,
    read_sentences,
    read_weights,
    sentence_list,
    word_loop,
)
from nrsr.inference.ngram import NgramModel
from nrsr.kaldi.dictionary import dictionary_of
from nrsr.kaldi.lexicon import Pronunciation
from nrsr.kaldi.make_lang import LangOptions, make_lang

WORDS = ["one", "two", "three"]
LANG, _ = make_lang(
    dictionary_of([Pronunciation("<unk>", ("SPN",)), *(Pronunciation(word, tuple(word)) for word in WORDS)]),
    LangOptions(),
)


def cost(grammar, sentence, lang=LANG):
    """Cost of a sentence, infinite where it is not accepted; `#0` may stand anywhere, as L lets it."""
    acceptor = kaldifst.make_linear_acceptor([lang.words[word] for word in sentence.split()])
    disambiguation = lang.words["#0"]
    kaldifst.add_self_loops(acceptor, [disambiguation], [disambiguation])
    kaldifst.arcsort(acceptor, sort_type="olabel")
    both = kaldifst.compose(acceptor, grammar)
    if both.start < 0:
        return math.inf
    return kaldifst.get_linear_symbol_sequence(kaldifst.shortest_path(both))[3].value


def test_word_loop():
    grammar = word_loop({"one": 3.0, "two": 1.0}, LANG)
    assert cost(grammar, "one two one") == pytest.approx(-math.log(0.75 * 0.25 * 0.75), abs=1e-5)
    assert cost(grammar, "") == 0 and cost(grammar, "one three") == math.inf
    assert all_words(LANG) == dict.fromkeys(WORDS, 1.0)


def test_the_vocabulary_is_listed_once_for_all_words(monkeypatch):
    lists = []
    monkeypatch.setattr(grammar_module, "real_words", lambda words: lists.append(list(words)) or lists[-1])
    word_loop(dict.fromkeys(WORDS, 1.0), LANG)
    assert len(lists) == 1


def test_sentence_list():
    grammar = sentence_list([["one"], ["one", "two"], ["three"], ["one"]], LANG)
    assert cost(grammar, "one two") == pytest.approx(math.log(3), abs=1e-5) == cost(grammar, "three")
    assert cost(grammar, "two") == cost(grammar, "") == cost(grammar, "one one") == math.inf


@pytest.mark.parametrize("packed", [False, True])
def test_arpa_costs_are_those_of_the_language_model(tmp_path, packed):
    model = NgramModel([["one", "two"], ["one", "two", "three"], ["two"]], order=3)
    path = tmp_path / "lm.arpa"
    model.write_arpa(path)
    if packed:
        (tmp_path / "lm.arpa.gz").write_bytes(gzip.compress(path.read_bytes()))
        path = tmp_path / "lm.arpa.gz"
    grammar = arpa_grammar(path, LANG)
    for sentence in ("one two three", "one two", "two"):  # all n-grams seen, so that backing off is no better
        history, expected = ["<s>"], 0.0
        for word in [*sentence.split(), "</s>"]:
            expected -= math.log(model.probability(word, history))
            history.append(word)
        assert cost(grammar, sentence) == pytest.approx(expected, abs=1e-4)
    assert cost(grammar, "three three") < math.inf  # by backing off
    assert cost(grammar, "<unk>") == math.inf


def test_grammar_files(tmp_path):
    (tmp_path / "words").write_text("one 2.5\ntwo\n")
    assert read_weights(tmp_path / "words") == {"one": 2.5, "two": 1.0}
    (tmp_path / "words").write_text("one 2.5\ntwo -1\n")
    with pytest.raises(GrammarError, match=r"words:2: expected a word and perhaps its weight"):
        read_weights(tmp_path / "words")
    (tmp_path / "words").write_text("one\none\n")
    with pytest.raises(GrammarError, match=r"words:2: 'one' is in an earlier line"):
        read_weights(tmp_path / "words")
    (tmp_path / "list").write_text("one\n\ntwo three\n")
    assert read_sentences(tmp_path / "list") == [["one"], [], ["two", "three"]]
    with pytest.raises(GrammarError, match="list: a sentence has no words"):
        sentence_list(read_sentences(tmp_path / "list"), LANG, "list")


def test_grammars_that_cannot_be():
    with pytest.raises(GrammarError, match="2 words are not in the lang folder's words.txt: five four; give them"):
        word_loop({"four": 1.0, "one": 1.0, "five": 1.0}, LANG)
    for make in (lambda: word_loop({}, LANG), lambda: sentence_list([], LANG)):
        with pytest.raises(GrammarError, match="the grammar has no words"):
            make()


def test_words_that_the_lang_folder_lacks(tmp_path):
    path = tmp_path / "lm.arpa"
    NgramModel([["four", "two"]], order=2).write_arpa(path)
    with pytest.raises(GrammarError, match="1 words are not in the lang folder's words.txt: four;"):
        arpa_grammar(path, LANG)


def test_arpa_files_without_words(tmp_path):
    path = tmp_path / "lm.arpa"
    path.write_text("\\data\\\nngram 1=3\n\n\\1-grams:\n-99 <s>\n-1 <unk>\n-99 </s>\n\n\\end\\\n")
    assert cost(arpa_grammar(path, LANG), "") < math.inf
