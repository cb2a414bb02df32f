"""Unweighted accuracy: the mean over classes of the share that is classified right; papers on emotion call it UA."""

from nrsr.scoring.classification import balanced_accuracy, rate

METRIC = rate("ua", "UA", balanced_accuracy, "balanced accuracy, the mean of the classes' shares of right labels")
