"""Reading audio that a wav.scp entry names: WAV, FLAC, NIST sphere, headerless Aurora files, wav arks, pipes."""

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from nrsr.errors import NrsrError
from nrsr.kaldi import wav
from nrsr.kaldi.streams import StreamError, Truncated, is_pipe, open_source, run_pipe, take

HEADERLESS = (".wv1", ".wv2", ".raw")  # Aurora-4's names; 16-bit big-endian mono
MAX_OVERSHOOT = 0.5  # seconds that a segment may end behind its recording, as in Kaldi's extract-segments


class AudioError(NrsrError):
    """Audio that cannot be read as asked; names the entry and the cure."""


def split_offset(entry: str) -> tuple[str, int]:
    """("x.ark", 12) of "x.ark:12", and ("x.wav", 0) of "x.wav"."""
    name, colon, offset = entry.rpartition(":")
    return (name, int(offset)) if colon and offset.isascii() and offset.isdigit() else (entry, 0)


def read_audio(
    entry: str | Path,
    *,
    rate: int | None = None,
    channel: int | None = None,
    resample: bool = False,
    allow_pipes: bool = False,
    start: float = 0.0,
    end: float | None = None,
) -> tuple[np.ndarray, int]:
    """Read one recording, or a part of it.

    Args:
        entry: right-hand side of a wav.scp: a path, `x.ark:12`, or `command |`.
        rate: wanted samples per second; None takes what the file has (headerless files need it).
        channel: which channel, counted from 0; mono files need none.
        resample: convert to `rate` (soxr, high quality) where the file has another.
        allow_pipes: let commands run.
        start, end: seconds; an end of None or below 0 is the end of the recording.

    Returns:
        float32 samples [T] in [-1, 1), and their rate.

    Raises:
        AudioError: missing, empty, corrupt or non-finite audio; a rate or channel other than wanted.
    """
    entry = str(entry).strip()
    try:
        with open_entry(entry, allow_pipes) as stream:
            samples, header_rate = read_samples(stream, entry, rate, start, end)
    except AudioError:
        raise
    except NrsrError as error:
        raise AudioError(f"{entry}: {error}" if entry not in str(error) else str(error)) from None
    except soundfile.SoundFileError as error:
        raise AudioError(f"{entry}: {one_line(error)}; convert it to WAV, for example with sox") from None
    except (OSError, EOFError) as error:
        raise AudioError(f"{entry}: cannot be read ({error}); the file is corrupt or the disk fails") from None
    wave = pick_channel(samples, channel, entry)
    if len(wave) == 0:
        raise AudioError(f"{entry}: has no samples; drop the utterance (nrsr fix-data does) or restore the file")
    if not np.isfinite(wave).all():
        raise AudioError(f"{entry}: contains NaN or infinite samples; restore the file or drop the utterance")
    return to_rate(wave, header_rate, rate, resample, entry)


def one_line(error: Exception) -> str:
    """soundfile's message without the repr of the stream it was given."""
    return str(getattr(error, "error_string", error)).strip().rstrip(".")


def open_entry(entry: str, allow_pipes: bool) -> BinaryIO:
    """The stream of an entry, standing at its offset."""
    if not entry:
        raise AudioError("the entry is empty; complete the line of wav.scp")
    if is_pipe(entry):
        content = run_pipe(entry, allow_pipes)
        if not content:
            raise AudioError(f"{entry}: the command wrote nothing; run it by hand to see why")
        return io.BytesIO(content)
    name, offset = split_offset(entry)
    if offset == 0 and Path(entry).is_file():
        name = entry  # a plain file whose name ends like an offset
    stream = open_source(name)
    if offset:
        stream.seek(offset)
    return stream


def read_samples(
    stream: BinaryIO, entry: str, wanted: int | None, start: float, end: float | None
) -> tuple[np.ndarray, int]:
    """Samples [T, channels] between `start` and `end` seconds, and the rate of the header."""
    magic = stream.read(4)
    if magic == b"RIFF":
        return read_wav_part(stream, entry, start, end)
    if len(magic) == 4 and magic + stream.read(1) == b"AUDIO":  # kaldiio's wrapping of other formats inside arks
        stream = io.BytesIO(take(stream, int.from_bytes(take(stream, take(stream, 1)[0]), "little")))
    elif Path(entry).suffix.lower() in HEADERLESS and magic != b"NIST":
        return read_headerless(stream, entry, wanted, start, end)
    else:
        rewind(stream, entry)
        check_sphere(stream, magic, entry)
        if split_offset(entry)[1]:
            stream = io.BytesIO(stream.read())  # soundfile looks for the header at the start of a file
    with soundfile.SoundFile(stream) as file:
        first, last = sample_range(file.frames, file.samplerate, start, end, entry)
        file.seek(first)
        samples = file.read(last - first, dtype="float32", always_2d=True)
        if len(samples) != last - first:
            raise AudioError(
                f"{entry}: only {len(samples)} of {last - first} samples can be read; the file is truncated"
            )
        return samples, file.samplerate


def rewind(stream: BinaryIO, entry: str) -> None:
    """Back to the first byte of the recording."""
    stream.seek(0 if is_pipe(entry) else split_offset(entry)[1])


def read_wav_part(stream: BinaryIO, entry: str, start: float, end: float | None) -> tuple[np.ndarray, int]:
    """A WAV, of which only the wanted part is read from disk."""
    header = wav.read_header(stream)
    here = stream.tell()
    available = stream.seek(0, io.SEEK_END) - here
    announced = available - available % header.block if header.data_bytes is None else header.data_bytes
    if announced > available or announced % header.block:
        raise Truncated(f"its header announces {announced} bytes of samples but {available} follow; it is truncated")
    first, last = sample_range(announced // header.block, header.rate, start, end, entry)
    stream.seek(here + first * header.block)
    return wav.decode(take(stream, (last - first) * header.block), header), header.rate


def read_headerless(
    stream: BinaryIO, entry: str, wanted: int | None, start: float, end: float | None
) -> tuple[np.ndarray, int]:
    """16-bit big-endian samples without a header (Aurora-4's .wv1 and .wv2); the rate is the wanted one."""
    if wanted is None:
        raise AudioError(f"{entry}: has no header that tells its rate; say which (rate=16000 for Aurora-4's 16k)")
    rewind(stream, entry)
    content = stream.read()
    if len(content) % 2:
        raise Truncated(f"has an odd number of bytes ({len(content)}), but headerless audio is 16-bit; it is truncated")
    first, last = sample_range(len(content) // 2, wanted, start, end, entry)
    samples = np.frombuffer(content, ">i2")[first:last].astype(np.float32) / np.float32(32768.0)
    return samples[:, None], wanted


def check_sphere(stream: BinaryIO, magic: bytes, entry: str) -> None:
    """Refuse what soundfile would misread of NIST sphere: shorten compression and missing samples."""
    if magic != b"NIST":
        return
    here = stream.tell()
    fields = sphere_fields(stream.read(1024))
    size = stream.seek(0, io.SEEK_END) - here
    stream.seek(here)
    if "shorten" in fields.get("sample_coding", ""):
        raise AudioError(
            f"{entry}: is a NIST sphere file compressed by shorten; convert it with `sph2pipe -f wav in.wv1 out.wav`, "
            "or write `sph2pipe -f wav in.wv1 |` in wav.scp and pass --allow-pipes"
        )
    counts = [fields.get(name, "") for name in ("sample_count", "sample_n_bytes", "channel_count")]
    if all(count.isdigit() for count in counts):
        announced = int(counts[0]) * int(counts[1]) * int(counts[2])
        if announced > size - 1024:
            raise Truncated(f"its header announces {announced} bytes of samples but {size - 1024} follow")


def sphere_fields(header: bytes) -> dict[str, str]:
    """name -> value of a NIST sphere header's lines such as `sample_rate -i 16000`."""
    lines = header.decode("latin1").split("\n")
    return {words[0]: words[2].strip() for words in (line.split(None, 2) for line in lines) if len(words) == 3}


def sample_range(samples: int, rate: int, start: float, end: float | None, entry: str) -> tuple[int, int]:
    """First and last+1 sample of a part given in seconds."""
    # The small term keeps 0.29 * 100 from becoming 28.
    first = int(start * rate + 1e-4)
    last = samples if end is None or end < 0 else int(end * rate + 1e-4)
    if first < 0 or (first, last) != (0, samples) and not first < last:
        raise AudioError(f"{entry}: the part from {start} s to {end} s is empty; correct the line of segments")
    if first and first >= samples or last > samples + int(MAX_OVERSHOOT * rate):
        raise AudioError(
            f"{entry}: the part from {start} s to {end} s is behind the end of the recording at "
            f"{samples / rate:.3f} s; correct the line of segments"
        )
    return first, min(last, samples)


def pick_channel(samples: np.ndarray, channel: int | None, entry: str) -> np.ndarray:
    """[T] of [T, channels]."""
    channels = samples.shape[1]
    if channel is None:
        if channels != 1:
            raise AudioError(f"{entry}: has {channels} channels; choose one of 0..{channels - 1} (channel=0)")
        return np.ascontiguousarray(samples[:, 0])
    if not 0 <= channel < channels:
        raise AudioError(f"{entry}: has no channel {channel}, only 0..{channels - 1}; choose one of them")
    return np.ascontiguousarray(samples[:, channel])


def to_rate(wave: np.ndarray, have: int, wanted: int | None, resample: bool, entry: str) -> tuple[np.ndarray, int]:
    """Check the rate, or convert to it when asked."""
    if wanted is None or have == wanted:
        return wave, have
    if not resample:
        raise AudioError(
            f"{entry}: has {have} Hz but {wanted} Hz are wanted; resample it (resample=True, or "
            f"`sox in.wav -r {wanted} out.wav`) or change the wanted rate"
        )
    return soxr.resample(wave, have, wanted, quality="HQ"), wanted


def audio_info(entry: str | Path, *, rate: int | None = None, allow_pipes: bool = False) -> tuple[int, int]:
    """(samples per channel, rate) of a recording, from its header where it has one.

    Args:
        rate: rate of headerless files.

    Raises:
        AudioError: as read_audio.
    """
    entry = str(entry).strip()
    try:
        with open_entry(entry, allow_pipes) as stream:
            magic = stream.read(4)
            if magic == b"RIFF":
                header = wav.read_header(stream)
                here = stream.tell()
                available = stream.seek(0, io.SEEK_END) - here
                announced = available if header.data_bytes is None else header.data_bytes
                if announced > available:
                    raise Truncated(f"its header announces {announced} bytes of samples but {available} follow")
                return announced // header.block, header.rate
            if magic == b"fLaC" and not split_offset(entry)[1]:
                stream.seek(0)
                with soundfile.SoundFile(stream) as file:
                    return file.frames, file.samplerate
            rewind(stream, entry)
            samples, header_rate = read_samples(stream, entry, rate, 0.0, None)
            return len(samples), header_rate
    except AudioError:
        raise
    except StreamError as error:
        raise AudioError(str(error)) from None
    except NrsrError as error:
        raise AudioError(f"{entry}: {error}") from None
    except soundfile.SoundFileError as error:
        raise AudioError(f"{entry}: {one_line(error)}; convert it to WAV, for example with sox") from None
    except (OSError, EOFError) as error:
        raise AudioError(f"{entry}: cannot be read ({error}); the file is corrupt or the disk fails") from None
