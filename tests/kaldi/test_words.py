"""Words are what ASCII white space separates, wherever text is read: scoring, units, language models, lexicons."""

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nrsr.data import Units
from nrsr.hmm.grammar import read_sentences, read_weights
from nrsr.hmm.prepare_lang import find_pronunciations, words_of_lists, words_of_texts
from nrsr.inference.ngram import sentences_of
from nrsr.kaldi.dictionary import DictionaryError
from nrsr.kaldi.lexicon import LexiconError, read_lexicon
from nrsr.kaldi.lists import split_words
from nrsr.kaldi.validate import validate
from nrsr.scoring.texts import score_texts

# References and hypotheses that read alike; all but the first differ in what separates their words.
PAIRS = {
    "u1": ("ten\xa0thousand euro", "ten\xa0thousand euro"),
    "u2": ("今天\u3000天气", "今天 天气"),
    "u3": ("a\u2028b", "a b"),
    "u4": ("kein problem", "kein\xa0problem"),
    "u5": ("x\x85y", "x y"),
    "u6": ("e\u200bf g", "ef g"),
}


@given(st.text())
def test_words_are_those_of_c(text):
    as_in_c = text.encode("utf-8", "surrogatepass").split()  # bytes are split where C's isspace() is true
    assert split_words(text) == [word.decode("utf-8", "surrogatepass") for word in as_in_c]


def test_scores_of_texts_with_other_spaces():
    reference, hypothesis = ({name: pair[side] for name, pair in PAIRS.items()} for side in (0, 1))
    scores = score_texts(reference, hypothesis, {})
    counted = jiwer.process_words(list(reference.values()), list(hypothesis.values()))
    errors = counted.substitutions + counted.deletions + counted.insertions
    assert (counted.hits + counted.substitutions + counted.deletions, errors) == (9, 9)
    counts = sum(scores.counts(name) for name in ("sub", "del", "ins"))
    assert (scores.counts("words").sum(), counts.sum()) == (9, 9)
    assert counts.tolist() == [0, 2, 2, 2, 2, 1]


def test_validate_data_names_hidden_spaces(tmp_path):
    (tmp_path / "text").write_text("".join(f"{name} {pair[0]}\n" for name, pair in PAIRS.items()), encoding="utf-8")
    (tmp_path / "utt2spk").write_text("".join(f"{name} {name}\n" for name in PAIRS))
    problems = validate(tmp_path, need=())
    for number, code in [(1, "00A0"), (2, "3000"), (3, "2028"), (5, "0085"), (6, "200B")]:
        assert sum(f"text:{number}: " in line and f"U+{code}" in line for line in problems) == 1
    assert not any("text:4:" in line for line in problems)


def test_units_keep_them_inside_of_words():
    text = "ten\xa0k euro"
    for kind, size in (("word", None), ("char", None), ("bpe", 13)):
        units = Units.from_text([text, "euro ten"], kind, size)
        assert units.decode(units.encode(f"{text}\u3000 euro")[:-1]).split(" ")[0] == "ten\xa0k"
        assert units.unknown_words([text]) == {}
    assert Units.from_text([text], "word").encode(text) == [3, 2]


def test_units_with_such_symbols_are_read_back(tmp_path):
    units = Units.from_text(["a\u2028b\x85 c\xa0"], "char")
    units.save(tmp_path)
    assert Units.load(tmp_path).symbols == units.symbols


def test_language_model_text(tmp_path):
    (tmp_path / "text").write_text("u1 a\u3000b c\nu2 d\n", encoding="utf-8")
    assert sentences_of(tmp_path / "text") == [["a\u3000b", "c"], ["d"]]
    first = ["u1", "a\u3000b", "c"]
    assert sentences_of(tmp_path / "text", plain=True)[0] == read_sentences(tmp_path / "text")[0] == first
    assert words_of_texts([tmp_path / "text"]) == {"a\u3000b", "c", "d"}
    (tmp_path / "words").write_text("a\xa0b 2\n", encoding="utf-8")
    assert read_weights(tmp_path / "words") == {"a\xa0b": 2.0} and words_of_lists([tmp_path / "words"]) == {"a\xa0b"}


def test_lexicons_name_the_word(tmp_path):
    (tmp_path / "lexicon.txt").write_text("one w ah n\nten\xa0000 t eh n\n", encoding="utf-8")
    with pytest.raises(LexiconError, match=r"lexicon.txt:2: the word 'ten\\xa0000' contains U\+00A0"):
        read_lexicon(tmp_path / "lexicon.txt")
    with pytest.raises(DictionaryError, match=r"contains U\+3000"):
        find_pronunciations(["one\u3000two"], guess_missing=True)
