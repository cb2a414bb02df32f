"""SEGAN (Pascual, Bonafonte, Serrà, Interspeech 2017; arXiv 1703.09452): an enhancer against a discriminator."""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nrsr.config import ConfigError, build
from nrsr.data.batch import Batch
from nrsr.frontends import Segan
from nrsr.nn.adversarial import LeastSquares, Objective
from nrsr.nn.segan import SeganDiscriminator
from nrsr.signal.emphasis import emphasise
from nrsr.signal.masks import zero_padding
from nrsr.systems.enhancement import Enhancement
from nrsr.systems.system import LossError

LOSSES = {"discriminator": ("adversarial",), "generator": ("adversarial", "l1")}


class Windows(NamedTuple):
    """Pre-emphasised windows of a batch.

    Attributes:
        noisy, clean: [B N, window], zeros past the end of the utterance.
        samples: how many of each belong to the utterance, int [B N].
        used: 1.0 for those that have some, and clean speech; else 0.0 [B N].
    """

    noisy: Tensor
    clean: Tensor
    samples: Tensor
    used: Tensor


class SeganEnhancement(Enhancement):
    """The front-end `nrsr.frontends.Segan` as the generator, and its discriminator: a game of two turns.

    The discriminator scores pairs of a clean or an enhanced window and the noisy one. Turn "discriminator" has the loss
    "adversarial"; turn "generator" has "adversarial", and "l1": the mean absolute difference to the clean window, both
    pre-emphasised, which the paper weights by 100. A loss is the mean over windows with parallel clean speech. Training
    data are to be cut to windows by `data.segment`; whole utterances are windows side by side. The mean scores of clean
    and of enhanced pairs are logged: where they stay near 1 and 0, the discriminator overpowers the generator.

    A recogniser starts from the front-end with `init: {frontend: {from: exp/segan_seed1}}`.

    Args:
        sample_rate: given by the program.
        frontend: `{class: nrsr.frontends.Segan, ...}`; the discriminator has its channels, kernel and window.
        objective: the slot of the adversarial losses, `{class: ..., ...}`; `nrsr.nn.adversarial.LeastSquares` by
            default, as published.
        frozen_reference: windows of a reference batch of virtual batch normalisation that is taken before the first
            step and stays as it is; a score then does not depend on the batch. None takes the clean pairs of the
            current batch in its place, as the released code does.

    Raises:
        ConfigError: a slot that is filled wrongly, or a frozen reference of less than one window.
    """

    def __init__(
        self,
        sample_rate: int,
        frontend: dict[str, Any],
        objective: dict[str, Any] | None = None,
        frozen_reference: int | None = None,
    ) -> None:
        super().__init__(sample_rate, frontend)
        if not isinstance(self.frontend, Segan):
            raise ConfigError(
                f"system.frontend: {type(self.frontend).__name__} has no discriminator; take nrsr.frontends.Segan, or "
                "train it by nrsr.systems.Enhancement"
            )
        if frozen_reference is not None and frozen_reference < 1:
            raise ConfigError(f"system.frozen_reference: {frozen_reference} windows are none; take 1 or more, or null")
        generator, window = self.frontend.generator, self.frontend.window
        self.discriminator = SeganDiscriminator(generator.channels, generator.kernel, window)
        self.objective = LeastSquares() if objective is None else build(objective, Objective, "system.objective")
        self.register_buffer(
            "reference", None if frozen_reference is None else torch.zeros(frozen_reference, 2, window)
        )

    def turns(self) -> dict[str, list[nn.Parameter]]:
        """One step of the discriminator, then one of the generator, as in the released code."""
        return {
            "discriminator": list(self.discriminator.parameters()),
            "generator": list(self.frontend.parameters()),
        }

    @torch.no_grad()
    def prepare(self, batches: Iterable[Batch]) -> list[str]:
        """Take the frozen reference batch from the first windows with clean speech, unless `init` brought one."""
        name = "virtual batch normalisation: the reference is"
        if self.reference is None:
            return [f"{name} the clean pairs of the current batch, as in SEGAN's released code"]
        wanted, filled = len(self.reference), 0
        if self.reference.any():
            return [f"{name} a frozen batch of {wanted} windows, which came with the weights"]
        for batch in batches:
            windows = self._windows(batch)
            pairs = _pairs(windows.clean, windows.noisy)[windows.used.bool()][: wanted - filled]
            self.reference[filled : filled + len(pairs)] = pairs
            filled += len(pairs)
            if filled == wanted:
                return [f"{name} a frozen batch, the first {wanted} windows of the training"]
        raise ConfigError(
            f"system.frozen_reference: {wanted} windows, but an epoch has {filled} with clean speech; take fewer"
        )

    def losses(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        """The losses of a turn, and to be logged "score_real" and "score_fake", the mean scores of both kinds of pairs.

        The generator's turn has no "score_real".
        """
        if unknown := sorted(set(wanted) - set(LOSSES[turn])):
            raise LossError(
                f"turns.{turn}.loss_weights: SeganEnhancement has no loss {', '.join(unknown)} in this turn; it has "
                f"{', '.join(LOSSES[turn])}"
            )
        windows = self._windows(batch)
        if turn == "discriminator":
            with torch.no_grad():
                enhanced = self._enhanced(windows)
            real, fake = self._scores_of_both(windows, enhanced)
            rows = {"adversarial": self.objective.discriminator(real, fake), "score_real": real, "score_fake": fake}
        else:
            enhanced = self._enhanced(windows)
            fake = self._scores_of_enhanced(windows, enhanced)
            difference = (enhanced - windows.clean).abs().sum(1) / windows.samples.clamp_min(1)
            rows = {"adversarial": self.objective.generator(fake), "l1": difference, "score_fake": fake}
        count = windows.used.sum().clamp_min(1.0)
        return {name: (values * windows.used).sum() / count for name, values in rows.items()}

    def counts(self, batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor | int]:
        """Windows with parallel clean speech."""
        return dict.fromkeys(wanted, self._used(batch)[1].sum())

    def _used(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Samples of each window of a batch, and whether it counts: `Windows.samples` and `Windows.used`."""
        window = self.frontend.window
        starts = torch.arange(0, batch.waves.shape[1], window, device=batch.waves.device)
        samples = (batch.lengths.unsqueeze(1) - starts).clamp(0, window)
        used = (samples > 0) & batch.has_clean.unsqueeze(1)
        return samples.flatten(), used.flatten().float()

    def _windows(self, batch: Batch) -> Windows:
        clean = torch.zeros_like(batch.waves) if batch.clean is None else batch.clean
        noisy, clean = (
            self.frontend.windows(zero_padding(emphasise(waves, self.frontend.emphasis), batch.lengths)).flatten(0, 1)
            for waves in (batch.waves, clean)
        )
        gains, (samples, used) = self.frontend.gains(noisy), self._used(batch)
        noisy, clean = noisy * gains, clean * gains
        # Values in place of missing clean speech never enter: a NaN there would reach the gradient.
        return Windows(noisy, clean.masked_fill(used.unsqueeze(1) == 0.0, 0.0), samples, used)

    def _enhanced(self, windows: Windows) -> Tensor:
        """The generator's windows [B N, window], zeros past the end."""
        enhanced = self.frontend.enhance_windows(windows.noisy.unsqueeze(1)).squeeze(1)
        return zero_padding(enhanced.float(), windows.samples)

    def _scores_of_both(self, windows: Windows, enhanced: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of the clean and of the enhanced pairs, each [B N]."""
        real, fake = _pairs(windows.clean, windows.noisy), _pairs(enhanced, windows.noisy)
        if self.reference is None:
            scores, reference = self.discriminator.reference(real, windows.used)
            return scores, self.discriminator(fake, reference, windows.used)
        _, reference = self.discriminator.reference(self.reference)
        return self.discriminator(torch.cat([real, fake]), reference).chunk(2)

    def _scores_of_enhanced(self, windows: Windows, enhanced: Tensor) -> Tensor:
        """Scores of the enhanced pairs [B N]; nothing but these has a gradient."""
        weights = windows.used if self.reference is None else None
        with torch.no_grad():
            pairs = _pairs(windows.clean, windows.noisy) if self.reference is None else self.reference
            _, reference = self.discriminator.reference(pairs, weights)
        return self.discriminator(_pairs(enhanced, windows.noisy), reference, weights)


def _pairs(speech: Tensor, noisy: Tensor) -> Tensor:
    """What the discriminator scores: [B, window] twice as [B, 2, window]."""
    return torch.stack([speech, noisy], dim=1)
