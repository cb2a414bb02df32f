"""What distillation costs: a student beside its teacher, steps of the loop beside a plain script, stored layers.

Example:
    python tools/benchmark/ser.py --steps 12

Student and teacher are those of utils/conf/ser: parameters, multiples of real time in CPU seconds and the largest
memory of a process that classifies. A step of the distillation is timed with the teacher's layers stored and with the
teacher on the fly, the loop beside a plain PyTorch script with the same networks, batches, optimiser and clip. Step
times are medians of CPU time without reading batches, scripts and loops taken in turns.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from gan import compared, joined, step_times
from torch import Tensor
from torch.nn import functional as F

import nrsr
from nrsr.config import load_yaml
from nrsr.data.batch import Batch
from nrsr.inference.application import outputs_of
from nrsr.inference.apply import apply_data
from nrsr.inference.driver import Settings
from nrsr.kaldi import DataDir, WaveWriter, write_list
from nrsr.systems import DistilledClassifier
from nrsr.training.run import run_training

CONFIGS = Path(__file__).resolve().parents[2] / "utils" / "conf" / "ser"
SECONDS, RATE = 3.0, 16000
EMOTIONS = ("angry", "happy", "neutral", "sad")


def write_data(folder: Path, utterances: int) -> None:
    """Noise as clean speech, with more of it as noisy speech, and emotions in turn."""
    rng, labels = np.random.default_rng(0), {}
    with (
        WaveWriter(folder / "clean.ark", folder / "spk1.scp", RATE) as clean,
        WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as noisy,
    ):
        for number in range(utterances):
            name, wave = f"s-{number:05d}", rng.uniform(-0.3, 0.3, int(SECONDS * RATE)).astype(np.float32)
            clean[name], noisy[name] = wave, wave + rng.uniform(-0.1, 0.1, len(wave)).astype(np.float32)
            labels[name] = EMOTIONS[number % len(EMOTIONS)]
    write_list(folder / "utt2emotion", labels)
    write_list(folder / "utt2spk", dict.fromkeys(labels, "s"))


def config_of(name: str, *changes: str) -> dict:
    """A config of utils/conf/ser for one epoch, without augmentation."""
    return load_yaml(CONFIGS / f"{name}.yaml", ["data.augment=null", "training.epochs=1", *changes])


def written_out(system: DistilledClassifier, batch: Batch, _: str) -> dict[str, Tensor]:
    """The losses of the distillation, as a script for it alone has them."""
    hidden, frames = system.features(batch.waves, batch.lengths)
    valid = torch.arange(hidden.shape[1]) < frames[:, None]
    losses = {"l1": 0.0, "cosine": 0.0}
    for target in system.targets(batch).values():
        losses["l1"] += (hidden - target).abs().mean(2)[valid].mean() / len(system.levels)
        cosines = F.cosine_similarity(hidden, target, dim=2)[valid]
        losses["cosine"] -= F.logsigmoid(cosines).mean() / len(system.levels)
    return losses


def classify(exp: Path) -> None:
    """Print parameters, CPU seconds for a second of audio, and the largest memory of this process, in MB."""
    system = nrsr.load(exp).system
    waves = [np.random.default_rng(0).uniform(-0.3, 0.3, int(SECONDS * RATE)).astype(np.float32)] * 8
    with torch.inference_mode():
        system.infer(waves, [system.kind])
        begun = time.process_time()
        for _ in range(4):
            system.infer(waves, [system.kind])
    spent = (time.process_time() - begun) / (4 * len(waves) * SECONDS)
    size = sum(parameter.numel() for parameter in system.turns()["main"])
    print(size, spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measure(steps: int, rounds: int, folder: Path) -> list[str]:
    """Lines about student and teacher, and about steps."""
    data, exps = folder / "data", {name: folder / name for name in ("teacher", "student")}
    size = config_of("teacher")["batches"]["size"]
    write_data(data, steps * size)
    lines = []
    for name, exp in exps.items():
        run_training(config_of(name), 1, data, data, None, exp)
        done = subprocess.run([sys.executable, __file__, "--classify", exp], capture_output=True, text=True, check=True)
        parameters, factor, memory = map(float, done.stdout.split())
        lines.append(f"{name}: {parameters:.0f} parameters, real-time factor {factor:.4f} on one core, {memory:.0f} MB")
    levels = config_of("distil_multi")["system"]["levels"]
    make, _ = outputs_of(exps["teacher"], None, None, [f"layer{level}" for level in levels], "cpu")
    apply_data(make, DataDir(data), folder / "layers", Settings())
    stored = config_of("distil_multi", f"data.frames={folder / 'layers'}")
    on_the_fly = config_of("distil_multi", "freeze=[network, teacher]")
    on_the_fly["system"]["teacher"] = config_of("teacher")["system"]["features"] | {"class": "nrsr.nn.SslFeatures"}
    on_the_fly["init"] = {"teacher": {"from": str(exps["teacher"]), "module": "features"}}
    times: dict[str, list] = {"stored": [], "on the fly": []}
    for number in range(rounds):
        for name, config in (("stored", stored), ("on the fly", on_the_fly)):
            times[name].append(step_times(config, 1, data, data, folder / f"{name}{number}", written_out))
    for name, parts in times.items():
        lines += [f"layers {name}, batches of {size}, {line}" for line in compared(joined(parts))]
    fly, kept = (statistics.median(joined(times[name])["loop"]["main"]) for name in ("on the fly", "stored"))
    lines.append(f"stored layers: {fly / kept:.2f} times as fast")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=2, help="trainings, whose step times count together (2)")
    parser.add_argument("--classify", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_flush_denormal(True)
    torch.set_num_threads(1)
    if args.classify:
        classify(args.classify)
        return
    with tempfile.TemporaryDirectory() as folder:
        print("\n".join(measure(args.steps, args.rounds, Path(folder))))


if __name__ == "__main__":
    main()
