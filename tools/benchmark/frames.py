"""Speed of the loader of shuffled frames, alone and beside the training of a senone network.

Example:
    python tools/benchmark/frames.py --utterances 1000 --size 256

Prints frames a second that the loader gives, how that compares with real time, and the share of a training's time that
goes to waiting for it, which should be under 5 %. Features are generated; they are on disk, as a corpus would be.
"""

import argparse
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from nrsr.data.batches import BatchSettings
from nrsr.data.frames import FrameBatch, FrameDataset
from nrsr.data.training_set import load_batches
from nrsr.kaldi import TableWriter, write_list
from nrsr.signal import cmvn
from nrsr.systems import Senone, build_system

DIM, SENONES, SHIFT = 40, 2000, 0.01
KINDS = ["airport", "babble", "car", "clean"]


def write_data(folder: Path, utterances: int, compress: bool, rng: np.random.Generator) -> None:
    """Utterances of 2 to 10 seconds with one speaker for ten of them."""
    speakers = {f"s{number // 10:04d}-{number:05d}": f"s{number // 10:04d}" for number in range(utterances)}
    stats: dict[str, np.ndarray] = {}
    frames = {}
    with (
        TableWriter(f"ark,scp:{folder}/feats.ark,{folder}/feats.scp", compress=compress) as features,
        TableWriter(f"ark,scp:{folder}/ali.ark,{folder}/ali.scp") as alignments,
    ):
        for name, speaker in speakers.items():
            values = rng.standard_normal((int(rng.integers(200, 1000)), DIM)).astype(np.float32)
            features[name], frames[name] = values, len(values)
            alignments[name] = np.repeat(rng.integers(0, SENONES, len(values) // 5 + 1), 5)[: len(values)].astype(
                np.int32
            )
            stats[speaker] = stats.get(speaker, 0.0) + cmvn.accumulate(values)
    with TableWriter(f"ark,scp:{folder}/cmvn.ark,{folder}/cmvn.scp") as writer:
        for speaker, values in stats.items():
            writer[speaker] = values
    write_list(folder / "utt2spk", speakers)
    write_list(folder / "utt2num_frames", frames)
    write_list(folder / "utt2noise", {name: KINDS[number % 4] for number, name in enumerate(speakers)})


def train(system: Senone, batches: Iterable[FrameBatch], steps: int, device: str) -> tuple[float, float]:
    """Seconds that so many steps take, and those of them spent waiting for batches."""
    optimiser = torch.optim.SGD(system.parameters(), lr=0.01, momentum=0.9)
    batches, waited, started = iter(batches), 0.0, 0.0
    for step in range(steps + 3):
        if step == 3:  # the first steps choose kernels and take memory
            waited, started = 0.0, time.perf_counter()
        before = time.perf_counter()
        batch = next(batches)
        waited += time.perf_counter() - before
        losses = system.losses(batch.to(device), "main", ["senone", "noise"])
        optimiser.zero_grad()
        sum(losses.values()).backward()
        optimiser.step()
        float(losses["senone"].detach())  # training looks at the losses of each step, and so waits for the device
    return time.perf_counter() - started, waited


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, default=1000)
    parser.add_argument("--size", type=int, default=256, help="frames in a batch (256)")
    parser.add_argument("--chunk", type=int, default=1, help="successive frames in an example (1)")
    parser.add_argument("--steps", type=int, default=400, help="of training (400)")
    parser.add_argument("--workers", type=int, help="processes that read ahead (2 for a GPU, 0 for a CPU)")
    parser.add_argument("--compress", action="store_true", help="features in 8 bits")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    workers = 2 * (device == "cuda") if args.workers is None else args.workers
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder, args.utterances, args.compress, np.random.default_rng(0))
        started = time.perf_counter()
        data = FrameDataset(folder, None, 8000, BatchSettings(), labels={"noise": {}}, chunk=args.chunk)
        opened = time.perf_counter() - started
        config = {
            "sample_rate": 8000,
            "system": {
                "class": "nrsr.systems.Senone",
                "network": {"class": "nrsr.nn.Dnn"},
                "heads": {"noise": {"layer": 4, "alpha": 0.1}},
            },
        }
        system = build_system(config, metadata=data.metadata())
        features = torch.from_numpy(data.features[data.ids[0]])
        system.accumulate_statistics(features.unsqueeze(0), torch.tensor([len(features)]))
        system.norm.finish()
        data.prepare_for(system)
        places = data.batches(BatchSettings(size=args.size), 0, 0)
        started = time.perf_counter()
        frames = sum(batch.targets.numel() for batch in load_batches(data, places, 0))
        alone = time.perf_counter() - started
        print(
            f"opening {int(data.counts.sum())} frames: {opened:.2f} s; an epoch alone, one process: "
            f"{frames / alone / 1e6:.3f} million frames a second, {frames * SHIFT / alone:.0f} x real time"
        )
        repeated = [place for _ in range(args.steps // len(places) + 2) for place in places]
        seconds, waited = train(system.to(device), load_batches(data, repeated, workers), args.steps, device)
        print(
            f"training 6 x 2048 on {device}, {torch.get_num_threads()} threads, {workers} workers: "
            f"{1000 * seconds / args.steps:.2f} ms a step of {args.size} x {args.chunk} frames, "
            f"{100 * waited / seconds:.2f} % of it waiting"
        )


if __name__ == "__main__":
    main()
