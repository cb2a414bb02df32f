"""NIST sphere audio: the header's fields, and PCM, mu-law and A-law samples as numpy arrays.

libsndfile overlooks how many samples the header announces, and a rate that is written as a real number.
"""

from typing import BinaryIO, NamedTuple

import numpy as np

from nrsr.errors import NrsrError
from nrsr.kaldi.streams import Truncated, take

MAGIC = b"NIST_1A"
MAX_HEADER = 1 << 20  # bytes; most have 1024
CODINGS = {"pcm": "pcm", "pcm-2": "pcm", "ulaw": "ulaw", "mu-law": "ulaw", "alaw": "alaw", "a-law": "alaw"}
BYTE_ORDERS = {"01": "<i2", "10": ">i2"}


class SphereError(NrsrError):
    """A NIST sphere file that nrsr does not read; the caller adds the entry."""


class SphereHeader(NamedTuple):
    """The header of the samples.

    Attributes:
        rate: samples per second.
        channels: samples per moment, interleaved.
        samples: of each channel, None where the header lacks it.
        coding: "pcm", "ulaw" or "alaw".
        dtype: of a stored sample, as numpy spells it.
    """

    rate: int
    channels: int
    samples: int | None
    coding: str
    dtype: str

    @property
    def block(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * np.dtype(self.dtype).itemsize

    def count(self, available: int) -> int:
        """Samples per channel among `available` bytes behind the header.

        Raises:
            Truncated: fewer than the header announces.
        """
        if self.samples is None:
            return available // self.block
        if self.samples * self.block > available:
            raise Truncated(f"the header announces {self.samples * self.block} bytes of samples but {available} follow")
        return self.samples

    def decode(self, content: bytes) -> np.ndarray:
        """Samples as float32 in [-1, 1), shape [T, channels]."""
        stored = np.frombuffer(content, self.dtype)
        if self.coding != "pcm":
            samples = (mu_law_levels() if self.coding == "ulaw" else a_law_levels())[stored]
        elif stored.dtype.itemsize == 1:
            samples = stored.view(np.int8).astype(np.float32) / np.float32(128.0)
        else:
            samples = stored.astype(np.float32) / np.float32(32768.0)
        return samples.reshape(-1, self.channels)


def read_header(stream: BinaryIO) -> SphereHeader:
    """Read from the magic `NIST_1A` up to the first sample.

    Raises:
        SphereError, Truncated: no such header, or a coding that nrsr does not read.
    """
    start = take(stream, 16)
    if not start.startswith(MAGIC) or not start[8:].strip().isdigit():
        raise SphereError("its NIST sphere header does not begin with NIST_1A and its size; it is corrupt")
    size = int(start[8:])
    if not 16 < size <= MAX_HEADER:
        raise SphereError(f"its NIST sphere header has {size} bytes; it is corrupt")
    return parse_fields(header_fields(take(stream, size - 16)))


def header_fields(header: bytes) -> dict[str, str]:
    """name -> value of lines such as `sample_rate -i 16000`."""
    fields = {}
    for line in header.decode("latin1").split("\n"):
        if line.strip() == "end_head":
            break
        words = line.split(None, 2)
        if len(words) == 3:
            fields[words[0]] = words[2].strip()
    return fields


def parse_fields(fields: dict[str, str]) -> SphereHeader:
    """A header of the fields' values."""
    coding = fields.get("sample_coding", "pcm")
    width = number(fields, "sample_n_bytes", 1 if CODINGS.get(coding) in ("ulaw", "alaw") else 2)
    order = fields.get("sample_byte_format", "")
    if coding in CODINGS and order.lower() in CODINGS:  # some writers put the coding there
        coding, order = order.lower(), "1"
    if coding not in CODINGS:
        if "shorten" in coding:
            cure = (
                "convert it with `sph2pipe -f wav in.wv1 out.wav`, or write `sph2pipe -f wav in.wv1 |` in wav.scp and "
                "pass --allow-pipes"
            )
        else:
            cure = "convert it with NIST's `w_decode -o pcm in.sph out.sph`"
        raise SphereError(f"is a NIST sphere file whose samples are coded as {coding}; {cure}")
    if width not in (1, 2) or (width == 2 and (CODINGS[coding] != "pcm" or order not in BYTE_ORDERS)):
        raise SphereError(
            f"is a NIST sphere file with samples of {width} bytes in the order {order or 'that it does not state'}; "
            "convert it to 16-bit PCM WAV with sox or sph2pipe"
        )
    rate, channels = number(fields, "sample_rate", 0), number(fields, "channel_count", 1)
    if rate < 1 or not 1 <= channels <= 1024:
        raise SphereError(f"its NIST sphere header says {rate} Hz and {channels} channels; it is corrupt")
    samples = number(fields, "sample_count", 0)
    return SphereHeader(rate, channels, samples or None, CODINGS[coding], BYTE_ORDERS[order] if width == 2 else "u1")


def number(fields: dict[str, str], name: str, default: int) -> int:
    """A whole number, also where it is written as a real one (`sample_rate -r 8000.0`)."""
    text = fields.get(name)
    if text is None:
        return default
    try:
        value = float(text)
        if value == int(value) and 0 <= value < 1 << 53:
            return int(value)
    except (ValueError, OverflowError):
        pass
    raise SphereError(f"its NIST sphere header says {name} {text!r}, which is no whole number; it is corrupt")


def mu_law_levels() -> np.ndarray:
    """float32 [256]: the value of each code of ITU-T G.711's mu-law."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code >> 4 & 7).astype(np.int32), (code & 15).astype(np.int32)
    magnitude = ((2 * mantissa + 33) << exponent) - 33
    return (np.where(code & 128, -magnitude, magnitude) / np.float32(8192.0)).astype(np.float32)


def a_law_levels() -> np.ndarray:
    """float32 [256]: the value of each code of ITU-T G.711's A-law."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent, mantissa = (code >> 4 & 7).astype(np.int32), (code & 15).astype(np.int32)
    magnitude = np.where(exponent == 0, 2 * mantissa + 1, (2 * mantissa + 33) << np.maximum(exponent - 1, 0))
    return (np.where(code & 128, magnitude, -magnitude) / np.float32(4096.0)).astype(np.float32)
