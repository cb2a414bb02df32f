"""What an audio GAN costs: steps of the loop beside a plain PyTorch script, generation, memory.

Example:
    python tools/benchmark/gan.py --config egs/fsdd/gan/conf/wavegan.yaml --steps 12

Both take the same networks, batches, optimisers and clips: each of the game's turns so often as the config says. Step
times are medians of CPU time, the two taken in turns; the loop's share on top should be under 3 %. Generation is in
multiples of real time, Griffin and Lim's algorithm included where the system makes pictures. Memory is the largest that
the process had, after the steps and in all.
"""

import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from nrsr.commands.compute_cmvn import of_system
from nrsr.config import build, load_yaml
from nrsr.experiment.folder import load
from nrsr.inference.generate import Generated, Wanted
from nrsr.kaldi import WaveWriter, write_list
from nrsr.training import run
from nrsr.training.plan import Training
from nrsr.training.run import run_training

WARM_UP = 3  # steps that do not count
WORDS = ("one", "two", "three", "four")


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


def plain_steps(training: Training, steps: int) -> list[float]:
    """Times of the steps of a loop written out: the players, batches and optimisers of the training."""
    system = training.system
    settings = {turn.name: turn.settings for turn in training.turns}
    weights = {name: turn.weights_at(0) for name, turn in settings.items()}
    players = {name: [one for one in own if one.requires_grad] for name, own in system.turns().items()}
    optimisers = {
        name: build(settings[name].optimiser, torch.optim.Optimizer, "optimiser", params=parameters)
        for name, parameters in players.items()
    }
    repeats, times, epoch = training.repeats(), [], 0
    training.train_mode()
    while len(times) < steps:
        batches = training.loaded(training.train_set, plan := training.plan(epoch))
        epoch += 1
        for _ in range(len(plan) // repeats):
            read = [next(batches) for _ in range(repeats)]
            begun = time.process_time()
            for name in players:
                for batch in read[: settings[name].repeat]:
                    optimisers[name].zero_grad()
                    losses = system.losses(batch, name, weights[name])
                    loss = sum(weights[name][one] * losses[one] for one in weights[name])
                    loss.backward(inputs=players[name])
                    if settings[name].clip is not None:
                        torch.nn.utils.clip_grad_norm_(players[name], settings[name].clip)
                    optimisers[name].step()
            times.append(time.process_time() - begun)
    return times[:steps]


def loop_steps(training: Training, train, progress) -> list[float]:
    """Times of the loop's steps without reading batches: from before the first turn to what follows the last one."""
    times: list[float] = []
    begun = 0.0
    share = training.processes.share_buffers

    def set_progress(*_: float) -> None:
        nonlocal begun
        begun = time.process_time()

    def share_buffers(shared: nn.Module) -> None:
        share(shared)
        times.append(time.process_time() - begun)

    training.system.set_progress = set_progress
    object.__setattr__(training.processes, "share_buffers", share_buffers)
    train(training, progress)
    return times


def megabytes() -> float:
    """The largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(config: dict, steps: int, rounds: int, count: int, folder: Path) -> list[str]:
    """Lines about steps, memory and generation."""
    samples, rate = config["data"]["segment"], config["sample_rate"]
    repeat = max(turn.get("repeat", 1) for turn in config["turns"].values())
    write_data(folder / "train", config["batches"]["size"] * repeat * 8, samples, rate)
    write_data(folder / "dev", 4 * len(WORDS), samples, rate)
    config["training"] |= {"steps": steps, "validate_steps": steps}
    plain: list[float] = []
    loop: list[float] = []
    real = run.train

    def train(training: Training, progress: object) -> None:
        plain_steps(training, steps)  # until then memory comes anew from the system
        plain.extend(plain_steps(training, steps)[WARM_UP:])
        loop.extend(loop_steps(training, real, progress)[WARM_UP:])

    run.train = train
    for number in range(rounds):
        exp = folder / f"exp{number}"
        of_system(config, str(folder / "train"), str(exp / "statistics.ark"), False)
        run_training(config, number, folder / "train", folder / "dev", None, exp)
    run.train = real
    before, after = statistics.median(plain), statistics.median(loop)
    lines = [
        f"{torch.get_num_threads()} threads, batches of {config['batches']['size']}: step of the plain script "
        f"{1000 * before:.1f} ms, of the loop {1000 * after:.1f} ms: {100 * (after / before - 1):+.1f} %; "
        f"{megabytes():.0f} MB"
    ]
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
