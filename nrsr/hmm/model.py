"""Acoustic models as files: Kaldi's `final.mdl` (transitions and mixtures) and `tree` in a folder."""

from dataclasses import dataclass
from pathlib import Path

from nrsr.hmm.gmm import Gmm
from nrsr.hmm.transitions import Transitions
from nrsr.hmm.tree import Tree
from nrsr.kaldi.binary import BinaryWriter, ModelFileError, open_model


@dataclass(frozen=True)
class Model:
    """A GMM-HMM."""

    tree: Tree
    transitions: Transitions
    gmm: Gmm


def write_model(folder: str | Path, model: Model) -> None:
    """Write `tree` and `final.mdl`, which Kaldi's programs read."""
    writer = BinaryWriter()
    model.transitions.write_to(writer)
    model.gmm.write_to(writer)
    model.tree.write(Path(folder) / "tree")
    writer.save(Path(folder) / "final.mdl")


def read_transitions(path: str | Path) -> Transitions:
    """The transitions at the front of any `.mdl` of Kaldi, be it a GMM or a neural network.

    Raises:
        ModelFileError, TopologyError: no such model in binary form.
    """
    return Transitions.read_from(open_model(path))


def read_model(folder: str | Path) -> Model:
    """Read `tree` and `final.mdl` of a GMM, made here or by Kaldi.

    Raises:
        ModelFileError: a missing or broken file, parts that do not belong together, or a model that needs features
            which nrsr does not make.
    """
    folder = Path(folder)
    if (folder / "final.mat").is_file():
        raise ModelFileError(
            f"{folder}/final.mat: the model needs LDA or MLLT features, which nrsr does not make; align with Kaldi and "
            f"take its alignments with nrsr align --from-kaldi {folder}"
        )
    reader = open_model(folder / "final.mdl")
    transitions = Transitions.read_from(reader)
    if reader.peek() != "<DIMENSION>":
        raise ModelFileError(
            f"{folder}/final.mdl: is no GMM; take the alignments made with it, with nrsr align --from-kaldi {folder}"
        )
    gmm, tree = Gmm.read_from(reader), Tree.read(folder / "tree")
    if not tree.num_pdfs == transitions.num_pdfs == gmm.num_pdfs:
        raise ModelFileError(
            f"{folder}: tree, transitions and mixtures have {tree.num_pdfs}, {transitions.num_pdfs} and {gmm.num_pdfs} "
            "pdfs; take tree and final.mdl of one training"
        )
    return Model(tree, transitions, gmm)
