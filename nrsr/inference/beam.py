"""CTC prefix beam search: over units (flashlight-text), or over the words of a language model."""

import numpy as np
from flashlight.lib.text.decoder import LM, CriterionType, LexiconFreeDecoder, LexiconFreeDecoderOptions, ZeroLM

from nrsr.inference.word_beam import BLANK, THRESHOLD, WordBeamSearch
from nrsr.inference.word_model import WordModel

UNITS_PER_FRAME = 50  # the most probable units of a frame, with which hypotheses go on


class PrefixBeamSearch:
    """CTC prefix beam search (Hannun et al. 2014): each hypothesis is a sequence of units, summed over alignments.

    It scores log p_ctc(units) + lm_weight * score of the language model. For a model of words it uses
    `WordBeamSearch`: flashlight's own lexicon search cannot, for CTC, repeat the last unit of a word (units without a
    separator between words lose most alignments), and a language model cannot forbid its searches a unit.
    """

    def __init__(self, size: int, *, beam: int, lm: LM | WordModel | None = None, lm_weight: float = 1.0):
        """Search over `size` units with `beam` hypotheses; `lm` scores unit ids."""
        self._words = WordBeamSearch(lm, beam=beam) if isinstance(lm, WordModel) else None
        if self._words is not None:
            return
        options = LexiconFreeDecoderOptions(
            beam, min(size, UNITS_PER_FRAME), THRESHOLD, lm_weight, 0.0, True, CriterionType.CTC
        )
        self._lm = lm or ZeroLM()  # the decoder holds no reference that Python sees
        # With the blank as flashlight's silence, hypotheses start and end on it, and a first unit is no repetition.
        self._decoder = LexiconFreeDecoder(options, self._lm, BLANK, BLANK, [])

    def __call__(self, log_probs: np.ndarray) -> tuple[list[int], float]:
        """The best unit ids of one utterance, log_probs [M, V], and their score."""
        if self._words is not None:
            return self._words(log_probs)
        if not len(log_probs):
            return [], 0.0
        emissions = np.ascontiguousarray(log_probs, dtype=np.float32)
        best = self._decoder.decode(emissions.ctypes.data, *emissions.shape)[0]
        frames = np.asarray(best.tokens[1:-1])
        starts = (frames != BLANK) & (frames != np.concatenate(([BLANK], frames[:-1])))
        return frames[starts].tolist(), best.score
