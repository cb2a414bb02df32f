"""Decoding the senone log-likelihoods of a hybrid system or a GMM with a graph."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nrsr.config import ConfigError, settings_from
from nrsr.data.inputs import Inputs
from nrsr.data.outputs import SenoneOutput, TextOutput
from nrsr.hmm.graph_folder import read_num_pdfs
from nrsr.inference.application import Application, Result, SystemOutputs, of_experiment
from nrsr.inference.gmm_scores import GmmScorer, is_gmm
from nrsr.inference.recogniser import DecodingError
from nrsr.inference.wfst import WfstDecoder, WfstSettings
from nrsr.kaldi import DataDir
from nrsr.systems.hybrid import NEVER

UNFINISHED = "did not reach a final state; a wider beam may help, unless they are shorter than any word"


@dataclass(frozen=True)
class HybridSettings:
    """The `decoding` of a hybrid experiment's config.

    Attributes:
        acoustic_scale, beam, max_active: of the search, see `nrsr.inference.wfst`.
        batch_size: utterances that go through the network together.
    """

    acoustic_scale: float = 0.1
    beam: float = 13.0
    max_active: int = 7000
    batch_size: int = 16

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ConfigError(f"decoding.batch_size: {self.batch_size} is too small; take 1 or more")

    @classmethod
    def from_config(cls, config: dict[str, Any], changes: dict[str, Any]) -> "HybridSettings":
        """From an experiment's config; `changes` of None are none."""
        settings = settings_from(cls, config.get("decoding"), "decoding")
        return replace(settings, **{name: value for name, value in changes.items() if value is not None})

    def of_search(self) -> WfstSettings:
        """The settings of the search in the graph."""
        return WfstSettings(self.acoustic_scale, self.beam, self.max_active)


def make_scorer(exp: Path, device: str = "cpu") -> Application:
    """The log-likelihoods of a hybrid experiment, or of a GMM's folder.

    Raises:
        DecodingError: another system.
        NrsrError: whatever is wrong with the folder.
    """
    scorer = GmmScorer(exp) if is_gmm(exp) else of_experiment(SystemOutputs, exp, ["loglikes"], device)
    if not isinstance(scorer.outputs["loglikes"], SenoneOutput):
        raise DecodingError(f"{exp}: gives no log-likelihoods of senones; a graph is for a hybrid system or a GMM")
    return scorer


class GraphSearch(Application):
    """Searches a graph for the words of scored utterances.

    Args:
        exp: folder of a hybrid experiment, or of a GMM.
        graph: folder of make-graph.
        search: how to search.
        scales: acoustic scales in place of that of `search`; the words of each are the output `str(scale)`.
        loglikes: whether to output the log-likelihoods as well.

    Raises:
        DecodingError: a graph of another model.
        FstError, ListError, WfstError: a broken graph, or settings that cannot be.
    """

    def __init__(
        self,
        exp: Path,
        graph: Path,
        search: WfstSettings,
        *,
        scales: Sequence[float] = (),
        device: str = "cpu",
        loglikes: bool = False,
    ):
        self._scorer, self._loglikes = make_scorer(exp, device), loglikes
        senones = self._scorer.outputs["loglikes"]
        self._missing = missing_pdfs(graph, senones.pdfs, may_lack=not is_gmm(exp))
        self._decode = WfstDecoder(graph, search)
        self._scales = {str(scale): scale for scale in scales} or {"text": search.acoustic_scale}
        self.outputs = {name: TextOutput() for name in self._scales} | ({"loglikes": senones} if loglikes else {})
        self.known = self.outputs | {"loglikes": senones}
        self.step = self._scorer.step

    def open(self, data: DataDir, **options: Any) -> Inputs:
        return self._scorer.open(data, **options)

    def apply(self, inputs: Sequence[np.ndarray]) -> list[Any]:
        return self._scorer.apply(inputs)

    def finish(self, parts: Sequence[Any], starts: Sequence[int], source: np.ndarray) -> Result:
        scores = self._scorer.finish(parts, starts, source).values["loglikes"]
        if not np.isfinite(scores).all():
            raise DecodingError("the system gives NaN or infinite log-likelihoods; its training went wrong")
        if self._missing:
            scores = np.pad(scores, ((0, 0), (0, self._missing)), constant_values=-NEVER)
        results = [self._decode(scores, acoustic_scale=scale) for scale in self._scales.values()]
        remarks = []
        if any(np.isinf(result.cost) for result in results):
            remarks.append("have no path and no words")
        elif any(not result.final for result in results):
            remarks.append(UNFINISHED)
        if any(not result.words and np.isfinite(result.cost) for result in results):
            remarks.append("have an empty hypothesis")
        values = {name: result.words for name, result in zip(self._scales, results, strict=True)}
        return Result(values | ({"loglikes": scores} if self._loglikes else {}), remarks)

    def nothing(self) -> Result:
        return Result(dict.fromkeys(self._scales, ""), ["have no frames and get no words"])


def missing_pdfs(graph: Path, pdfs: int, may_lack: bool) -> int:
    """How many pdfs of the graph's model, the last ones, a system of so many lacks: senones without training frames.

    Args:
        may_lack: whether it may lack any.

    Raises:
        FstError: no graph folder.
        DecodingError: one of another model.
    """
    wanted = read_num_pdfs(graph)
    if wanted < pdfs or (wanted > pdfs and not may_lack):
        raise DecodingError(f"{graph}: is for {wanted} pdfs, the system has {pdfs}; take the graph of its model")
    return wanted - pdfs
