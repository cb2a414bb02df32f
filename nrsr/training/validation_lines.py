"""metrics.jsonl: the validations of a training, a line each."""

import json
import math
from pathlib import Path
from typing import Any

from nrsr.files import atomic_open


def write_validations(folder: Path, history: list[dict[str, Any]]) -> None:
    """Write metrics.jsonl anew: a kill between saving and writing neither loses nor doubles a line."""
    with atomic_open(folder / "metrics.jsonl") as stream:
        stream.writelines(json.dumps(_json_ready(entry)) + "\n" for entry in history)


def _json_ready(value: Any) -> Any:
    """JSON has no NaN and no infinity; they become null."""
    if isinstance(value, dict):
        return {key: _json_ready(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
