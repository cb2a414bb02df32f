"""MelGAN, Parallel WaveGAN and HiFi-GAN beside the package parallel-wavegan: inference and a training step.

Example:
    pip install --no-deps --no-build-isolation parallel-wavegan==0.6.1
    python tools/benchmark/vocoders.py --seconds 4 --repeats 3
    python tools/benchmark/vocoders.py --networks melgan --device cuda --batch 16 --seconds 10 --repeats 10

Both have the published sizes and the same weights, and the largest difference of their waveforms is printed. They take
turns, and each one's best round counts: processor time of one thread, or wall time on a GPU. Inference is of one
utterance, weight norm removed, without gradients, ours by way of `GanVocoder.vocode`, that is in chunks; Griffin-Lim
and WORLD (from the waveform) stand beside it. A training step is one of each player on crops of 8192 samples, with the
published losses; theirs has the forward passes of their trainer. Goals: inference at least 1.2 times as fast on one
core, and a step that takes no longer. Without the package our own times are printed alone, and it is said.
"""

import argparse
import importlib
import sys
import time
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.signal
import torch
from torch import Tensor, nn

from nrsr.data.mels import MelBatch
from nrsr.experiment.public_names import LAYOUTS
from nrsr.experiment.public_vocoder import converted
from nrsr.experiment.turn_settings import parse_turns
from nrsr.nn.weight_norm import fold_weight_norm
from nrsr.signal.padded import keep_freed_memory
from nrsr.systems import build_system
from nrsr.systems.gan_vocoder import GanVocoder
from nrsr.training.turns import Turn, build_turns

RATE = 22050
CROP = 8192
SYSTEMS = {
    "melgan": {"class": "nrsr.systems.MelGan", "features": {"class": "nrsr.signal.MelGanMel"}},
    "parallel_wavegan": {
        "class": "nrsr.systems.ParallelWaveGan",
        "features": {"class": "nrsr.signal.ParallelWaveGanMel"},
        "normalise": False,
    },
    "hifigan": {"class": "nrsr.systems.HiFiGan", "features": {"class": "nrsr.signal.HiFiGanMel"}},
}
ADAM, RADAM = {"class": "torch.optim.Adam", "lr": 1e-4}, {"class": "torch.optim.RAdam", "lr": 1e-4, "eps": 1e-6}
LOSSES = {
    "melgan": {"adversarial": 1.0, "feature": 16.0},
    "parallel_wavegan": {"adversarial": 4.0, "spectral": 1.0},
    "hifigan": {"adversarial": 1.0, "feature": 2.0, "mel": 45.0},
}
PEERS = {
    "melgan": ("MelGANGenerator", "MelGANMultiScaleDiscriminator"),
    "parallel_wavegan": ("ParallelWaveGANGenerator", "ParallelWaveGANDiscriminator"),
    "hifigan": ("HiFiGANGenerator", "HiFiGANMultiScaleMultiPeriodDiscriminator"),
}
# Of a step, which losses their trainer takes; the mel loss is our own module, since theirs needs librosa.
CRITERIA = {"melgan": "hinge", "parallel_wavegan": "mse", "hifigan": "mse"}


def main() -> None:
    """Print the differences, real-time factors, times of a step, and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default=",".join(SYSTEMS), help="(%(default)s)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of the utterance    (%(default)s)")
    parser.add_argument("--batch", type=int, default=2, help="crops in a training step    (%(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="rounds    (%(default)s)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="(%(default)s)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    package = import_package()
    print(f"torch {torch.__version__}, {args.device}, {args.seconds:g} s, {args.batch} crops of {CROP} samples")
    print("network            waveform differs   RTF ours   theirs   ratio   step ours, s   theirs   ratio")
    for name in args.networks.split(","):
        print(f"{name:<18} " + compare(name, package, args), flush=True)
    for name, factor in classical(args).items():
        print(f"{name:<18} {'':>16} {factor:>10.3f}")


def import_package() -> types.ModuleType | None:
    """parallel_wavegan with its models and losses; empty modules stand for libraries that these do not need."""
    for name in ("librosa", "h5py", "gdown"):
        sys.modules.setdefault(name, types.ModuleType(name))
    if not hasattr(scipy.signal, "kaiser"):
        scipy.signal.kaiser = scipy.signal.windows.kaiser
    warnings.simplefilter("ignore")
    try:
        for part in ("models", "losses"):
            importlib.import_module(f"parallel_wavegan.{part}")
    except ImportError as error:
        print(f"parallel-wavegan does not import ({error}): our own times alone")
        return None
    return sys.modules["parallel_wavegan"]


def compare(name: str, package: types.ModuleType | None, args: argparse.Namespace) -> str:
    """The line of one network."""
    torch.manual_seed(0)
    system = build_system({"sample_rate": RATE, "system": SYSTEMS[name]}).to(args.device)
    rounds: dict[str, Callable[[], Any]] = {"ours": training_step(system, name, args)}
    if package is not None:
        theirs = [getattr(package.models, kind)().to(args.device) for kind in PEERS[name]]
        rounds["theirs"] = their_step(theirs, package.losses, system, name, args)
    steps = best_of(rounds, args)
    frames = round(args.seconds * RATE / system.features.hop)
    mels = np.random.default_rng(0).normal(size=(frames, system.features.dim)).astype(np.float32)
    # Whoever trained it, both have the weights of theirs from here on.
    if package is not None:
        weights = theirs[0].state_dict()
        [layout] = [one for one in LAYOUTS if isinstance(system.generator, one.network) and has(weights, one.mark)]
        system.generator.load_state_dict(converted(system.generator, layout, weights, Path(name)))
    fold_weight_norm(system.eval())
    rounds, difference = {"ours": lambda: system.vocode([mels])}, float("nan")
    if package is not None:
        theirs[0].remove_weight_norm()
        rounds["theirs"] = their_inference(theirs[0].eval(), system, mels)
        difference = float(np.abs(rounds["ours"]()[0] - rounds["theirs"]()).max())
    seconds = frames * system.features.hop / RATE
    factors = {who: spent / seconds for who, spent in best_of(rounds, args).items()}
    return f"{difference:>16.1e} {columns(factors):>28} {columns(steps):>30}"


def columns(spent: dict[str, float]) -> str:
    """Ours, theirs, and theirs over ours."""
    theirs = spent.get("theirs", float("nan"))
    return f"{spent['ours']:>10.3f} {theirs:>8.3f} {theirs / spent['ours']:>7.2f}"


def has(weights: dict[str, Tensor], mark: str) -> bool:
    """Whether a name begins so."""
    return any(name.startswith(mark) for name in weights)


def best_of(rounds: dict[str, Callable[[], Any]], args: argparse.Namespace) -> dict[str, float]:
    """The least seconds of each, which take turns."""
    clock = time.perf_counter if args.device == "cuda" else time.process_time
    best = dict.fromkeys(rounds, float("inf"))
    for number in range(args.repeats + 1):
        for who, call in rounds.items():
            if args.device == "cuda":
                torch.cuda.synchronize()
            began = clock()
            call()
            if args.device == "cuda":
                torch.cuda.synchronize()
            if number or not args.repeats:  # the first round warms up
                best[who] = min(best[who], clock() - began)
    return best


def batch_of(system: GanVocoder, args: argparse.Namespace) -> MelBatch:
    """Random crops."""
    frames = CROP // system.features.hop
    mels = torch.randn(args.batch, system.features.dim, frames + 2 * system.context, device=args.device)
    return MelBatch(["crop"] * args.batch, mels, 0.1 * torch.randn(args.batch, CROP, device=args.device))


def training_step(system: GanVocoder, name: str, args: argparse.Namespace) -> Callable[[], None]:
    """One step of each player by the training loop's turns."""
    optimiser = RADAM if name == "parallel_wavegan" else ADAM
    weights = {"generator": LOSSES[name], "discriminator": {"adversarial": 1.0}}
    config = {turn: {"loss_weights": losses, "optimiser": optimiser} for turn, losses in weights.items()}
    turns: list[Turn] = build_turns(parse_turns({"turns": config}), system)
    batch = batch_of(system, args)

    def step() -> None:
        for turn in turns:
            turn.step(system, [batch], [1.0])

    return step


def their_step(
    networks: list[nn.Module], losses: types.ModuleType, system: GanVocoder, name: str, args: argparse.Namespace
) -> Callable[[], None]:
    """A step as `parallel_wavegan.bin.train.Trainer._train_step` makes it."""
    generator, discriminator = networks
    kind = torch.optim.RAdam if name == "parallel_wavegan" else torch.optim.Adam
    optimisers = [kind(network.parameters(), lr=1e-4) for network in networks]
    fool = losses.GeneratorAdversarialLoss(average_by_discriminators=False, loss_type=CRITERIA[name])
    tell = losses.DiscriminatorAdversarialLoss(average_by_discriminators=False, loss_type=CRITERIA[name])
    match = losses.FeatureMatchLoss(average_by_layers=name == "melgan", average_by_discriminators=False)
    spectral, mel = losses.MultiResolutionSTFTLoss().to(args.device), system.loss_features
    batch, weights = batch_of(system, args), LOSSES[name]
    waves = batch.waves.unsqueeze(1)
    lengths = torch.full((args.batch,), CROP, device=args.device)
    inputs = (torch.randn_like(waves), batch.mels) if system.generator.takes_noise else (batch.mels,)

    def step() -> None:
        generated = generator(*inputs)
        outputs = discriminator(generated)
        loss = weights["adversarial"] * fool(outputs)
        if "feature" in weights:
            with torch.no_grad():
                real = discriminator(waves)
            loss = loss + weights["feature"] * match(outputs, real)
        if "spectral" in weights:
            loss = loss + sum(spectral(generated.squeeze(1), waves.squeeze(1)))
        if "mel" in weights:
            pair = (mel(signal.squeeze(1), lengths)[0] for signal in (generated, waves))
            loss = loss + weights["mel"] * nn.functional.l1_loss(*pair)
        optimisers[0].zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(generator.parameters(), 10.0)
        optimisers[0].step()
        with torch.no_grad():
            generated = generator(*inputs)
        real, fake = discriminator(waves), discriminator(generated.detach())
        loss = sum(tell(fake, real))
        optimisers[1].zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(discriminator.parameters(), 1.0)
        optimisers[1].step()
        loss.item()

    return step


def their_inference(generator: nn.Module, system: GanVocoder, mels: np.ndarray) -> Callable[[], np.ndarray]:
    """The whole utterance at once, as their `inference` does; Parallel WaveGAN with our noise."""
    context, device = system.context, next(generator.parameters()).device
    noise = system._noise(len(mels) * system.features.hop)

    @torch.inference_mode()
    def infer() -> np.ndarray:
        features = np.pad(mels.T, ((0, 0), (context, context)), mode="edge")
        given = torch.from_numpy(features).unsqueeze(0).to(device)
        inputs = (given,) if noise is None else (noise[None, None].to(device), given)
        return generator(*inputs)[0, 0].cpu().numpy()

    return infer


def classical(args: argparse.Namespace) -> dict[str, float]:
    """Real-time factors of Griffin-Lim (60 iterations) and of WORLD's analysis and synthesis."""
    config = {"sample_rate": RATE, "system": {**SYSTEMS["melgan"], "class": "nrsr.systems.GriffinLim"}}
    griffin_lim = build_system(config).eval()
    time_axis = np.arange(int(args.seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * 150 * number * time_axis) / number for number in range(1, 40)).astype(np.float32) / 4
    mels = griffin_lim.features.compute(wave)
    rounds: dict[str, Callable[[], Any]] = {"griffin-lim": lambda: griffin_lim.infer([mels], ["wav"])}
    try:
        world = build_system({"sample_rate": RATE, "system": {"class": "nrsr.systems.World"}})
        rounds["world"] = lambda: world.infer([wave], ["wav"])
    except Exception as error:
        print(f"WORLD is left out: {error}")
    args.device = "cpu"
    return {who: spent / args.seconds for who, spent in best_of(rounds, args).items()}


if __name__ == "__main__":
    main()
