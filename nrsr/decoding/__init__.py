"""Decoding: CTC and attention beam search with language models, over data directories and single files."""

from nrsr.decoding.beam import PrefixBeamSearch
from nrsr.decoding.decode import DecodingJob, decode_data
from nrsr.decoding.enhance import enhance_data
from nrsr.decoding.joint import JointSearch
from nrsr.decoding.ngram import NgramModel
from nrsr.decoding.recogniser import DecodingError, Recogniser
from nrsr.decoding.settings import DecodingSettings

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
