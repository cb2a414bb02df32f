"""Generate speech or noise by a trained generative system, from a seed.

Example:
    nrsr generate --exp exp/wavegan_seed1 --count 1000 --out data/generated
    nrsr generate --exp exp/wavegan_labels_seed1 --count 20 --label three --wav-files --out threes
    nrsr generate --config conf/white_noise.yaml --count 1000 --out data/noise

OUT becomes a data directory (wav.ark, wav.scp, utt2spk, spk2utt, utt2dur); with --wav-files its audio is files in
OUT/wav. A system with labels takes them in turn, or --label alone; they are written to the list that the training
read them from, such as text. OUT/spectrograms.png shows the first ones. The last line is the real-time factor. Memory
does not grow with --count. --exp names a trained experiment; a system that needs no training has its --config alone.
"""

import argparse
from pathlib import Path

from nrsr.arguments import add_system_arguments, seed_number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The system, what to generate, and where."""
    add_system_arguments(parser)
    parser.add_argument("--count", type=int, required=True, metavar="N", help="waveforms to generate")
    parser.add_argument("--label", metavar="NAME", help="of all waveforms (the system's labels in turn)")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="data directory to make")
    parser.add_argument("--seed", type=seed_number, default=0, help="seed of the random numbers (0)")
    parser.add_argument("--wav-files", action="store_true", help="write OUT/wav/UTTERANCE.wav in place of an ark")
    parser.add_argument("--batch-size", type=int, default=64, metavar="N", help="waveforms at a time (64)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where the network runs (cpu)")


def run(args: argparse.Namespace) -> None:
    """Write waveforms, lists, OUT/spectrograms.png and OUT/generate.log; print the real-time factor."""
    from nrsr.config import load_yaml
    from nrsr.experiment.folder import load
    from nrsr.experiment.untrained import untrained
    from nrsr.inference.generate import Generated, Wanted, write_generated
    from nrsr.reporting.spectrogram_grid import draw_spectrograms

    experiment = load(args.exp) if args.exp else untrained(args.config, load_yaml(args.config))
    wanted = Wanted(args.count, args.label, args.seed, args.batch_size, args.device)
    generated, head = Generated(experiment, wanted), f"{experiment.path}, seed {args.seed}, {args.device}"
    write_generated(generated, args.out, head, files=args.wav_files)
    draw_spectrograms(generated.first, generated.rate, args.out / "spectrograms.png")
    print(f"{args.out}: {generated.speed()}")
