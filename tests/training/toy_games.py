"""A game with all that the loop offers, the same as a plain loop, and processes that are killed while they save."""

import multiprocessing
import os
import signal
import socket
from pathlib import Path

import torch
from torch import Tensor, nn

from nrsr.systems import System

SIZE = 16


class ToyWgan(System):
    """Generator of stretches of waveform, critic with a gradient penalty, both behind a frozen map."""

    def __init__(self, sample_rate: int, width: int = 6):
        super().__init__()
        self.map = nn.Linear(SIZE, SIZE)
        self.generator = nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width), nn.Tanh(), nn.Linear(width, SIZE))
        self.critic = nn.Sequential(nn.Linear(SIZE, width), nn.Dropout(0.1), nn.Tanh(), nn.Linear(width, 1))

    def turns(self):
        return {"critic": list(self.critic.parameters()), "generator": list(self.generator.parameters())}

    def losses(self, batch, turn, wanted):
        real = self.map(10 * batch.waves[:, :SIZE])
        fake = self.map(self.generator(torch.randn(len(batch), 4)))
        found = {}
        if turn == "critic":
            fake = fake.detach()
            found["wasserstein"] = self.critic(fake).mean() - self.critic(real).mean()
            if "penalty" in wanted:
                found["penalty"] = self.penalty(torch.lerp(real, fake, torch.rand(len(batch), 1)))
        else:
            found["fool"] = -self.critic(fake).mean()
            if "near" in wanted:
                found["near"] = (fake.mean() - real.mean()).square()
        return found

    def penalty(self, between: Tensor) -> Tensor:
        """WGAN-GP: the squared distance of the gradient's norm from 1, differentiated once more by the step."""
        between = between.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)
        return (gradient.norm(dim=1) - 1).square().mean()

    def validate(self, batch):
        fake = self.map(self.generator(torch.randn(len(batch), 4)))
        apart = (fake.mean(1) - self.map(10 * batch.waves[:, :SIZE]).mean(1)).square()
        return {"loss": (apart.sum(), torch.tensor(len(batch)))}

    def samples(self, batch):
        made = self.generator(torch.randn(len(batch), 4)).flatten()
        return {"made": made.tanh(), "image": made.unflatten(0, (-1, SIZE))}


ADAM = {"class": "torch.optim.Adam", "lr": 0.02, "betas": [0.5, 0.9]}
WGAN = {
    "sample_rate": 8000,
    "system": {"class": "toy_games.ToyWgan"},
    "turns": {
        "generator": {"loss_weights": {"fool": 1.0, "near": {"weight": 2.0, "start": 11}}, "optimiser": ADAM,
                      "start": 3, "every": 2, "clip": 0.5,
                      "schedule": {"class": "nrsr.training.schedules.Warmup", "steps": 3}},
        "critic": {"loss_weights": {"wasserstein": 1.0, "penalty": 10.0}, "optimiser": ADAM, "repeat": 3, "clip": None},
    },
    "batches": {"size": 6, "max_seconds": 60},
    "training": {"steps": 18, "validate_steps": 7, "ema": 0.9, "select": {"criterion": "loss", "best": "highest"},
                 "average": 2, "save_steps": 2, "log_steps": 4},
    "freeze": ["map"],
}  # fmt: skip


def kill_at_save(number: int) -> None:
    """Have this process killed by SIGKILL in its n-th save of last.pt, half of the file written."""
    real, left = os.replace, [number]

    def replace(source, target):
        if Path(target).name == "last.pt":
            left[0] -= 1
            if not left[0]:
                os.truncate(source, os.path.getsize(source) // 2)
                os.kill(os.getpid(), signal.SIGKILL)
        real(source, target)

    os.replace = replace


def in_processes(size: int, function, *arguments, kill: int = 0) -> list[int]:
    """Call the function in so many processes, joined as torchrun joins them; their exit statuses.

    Args:
        kill: the save at which the first one is killed; 0 for none.
    """
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("fork")  # no import of torch in each
    started = [context.Process(target=_run, args=(rank, size, port, kill, function, arguments)) for rank in range(size)]
    for process in started:
        process.start()
    for process in started:
        process.join(120)
        process.kill()
    return [process.exitcode for process in started]


def _run(rank: int, size: int, port: int, kill: int, function, arguments) -> None:
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size)}
    os.environ |= {"MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    if kill and rank == 0:
        kill_at_save(kill)
    function(*arguments)
