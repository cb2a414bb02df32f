"""Layers and encoders that systems are made of."""

from nrsr.nn.blstm import Blstm, BlstmEncoder
from nrsr.nn.conformer import ConformerEncoder
from nrsr.nn.encoder import Encoder
from nrsr.nn.global_layer_norm import GlobalLayerNorm
from nrsr.nn.global_norm import GlobalNorm, StatisticsError
from nrsr.nn.specaugment import SpecAugment
from nrsr.nn.tcn import TemporalConvNet
from nrsr.nn.transformer_decoder import TransformerDecoder

__all__ = [
    "Blstm",
    "BlstmEncoder",
    "ConformerEncoder",
    "Encoder",
    "GlobalLayerNorm",
    "GlobalNorm",
    "SpecAugment",
    "StatisticsError",
    "TemporalConvNet",
    "TransformerDecoder",
]
