"""The audio formats of wav.scp entries: each opens a Recording, which has read its header and not yet its samples."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import soundfile

from nrsr.errors import NrsrError
from nrsr.kaldi import flac, sphere, wav
from nrsr.kaldi.streams import Truncated, is_pipe, take, take_up_to

HEADERLESS = (".wv1", ".wv2", ".raw")  # Aurora-4's names; 16-bit big-endian mono
# First bytes of the files that libsndfile is asked to read; it would take almost anything else for an MP3.
HEADERS = (b"fLaC", b"OggS", b"RIFX", b"FORM", b".snd", b"caff", b"ID3", b"\xff\xfb", b"\xff\xf3")
# libsndfile shortens a file that was cut, and reports it in its log alone: the size of the samples, and what is there.
CUT = re.compile(r"^ *(?:SSND|data|Data Size) *: (\d+) \(should be (\d+)\)", re.MULTILINE)
# Full scale is 1. Float recordings may go over it, but not by 40 dB: those are broken, or 16-bit numbers as floats.
LOUDEST = 100.0
MOST = 1 << 48  # samples; libsndfile marks an unknown length by its largest number
BLOCK = 1 << 22  # samples soundfile reads at once, so that a corrupt count does not ask for terabytes


class RecordingError(NrsrError):
    """Audio in a form that nrsr does not read; the caller adds the entry."""


class Recording(NamedTuple):
    """An opened recording.

    Attributes:
        samples: samples per channel.
        rate: samples per second.
        channels: how many there are.
        read: gives float32 [last - first, channels] of samples first..last-1.
        assumed: assumption for what the header lacks, "" for none.
    """

    samples: int
    rate: int
    channels: int
    read: Callable[[int, int], np.ndarray]
    assumed: str = ""


def split_offset(entry: str) -> tuple[str, int]:
    """("x.ark", 12) of "x.ark:12", and ("x.wav", 0) of "x.wav"."""
    if is_pipe(entry):
        return entry, 0
    name, colon, offset = entry.rpartition(":")
    return (name, int(offset)) if name and colon and offset.isascii() and offset.isdigit() else (entry, 0)


def open_recording(stream: BinaryIO, entry: str, rate: int | None) -> Recording:
    """Open the recording that starts at the position of `stream`.

    Args:
        entry: the entry of wav.scp; its extension identifies headerless files, where there is no header.
        rate: rate of headerless files.

    Raises:
        RecordingError, WavError, SphereError, FlacError, Truncated: another format, or less than the header announces.
        soundfile.SoundFileError: from libsndfile.
    """
    start = stream.tell()
    magic = stream.read(5)
    stream.seek(start)
    if not magic:
        raise Truncated("no bytes are there; the file is empty or truncated, or its scp was written for another ark")
    if magic[:4] in (b"RIFF", b"RF64"):
        return wav_recording(stream)
    if magic == b"AUDIO":  # kaldiio's wrapping of other formats inside arks: the width of a length, the length
        stream.seek(start + 5)
        length = int.from_bytes(take(stream, take(stream, 1)[0]), "little")
        return open_recording(io.BytesIO(take(stream, length)), "", rate)
    if magic[:4] == b"NIST":
        return sphere_recording(stream)
    if Path(entry).suffix.lower() in HEADERLESS:
        return headerless_recording(stream, rate)
    if not magic.startswith(HEADERS):
        raise RecordingError(
            f"is no audio that nrsr knows, its first bytes being {magic!r}; restore it or convert it to WAV "
            f"(headerless 16-bit big-endian audio must be named {', '.join(HEADERLESS)})"
        )
    return soundfile_recording(stream)


def wav_recording(stream: BinaryIO) -> Recording:
    """A WAV, of which only the wanted part will be read."""
    in_ark = stream.tell() > 0
    header = wav.read_header(stream, take(stream, 4))
    data = stream.tell()
    available = stream.seek(0, io.SEEK_END) - data
    if header.empty and not in_ark and available:
        header.data_bytes = None
    announced, size = header.data_bytes, header.size(available)
    assumed = ""
    if announced is None or announced > available:
        assumed = f"the header lacks the length ({announced or 0} bytes of samples); all {size} bytes to the end count"
        if in_ark:
            stream.seek(data)
            wav.refuse_several(take_up_to(stream, None))

    def read(first: int, last: int) -> np.ndarray:
        stream.seek(data + first * header.block)
        return wav.decode(take(stream, (last - first) * header.block), header)

    return Recording(size // header.block, header.rate, header.channels, read, assumed)


def sphere_recording(stream: BinaryIO) -> Recording:
    """NIST sphere, of which only the wanted part will be read."""
    header = sphere.read_header(stream)
    data = stream.tell()
    samples = header.count(stream.seek(0, io.SEEK_END) - data)

    def read(first: int, last: int) -> np.ndarray:
        stream.seek(data + first * header.block)
        return header.decode(take(stream, (last - first) * header.block))

    return Recording(samples, header.rate, header.channels, read)


def headerless_recording(stream: BinaryIO, rate: int | None) -> Recording:
    """16-bit big-endian mono samples without a header (Aurora-4's .wv1 and .wv2)."""
    if rate is None:
        raise RecordingError("has no header with its rate; give it (rate=16000 for Aurora-4's 16k files)")
    start = stream.tell()
    size = stream.seek(0, io.SEEK_END) - start
    if size % 2:
        raise Truncated(f"has an odd number of bytes ({size}), but headerless audio is 16-bit; it is truncated")

    def read(first: int, last: int) -> np.ndarray:
        stream.seek(start + 2 * first)
        samples = np.frombuffer(take(stream, 2 * (last - first)), ">i2").astype(np.float32)
        return samples[:, None] / np.float32(32768.0)

    return Recording(size // 2, rate, 1, read)


def soundfile_recording(stream: BinaryIO) -> Recording:
    """FLAC, Ogg, AIFF and whatever else libsndfile knows by its header."""
    assumed = ""
    if stream.tell() != 0 or str(getattr(stream, "name", "")).lower().endswith(".raw"):
        # soundfile looks for headers at the start of a file, and takes files named .raw for headerless ones.
        stream = io.BytesIO(take_up_to(stream, None))
    if flac.length_is_unknown(head := take_up_to(stream, flac.STREAMINFO + flac.SIZE)):
        stream = io.BytesIO(flac.with_length(head + take_up_to(stream, None)))
        assumed = "the header lacks the length; the last frame has it"
    stream.seek(0)
    file = soundfile.SoundFile(stream)
    if file.samplerate <= 0 or file.channels <= 0:
        raise RecordingError(f"its header says {file.samplerate} Hz and {file.channels} channels; it is corrupt")
    if file.frames >= MOST:
        raise RecordingError("does not state its length; encode it again into a file, not into a pipe")
    if (cut := CUT.search(file.extra_info)) and not wav.is_unwritten(int(cut[1])) and int(cut[1]) > int(cut[2]):
        raise Truncated(f"the header announces {cut[1]} bytes of samples but {cut[2]} follow; the file is truncated")

    def read(first: int, last: int) -> np.ndarray:
        file.seek(first)
        step = max(1, BLOCK // file.channels)
        blocks = []
        for begin in range(first, last, step):
            blocks.append(file.read(min(step, last - begin), dtype="float32", always_2d=True))
            if len(blocks[-1]) < min(step, last - begin):
                raise Truncated(f"the header announces {file.frames} samples but fewer follow; the file is truncated")
        return np.concatenate(blocks) if blocks else np.zeros((0, file.channels), np.float32)

    return Recording(file.frames, file.samplerate, file.channels, read, assumed)


def problem_of_samples(wave: np.ndarray) -> str | None:
    """What is wrong with samples as numbers, or None."""
    # NaN makes both false.
    peak = max(float(wave.max()), -float(wave.min())) if wave.size else 0.0
    if peak <= LOUDEST:
        return None
    if not np.isfinite(wave).all():
        return "contains NaN or infinite samples; restore the file or drop the utterance"
    return (
        f"has a sample of {peak:.4g}, and full scale is 1 (up to {LOUDEST:g}, 40 dB over it, is taken); restore the "
        "file, or divide by 32768 where 16-bit numbers were stored as floats"
    )
