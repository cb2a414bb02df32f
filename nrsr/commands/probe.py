"""Classify the kinds of noise from a hidden layer of a trained system, with a newly trained classifier.

Example:
    nrsr probe --exp exp/amtl_seed1 --data data/test_seen --layer 4 --out exp/amtl_seed1/decode_test_seen/probe.json
    nrsr probe --exp exp/amtl_seed1 --data data/test_seen --layer 4 --labels utt2noisefile    # which noise recording

The system is not changed. A new classifier is trained on frames of one half of the utterances and tested on the other
half, both ways; noise recordings (utt2noisefile) stay in one half where a kind has several. OUT gets accuracies with
95 % intervals beside chance, the share of the most frequent kind. A hidden layer from which adversarial training has
removed the noise scores near chance.
"""

import argparse
import json
import sys
from pathlib import Path

from nrsr.arguments import add_channel, seed_number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The experiment and its layer, the labels to classify, and the size of the classifier."""
    parser.add_argument("--exp", required=True, type=Path, help="folder of a trained hybrid or CTC system")
    parser.add_argument("--data", required=True, help="data directory with utt2noise, and perhaps utt2noisefile")
    parser.add_argument("--layer", type=int, default=0, metavar="N", help="hidden layer, 1 for the first    (the last)")
    parser.add_argument("--labels", default="utt2noise", metavar="LIST", help="list of kinds in DATA    (%(default)s)")
    parser.add_argument("--missing", metavar="KIND", help="kind of the utterances that the list lacks")
    parser.add_argument("--against", metavar="KIND", help="classify this kind against all others, as clean")
    parser.add_argument(
        "--frames", type=int, default=10, metavar="N", help="per utterance, evenly spaced    (%(default)s)"
    )
    parser.add_argument("--utterances", type=int, default=2000, metavar="N", help="at most, at random    (%(default)s)")
    parser.add_argument("--width", type=int, default=256, metavar="N", help="hidden units; 0: linear    (%(default)s)")
    add_channel(parser)
    parser.add_argument("--seed", type=seed_number, default=0, help="seed of draw, split and training    (%(default)s)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where the network runs    (cpu)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON file to write")


def run(args: argparse.Namespace) -> None:
    """Train a classifier on a frozen hidden layer; print its accuracy with an interval, and write it as JSON."""
    import nrsr
    from nrsr.data.labels import LabelSettings
    from nrsr.files import atomic_open
    from nrsr.inference.hidden_frames import hidden_frames, layer_name
    from nrsr.kaldi import DataDir
    from nrsr.scoring.probe import ProbeSettings
    from nrsr.scoring.probe_experiment import drawn_labels, probe_frames

    data, labels = DataDir(args.data, channel=args.channel), LabelSettings(args.labels, args.missing, args.against)
    layer = layer_name(nrsr.load(args.exp).system, args.layer)
    labelled, notes = drawn_labels(data, labels, args.utterances, args.seed)
    hidden = hidden_frames(args.exp, layer, data, list(labelled), args.device)
    options = {"frames": args.frames, "seed": args.seed}
    accuracies, more = probe_frames(hidden, labelled, data, labels, ProbeSettings(width=args.width), **options)
    accuracies, notes = {"layer": args.layer} | accuracies, notes + more
    for note in notes:
        print(f"nrsr probe: {note}", file=sys.stderr)
    if args.out:
        with atomic_open(args.out) as stream:
            stream.write(json.dumps({"experiment": str(args.exp), "data": args.data} | accuracies, indent=1) + "\n")
    for level in ("utterance", "frame"):
        row = accuracies[level]
        low, high = row["interval"]
        print(f"{level}: {row['accuracy']:.1f} % [{low:.1f}, {high:.1f}] right, chance {row['chance']:.1f} %")
