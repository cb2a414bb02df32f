"""Signal processing: features, spectra, mixing and noises; torch where training passes through, else numpy."""

from nrsr.signal.extractor import FeatureError, FeatureExtractor
from nrsr.signal.fbank import Fbank
from nrsr.signal.log_mel import LogMel
from nrsr.signal.mfcc import Mfcc
from nrsr.signal.mixing import MixingError, mix
from nrsr.signal.stft import STFT
from nrsr.signal.vocoder_mels import HiFiGanMel, MelGanMel, ParallelWaveGanMel, VocoderMel

__all__ = [
    "STFT",
    "Fbank",
    "FeatureError",
    "FeatureExtractor",
    "HiFiGanMel",
    "LogMel",
    "MelGanMel",
    "Mfcc",
    "MixingError",
    "ParallelWaveGanMel",
    "VocoderMel",
    "mix",
]
