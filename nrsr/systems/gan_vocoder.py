"""What all vocoders that are trained as a game share: the turns and their losses, and application in chunks."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from nrsr.config import ConfigError, build
from nrsr.data.mel_inputs import MelInputs
from nrsr.data.mels import MelBatch, MelDataset
from nrsr.data.outputs import Output
from nrsr.data.pieces import piece_starts
from nrsr.nn.adversarial import Objective
from nrsr.nn.global_norm import GlobalNorm
from nrsr.nn.stft_loss import RESOLUTIONS, MultiResolutionStft, feature_matching
from nrsr.nn.wave_discriminator import WaveDiscriminator
from nrsr.nn.wave_generator import WaveGenerator
from nrsr.signal.vocoder_mels import VocoderMel
from nrsr.systems.system import LossError, System
from nrsr.systems.vocoded_output import vocoded

DISCRIMINATOR, GENERATOR = "discriminator", "generator"
LOSSES = {DISCRIMINATOR: ("adversarial",), GENERATOR: ("adversarial", "feature", "spectral", "mel")}
NOISE_SEED = 1910_11480
CHUNK = 400  # frames that go through the network together, beside those that they depend on
PUBLISHED: Mapping[str, Any] = MappingProxyType({})

Network = TypeVar("Network", bound=nn.Module)


class GanVocoder(System):
    """A generator of waveforms from mel features against discriminators, which see the waveforms alone.

    Losses of the turn "generator", each a mean over the crops of a batch but where it says otherwise: "adversarial", by
    the objective, the scores of each discriminator averaged and the discriminators summed; "feature", the distance of
    the discriminators' feature maps (`feature_matching`); "spectral", spectral convergence, with norms over the whole
    batch, and distance of log-magnitudes, means over STFTs of several resolutions; "mel", the mean absolute difference
    of mel features. The turn "discriminator" has "adversarial". A step generates the waveforms anew for each turn. The
    mean scores of real and of generated waveforms are logged.

    The features are normalised by their mean and standard deviation over the training set where that is asked for, so
    that a trained vocoder takes them as `nrsr make-feats` stores them.

    Args:
        features: what the generator takes.
        generator, discriminator: the networks; no discriminator for a vocoder that is only applied.
        objective: the adversarial losses.
        normalise: whether features are normalised.
        loss_features: those of the loss "mel".
        every_map: see `feature_matching`.
        resolutions: see `MultiResolutionStft`.
        first: the turn that comes first in a step.

    Raises:
        ConfigError: a slot that is filled wrongly, or a generator that makes another number of samples of a frame.
    """

    data = MelDataset
    reads = MelInputs

    def __init__(
        self,
        features: VocoderMel,
        generator: WaveGenerator,
        discriminator: WaveDiscriminator | None,
        objective: Objective,
        *,
        normalise: bool,
        loss_features: VocoderMel,
        resolutions: Sequence[Sequence[int]] | None,
        every_map: bool = False,
        first: str = DISCRIMINATOR,
    ) -> None:
        super().__init__()
        if generator.hop != features.hop:
            raise ConfigError(
                f"system.generator.scales: their product is {generator.hop}, the features' hop is {features.hop} "
                "samples; make them equal"
            )
        self.features, self.loss_features = features, loss_features
        self.generator, self.discriminator = generator, discriminator
        self.norm = GlobalNorm(features.dim) if normalise else None
        self.stft = MultiResolutionStft(RESOLUTIONS if resolutions is None else resolutions)
        self.objective, self._every_map, self._first = objective, every_map, first

    @property
    def context(self) -> int:
        """Frames on either side of a crop that the generator is given as well."""
        return self.generator.context

    @property
    def shortest(self) -> int:
        """Crops must have more samples than this, for the transforms of the loss "spectral"."""
        return self.stft.shortest

    def turns(self) -> dict[str, list[nn.Parameter]]:
        """Both players' parameters, in the order of their published training."""
        players = {GENERATOR: self.generator, DISCRIMINATOR: self.discriminator}
        order = sorted(players, key=lambda name: name != self._first)
        return {name: list(players[name].parameters()) for name in order if players[name] is not None}

    @torch.no_grad()
    def accumulate_statistics(self, features: Tensor, frames: Tensor) -> None:
        """Accumulate mean and variance of features [B, N, bands], of which `frames` [B] are valid."""
        if self.norm is not None:
            self.norm.accumulate_statistics(features, frames)

    def generate(self, mels: Tensor, noise: Tensor | None = None) -> Tensor:
        """Features [B, bands, N + 2 context], not normalised, to waveforms [B, N hop]."""
        if self.norm is not None:
            mels = self.norm(mels.transpose(1, 2)).transpose(1, 2)
        return self.generator(mels, noise)

    def losses(self, batch: MelBatch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        """The losses of a turn, and to be logged "score_real" and "score_fake", where the discriminators were asked."""
        if unknown := sorted(set(wanted) - set(LOSSES[turn])):
            raise LossError(
                f"turns.{turn}.loss_weights: {type(self).__name__} has no loss {', '.join(unknown)} in this turn; it "
                f"has {', '.join(LOSSES[turn])}"
            )
        rows = self._discriminate(batch) if turn == DISCRIMINATOR else self._fool(batch, set(wanted))
        return {name: values.mean() for name, values in rows.items()}

    def _discriminate(self, batch: MelBatch) -> dict[str, Tensor]:
        with torch.no_grad():
            generated = self.generate(batch.mels).float()
        outputs = self.discriminator(torch.cat([batch.waves, generated]))
        real, fake = zip(*(maps[-1].chunk(2) for maps in outputs), strict=True)
        losses = [self.objective.discriminator(*scores) for scores in zip(real, fake, strict=True)]
        return {"adversarial": summed(losses), "score_real": averaged(real), "score_fake": averaged(fake)}

    def _fool(self, batch: MelBatch, wanted: set[str]) -> dict[str, Tensor]:
        generated = self.generate(batch.mels).float()
        rows = {}
        if wanted & {"adversarial", "feature"}:
            outputs = self.discriminator(generated)
            scores = [maps[-1] for maps in outputs]
            rows["score_fake"] = averaged(scores).detach()
        if "adversarial" in wanted:
            rows["adversarial"] = summed([self.objective.generator(values) for values in scores])
        if "feature" in wanted:
            with torch.no_grad():
                real = self.discriminator(batch.waves)
            rows["feature"] = feature_matching(outputs, real, self._every_map)
        if "spectral" in wanted:
            rows["spectral"] = sum(self.stft(generated, batch.waves, joint=True))
        if "mel" in wanted:
            rows["mel"] = self._mel_distance(generated, batch.waves)
        return rows

    def _mel_distance(self, generated: Tensor, real: Tensor) -> Tensor:
        """Mean absolute differences [B] of the mel features of waveforms [B, T]."""
        lengths = torch.full((len(real),), real.shape[1], device=real.device)
        ours, theirs = (self.loss_features(waves, lengths)[0] for waves in (generated, real))
        return (ours - theirs).abs().mean((1, 2))

    @torch.no_grad()
    def validate(self, batch: MelBatch) -> dict[str, tuple[Tensor, Tensor]]:
        """Sums and counts over utterances: "loss" is the loss "mel", "spectral" has norms of each utterance."""
        generated, count = self.generate(batch.mels).float(), torch.tensor(len(batch), device=batch.waves.device)
        spectral = generated.new_zeros(()), torch.zeros_like(count)  # of utterances too short for the longest transform
        if batch.waves.shape[1] > self.shortest:
            spectral = sum(self.stft(generated, batch.waves)).sum(), count
        return {"loss": (self._mel_distance(generated, batch.waves).sum(), count), "spectral": spectral}

    def samples(self, batch: MelBatch) -> dict[str, Tensor]:
        """The first utterance, real and generated."""
        return {"real": batch.waves[0], "generated": self.generate(batch.mels[:1])[0]}

    def outputs(self) -> dict[str, Output]:
        """The waveform, as many samples as frames times hop."""
        return {"wav": vocoded(self.features, whole=True)}

    def infer(self, inputs: Sequence[np.ndarray], wanted: Collection[str]) -> dict[str, Sequence[np.ndarray]]:
        return {"wav": self.vocode(inputs)}

    @torch.no_grad()
    def vocode(self, mels: Sequence[np.ndarray], chunk: int = CHUNK) -> list[np.ndarray]:
        """Waveforms [N hop] of features [N, bands], which go through the network in chunks.

        A chunk brings the frames on either side that its samples depend on, so that the chunks together are the whole.
        On a GPU chunks of one length go through together, as many as there are utterances.

        Args:
            chunk: frames; all memory but that of the waveforms themselves is that of the chunks.
        """
        device = next(self.generator.parameters()).device
        hop, context, reach = self.generator.hop, self.generator.context, self.generator.reach
        padded = [np.pad(rows.T, ((0, 0), (context, context)), mode="edge") for rows in mels]
        noises = [self._noise(len(rows) * hop) for rows in mels]
        waves = [np.empty(len(rows) * hop, np.float32) for rows in mels]
        windows: dict[int, list[tuple[int, int]]] = {}
        for number, rows in enumerate(mels):
            size = min(len(rows), chunk + 2 * reach)
            windows.setdefault(size, []).extend((number, start) for start in piece_starts(len(rows), size, 2 * reach))
        for size, places in windows.items():
            count = 1 if device.type == "cpu" else len(mels)
            for group in (places[first : first + count] for first in range(0, len(places), count)):
                given = np.stack([padded[number][:, start : start + size + 2 * context] for number, start in group])
                noise = None
                if self.generator.takes_noise:
                    noise = torch.stack([noises[number][start * hop : (start + size) * hop] for number, start in group])
                    noise = noise.to(device)
                generated = self.generate(torch.from_numpy(given).to(device), noise).float().cpu().numpy()
                for wave, (number, start) in zip(generated, group, strict=True):
                    # The first frames of a window in mid-utterance lack what they depend on; so do the last ones.
                    begin = (start + reach) * hop if start else 0
                    end = (start + size - (0 if start + size == len(mels[number]) else reach)) * hop
                    waves[number][begin:end] = wave[begin - start * hop : end - start * hop]
        return waves

    def _noise(self, samples: int) -> Tensor | None:
        """The noise of an utterance, from a fixed seed, so that its waveform depends on nothing else."""
        if not self.generator.takes_noise:
            return None
        return torch.randn(samples, generator=torch.Generator().manual_seed(NOISE_SEED))


def averaged(scores: Sequence[Tensor]) -> Tensor:
    """Mean scores [B] over the windows of each discriminator and over the discriminators."""
    return torch.stack([values.flatten(1).mean(1) for values in scores]).mean(0)


def summed(losses: Sequence[Tensor]) -> Tensor:
    """Losses [B], averaged over the windows of each discriminator and summed over the discriminators."""
    return torch.stack([values.flatten(1).mean(1) for values in losses]).sum(0)


def network(kind: type[Network], settings: Mapping[str, Any] | None, where: str, **given: Any) -> Network | None:
    """A network of a kind with these settings, the published ones by default; None where the settings are null.

    Raises:
        ConfigError: a setting that the network does not have, or does not take.
    """
    if settings is None:
        return None
    if not isinstance(settings, Mapping) or "class" in settings:
        raise ConfigError(f"{where}: expected settings of {kind.__name__}, which the system takes, found {settings!r}")
    return build({"class": f"{kind.__module__}.{kind.__qualname__}", **settings}, kind, where, **given)
