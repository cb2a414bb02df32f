"""nrsr: recipes for noise-robust speech recognition, in the Kaldi and ESPnet manner."""

__version__ = "0.1.0"
