"""Witten-Bell n-grams: worked numbers, sums, and KenLM's own reading of the ARPA file."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.inference.arpa import load_kenlm, read_vocabulary
from nrsr.inference.ngram import NgramModel
from nrsr.kaldi.arpa import LanguageModelError

TEXT = ["one two three", "one one two", "three", "two <unk> one"]
sentences = st.lists(st.lists(st.sampled_from(["a", "b", "c", "<unk>"]), max_size=5), min_size=1, max_size=6)


def test_worked_example():
    """Counted by hand: the text "a b a" has the unigrams a a b </s>, 3 kinds of 4, and a vocabulary of 4."""
    model = NgramModel([["a", "b", "a"]], 2)
    unigram = {word: (count + 3 / 4) / 7 for word, count in {"a": 2, "b": 1, "</s>": 1, "<unk>": 0}.items()}
    for word, probability in unigram.items():
        assert model.probability(word) == pytest.approx(probability)
    # After a: b once, </s> once.
    assert model.probability("b", ["a"]) == pytest.approx((1 + 2 * unigram["b"]) / 4)
    assert model.probability("a", ["a"]) == pytest.approx(2 * unigram["a"] / 4)
    assert model.probability("never seen", ["a"]) == pytest.approx(2 * unigram["<unk>"] / 4)
    assert model.probability("a", ["<s>"]) == pytest.approx((1 + unigram["a"]) / 2)


@given(sentences.filter(lambda lines: any(lines)), st.integers(2, 4), st.lists(st.sampled_from("abz"), max_size=4))
@settings(max_examples=60, deadline=None)
def test_probabilities_sum_to_one(lines, order, history):
    model = NgramModel(lines, order)
    for start in ([], ["<s>"]):
        total = sum(model.probability(word, [*start, *history]) for word in [*model.words, "<unk>", "</s>"])
        assert total == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("order", [2, 3, 6])
def test_kenlm_gives_the_same_perplexity(tmp_path, order):
    model = NgramModel([line.split() for line in TEXT], order)
    path = tmp_path / "lm.arpa"
    model.write_arpa(path)
    words = [*model.words, "unseen"]
    assert set(read_vocabulary(path)) == {*model.words, "<s>", "</s>", "<unk>"}
    kenlm = load_kenlm(path, words)
    for sentence in (["one", "two", "two"], ["three", "unseen", "one"], []):
        state, theirs, ours = kenlm.start(False), 0.0, 0.0
        history = ["<s>"]
        for word in sentence:
            state, score = kenlm.score(state, words.index(word))
            theirs += score
            ours += math.log10(model.probability(word, history))
            history.append(word)
        theirs += kenlm.finish(state)[1]
        ours += math.log10(model.probability("</s>", history))
        assert theirs == pytest.approx(ours, abs=1e-5)


def test_bad_text_and_orders():
    with pytest.raises(LanguageModelError, match="no words"):
        NgramModel([[], []], 2)
    with pytest.raises(LanguageModelError, match="--order 7"):
        NgramModel([["a"]], 7)
    with pytest.raises(LanguageModelError, match="</s> is a word of the text"):
        NgramModel([["a", "</s>"]], 2)


def test_command(tmp_path, nrsr_main):
    (tmp_path / "text").write_text("u1 one two\nu2\nu3 two\n")
    status, out, _ = nrsr_main("make-lm", "--order", 2, tmp_path / "text", tmp_path / "lm.arpa")
    assert status == 0
    assert "2 words" in out
    assert read_vocabulary(tmp_path / "lm.arpa") == ["<unk>", "<s>", "</s>", "one", "two"]
    status, _, err = nrsr_main("make-lm", tmp_path / "nowhere", tmp_path / "lm.arpa")
    assert status == 1
    assert "nowhere: there is no such file" in err


def test_command_over_units(tmp_path, nrsr_main):
    from nrsr.data import Units

    Units.from_text(["ab b"], "char").save(tmp_path / "units")
    (tmp_path / "plain").write_text("ab b\nb\n")
    status, _, err = nrsr_main(
        "make-lm", "--plain", "--units", tmp_path / "units", tmp_path / "plain", tmp_path / "lm.arpa"
    )
    assert status == 0, err
    assert set(read_vocabulary(tmp_path / "lm.arpa")) == {"<unk>", "<s>", "</s>", "a", "b", "<space>"}
