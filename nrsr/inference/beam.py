"""CTC prefix beam search over units (flashlight-text), with or without a language model."""

import numpy as np
from flashlight.lib.text.decoder import LM, CriterionType, LexiconFreeDecoder, LexiconFreeDecoderOptions, ZeroLM

BLANK = 0
THRESHOLD = 50.0  # hypotheses further under the best one are dropped: a share of e**-50 changes no sum
UNITS_PER_FRAME = 50  # the most probable units of a frame, with which hypotheses go on


class PrefixBeamSearch:
    """CTC prefix beam search (Hannun et al. 2014): each hypothesis is a sequence of units, summed over alignments.

    It scores log p_ctc(units) + lm_weight * score of the language model, which may forbid units: a lexicon is a
    language model too (`WordModel`). Flashlight's own lexicon search is not used: for CTC it cannot repeat the last
    unit of a word (units without a separator between words lose most alignments).
    """

    def __init__(self, size: int, *, beam: int, lm: LM | None = None, lm_weight: float = 1.0):
        """Search over `size` units with `beam` hypotheses; `lm` scores unit ids."""
        options = LexiconFreeDecoderOptions(
            beam, min(size, UNITS_PER_FRAME), THRESHOLD, lm_weight, 0.0, True, CriterionType.CTC
        )
        self._lm = lm or ZeroLM()  # the decoder holds no reference that Python sees
        # With the blank as flashlight's silence, hypotheses start and end on it, and a first unit is no repetition.
        self._decoder = LexiconFreeDecoder(options, self._lm, BLANK, BLANK, [])

    def __call__(self, log_probs: np.ndarray) -> tuple[list[int], float]:
        """The best unit ids of one utterance, log_probs [M, V], and their score."""
        if not len(log_probs):
            return [], 0.0
        emissions = np.ascontiguousarray(log_probs, dtype=np.float32)
        best = self._decoder.decode(emissions.ctypes.data, *emissions.shape)[0]
        frames = np.asarray(best.tokens[1:-1])
        starts = (frames != BLANK) & (frames != np.concatenate(([BLANK], frames[:-1])))
        return frames[starts].tolist(), best.score
