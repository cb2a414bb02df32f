"""Learning-rate schedules: the factor on the optimiser's own rate at each step."""

from abc import ABC, abstractmethod

from nrsr.config import ConfigError


class Schedule(ABC):
    """What a config's `schedule` slot takes."""

    @abstractmethod
    def factor(self, step: int, total: int) -> float:
        """The factor on the learning rate at `step` (0, 1, ..., total - 1) of a training of `total` steps."""


class Constant(Schedule):
    """The optimiser's rate throughout."""

    def factor(self, step: int, total: int) -> float:
        return 1.0


class WarmupHoldDecay(Schedule):
    """Linear rise to the optimiser's rate, a plateau, linear fall to 0.

    Args:
        warmup: the plateau begins at this fraction of all steps.
        hold: the fall begins at this fraction of all steps.
    """

    def __init__(self, warmup: float = 0.1, hold: float = 0.4):
        if not 0 <= warmup <= hold <= 1:
            raise ConfigError(f"schedule: needs 0 <= warmup <= hold <= 1, found warmup {warmup}, hold {hold}")
        self.warmup, self.hold = warmup, hold

    def factor(self, step: int, total: int) -> float:
        rise, fall = self.warmup * total, self.hold * total
        if step + 1 < rise:
            return (step + 1) / rise
        return min(1.0, (total - step) / (total - fall)) if step >= fall else 1.0


class Warmup(Schedule):
    """Linear rise over so many steps, then a fall with the inverse square root of the step.

    Vaswani et al. 2017, "Attention is all you need", equation 3, scaled so that the peak is the optimiser's rate.

    Args:
        steps: where the peak lies; 25,000 in the usual conformer recipes.
    """

    def __init__(self, steps: int):
        if steps < 1:
            raise ConfigError(f"schedule.steps: {steps} is too few; take 1 or more")
        self.steps = steps

    def factor(self, step: int, total: int) -> float:
        return min((step + 1) / self.steps, (self.steps / (step + 1)) ** 0.5)
