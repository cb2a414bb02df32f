"""Decoding: CTC and attention beam search with language models, over data directories and single files."""

from nrsr.inference.beam import PrefixBeamSearch
from nrsr.inference.decode import DecodingJob, decode_data
from nrsr.inference.enhance import enhance_data
from nrsr.inference.joint import JointSearch
from nrsr.inference.ngram import NgramModel
from nrsr.inference.recogniser import DecodingError, Recogniser
from nrsr.inference.settings import DecodingSettings

__all__ = [
    "DecodingError",
    "DecodingJob",
    "DecodingSettings",
    "JointSearch",
    "NgramModel",
    "PrefixBeamSearch",
    "Recogniser",
    "decode_data",
    "enhance_data",
]
