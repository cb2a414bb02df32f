"""What a system had to know of its training data, kept in the experiment as facts.json."""

import json
from pathlib import Path
from typing import Any

from nrsr.errors import NrsrError
from nrsr.files import atomic_open

NAME = "facts.json"


class FactsError(NrsrError):
    """A facts.json that cannot be read."""


def write_facts(facts: dict[str, Any], folder: Path) -> None:
    """Write what `TrainingSet.facts` gave, one line for each fact."""
    with atomic_open(folder / NAME) as stream:
        stream.write("{" + ",".join(f"\n{json.dumps(key)}: {json.dumps(facts[key])}" for key in facts) + "\n}\n")


def read_facts(folder: Path) -> dict[str, Any]:
    """The facts of an experiment, none where there is no such file.

    Raises:
        FactsError: a broken file.
    """
    path = folder / NAME
    if not path.exists():
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FactsError(f"{path}: no JSON ({error}); copy the file of the training again, or train again") from error
    if not isinstance(facts, dict):
        raise FactsError(f"{path}: holds no mapping; copy the file of the training again, or train again")
    return facts
