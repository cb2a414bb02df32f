"""Log-likelihoods of a GMM's pdfs, applied and decoded as those of a neural network are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nrsr.data.inputs import FeatureInputs, Inputs
from nrsr.data.outputs import SenoneOutput
from nrsr.hmm.gmm_folder import open_features
from nrsr.hmm.model import read_model
from nrsr.inference.application import Application, Result
from nrsr.kaldi import DataDir


def is_gmm(folder: Path) -> bool:
    """Whether a folder holds a GMM of train-gmm or Kaldi, and no experiment of train."""
    return (folder / "final.mdl").is_file() and not (folder / "config.yaml").is_file()


class GmmScorer(Application):
    """log p(frame | pdf) of a GMM: "loglikes", float32 [frames, pdfs].

    Args:
        folder: of train-gmm or of Kaldi.

    Raises:
        ModelFileError: broken files.
    """

    def __init__(self, folder: Path):
        self._folder, self._model = folder, read_model(folder)
        self.outputs = self.known = {"loglikes": SenoneOutput(self._model.gmm.num_pdfs)}
        self.step = 1

    def open(self, data: DataDir, **options: Any) -> Inputs:
        """Raises FeaturesError where utterances have no features, or others than the model takes."""
        return FeatureInputs(data, open_features(self._folder, self._model, data.path, **options))

    def apply(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [self._model.gmm.log_likelihoods(features) for features in inputs]

    def finish(self, parts: Sequence[np.ndarray], starts: Sequence[int], source: np.ndarray) -> Result:
        return Result({"loglikes": self.outputs["loglikes"].join(parts, starts, source)})

    def nothing(self) -> Result:
        return Result({}, ["have no frames and get no loglikes"])
