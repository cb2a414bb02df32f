"""Macro-F1: the mean over classes of the harmonic mean of precision and recall."""

from nrsr.scoring.classification import macro_f1, rate

METRIC = rate("macro_f1", "macro-F1", macro_f1, "the mean of the classes' F1")
