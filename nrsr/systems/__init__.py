"""Whole trainable systems."""

from nrsr.systems.enhancement import Enhancement
from nrsr.systems.hybrid import Senone
from nrsr.systems.joint_asr import JointAsr
from nrsr.systems.pocket_sphinx import PocketSphinx
from nrsr.systems.segan import SeganEnhancement
from nrsr.systems.separation import Separation
from nrsr.systems.system import LossError, System, build_system, system_class

__all__ = [
    "Enhancement",
    "JointAsr",
    "LossError",
    "PocketSphinx",
    "SeganEnhancement",
    "Senone",
    "Separation",
    "System",
    "build_system",
    "system_class",
]
