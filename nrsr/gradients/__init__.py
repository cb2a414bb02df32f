"""Combining the gradients of several losses."""

from nrsr.gradients.combiner import Combiner, Sum

__all__ = ["Combiner", "Sum"]
