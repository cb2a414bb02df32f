"""Step time and memory of gradient remedy beside plain multi-task learning, the floor, and a straightforward version.

Example:
    python tools/benchmark/gradients.py --repeats 5
    python tools/benchmark/gradients.py --config egs/fsdd/asr/conf/gr.yaml --utterances 16 --seconds 2 --repeats 20

One batch of generated audio, forward and backward with both losses, no optimiser:
    mtl       the sum of both losses, one backward pass
    floor     mtl and one more backward pass of the enhancement loss through the front-end: what no method that needs
              both tasks' gradients can avoid
    gr        nrsr.gradients.Remedy, or whatever the config names
    straight  two full backward passes over a retained graph, the gradients kept by name, and the remedy tensor by
              tensor in Python
The four take turns, on one thread; the smallest processor time of each counts (on a GPU: wall time). Peak memory is
that of a process of its own for each (on a GPU: of the allocator). Goal: gr within 5 % of floor.
"""

import argparse
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from nrsr.config import build, load_yaml
from nrsr.data import Batch
from nrsr.gradients import Combiner, Sum
from nrsr.nn import GlobalNorm
from nrsr.systems import JointAsr, build_system

CONFIG = Path(__file__).resolve().parents[2] / "egs" / "chime4" / "asr" / "conf" / "gr.yaml"
VOCABULARY = 1000
K = 5.0


class Step:
    """A system, a batch, and one way to fill `.grad`."""

    def __init__(self, args: argparse.Namespace) -> None:
        torch.set_num_threads(1)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        config = load_yaml(args.config)
        torch.manual_seed(0)
        self.system: JointAsr = build_system(config, VOCABULARY)
        self.batch = make_batch(args.utterances, int(args.seconds * config["sample_rate"]))
        self.system.accumulate_statistics(self.batch.waves, self.batch.lengths)
        for module in self.system.modules():
            if isinstance(module, GlobalNorm):
                module.finish()
        self.system.to(self.device)
        self.batch = self.batch.to(self.device)
        self.weights = config["loss_weights"]
        self.remedy = build(config["gradients"], Combiner, "gradients")
        self.parameters = list(self.system.parameters())
        meeting = {id(parameter) for parameter in self.system.shared_parameters("main")}
        self.shared = {name: p for name, p in self.system.named_parameters() if id(p) in meeting}

    def losses(self) -> dict[str, Tensor]:
        losses = self.system.losses(self.batch, "main", self.weights)
        return {name: self.weights[name] * loss for name, loss in losses.items()}

    def mtl(self) -> None:
        self.combined(Sum())

    def floor(self) -> None:
        losses = self.losses()
        torch.autograd.grad(losses["se"], list(self.shared.values()), retain_graph=True)
        combiner = Sum()
        combiner.backward(losses, self.shared, self.parameters)
        combiner.finish(self.parameters)

    def gr(self) -> None:
        self.combined(self.remedy)

    def straight(self) -> None:
        losses = self.losses()
        losses["se"].backward(retain_graph=True)
        kept = {name: p.grad.clone() for name, p in self.system.named_parameters() if p.grad is not None}
        self.system.zero_grad()
        losses["asr"].backward()
        for name, parameter in self.system.named_parameters():
            if name in kept and name in self.shared:
                parameter.grad = straight_remedy(kept[name].flatten(), parameter.grad.flatten()).view_as(parameter)

    def combined(self, combiner: Combiner) -> None:
        combiner.backward(self.losses(), self.shared, self.parameters)
        combiner.finish(self.parameters)

    def timed(self, way: Callable[[], None]) -> float:
        self.system.zero_grad()
        begin = self.now()
        way()
        return self.now() - begin

    def now(self) -> float:
        if self.device.type == "cpu":
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()


def straight_remedy(s: Tensor, a: Tensor) -> Tensor:
    """The remedy of one tensor as a reader of the paper would write it, with its decisions on the host."""
    if s.norm() == 0 or a.norm() == 0:
        return s + a
    if torch.dot(s, a) < 0:
        across = s - torch.dot(s, a) / torch.dot(a, a) * a
        s = across + across.norm() * a.norm() / s.norm() * a / a.norm()
    cosine = nn.functional.cosine_similarity(s, a, dim=0)
    if s.norm() / a.norm() > K and cosine != 0:
        s, a = s * cosine, a / cosine
    return s + a


def make_batch(utterances: int, samples: int) -> Batch:
    """Noise, 75 % to 100 % of `samples` long, with 12 units a second at 16 kHz."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(3 * samples // 4, samples + 1, (utterances,), generator=generator)
    waves, clean = (0.1 * torch.randn(utterances, samples, generator=generator) for _ in range(2))
    units = max(1, samples // 4000)
    targets = torch.randint(2, VOCABULARY - 1, (utterances, units), generator=generator)
    ids = [str(number) for number in range(utterances)]
    has_clean = torch.ones(utterances, dtype=torch.bool)
    return Batch(ids, waves, lengths, clean, has_clean, targets, torch.full((utterances,), units))


WAYS = ("mtl", "floor", "gr", "straight")


def peak_mib(way: str, args: argparse.Namespace) -> float:
    """Peak memory of a step (the second one), run in a process of its own."""
    step = Step(args)
    step.timed(getattr(step, way))
    if step.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        step.timed(getattr(step, way))
        return torch.cuda.max_memory_allocated() / 2**20
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak begins anew
    step.timed(getattr(step, way))
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=CONFIG, help="system and combiner    (%(default)s)")
    parser.add_argument("--utterances", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=4.0, help="of the longest utterance")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    step = Step(args)
    best = dict.fromkeys(WAYS, float("inf"))
    for _ in range(args.repeats + 1):  # the first round warms up; the best counts, so it does no harm
        for way in WAYS:
            best[way] = min(best[way], step.timed(getattr(step, way)))
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        peaks = {way: pool.apply(peak_mib, (way, args)) for way in WAYS}
    count = sum(parameter.numel() for parameter in step.parameters)
    front_end = sum(parameter.numel() for parameter in step.shared.values())
    print(
        f"{args.config}: {count / 1e6:.1f} M parameters, {front_end / 1e6:.1f} M of them shared; {args.utterances} "
        f"utterances of up to {args.seconds:g} s, {step.device}"
    )
    for way in WAYS:
        print(
            f"{way:<9}{best[way]:8.3f} s a step {best[way] / best['mtl']:6.2f} x mtl {best[way] / best['floor']:6.2f} "
            f"x floor   peak {peaks[way]:7.0f} MiB ({peaks[way] - peaks['mtl']:+.0f})"
        )


if __name__ == "__main__":
    main()
