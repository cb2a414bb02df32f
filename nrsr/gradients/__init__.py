"""Combining the gradients of several losses."""

from nrsr.gradients.combiner import Combiner, Sum
from nrsr.gradients.gradient_modulation import Modulation, modulate
from nrsr.gradients.gradient_remedy import Remedy, remedy
from nrsr.gradients.two_tasks import GradientError

__all__ = ["Combiner", "GradientError", "Modulation", "Remedy", "Sum", "modulate", "remedy"]
