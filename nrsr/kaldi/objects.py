"""One object of an ark: matrices, compressed matrices, vectors and WAVs, in Kaldi's binary and text forms.

kaldiio's reader trusts headers (a corrupt row count asks for terabytes), unpickles what says it is a
pickle, reads integer vectors element by element and takes `[ 1 2 ]` for integers, so the headers are
read and checked here. Its compression is sound and is used for writing compressed matrices.
"""

import io
import struct
from typing import BinaryIO

import numpy as np
import soundfile
from kaldiio.matio import write_array

from nrsr.errors import NrsrError
from nrsr.kaldi import wav
from nrsr.kaldi.recordings import open_recording, problem_of_samples
from nrsr.kaldi.streams import Truncated, check_limit, take, take_up_to

Value = np.ndarray | tuple[int, np.ndarray]
AUTOMATIC = 1  # Kaldi's kAutomaticMethod: 8 bits with percentiles per column, 16 bits for up to 8 rows
MAX_LINE = 1 << 28  # bytes of one row in text form
INT_ENTRY = np.dtype([("size", "u1"), ("value", "<i4")])  # each element says that it has 4 bytes


class ObjectError(NrsrError):
    """Bytes that are no object of Kaldi; the caller adds file and key."""


def read_object(stream: BinaryIO) -> Value:
    """Read the object that follows a key.

    Returns:
        float32 or float64 matrix [rows, cols] or vector, int32 vector, or (rate, float32 samples) of a WAV.

    Raises:
        ObjectError, Truncated, WavError: bytes that are not what they announce.
    """
    first = take(stream, 1)
    if first == b"\0":
        if take(stream, 1) != b"B":
            raise ObjectError("binary data does not start with \\0B; the offset is wrong or the file no Kaldi ark")
        return read_binary(stream)
    if first == b"R" and take(stream, 3) == b"IFF":
        return checked_audio(*wav.read_wav(stream))
    if first == b"A" and take(stream, 4) == b"UDIO":
        length = int.from_bytes(take(stream, take(stream, 1)[0]), "little")
        return read_recording(take(stream, length))
    if first == b"f" and take(stream, 3) == b"LaC":
        return read_recording(b"fLaC" + take_up_to(stream, None))
    if first == b"N" and take(stream, 2) == b"IS":
        raise ObjectError("is a NIST sphere file and no table; list it in the wav.scp of a data directory")
    if first in (b"N", b"P"):
        raise ObjectError("holds a numpy or pickle object of kaldiio, which can run code; write it again as a matrix")
    return read_text(first, stream)


def read_recording(content: bytes) -> tuple[int, np.ndarray]:
    """FLAC and other formats that kaldiio puts inside arks."""
    try:
        recording = open_recording(io.BytesIO(content), "", None)
        check_limit(4 * recording.channels * recording.samples)
        return checked_audio(recording.rate, recording.read(0, recording.samples))
    except (soundfile.SoundFileError, RuntimeError):
        raise ObjectError("holds audio that soundfile cannot read; the ark is corrupt") from None


def checked_audio(rate: int, samples: np.ndarray) -> tuple[int, np.ndarray]:
    """Rate and samples, [T] where [T, channels] has one channel; refused where they are no sound."""
    if problem := problem_of_samples(samples):
        raise ObjectError(f"its audio {problem}")
    return rate, samples[:, 0] if samples.shape[1] == 1 else samples


def read_binary(stream: BinaryIO) -> np.ndarray:
    """What follows `\\0B`."""
    kind = take(stream, 1)
    if kind == b"\4":
        return read_int_vector(stream)
    while not kind.endswith(b" "):
        if len(kind) > 4:
            raise ObjectError(f"has the unknown type {kind!r}; the ark is corrupt or holds objects nrsr does not read")
        kind += take(stream, 1)
    name = kind[:-1].decode("latin1")
    if name in ("FM", "DM"):
        rows, columns = read_size(stream), read_size(stream)
        return read_floats(stream, name[0], rows * columns).reshape(rows, columns)
    if name in ("FV", "DV"):
        return read_floats(stream, name[0], read_size(stream))
    if name in ("CM", "CM2", "CM3"):
        return read_compressed(stream, name)
    raise ObjectError(f"has the type {name!r}; nrsr reads matrices, vectors, int vectors and WAVs")


def read_size(stream: BinaryIO) -> int:
    """A count: one byte that says 4, then an int32."""
    width, count = struct.unpack("<bi", take(stream, 5))
    if width != 4 or count < 0:
        raise ObjectError(f"announces a size of {count} in {width} bytes; the ark is corrupt")
    return count


def read_floats(stream: BinaryIO, kind: str, count: int) -> np.ndarray:
    """Read `count` floats, "F" for float32 and "D" for float64, as an array that can be written to."""
    dtype = np.dtype("<f4" if kind == "F" else "<f8")
    # A copy, since frombuffer's array cannot be written to and torch refuses to take it without a warning.
    return np.frombuffer(take(stream, count * dtype.itemsize), dtype).copy()


def read_int_vector(stream: BinaryIO) -> np.ndarray:
    """Read an int32 vector behind its length; raises an ObjectError where it is corrupt."""
    (count,) = struct.unpack("<i", take(stream, 4))
    if count < 0:
        raise ObjectError(f"announces an int vector of {count} elements; the ark is corrupt")
    entries = np.frombuffer(take(stream, count * INT_ENTRY.itemsize), INT_ENTRY)
    if (entries["size"] != 4).any():
        raise ObjectError("holds an int vector whose elements are not int32; the ark is corrupt")
    return np.ascontiguousarray(entries["value"])


def read_compressed(stream: BinaryIO, kind: str) -> np.ndarray:
    """A compressed matrix as float32; compressed-matrix.h of Kaldi gives the three layouts.

    CM: per column four uint16 percentiles (0, 25, 75, 100), then bytes in column order that interpolate
    between them. CM2 and CM3: uint16 and uint8 in row order, linear between minimum and maximum.
    """
    lowest, span, rows, columns = struct.unpack("<ffii", take(stream, 16))
    if rows < 0 or columns < 0:
        raise ObjectError(f"announces a matrix of {rows} rows and {columns} columns; the ark is corrupt")
    with np.errstate(over="ignore", invalid="ignore"):  # corrupt spans give non-finite values, not warnings
        if kind == "CM":
            corners = np.frombuffer(take(stream, 8 * columns), "<u2").reshape(columns, 4)
            levels = column_levels(lowest + span * (corners.astype(np.float64) / 65535.0))
            codes = np.frombuffer(take(stream, rows * columns), np.uint8).reshape(columns, rows)
            places = codes.T + 256 * np.arange(columns, dtype=np.int32)
            return np.take(levels, places) if columns else np.zeros((rows, 0), np.float32)
        dtype, steps = (np.dtype("<u2"), 65535.0) if kind == "CM2" else (np.dtype("u1"), 255.0)
        codes = np.frombuffer(take(stream, rows * columns * dtype.itemsize), dtype).reshape(rows, columns)
        return (lowest + codes * (span / steps)).astype(np.float32)


def column_levels(corners: np.ndarray) -> np.ndarray:
    """The value of each of the 256 codes in each column: float32 [columns, 256] from percentiles [columns, 4].

    Codes 0-64 are linear between the first two percentiles, 64-192 between the middle ones, 192-255 between the last.
    """
    levels = np.empty((len(corners), 256), np.float32)
    for part, (first, last) in enumerate(((0, 64), (64, 192), (192, 255))):
        weight = np.arange(last - first + 1) / (last - first)
        low, high = corners[:, part : part + 1], corners[:, part + 1 : part + 2]
        levels[:, first : last + 1] = low + (high - low) * weight
    return levels


def read_text(first: bytes, stream: BinaryIO) -> np.ndarray:
    """A text object from its first byte on: `[ 1 2 ]` vector, `[` and rows on lines `]` matrix, `1 2 3` int vector.

    An empty matrix and an empty vector are both written `[ ]`, and read as an empty vector.
    """
    line = first if first == b"\n" else first + stream.readline(MAX_LINE)
    if not line.lstrip().startswith(b"["):
        return text_numbers(line, np.dtype(np.int32))
    lines, size = [line.lstrip()[1:]], len(line)
    while b"]" not in lines[-1]:
        lines.append(stream.readline(MAX_LINE))
        if not lines[-1]:
            raise Truncated("a [ has no ]; the text ark is truncated")
        check_limit(size := size + len(lines[-1]))
    lines[-1], _, behind = lines[-1].partition(b"]")
    if behind.strip():
        raise ObjectError("has text behind its ]; the text ark is corrupt")
    if len(lines) == 1:
        return text_numbers(lines[0], np.dtype(np.float32))
    rows = [text_numbers(line, np.dtype(np.float32)) for line in lines if line.strip()]
    if len({len(row) for row in rows}) > 1:
        raise ObjectError("has rows of different lengths; the text ark is corrupt")
    return np.stack(rows) if rows else np.zeros((0, 0), np.float32)


def text_numbers(text: bytes, dtype: np.dtype) -> np.ndarray:
    """Numbers of a text ark between blanks; raises an ObjectError where one is none."""
    try:
        with np.errstate(over="ignore"):  # a number too large for float32 becomes infinite
            return np.array(text.decode("ascii").split(), dtype=np.str_).astype(dtype)
    except (ValueError, OverflowError):
        start = text[:40].decode("ascii", "backslashreplace").strip()
        raise ObjectError(
            f"holds {start!r} where {'integers' if dtype.kind == 'i' else 'numbers'} should be; "
            "it is corrupt, or no text ark"
        ) from None


def checked_array(array: np.ndarray, compress: bool = False) -> np.ndarray:
    """The array as Kaldi can hold it: float32/float64 vector or matrix, int32 vector.

    Raises:
        ObjectError: another type or shape, or values that are not finite.
    """
    try:
        array = np.asarray(array)
    except ValueError:
        raise ObjectError("is a list of rows of different lengths; tables hold matrices and vectors") from None
    if array.dtype.kind in "iu" and array.ndim == 1:
        limits = np.iinfo(np.int32)
        if array.size and not (limits.min <= int(array.min()) and int(array.max()) <= limits.max):
            raise ObjectError("has integers beyond int32, which Kaldi's tables cannot hold")
        return array.astype("<i4", copy=False)
    if array.dtype.kind != "f" or array.ndim not in (1, 2):
        raise ObjectError(
            f"is {array.dtype} of shape {list(array.shape)}; tables hold float vectors and matrices and int vectors"
        )
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise ObjectError("contains NaN or infinite values; find where they come from before writing them")
    if compress and array.ndim != 2:
        raise ObjectError("is a vector, and only matrices can be compressed; write it without compression")
    return array


def binary_bytes(array: np.ndarray, compress: bool) -> bytes:
    """An array of checked_array as Kaldi's binary object."""
    if array.dtype.kind == "i":
        entries = np.empty(len(array), INT_ENTRY)
        entries["size"], entries["value"] = 4, array
        return b"\0B\4" + struct.pack("<i", len(array)) + entries.tobytes()
    if compress and array.size:
        buffer = io.BytesIO()
        write_array(buffer, array, compression_method=AUTOMATIC)
        return buffer.getvalue()
    kind = ("F" if array.dtype == np.float32 else "D") + ("M" if array.ndim == 2 else "V")
    sizes = b"".join(struct.pack("<bi", 4, size) for size in array.shape)
    return b"\0B" + kind.encode() + b" " + sizes + array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def text_bytes(array: np.ndarray) -> bytes:
    """An array of checked_array as Kaldi's text object, with as many digits as give it back exactly."""
    if array.dtype.kind == "i":
        return (" ".join(map(str, array.tolist())) + "\n").encode()
    digits = ".9g" if array.dtype == np.float32 else ".17g"
    if array.ndim == 1:
        return (" [ " + "".join(f"{value:{digits}} " for value in array.tolist()) + "]\n").encode()
    rows = ["\n  " + "".join(f"{value:{digits}} " for value in row) for row in array.tolist()]
    return (" [" + "".join(rows) + (" ]\n" if not rows else "]\n")).encode()
