"""The WAV format inside files and arks: a checked header, and samples as numpy arrays.

soundfile reads whole files well, but it silently shortens a truncated one and costs more than the
reading itself for the many short utterances of an ark; the few lines of the format are read here.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from nrsr.errors import NrsrError
from nrsr.kaldi.streams import Truncated, take

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
UNKNOWN_SIZES = (0, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)  # written by programs that stream
MAX_SKIPPED = 1 << 20  # bytes of the chunks before the data


class WavError(NrsrError):
    """Bytes that are not a WAV that nrsr reads; the caller adds file and key."""


@dataclass
class WavHeader:
    """What stands before the samples.

    Attributes:
        rate: samples per second.
        channels: samples per moment, interleaved.
        encoding: 1 integer PCM, 3 float.
        bits: bits per sample.
        data_bytes: size of the samples, None where the writer did not know it.
        after_data: bytes of further chunks that belong to this WAV.
    """

    rate: int
    channels: int
    encoding: int
    bits: int
    data_bytes: int | None
    after_data: int = 0

    @property
    def block(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * self.bits // 8


def read_header(stream: BinaryIO) -> WavHeader:
    """Read from just after the magic `RIFF` up to the first sample.

    Raises:
        WavError, Truncated: not a WAV, or an encoding other than PCM of 8-32 bits and float of 32 or 64.
    """
    riff_bytes, kind = struct.unpack("<I4s", take(stream, 8))
    if kind != b"WAVE":
        raise WavError("is a RIFF file but not a WAV; convert it, for example with sox")
    layout, position = None, 12
    while True:
        name, size = struct.unpack("<4sI", take(stream, 8))
        position += 8
        if name == b"data":
            break
        if size > MAX_SKIPPED:
            raise WavError(f"chunk {name!r} before the data has {size} bytes; the WAV header is corrupt")
        content = take(stream, size + size % 2)
        position += len(content)
        if name == b"fmt ":
            layout = parse_format(content)
    if layout is None:
        raise WavError("the WAV has no format chunk before its data; it is corrupt")
    header = WavHeader(*layout, None if size in UNKNOWN_SIZES else size)
    if size == 0 and riff_bytes not in UNKNOWN_SIZES:
        header.data_bytes = 0  # a WAV without samples, not one of unknown size
    if header.data_bytes is not None and riff_bytes not in UNKNOWN_SIZES:
        header.after_data = max(0, riff_bytes + 8 - position - header.data_bytes)
    return header


def parse_format(content: bytes) -> tuple[int, int, int, int]:
    """(rate, channels, encoding, bits) of a `fmt ` chunk."""
    if len(content) < 16:
        raise WavError("the format chunk of the WAV is too short; it is corrupt")
    encoding, channels, rate, _, block, bits = struct.unpack("<HHIIHH", content[:16])
    if encoding == EXTENSIBLE and len(content) >= 26:
        encoding = struct.unpack("<H", content[24:26])[0]
    if (encoding, bits) not in {(PCM, 8), (PCM, 16), (PCM, 24), (PCM, 32), (FLOAT, 32), (FLOAT, 64)}:
        raise WavError(
            f"the WAV has encoding {encoding} with {bits} bits; convert it to 16-bit PCM, "
            "for example with `sox in.wav -b 16 -e signed out.wav`"
        )
    if channels == 0 or rate == 0 or block != channels * bits // 8:
        raise WavError(f"the WAV header says {channels} channels, {rate} Hz, blocks of {block} bytes; it is corrupt")
    return rate, channels, encoding, bits


def decode(content: bytes, header: WavHeader) -> np.ndarray:
    """Samples as float32 in [-1, 1), shape [T, channels]; float WAVs are taken as they are."""
    if header.encoding == FLOAT:
        samples = np.frombuffer(content, f"<f{header.bits // 8}").astype(np.float32)
    elif header.bits == 16:
        samples = np.frombuffer(content, "<i2").astype(np.float32)
        samples *= 1.0 / 32768.0
    elif header.bits == 8:
        samples = (np.frombuffer(content, np.uint8).astype(np.float32) - 128.0) / 128.0
    elif header.bits == 24:
        # Three bytes become the upper three of an int32, so that the sign comes right.
        widened = np.zeros((len(content) // 3, 4), np.uint8)
        widened[:, 1:] = np.frombuffer(content, np.uint8).reshape(-1, 3)
        samples = (widened.view("<i4")[:, 0] / 2147483648.0).astype(np.float32)
    else:
        samples = (np.frombuffer(content, "<i4") / 2147483648.0).astype(np.float32)
    return samples.reshape(-1, header.channels)


def read_wav(stream: BinaryIO) -> tuple[int, np.ndarray]:
    """One WAV from just after the magic `RIFF`, as it stands inside an ark.

    Returns:
        rate, float32 samples [T] (mono) or [T, channels]; the stream stands behind the WAV.
    """
    header = read_header(stream)
    if header.data_bytes is None:
        content = stream.read()
    else:
        content = take(stream, header.data_bytes)
        take_optional(stream, header.after_data)
    if len(content) % header.block:
        raise Truncated(f"{len(content)} bytes of samples are not whole blocks of {header.block}; the WAV is truncated")
    samples = decode(content, header)
    return header.rate, samples[:, 0] if header.channels == 1 else samples


def take_optional(stream: BinaryIO, count: int) -> None:
    """Skip chunks behind the data; Kaldi's programs do not need them either."""
    if count:
        take(stream, count)


def encode(samples: np.ndarray, rate: int) -> bytes:
    """A mono WAV file: int16 samples become 16-bit PCM, float32 samples 32-bit float."""
    encoding = PCM if samples.dtype == np.int16 else FLOAT
    width = samples.dtype.itemsize
    layout = struct.pack("<HHIIHH", encoding, 1, rate, rate * width, width, 8 * width)
    data = samples.astype(samples.dtype.newbyteorder("<"), copy=False).tobytes()
    body = b"WAVEfmt " + struct.pack("<I", len(layout)) + layout + b"data" + struct.pack("<I", len(data)) + data
    if len(body) >= 1 << 32:
        raise WavError("the recording has more than 4 GiB of samples, which a WAV cannot hold; cut it into segments")
    return b"RIFF" + struct.pack("<I", len(body)) + body
