"""Acoustic models as files: Kaldi's `final.mdl` (transitions and mixtures), `tree` and `final.mat` in a folder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nrsr.folders import refuse_incomplete
from nrsr.hmm.gmm import Gmm
from nrsr.hmm.transitions import Transitions
from nrsr.hmm.tree import Tree
from nrsr.kaldi.binary import BinaryWriter, ModelFileError, open_model

TRANSFORM = "final.mat"


@dataclass(frozen=True)
class Model:
    """A GMM-HMM.

    Attributes:
        tree, transitions, gmm: its parts.
        transform: what spliced frames are multiplied with, [D, columns]; None for features with deltas.
    """

    tree: Tree
    transitions: Transitions
    gmm: Gmm
    transform: np.ndarray | None = None


def write_model(folder: str | Path, model: Model) -> None:
    """Write `tree`, `final.mdl` and, where the model has a transform, `final.mat`, which Kaldi's programs read."""
    writer = BinaryWriter()
    model.transitions.write_to(writer)
    model.gmm.write_to(writer)
    model.tree.write(Path(folder) / "tree")
    (Path(folder) / TRANSFORM).unlink(missing_ok=True)
    if model.transform is not None:
        matrix = BinaryWriter()
        matrix.floats(model.transform)
        matrix.save(Path(folder) / TRANSFORM)
    writer.save(Path(folder) / "final.mdl")


def read_transitions(path: str | Path) -> Transitions:
    """The transitions at the front of any `.mdl` of Kaldi, be it a GMM or a neural network.

    Raises:
        ModelFileError, TopologyError: no such model in binary form.
    """
    refuse_incomplete(Path(path).parent)
    return Transitions.read_from(open_model(path))


def read_model(folder: str | Path) -> Model:
    """Read `tree`, `final.mdl` and any `final.mat` of a GMM, of nrsr or Kaldi.

    Raises:
        ModelFileError: a missing or broken file, parts that do not belong together, or a model that needs features
            which nrsr does not make.
    """
    folder = Path(folder)
    refuse_incomplete(folder)
    if adapted := [name for name in ("final.alimdl", "trans.1") if (folder / name).is_file()]:
        raise ModelFileError(
            f"{folder}/{adapted[0]}: the model needs features adapted to speakers, which nrsr does not make; align "
            f"with Kaldi and take its alignments with nrsr align --from-kaldi {folder}"
        )
    reader = open_model(folder / "final.mdl")
    transitions = Transitions.read_from(reader)
    if reader.peek() != "<DIMENSION>":
        raise ModelFileError(
            f"{folder}/final.mdl: is not a GMM; take the alignments made with it, with nrsr align --from-kaldi {folder}"
        )
    gmm, tree = Gmm.read_from(reader), Tree.read(folder / "tree")
    if not tree.num_pdfs == transitions.num_pdfs == gmm.num_pdfs:
        raise ModelFileError(
            f"{folder}: tree, transitions and mixtures have {tree.num_pdfs}, {transitions.num_pdfs} and {gmm.num_pdfs} "
            "pdfs; take tree and final.mdl of one training"
        )
    transform = open_model(folder / TRANSFORM).matrix() if (folder / TRANSFORM).is_file() else None
    if transform is not None and len(transform) != gmm.dim:
        raise ModelFileError(
            f"{folder}/{TRANSFORM}: makes {len(transform)} values a frame, final.mdl takes {gmm.dim}; take both of one "
            "training"
        )
    return Model(tree, transitions, gmm, transform)
