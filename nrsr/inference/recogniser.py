"""From waveforms to words: a trained system, its units and a search."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nrsr.data import Units
from nrsr.data.batch import pad
from nrsr.errors import NrsrError
from nrsr.inference.beam import PrefixBeamSearch
from nrsr.inference.joint import JointSearch
from nrsr.inference.language_model import UnitScores, open_language_model
from nrsr.inference.settings import DecodingSettings
from nrsr.nn.losses import ctc_collapse
from nrsr.signal.masks import zero_padding
from nrsr.systems import JointAsr, Senone, System


class DecodingError(NrsrError):
    """An utterance, system or option with which recognition is not possible."""


def check_recogniser(system: System) -> None:
    """Refuse a system that gives no words by itself.

    Raises:
        DecodingError: any but the joint CTC system.
    """
    if isinstance(system, Senone):
        raise DecodingError("a hybrid system gives words with a graph and stored features; run nrsr decode --graph")
    if not isinstance(system, JointAsr):
        raise DecodingError(f"{type(system).__name__} recognises no words; give the experiment of a recogniser")


class Hypothesis(NamedTuple):
    """What was recognised.

    Attributes:
        text: words separated by single spaces; perhaps none.
        log_probs: of CTC, float32 [M, V]; no frames where the utterance is too short for one.
    """

    text: str
    log_probs: np.ndarray


class Recogniser:
    """Recognises batches of waveforms. In evaluation an utterance's result does not depend on its batch."""

    def __init__(
        self,
        system: System,
        units: Units,
        settings: DecodingSettings,
        *,
        lm: str | Path | None = None,
        device: torch.device | str = "cpu",
    ):
        """Make ready to search as `settings` say, with the ARPA file `lm` if there is one.

        Raises:
            DecodingError: a system that recognises no words, or cannot be searched by this method.
            LanguageModelError: an ARPA file that does not fit.
        """
        if torch.device(device).type == "cuda" and not torch.cuda.is_available():
            raise DecodingError("--device cuda: torch sees no GPU; leave the option out, or see nrsr doctor")
        check_recogniser(system)
        self._system, self._units, self._device = system.to(device).eval(), units, device
        self._search = self._make_search(settings, lm)

    @property
    def sample_rate(self) -> int:
        return self._system.sample_rate

    def _make_search(self, settings: DecodingSettings, path: str | Path | None) -> Callable[..., list[list[int]]]:
        if settings.method == "greedy":
            if path is not None:
                raise DecodingError("--lm: the greedy method uses no language model; add --method beam or joint")
            return lambda hidden, log_probs, lengths: ctc_collapse(log_probs, lengths)
        scores = UnitScores(None, 1.0)
        if path is not None:
            scores = open_language_model(
                path, self._units, lm_weight=settings.lm_weight, word_score=settings.word_score
            )
        if settings.method == "beam":
            beam = PrefixBeamSearch(len(self._units), beam=settings.beam, lm=scores.lm, lm_weight=scores.weight)
            return lambda hidden, log_probs, lengths: [
                beam(frames.cpu().numpy())[0] for frames in _trim(log_probs, lengths)
            ]
        if self._system.decoder is None:
            raise DecodingError("--method joint: the system has no attention decoder; take beam, or train one with it")
        joint = JointSearch(
            self._system.decoder,
            self._units.sos_eos,
            beam=settings.beam,
            ctc_weight=settings.ctc_weight,
            length_penalty=settings.length_penalty,
            lm=scores.lm,
            lm_weight=scores.weight,
        )
        return lambda hidden, log_probs, lengths: [
            joint(*pair)[0] for pair in zip(_trim(hidden, lengths), _trim(log_probs, lengths), strict=True)
        ]

    @torch.inference_mode()
    def __call__(self, waves: Sequence[np.ndarray]) -> list[Hypothesis]:
        """Recognise waveforms, float32 [T] each, at `sample_rate`.

        Raises:
            DecodingError: the system gives NaN.
        """
        samples = torch.tensor([len(wave) for wave in waves])
        results = [Hypothesis("", np.zeros((0, len(self._units)), dtype=np.float32))] * len(waves)
        # Waveforms too short for one frame have no words, and no layer is asked what it makes of them.
        kept = [place for place, frames in enumerate(self._system.output_lengths(samples).tolist()) if frames > 0]
        if not kept:
            return results
        batch = pad([waves[place] for place in kept], int(samples[kept].max()), torch.float32)
        hidden, log_probs, lengths = self._system.encode(batch.to(self._device), samples[kept].to(self._device))
        # Before the search, and with one wait for the device.
        if not zero_padding(log_probs, lengths).isfinite().all():
            raise DecodingError("the system gives NaN or infinite log-probabilities; its training went wrong")
        found = self._search(hidden, log_probs, lengths)
        for place, units, frames in zip(kept, found, _trim(log_probs, lengths), strict=True):
            results[place] = Hypothesis(self._units.decode(units), frames.cpu().numpy())
        return results


def _trim(padded: Tensor, lengths: Tensor) -> list[Tensor]:
    """The valid frames [M, ...] of each utterance of [B, M, ...]."""
    return [frames[:length] for frames, length in zip(padded, lengths.tolist(), strict=True)]
