"""Speed of 80 filterbank features on one thread: nrsr, torchaudio and kaldi-native-fbank, side by side.

Prints, for each, how many seconds of audio are done in a second, and how that compares with torchaudio. The
candidates take turns, and the processor time of each one's best round counts, so that other load on the machine hurts
little and hits them alike.

Example: python tools/benchmark/fbank.py [WAV_OR_FLAC ...]
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from nrsr.signal import Fbank
from nrsr.signal.padded import chunks, padded_batches

FILTERS = 80


def generated(rate: int, utterances: int = 40) -> list[np.ndarray]:
    """Utterances of 1 to 6 seconds of noise."""
    rng = np.random.default_rng(0)
    return [rng.uniform(-0.5, 0.5, int(rate * seconds)).astype(np.float32) for seconds in rng.uniform(1, 6, utterances)]


def recordings(paths: list[Path]) -> tuple[list[np.ndarray], int]:
    """One channel of each file; all must have the same rate."""
    import soundfile

    waves, rates = [], set()
    for path in paths:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        waves.append(samples[:, 0])
        rates.add(rate)
    if len(rates) != 1:
        raise SystemExit(f"fbank.py: the files have the rates {sorted(rates)}; give files of one rate")
    return waves, rates.pop()


def ours(waves: list[np.ndarray], rate: int) -> Callable[[], None]:
    """nrsr on the padded batches of make-feats, made beforehand as the other candidates' inputs are."""
    extractor = Fbank(rate, num_mel_bins=FILTERS)
    named = {str(number): wave for number, wave in enumerate(waves)}
    batches = [batch[1:] for chunk in chunks(list(named)) for batch in padded_batches(named, chunk, rate)]

    @torch.inference_mode()
    def run() -> None:
        for batch, lengths in batches:
            extractor(batch, lengths)

    return run


def torchaudio(waves: list[np.ndarray], rate: int) -> Callable[[], None]:
    """torchaudio's implementation, one utterance a call, which is all that it takes."""
    from torchaudio.compliance import kaldi

    scaled = [torch.as_tensor(wave * 32768)[None] for wave in waves]

    @torch.inference_mode()
    def run() -> None:
        for wave in scaled:
            kaldi.fbank(wave, num_mel_bins=FILTERS, sample_frequency=rate, dither=0.0, energy_floor=0.0)

    return run


def native(waves: list[np.ndarray], rate: int) -> Callable[[], None]:
    """kaldi-native-fbank, through its Python interface."""
    import kaldi_native_fbank

    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.samp_freq, options.frame_opts.dither = rate, 0.0
    options.mel_opts.num_bins = FILTERS
    scaled = [wave * 32768 for wave in waves]

    def run() -> None:
        for wave in scaled:
            computer = kaldi_native_fbank.OnlineFbank(options)
            computer.accept_waveform(rate, wave)
            computer.input_finished()
            np.stack([computer.get_frame(frame) for frame in range(computer.num_frames_ready)])

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="recordings of one rate; noise at 16 kHz if none")
    parser.add_argument("--rounds", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    waves, rate = recordings(args.files) if args.files else (generated(16000), 16000)
    seconds = sum(map(len, waves)) / rate
    runs = {"nrsr": ours(waves, rate)}
    for name, make in (("torchaudio", torchaudio), ("kaldi-native-fbank", native)):
        try:
            runs[name] = make(waves, rate)
        except (ImportError, OSError) as error:
            print(f"{name}: left out, it cannot be imported ({error})")
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(args.rounds + 1):  # the first round warms up; the best counts, so it does no harm
        for name, run in runs.items():
            begin = time.thread_time()
            run()
            best[name] = min(best[name], time.thread_time() - begin)
    print(f"{len(waves)} utterances, {seconds:.0f} s at {rate} Hz, one thread")
    for name, spent in best.items():
        against = f", {best['torchaudio'] / spent:.2f} x torchaudio" if "torchaudio" in best else ""
        print(f"{name:<20}{seconds / spent:8.0f} x real time{against}")


if __name__ == "__main__":
    main()
