"""Word error rate of hypotheses, with 95 % intervals, by speaker, noise and SNR.

Example:
    nrsr score-wer --data data/test --out exp/a/decode_test/score data/test/text exp/a/decode_test/text
    nrsr score-wer data/test/text exp/a/decode_test/text --versus exp/b/decode_test/text

REF and HYP are Kaldi text files with the same utterances. DATA tells speaker, noise, noise recording and SNR
(utt2spk, utt2noise, utt2noisefile, utt2snr). OUT gets wer.txt (tables), wer.json (the same for programs),
utterances.tsv (counts of each utterance) and aligned.txt.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from nrsr.arguments import seed_number
from nrsr.files import atomic_open
from nrsr.folders import making
from nrsr.kaldi.lists import split_words
from nrsr.reporting.wer_tables import comparison_table, wer_tables
from nrsr.scoring.alignment import aligned_text
from nrsr.scoring.bootstrap import DRAWS, SEED
from nrsr.scoring.comparison import compare_scores
from nrsr.scoring.texts import read_labels, read_texts, score_texts
from nrsr.scoring.utterances import write_scores
from nrsr.scoring.wer import summarise


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ref", metavar="REF", help="Kaldi text file with what was said")
    parser.add_argument("hyp", metavar="HYP", help="Kaldi text file with what was recognised")
    parser.add_argument("--data", metavar="DIR", help="data directory that was recognised, for the breakdowns")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="folder for wer.txt, wer.json, utterances.tsv, aligned.txt"
    )
    parser.add_argument("--versus", metavar="HYP2", help="hypotheses of another system, for a paired comparison")
    parser.add_argument("--cer", action="store_true", help="print the character error rate as well")
    parser.add_argument("--draws", type=draws, default=DRAWS, help="draws of the bootstrap    (%(default)s)")
    parser.add_argument("--seed", type=seed_number, default=SEED, help="seed of the bootstrap    (%(default)s)")


def draws(text: str) -> int:
    """Number of bootstrap draws: fewer than 1,000 make a 95 % interval of chance."""
    number = int(text)
    if number < 1000:
        raise argparse.ArgumentTypeError("at least 1000")
    return number


def run(args: argparse.Namespace) -> None:
    reference, hypothesis, *others = read_texts(args.ref, args.hyp, *([args.versus] if args.versus else []))
    labels = read_labels(args.data, reference)
    warn_of_empty(args.ref, reference)
    scores = score_texts(reference, hypothesis, labels)
    summary = summarise(scores, args.draws, args.seed)
    comparisons = []
    for other in others:
        versus = score_texts(reference, other, labels)
        summary["versus"] = {"hypotheses": args.versus} | compare_scores(scores, versus, args.draws, args.seed)
        comparisons.append(comparison_table(summary["versus"], args.versus))
    if args.out:
        tables = wer_tables(summary, cer=True, speakers=True) + comparisons
        with making(args.out, "nrsr score-wer"):
            with atomic_open(args.out / "wer.txt") as stream:
                stream.write("\n".join(table.plain() for table in tables))
            with atomic_open(args.out / "wer.json") as stream:
                stream.write(json.dumps({"reference": args.ref, "hypotheses": args.hyp} | summary, indent=1) + "\n")
            with atomic_open(args.out / "aligned.txt") as stream:
                stream.writelines(
                    aligned_text(u, split_words(reference[u]), split_words(hypothesis[u])) for u in sorted(reference)
                )
            # Last, since `nrsr report` takes this file for a sign that the set is scored.
            write_scores(scores, args.out / "utterances.tsv")
    print("\n".join(t.plain() for t in wer_tables(summary, cer=args.cer, speakers=False) + comparisons), end="")


def warn_of_empty(path: str, reference: Mapping[str, str]) -> None:
    """Say which utterances have no words, so that WER over them alone is undefined and insertions alone count."""
    empty = [utterance for utterance, text in reference.items() if not text]
    if empty:
        print(
            f"nrsr score-wer: {path}: {len(empty)} of {len(reference)} references have no words; what is recognised in "
            f"them counts as insertions: {' '.join(empty[:10])}" + (" ..." if len(empty) > 10 else ""),
            file=sys.stderr,
        )
