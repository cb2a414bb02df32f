"""Distance to the nearest training utterance over that of real recordings that were held out: copies are near 0."""

from nrsr.scoring.metric import set_metric

METRIC = set_metric(
    "nearest",
    "nearest",
    "higher",
    meaning="distance to the nearest training utterance over that of held-out real recordings: 0 is a copy",
)
