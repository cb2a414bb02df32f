"""Distance of generated utterances of a class to each other over that of training utterances: a collapse is 0."""

from nrsr.scoring.metric import set_metric

METRIC = set_metric(
    "diversity",
    "diversity",
    "higher",
    meaning="distance between two utterances of a class over that of training utterances of that class",
)
