"""SEGAN of the published sizes beside SpeechBrain's of the same widths: a training step, and the real-time factor.

Example:
    python tools/benchmark/segan.py --windows 4 --repeats 5
    python tools/benchmark/segan.py --peers FOLDER --device cuda --windows 100 --repeats 20

A training step is both turns, forward and backward, without the optimisers: ours with the current batch as the
reference and with a frozen one of as many windows, SpeechBrain's as in its recipe for VoiceBank (three losses; plain
batch normalisation, and no z). Inference is one recording, cut into windows. All take turns, on one thread, and each
one's best round counts: processor time, or wall time on a GPU; the median stands beside it. SpeechBrain (1.1.2) is
installed by pip without its dependencies, but for the two that an import needs, into a folder of its own (--peers).
Goal: ratios, theirs by ours, of 1 at least.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn

from nrsr.data import Batch
from nrsr.systems import build_system

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "nrsr" / "peers"
PEERS = ("speechbrain==1.1.2", "hyperpyyaml==1.2.3", "ruamel.yaml==0.19.1")
RATE, WINDOW, KERNEL = 16000, 16384, 31
LOSSES = {"discriminator": {"adversarial": 1.0}, "generator": {"adversarial": 1.0, "l1": 100.0}}
Work = Callable[[], object]


def install(folder: Path) -> None:
    """Put SpeechBrain into a folder, unless it is there, and on the path."""
    if not (folder / "speechbrain").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
        subprocess.run([*pip, *PEERS], check=True)
    sys.path.append(str(folder))


def made_batch(windows: int, device: str) -> Batch:
    """Noise in place of clean and noisy windows."""
    generator = torch.Generator().manual_seed(0)
    noisy, clean = (0.1 * torch.randn(windows, WINDOW, generator=generator) for _ in range(2))
    lengths, has_clean = torch.full((windows,), WINDOW), torch.ones(windows, dtype=torch.bool)
    return Batch(["window"] * windows, noisy, lengths, clean, has_clean, None, None).to(device)


def our_step(batch: Batch, frozen: bool, device: str) -> Work:
    """Both turns of `nrsr.systems.SeganEnhancement`."""
    torch.manual_seed(0)
    frontend = {"class": "nrsr.frontends.Segan", "window": WINDOW, "kernel": KERNEL}
    spec = {"class": "nrsr.systems.SeganEnhancement", "frontend": frontend}
    spec["frozen_reference"] = len(batch) if frozen else None
    system = build_system({"sample_rate": RATE, "system": spec}).to(device).train()
    system.prepare([batch])
    turns = system.turns()

    def run() -> None:
        system.zero_grad()
        for turn, weights in LOSSES.items():
            losses = system.losses(batch, turn, weights)
            sum(weight * losses[name] for name, weight in weights.items()).backward(inputs=turns[turn])

    return run


def their_networks(device: str) -> tuple[nn.Module, nn.Module]:
    """SpeechBrain's generator and discriminator, with our kernel."""
    from speechbrain.lobes.models.segan_model import Discriminator, Generator

    torch.manual_seed(0)
    return Generator(KERNEL, latent_vae=False, z_prob=False).to(device), Discriminator(KERNEL).to(device)


def their_step(batch: Batch, device: str) -> Work:
    """The three parts of a step of SpeechBrain's recipe."""
    from speechbrain.lobes.models.segan_model import d1_loss, d2_loss, g3_loss

    generator, discriminator = their_networks(device)
    noisy, clean = batch.waves.unsqueeze(2), batch.clean.unsqueeze(2)

    def scores(first: Tensor, second: Tensor) -> Tensor:
        return discriminator(torch.cat((first, second), -1))

    def run() -> None:
        discriminator.zero_grad()
        d1_loss(scores(noisy, clean)).backward()
        discriminator.zero_grad()
        enhanced = generator(noisy)
        d2_loss(scores(enhanced, clean)).backward(retain_graph=True)
        generator.zero_grad()
        g3_loss(scores(enhanced, clean), enhanced, clean, None, l1LossCoeff=100, klLossCoeff=0).backward()

    return run


def inference(seconds: float, device: str) -> dict[str, Work]:
    """One recording through each generator."""
    from nrsr.frontends import Segan

    wave = 0.1 * torch.randn(1, round(seconds * RATE), generator=torch.Generator().manual_seed(0)).to(device)
    lengths = torch.tensor([wave.shape[1]], device=device)
    ours, (theirs, _) = Segan(RATE, kernel=KERNEL, window=WINDOW).to(device).eval(), their_networks(device)
    padded = nn.functional.pad(wave, (0, -wave.shape[1] % WINDOW))
    return {
        "ours": torch.no_grad()(lambda: ours(wave, lengths)),
        "SpeechBrain": torch.no_grad()(lambda: theirs.eval()(padded.view(-1, WINDOW, 1)).flatten()),
    }


def times(works: dict[str, Work], repeats: int, device: str) -> dict[str, list[float]]:
    """Seconds of each, in turns, after one round to warm up."""
    found: dict[str, list[float]] = {name: [] for name in works}
    clock = time.process_time if device == "cpu" else time.perf_counter
    for number in range(repeats + 1):
        for name, work in works.items():
            start = clock()
            work()
            if device != "cpu":
                torch.cuda.synchronize()
            if number:
                found[name].append(clock() - start)
    return found


def report(what: str, found: dict[str, list[float]], seconds: float) -> None:
    """A line each: the best time, the median, by the length of the audio, and SpeechBrain's best by it."""
    print(what)
    theirs = min(found["SpeechBrain"])
    for name, taken in found.items():
        best, ratio = min(taken), theirs / min(taken)
        print(f"  {name:<14}{best:8.3f} s (median {median(taken):.3f}), {best / seconds:6.3f} by length, {ratio:5.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=4, help="in a training step (%(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of the recording (%(default)s)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--peers", type=Path, default=CACHE, help="where it is, or is installed (%(default)s)")
    args = parser.parse_args()
    install(args.peers)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    print(f"torch {torch.__version__}, {args.device}, {args.repeats} rounds; last column: SpeechBrain's time by it")
    report("inference", times(inference(args.seconds, args.device), args.repeats, args.device), args.seconds)
    batch = made_batch(args.windows, args.device)
    works = {
        "ours": our_step(batch, False, args.device),
        "ours, frozen": our_step(batch, True, args.device),
        "SpeechBrain": their_step(batch, args.device),
    }
    length = args.windows * WINDOW / RATE
    report(f"training step, {args.windows} windows", times(works, args.repeats, args.device), length)


if __name__ == "__main__":
    main()
