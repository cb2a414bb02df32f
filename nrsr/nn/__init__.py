"""Layers and encoders that systems are made of."""

from nrsr.nn.blstm import Blstm, BlstmEncoder
from nrsr.nn.conformer import ConformerEncoder
from nrsr.nn.encoder import Encoder
from nrsr.nn.global_norm import GlobalNorm, StatisticsError
from nrsr.nn.specaugment import SpecAugment
from nrsr.nn.transformer_decoder import TransformerDecoder

__all__ = [
    "Blstm",
    "BlstmEncoder",
    "ConformerEncoder",
    "Encoder",
    "GlobalNorm",
    "SpecAugment",
    "StatisticsError",
    "TransformerDecoder",
]
