"""Layers and encoders that systems are made of."""

from nrsr.nn.blstm import Blstm, BlstmEncoder
from nrsr.nn.conformer import ConformerEncoder
from nrsr.nn.dnn import Dnn
from nrsr.nn.domain_head import DomainHead, DomainHeads
from nrsr.nn.dprnn import Dprnn
from nrsr.nn.encoder import Encoder
from nrsr.nn.feature_norm import FeatureNorm, UtteranceNorm
from nrsr.nn.frame_network import FrameNetwork
from nrsr.nn.global_layer_norm import GlobalLayerNorm
from nrsr.nn.global_norm import GlobalNorm, StatisticsError
from nrsr.nn.mask_network import MaskNetwork, TcnMasks
from nrsr.nn.sepformer import SepFormer
from nrsr.nn.specaugment import SpecAugment
from nrsr.nn.ssl_encoder import SslEncoder
from nrsr.nn.ssl_features import SslFeatures
from nrsr.nn.tcn import TemporalConvNet
from nrsr.nn.tdnn import Tdnn
from nrsr.nn.transformer_decoder import TransformerDecoder
from nrsr.nn.utterance_network import MeanPool, PooledEncoder, UtteranceNetwork
from nrsr.nn.wave_basis import WaveDecoder, WaveEncoder
from nrsr.nn.word_classifier import WordClassifier

__all__ = [
    "Blstm",
    "BlstmEncoder",
    "ConformerEncoder",
    "Dnn",
    "DomainHead",
    "DomainHeads",
    "Dprnn",
    "Encoder",
    "FrameNetwork",
    "GlobalLayerNorm",
    "FeatureNorm",
    "GlobalNorm",
    "MaskNetwork",
    "MeanPool",
    "PooledEncoder",
    "SepFormer",
    "SpecAugment",
    "SslEncoder",
    "SslFeatures",
    "StatisticsError",
    "TcnMasks",
    "Tdnn",
    "TemporalConvNet",
    "TransformerDecoder",
    "UtteranceNetwork",
    "UtteranceNorm",
    "WaveDecoder",
    "WaveEncoder",
    "WordClassifier",
]
