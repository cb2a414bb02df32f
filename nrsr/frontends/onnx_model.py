"""Models in ONNX files, run by onnxruntime on one core."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nrsr.packages import optional_module

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


class OnnxModel:
    """A model by the path of its file; it is loaded once in each process, when it is first run.

    So a front-end that has one can be copied and sent to worker processes.

    Args:
        user: what needs it, for the message.

    Raises:
        PackageError: onnxruntime is not installed.
    """

    def __init__(self, path: Path, user: str) -> None:
        optional_module("onnxruntime", user)
        self.path = path

    def __call__(self, *inputs: np.ndarray) -> list[np.ndarray]:
        """The outputs for float32 inputs, both in the model's order."""
        session, names = _session(self.path)
        return session.run(None, dict(zip(names, inputs, strict=True)))


@functools.lru_cache
def _session(path: Path) -> "tuple[InferenceSession, list[str]]":
    """The loaded model and the names of its inputs; one thread, as results shall not depend on the number of cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session, [given.name for given in session.get_inputs()]
