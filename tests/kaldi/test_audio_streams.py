"""Audio whose header states no length, or a wrong one: read rightly, or refused by name."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from nrsr.kaldi.audio import AudioError, audio_header, audio_info, read_audio
from nrsr.kaldi.tables import TableError, read_table

RATE = 8000
SAMPLES = (8000 * np.sin(np.arange(1600) * 0.07)).astype("<i2")


@pytest.fixture(autouse=True)
def in_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def wav(riff: int, data: int, content: bytes = SAMPLES.tobytes(), before: bytes = b"", magic: bytes = b"RIFF") -> bytes:
    layout = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    return magic + struct.pack("<I", riff) + b"WAVE" + before + layout + b"data" + struct.pack("<I", data) + content


def failure(name: str, **options) -> str:
    with pytest.raises(AudioError) as caught:
        read_audio(name, **options)
    message = str(caught.value)
    assert "\n" not in message and name in message, message
    return message


@pytest.mark.parametrize(
    ("riff", "data"),
    [
        (2000000036, 2000000000),
        (0x7FFFFF24, 0x7FFFFF00),
        (0xFFFFFFFF, 0xFFFFFFDB),
        (0x7FFFF024, 0x7FFFF000),
        (0x80000024, 0x80000000),
        (0x7FFFFFFF, 0x7FFFFFDB),
        (0, 0),
        (36, 0),
        (0xFFFFFFFF, 0),
        (0xFFFFFFFF, 6400),
        (0, 6400),
        (1000000036, 1000000000),
        (0x40000024, 0x40000000),
        (0x3FFFFFFF, 0x3FFFFFFF),
    ],
)
def test_streams_of_unknown_length_reach_to_the_end_of_the_file(riff, data):
    Path("s.wav").write_bytes(wav(riff, data))
    wave, rate = read_audio("s.wav")
    assert rate == RATE and audio_info("s.wav") == (1600, RATE)
    np.testing.assert_array_equal(wave * 32768, SAMPLES)
    assert "to the end" in audio_header("s.wav").assumed
    np.testing.assert_array_equal(read_audio("s.wav", start=0.05, end=0.1)[0], wave[400:800])


@pytest.mark.parametrize("announced", [3202, 6400, 100_000_000, 999_999_998])
def test_what_was_cut_short_is_refused(announced):
    Path("s.wav").write_bytes(wav(announced + 36, announced))
    assert f"announces {announced} bytes of samples but 3200 follow" in failure("s.wav")


def test_a_large_copy_that_broke_off_is_refused():
    """A size that a finished file of hours may have, of which a good part is there (a sparse file)."""
    content = wav(1_234_567_804, 1_234_567_768)
    with open("s.wav", "wb") as stream:
        stream.write(content)
        stream.truncate(400_000_000)
    assert "truncated" in failure("s.wav", end=0.1)


def test_sizes_that_are_right_and_whole():
    assert audio_header("x.wav" if Path("x.wav").write_bytes(wav(3236, 3200)) else "").assumed == ""
    Path("odd.wav").write_bytes(wav(3236, 3199))
    np.testing.assert_array_equal(read_audio("odd.wav")[0] * 32768, SAMPLES[:1599])
    Path("big.wav").write_bytes(wav(3236, 3200, before=b"JUNK" + struct.pack("<I", 3 << 20) + bytes(3 << 20)))
    np.testing.assert_array_equal(read_audio("big.wav")[0] * 32768, SAMPLES)
    Path("none.wav").write_bytes(wav(36 + 12, 0, b"LIST" + struct.pack("<I", 4) + b"abcd"))
    assert "no samples" in failure("none.wav")
    Path("chunk.wav").write_bytes(wav(3236, 3200, before=b"JUNK" + struct.pack("<I", 3 << 30) + bytes(100)))
    assert "truncated" in failure("chunk.wav")


def test_rf64_has_its_sizes_in_a_chunk_of_its_own():
    for size, want in ((3200, 1600), (1600, 800)):
        sizes = b"ds64" + struct.pack("<IQQQI", 28, 3236 + 36, size, 0, 0)
        Path("x.wav").write_bytes(wav(0xFFFFFFFF, 0xFFFFFFFF, before=sizes, magic=b"RF64"))
        np.testing.assert_array_equal(read_audio("x.wav")[0] * 32768, SAMPLES[:want])
    buffer = io.BytesIO()
    soundfile.write(buffer, SAMPLES, RATE, format="RF64")
    Path("y.wav").write_bytes(buffer.getvalue())
    np.testing.assert_array_equal(read_audio("y.wav")[0] * 32768, SAMPLES)
    Path("z.wav").write_bytes(buffer.getvalue()[:-100])
    assert "truncated" in failure("z.wav")


@pytest.mark.parametrize(("container", "endian"), [("AIFF", "FILE"), ("AU", "FILE"), ("WAV", "BIG")])
def test_other_formats_that_were_cut_are_refused(container, endian):
    soundfile.write("whole", SAMPLES, RATE, format=container, endian=endian, subtype="PCM_16")
    np.testing.assert_array_equal(read_audio("whole")[0] * 32768, SAMPLES)
    Path("cut").write_bytes(Path("whole").read_bytes()[:-200])
    assert "truncated" in failure("cut")


def test_wavs_of_unknown_length_inside_arks():
    stream = wav(0xFFFFFFFF, 0xFFFFFFFF)
    Path("one.ark").write_bytes(b"a " + wav(3236, 3200) + b"b " + stream)
    values = dict(read_table("ark:one.ark"))
    np.testing.assert_array_equal(values["b"][1], values["a"][1])
    np.testing.assert_array_equal(read_audio(f"one.ark:{2 + 3244 + 2}")[0], values["a"][1])
    Path("two.ark").write_bytes(b"a " + stream + b"b " + stream)
    with pytest.raises(TableError, match="'a': the WAV has no length and others follow"):
        dict(read_table("ark:two.ark"))
    assert "others follow" in failure("two.ark:2")


@pytest.mark.parametrize(
    ("subtype", "channels", "rate"), [("PCM_16", 1, 8000), ("PCM_24", 2, 44100), ("PCM_S8", 1, 96000)]
)
@pytest.mark.parametrize("samples", [1, 100, 4096, 4097, 150_000])
def test_flac_of_unknown_length(subtype, channels, rate, samples):
    waves = np.random.default_rng(samples).uniform(-0.5, 0.5, (samples, channels))
    soundfile.write("x.flac", waves, rate, subtype=subtype)
    content = bytearray(Path("x.flac").read_bytes())
    want = soundfile.read("x.flac", dtype="float32", always_2d=True)[0]
    content[21] &= 0xF0  # the four upper bits of the count, behind the sample size
    content[22:26] = bytes(4)
    Path("s.flac").write_bytes(content)
    assert audio_info("s.flac") == (samples, rate)
    np.testing.assert_array_equal(read_audio("s.flac", channel=0)[0], want[:, 0])
    Path("c.flac").write_bytes(content[:-3])
    assert "does not state its length" in failure("c.flac", channel=0)
    Path("x.ark").write_bytes(b"a AUDIO" + bytes([4]) + len(content).to_bytes(4, "little") + bytes(content))
    np.testing.assert_array_equal(dict(read_table("ark:x.ark"))["a"][1].reshape(-1, channels), want)


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "ULAW", "ALAW"])
def test_sphere_as_libsndfile_reads_it(subtype):
    waves = np.stack([SAMPLES, SAMPLES[::-1] // 3], axis=1)
    soundfile.write("x.sph", waves, RATE, format="NIST", subtype=subtype)
    want = soundfile.read("x.sph", dtype="float32")[0]
    for channel in (0, 1):
        np.testing.assert_array_equal(read_audio("x.sph", channel=channel)[0], want[:, channel])


def sphere(*fields: str, content: bytes = SAMPLES.tobytes()) -> bytes:
    lines = ["sample_n_bytes -i 2", "sample_byte_format -s2 01", "channel_count -i 1", *fields, "end_head", ""]
    return b"NIST_1A\n   1024\n" + "\n".join(lines).ljust(1008).encode() + content


def test_sphere_fields_are_followed_or_refused():
    Path("a.sph").write_bytes(sphere("sample_rate -i 8000", "sample_count -i 700"))
    np.testing.assert_array_equal(read_audio("a.sph")[0] * 32768, SAMPLES[:700])
    Path("b.sph").write_bytes(sphere("sample_rate -r 8000.0", "sample_coding -s3 pcm"))
    assert audio_info("b.sph") == (1600, 8000)
    for fields, words in (
        (["sample_rate -i 8000", "sample_count -i 1601"], ["3202 bytes", "3200 follow"]),
        (["sample_rate -r 8000.5"], ["sample_rate", "8000.5"]),
        (["sample_count -i 5"], ["0 Hz"]),
        (["sample_rate -i 8000", "sample_coding -s27 pcm,embedded-wavpack-v2.00"], ["wavpack", "w_decode"]),
        (["sample_rate -i 8000", "sample_coding -s26 pcm,embedded-shorten-v2.00"], ["shorten", "sph2pipe"]),
        (["sample_rate -i 8000", "sample_coding -s4 what"], ["what"]),
        (["sample_rate -i 8000", "sample_n_bytes -i 4"], ["4 bytes"]),
    ):
        Path("bad.sph").write_bytes(sphere(*fields))
        message = failure("bad.sph")
        assert all(word in message for word in words), message


def test_samples_that_are_no_sound_are_refused_and_loud_ones_taken():
    wave = np.full(800, 0.25, np.float32)
    for peak, taken in ((1.5, True), (-99.0, True), (1e30, False), (-32767.0, False), (np.nan, False)):
        wave[100] = peak
        soundfile.write("f.wav", wave, RATE, subtype="FLOAT")
        Path("f.ark").write_bytes(b"a " + Path("f.wav").read_bytes())
        if taken:
            np.testing.assert_array_equal(read_audio("f.wav")[0], dict(read_table("ark:f.ark"))["a"][1])
            continue
        assert ("full scale is 1" if np.isfinite(peak) else "NaN") in failure("f.wav")
        with pytest.raises(TableError, match="f.ark: key 'a': its audio"):
            dict(read_table("ark:f.ark"))
    soundfile.write("d.wav", np.array([0.1, 1e300, 0.1]), RATE, subtype="DOUBLE")
    assert "infinite" in failure("d.wav")
