"""Signal processing: features, spectra, mixing and noises; torch where training passes through, else numpy."""

from nrsr.signal.extractor import FeatureError, FeatureExtractor
from nrsr.signal.log_mel import LogMel
from nrsr.signal.mixing import MixingError, mix
from nrsr.signal.stft import STFT

__all__ = ["STFT", "FeatureError", "FeatureExtractor", "LogMel", "MixingError", "mix"]
