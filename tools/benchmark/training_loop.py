"""What the training loop costs beside a plain PyTorch script of the same game, on generated audio.

Example:
    python tools/benchmark/training_loop.py --steps 40

A WGAN-GP of convolutions over 4096 samples: three critic steps and one generator step in each step, clipping, and an
exponential mean of the weights. Both take their batches from the same loader. Step times are medians of CPU time, the
two taken in turns; the last line should say less than 3 %. The loop's figure has in it what a plain script leaves out:
counts of rows, the look whether losses are finite, means for the log, and the signal handler.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

os.environ["NRSR_MODULES"] = Path(__file__).stem
sys.path.insert(0, str(Path(__file__).parent))

from nrsr.kaldi import WaveWriter, write_list
from nrsr.systems import System
from nrsr.training import run
from nrsr.training.plan import Training
from nrsr.training.run import run_training

RATE, SAMPLES, LATENT, REPEAT = 16000, 4096, 32, 3
ADAM = {"class": "torch.optim.Adam", "lr": 1e-4, "betas": [0.5, 0.9]}


class Game(System):
    """Five layers of stride 4 each; the critic's loss has a gradient penalty."""

    def __init__(self, sample_rate: int, width: int):
        super().__init__()
        sizes = [width * factor for factor in (8, 4, 2, 1)]
        up: list[nn.Module] = [nn.Linear(LATENT, 16 * sizes[0]), nn.Unflatten(1, (sizes[0], 16)), nn.ReLU()]
        down: list[nn.Module] = []
        for inputs, outputs in zip(sizes, [*sizes[1:], 1], strict=True):
            up += [nn.ConvTranspose1d(inputs, outputs, 24, 4, 10), nn.ReLU() if outputs > 1 else nn.Tanh()]
            down = [nn.Conv1d(outputs, inputs, 25, 4, 11), nn.LeakyReLU(0.2), *down]
        self.generator, self.critic = nn.Sequential(*up), nn.Sequential(*down, nn.Flatten(), nn.LazyLinear(1))
        with torch.no_grad():
            self.critic(self.generator(torch.randn(1, LATENT)))
        self.started: list[float] = []

    def turns(self) -> dict[str, list[nn.Parameter]]:
        return {"critic": list(self.critic.parameters()), "generator": list(self.generator.parameters())}

    def set_progress(self, fraction: float, epoch: float) -> None:
        self.started.append(time.process_time())

    def losses(self, batch, turn: str, wanted) -> dict[str, Tensor]:
        fake = self.generator(torch.randn(len(batch), LATENT))
        if turn == "generator":
            return {"fool": -self.critic(fake).mean()}
        real, fake = batch.waves.unsqueeze(1), fake.detach()
        between = torch.lerp(real, fake, torch.rand(len(batch), 1, 1)).requires_grad_()
        (slope,) = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)
        penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
        return {"wasserstein": self.critic(fake).mean() - self.critic(real).mean(), "penalty": penalty}

    def validate(self, batch) -> dict[str, tuple[Tensor, Tensor]]:
        return {"loss": (batch.waves.sum(), torch.tensor(len(batch)))}


def config(width: int, size: int, steps: int) -> dict:
    return {
        "sample_rate": RATE,
        "system": {"class": f"{Path(__file__).stem}.Game", "width": width},
        "turns": {
            "critic": {"loss_weights": {"wasserstein": 1.0, "penalty": 10.0}, "optimiser": ADAM, "repeat": REPEAT},
            "generator": {"loss_weights": {"fool": 1.0}, "optimiser": ADAM},
        },
        "data": {"segment": SAMPLES},
        "batches": {"size": size},
        "training": {
            "steps": steps,
            "validate_steps": steps,
            "average": 1,
            "select": "last",
            "ema": 0.999,
            "clip": 10.0,
        },
    }


def plain_steps(training: Training, steps: int) -> list[float]:
    """Times of the steps of a loop written out, with the players, batches and settings of the training."""
    game = training.system
    players = {"critic": game.critic, "generator": game.generator}
    weights = {"critic": {"wasserstein": 1.0, "penalty": 10.0}, "generator": {"fool": 1.0}}
    optimisers = {name: torch.optim.Adam(player.parameters(), 1e-4, (0.5, 0.9)) for name, player in players.items()}
    parameters = list(game.parameters())
    mean = [parameter.detach().clone() for parameter in parameters]
    times, epoch = [], 0
    game.train()
    while len(times) < steps:
        batches = training.loaded(training.train_set, training.plan(epoch))
        epoch += 1
        for _ in range(len(training.plan(epoch - 1)) // REPEAT):
            begun = time.process_time()
            read = [next(batches) for _ in range(REPEAT)]
            for name, count in (("critic", REPEAT), ("generator", 1)):
                for batch in read[:count]:
                    optimisers[name].zero_grad()
                    losses = game.losses(batch, name, weights[name])
                    loss = sum(weights[name][one] * losses[one] for one in losses)
                    loss.backward(inputs=list(players[name].parameters()))
                    torch.nn.utils.clip_grad_norm_(players[name].parameters(), 10.0)
                    optimisers[name].step()
            with torch.no_grad():
                torch._foreach_lerp_(mean, parameters, 0.001)
            times.append(time.process_time() - begun)
    return times[:steps]


def measure(width: int, size: int, steps: int, rounds: int, folder: Path) -> tuple[float, float]:
    """Median step times of the plain script and of the loop."""
    rng = np.random.default_rng(0)
    for name, count in (("train", size * REPEAT * 20), ("dev", 2)):
        (folder / name).mkdir()
        with WaveWriter(folder / name / "wav.ark", folder / name / "wav.scp", RATE) as writer:
            for number in range(count):
                writer[f"s-{number:05d}"] = rng.uniform(-0.5, 0.5, 2 * SAMPLES).astype(np.float32)
        write_list(folder / name / "utt2spk", {f"s-{number:05d}": "s" for number in range(count)})
    made: list[Training] = []
    real = run.train

    def train(training, progress):
        made.append(training)
        plain.extend(plain_steps(training, steps)[3:])
        training.system.started.clear()
        real(training, progress)
        started = training.system.started
        loop.extend([after - before for before, after in zip(started[3:], started[4:], strict=False)])

    plain: list[float] = []
    loop: list[float] = []
    run.train = train
    for number in range(rounds):
        run_training(
            config(width, size, steps), number, folder / "train", folder / "dev", None, folder / f"exp{number}"
        )
    run.train = real
    return statistics.median(plain), statistics.median(loop)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=16, help="channels of the outermost layer (16)")
    parser.add_argument("--size", type=int, default=8, help="utterances in a batch (8)")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3, help="trainings, whose step times count together (3)")
    args = parser.parse_args()
    torch.set_flush_denormal(True)
    with tempfile.TemporaryDirectory() as folder:
        plain, loop = measure(args.width, args.size, args.steps, args.rounds, Path(folder))
    print(
        f"{torch.get_num_threads()} threads, step of the plain script {1000 * plain:.2f} ms, of the loop "
        f"{1000 * loop:.2f} ms: {100 * (loop / plain - 1):+.1f} %"
    )


if __name__ == "__main__":
    main()
