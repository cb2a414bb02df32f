"""What a training has logged, epoch by epoch or validation by validation."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

from nrsr.errors import NrsrError
from nrsr.files import cure_of

STEP = "step"


class MetricsError(NrsrError):
    """An experiment's metrics.jsonl cannot be read."""


def logged(experiment: Path, part: str, wanted: Sequence[str]) -> dict[str, list[float]]:
    """The wanted values that metrics.jsonl has in its first line, by name, one a line; NaN where one is not finite.

    Args:
        part: "train" or "dev"; the name `STEP` is that of the line itself.

    Raises:
        MetricsError: metrics.jsonl is missing or damaged.
    """
    path = experiment / "metrics.jsonl"
    history: dict[str, list[float]] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise MetricsError(f"{path}: no such file; it is written by nrsr train") from error
    except (OSError, UnicodeDecodeError) as error:
        cure = "nrsr train writes it anew when it goes on"
        cure = cure_of(error, cure) if isinstance(error, OSError) else cure
        raise MetricsError(f"{path}: cannot be read ({error}); {cure}") from error
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            values = {**entry[part], **({STEP: entry[STEP]} if STEP in wanted else {})}
            there = [name for name in wanted if name in (values if number == 1 else history)]
            for name in there:
                # A mean that is not finite is null in JSON.
                history.setdefault(name, []).append(math.nan if values[name] is None else float(values[name]))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise MetricsError(
                f"{path}: line {number}: damaged ({type(error).__name__}: {error}); nrsr train writes it anew when it "
                "goes on, or restore the file"
            ) from error
    return history
