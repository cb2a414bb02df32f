"""Compute PESQ, STOI, SI-SDR, CSIG, CBAK, COVL and others of enhanced speech with 95 % intervals, by noise and SNR.

Example:
    nrsr score-se --data data/test --estimates exp/a_seed1/enhance_test --out exp/a_seed1/enhance_test/score
    nrsr score-se --data data/test --estimates data/test --out exp/no_se_once/enhance_test/score
    nrsr score-se --data data/real --estimates exp/a_seed1/enhance_real --metrics dnsmos_ovrl

DATA is a data directory with noisy signals (wav.scp) and clean speech (spk1.scp), DIR a folder of nrsr enhance, or DATA
itself for no enhancement. DNSMOS, which needs no reference, is taken where it is asked for, or where there is no
spk1.scp. Improvement is over the noisy signals, whose own scores are kept in DATA/mixture_scores.tsv. OUT gets
scores.txt (tables), scores.json (the same for programs) and scores.tsv (a row for each utterance), which `nrsr report`
reads. Signals that do not fit together are listed, and nothing is scored; so are estimates that are later or earlier
than the clean speech.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nrsr.arguments import draws, names, seed_number
from nrsr.folders import making
from nrsr.listing import shown
from nrsr.scoring import Metric, ScoreTable, ScoringError, compare_tables, summarise
from nrsr.scoring.bootstrap import DRAWS, SEED
from nrsr.scoring.choice import signal_metrics
from nrsr.scoring.metric import improvement_of

if TYPE_CHECKING:
    from nrsr.scoring.enhancement import Finding  # torch comes with it

METRICS = ("pesq", "stoi", "estoi", "si_sdr", "sdr", "segsnr", "llr", "wss", "csig", "cbak", "covl")
WITHOUT_REFERENCE = ("dnsmos_sig", "dnsmos_bak", "dnsmos_ovrl", "dnsmos_p808")  # ten times the time of all others
SHOWN = 20  # utterances named on stderr
Lags = dict[str, dict[str, int]]  # "noisy signal" or "estimate" -> utterance -> samples


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The noisy and clean signals, the estimates, those of another system, and the metrics."""
    parser.add_argument("--data", required=True, metavar="DATA", help="data directory: noisy signals, clean speech")
    parser.add_argument("--estimates", required=True, metavar="DIR", help="folder of nrsr enhance, or DATA")
    parser.add_argument("--metrics", type=names, metavar="NAME,...", help=f"({','.join(METRICS)})")
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder for scores.txt, scores.json and scores.tsv")
    parser.add_argument("--versus", metavar="DIR2", help="folder of another system, for a paired comparison")
    parser.add_argument("--allow-lag", action="store_true", help="score estimates that lag as they are, and note it")
    parser.add_argument("--nj", type=int, default=1, metavar="N", help="processes (%(default)s)")
    parser.add_argument("--draws", type=draws, default=DRAWS, help="draws of the bootstrap    (%(default)s)")
    parser.add_argument("--seed", type=seed_number, default=SEED, help="seed of the bootstrap    (%(default)s)")


def run(args: argparse.Namespace) -> None:
    """Print each metric before and after enhancement, and write them to --out."""
    from nrsr.reporting.enhancement_tables import band_notes, enhancement_tables
    from nrsr.reporting.scored_set import flat, plain, write_set
    from nrsr.reporting.set_tables import comparison_table
    from nrsr.scoring.enhancement import EnhancementFiles, seconds_of

    files = EnhancementFiles(args.data, args.estimates)
    metrics = available(args.metrics, args.data, files.clean is not None)
    scored, table, lags = score(args, args.estimates, metrics)
    columns = [column for metric in metrics for column in (metric, improvement_of(metric))]
    summary = summarise(table, columns, None, args.draws, args.seed)
    content = {"reference": args.data, "estimates": args.estimates, "rate": files.rate, "lags": lags}
    content |= flat(summary, columns)
    notes = band_notes(metrics, files.rate) + [f"{text}; scored as they are" for text in described(lags)]
    tables = enhancement_tables(summary, metrics, notes)
    if args.versus:
        versus_scored, versus_table, _ = score(args, args.versus, metrics)
        scored = scored + versus_scored
        differences = compare_tables(table, versus_table, metrics, args.draws, args.seed)
        content["versus"] = {"estimates": args.versus, **differences}
        tables.append(comparison_table(differences, metrics, args.versus))
    if args.out:
        with making(args.out, "nrsr score-se"):
            write_set(args.out, "scores", tables, content, table)
    print(plain(tables), end="")
    if times := ", ".join(f"{name} {seconds:.1f}" for name, seconds in seconds_of(scored).items()):
        note(f"seconds of CPU time over all processes (what metrics share is in the first of them): {times}")


def available(wanted: list[str] | None, data: str, has_clean: bool) -> list[Metric]:
    """The metrics that can be taken; those that are asked for by name must be among them.

    Raises:
        MetricError, ScoringError: a metric that cannot be taken, or none.
    """
    metrics, remark = signal_metrics(wanted, METRICS if has_clean else WITHOUT_REFERENCE, "--metrics")
    if remark:
        note(remark)
    if has_clean:
        return metrics
    if needing := [metric.name for metric in metrics if metric.reference]:
        raise ScoringError(f"--metrics {', '.join(needing)}: compares with clean speech, and {data} has no spk1.scp")
    if not metrics:
        raise ScoringError(f"{data}: has no spk1.scp, and without it DNSMOS alone can be scored")
    note(f"{data}: has no spk1.scp; scored without clean speech")
    return metrics


def score(args: argparse.Namespace, estimates: str, metrics: Sequence[Metric]) -> tuple[list, ScoreTable, Lags]:
    """Look at all signals, refuse what does not fit, and score the utterances.

    Returns:
        the scored utterances, their table, and what lags with --allow-lag.

    Raises:
        ScoringError: signals that do not fit together, or lag.
    """
    from nrsr.scoring.enhancement import look_at, score_enhancement, utterances_table

    findings = look_at(args.data, estimates)
    refuse_misfits(findings, args.data, estimates)
    lags = check_lags(findings, estimates, args.allow_lag)
    for what, ids in by_reason((what, name) for name, finding in findings.items() for what in finding.remarks).items():
        note(f"{estimates}: {len(ids)} utterances with {what}: {shown(ids, SHOWN)}")
    scored = score_enhancement(args.data, estimates, [metric.name for metric in metrics], args.nj)
    undefined = [
        (f"{', '.join(failed)} ({reason})", utterance.id)
        for utterance in scored
        for reason, failed in by_reason((reason, name) for name, reason in utterance.scores.failed.items()).items()
    ]
    for what, ids in by_reason(undefined).items():
        note(f"{estimates}: {len(ids)} utterances without {what}: {shown(ids, SHOWN)}")
    return scored, utterances_table(scored, metrics, args.data), lags


def refuse_misfits(findings: Mapping[str, "Finding"], data: str, estimates: str) -> None:
    """List the utterances whose signals do not fit together, and raise a ScoringError if there are any."""
    misfits = by_reason((finding.misfit[0], name) for name, finding in findings.items() if finding.misfit[0])
    for what, ids in misfits.items():
        note(f"{estimates}: {len(ids)} utterances with {what}: {shown(ids, SHOWN)}; {findings[ids[0]].misfit[1]}")
    if misfits:
        count = sum(map(len, misfits.values()))
        raise ScoringError(
            f"{estimates}: {count} of {len(findings)} utterances cannot be scored ({', '.join(misfits)}); mend {data}, "
            "or enhance it again"
        )


def check_lags(findings: Mapping[str, "Finding"], estimates: str, allowed: bool) -> Lags:
    """List what lags.

    Raises:
        ScoringError: something does, and that is not allowed.
    """
    lags: Lags = {}
    for name, finding in findings.items():
        for what, samples in finding.lags.items():
            lags.setdefault(what, {})[name] = samples
    for text in described(lags, SHOWN):
        note(f"{estimates}: {text}")
    if lags and not allowed:
        late = set().union(*lags.values())
        raise ScoringError(
            f"{estimates}: {len(late)} of {len(findings)} utterances are not in time with the clean speech "
            f"({', '.join(lags)}); shift them, or score them as they are by --allow-lag"
        )
    return lags


def described(lags: Lags, count: int = 5) -> list[str]:
    """A sentence for each kind of signal that lags, with the samples of the first utterances."""
    return [
        f"{len(late)} utterances whose {what} is later (+) or earlier (-) than clean speech, by samples: "
        + shown([f"{name} ({samples:+d})" for name, samples in late.items()], count)
        for what, late in lags.items()
    ]


def by_reason(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Reason -> names, of pairs (reason, name)."""
    groups: dict[str, list[str]] = {}
    for reason, name in pairs:
        groups.setdefault(reason, []).append(name)
    return groups


def note(text: str) -> None:
    """Print a remark on stderr."""
    print(f"nrsr score-se: {text}", file=sys.stderr)
