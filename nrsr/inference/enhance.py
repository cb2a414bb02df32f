"""Writing what a trained front-end makes of a data directory's waveforms."""

import functools
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

import nrsr
from nrsr.data.batch import pad
from nrsr.files import atomic_copy
from nrsr.frontends import FrontEnd
from nrsr.inference.batches import make_batches
from nrsr.inference.recogniser import DecodingError
from nrsr.kaldi import DataDir, WaveWriter
from nrsr.kaldi.contents import remove_other_lists
from nrsr.progress import track
from nrsr.workers import run_work

LISTS = ("text", "utt2spk", "spk2utt", "utt2dur", "utt2noise", "utt2noisefile", "utt2snr", "spk1.scp")
PEAK = 0.999  # of utterances that 16 bits would clip


class BatchEnhancer:
    """Reads and enhances batches of utterances; made once in each worker."""

    def __init__(self, exp: Path, waves: Mapping[str, np.ndarray]):
        system = nrsr.load(exp).system
        self._waves, self._frontend = waves, getattr(system, "frontend", None)
        if not isinstance(self._frontend, FrontEnd):
            raise DecodingError(f"{exp}: {type(system).__name__} has no front-end; give an experiment with one")

    @torch.inference_mode()
    def __call__(self, batch: list[str]) -> dict[str, np.ndarray]:
        waves = [self._waves[utterance] for utterance in batch]
        lengths = [len(wave) for wave in waves]
        enhanced, _ = self._frontend(pad(waves, max(lengths), torch.float32), torch.tensor(lengths))
        return {
            utterance: wave[:length].numpy() for utterance, wave, length in zip(batch, enhanced, lengths, strict=True)
        }


def enhance_data(
    exp: Path, data: DataDir, out: Path, *, nj: int = 1, batch_size: int = 16, allow_pipes: bool = False
) -> str:
    """Enhance every utterance of a data directory and make `out` a data directory of the result.

    Writes out/wav.ark and out/wav.scp (16 bits), and copies the lists that still hold. An utterance that 16 bits
    would clip is scaled down, and listed.

    Returns:
        a line that says what was done.

    Raises:
        NrsrError: whatever is wrong with experiment or data; AudioError names the utterance.
    """
    if batch_size < 1:
        raise DecodingError(f"--batch-size {batch_size}: is too small; take 1 or more")
    rate = nrsr.load(exp).config["sample_rate"]
    waves = data.all_waves(rate=rate, allow_pipes=allow_pipes)
    batches = make_batches(data.durations(rate=rate, allow_pipes=allow_pipes), batch_size)
    if out.resolve() == data.path.resolve():
        raise DecodingError(f"--out {out}: is the data directory itself; name another one")
    scaled = []
    with WaveWriter(out / "wav.ark", out / "wav.scp", rate) as writer:
        results = run_work(functools.partial(BatchEnhancer, exp, waves), batches, nj)
        for result in track(results, f"batches of {data.path} enhanced", len(batches)):
            for utterance, wave in result.items():
                peak = float(np.abs(wave).max())
                if peak > 1.0:
                    scaled.append(utterance)
                    wave = wave * (PEAK / peak)
                writer[utterance] = wave
    for name in LISTS:
        if data.has(name):
            atomic_copy(data.path / name, out / name)
    remove_other_lists(out, {"wav.scp", *filter(data.has, LISTS)})
    if scaled:
        print(f"{out}: {len(scaled)} utterances were scaled down to fit 16 bits: {' '.join(scaled)}", file=sys.stderr)
    return f"{out}: {sum(map(len, batches))} enhanced utterances"
