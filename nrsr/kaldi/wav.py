"""The WAV format inside files and arks: a checked header, and samples as numpy arrays.

soundfile reads whole files well, but it silently shortens a truncated one and costs more than the
reading itself for the many short utterances of an ark; the few lines of the format are read here.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from nrsr.errors import NrsrError
from nrsr.kaldi.streams import Truncated, skip, take, take_up_to

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
MAX_FORMAT = 1 << 16  # bytes of a `fmt ` chunk; it has 40 at most
IN_DS64 = 0xFFFFFFFF  # where an RF64 file has its sizes in the chunk `ds64`
# A program that writes into a pipe cannot know the size, and leaves there what it began with: 0, or something large.
LIMIT_SLACK = 1 << 16  # below 2^31 or 2^32, or a little above 2^31, as 0x7ffff000, 0x7fffff00 or 0xffffffdb
LARGE = 10**9  # bytes of samples from which a size may be such a number, as 2000000000
ROUND = 10**6
PRESENT = 64  # a copy that broke off is taken for a stream if less than a 64th of a large size is there


class WavError(NrsrError):
    """Bytes that are not a WAV that nrsr reads; the caller adds file and key."""


@dataclass
class WavHeader:
    """The header of the samples.

    Attributes:
        rate: samples per second.
        channels: samples per moment, interleaved.
        encoding: 1 integer PCM, 3 float.
        bits: bits per sample.
        data_bytes: announced size of the samples, None where the writer did not know it.
        after_data: bytes of further chunks that belong to this WAV.
        streamed: whether the size of the whole file was not known to the writer.
        empty: whether no samples are announced, neither by the samples' size nor by that of the file: a WAV without
            samples, or one whose writer has only written the header of an empty one before it streamed.
    """

    rate: int
    channels: int
    encoding: int
    bits: int
    data_bytes: int | None = None
    after_data: int = 0
    streamed: bool = False
    empty: bool = False

    @property
    def block(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * self.bits // 8

    def is_stream(self, available: int) -> bool:
        """Whether the announced size is no size of a finished file, of which only `available` bytes are there."""
        size = self.data_bytes
        if size is None or self.streamed or is_unwritten(size):
            return True
        return size >= LARGE and (size % self.block > 0 or size % ROUND == 0 or available < size // PRESENT)

    def size(self, available: int) -> int:
        """Bytes of samples, whole blocks, of the `available` ones behind the header.

        Raises:
            Truncated: fewer than a finished file would have.
        """
        size = self.data_bytes
        if size is None or size > available:
            if not self.is_stream(available):
                raise Truncated(
                    f"the header announces {size} bytes of samples but {available} follow; the WAV is truncated "
                    "(no stream of unknown length writes such a size)"
                )
            size = available
        return size - size % self.block


def is_unwritten(size: int) -> bool:
    """Whether a size of 32 bits is one that streaming writers put into the header."""
    return size == 0 or abs(size - (1 << 31)) <= LIMIT_SLACK or (1 << 32) - LIMIT_SLACK <= size < 1 << 32


def read_header(stream: BinaryIO, magic: bytes = b"RIFF") -> WavHeader:
    """Read from just after the magic `RIFF` or `RF64` up to the first sample.

    Raises:
        WavError, Truncated: not a WAV, or an encoding other than PCM of 8-32 bits and float of 32 or 64.
    """
    riff_bytes, kind = struct.unpack("<I4s", take(stream, 8))
    if kind != b"WAVE":
        raise WavError("is a RIFF file but not a WAV; convert it, for example with sox")
    header, position = None, 12
    long_sizes: tuple[int, int] | None = None
    while True:
        name, size = struct.unpack("<4sI", take(stream, 8))
        position += 8
        if name == b"data":
            break
        padded = size + size % 2
        position += padded
        if name == b"fmt ":
            if size > MAX_FORMAT:
                raise WavError(f"its format chunk has {size} bytes; the WAV header is corrupt")
            header = parse_format(take(stream, padded))
        elif name == b"ds64" and magic == b"RF64" and 16 <= size <= MAX_FORMAT:
            long_sizes = struct.unpack("<QQ", take(stream, padded)[:16])
        else:
            skip(stream, padded)
    if header is None:
        raise WavError("the WAV has no format chunk before its data; it is corrupt")
    if long_sizes is not None:
        riff_bytes, size = long_sizes[0], long_sizes[1] if size == IN_DS64 else size
    header.streamed = is_unwritten(riff_bytes)
    header.empty = size == 0 and not header.streamed
    header.data_bytes = None if size == 0 and header.streamed else size
    if not (header.streamed or is_unwritten(size)):
        header.after_data = max(0, riff_bytes + 8 - position - size)
    if header.empty and riff_bytes + 8 > position:
        header.empty, header.after_data = False, riff_bytes + 8 - position  # it has no samples, but other chunks
    return header


def parse_format(content: bytes) -> WavHeader:
    """A header with what a `fmt ` chunk says."""
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
    return WavHeader(rate, channels, encoding, bits)


def decode(content: bytes, header: WavHeader) -> np.ndarray:
    """Samples as float32 in [-1, 1), shape [T, channels]; float WAVs are taken as they are."""
    if header.encoding == FLOAT:
        with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, and is refused
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
    """Read one WAV inside an ark, from just after the magic `RIFF`.

    Returns:
        rate, float32 samples [T, channels]; the stream is then behind the WAV.
    """
    header = read_header(stream)
    content = take_up_to(stream, header.data_bytes)
    size = header.size(len(content))
    if header.data_bytes is None or header.data_bytes > len(content):
        refuse_several(content)
    else:
        skip(stream, header.after_data)
    return header.rate, decode(content[:size], header)


def refuse_several(content: bytes) -> None:
    """Refuse samples up to the end of an ark that contain further WAVs."""
    place = content.find(b" RIFF")
    while place >= 0:
        if content[place + 9 : place + 13] == b"WAVE":
            raise WavError("the WAV has no length and others follow it in the ark; write each into a file of its own")
        place = content.find(b" RIFF", place + 1)


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
