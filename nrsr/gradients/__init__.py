"""Combining the gradients of several losses."""

from nrsr.gradients.combiner import Combiner, GradientError, Sum
from nrsr.gradients.gradient_modulation import Modulation, modulate
from nrsr.gradients.gradient_remedy import Remedy, remedy
from nrsr.gradients.measured_sum import MeasuredSum

__all__ = ["Combiner", "GradientError", "MeasuredSum", "Modulation", "Remedy", "Sum", "modulate", "remedy"]
