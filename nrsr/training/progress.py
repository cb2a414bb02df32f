"""How far a training is, and where its time went: the part of a checkpoint that is neither weights nor optimiser."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any


class Means:
    """Running means of named metrics; `sums` (name -> [sum, count]) is what a checkpoint keeps."""

    def __init__(self, sums: dict[str, list[float]] | None = None):
        self.sums = {} if sums is None else sums

    def add(self, values: dict[str, float], counts: dict[str, float]) -> None:
        """Take in means over so many rows each; what has no count is one row, and what has no row is left out."""
        for name, value in values.items():
            if count := counts.get(name, 1):
                entry = self.sums.setdefault(name, [0.0, 0])
                entry[0] += value * count
                entry[1] += count

    def take(self) -> dict[str, float]:
        """The means, and a new start."""
        means = {name: total / count for name, (total, count) in self.sums.items()}
        self.sums.clear()
        return means


@dataclass
class Progress:
    """Counters of a training.

    Attributes:
        epoch: finished epochs.
        position: batches done in the current epoch.
        step: steps done, skipped ones included.
        skipped: steps skipped because a value was not finite.
        updates: steps of each turn that updated its weights.
        skipped_in_a_row: steps that each turn has skipped since its last update.
        sums: sums and counts of the current epoch's metrics (see `Means`).
        history: the lines of metrics.jsonl, one entry a finished epoch.
        seconds: time spent: wall and cpu in all; waiting for loading; logging, saving included.
        finished: all epochs are done, or the training stopped early; model.pt is final.
    """

    epoch: int = 0
    position: int = 0
    step: int = 0
    skipped: int = 0
    updates: dict[str, int] = field(default_factory=dict)
    skipped_in_a_row: dict[str, int] = field(default_factory=dict)
    sums: dict[str, list[float]] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("wall", "cpu", "loading", "logging"), 0.0))
    finished: bool = False

    def count(self, turn: str, updated: bool) -> None:
        """Count a step of a turn, which updated its weights or was skipped."""
        self.updates[turn] = self.updates.get(turn, 0) + updated
        self.skipped_in_a_row[turn] = 0 if updated else self.skipped_in_a_row.get(turn, 0) + 1

    def in_trouble(self) -> int:
        """Steps that a turn has skipped since its last update, the most of all turns."""
        return max(self.skipped_in_a_row.values(), default=0)

    @classmethod
    def from_plain(cls, values: dict[str, Any]) -> "Progress":
        """The counters that `dataclasses.asdict` made plain; what is not among them starts anew.

        Raises:
            TypeError: a counter of another type.
        """
        progress = cls(**{entry.name: values[entry.name] for entry in fields(cls) if entry.name in values})
        for entry in fields(cls):
            value, kind = getattr(progress, entry.name), type(getattr(cls(), entry.name))
            if type(value) is not kind:
                raise TypeError(f"{entry.name} is a {type(value).__name__}, not a {kind.__name__}")
        numbers = [*progress.updates.values(), *progress.skipped_in_a_row.values(), *progress.seconds.values()]
        numbers += [number for pair in progress.sums.values() for number in pair]
        if not all(isinstance(number, int | float) for number in numbers):
            raise TypeError("a counter is no number")
        if not cls().seconds.keys() <= progress.seconds.keys():
            raise TypeError("seconds has other purposes")
        for record in progress.history:
            if not isinstance(record["dev"], dict) or not isinstance(record["epoch"], int):
                raise TypeError("history holds something else than epochs")
        return progress


class Clock:
    """Keeps `seconds` of a Progress."""

    def __init__(self, seconds: dict[str, float]):
        self._seconds = seconds
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        self._started = self._wall

    def tick(self) -> dict[str, float]:
        """Bring wall and CPU time up to now; returns a copy of all times."""
        wall, cpu = time.perf_counter(), time.process_time()
        self._seconds["wall"] += wall - self._wall
        self._seconds["cpu"] += cpu - self._cpu
        self._wall, self._cpu = wall, cpu
        return dict(self._seconds)

    def elapsed(self) -> float:
        """Wall seconds since this process began to train."""
        return time.perf_counter() - self._started

    @contextmanager
    def measuring(self, purpose: str) -> Iterator[None]:
        """Add the block's time to one purpose."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[purpose] += time.perf_counter() - started

    def waiting(self, items: Iterable, purpose: str) -> Iterator:
        """Pass the items on, and add the time spent waiting for them to one purpose."""
        items = iter(items)
        while True:
            with self.measuring(purpose):
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item
