"""Mutated files in a process of their own: named errors are well, a crash, a hang or another error fails the test."""

import multiprocessing
import resource
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np

from nrsr.errors import NrsrError

MEMORY = 4 << 30  # bytes that a process may add to those it starts with
TOKENS = [b"-1", b"0", b"1e9", b"2000000000", b"nan", b"x", b"\xff", b"\0", b"\n", b" ", b"\t", b"<eps>", b"#0", b"<s>"]


def mutated(content: bytes, seed: int, *, text: bool = False) -> bytes:
    """One to three changes: other bytes or bits, a number of four bytes, a cut, or a token put in (text)."""
    rng = np.random.default_rng(seed)
    spoilt = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(len(spoilt)))
        kind = rng.integers(6)
        if kind == 0:
            spoilt[place] = int(rng.integers(256))
        elif kind == 1:
            spoilt[place] ^= 1 << int(rng.integers(8))
        elif kind == 2 and rng.random() < 0.3:
            del spoilt[max(place, 1) :]
        elif kind == 3 and text:
            spoilt[place:place] = TOKENS[rng.integers(len(TOKENS))]
        elif kind == 4:
            del spoilt[place : place + int(rng.integers(1, 9))]
        else:
            spoilt[place : place + 4] = int(rng.choice([-1, 0, 1, 7, 255, 2**31 - 1, -(2**31)])).to_bytes(
                4, "little", signed=True
            )
        if not spoilt:
            spoilt += b"\0"
    return bytes(spoilt)


def survive(work: Callable[[int], object], cases: int, seconds: float = 60.0) -> None:
    """Call `work` with 0, 1, ... in a child process.

    Raises:
        AssertionError: it crashed, ran out of time, or raised anything but an error of nrsr in one line.
    """
    context = multiprocessing.get_context("fork")
    reached = context.Value("i", -1)
    child = context.Process(target=_run, args=(work, cases, reached))
    child.start()
    child.join(seconds)
    if child.is_alive():
        child.kill()
        child.join()
        raise AssertionError(f"case {reached.value} did not end")
    assert child.exitcode == 0, f"case {reached.value}: exit status {child.exitcode}"


def _run(work: Callable[[int], object], cases: int, reached) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    for case in range(cases):
        reached.value = case
        try:
            work(case)
        except NrsrError as error:
            assert "\n" not in str(error), error
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            raise SystemExit(1) from None
