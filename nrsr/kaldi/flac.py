"""The length of a FLAC whose header lacks it, from the position and length of its last frame.

A program that encodes into a pipe leaves the length in the header 0. libsndfile takes that for the largest number there
is, and cannot read such a file through Python. The formats are those of RFC 9639.
"""

from typing import NamedTuple

from nrsr.errors import NrsrError

STREAMINFO = 4 + 4  # bytes before it: the magic and its block's header
SIZE = 34  # bytes of STREAMINFO
MAX_FRAME = 1 << 21  # bytes searched for the last frame, which has some thousand samples of each channel
MAX_TRIED = 4  # what looks like a frame's header seldom is none; the last one of a cut file is followed by no frame
BLOCK_SIZES = {1: 192} | {code: 576 << (code - 2) for code in range(2, 6)} | {code: 1 << code for code in range(8, 16)}
RATE_BYTES = {12: 1, 13: 2, 14: 2}  # codes of the sample rate behind which the rate itself follows


class FlacError(NrsrError):
    """A FLAC of unknown length whose end is no whole frame; the caller adds the entry."""


class Frame(NamedTuple):
    """Where a frame starts, in samples, and how many it has."""

    start: int
    samples: int


def length_is_unknown(content: bytes) -> bool:
    """Whether a FLAC's header lacks its length."""
    info = content[STREAMINFO : STREAMINFO + SIZE]
    return content.startswith(b"fLaC") and len(info) == SIZE and info[13] & 15 == 0 and info[14:18] == bytes(4)


def with_length(content: bytes) -> bytes:
    """The same FLAC with its length in the header.

    Raises:
        FlacError: its end is no whole frame: it is cut short, or something else follows.
    """
    # The largest, since some writers count the last, short frame among the smallest.
    fixed_size = int.from_bytes(content[STREAMINFO + 2 : STREAMINFO + 4], "big")
    frame = last_frame(content, fixed_size)
    if frame is None:
        raise FlacError(
            "is a FLAC that does not state its length and does not end with a whole frame; it is cut short, or tags "
            "follow it; encode it again into a file (`flac -d -c in.flac | flac -f -o out.flac -`)"
        )
    total = frame.start + frame.samples
    place = STREAMINFO + 13
    low = bytes([content[place] & 0xF0 | total >> 32]) + (total & 0xFFFFFFFF).to_bytes(4, "big")
    return content[:place] + low + content[place + 5 :]


def last_frame(content: bytes, fixed_size: int) -> Frame | None:
    """The last frame, whose two checksums are right; None where the file does not end with one.

    Args:
        fixed_size: samples of each frame but the last, for files whose frames are numbered.
    """
    first = max(STREAMINFO + SIZE, len(content) - MAX_FRAME)
    place, tried = content.rfind(b"\xff", first), 0
    while place >= 0 and tried < MAX_TRIED:
        if content[place + 1 : place + 2] in (b"\xf8", b"\xf9"):
            frame = parse_frame(content[place : place + 16], fixed_size)
            if frame is not None and checksum(content[place:], 16, 0x8005) == 0:
                return frame
            tried += frame is not None
        place = content.rfind(b"\xff", first, place)
    return None


def parse_frame(header: bytes, fixed_size: int) -> Frame | None:
    """The fields of a frame's header, or None where its checksum is wrong."""
    if len(header) < 6 or header[3] & 1:
        return None
    size_code, rate_code = header[2] >> 4, header[2] & 15
    number, end = coded_number(header)
    extra = {6: 1, 7: 2}.get(size_code, 0)
    after = end + extra + RATE_BYTES.get(rate_code, 0)
    if number is None or after >= len(header) or checksum(header[: after + 1], 8, 0x07) != 0:
        return None
    samples = int.from_bytes(header[end : end + extra], "big") + 1 if extra else BLOCK_SIZES.get(size_code)
    if samples is None:
        return None
    return Frame(number if header[1] & 1 else number * fixed_size, samples)


def coded_number(header: bytes) -> tuple[int | None, int]:
    """The number of a frame or sample, written like a character of UTF-8, and where it ends."""
    first = header[4]
    if first < 0x80:
        return first, 5
    length = 8 - (first ^ 0xFF).bit_length()  # of leading ones
    if not 2 <= length <= 7 or len(header) < 4 + length:
        return None, 5
    value = first & (0x7F >> length)
    for byte in header[5 : 4 + length]:
        if byte >> 6 != 2:
            return None, 5
        value = value << 6 | byte & 0x3F
    return value, 4 + length


def checksum(content: bytes, bits: int, polynomial: int) -> int:
    """Cyclic redundancy check, which is 0 over content with its own check behind it."""
    mask, table = (1 << bits) - 1, crc_table(bits, polynomial)
    value = 0
    for byte in content:
        value = value << 8 & mask ^ table[value >> (bits - 8) ^ byte]
    return value


def crc_table(bits: int, polynomial: int) -> list[int]:
    """What each byte does to a check."""
    table = []
    for value in range(256):
        value <<= bits - 8
        for _ in range(8):
            value = value << 1 ^ (polynomial if value >> (bits - 1) else 0)
            value &= (1 << bits) - 1
        table.append(value)
    return table
