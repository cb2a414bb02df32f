"""What an experiment folder says of its training beside weights and log: config, units, metadata, versions, skipped."""

import sys
from pathlib import Path
from typing import Any

from nrsr.config import save_yaml
from nrsr.data.training_set import TrainingSet
from nrsr.data.units import Units
from nrsr.experiment.average import prune_validations
from nrsr.experiment.metadata import write_metadata
from nrsr.experiment.versions import versions_text
from nrsr.files import atomic_open

LISTED = 20  # ids named on stderr; skipped.txt has them all


def list_skipped(sets: list[TrainingSet], folder: Path) -> None:
    """List on stderr and in skipped.txt all that is left out."""
    for data in sets:
        if data.skipped:
            print(f"{data.path}: {len(data.skipped)} utterances left out: {data.reasons()}", file=sys.stderr)
            for name, reason in list(data.skipped.items())[:LISTED]:
                print(f"  {name}: {reason}", file=sys.stderr)
            if len(data.skipped) > LISTED:
                print(f"  ... all of them in {folder / 'skipped.txt'}", file=sys.stderr)
        for note in data.notes():
            print(note, file=sys.stderr)
    with atomic_open(folder / "skipped.txt") as stream:
        for data in sets:
            stream.writelines(f"{data.path} {name} {reason}\n" for name, reason in data.skipped.items())


def write_descriptions(folder: Path, config: dict[str, Any], units: Units | None, metadata: dict[str, Any]) -> None:
    """config.yaml, units/, metadata.json and versions.txt, which also notes a resumption with other versions."""
    if not (folder / "last.pt").exists():  # no weights of an earlier training beside the config of this one
        (folder / "model.pt").unlink(missing_ok=True)
        prune_validations(folder, ())
    save_yaml(config, folder / "config.yaml")
    if units:
        units.save(folder / "units")
    if metadata:
        write_metadata(metadata, folder)
    path, now = folder / "versions.txt", versions_text()
    before = path.read_text(encoding="utf-8") if path.exists() and (folder / "last.pt").exists() else ""
    if not before.endswith(now):
        with atomic_open(path) as stream:
            stream.write(before + ("resumed with\n" if before else "") + now)
