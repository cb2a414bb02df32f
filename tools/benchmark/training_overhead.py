"""Share of a training step that goes to loading and logging, on generated audio and a given config.

Example:
    python tools/benchmark/training_overhead.py --config egs/fsdd/asr/conf/mtl.yaml --steps 60

Prints one line; it should say less than 3 % on a CPU. Compare on a quiet machine: what other programs take
from the processor lengthens waiting and computing alike.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from nrsr.config import load_yaml
from nrsr.data import Units
from nrsr.data.batches import BatchSettings, sorted_batches
from nrsr.data.training_set import load_batches
from nrsr.data.waveforms import WaveformDataset
from nrsr.kaldi import TableWriter, WaveWriter, write_list
from nrsr.nn import GlobalNorm
from nrsr.systems import build_system
from nrsr.training.run import run_training

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def write_data(folder: Path, utterances: int, rate: int, rng: np.random.Generator) -> None:
    """Strings of 1 to 7 tones named by words, in noise, with clean speech: lengths as in egs/fsdd/asr."""
    folder.mkdir(parents=True)
    texts = {}
    tone = np.hanning(int(0.35 * rate)) * 0.4
    time = np.arange(len(tone)) / rate
    with (
        WaveWriter(folder / "wav.ark", folder / "wav.scp", rate) as noisy,
        WaveWriter(folder / "clean.ark", folder / "spk1.scp", rate) as clean,
    ):
        for number in range(utterances):
            digits = rng.integers(0, len(WORDS), rng.integers(1, 8))
            wave = np.concatenate([np.sin(2 * np.pi * 300 * (1 + digit) * time) * tone for digit in digits])
            name = f"speaker-{number:05d}"
            clean[name] = wave.astype(np.float32)
            noisy[name] = (wave + rng.normal(0, 0.05, len(wave))).astype(np.float32)
            texts[name] = " ".join(WORDS[digit] for digit in digits)
    write_list(folder / "text", texts)
    write_list(folder / "utt2spk", dict.fromkeys(texts, "speaker"))


def write_statistics(config: dict, units: Units, data: Path, path: Path) -> None:
    """Statistics of all utterances, as compute-cmvn --config writes them."""
    system = build_system(config, len(units)).eval()
    dataset = WaveformDataset(data, units, config["sample_rate"], BatchSettings())
    for batch in load_batches(dataset, sorted_batches(dataset.samples, 16, 10**7)):
        system.accumulate_statistics(batch.waves, batch.lengths)
    with TableWriter(f"ark:{path}") as writer:
        for name, module in system.named_modules():
            if isinstance(module, GlobalNorm):
                writer[name] = module.statistics()


def measure(config: dict, steps: int, folder: Path) -> str:
    """Train one epoch of so many steps and read the times that the loop kept."""
    rng, size = np.random.default_rng(0), config["batches"]["size"]
    write_data(folder / "train", steps * size, config["sample_rate"], rng)
    write_data(folder / "dev", size, config["sample_rate"], rng)
    units = Units.from_text([" ".join(WORDS)], "word")
    units.save(folder / "units")
    write_statistics(config, units, folder / "train", folder / "exp" / "statistics.ark")
    config["training"] |= {"epochs": 1, "average": 1}
    progress = run_training(config, 0, folder / "train", folder / "dev", folder / "units", folder / "exp")
    seconds = progress.seconds
    shares = {name: 100 * seconds[name] / seconds["wall"] for name in ("loading", "logging")}
    return (
        f"{progress.step} steps of {seconds['wall'] / progress.step:.3f} s, {torch.get_num_threads()} threads: "
        f"loading {shares['loading']:.2f} %, logging and saving {shares['logging']:.2f} % of the time"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="of the system to train")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of the config")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(measure(load_yaml(args.config, args.set), args.steps, Path(folder)))


if __name__ == "__main__":
    main()
