"""CTC prefix scores: the log-probability that an utterance starts with given units, for a whole beam at once."""

from typing import NamedTuple

import torch
from torch import Tensor

BLANK = 0


class PrefixState(NamedTuple):
    """Forward probabilities of H hypotheses, natural log, float64.

    Attributes:
        unit: [H, M + 1], alignments of the first m frames that give the hypothesis and end on its last unit.
        blank: [H, M + 1], those that end on the blank.
        last: [H], the last unit of each hypothesis; -1 for the empty one.
    """

    unit: Tensor
    blank: Tensor
    last: Tensor

    def select(self, rows: Tensor) -> "PrefixState":
        """The states of some hypotheses, in the order of `rows`."""
        return PrefixState(self.unit[rows], self.blank[rows], self.last[rows])


class CtcPrefixScorer:
    """Prefix scores of one utterance (Watanabe et al. 2017, algorithm 2; Graves 2008, section 7.5.2).

    The published recursion over frames, r[m] = (r[m-1] + phi[m-1]) p[m], is linear: divided by the product of
    p up to m it becomes a running sum, here one `logcumsumexp` over [hypotheses, frames] in float64.
    """

    def __init__(self, log_probs: Tensor):
        """For log_probs [M, V] of one utterance."""
        self._frames = log_probs.double().clamp(min=-1e3)  # a finite floor, so that differences are never NaN
        self._sums = torch.nn.functional.pad(self._frames.cumsum(dim=0), (0, 0, 1, 0))

    def start(self) -> PrefixState:
        """The state of the one empty hypothesis."""
        blank = self._sums[:, BLANK][None]
        none = torch.full((1,), -1, device=blank.device)
        return PrefixState(torch.full_like(blank, -torch.inf), blank, none)

    def _before(self, state: PrefixState, units: Tensor) -> Tensor:
        """phi: alignments of the first m frames after which `units` [H, K] would be new ones, [H, K, M]."""
        either = torch.logaddexp(state.unit, state.blank)
        repeats = (units == state.last[:, None])[..., None]
        return torch.where(repeats, state.blank[:, None], either[:, None])[..., :-1]

    def score(self, state: PrefixState, units: Tensor) -> Tensor:
        """log p(utterance starts with hypothesis + unit) for `units` [H, K], none of them the blank: [H, K]."""
        return (self._before(state, units) + self._frames.T[units]).logsumexp(dim=-1)

    def end(self, state: PrefixState) -> Tensor:
        """log p(hypothesis is the whole utterance), [H]."""
        return torch.logaddexp(state.unit[:, -1], state.blank[:, -1])

    def extend(self, state: PrefixState, units: Tensor) -> PrefixState:
        """The states of hypothesis + unit, for one unit [H] each."""
        before = self._before(state, units[:, None])[:, 0]
        unit = self._accumulate(before, self._sums.T[units])
        blank = self._accumulate(unit[:, :-1], self._sums[:, BLANK].expand_as(unit))
        return PrefixState(unit, blank, units)

    @staticmethod
    def _accumulate(entering: Tensor, sums: Tensor) -> Tensor:
        """r of r[m] = (r[m-1] + entering[m-1]) p[m], r[0] = 0; sums [H, M + 1] hold the running sums of log p."""
        shares = torch.logcumsumexp(entering - sums[:, :-1], dim=-1) + sums[:, 1:]
        return torch.nn.functional.pad(shares, (1, 0), value=-torch.inf)
