"""The model folder of untrained monophones, for tests of graphs and decoding."""

from pathlib import Path

from nrsr.hmm.topology import Topology
from nrsr.hmm.transitions import transitions_of
from nrsr.hmm.tree import Tree, monophone_tree
from nrsr.kaldi.binary import BinaryWriter
from nrsr.kaldi.lang import Lang


def write_monophones(lang: Lang, folder: Path) -> Tree:
    """Write tree and final.mdl (transitions alone) of a lang folder's phones."""
    topology = Topology.from_text(lang.topo, "topo")
    tree = monophone_tree(lang.sets, {phone: topology.classes(phone) for phone in topology.phones})
    folder.mkdir()
    tree.write(folder / "tree")
    writer = BinaryWriter()
    transitions_of(tree, topology).write_to(writer)
    writer.save(folder / "final.mdl")
    return tree
