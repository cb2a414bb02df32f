"""Whole trainable systems."""

from nrsr.systems.joint_asr import JointAsr
from nrsr.systems.system import LossError, System, build_system, system_class

__all__ = ["JointAsr", "LossError", "System", "build_system", "system_class"]
