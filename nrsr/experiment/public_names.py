"""Where the modules of our vocoders are in public networks: of the package parallel-wavegan, and of the authors."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from torch import nn

from nrsr.nn.hifigan import HiFiGanGenerator
from nrsr.nn.hifigan_discriminators import HiFiGanDiscriminators
from nrsr.nn.melgan import MelGanDiscriminators, MelGanGenerator
from nrsr.nn.parallel_wavegan import ParallelWaveGanDiscriminator, ParallelWaveGanGenerator

Pairs = Iterator[tuple[str, str]]


class Layout(NamedTuple):
    """The names of one public network.

    Attributes:
        network: ours.
        mark: what the names of its weights begin with, of all public networks it alone.
        pairs: our network -> for each of its convolutions its name, and the public one's.
    """

    network: type[nn.Module]
    mark: str
    pairs: Callable[[nn.Module], Pairs]


def melgan(generator: MelGanGenerator, root: str, block: str, shortcut: str) -> Pairs:
    """A chain in which activations and paddings are counted as well."""
    stacks = len(generator.stacks[0])
    yield "first", f"{root}.1"
    for place in range(len(generator.upsamplers)):
        at = 3 + place * (2 + stacks)
        yield f"upsamplers.{place}", f"{root}.{at}"
        for number in range(stacks):
            ours, public = f"stacks.{place}.{number}", f"{root}.{at + 1 + number}"
            yield f"{ours}.dilated", f"{public}.{block}.2"
            yield f"{ours}.pointwise", f"{public}.{block}.4"
            yield f"{ours}.shortcut", f"{public}.{shortcut}"
    yield "last", f"{root}.{len(generator.upsamplers) * (2 + stacks) + 4}"


def melgan_discriminators(discriminators: MelGanDiscriminators, root: str, layer: str) -> Pairs:
    """The first layer has a padding before it, the last one no activation behind it."""
    for number, discriminator in enumerate(discriminators.discriminators):
        public, count = root.format(number), len(discriminator.layers)
        for place in range(count):
            yield f"discriminators.{number}.layers.{place}", f"{public}.{layer}{place}.{0 if place else 1}"
        yield f"discriminators.{number}.last", f"{public}.{layer}{count}"


def parallel_wavegan(generator: ParallelWaveGanGenerator) -> Pairs:
    """Between two smoothing layers is one that repeats."""
    yield "first", "first_conv"
    yield "upsampler.first", "upsample_net.conv_in"
    for place in range(len(generator.upsampler.smoothers)):
        yield f"upsampler.smoothers.{place}", f"upsample_net.upsample.up_layers.{2 * place + 1}"
    for place in range(len(generator.blocks)):
        for ours, public in (
            ("dilated", "conv"), ("features", "conv1x1_aux"), ("residual", "conv1x1_out"), ("skip", "conv1x1_skip"),
        ):  # fmt: skip
            yield f"blocks.{place}.{ours}", f"conv_layers.{place}.{public}"
    yield "hidden", "last_conv_layers.1"
    yield "last", "last_conv_layers.3"


def parallel_wavegan_discriminator(discriminator: ParallelWaveGanDiscriminator) -> Pairs:
    """Behind each layer but the last is an activation."""
    for place in range(len(discriminator.layers)):
        yield f"layers.{place}", f"conv_layers.{2 * place}"
    yield "last", f"conv_layers.{2 * len(discriminator.layers)}"


def hifigan(generator: HiFiGanGenerator, first: str, upsampler: str, blocks: str, inner: str, last: str) -> Pairs:
    """The blocks of all stages are counted through."""
    yield "first", first
    count = len(generator.stages[0])
    for place, stage in enumerate(generator.stages):
        yield f"upsamplers.{place}", upsampler.format(place)
        for number, block in enumerate(stage):
            ours, public = f"stages.{place}.{number}", f"{blocks}.{place * count + number}"
            for step in range(len(block.dilated)):
                # The authors have one list where no plain convolutions follow.
                dilated = "convs1" if len(block.plain) or inner else "convs"
                yield f"{ours}.dilated.{step}", f"{public}.{dilated}.{step}{inner}"
                if len(block.plain):
                    yield f"{ours}.plain.{step}", f"{public}.convs2.{step}{inner}"
    yield "last", last


def hifigan_discriminators(discriminators: HiFiGanDiscriminators) -> Pairs:
    """Those of the authors, under mpd and msd."""
    for kind, public in (("periods", "mpd"), ("scales", "msd")):
        for number, discriminator in enumerate(getattr(discriminators, kind)):
            for place in range(len(discriminator.layers)):
                yield f"{kind}.{number}.layers.{place}", f"{public}.discriminators.{number}.convs.{place}"
            yield f"{kind}.{number}.last", f"{public}.discriminators.{number}.conv_post"


LAYOUTS = (
    Layout(MelGanGenerator, "melgan.1.", lambda ours: melgan(ours, "melgan", "stack", "skip_layer")),
    Layout(MelGanGenerator, "model.1.", lambda ours: melgan(ours, "model", "block", "shortcut")),
    Layout(
        MelGanDiscriminators,
        "discriminators.0.layers.",
        lambda ours: melgan_discriminators(ours, "discriminators.{}", "layers."),
    ),
    Layout(
        MelGanDiscriminators,
        "model.disc_0.",
        lambda ours: melgan_discriminators(ours, "model.disc_{}.model", "layer_"),
    ),
    Layout(ParallelWaveGanGenerator, "first_conv.", parallel_wavegan),
    Layout(ParallelWaveGanDiscriminator, "conv_layers.0.weight", parallel_wavegan_discriminator),
    Layout(
        HiFiGanGenerator,
        "input_conv.",
        lambda ours: hifigan(ours, "input_conv", "upsamples.{}.1", "blocks", ".1", "output_conv.1"),
    ),
    Layout(
        HiFiGanGenerator, "conv_pre.", lambda ours: hifigan(ours, "conv_pre", "ups.{}", "resblocks", "", "conv_post")
    ),
    Layout(HiFiGanDiscriminators, "mpd.discriminators.0.convs.0.weight", hifigan_discriminators),
)
