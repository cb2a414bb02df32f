"""Fréchet distance of generated to training utterances (Heusel et al., NeurIPS 2017) on a classifier's hidden layer."""

from nrsr.scoring.metric import set_metric

METRIC = set_metric(
    "frechet",
    "Fréchet distance",
    "lower",
    meaning="between Gaussians over the classifier's last hidden layer, for these and for the training "
    "utterances, a mean over random splits",
)
