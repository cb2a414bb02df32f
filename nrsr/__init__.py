"""nrsr: recipes for noise-robust speech recognition, in the Kaldi and ESPnet manner."""

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nrsr.experiment.folder import Experiment

__version__ = "0.1.0"


def load(exp_dir: "str | PathLike[str]") -> "Experiment":
    """The trained system of an experiment folder, with its config and units, ready to use."""
    from nrsr.experiment.folder import load  # torch and the package's upper floors only when they are needed

    return load(exp_dir)
