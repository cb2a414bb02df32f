"""Inception score of generated utterances (Salimans et al., NeurIPS 2016), by a classifier of their corpus."""

from nrsr.scoring.metric import set_metric

METRIC = set_metric(
    "inception",
    "inception score",
    "higher",
    meaning="exp of the mean divergence of the classifier's posteriors from their mean, a mean over random splits",
)
