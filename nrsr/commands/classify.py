"""Classify the utterances of a data directory, such as their emotions, by a trained classifier.

Example:
    nrsr classify --exp exp/teacher_seed1 --data data/test_seen --out exp/teacher_seed1/classify_test_seen --nj 2

Writes the labels of the utterances as a list that has the name which `data.labels` of the experiment's config gives
them (OUT/emotion), the posteriors of the classes (OUT/posteriors.ark and .scp), the classes in the order of these
(OUT/classes) and OUT/classify.log. Utterances that fail, such as those that are too short for one frame or have another
rate, are listed in OUT/skipped while the others are classified, and the command ends with an error.
"""

import argparse
import functools
from pathlib import Path

from nrsr.arguments import add_running_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The experiment, the data directory, the folder to write, and how to run."""
    parser.add_argument("--exp", required=True, type=Path, help="folder of a trained classifier")
    parser.add_argument("--data", required=True, help="data directory")
    parser.add_argument("--out", required=True, type=Path, help="folder to write into")
    add_running_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Write labels, posteriors, classes and OUT/classify.log, and print how many utterances were classified."""
    from nrsr.experiment.folder import load_config
    from nrsr.experiment.metadata import read_metadata
    from nrsr.inference.application import of_experiment
    from nrsr.inference.apply import apply_data
    from nrsr.inference.classify import ClassifierOutputs
    from nrsr.inference.driver import Settings
    from nrsr.kaldi import DataDir

    data, settings = DataDir(args.data, channel=args.channel), Settings.from_arguments(args)
    load_config(args.exp)  # says what is wrong with a folder that is no experiment
    classes = read_metadata(args.exp).get("classes", {})
    make = functools.partial(of_experiment, ClassifierOutputs, args.exp, [*classes, "posteriors"], args.device)
    head = [f"experiment {args.exp}, {args.device}"]
    lines = [f"{label} {number}\n" for labels in classes.values() for number, label in enumerate(labels)]
    files = {"classes": "".join(lines)}
    print(f"{args.out}: " + apply_data(make, data, args.out, settings, command="classify", head=head, files=files))
