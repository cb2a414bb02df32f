"""The audio formats behind a wav.scp entry: each gives a Recording, whose header is read and whose samples wait."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import soundfile

from nrsr.errors import NrsrError
from nrsr.kaldi import wav
from nrsr.kaldi.streams import Truncated, is_pipe, take

HEADERLESS = (".wv1", ".wv2", ".raw")  # Aurora-4's names; 16-bit big-endian mono
# First bytes of the files that libsndfile is asked to read; it would take almost anything else for an MP3.
HEADERS = (b"fLaC", b"NIST", b"OggS", b"RIFX", b"RF64", b"FORM", b".snd", b"caff", b"ID3", b"\xff\xfb", b"\xff\xf3")
BLOCK = 1 << 22  # samples soundfile reads at once, so that a corrupt count does not ask for terabytes


class RecordingError(NrsrError):
    """Audio in a form that nrsr does not read; the caller adds the entry."""


class Recording(NamedTuple):
    """An opened recording.

    Attributes:
        samples: samples per channel.
        rate: samples per second.
        read: gives float32 [last - first, channels] of samples first..last-1.
    """

    samples: int
    rate: int
    read: Callable[[int, int], np.ndarray]


def split_offset(entry: str) -> tuple[str, int]:
    """("x.ark", 12) of "x.ark:12", and ("x.wav", 0) of "x.wav"."""
    if is_pipe(entry):
        return entry, 0
    name, colon, offset = entry.rpartition(":")
    return (name, int(offset)) if name and colon and offset.isascii() and offset.isdigit() else (entry, 0)


def open_recording(stream: BinaryIO, entry: str, rate: int | None) -> Recording:
    """The recording that starts where `stream` stands.

    Args:
        entry: the entry of wav.scp; its extension tells headerless files, and only where no header is seen.
        rate: rate of headerless files.

    Raises:
        RecordingError, WavError, Truncated: another format, or less than the header announces.
        soundfile.SoundFileError: what libsndfile has to say.
    """
    start = stream.tell()
    magic = stream.read(5)
    stream.seek(start)
    if not magic:
        raise Truncated("no bytes are there; the file is empty or truncated, or its scp was written for another ark")
    if magic[:4] == b"RIFF":
        return wav_recording(stream)
    if magic == b"AUDIO":  # kaldiio's wrapping of other formats inside arks: the width of a length, the length
        stream.seek(start + 5)
        length = int.from_bytes(take(stream, take(stream, 1)[0]), "little")
        return open_recording(io.BytesIO(take(stream, length)), "", rate)
    if magic[:4] == b"NIST":
        check_sphere(stream)
    elif Path(entry).suffix.lower() in HEADERLESS:
        return headerless_recording(stream, rate)
    elif not magic.startswith(HEADERS):
        raise RecordingError(
            f"is no audio that nrsr knows, its first bytes being {magic!r}; restore it or convert it to WAV "
            f"(headerless 16-bit big-endian audio must be named {', '.join(HEADERLESS)})"
        )
    return soundfile_recording(stream)


def wav_recording(stream: BinaryIO) -> Recording:
    """A WAV, of which only the wanted part will be read."""
    stream.seek(4, io.SEEK_CUR)
    header = wav.read_header(stream)
    data = stream.tell()
    available = stream.seek(0, io.SEEK_END) - data
    size = available - available % header.block if header.data_bytes is None else header.data_bytes
    if size > available or size % header.block:
        raise Truncated(f"the header announces {size} bytes of samples but {available} follow; the WAV is truncated")

    def read(first: int, last: int) -> np.ndarray:
        stream.seek(data + first * header.block)
        return wav.decode(take(stream, (last - first) * header.block), header)

    return Recording(size // header.block, header.rate, read)


def headerless_recording(stream: BinaryIO, rate: int | None) -> Recording:
    """16-bit big-endian mono samples without a header (Aurora-4's .wv1 and .wv2)."""
    if rate is None:
        raise RecordingError("has no header that tells its rate; say which (rate=16000 for Aurora-4's 16k files)")
    start = stream.tell()
    size = stream.seek(0, io.SEEK_END) - start
    if size % 2:
        raise Truncated(f"has an odd number of bytes ({size}), but headerless audio is 16-bit; it is truncated")

    def read(first: int, last: int) -> np.ndarray:
        stream.seek(start + 2 * first)
        samples = np.frombuffer(take(stream, 2 * (last - first)), ">i2").astype(np.float32)
        return samples[:, None] / np.float32(32768.0)

    return Recording(size // 2, rate, read)


def soundfile_recording(stream: BinaryIO) -> Recording:
    """FLAC, NIST sphere, Ogg and whatever else libsndfile knows by its header."""
    if stream.tell() != 0 or str(getattr(stream, "name", "")).lower().endswith(".raw"):
        # soundfile looks for headers at the start of a file, and takes files named .raw for headerless ones.
        stream = io.BytesIO(stream.read())
    file = soundfile.SoundFile(stream)
    if file.samplerate <= 0 or file.channels <= 0:
        raise RecordingError(f"its header says {file.samplerate} Hz and {file.channels} channels; it is corrupt")

    def read(first: int, last: int) -> np.ndarray:
        file.seek(first)
        step = max(1, BLOCK // file.channels)
        blocks = []
        for begin in range(first, last, step):
            blocks.append(file.read(min(step, last - begin), dtype="float32", always_2d=True))
            if len(blocks[-1]) < min(step, last - begin):
                raise Truncated(f"the header announces {file.frames} samples but fewer follow; the file is truncated")
        return np.concatenate(blocks) if blocks else np.zeros((0, file.channels), np.float32)

    return Recording(file.frames, file.samplerate, read)


def check_sphere(stream: BinaryIO) -> None:
    """Refuse what libsndfile would misread of NIST sphere: shorten compression and missing samples."""
    start = stream.tell()
    fields = sphere_fields(stream.read(1024))
    size = stream.seek(0, io.SEEK_END) - start
    stream.seek(start)
    if "shorten" in fields.get("sample_coding", ""):
        raise RecordingError(
            "is a NIST sphere file compressed by shorten; convert it with `sph2pipe -f wav in.wv1 out.wav`, "
            "or write `sph2pipe -f wav in.wv1 |` in wav.scp and pass --allow-pipes"
        )
    counts = [fields.get(name, "") for name in ("sample_count", "sample_n_bytes", "channel_count")]
    if all(count.isascii() and count.isdigit() for count in counts):
        announced = int(counts[0]) * int(counts[1]) * int(counts[2])
        if announced > size - 1024:
            raise Truncated(f"the header announces {announced} bytes of samples but {max(0, size - 1024)} follow")


def sphere_fields(header: bytes) -> dict[str, str]:
    """name -> value of the lines of a NIST sphere header, such as `sample_rate -i 16000`."""
    lines = header.decode("latin1").split("\n")
    return {words[0]: words[2].strip() for words in (line.split(None, 2) for line in lines) if len(words) == 3}
