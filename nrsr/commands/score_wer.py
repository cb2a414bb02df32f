"""Compute word error rates of hypotheses, with 95 % intervals, by speaker, noise and SNR.

Example:
    nrsr score-wer --data data/test --out exp/a/decode_test/score data/test/text exp/a/decode_test/text
    nrsr score-wer data/test/text exp/a/decode_test/text --versus exp/b/decode_test/text

REF and HYP are Kaldi text files with the same utterances. DATA has their speakers, noises, noise recordings and SNRs
(utt2spk, utt2noise, utt2noisefile, utt2snr), and perhaps their originals or mixtures (utt2uniq): the bootstrap draws
utterances of the same one together. OUT gets wer.txt (tables), wer.json (the same for programs), scores.tsv (counts of
each utterance) and aligned.txt.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from nrsr.arguments import draws, seed_number
from nrsr.files import atomic_open
from nrsr.folders import making
from nrsr.kaldi.lists import split_words
from nrsr.reporting.scored_set import flat, plain, write_set
from nrsr.reporting.set_tables import comparison_table, set_tables
from nrsr.scoring import ScoreTable, compare_tables, find_metric, read_labels, read_texts, score_texts, summarise
from nrsr.scoring.alignment import aligned_text
from nrsr.scoring.bootstrap import DRAWS, SEED

# Tally of wer.json -> column of the scores table; heading of those that are printed.
COLUMNS = {"words": "words", "substitutions": "sub", "deletions": "del", "insertions": "ins"}
COLUMNS |= {"characters": "chars", "character_errors": "char_errors"}
HEADINGS = {"utterances_with_errors": "with errors", "words": "words"}
HEADINGS |= {name: COLUMNS[name] for name in ("substitutions", "deletions", "insertions")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Reference and hypotheses, those of another system, and labels to group by."""
    parser.add_argument("ref", metavar="REF", help="Kaldi text file of the reference")
    parser.add_argument("hyp", metavar="HYP", help="Kaldi text file of the hypotheses")
    parser.add_argument("--data", metavar="DIR", help="data directory that was recognised, for the breakdowns")
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder for wer.txt, wer.json, scores.tsv, aligned.txt")
    parser.add_argument("--versus", metavar="HYP2", help="hypotheses of another system, for a paired comparison")
    parser.add_argument("--cer", action="store_true", help="print the character error rate as well")
    parser.add_argument("--draws", type=draws, default=DRAWS, help="draws of the bootstrap    (%(default)s)")
    parser.add_argument("--seed", type=seed_number, default=SEED, help="seed of the bootstrap    (%(default)s)")


def run(args: argparse.Namespace) -> None:
    """Print WER with its errors by each label, and write tables and alignments to --out."""
    reference, hypothesis, *versus_texts = read_texts(args.ref, args.hyp, *([args.versus] if args.versus else []))
    labels = read_labels(args.data, reference)
    warn_of_empty(args.ref, reference)
    wer, cer = metrics = [find_metric("wer"), find_metric("cer")]
    table = score_texts(reference, hypothesis, labels, metrics)
    summary = summarise(table, metrics, tallies(table), args.draws, args.seed)
    content = {"reference": args.ref, "hypotheses": args.hyp} | flat(summary, metrics)
    comparisons = []
    for versus_text in versus_texts:
        versus = score_texts(reference, versus_text, labels, [wer])
        differences = compare_tables(table, versus, [wer], args.draws, args.seed)
        comparisons.append(comparison_table(differences, [wer], args.versus))
        content["versus"] = {"hypotheses": args.versus} | comparison(differences["wer"])
    if args.out:
        tables = set_tables(summary, metrics, HEADINGS, speakers=True) + comparisons
        words = ((name, split_words(reference[name]), split_words(hypothesis[name])) for name in sorted(reference))
        with making(args.out, "nrsr score-wer"):
            with atomic_open(args.out / "aligned.txt") as stream:
                stream.writelines(aligned_text(*row) for row in words)
            write_set(args.out, "wer", tables, content, table)
    print(plain(set_tables(summary, metrics if args.cer else [wer], HEADINGS) + comparisons), end="")


def tallies(table: ScoreTable) -> dict[str, object]:
    """What is added up beside the rates, of each utterance."""
    counts = {name: table.counts(column) for name, column in COLUMNS.items()}
    errors = counts["substitutions"] + counts["deletions"] + counts["insertions"]
    return {"utterances_with_errors": errors > 0, **counts, "errors": errors}


def comparison(difference: Mapping[str, object]) -> dict[str, object]:
    """A paired difference as wer.json has it."""
    names = {"wer": "value", "versus_wer": "versus_value", "difference": "difference"}
    names |= {"difference_interval": "interval", "relative": "relative"}
    names["probability_of_improvement"] = "probability_of_improvement"
    return {name: difference[key] for name, key in names.items()}


def warn_of_empty(path: str, reference: Mapping[str, str]) -> None:
    """Say which utterances have no words, so that WER over them alone is undefined and insertions alone count."""
    empty = [utterance for utterance, text in reference.items() if not text]
    if empty:
        print(
            f"nrsr score-wer: {path}: {len(empty)} of {len(reference)} references have no words; what is recognised in "
            f"them counts as insertions: {' '.join(empty[:10])}" + (" ..." if len(empty) > 10 else ""),
            file=sys.stderr,
        )
