"""How long nrsr score-se takes: two systems over the same data, the time of each metric, and what the second one saves.

Usage: python tools/benchmark/score_se.py [--count 1000] [--seconds 3] [--rate 16000] [--nj 2] [--metrics pesq,stoi]

The noisy signals are measured for the first system alone; the second one takes their scores from the data directory.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from nrsr.kaldi import WaveWriter, write_list


def make_data(folder: Path, count: int, seconds: float, rate: int) -> None:
    """Syllables of coloured noise with pauses, in white noise, and what two systems left of it."""
    rng = np.random.default_rng(0)
    time_axis = np.arange(round(seconds * rate)) / rate
    lists = {"clean": ("data", "spk1"), "noisy": ("data", "wav"), "a": ("a", "wav"), "b": ("b", "wav")}
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(WaveWriter(folder / place / f"{scp}.ark", folder / place / f"{scp}.scp", rate))
            for name, (place, scp) in lists.items()
        }
        for number in range(count):
            level = np.maximum(0.0, np.sin(2 * np.pi * (2 + rng.uniform()) * time_axis + rng.uniform(0, 6)))
            clean = 0.05 * level * np.convolve(rng.normal(size=len(time_axis)), np.hanning(16), "same")
            noise = 0.03 * rng.normal(size=len(clean))
            for name, share in (("clean", 0.0), ("noisy", 1.0), ("a", 0.5), ("b", 0.3)):
                writers[name][f"u{number:05d}"] = (clean + share * noise).astype(np.float32)
    for name in ("data", "a", "b"):
        write_list(folder / name / "utt2spk", {f"u{number:05d}": "u" for number in range(count)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="utterances")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each utterance")
    parser.add_argument("--rate", type=int, default=16000)
    parser.add_argument("--nj", type=int, default=2)
    parser.add_argument("--metrics", help="those of score-se if left")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        print(f"{args.count} utterances of {args.seconds:g} s at {args.rate} Hz, {args.nj} processes")
        make_data(Path(work), args.count, args.seconds, args.rate)
        for system, which in (("a", "the first system"), ("b", "the second")):
            command = [sys.executable, "-m", "nrsr.commands.main", "score-se", "--data", f"{work}/data"]
            command += ["--estimates", f"{work}/{system}", "--nj", str(args.nj)]
            command += ["--metrics", args.metrics] if args.metrics else []
            start, before = time.perf_counter(), os.times()
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(done.stderr)
            wall, after = time.perf_counter() - start, os.times()
            cpu = after.children_user + after.children_system - before.children_user - before.children_system
            print(f"{which}: {wall:.1f} s, CPU {cpu:.1f} s; of it {done.stderr.splitlines()[-1].rpartition(': ')[2]}")


if __name__ == "__main__":
    main()
