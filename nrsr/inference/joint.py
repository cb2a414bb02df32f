"""One-pass beam search with an attention decoder, CTC prefix scores and perhaps a language model."""

import math
from typing import NamedTuple

import numpy as np
import torch
from flashlight.lib.text.decoder import LM, LMState
from torch import Tensor

from nrsr.inference.prefix_scores import CtcPrefixScorer, PrefixState
from nrsr.inference.word_model import WordModel, WordState
from nrsr.nn import TransformerDecoder

CANDIDATES = 1.5  # units that go on to CTC scoring, in beams: the decoder's most probable ones
MARGIN = 10.0  # nats by which every living hypothesis must lie under the best whole one before the search ends


class Beam(NamedTuple):
    """H hypotheses of one length.

    Attributes:
        units: [H, U + 1], `<sos/eos>` first.
        attention: log-probability by the decoder, [H].
        ctc: prefix log-probability by CTC, [H].
        lm: weighted score of the language model, [H].
        ctc_state, lm_states: of CTC and the language model, to extend the hypotheses.
    """

    units: Tensor
    attention: Tensor
    ctc: Tensor
    lm: Tensor
    ctc_state: PrefixState
    lm_states: list[LMState | WordState]


class JointSearch:
    """Joint CTC/attention decoding (Watanabe et al. 2017, equation 35 with a language model as in Hori et al. 2017).

    A hypothesis scores (1 - ctc_weight) ln p_att + ctc_weight ln p_ctc + lm_weight * lm + length_penalty * units.
    """

    def __init__(
        self,
        decoder: TransformerDecoder,
        sos_eos: int,
        *,
        beam: int,
        ctc_weight: float,
        length_penalty: float = 0.0,
        lm: LM | WordModel | None = None,
        lm_weight: float = 1.0,
    ):
        """Search over the units between the blank, 0, and `sos_eos`, the last; `lm` scores unit ids.

        What a model of words does not permit is never tried: no word outside of it comes out.
        """
        self._decoder, self._sos_eos, self._beam = decoder, sos_eos, beam
        self._ctc_weight, self._length_penalty = ctc_weight, length_penalty
        self._lm, self._lm_weight = lm, lm_weight

    @torch.inference_mode()
    def __call__(self, hidden: Tensor, log_probs: Tensor) -> tuple[list[int], float]:
        """The best unit ids of one utterance and their score, from hidden [M, dim] and CTC's log_probs [M, V]."""
        frames = len(hidden)
        best: tuple[list[int], float] = ([], -math.inf)
        if not frames:
            return [], 0.0
        scorer = CtcPrefixScorer(log_probs)
        beam = self._start(scorer, hidden)
        for length in range(frames + 1):  # CTC needs a frame for each unit
            memory = hidden.expand(len(beam.units), -1, -1)
            memory_lengths = torch.full((len(beam.units),), frames, device=hidden.device)
            following = self._decoder.step(memory, memory_lengths, beam.units).double()
            whole = self._end(scorer, beam, following[:, self._sos_eos], length)
            score, row = whole.max(dim=0)
            if score.item() > best[1]:
                best = beam.units[row, 1:].tolist(), score.item()
            beam, alive = self._extend(scorer, beam, following, length + 1)
            if alive + self._most_gain(frames - length - 1) < best[1] - MARGIN or alive == -math.inf:
                break
        return best

    def _most_gain(self, units: int) -> float:
        """The most that so many further units can add to a score.

        They cost probability, for which only the length penalty and the score of words can pay; and what a language
        model takes back, which MARGIN allows for.
        """
        words = self._lm.most_word_score(units) if isinstance(self._lm, WordModel) else 0.0
        return max(self._length_penalty, 0.0) * units + self._lm_weight * words

    def _start(self, scorer: CtcPrefixScorer, hidden: Tensor) -> Beam:
        units = torch.full((1, 1), self._sos_eos, device=hidden.device)
        zero = torch.zeros(1, dtype=torch.float64, device=hidden.device)
        return Beam(units, zero, zero, zero, scorer.start(), [self._lm.start(False)] if self._lm else [])

    def _total(self, attention: Tensor, ctc: Tensor, lm: Tensor, length: int) -> Tensor:
        total = (1 - self._ctc_weight) * attention + lm + self._length_penalty * length
        return total + self._ctc_weight * ctc if self._ctc_weight else total  # 0 times -inf would be NaN

    def _end(self, scorer: CtcPrefixScorer, beam: Beam, end: Tensor, length: int) -> Tensor:
        """Scores [H] of the hypotheses as whole utterances."""
        lm = beam.lm
        if self._lm:
            finish = [self._lm.finish(state)[1] for state in beam.lm_states]
            lm = lm + self._lm_weight * lm.new_tensor(finish)
        return self._total(beam.attention + end, scorer.end(beam.ctc_state), lm, length)

    def _extend(self, scorer: CtcPrefixScorer, beam: Beam, following: Tensor, length: int) -> tuple[Beam, float]:
        """The best hypotheses with one unit more, and the best of their scores."""
        regular = following[:, 1 : self._sos_eos]  # neither the blank nor the end
        forbidden = self._forbidden(beam, regular)
        if forbidden is not None:
            regular = regular.masked_fill(forbidden, -math.inf)
        attention, units = regular.topk(min(regular.shape[1], math.ceil(CANDIDATES * self._beam)), dim=1)
        possible = attention > -math.inf
        attention = attention.where(possible, 0.0) + beam.attention[:, None]
        units = units + 1
        ctc = scorer.score(beam.ctc_state, units)
        lm, states = self._score_lm(beam, units, possible)
        totals = self._total(attention, ctc, lm, length).where(possible, -math.inf).flatten()
        scores, chosen = totals.topk(min(self._beam, len(totals)))
        chosen = chosen[scores > -math.inf]
        if not len(chosen):
            return beam, -math.inf
        rows = chosen // units.shape[1]
        added = units.flatten()[chosen]
        extended = Beam(
            torch.cat([beam.units[rows], added[:, None]], dim=1),
            attention.flatten()[chosen],
            ctc.flatten()[chosen],
            lm.flatten()[chosen],
            scorer.extend(beam.ctc_state.select(rows), added),
            [states[place] for place in chosen.tolist()] if self._lm else [],
        )
        return extended, scores[0].item()

    def _forbidden(self, beam: Beam, regular: Tensor) -> Tensor | None:
        """Of each hypothesis the units that a model of words does not permit, as a mask of `regular`; None for none."""
        if not isinstance(self._lm, WordModel):
            return None
        mask = np.ones(regular.shape, bool)
        for row, state in zip(mask, beam.lm_states, strict=True):
            row[self._lm.permitted(state) - 1] = False
        return torch.from_numpy(mask).to(regular.device)

    def _score_lm(self, beam: Beam, units: Tensor, possible: Tensor) -> tuple[Tensor, list[LMState | WordState | None]]:
        """Weighted scores [H, K] of each hypothesis with each possible unit, and the states after, H * K of them."""
        if not self._lm:
            return beam.lm[:, None].expand(units.shape), []
        rows = zip(beam.lm_states, units.tolist(), possible.tolist(), strict=True)
        steps = [
            self._lm.score(state, unit) if may else (None, 0.0)
            for state, row, mays in rows
            for unit, may in zip(row, mays, strict=True)
        ]
        added = beam.lm.new_tensor([score for _, score in steps]).view(units.shape)
        return beam.lm[:, None] + self._lm_weight * added, [state for state, _ in steps]
