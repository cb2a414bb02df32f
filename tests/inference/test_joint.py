"""CTC prefix scores and the joint search against enumeration."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from nrsr.inference.arpa import load_kenlm
from nrsr.inference.joint import JointSearch
from nrsr.inference.ngram import NgramModel
from nrsr.inference.prefix_scores import CtcPrefixScorer
from nrsr.inference.word_model import LN10
from nrsr.nn import TransformerDecoder

sys.path.insert(0, str(Path(__file__).parent))
from ctc_by_enumeration import random_log_probs, sentence_score, sequences  # noqa: E402

SYMBOLS = ["<blank>", "<unk>", "a", "b", "<sos/eos>"]
FRAMES, SIZE, DIM, EOS = 5, len(SYMBOLS), 8, len(SYMBOLS) - 1


@pytest.mark.parametrize("prefix", [(1,), (1, 1), (2, 1), (1, 2, 2), (1, 1, 1), (1, 1, 1, 1), (1, 2, 1, 2)])
def test_prefix_scores(prefix):
    """p(prefix) is the sum over all sequences that start with it, p(end) that of the sequence alone."""
    rng = np.random.default_rng(len(prefix))
    for _ in range(5):
        log_probs = random_log_probs(rng, 6, 3, 2.0)
        totals = sequences(log_probs)
        scorer = CtcPrefixScorer(torch.from_numpy(log_probs))
        state = scorer.start()
        for unit in prefix:
            score = scorer.score(state, torch.tensor([[1, 2]]))[0, unit - 1].item()
            state = scorer.extend(state, torch.tensor([unit]))
        starting = [total for units, total in totals.items() if units[: len(prefix)] == prefix]
        assert score == pytest.approx(np.logaddexp.reduce(starting) if starting else -np.inf, abs=1e-9)
        assert scorer.end(state).item() == pytest.approx(totals.get(prefix, -np.inf), abs=1e-9)


def test_prefix_scores_of_many_frames_and_certainties():
    """A thousand frames, with probabilities that are all but 0 and 1, give no NaN and the certain answer."""
    log_probs = torch.full((1000, 3), -1e6)
    log_probs[:, 0] = 0.0
    log_probs[500, :2] = torch.tensor([-1e6, 0.0])
    scorer = CtcPrefixScorer(log_probs)
    first = scorer.score(scorer.start(), torch.tensor([[1, 2]]))
    assert first[0, 0].item() == pytest.approx(0.0, abs=1e-6)
    assert first[0, 1].item() < -500
    assert scorer.end(scorer.extend(scorer.start(), torch.tensor([1]))).item() == pytest.approx(0.0, abs=1e-6)


def attention_scores(decoder: TransformerDecoder, hidden: torch.Tensor, units: tuple[int, ...]) -> float:
    with torch.no_grad():
        lengths = torch.tensor([len(units) + 1])
        logits = decoder(hidden[None], torch.tensor([FRAMES]), torch.tensor([[EOS, *units]]), lengths)
    log_probs = logits[0].log_softmax(dim=-1)
    return sum(log_probs[place, unit].item() for place, unit in enumerate([*units, EOS]))


@pytest.mark.parametrize(
    ("ctc_weight", "length_penalty", "lm_weight"),
    [(0.3, 0.0, 0.0), (0.3, 0.4, 0.3), (0.0, -0.2, 0.3), (1.0, 0.0, 0.0), (0.5, 2.0, 0.0)],
)
def test_joint_search_finds_the_best_of_all(tmp_path, ctc_weight, length_penalty, lm_weight):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model = NgramModel([line.split() for line in ("a b a", "a a", "b")], 3)
    model.write_arpa(tmp_path / "lm.arpa")
    lm = load_kenlm(tmp_path / "lm.arpa", SYMBOLS) if lm_weight else None
    options = {"ctc_weight": ctc_weight, "length_penalty": length_penalty, "lm_weight": lm_weight * LN10}
    for _ in range(3):
        decoder = TransformerDecoder(SIZE, DIM, layers=1, heads=2, ffn=8).eval()
        with torch.no_grad():
            decoder.out.weight.mul_(3)
        hidden, log_probs = torch.randn(FRAMES, DIM), random_log_probs(rng, FRAMES, SIZE, 2.0)
        ctc = sequences(log_probs)
        scores = {}
        for length in range(FRAMES + 1):
            for units in itertools.product([1, 2, 3], repeat=length):
                if ctc_weight and units not in ctc:
                    continue
                score = (1 - ctc_weight) * attention_scores(decoder, hidden, units) + length_penalty * length
                score += ctc_weight * ctc.get(units, 0.0)
                scores[units] = score + lm_weight * sentence_score(model, [SYMBOLS[unit] for unit in units])
        found, score = JointSearch(decoder, EOS, beam=300, lm=lm, **options)(hidden, torch.from_numpy(log_probs))
        assert tuple(found) == max(scores, key=scores.get)
        assert score == pytest.approx(max(scores.values()), abs=1e-4)


def test_joint_search_with_a_small_beam_is_no_better_than_with_a_large_one():
    torch.manual_seed(1)
    decoder = TransformerDecoder(SIZE, DIM, layers=1, heads=2, ffn=8).eval()
    hidden, log_probs = torch.randn(12, DIM), torch.randn(12, SIZE).log_softmax(dim=-1)
    scores = [JointSearch(decoder, EOS, beam=beam, ctc_weight=0.3)(hidden, log_probs)[1] for beam in (1, 3, 200)]
    assert scores[0] <= scores[2] + 1e-6
    assert scores[1] <= scores[2] + 1e-6
