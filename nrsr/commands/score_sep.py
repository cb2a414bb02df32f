"""SI-SNR, SDR, PESQ and STOI of separated speakers and their improvement, with 95 % intervals, by noise and SNR.

Example:
    nrsr score-sep --data data/test --estimates exp/a/separate_test --out exp/a/separate_test/score
    nrsr score-sep --data data/test --estimates exp/a/separate_test --versus exp/b/separate_test --measures si_snr,sdr

DATA is a data directory of mixtures (wav.scp, spk1.scp, spk2.scp, ...), DIR a folder of nrsr separate with as many
spk1.scp, spk2.scp, ..., in any order: that with the highest mean SI-SNR is taken, for all measures. Improvement is
against the mixture. OUT gets sep.txt (tables), sep.json (the same for programs), utterances.tsv and sources.tsv. PESQ
and STOI need the libraries pesq and pystoi; without them, they are left out and said to be.
"""

import argparse
import json
import sys
from pathlib import Path

from nrsr.arguments import seed_number
from nrsr.commands.score_wer import draws
from nrsr.files import atomic_open
from nrsr.folders import making
from nrsr.scoring.bootstrap import DRAWS, SEED

SHOWN = 20  # mixtures named on stderr


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", required=True, metavar="DATA", help="data directory of mixtures with their sources")
    parser.add_argument("--estimates", required=True, metavar="DIR", help="folder of nrsr separate")
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder for sep.txt, sep.json and the tables")
    parser.add_argument("--versus", metavar="DIR", help="folder of another system, for a paired comparison")
    parser.add_argument("--measures", type=measures, metavar="NAME,...", help="of si_snr, sdr, pesq, stoi (all)")
    parser.add_argument("--nj", type=int, default=1, metavar="N", help="processes (%(default)s)")
    parser.add_argument("--draws", type=draws, default=DRAWS, help="draws of the bootstrap    (%(default)s)")
    parser.add_argument("--seed", type=seed_number, default=SEED, help="seed of the bootstrap    (%(default)s)")


def measures(text: str) -> list[str]:
    """Names parted by commas."""
    known = ("si_snr", "sdr", "pesq", "stoi")
    names = text.split(",")
    if unknown := [name for name in names if name not in known]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: the measures are {', '.join(known)}")
    return [name for name in known if name in names]


def run(args: argparse.Namespace) -> None:
    from nrsr.reporting.separation_tables import separation_comparison, separation_tables
    from nrsr.scoring.separation_sets import collect, compare, means, score_separation, write_tables

    wanted = available(args.measures)
    scored = score_separation(args.data, args.estimates, wanted, args.nj)
    tell(args.data, scored)
    scores = collect(scored, args.data)
    summary = {"reference": args.data, "separated": args.estimates, **means(scores, args.draws, args.seed)}
    tables = separation_tables(summary)
    if args.versus:
        versus = collect(score_separation(args.data, args.versus, wanted, args.nj), args.data)
        summary["versus"] = {"separated": args.versus, **compare(scores, versus, args.draws, args.seed)}
        differences = {name: figure for name, figure in summary["versus"].items() if name != "separated"}
        tables.append(separation_comparison(differences, args.versus))
    text = "\n".join(table.plain() for table in tables)
    if args.out:
        with making(args.out, "nrsr score-sep"):
            with atomic_open(args.out / "sep.txt") as stream:
                stream.write(text)
            with atomic_open(args.out / "sep.json") as stream:
                stream.write(json.dumps(summary, indent=1) + "\n")
            write_tables(scored, scores, args.out)
    print(text, end="")


def available(names: list[str] | None) -> list[str]:
    """The measures that can be taken; those that are asked for by name must be among them.

    Raises:
        ScoringError: a measure asked for whose library is missing.
    """
    from nrsr.scoring.separation import LIBRARIES, MEASURES, missing_libraries
    from nrsr.scoring.texts import ScoringError

    missing = missing_libraries(names or MEASURES)
    if missing:
        told = f"{' and '.join(missing)} not installed (pip install {' '.join(missing)})"
        if names:
            raise ScoringError(f"--measures {','.join(names)}: {told}")
        print(f"nrsr score-sep: {told}; what needs them is left out", file=sys.stderr)
    return [name for name in names or MEASURES if LIBRARIES.get(name) not in missing]


def tell(reference: str, scored: list) -> None:
    """Name on stderr what is silent, clipped or undefined."""
    found = {
        "silent sources, which have no scores": [one.id for one in scored if one.scores.silent_sources],
        "silent estimates, which count -50 dB": [one.id for one in scored if one.scores.silent_estimates],
        "clipping": [one.id for one in scored if one.clipped],
    }
    for name in {name for one in scored for name in one.scores.failed}:
        cases = [one for one in scored if name in one.scores.failed]
        found[f"undefined {name} ({cases[0].scores.failed[name]})"] = [one.id for one in cases]
    for what, ids in found.items():
        if ids:
            some = " ".join(ids[:SHOWN]) + (" ..." if len(ids) > SHOWN else "")
            print(f"nrsr score-sep: {reference}: {len(ids)} mixtures with {what}: {some}", file=sys.stderr)
