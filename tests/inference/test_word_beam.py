"""Searches with a language model of words: no word outside of it comes out, and scores are those of enumeration."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from nrsr.data import Units
from nrsr.inference.beam import PrefixBeamSearch
from nrsr.inference.joint import JointSearch
from nrsr.inference.language_model import open_language_model
from nrsr.inference.ngram import NgramModel
from nrsr.nn import TransformerDecoder

sys.path.insert(0, str(Path(__file__).parent))
from ctc_by_enumeration import random_log_probs, sentence_score, sequences  # noqa: E402

SYLLABLES = [first + vowel + last for first in "bdfgklmnprst" for vowel in "aeiou" for last in ["", "n", "r", "s"]]


@pytest.fixture(scope="module")
def language(tmp_path_factory):
    """All words of a language, those of them that the language model knows, the model, and text for BPE units."""
    rng = np.random.default_rng(0)
    words = sorted({"".join(rng.choice(SYLLABLES, rng.integers(1, 4))) for _ in range(600)})
    text = [" ".join(rng.choice(words, 8)) for _ in range(800)]
    known = [str(word) for word in rng.choice(words, 40, replace=False)]
    arpa = tmp_path_factory.mktemp("lm") / "lm.arpa"
    NgramModel([list(rng.choice(known, 4)) for _ in range(300)], 2).write_arpa(arpa)
    return words, known, arpa, text


def emissions(units: Units, text: str, rng: np.random.Generator) -> np.ndarray:
    """Log-probabilities with a peak for each unit of a text, and a blank behind it."""
    ids = [unit for spoken in units.encode(text) for unit in (spoken, 0)]
    logits = 1.5 * rng.standard_normal((len(ids), len(units)))
    logits[np.arange(len(ids)), ids] += 10
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.mark.parametrize(("kind", "size"), [("bpe", 400), ("bpe", 60), ("char", None)])
@pytest.mark.parametrize("beam", [60, 1])
def test_no_word_outside_the_language_model(language, kind, size, beam):
    words, known, arpa, text = language
    units = Units.from_text(text, kind, size)
    lm, weight = open_language_model(arpa, units, lm_weight=0.3, word_score=0.0)
    search = PrefixBeamSearch(len(units), beam=beam, lm=lm, lm_weight=weight)
    rng, right = np.random.default_rng(1), 0
    for _ in range(12):  # three words of the model and one of the language
        spoken = [*rng.choice(known, 3), rng.choice(words)]
        ids, score = search(emissions(units, " ".join(spoken), rng))
        found = units.decode(ids).split()
        assert set(found) <= set(known) and np.isfinite(score)
        right += found[:3] == spoken[:3]
    assert right >= (10 if beam > 1 else 1)


def test_speech_of_another_language_gives_words_or_none(language):
    _, known, arpa, text = language
    units = Units.from_text(text, "char")
    lm, weight = open_language_model(arpa, units, lm_weight=0.3, word_score=0.0)
    search = PrefixBeamSearch(len(units), beam=4, lm=lm, lm_weight=weight)
    for spoken in ("b", "bbbbbbbb", "  b  ", "tttt dddd"):
        found = units.decode(search(emissions(units, spoken, np.random.default_rng(0)))[0]).split()
        assert set(found) <= set(known)


@pytest.mark.parametrize("ctc_weight", [0.0, 0.4, 1.0])
def test_joint_search_finds_the_best_of_all_sentences(tmp_path, ctc_weight):
    torch.manual_seed(0)
    rng, frames = np.random.default_rng(0), 4
    units = Units.from_text(["ab a"], "char")  # <blank> <unk> <space> a b <sos/eos>
    model = NgramModel([["ab", "a"], ["a"], ["ab"]], 2)
    model.write_arpa(tmp_path / "lm.arpa")
    lm, weight = open_language_model(tmp_path / "lm.arpa", units, lm_weight=0.5, word_score=0.2)
    for _ in range(3):
        decoder = TransformerDecoder(len(units), 8, layers=1, heads=2, ffn=8).eval()
        hidden, log_probs = torch.randn(frames, 8), random_log_probs(rng, frames, len(units), 2.0)
        ctc, scores = sequences(log_probs), {}
        for length in range(frames + 1):
            for ids in itertools.product([2, 3, 4], repeat=length):
                words = units.decode(ids).split()
                if not set(words) <= {"a", "ab"} or (ctc_weight and ids not in ctc):
                    continue
                given = torch.tensor([[units.sos_eos, *ids]])
                with torch.no_grad():
                    logits = decoder(hidden[None], torch.tensor([frames]), given, torch.tensor([length + 1]))
                chosen = logits[0].log_softmax(dim=-1)[torch.arange(length + 1), [*ids, units.sos_eos]].sum().item()
                score = (1 - ctc_weight) * chosen + ctc_weight * ctc.get(ids, 0.0)
                scores[ids] = score + 0.5 * sentence_score(model, words) + 0.2 * len(words)
        search = JointSearch(decoder, units.sos_eos, beam=300, ctc_weight=ctc_weight, lm=lm, lm_weight=weight)
        found, score = search(hidden, torch.from_numpy(log_probs))
        assert score == pytest.approx(max(scores.values()), abs=1e-4)
        assert scores[tuple(found)] == pytest.approx(score, abs=1e-4)


class RareFirstWord(torch.nn.Module):
    """A decoder for which nothing was said, or with a probability of e^-25 a word, and the word again and again."""

    def step(self, memory: torch.Tensor, lengths: torch.Tensor, units: torch.Tensor) -> torch.Tensor:
        log_probs = torch.full((len(units), 4), -50.0)  # <blank> <unk> a <sos/eos>
        log_probs[:, 2], log_probs[:, 3] = (-25.0, 0.0) if units.shape[1] == 1 else (-0.7, -0.7)
        return log_probs


@pytest.mark.parametrize(("word_score", "words"), [(0.0, 0), (6.0, 12)])
def test_joint_search_goes_on_for_the_score_of_words(tmp_path, word_score, words):
    units = Units.from_text(["a"], "word")
    NgramModel([["a"] * 12], 2).write_arpa(tmp_path / "lm.arpa")
    lm, weight = open_language_model(tmp_path / "lm.arpa", units, lm_weight=1.0, word_score=word_score)
    search = JointSearch(RareFirstWord(), units.sos_eos, beam=4, ctc_weight=0.0, lm=lm, lm_weight=weight)
    assert search(torch.zeros(12, 8), torch.zeros(12, 4).log_softmax(1))[0] == [2] * words


def test_joint_search_says_words_of_the_language_model_alone(language):
    words, known, arpa, text = language
    units = Units.from_text(text, "bpe", 100)
    lm, weight = open_language_model(arpa, units, lm_weight=0.3, word_score=0.0)
    torch.manual_seed(0)
    rng = np.random.default_rng(1)
    decoder = TransformerDecoder(len(units), 8, layers=1, heads=2, ffn=8).eval()
    search = JointSearch(decoder, units.sos_eos, beam=4, ctc_weight=0.7, lm=lm, lm_weight=weight)
    for _ in range(4):
        spoken = emissions(units, " ".join([rng.choice(known), rng.choice(words)]), rng)
        ids, score = search(torch.randn(len(spoken), 8), torch.from_numpy(spoken))
        assert set(units.decode(ids).split()) <= set(known) and np.isfinite(score)
