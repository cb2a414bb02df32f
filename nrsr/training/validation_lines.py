"""metrics.jsonl: the validations of a training, a line each."""

import json
import math
from pathlib import Path
from typing import Any

from nrsr.files import atomic_open


def write_validations(folder: Path, history: list[dict[str, Any]]) -> None:
    """Write metrics.jsonl, if it is not so yet: a kill between saving and writing neither loses nor doubles a line."""
    path = folder / "metrics.jsonl"
    text = "".join(json.dumps(_json_ready(entry)) + "\n" for entry in history)
    if not (path.is_file() and path.read_text(encoding="utf-8") == text):
        with atomic_open(path) as stream:
            stream.write(text)


def _json_ready(value: Any) -> Any:
    """JSON has no NaN and no infinity; they become null."""
    if isinstance(value, dict):
        return {key: _json_ready(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
