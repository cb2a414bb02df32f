"""CTC prefix beam search against the enumeration of all alignments."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.data import Units
from nrsr.inference.beam import PrefixBeamSearch
from nrsr.inference.language_model import of_units, open_language_model, unspelled_words
from nrsr.inference.ngram import NgramModel
from nrsr.kaldi.arpa import LanguageModelError
from nrsr.nn.losses import ctc_collapse

sys.path.insert(0, str(Path(__file__).parent))
from ctc_by_enumeration import random_log_probs, sentence_score, sequences  # noqa: E402

ALL = 100_000  # a beam that prunes nothing
WORD_TEXT = ["ab b ab", "b b", "a ab"]
LM_WEIGHT, WORD_SCORE = 0.7, 0.3


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(2, 4), st.floats(0.1, 4))
@settings(max_examples=40, deadline=None)
def test_best_sequence_and_its_score(seed, frames, size, spread):
    log_probs = random_log_probs(np.random.default_rng(seed), frames, size, spread)
    totals = sequences(log_probs)
    units, score = PrefixBeamSearch(size, beam=ALL)(log_probs)
    assert score == pytest.approx(max(totals.values()), abs=1e-4)
    assert totals[tuple(units)] == pytest.approx(score, abs=1e-4)


@given(st.integers(0, 2**32 - 1), st.integers(0, 30), st.sampled_from([1, 8]))
@settings(max_examples=40, deadline=None)
def test_equals_greedy_on_peaked_posteriors(seed, frames, beam):
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((frames, 6))
    logits[np.arange(frames), rng.integers(0, 6, frames)] += 15
    log_probs = torch.from_numpy(logits).log_softmax(dim=-1) if frames else torch.zeros(0, 6)
    greedy = ctc_collapse(log_probs[None], torch.tensor([frames]))[0]
    assert PrefixBeamSearch(6, beam=beam)(log_probs.numpy())[0] == greedy


def make_units(kind: str) -> Units:
    if kind == "word":
        return Units.from_text(["a b"], "word")
    return Units.from_text(["ab b", "b ab", "ab ab b a"], kind, 5 if kind == "bpe" else None)


@pytest.mark.parametrize("kind", ["word", "char", "bpe"])
def test_word_language_model(tmp_path, kind):
    units = make_units(kind)
    words = {"a", "b"} if kind == "word" else {"a", "b", "ab"}
    text = WORD_TEXT if kind != "word" else ["a b a", "a a", "b"]
    model = NgramModel([line.split() for line in text], 3)
    model.write_arpa(tmp_path / "lm.arpa")
    lm, weight = open_language_model(tmp_path / "lm.arpa", units, lm_weight=LM_WEIGHT, word_score=WORD_SCORE)
    search = PrefixBeamSearch(len(units), beam=ALL, lm=lm, lm_weight=weight)
    rng = np.random.default_rng(0)
    for _ in range(10):
        log_probs = random_log_probs(rng, 5, len(units), 2.0)
        scores = {}
        for ids, acoustic in sequences(log_probs).items():
            spoken = units.decode(ids).split()
            written = kind == "char" or units.encode(" ".join(spoken)) == list(ids)
            if set(spoken) <= words and units.sos_eos not in ids and written:
                scores[ids] = acoustic + LM_WEIGHT * sentence_score(model, spoken) + WORD_SCORE * len(spoken)
        found, score = search(log_probs)
        assert tuple(found) == max(scores, key=scores.get)
        assert score == pytest.approx(max(scores.values()), abs=1e-3)


def test_unit_language_model(tmp_path):
    units = make_units("char")
    lines = [[units.symbols[unit] for unit in units.encode(line)] for line in WORD_TEXT]
    model = NgramModel(lines, 3)
    model.write_arpa(tmp_path / "lm.arpa")
    lm, weight = open_language_model(tmp_path / "lm.arpa", units, lm_weight=LM_WEIGHT, word_score=0.0)
    search = PrefixBeamSearch(len(units), beam=ALL, lm=lm, lm_weight=weight)
    rng = np.random.default_rng(0)
    for _ in range(10):
        log_probs = random_log_probs(rng, 4, len(units))
        scores = {
            ids: acoustic + LM_WEIGHT * sentence_score(model, [units.symbols[unit] for unit in ids])
            for ids, acoustic in sequences(log_probs).items()
        }
        found, score = search(log_probs)
        assert score == pytest.approx(max(scores.values()), abs=1e-4)
        assert scores[tuple(found)] == pytest.approx(score, abs=1e-4)
    with pytest.raises(LanguageModelError, match="--word-score goes with"):
        open_language_model(tmp_path / "lm.arpa", units, lm_weight=1.0, word_score=1.0)


def test_words_that_are_all_pieces_are_words():
    units = Units.from_text(["a b c ab bc"] * 20, "bpe", 10)
    assert {"a", "b", "c"} <= set(units.symbols)
    assert not of_units(["<unk>", "<s>", "</s>", "a", "b", "c"], units)
    assert of_units(["<unk>", "<s>", "</s>", "a", "b", "▁a"], units)


def test_unknown_words_in_capitals_are_no_word(tmp_path):
    NgramModel([["ab", "UNK"], ["b"]], 2).write_arpa(tmp_path / "lm.arpa")
    path = tmp_path / "lm.arpa"
    path.write_text(path.read_text().replace("<unk>", "<x>").replace("UNK", "<UNK>"))
    assert unspelled_words(path, Units.from_text(["ab <x> NUK <UNK>"], "char")) == []
    assert unspelled_words(path, Units.from_text(["ab <x"], "char")) == ["<x>"]


def test_words_that_units_cannot_write(tmp_path):
    NgramModel([["ab", "zoo"], ["b"]], 2).write_arpa(tmp_path / "lm.arpa")
    assert unspelled_words(tmp_path / "lm.arpa", make_units("char")) == ["zoo"]
    assert unspelled_words(tmp_path / "lm.arpa", make_units("word")) == ["ab", "zoo"]
    NgramModel([["zoo"]], 2).write_arpa(tmp_path / "other.arpa")
    with pytest.raises(LanguageModelError, match="no word can be written in the units"):
        open_language_model(tmp_path / "other.arpa", make_units("char"), lm_weight=1.0, word_score=0.0)


def test_language_model_decides_between_equals(tmp_path):
    """Two words that sound alike: the acoustics prefer the wrong one by a little, the language model knows."""
    units = Units.from_text(["four for"], "word")
    NgramModel([["four", "four"]] * 5 + [["for"]], 2).write_arpa(tmp_path / "lm.arpa")
    four, other = units.encode("four")[0], units.encode("for")[0]
    log_probs = np.full((3, len(units)), -20.0)
    log_probs[[0, 2], other], log_probs[[0, 2], four], log_probs[1, 0] = -0.6, -0.8, 0.0
    assert PrefixBeamSearch(len(units), beam=5)(log_probs)[0] == [other, other]
    lm, weight = open_language_model(tmp_path / "lm.arpa", units, lm_weight=1.0, word_score=0.0)
    assert PrefixBeamSearch(len(units), beam=5, lm=lm, lm_weight=weight)(log_probs)[0] == [four, four]
