"""Applying a trained system to many inputs: batches, processes, pieces of long inputs, failures and times."""

import functools
import time
import traceback
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from nrsr.data.inputs import Inputs
from nrsr.data.pieces import Pieces
from nrsr.errors import NrsrError
from nrsr.inference.application import Application, ApplyError, Result
from nrsr.listing import shown
from nrsr.progress import track
from nrsr.workers import run_work

MakeApplication = Callable[[], Application]
GIVE_UP = 20  # utterances: where so many fail for one reason, and none succeeds, the others are not tried


@dataclass(frozen=True)
class Settings:
    """Settings of a pass.

    Attributes:
        nj: worker processes of one thread each; the results do not depend on it.
        batch_size: inputs that go through the network together.
        pieces: lengths into which longer inputs are cut, where the application allows it.
        reading: options of `Inputs`.
    """

    nj: int = 1
    batch_size: int = 16
    pieces: Pieces = Pieces()
    reading: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ApplyError(f"--batch-size {self.batch_size}: is too small; take 1 or more")

    @classmethod
    def from_arguments(cls, args: Namespace, batch_size: int = 16) -> "Settings":
        """The options that `nrsr.arguments` adds to a command; `batch_size` where the command line has none."""
        given = vars(args)
        size = given.get("batch_size")
        reading = {name: given[name] for name in ("allow_pipes",) if name in given}
        return cls(given.get("nj", 1), batch_size if size is None else size, Pieces(args.piece, args.overlap), reading)


def shared(make: MakeApplication, settings: Settings) -> tuple[Application, MakeApplication]:
    """An application, and what makes those of a pass: this one, where the pass works in this process."""
    application = make()
    return application, functools.partial(as_it_is, application) if settings.nj == 1 else make


def as_it_is(application: Application) -> Application:
    """The application itself, for a pass in this process."""
    return application


class Failure(NamedTuple):
    """Why an utterance failed, in one line, and where."""

    reason: str
    trace: str


class Batch(NamedTuple):
    """Results and failures of a batch by utterance, and the seconds it took by purpose."""

    results: dict[str, Result]
    failures: dict[str, Failure]
    seconds: np.ndarray


class Worker:
    """Reads batches of inputs and applies to them; made once in each process."""

    def __init__(self, make: MakeApplication, inputs: Inputs, pieces: Pieces):
        self._application, self._inputs, self._pieces = make(), inputs, pieces
        self._longest = np.inf if self._application.step is None else pieces.rows(inputs.rate)[0]

    def __call__(self, names: list[str]) -> Batch:
        started = time.perf_counter(), time.process_time()
        try:
            read = [self._inputs[name] for name in names]
            results = self._apply(read)
            check_finite(results)
        except Exception as error:  # whatever it is, it costs the one utterance that it comes from
            if len(names) == 1:
                return Batch({}, {names[0]: Failure(one_line(error), traceback.format_exc())}, np.zeros(3))
            return _merged([self([name]) for name in names])
        seconds = sum(len(rows) for rows in read) / self._inputs.rate
        spent = np.array([seconds, time.perf_counter() - started[0], time.process_time() - started[1]])
        return Batch(dict(zip(names, results, strict=True)), {}, spent)

    def _apply(self, read: Sequence[np.ndarray]) -> list[Result]:
        short = [place for place, rows in enumerate(read) if len(rows) <= self._longest]
        results: list[Any] = [None] * len(read)
        for place, result in zip(short, self._application.whole([read[place] for place in short]), strict=True):
            results[place] = result
        for place, rows in enumerate(read):
            if results[place] is None:
                results[place] = self._application.by_pieces(rows, self._pieces, self._inputs.rate)
        return results


def check_finite(results: Sequence[Result]) -> None:
    """Refuse values that are NaN or infinite.

    Raises:
        ApplyError: there is one.
    """
    for result in results:
        for name, value in result.values.items():
            if isinstance(value, np.ndarray) and value.dtype.kind == "f" and not np.isfinite(value).all():
                raise ApplyError(f"the system gives NaN or infinite {name}; its training went wrong, or the input did")


def _merged(batches: Sequence[Batch]) -> Batch:
    results, failures = {}, {}
    for batch in batches:
        results.update(batch.results)
        failures.update(batch.failures)
    return Batch(results, failures, sum(batch.seconds for batch in batches))


class Pass:
    """One pass over inputs: an iterator of (utterance, result), whose attributes hold failures and times at its end.

    Args:
        make: makes the application, in this process and in each worker; can be pickled.
        inputs: what is read; can be pickled where there are several processes.
        batches: which of them go through the network together.
        what: description of the work, for the progress on stderr.

    Attributes:
        failures: utterance -> why it failed.
        remarks: remark -> utterances that it is about.
        seconds: of input, of wall time and of processor time, summed over the workers.
    """

    def __init__(
        self, make: MakeApplication, inputs: Inputs, batches: Sequence[list[str]], settings: Settings, what: str
    ):
        self._make, self._inputs, self._batches, self._settings, self._what = make, inputs, batches, settings, what
        self.failures: dict[str, Failure] = {}
        self.remarks: dict[str, list[str]] = {}
        self.done, self.seconds = 0, np.zeros(3)

    def __iter__(self) -> Iterator[tuple[str, Result]]:
        make_work = functools.partial(Worker, self._make, self._inputs, self._settings.pieces)
        batches = run_work(make_work, self._batches, self._settings.nj)
        for batch in track(batches, self._what, len(self._batches)):
            self.failures.update(batch.failures)
            self.seconds += batch.seconds
            for name, result in batch.results.items():
                self.done += 1
                for remark in result.remarks:
                    self.remarks.setdefault(remark, []).append(name)
                yield name, result
            if not self.done and len(self.failures) >= GIVE_UP and self._fails_alike():
                break
        if self.failures and not self.done:
            name, failure = next(iter(self.failures.items()))
            left = sum(map(len, self._batches)) - len(self.failures)
            untried = f", {left} were not tried" if left else ""
            raise ApplyError(
                f"{self._what}: nothing succeeded{untried}; failed: {shown(list(self.failures))}; {name}: "
                f"{failure.reason}"
            ) from Exception(failure.trace)

    def _fails_alike(self) -> bool:
        """Whether all failures have one reason, which then lies in the system and not in the inputs."""
        return len({failure.reason for failure in self.failures.values()}) == 1

    def notes(self, names: int | None = None, what: str = "utterances") -> list[str]:
        """The remarks, a line each, with so many names or all."""
        return [
            f"{len(of)} {what} {remark}: {' '.join(sorted(of)) if names is None else shown(sorted(of), names)}"
            for remark, of in self.remarks.items()
        ]

    def speed(self, what: str = "utterances") -> str:
        """A line about how long it took beside the input."""
        seconds, wall, _ = self.seconds
        return f"{self.done} {what}, real-time factor {wall / seconds if seconds else 0:.4f} on one worker"


def one_line(error: Exception) -> str:
    """A failure in one line, for a list and for stderr."""
    text = " ".join(str(error).split())
    return text if isinstance(error, NrsrError) and text else f"{type(error).__name__}: {text}"
