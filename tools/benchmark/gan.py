"""What an audio GAN costs: steps of the loop beside a plain PyTorch script, generation, memory.

Example:
    python tools/benchmark/gan.py --config egs/fsdd/gan/conf/wavegan.yaml --steps 12

Both take the same networks, batches, optimisers and clips: each of the game's turns so often as the config says. The
losses of two players are written out in the script; with a third player they are those of the system. Times of turns
are medians of CPU time, script and loop taken in turns; the loop's share on top should be under 3 %. Generation is in
multiples of real time, Griffin and Lim's algorithm included where the system makes spectrograms. Memory is the largest
that the process had, after the steps and in all.
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.commands.compute_cmvn import of_system
from nrsr.config import build, load_yaml
from nrsr.data.batch import Batch
from nrsr.experiment.folder import load
from nrsr.inference.generate import Generated, Wanted
from nrsr.kaldi import WaveWriter, write_list
from nrsr.nn.adversarial import Wasserstein
from nrsr.systems import System
from nrsr.systems.adversarial import DISCRIMINATOR, GENERATOR, Adversarial
from nrsr.training import run
from nrsr.training.plan import Training
from nrsr.training.run import run_training

WARM_UP = 3  # steps that do not count
WORDS = ("one", "two", "three", "four")
Times = dict[str, list[float]]  # of a turn's steps
Losses = Callable[[System, Batch, str], dict[str, Tensor]]


def write_data(folder: Path, utterances: int, samples: int, rate: int) -> None:
    """Noise that is named by words."""
    rng, texts = np.random.default_rng(0), {}
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", rate) as writer:
        for number in range(utterances):
            name = f"s-{number:05d}"
            writer[name] = rng.uniform(-0.5, 0.5, samples).astype(np.float32)
            texts[name] = WORDS[number % len(WORDS)]
    write_list(folder / "text", texts)
    write_list(folder / "utt2spk", dict.fromkeys(texts, "s"))


def written_out(system: Adversarial, batch: Batch, player: str) -> dict[str, Tensor]:
    """The losses of a player of the minimax game or of WGAN-GP, as a script for this network alone has them."""
    labels = system.labels_of(batch)
    given = () if labels is None else (labels,)
    fake = system.generator(system.draw(len(batch), batch.waves.device), *given)
    ones = fake.new_ones(len(fake))
    wasserstein = isinstance(system.objective, Wasserstein)
    if player == GENERATOR:
        scores = system.score(fake, labels)
        return {"adversarial": -scores.mean() if wasserstein else F.binary_cross_entropy_with_logits(scores, ones)}
    real, fake = system.represent(batch.waves), fake.detach()
    real_scores, fake_scores = system.score(real, labels), system.score(fake, labels)
    if not wasserstein:
        loss = F.binary_cross_entropy_with_logits(real_scores, ones)
        return {"adversarial": loss + F.binary_cross_entropy_with_logits(fake_scores, 0 * ones)}
    share = torch.rand(len(real), *[1] * (real.dim() - 1))
    points = (share * real + (1 - share) * fake).requires_grad_()
    [slopes] = torch.autograd.grad(system.score(points, labels).sum(), points, create_graph=True)
    penalty = ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()
    return {"adversarial": fake_scores.mean() - real_scores.mean(), "penalty": penalty}


def plain_steps(training: Training, steps: int, losses_of: Losses) -> Times:
    """Times of the turns of a loop written out: the players, batches and optimisers of the training.

    Args:
        losses_of: the losses of a batch in a turn, by name.
    """
    system = training.system
    settings = {turn.name: turn.settings for turn in training.turns}
    weights = {name: turn.weights_at(0) for name, turn in settings.items()}
    players = {name: [one for one in own if one.requires_grad] for name, own in system.turns().items()}
    optimisers = {
        name: build(settings[name].optimiser, torch.optim.Optimizer, "optimiser", params=parameters)
        for name, parameters in players.items()
    }
    repeats, times, epoch = training.repeats(), {name: [] for name in players}, 0
    training.train_mode()
    while min(map(len, times.values())) < steps:
        batches = training.loaded(training.train_set, plan := training.plan(epoch))
        epoch += 1
        for _ in range(len(plan) // repeats):
            read = [next(batches) for _ in range(repeats)]
            for name in players:
                begun = time.process_time()
                for batch in read[: settings[name].repeat]:
                    optimisers[name].zero_grad()
                    losses = losses_of(system, batch, name)
                    loss = sum(weights[name][one] * losses[one] for one in weights[name])
                    loss.backward(inputs=players[name])
                    if settings[name].clip is not None:
                        torch.nn.utils.clip_grad_norm_(players[name], settings[name].clip)
                    optimisers[name].step()
                times[name].append(time.process_time() - begun)
    return {name: spent[WARM_UP:steps] for name, spent in times.items()}


def loop_steps(training: Training, train: Callable, progress: object) -> Times:
    """Times of the loop's turns, without reading batches; the last one's has all that follows in a step."""
    system = training.system
    times: Times = {turn.name: [] for turn in training.turns}
    share, losses_of, set_progress = training.processes.share_buffers, system.losses, system.set_progress
    begun: list[tuple[str, float]] = []

    def end() -> None:
        if begun:
            name, before = begun.pop()
            times[name].append(time.process_time() - before)

    def step(*arguments: float) -> None:
        begun[:] = [(training.turns[0].name, time.process_time())]
        set_progress(*arguments)

    def losses(batch: Batch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        if begun and turn != begun[0][0]:
            end()
            begun.append((turn, time.process_time()))
        return losses_of(batch, turn, wanted)

    def share_buffers(shared: nn.Module) -> None:
        share(shared)
        end()

    system.set_progress, system.losses = step, losses
    object.__setattr__(training.processes, "share_buffers", share_buffers)
    train(training, progress)
    return {name: spent[WARM_UP:] for name, spent in times.items()}


def compared(times: dict[str, Times]) -> list[str]:
    """A line for each turn: its median in the plain script and in the loop."""
    lines = []
    for name in times["plain"]:
        plain, loop = (1000 * statistics.median(times[what][name]) for what in ("plain", "loop"))
        lines.append(f"{name}: plain script {plain:.1f} ms, loop {loop:.1f} ms: {100 * (loop / plain - 1):+.1f} %")
    return lines


def step_times(config: dict, number: int, data: Path, dev: Path, exp: Path, losses_of: Losses) -> dict[str, Times]:
    """Times of the turns of a plain script ("plain") and of the loop ("loop") in a training."""
    times: dict[str, Times] = {}
    real = run.train

    def train(training: Training, progress: object) -> None:
        steps = training.settings.steps or len(training.plan(0)) * training.settings.epochs
        plain_steps(training, steps, losses_of)  # until then memory comes anew from the system
        times["plain"] = plain_steps(training, steps, losses_of)
        times["loop"] = loop_steps(training, real, progress)

    run.train = train
    run_training(config, number, data, dev, None, exp)
    run.train = real
    return times


def joined(rounds: list[dict[str, Times]]) -> dict[str, Times]:
    """The times of several trainings together."""
    return {
        what: {name: sum((one[what][name] for one in rounds), []) for name in rounds[0][what]} for what in rounds[0]
    }


def megabytes() -> float:
    """The largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def losses_of(config: dict) -> Losses:
    """The losses of the plain script: written out for two players, else those of the system."""
    if set(config["turns"]) == {DISCRIMINATOR, GENERATOR}:
        return written_out
    return lambda system, batch, turn: system.losses(batch, turn, tuple(config["turns"][turn]["loss_weights"]))


def measure(config: dict, steps: int, rounds: int, count: int, folder: Path) -> list[str]:
    """Lines about steps, memory and generation."""
    samples, rate = config["data"]["segment"], config["sample_rate"]
    repeat = max(turn.get("repeat", 1) for turn in config["turns"].values())
    write_data(folder / "train", config["batches"]["size"] * repeat * 8, samples, rate)
    write_data(folder / "dev", 4 * len(WORDS), samples, rate)
    config["training"] |= {"steps": steps, "validate_steps": steps}
    times = []
    for number in range(rounds):
        exp = folder / f"exp{number}"
        of_system(config, str(folder / "train"), str(exp / "statistics.ark"), False)
        times.append(step_times(config, number, folder / "train", folder / "dev", exp, losses_of(config)))
    lines = [f"{torch.get_num_threads()} threads, batches of {config['batches']['size']}; {megabytes():.0f} MB"]
    lines += compared(joined(times))
    generated = Generated(load(folder / "exp0"), Wanted(count))
    begun = time.process_time()
    made = sum(len(wave) for _, wave in generated)
    spent = time.process_time() - begun
    lines.append(
        f"{count} waveforms of {samples / rate:.2f} s: {made / rate / spent:.0f} times as fast as real time in CPU "
        f"seconds; {megabytes():.0f} MB in all"
    )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="of a gan recipe")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of the config")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=2, help="trainings, whose step times count together (2)")
    parser.add_argument("--count", type=int, default=256, help="waveforms to generate (256)")
    args = parser.parse_args()
    torch.set_flush_denormal(True)
    with tempfile.TemporaryDirectory() as folder:
        print("\n".join(measure(load_yaml(args.config, args.set), args.steps, args.rounds, args.count, Path(folder))))


if __name__ == "__main__":
    main()
