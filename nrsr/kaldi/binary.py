"""Kaldi's binary models and trees: tokens, numbers, vectors and matrices, read with named errors and written."""

import struct
from pathlib import Path

import numpy as np

from nrsr.errors import NrsrError
from nrsr.files import atomic_open
from nrsr.kaldi.streams import READ_FAILURES, failure_reason, open_source, take_up_to

HEADER = b"\0B"
FLOATS = {"FV": "<f4", "DV": "<f8", "FM": "<f4", "DM": "<f8"}


class ModelFileError(NrsrError):
    """A broken model or tree; names file, byte and cure."""


class BinaryReader:
    """Reads what Kaldi's WriteToken, WriteBasicType, WriteIntegerVector and matrices' Write have written.

    Args:
        content: bytes behind the header `\\0B`.
        name: of the file, for messages.
    """

    def __init__(self, content: bytes, name: str | Path):
        self.content, self.name, self.at = content, str(name), 0

    def wrong(self, what: str) -> ModelFileError:
        """An error at the place that was reached."""
        return ModelFileError(f"{self.name}: byte {self.at}: {what}; it is corrupt, or no such file of Kaldi")

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        if count < 0 or self.at + count > len(self.content):
            raise self.wrong("the file ends too soon")
        piece = self.content[self.at : self.at + count]
        self.at += count
        return piece

    def peek(self) -> str:
        """The next token, which stays the next one; "" where none follows."""
        end = self.content.find(b" ", self.at, self.at + 100)
        return self.content[self.at : end].decode("latin1") if end > self.at else ""

    def token(self) -> str:
        """The next token."""
        token = self.peek()
        if not token:
            raise self.wrong("no token follows")
        self.at += len(token) + 1
        return token

    def expect(self, *tokens: str) -> str:
        """The next token, which must be one of `tokens`."""
        if (token := self.peek()) not in tokens:
            raise self.wrong(f"expected {' or '.join(tokens)}, found {token[:20]!r}")
        return self.token()

    def number(self, mark: int, form: str) -> int | float:
        """A number behind the byte of its size and sign."""
        if self.take(1)[0] != mark:
            self.at -= 1
            raise self.wrong("expected a number")
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def integer(self) -> int:
        """An int32."""
        return self.number(4, "<i")

    def unsigned(self) -> int:
        """A uint32."""
        return self.number(0xFC, "<I")

    def real(self) -> float:
        """A float or a double."""
        double = self.content[self.at : self.at + 1] == b"\10"
        return self.number(8, "<d") if double else self.number(4, "<f")

    def integers(self) -> list[int]:
        """A vector of int32."""
        if self.take(1) != b"\4":
            self.at -= 1
            raise self.wrong("expected a vector of int32")
        (count,) = struct.unpack("<i", self.take(4))
        return np.frombuffer(self.take(4 * count), "<i4").tolist()

    def floats(self, *kinds: str) -> np.ndarray:
        """A vector [N] (FV, DV) or a matrix [N, D] (FM, DM), as float64."""
        kind = self.expect(*kinds)
        shape = tuple(self.integer() for _ in range(1 if kind.endswith("V") else 2))
        if min(shape) < 0:
            raise self.wrong(f"a size of {min(shape)}")
        count = int(np.prod(shape, dtype=np.int64))
        dtype = np.dtype(FLOATS[kind])
        with np.errstate(invalid="ignore"):  # some bits are NaNs that processors trap
            return np.frombuffer(self.take(count * dtype.itemsize), dtype).reshape(shape).astype(np.float64)

    def vector(self) -> np.ndarray:
        """A float vector [N]."""
        return self.floats("FV", "DV")

    def matrix(self) -> np.ndarray:
        """A float matrix [N, D]."""
        return self.floats("FM", "DM")


class BinaryWriter:
    """Collects bytes as Kaldi writes them; `save` puts the header before them."""

    def __init__(self) -> None:
        self.content = bytearray()

    def token(self, *tokens: str) -> None:
        """Append tokens such as <TransitionModel>, a space behind each."""
        for token in tokens:
            self.content += token.encode() + b" "

    def integer(self, *values: int) -> None:
        """Append int32 numbers, each behind its size."""
        for value in values:
            self.content += struct.pack("<bi", 4, value)

    def unsigned(self, value: int) -> None:
        """Append a uint32, behind its size and sign."""
        self.content += struct.pack("<BI", 0xFC, value)

    def real(self, value: float) -> None:
        """Append a float32, behind its size."""
        self.content += struct.pack("<bf", 4, value)

    def integers(self, values: list[int]) -> None:
        """Append a vector of int32, behind its length."""
        self.content += struct.pack("<bi", 4, len(values)) + np.asarray(values, "<i4").tobytes()

    def floats(self, values: np.ndarray) -> None:
        """A vector or a matrix of float32."""
        self.token("FV" if values.ndim == 1 else "FM")
        self.integer(*values.shape)
        self.content += np.ascontiguousarray(values, "<f4").tobytes()

    def save(self, path: str | Path) -> None:
        """Write the file under a temporary name first."""
        with atomic_open(path, "wb") as stream:
            stream.write(HEADER + self.content)


def open_model(path: str | Path) -> BinaryReader:
    """A reader of a binary model or tree, `.gz` or not.

    Raises:
        ModelFileError: the file cannot be read, or is in text form.
    """
    try:
        with open_source(str(path)) as stream:
            content = take_up_to(stream, None)
    except READ_FAILURES as error:
        raise ModelFileError(f"{path}: {failure_reason(error)}") from None
    except NrsrError as error:
        raise ModelFileError(str(error) if str(error).startswith(str(path)) else f"{path}: {error}") from None
    if not content.startswith(HEADER):
        raise ModelFileError(f"{path}: is no binary file of Kaldi; turn a text model with gmm-copy --binary=true")
    return BinaryReader(content[len(HEADER) :], path)
