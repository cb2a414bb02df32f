"""Learning-rate schedules: the factor on the optimiser's own rate at each step."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

from nrsr.config import ConfigError


class Schedule(ABC):
    """What a config's `schedule` slot takes."""

    @abstractmethod
    def factor(self, step: int, total: int) -> float:
        """The factor on the learning rate at `step` (0, 1, ..., total - 1) of a training of `total` steps."""

    def epochs_done(self, criteria: Sequence[float]) -> None:
        """Take the criteria of the finished epochs, the lowest the best; does nothing by default.

        The training calls it when it starts or goes on, and after each epoch, always with all values so far.
        """
        return


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
        steps: step of the peak; 25,000 in the usual conformer recipes.
    """

    def __init__(self, steps: int):
        if steps < 1:
            raise ConfigError(f"schedule.steps: {steps} is too few; take 1 or more")
        self.steps = steps

    def factor(self, step: int, total: int) -> float:
        return min((step + 1) / self.steps, (self.steps / (step + 1)) ** 0.5)


class StepDecay(Schedule):
    """The rate is multiplied by `decay` after each `every` steps.

    Args:
        every: steps; in a game those of the turn.
        decay: 0.5 every 200,000 steps is Parallel WaveGAN's, 0.999 each epoch HiFi-GAN's.
    """

    def __init__(self, every: int, decay: float = 0.5):
        if every < 1 or not 0 < decay < 1:
            raise ConfigError(f"schedule: needs every >= 1 and decay between 0 and 1, found {every} and {decay}")
        self.every, self.decay = every, decay

    def factor(self, step: int, total: int) -> float:
        return self.decay ** (step // self.every)


class Plateau(Schedule):
    """The rate is cut when the development criterion stays above its mark for more than `patience` epochs.

    As SpeechBrain's schedule of the separation recipes: up to epoch `start` nothing is cut, and the mark is the last
    of these epochs, be it a good or a bad one. Then an epoch at or under the mark becomes the mark; epochs above it
    are counted, and each time there are more than `patience` the rate is multiplied by `decay` and the count begins
    anew. NaN counts as above.

    Args:
        decay: what a cut multiplies the rate with.
        patience: successive epochs above the mark that are tolerated.
        start: epochs before the first that counts.
        least: smallest factor.
    """

    def __init__(self, decay: float = 0.5, patience: int = 2, start: int = 0, least: float = 1e-4):
        if not (0 < decay < 1 and patience >= 0 and start >= 0 and 0 < least <= 1):
            raise ConfigError(
                "schedule: needs decay between 0 and 1, patience and start of 0 or more, least above 0 and at most 1; "
                f"found decay {decay}, patience {patience}, start {start}, least {least}"
            )
        self.decay, self.patience, self.start, self.least = decay, patience, start, least
        self._factor = 1.0

    def factor(self, step: int, total: int) -> float:
        return self._factor

    def epochs_done(self, criteria: Sequence[float]) -> None:
        # From the start each time, so that nothing needs to be saved and a resumed training comes out the same.
        cuts = waited = 0
        mark = math.inf
        for epoch, value in enumerate(criteria, start=1):
            if epoch <= self.start:
                mark = mark if math.isnan(value) else value
            elif value <= mark:
                mark, waited = value, 0
            elif waited < self.patience:
                waited += 1
            else:
                cuts, waited = cuts + 1, 0
        self._factor = max(self.decay**cuts, self.least)
