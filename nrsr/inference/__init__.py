"""Trained systems applied to data: one driver, and the searches that find words."""

from nrsr.inference.application import ApplyError, SystemOutputs
from nrsr.inference.apply import apply_data
from nrsr.inference.beam import PrefixBeamSearch
from nrsr.inference.decode import decode_data
from nrsr.inference.driver import Settings
from nrsr.inference.joint import JointSearch
from nrsr.inference.ngram import NgramModel
from nrsr.inference.recogniser import DecodingError, Recogniser
from nrsr.inference.settings import DecodingSettings

__all__ = [
    "ApplyError",
    "DecodingError",
    "DecodingSettings",
    "JointSearch",
    "NgramModel",
    "PrefixBeamSearch",
    "Recogniser",
    "Settings",
    "SystemOutputs",
    "apply_data",
    "decode_data",
]
