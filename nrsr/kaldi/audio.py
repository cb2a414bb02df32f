"""Reading audio that a wav.scp entry names: WAV, FLAC, NIST sphere, headerless Aurora files, wav arks, pipes."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import soundfile
import soxr

from nrsr.errors import NrsrError
from nrsr.kaldi.recordings import open_recording, problem_of_samples, split_offset
from nrsr.kaldi.streams import READ_FAILURES, check_limit, failure_reason, is_pipe, open_source, run_pipe

MAX_OVERSHOOT = 0.5  # seconds that a segment may end behind its recording, as in Kaldi's extract-segments


class AudioError(NrsrError):
    """Audio that cannot be read as asked; names the entry and the cure."""


class AudioHeader(NamedTuple):
    """The properties of a recording without its samples.

    Attributes:
        samples: per channel.
        rate: samples per second.
        channels: how many there are.
        assumed: assumption for what the header lacks, "" for none.
    """

    samples: int
    rate: int
    channels: int
    assumed: str


def read_audio(
    entry: str | Path,
    *,
    rate: int | None = None,
    channel: int | None = None,
    require_channel: bool = False,
    resample: bool = False,
    allow_pipes: bool = False,
    start: float = 0.0,
    end: float | None = None,
) -> tuple[np.ndarray, int]:
    """Read one recording, or a part of it.

    Args:
        entry: right-hand side of a wav.scp: a path, `x.ark:12`, or `command |`.
        rate: wanted samples per second; None takes what the file has (headerless files need it).
        channel: which channel of recordings with several, counted from 0; mono files are read whatever it is.
        require_channel: refuse mono files where another channel than 0 is wanted, as `segments` may name it.
        resample: convert to `rate` (soxr, high quality) where the file has another.
        allow_pipes: let commands run.
        start, end: seconds; an end of None or below 0 is the end of the recording.

    Returns:
        float32 samples [T] in [-1, 1), and their rate. Float WAVs are taken as they are, a little over 1 too.

    Raises:
        AudioError: missing, empty, corrupt or non-finite audio, or beyond ±100; a rate or channel other than wanted.
    """
    with named(entry), open_entry(str(entry).strip(), allow_pipes) as stream:
        recording = open_recording(stream, str(entry).strip(), rate)
        first, last = sample_range(recording.samples, recording.rate, start, end)
        check_limit(4 * recording.channels * (last - first))
        wave = pick_channel(recording.read(first, last), channel, require_channel)
        if problem := problem_of_samples(wave):
            raise AudioError(f"{entry}: {problem}")
        return to_rate(wave, recording.rate, rate, resample)


def audio_info(entry: str | Path, *, rate: int | None = None, allow_pipes: bool = False) -> tuple[int, int]:
    """(samples per channel, rate) of a recording, from its header; see audio_header."""
    return audio_header(entry, rate=rate, allow_pipes=allow_pipes)[:2]


def audio_header(entry: str | Path, *, rate: int | None = None, allow_pipes: bool = False) -> AudioHeader:
    """Read the header of a recording.

    Args:
        rate: rate of headerless files.

    Raises:
        AudioError: as read_audio.
    """
    with named(entry), open_entry(str(entry).strip(), allow_pipes) as stream:
        recording = open_recording(stream, str(entry).strip(), rate)
        sample_range(recording.samples, recording.rate, 0.0, None)
        return AudioHeader(recording.samples, recording.rate, recording.channels, recording.assumed)


@contextmanager
def named(entry: str | Path) -> Iterator[None]:
    """Turn failures in the block into an AudioError that names the entry."""
    try:
        yield
    except NrsrError as error:
        message = str(error)
        raise AudioError(
            message if message.startswith((f"{entry}", f"{str(entry)!r}")) else f"{entry}: {message}"
        ) from None
    except soundfile.SoundFileError as error:
        reason = str(getattr(error, "error_string", error)).strip().rstrip(".")
        raise AudioError(
            f"{entry}: is no audio that libsndfile can read ({reason}); restore it or convert it to WAV"
        ) from None
    except READ_FAILURES as error:
        raise AudioError(f"{entry}: {failure_reason(error)}") from None


def open_entry(entry: str, allow_pipes: bool) -> BinaryIO:
    """Open the stream of an entry at its offset."""
    if not entry:
        raise AudioError("the entry of wav.scp is empty; complete the line")
    if is_pipe(entry):
        content = run_pipe(entry, allow_pipes)
        if not content:
            raise AudioError("the command wrote nothing; run it by hand to see why")
        return io.BytesIO(content)
    name, offset = split_offset(entry)
    stream = open_source(name)
    if offset:
        stream.seek(offset)
    return stream


def sample_range(samples: int, rate: int, start: float, end: float | None) -> tuple[int, int]:
    """First and last+1 sample of a part given in seconds."""
    if samples == 0:
        raise AudioError("has no samples; restore the file or drop the utterance (nrsr fix-data does)")
    # The small term keeps 0.29 * 100 from becoming 28.
    first = int(start * rate + 1e-4)
    last = samples if end is None or end < 0 else int(end * rate + 1e-4)
    if first >= samples or last > samples + int(MAX_OVERSHOOT * rate):
        raise AudioError(
            f"the part from {start} s to {end} s goes behind the end of the recording at "
            f"{samples / rate:.3f} s; correct the line of segments"
        )
    if not 0 <= first < last:
        raise AudioError(f"the part from {start} s to {end} s is empty; correct the line of segments")
    return first, min(last, samples)


def pick_channel(samples: np.ndarray, channel: int | None, require_channel: bool = False) -> np.ndarray:
    """[T] of [T, channels]; see read_audio."""
    channels = samples.shape[1]
    if channels == 1 and not require_channel:
        return np.ascontiguousarray(samples[:, 0])
    if channel is None and channels != 1:
        raise AudioError(
            f"has {channels} channels; choose one of 0..{channels - 1} (--channel 0, or data.channel: 0 in a config)"
        )
    if channel is not None and not 0 <= channel < channels:
        raise AudioError(f"has no channel {channel}, only 0..{channels - 1}; choose one of them")
    return np.ascontiguousarray(samples[:, channel or 0])


def to_rate(wave: np.ndarray, have: int, wanted: int | None, resample: bool) -> tuple[np.ndarray, int]:
    """Check the rate, or convert to it when asked."""
    if wanted is None or have == wanted:
        return wave, have
    if not resample:
        raise AudioError(
            f"has {have} Hz but {wanted} Hz are wanted; resample it (`sox in.wav -r {wanted} out.wav`), or set "
            f"sample_rate: {have} in the config, if it is from there"
        )
    return soxr.resample(wave, have, wanted, quality="HQ"), wanted
