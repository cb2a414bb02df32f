"""Whole trainable systems."""

from nrsr.systems.enhancement import Enhancement
from nrsr.systems.griffin_lim import GriffinLim
from nrsr.systems.hifigan import HiFiGan
from nrsr.systems.hybrid import Senone
from nrsr.systems.joint_asr import JointAsr
from nrsr.systems.melgan import MelGan
from nrsr.systems.parallel_wavegan import ParallelWaveGan
from nrsr.systems.pocket_sphinx import PocketSphinx
from nrsr.systems.segan import SeganEnhancement
from nrsr.systems.separation import Separation
from nrsr.systems.system import LossError, System, build_system, system_class
from nrsr.systems.world import World

__all__ = [
    "Enhancement",
    "GriffinLim",
    "HiFiGan",
    "JointAsr",
    "LossError",
    "MelGan",
    "ParallelWaveGan",
    "PocketSphinx",
    "SeganEnhancement",
    "Senone",
    "Separation",
    "System",
    "World",
    "build_system",
    "system_class",
]
