"""Time of decoding: a whole data directory greedily, and the searches alone on peaked posteriors.

Example:
    python tools/benchmark/decoding.py --config egs/fsdd/asr/conf/no_se.yaml

The system has random weights and the audio is noise, which costs as much as speech; one thread on a CPU.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

import nrsr
from nrsr.config import load_yaml, save_yaml
from nrsr.data import Units
from nrsr.experiment.checkpoint import save_checkpoint
from nrsr.inference import DecodingSettings, JointSearch, NgramModel, PrefixBeamSearch, Settings, decode_data
from nrsr.inference.language_model import open_language_model
from nrsr.kaldi import DataDir, WaveWriter, write_list
from nrsr.nn import GlobalNorm, TransformerDecoder
from nrsr.nn.losses import ctc_collapse
from nrsr.systems import build_system

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
BEAM, DIM = 60, 96


def write_experiment(config: dict, folder: Path) -> None:
    """An experiment with random weights."""
    units = Units.from_text([" ".join(WORDS)], "word")
    system = build_system(config, len(units)).eval()
    system.accumulate_statistics(
        0.1 * torch.randn(4, 2 * config["sample_rate"]), torch.full((4,), 2 * config["sample_rate"])
    )
    for module in system.modules():
        if isinstance(module, GlobalNorm):
            module.finish()
    save_yaml(config, folder / "config.yaml")
    units.save(folder / "units")
    save_checkpoint(folder / "model.pt", {"model": system.state_dict()})


def write_data(folder: Path, count: int, seconds: float, rate: int) -> None:
    """Utterances of noise, from half to one and a half of `seconds`."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", rate) as writer:
        for number in range(count):
            samples = round(seconds * rate * rng.uniform(0.5, 1.5))
            writer[f"u{number:05d}"] = rng.normal(0, 0.05, samples).clip(-1, 1).astype(np.float32)
    write_list(folder / "utt2spk", {f"u{number:05d}": "u" for number in range(count)})


def peaked_posteriors(frames: int, size: int, units: int) -> torch.Tensor:
    """CTC log-probabilities [frames, size] like those of a trained system: blanks with a peak for each unit."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(frames, size, generator=generator)
    logits[:, 0] += 8
    places = torch.linspace(2, frames - 3, units).long()
    logits[places, torch.randint(2, size - 1, (units,), generator=generator)] += 14
    return logits.log_softmax(dim=1)


def milliseconds(work: Callable[[], object], repeats: int = 5) -> float:
    work()
    start = time.perf_counter()
    for _ in range(repeats):
        work()
    return 1000 * (time.perf_counter() - start) / repeats


@torch.inference_mode()
def time_searches(units: Units, lm: Path, frames: int, spoken: int) -> None:
    """Print what each search takes for one utterance."""
    size = len(units)
    posteriors, hidden = peaked_posteriors(frames, size, spoken), torch.randn(frames, DIM)
    array = posteriors.numpy()
    scores, weight = open_language_model(lm, units, lm_weight=0.3, word_score=0.0)
    decoder = TransformerDecoder(size, DIM, layers=2, heads=4, ffn=4 * DIM).eval()
    beam = PrefixBeamSearch(size, beam=BEAM)
    beam_with_lm = PrefixBeamSearch(size, beam=BEAM, lm=scores, lm_weight=weight)
    joint = JointSearch(decoder, size - 1, beam=BEAM, ctc_weight=0.3)
    searches = {
        "greedy": lambda: ctc_collapse(posteriors[None], torch.tensor([frames])),
        f"beam {BEAM}": lambda: beam(array),
        f"beam {BEAM} with word LM": lambda: beam_with_lm(array),
        f"joint {BEAM}": lambda: joint(hidden, posteriors),
    }
    for name, search in searches.items():
        taken = milliseconds(search)
        print(f"{frames} frames x {size} {units.kind} units, {spoken} spoken, {name}: {taken:.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="config of an experiment")
    parser.add_argument("--utterances", type=int, default=1200)
    parser.add_argument("--seconds", type=float, default=2.4, help="mean duration (2.4)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = load_yaml(args.config)
        write_experiment(config, folder / "exp")
        write_data(folder / "data", args.utterances, args.seconds, config["sample_rate"])
        start = time.perf_counter()
        experiment, data = nrsr.load(folder / "exp"), DataDir(folder / "data")
        print(decode_data(experiment, DecodingSettings(), data, folder / "out", Settings()))
        print(f"greedy decoding of the directory: {time.perf_counter() - start:.1f} s, loading included")
        NgramModel([WORDS[start:] for start in range(len(WORDS))], 3).write_arpa(folder / "lm.arpa")
        time_searches(Units.from_text([" ".join(WORDS)], "word"), folder / "lm.arpa", frames=60, spoken=5)
        time_searches(Units.from_text([" ".join(WORDS)], "char"), folder / "lm.arpa", frames=200, spoken=40)


if __name__ == "__main__":
    main()
