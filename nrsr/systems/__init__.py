"""Whole trainable systems."""

from nrsr.systems.classifier import Classifier
from nrsr.systems.conditional_gan import ConditionalGan
from nrsr.systems.control_gan import ControlGan
from nrsr.systems.dc_gan import DcGan
from nrsr.systems.distilled_classifier import CollapseError, DistilledClassifier
from nrsr.systems.enhancement import Enhancement
from nrsr.systems.gan import Gan
from nrsr.systems.generative import GenerativeSystem
from nrsr.systems.griffin_lim import GriffinLim
from nrsr.systems.hifigan import HiFiGan
from nrsr.systems.hybrid import Senone
from nrsr.systems.joint_asr import JointAsr
from nrsr.systems.masked_prediction import MaskedPrediction
from nrsr.systems.melgan import MelGan
from nrsr.systems.parallel_wavegan import ParallelWaveGan
from nrsr.systems.pocket_sphinx import PocketSphinx
from nrsr.systems.segan import SeganEnhancement
from nrsr.systems.separation import Separation
from nrsr.systems.spec_gan import SpecGan
from nrsr.systems.system import LossError, System, build_system, system_class
from nrsr.systems.wave_gan import WaveGan
from nrsr.systems.white_noise import WhiteNoise
from nrsr.systems.world import World

__all__ = [
    "Classifier",
    "CollapseError",
    "ConditionalGan",
    "ControlGan",
    "DcGan",
    "DistilledClassifier",
    "Enhancement",
    "Gan",
    "GenerativeSystem",
    "GriffinLim",
    "HiFiGan",
    "JointAsr",
    "LossError",
    "MaskedPrediction",
    "MelGan",
    "ParallelWaveGan",
    "PocketSphinx",
    "SeganEnhancement",
    "Senone",
    "Separation",
    "SpecGan",
    "System",
    "WaveGan",
    "WhiteNoise",
    "World",
    "build_system",
    "system_class",
]
