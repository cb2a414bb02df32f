"""Compute WA, UA, macro-F1 and the confusion matrix of classified emotions, with 95 % intervals, by noise and SNR.

Example:
    nrsr score-ser --data data/test_seen --train data/train,data/dev,data/noise_train --out exp/a/classify_seen/score \\
        data/test_seen/utt2emotion exp/a/classify_seen/emotion
    nrsr score-ser --data data/test --train data/train data/test/utt2emotion exp/a/emotion --versus exp/b/emotion

REF and HYP are lists of labels of the same utterances. WA is accuracy, UA balanced accuracy, the mean of the classes'
recalls. TRAIN are the data directories that the system was trained and chosen on, with those of noise: DATA must not
have a speaker or a noise recording that one of them has. Intervals are drawn over utterances, and once more over
speakers, both with noise recordings. OUT gets scores.txt (tables), scores.json (the same for programs, with confusion
matrices by noise and SNR), confusion.png and scores.tsv (a row for each utterance), which `nrsr report` reads.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nrsr.arguments import draws, names, seed_number
from nrsr.folders import making
from nrsr.kaldi.lists import read_list, split_words
from nrsr.scoring import ScoreTable, ScoringError, compare_tables, find_metric, read_labels, score_texts, summarise
from nrsr.scoring.bootstrap import DRAWS, SEED
from nrsr.scoring.classification import classes_of, confusion
from nrsr.scoring.labels import group_by
from nrsr.scoring.summary import BREAKDOWNS, TOTAL
from nrsr.scoring.table import UNKNOWN
from nrsr.scoring.texts import read_texts

METRICS = ("wa", "ua", "macro_f1")
CLASSES = "classes"  # of `nrsr classify`, beside HYP


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Reference and given labels, the data directories of the test and of the training."""
    parser.add_argument("ref", metavar="REF", help="list of the labels, as DATA/utt2emotion")
    parser.add_argument("hyp", metavar="HYP", help="list of the labels that nrsr classify gave")
    parser.add_argument("--data", required=True, metavar="DATA", help="data directory that was classified")
    parser.add_argument("--train", required=True, type=names, metavar="TRAIN,...", help="what the system has seen")
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder for scores.txt, scores.json and scores.tsv")
    parser.add_argument("--versus", metavar="HYP2", help="labels of another system, for a paired comparison")
    parser.add_argument("--draws", type=draws, default=DRAWS, help="draws of the bootstrap    (%(default)s)")
    parser.add_argument("--seed", type=seed_number, default=SEED, help="seed of the bootstrap    (%(default)s)")


def run(args: argparse.Namespace) -> None:
    """Print the rates with intervals and the confusion matrix, and write them to --out."""
    from nrsr.datadirs.disjoint import refuse_shared
    from nrsr.kaldi import DataDir
    from nrsr.reporting.confusion_figure import draw_confusion
    from nrsr.reporting.scored_set import flat, plain, write_set
    from nrsr.reporting.set_tables import comparison_table, confusion_table, over_speakers_table, set_tables

    refuse_shared(DataDir(args.data), [DataDir(path) for path in args.train])
    metrics = [find_metric(name) for name in METRICS]
    table, *versus_tables = read_tables(args)
    summary = summarise(table, metrics, None, args.draws, args.seed)
    by_speakers = summarise(table, metrics, None, args.draws, args.seed, speakers=True)
    classes = classes_of(table)
    matrix, matrices = confusion(table, classes), matrices_by_label(table, classes)
    tables = [*set_tables(summary, metrics, {}), over_speakers_table(by_speakers, metrics)]
    tables.append(confusion_table(matrix, classes))
    content = {"reference": args.ref, "classified": args.hyp, "train": args.train} | flat(summary, metrics)
    content["over_speakers"] = flat({key: by_speakers[key] for key in ("bootstrap", TOTAL)}, metrics)
    content["confusion"] = {"classes": classes, TOTAL: matrix.tolist()}
    content["confusion"] |= {
        key: {name: counts.tolist() for name, counts in groups.items()} for key, groups in matrices.items()
    }
    for versus in versus_tables:
        differences = compare_tables(table, versus, metrics, args.draws, args.seed)
        content["versus"] = {"classified": args.versus, **differences}
        tables.append(comparison_table(differences, metrics, args.versus))
    if args.out:
        with making(args.out, "nrsr score-ser"):
            draw_confusion({"all": matrix} | matrices.get("snr", {}), classes, args.out / "confusion.png")
            write_set(args.out, "scores", tables, content, table)
    print(plain(tables), end="")


def read_tables(args: argparse.Namespace) -> list[ScoreTable]:
    """The scores tables of HYP, and of HYP2 where it is given.

    Raises:
        ScoringError: other utterances, a label that is no word, or one that the classifier cannot give.
    """
    hypotheses = [args.hyp] + ([args.versus] if args.versus else [])
    reference, *given = read_texts(args.ref, *hypotheses)
    for path, labels in zip((args.ref, *hypotheses), (reference, *given), strict=True):
        if odd := [name for name, label in labels.items() if len(split_words(label)) != 1 or label == UNKNOWN]:
            raise ScoringError(f"{path}: {odd[0]}: {labels[odd[0]]!r} is no label; give one word for each utterance")
    for path in hypotheses:
        refuse_unknown_labels(args.ref, reference, Path(path).parent / CLASSES)
    labels = read_labels(args.data, reference)
    return [score_texts(reference, hypothesis, labels, [find_metric(METRICS[0])]) for hypothesis in given]


def refuse_unknown_labels(path: str, reference: Mapping[str, str], classes: Path) -> None:
    """Refuse a reference with labels that are none of the classes of a classifier, where its list of them is there.

    Raises:
        ScoringError: names the first utterance.
    """
    known = read_list(classes) if classes.is_file() else dict.fromkeys(reference.values())
    if odd := [name for name, label in reference.items() if label not in known]:
        raise ScoringError(
            f"{path}: {odd[0]} has the label {reference[odd[0]]!r}, which is none of {', '.join(known)} ({classes}); "
            "mend the list, or train on data that have this label"
        )


def matrices_by_label(table: ScoreTable, classes: list[str]) -> dict[str, dict[str, np.ndarray]]:
    """Confusion matrices by noise and by SNR, those of them that the table has labels for."""
    matrices: dict[str, dict[str, np.ndarray]] = {}
    for name in ("noise", "snr"):
        if table.has(label := BREAKDOWNS[name]):
            groups, numbers = group_by(label, table.label(label))
            for number, group in enumerate(groups):
                rows = {key: values[numbers == number] for key, values in table.columns.items()}
                matrices.setdefault(name, {})[group] = confusion(ScoreTable(rows), classes)
    return matrices
