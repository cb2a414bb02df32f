"""Print how good experiments are on their development data, the best first.

Example:
    nrsr dev-criterion exp/mtl-se0.3_seed1 exp/mtl-se0.03_seed1
    nrsr dev-criterion exp/*_seed1 | head -n 1

A line for each experiment: the mean of the criterion over the validations whose weights model.pt averages, and the
folder. The criterion is `training.select` of its config, the same for all of them; with `last` it is `loss`. An
experiment whose mean is not finite comes last.
"""

import argparse
import math
from pathlib import Path
from statistics import fmean

from nrsr.config import load_yaml
from nrsr.errors import NrsrError
from nrsr.experiment.average import rank
from nrsr.experiment.settings import Select, parse_experiment
from nrsr.reporting.training_history import logged


class CriterionError(NrsrError):
    """Experiments that cannot be compared by a criterion of their development data."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The experiments."""
    parser.add_argument("exp", nargs="+", type=Path, metavar="EXP", help="folder of a finished training")


def run(args: argparse.Namespace) -> None:
    """Print value and folder of each experiment, sorted."""
    results = [(*criterion_of(folder), folder) for folder in args.exp]
    kinds = {kind for kind, _, _ in results}
    if len(kinds) > 1:
        names = ", ".join(sorted(kind.criterion for kind in kinds))
        raise CriterionError(f"training.select differs between the experiments ({names}); compare those with the same")
    sign = 1 if results[0][0].best == "lowest" else -1
    results.sort(key=lambda result: (math.isnan(result[1]), sign * result[1]))
    for _, value, folder in results:
        print(f"{value:.6g} {folder}")


def criterion_of(folder: Path) -> tuple[Select, float]:
    """The criterion of an experiment, and its mean over the validations that model.pt averages.

    Raises:
        CriterionError: a training that has not ended, or that never logged the criterion.
    """
    if not (folder / "model.pt").is_file():
        raise CriterionError(f"{folder}: has no model.pt; finish its training first")
    settings = parse_experiment(load_yaml(folder / "config.yaml"), str(folder / "config.yaml")).training
    select = settings.selection
    name = select.criterion or "loss"
    values = logged(folder, "dev", [name]).get(name)
    if not values:
        raise CriterionError(f"{folder}/metrics.jsonl: has no {name} of the development data; check training.select")
    best = rank({number: select.key({name: value}, number) for number, value in enumerate(values)})
    return Select(name, select.best), fmean(values[number] for number in best[: settings.average])
