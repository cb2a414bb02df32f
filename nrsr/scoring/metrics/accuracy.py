"""Accuracy: the share of utterances whose label is the right one."""

from nrsr.scoring.metric import mean_metric


def accuracy(reference: str, hypothesis: str) -> float:
    """100 where the labels are the same, else 0."""
    return 100.0 * (reference == hypothesis)


METRIC = mean_metric("accuracy", "accuracy", "higher", accuracy, unit="%", meaning="utterances with the right label")
