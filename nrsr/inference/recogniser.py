"""From waveforms to words: a trained CTC system, its units and a search.

A recording that is longer than a piece goes through the network in overlapping pieces. Their CTC log-probabilities are
joined in the overlap, at the frame where the blank is most probable in both pieces, so that no unit is cut or doubled;
the best path is that of the whole, and the searches go from pause to pause, in stretches of at most a piece.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from nrsr.data.batch import padded
from nrsr.data.inputs import Inputs
from nrsr.data.outputs import CtcOutput, TextOutput
from nrsr.experiment.folder import Experiment
from nrsr.inference.application import Application, ApplyError, Result, check_device
from nrsr.inference.beam import PrefixBeamSearch
from nrsr.inference.joint import JointSearch
from nrsr.inference.language_model import UnitScores, open_language_model
from nrsr.inference.settings import DecodingSettings
from nrsr.inference.stretches import stretches
from nrsr.kaldi import DataDir
from nrsr.nn.losses import ctc_collapse
from nrsr.signal.masks import zero_padding

TOO_SHORT = "are too short for one frame and get no words"
Search = Callable[[Tensor, np.ndarray], list[int]]


class DecodingError(ApplyError):
    """An utterance, system or option with which recognition is not possible."""


class Encoded(NamedTuple):
    """The network's outputs for a recording or piece: hidden vectors [M, dim], CTC log-probabilities [M, V] (host)."""

    hidden: Tensor
    log_probs: np.ndarray

    def cut(self, first: int, last: int) -> "Encoded":
        """The frames from `first` to before `last`."""
        return Encoded(self.hidden[first:last], self.log_probs[first:last])


class Recogniser(Application):
    """Recognises waveforms: words, and CTC log-probabilities where they are asked for.

    Args:
        experiment: of a system with CTC output.
        settings: how to search.
        lm: ARPA file, over words or over the units.
        device: "cpu" or "cuda".
        loglikes: whether to output the log-probabilities as well.

    Raises:
        DecodingError: a system that recognises no words, or cannot be searched by this method.
        LanguageModelError: an ARPA file that does not fit.
    """

    def __init__(
        self,
        experiment: Experiment,
        settings: DecodingSettings,
        *,
        lm: str | Path | None = None,
        device: str = "cpu",
        loglikes: bool = False,
    ):
        check_device(device)
        self._ctc = ctc_output(experiment)
        self._config, self._units, self._loglikes = experiment.config, experiment.units, loglikes
        self._system, self._device = experiment.system.to(device).eval(), device
        self._method = settings.method
        self._search = self._make_search(settings, lm)
        self.known = {"text": TextOutput(), "loglikes": self._ctc}
        self.outputs = {name: output for name, output in self.known.items() if name == "text" or loglikes}
        self.step = self._ctc.step

    def _make_search(self, settings: DecodingSettings, path: str | Path | None) -> Search:
        if settings.method == "greedy":
            if path is not None:
                raise DecodingError("--lm: the greedy method uses no language model; add --method beam or joint")
            return _best_path
        scores = UnitScores(None, 1.0)
        if path is not None:
            scores = open_language_model(
                path, self._units, lm_weight=settings.lm_weight, word_score=settings.word_score
            )
        if settings.method == "beam":
            beam = PrefixBeamSearch(len(self._units), beam=settings.beam, lm=scores.lm, lm_weight=scores.weight)
            return lambda hidden, log_probs: beam(log_probs)[0]
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
        return lambda hidden, log_probs: joint(hidden, torch.from_numpy(log_probs).to(hidden.device))[0]

    def open(self, data: DataDir, **options: Any) -> Inputs:
        return self._system.reads.open(data, self._config, **options)

    @property
    def sample_rate(self) -> int:
        """Rate of the waveforms it recognises, in Hz."""
        return self._config["sample_rate"]

    @torch.inference_mode()
    def apply(self, inputs: Sequence[np.ndarray]) -> list[Encoded | None]:
        """Encode waveforms; None for those too short for one frame, which do not go through the network.

        Raises:
            DecodingError: the system gives NaN.
        """
        encoded: list[Encoded | None] = [None] * len(inputs)
        samples = torch.tensor([len(wave) for wave in inputs])
        kept = [place for place, frames in enumerate(self._system.output_lengths(samples).tolist()) if frames > 0]
        if not kept:
            return encoded
        hidden, log_probs, lengths = self._system.encode(*padded([inputs[place] for place in kept], self._device))
        # Before the search, and with one wait for the device.
        if not zero_padding(log_probs, lengths).isfinite().all():
            raise DecodingError("the system gives NaN or infinite log-probabilities; its training went wrong")
        host = log_probs.cpu().numpy()
        for place, vectors, frames, count in zip(kept, hidden, host, lengths.tolist(), strict=True):
            encoded[place] = Encoded(vectors[:count], frames[:count])
        return encoded

    @torch.inference_mode()
    def finish(self, parts: Sequence[Encoded | None], starts: Sequence[int], source: np.ndarray) -> Result:
        filled = [(part, start) for part, start in zip(parts, starts, strict=True) if part is not None]
        if not filled:
            return self.nothing()
        if len(filled) == 1:
            [(whole, _)] = filled
            text = self._words(whole)
        else:
            whole = self._join(*zip(*filled, strict=True))
            longest = max(len(part.log_probs) for part, _ in filled)
            texts = [self._words(part) for part in self._parts(whole, longest)]
            text = " ".join(filter(None, texts))
        values = {"text": text} | ({"loglikes": whole.log_probs} if self._loglikes else {})
        return Result(values, [] if text else ["have an empty hypothesis"])

    def nothing(self) -> Result:
        return Result({"text": ""}, [TOO_SHORT])

    def _words(self, encoded: Encoded) -> str:
        return self._units.decode(self._search(*encoded))

    def _join(self, parts: Sequence[Encoded], starts: Sequence[int]) -> Encoded:
        bounds = self._ctc.bounds([part.log_probs for part in parts], starts)
        kept = [part.cut(first, last) for part, (first, last) in zip(parts, bounds, strict=True)]
        return Encoded(torch.cat([part.hidden for part in kept]), np.concatenate([part.log_probs for part in kept]))

    def _parts(self, whole: Encoded, longest: int) -> list[Encoded]:
        """The parts to search one by one: the stretches between pauses, or the whole for the best path."""
        if self._method == "greedy":
            return [whole]
        return [whole.cut(first, last) for first, last in stretches(whole.log_probs, longest)]


def ctc_output(experiment: Experiment) -> CtcOutput:
    """The CTC output of an experiment's system.

    Raises:
        DecodingError: it has none.
    """
    output = experiment.system.outputs().get("loglikes")
    if not isinstance(output, CtcOutput):
        raise DecodingError(
            f"{experiment.path}: {type(experiment.system).__name__} has no CTC output to find words in; give the "
            "experiment of a recogniser (a hybrid system needs nrsr decode --graph and stored features)"
        )
    return output


def _best_path(hidden: Tensor, log_probs: np.ndarray) -> list[int]:
    return ctc_collapse(torch.from_numpy(log_probs)[None], torch.tensor([len(log_probs)]))[0]
