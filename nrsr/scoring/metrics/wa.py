"""Weighted accuracy: the share of utterances with the right label; papers on emotion call it WA."""

from nrsr.scoring.classification import accuracy, rate

METRIC = rate("wa", "WA", accuracy, "accuracy, utterances with the right label over all")
