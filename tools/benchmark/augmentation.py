"""How long a training waits for its data with augmentation on the fly, on generated audio and a given config.

Example:
    python tools/benchmark/augmentation.py --config egs/fsdd/asr/conf/mtl.yaml --steps 60

One line for each list of augmentations and number of reading processes: time of a step (validation included), share of
the time in which nothing but loading happens, and the processor time of a step and of reading its batch, which other
programs on the machine change least. On two cores the share should be below 5 %.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from training_overhead import WORDS, write_data, write_statistics

from nrsr.config import load_yaml
from nrsr.data import Units
from nrsr.data.batches import BatchSettings
from nrsr.data.training_set import load_batches
from nrsr.data.waveforms import WaveformDataset
from nrsr.kaldi import WaveWriter, write_list
from nrsr.training.run import run_training

PLACE = "nrsr.data.augmentation"
NOISE = {"class": f"{PLACE}.AddNoise", "noise": "../noise", "snr": [-5, 15], "active": True, "onto": "clean"}
ROOM = {"class": f"{PLACE}.Reverberate", "rirs": "../rirs/rir.scp", "probability": 0.5}
LISTS = {
    "none": [],
    "noise": [NOISE],
    "speed, room, gain, noise": [
        {"class": f"{PLACE}.Speed", "factors": [0.9, 1.0, 1.1]},
        ROOM,
        {"class": f"{PLACE}.Gain", "db": [-10, 5]},
        {**NOISE, "onto": "wave"},
    ],
}


def write_noises(folder: Path, rate: int, rng: np.random.Generator) -> None:
    """Thirty noises of 1 to 60 s in FOLDER/noise, a hundred rooms of 0.5 s in FOLDER/rirs."""
    for part, scp, count in (("noise", "wav.scp", 30), ("rirs", "rir.scp", 100)):
        (folder / part).mkdir()
        with WaveWriter(folder / part / "wav.ark", folder / part / scp, rate) as writer:
            for number in range(count):
                seconds = 0.5 if part == "rirs" else 60.0 ** rng.random()
                wave = rng.uniform(-0.5, 0.5, int(seconds * rate))
                if part == "rirs":
                    wave = wave * np.exp(-np.arange(len(wave)) / (0.05 * rate))
                    wave[0] = 0.9
                writer[f"{part}{number:03d}"] = wave.astype(np.float32)
    write_list(folder / "noise" / "utt2spk", {f"noise{number:03d}": "s" for number in range(30)})


def reading_time(config: dict, units: Units, data: Path) -> float:
    """Processor time in ms that one process takes to read a batch of the first epoch."""
    settings = BatchSettings(**config["batches"])
    dataset = WaveformDataset(data, units, config["sample_rate"], settings, augment=config["data"]["augment"])
    dataset.prepare_for_training()
    batches = dataset.batches(settings, 0, 0)
    start = time.process_time()
    for _ in load_batches(dataset, batches):
        pass
    return 1000.0 * (time.process_time() - start) / len(batches)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="of the system to train")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--workers", default="0,1", help="reading processes, several numbers parted by commas (0,1)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, rng = Path(name), np.random.default_rng(0)
        config = load_yaml(args.config)
        rate, size = config["sample_rate"], config["batches"]["size"]
        write_data(folder / "train", args.steps * size, rate, rng)
        write_data(folder / "dev", size, rate, rng)
        write_noises(folder, rate, rng)
        units = Units.from_text([" ".join(WORDS)], "word")
        units.save(folder / "units")
        config["training"] |= {"epochs": 1, "average": 1}
        for what, augment in LISTS.items():
            config["data"] = {"augment": augment}
            cost = reading_time(config, units, folder / "train")
            for workers in map(int, args.workers.split(",")):
                exp = folder / f"{what}{workers}"
                write_statistics(config, units, folder / "train", exp / "statistics.ark")
                config["batches"]["workers"] = workers
                progress = run_training(config, 0, folder / "train", folder / "dev", folder / "units", exp)
                seconds = progress.seconds
                print(
                    f"{what}, {workers} readers: {1000 * seconds['wall'] / progress.step:.0f} ms a step, "
                    f"{100 * seconds['loading'] / seconds['wall']:.2f} % of it waiting; processor: "
                    f"{1000 * seconds['cpu'] / progress.step:.0f} ms a step, {cost:.1f} ms to read a batch",
                    flush=True,
                )


if __name__ == "__main__":
    main()
