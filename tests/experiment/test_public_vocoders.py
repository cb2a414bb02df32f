"""With equal weights our vocoders are the networks and losses of parallel-wavegan, whose checkpoints we read."""

import importlib
import re
import sys
import types
import warnings
from pathlib import Path

import pytest
import scipy.signal
import torch

from nrsr.experiment.public_names import LAYOUTS
from nrsr.experiment.public_vocoder import converted
from nrsr.nn.adversarial import Hinge, LeastSquares
from nrsr.nn.hifigan import HiFiGanGenerator
from nrsr.nn.hifigan_discriminators import HiFiGanDiscriminators
from nrsr.nn.melgan import MelGanDiscriminators, MelGanGenerator
from nrsr.nn.parallel_wavegan import ParallelWaveGanDiscriminator, ParallelWaveGanGenerator
from nrsr.nn.stft_loss import MultiResolutionStft, feature_matching
from nrsr.nn.wave_generator import WaveGenerator
from nrsr.nn.weight_norm import fold_weight_norm

TOLERANCE = {"rtol": 0.0, "atol": 1e-5}


@pytest.fixture(scope="module")
def public():
    """parallel_wavegan.models, with empty modules in place of libraries that its networks do not need."""
    patch = pytest.MonkeyPatch()
    for name in ("librosa", "h5py", "gdown"):
        if name not in sys.modules:
            patch.setitem(sys.modules, name, types.ModuleType(name))
    if not hasattr(scipy.signal, "kaiser"):
        patch.setattr(scipy.signal, "kaiser", scipy.signal.windows.kaiser, raising=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield importlib.import_module("parallel_wavegan.models")
    except ImportError as error:
        pytest.skip(f"parallel-wavegan is not installed, or does not import here ({error}); run tools/install.sh --dev")
    finally:
        patch.undo()


def public_networks(models) -> dict:
    """Small networks of the package, and ours of the same sizes."""
    return {
        "melgan": (
            models.MelGANGenerator(in_channels=6, channels=16, upsample_scales=[4, 2], stacks=2),
            MelGanGenerator(6, 16, (4, 2), 2),
        ),
        "melgan discriminators": (
            models.MelGANMultiScaleDiscriminator(
                scales=2, channels=4, max_downsample_channels=32, downsample_scales=[4, 2]
            ),
            MelGanDiscriminators(2, 4, (4, 2), 32),
        ),
        "parallel wavegan": (
            models.ParallelWaveGANGenerator(
                layers=6, stacks=2, residual_channels=8, gate_channels=16, skip_channels=8, aux_channels=6,
                upsample_params={"upsample_scales": [3, 2]},
            ),
            ParallelWaveGanGenerator(6, (3, 2), 6, 2, 8, 16, 8),
        ),
        "parallel wavegan discriminator": (
            models.ParallelWaveGANDiscriminator(layers=5, conv_channels=8),
            ParallelWaveGanDiscriminator(5, 8),
        ),
        "hifi-gan": (
            models.HiFiGANGenerator(
                in_channels=6, channels=16, upsample_scales=[4, 2], upsample_kernel_sizes=[8, 4],
                resblock_kernel_sizes=[3, 5], resblock_dilations=[[1, 3], [1, 2]],
            ),
            HiFiGanGenerator(6, 16, (4, 2), (8, 4), (3, 5), ((1, 3), (1, 2))),
        ),
        "hifi-gan, alone": (
            models.HiFiGANGenerator(
                in_channels=6, channels=16, upsample_scales=[4, 2], upsample_kernel_sizes=[8, 4],
                resblock_kernel_sizes=[3], resblock_dilations=[[1, 3]], use_additional_convs=False,
            ),
            HiFiGanGenerator(6, 16, (4, 2), (8, 4), (3,), ((1, 3),), double=False),
        ),
    }  # fmt: skip


NAMES = [
    "melgan", "melgan discriminators", "parallel wavegan", "parallel wavegan discriminator", "hifi-gan",
    "hifi-gan, alone",
]  # fmt: skip


def draw(network: torch.nn.Module) -> torch.nn.Module:
    """Random weights that keep the scale of what passes through, and biases."""
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        scale = parameter[0].numel() ** -0.5 if parameter.dim() > 1 and parameter[0].numel() > 1 else 0.5
        parameter.data = scale * torch.randn(parameter.shape, generator=generator)
    return network.eval()


def filled(ours: torch.nn.Module, weights: dict) -> torch.nn.Module:
    """Our network with public weights."""
    [layout] = [
        layout
        for layout in LAYOUTS
        if isinstance(ours, layout.network) and any(name.startswith(layout.mark) for name in weights)
    ]
    ours.load_state_dict(converted(ours, layout, weights, Path("public.pt")))
    return ours.eval()


def given_to(theirs: torch.nn.Module, ours: torch.nn.Module, bands: int = 6, frames: int = 20) -> tuple[tuple, tuple]:
    """The same inputs in the order of either network."""
    generator = torch.Generator().manual_seed(1)
    if not isinstance(ours, WaveGenerator):
        waves = torch.randn(2, 1, 500, generator=generator)
        return (waves,), (waves[:, 0],)
    mels = torch.randn(2, bands, frames + 2 * ours.context, generator=generator)
    if not ours.takes_noise:
        return (mels,), (mels,)
    noise = torch.randn(2, 1, frames * ours.hop, generator=generator)
    return (noise, mels), (mels, noise[:, 0])


@pytest.mark.parametrize("name", ["melgan", "hifi-gan", "hifi-gan, alone"])
def test_generators_start_with_weights_of_the_same_size(public, name):
    torch.manual_seed(0)
    theirs, ours = public_networks(public)[name]
    drawn = fold_weight_norm(ours)
    weights = {key: weight for key, weight in drawn.state_dict().items() if key.endswith("weight")}
    fresh = fold_weight_norm(filled(public_networks(public)[name][1], theirs.state_dict()))
    for key, weight in weights.items():
        assert 0.6 < weight.std() / fresh.state_dict()[key].std() < 1.6, key


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("learning", [True, False])  # a CPU without gradients goes another way
def test_equal_weights_give_equal_outputs(public, name, learning):
    theirs, ours = public_networks(public)[name]
    draw(theirs)
    filled(ours, theirs.state_dict())
    for_them, for_us = given_to(theirs, ours)
    with torch.set_grad_enabled(learning):
        wanted, found = theirs(*for_them), ours(*for_us)
        if isinstance(ours, WaveGenerator):
            assert wanted.abs().mean() > 0.01
            torch.testing.assert_close(found, wanted[:, 0], **TOLERANCE)
            theirs.remove_weight_norm()
            folded = filled(public_networks(public)[name][1], theirs.state_dict())
            torch.testing.assert_close(folded(*for_us), wanted[:, 0], **TOLERANCE)
            torch.testing.assert_close(fold_weight_norm(ours)(*for_us), wanted[:, 0], **TOLERANCE)
        elif torch.is_tensor(wanted):
            torch.testing.assert_close(found[0][-1], wanted, **TOLERANCE)
        else:
            for maps, others in zip(found, wanted, strict=True):
                for one, other in zip(maps, others, strict=True):
                    torch.testing.assert_close(one, other, **TOLERANCE)


PUBLISHED = {
    "melgan": ("MelGANGenerator", MelGanGenerator),
    "melgan discriminators": ("MelGANMultiScaleDiscriminator", MelGanDiscriminators),
    "parallel wavegan": ("ParallelWaveGANGenerator", ParallelWaveGanGenerator),
    "parallel wavegan discriminator": ("ParallelWaveGANDiscriminator", ParallelWaveGanDiscriminator),
    "hifi-gan": ("HiFiGANGenerator", HiFiGanGenerator),
}


@pytest.mark.parametrize("name", PUBLISHED)
@torch.no_grad()
def test_the_published_sizes(public, name):
    """The defaults of the package are the published sizes, as ours are."""
    kind, network = PUBLISHED[name]
    sizes = {"upsample_params": {"upsample_scales": [4, 4, 4, 4]}} if name == "parallel wavegan" else {}
    if name == "hifi-gan":
        sizes = {"upsample_scales": [8, 8, 2, 2], "upsample_kernel_sizes": [16, 16, 4, 4]}
    theirs, ours = draw(getattr(public, kind)(**sizes)), network()
    filled(ours, theirs.state_dict())
    for_them, for_us = given_to(theirs, ours, bands=80, frames=10)
    wanted, found = theirs(*for_them), ours(*for_us)
    if isinstance(ours, WaveGenerator):
        assert wanted.abs().mean() > 0.01
        torch.testing.assert_close(found, wanted[:, 0], **TOLERANCE)
    else:
        scores = [wanted] if torch.is_tensor(wanted) else [maps[-1] for maps in wanted]
        for ours_of_scale, score in zip(found, scores, strict=True):
            torch.testing.assert_close(ours_of_scale[-1], score, **TOLERANCE)


@torch.no_grad()
def test_hifigan_discriminators_but_for_the_last_layer_of_the_periods(public):
    """There the package has convolutions of 2, and its authors, whom we follow, of 3."""
    theirs = draw(
        public.HiFiGANMultiScaleMultiPeriodDiscriminator(
            scales=2,
            scale_discriminator_params={"channels": 16, "max_downsample_channels": 128},
            periods=[2, 3],
            period_discriminator_params={"channels": 4, "max_downsample_channels": 16},
        )
    )
    ours = HiFiGanDiscriminators((2, 3), (4, 16, 16, 16, 16), 2, 16)
    weights = {}
    for key, value in theirs.state_dict().items():
        key = re.sub(r"(msd\.discriminators\.\d)\.layers\.7", r"\1.conv_post", key)
        key = re.sub(r"(msd\.discriminators\.\d)\.layers\.(\d)\.0", r"\1.convs.\2", key)
        key = re.sub(r"(mpd\.discriminators\.\d\.convs\.\d)\.0", r"\1", key).replace("output_conv", "conv_post")
        weights[key] = value if value.shape[-2:] != (2, 1) else torch.nn.functional.pad(value, (0, 0, 0, 1))
    filled(ours, weights)
    (for_them,), (for_us,) = given_to(theirs, ours)
    scales, periods = theirs(for_them)[:2], theirs(for_them)[2:]
    found = ours(for_us)
    assert len(found) == len(scales) + len(periods) == 4
    for maps, others in zip(found, [*periods, *scales], strict=True):
        for one, other in zip(maps[:-1], others[:-1], strict=True):
            torch.testing.assert_close(one, other.view(one.shape), **TOLERANCE)
    for maps, others in zip(found[2:], scales, strict=True):
        torch.testing.assert_close(maps[-1], others[-1], **TOLERANCE)


def test_losses(public):
    losses = importlib.import_module("parallel_wavegan.losses")
    generator = torch.Generator().manual_seed(0)
    waves, others = torch.tensor([[0.3], [0.01]]) * torch.randn(2, 2, 5000, generator=generator)
    spectral = losses.MultiResolutionSTFTLoss()(waves, others)
    ours = MultiResolutionStft()(waves, others, joint=True)
    for one, other in zip(ours, spectral, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    maps = [[torch.randn(2, 3, 20, generator=generator) for _ in range(4)] for _ in range(6)]
    real, fake = maps[:3], maps[3:]
    peer = losses.FeatureMatchLoss(average_by_discriminators=False)
    torch.testing.assert_close(feature_matching(fake, real).mean(), peer(fake, real))
    peer = losses.FeatureMatchLoss(average_by_discriminators=False, average_by_layers=False, include_final_outputs=True)
    torch.testing.assert_close(feature_matching(fake, real, every_map=True).mean(), peer(fake, real))
    for objective, kind in ((LeastSquares(), "mse"), (Hinge(), "hinge")):
        scores = real[0][-1], fake[0][-1]
        wanted = sum(losses.DiscriminatorAdversarialLoss(loss_type=kind)(scores[1], scores[0]))
        torch.testing.assert_close(objective.discriminator(*scores).mean(), wanted)
        fooled = losses.GeneratorAdversarialLoss(loss_type=kind)(scores[1])
        torch.testing.assert_close(objective.generator(scores[1]).mean(), fooled)


def test_spectral_loss_equals_that_of_auraloss():
    freq = pytest.importorskip("auraloss.freq", reason="pip install --no-deps auraloss")
    levels = torch.tensor([0.5, 0.05, 0.005]).reshape(-1, 1, 1)
    waves, others = levels * torch.randn(2, 3, 1, 6000, generator=torch.Generator().manual_seed(0))
    others[1:] *= 0.3  # so that the mean of each crop's convergence would be another number
    wanted = freq.MultiResolutionSTFTLoss(eps=1e-7)(waves, others)  # its defaults are the published resolutions
    loss = MultiResolutionStft()
    joint = sum(loss(waves.squeeze(1), others.squeeze(1), joint=True))
    torch.testing.assert_close(joint, wanted, rtol=1e-3, atol=1e-5)
    alone = sum(loss(waves.squeeze(1), others.squeeze(1)))
    assert alone.shape == (3,) and (alone.mean() - wanted).abs() > 0.1
    for row, distance in enumerate(alone):
        wanted = freq.MultiResolutionSTFTLoss(eps=1e-7)(waves[row : row + 1], others[row : row + 1])
        torch.testing.assert_close(distance, wanted, rtol=1e-3, atol=1e-5)
