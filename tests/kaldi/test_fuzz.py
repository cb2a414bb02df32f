"""Random tables come back as they were; mutated files raise nrsr's named errors and nothing else."""

import functools
import gzip
import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nrsr.errors import NrsrError
from nrsr.kaldi.audio import audio_info, read_audio
from nrsr.kaldi.tables import TableWriter, WaveWriter, open_table, read_table

FAST = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# Category Z and C hold white space and control characters, which ids may not have.
IDS = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=6)
FLOATS32 = st.floats(allow_nan=False, allow_infinity=False, width=32)
SHAPES = npst.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=5)
VALUES = (
    npst.arrays(np.float32, SHAPES, elements=FLOATS32)
    | npst.arrays(np.float64, SHAPES, elements=st.floats(allow_nan=False, allow_infinity=False))
    | npst.arrays(np.int32, npst.array_shapes(max_dims=1, min_side=0), elements=st.integers(-(2**31), 2**31 - 1))
)
MUTATIONS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4)


@pytest.fixture(autouse=True)
def in_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def mutate(content: bytes, changes: list[tuple[int, int]], cut: int, extra: bytes) -> bytes:
    """Replace some bytes, cut the end off, put others there."""
    spoilt = bytearray(content)
    for place, value in changes:
        spoilt[place % len(spoilt)] = value
    return bytes(spoilt[: len(spoilt) - cut % len(spoilt)]) + extra


@settings(FAST, max_examples=50)  # each waits for the disk at four fsyncs
@given(tables=st.dictionaries(IDS, VALUES, max_size=5))
def test_any_table_comes_back(tables):
    with TableWriter("ark,scp:x.ark,x.scp") as writer, TableWriter("ark,scp,t:t.ark,t.scp") as text_writer:
        for key, value in tables.items():
            writer[key] = text_writer[key] = value
    from_text = dict(read_table("ark,t:t.ark"))
    for read in (dict(read_table("ark:x.ark")), dict(read_table("scp:x.scp")), open_table("x.scp")):
        assert set(read) == set(tables)
        for key, value in tables.items():
            assert read[key].dtype == value.dtype and read[key].shape == value.shape
            np.testing.assert_array_equal(read[key], value)
    for key, value in tables.items():
        with np.errstate(over="ignore"):
            want = value.astype(np.float32) if value.dtype == np.float64 else value
        np.testing.assert_array_equal(from_text[key].ravel(), want.ravel())
        np.testing.assert_array_equal(open_table("t.scp")[key], from_text[key])


@functools.cache
def sample_ark(compress: bool, text: bool) -> bytes:
    """A valid ark of several objects."""
    rng = np.random.default_rng(0)
    with TableWriter("ark,t:s.ark" if text else "ark:s.ark", compress=compress) as writer:
        writer["matrix"] = rng.standard_normal((12, 3)).astype(np.float32)
        writer["short"] = rng.standard_normal((2, 3))
        if not compress:
            writer["vector"] = rng.standard_normal(5)
            writer["ints"] = np.arange(6)
    if text or compress:
        return Path("s.ark").read_bytes()
    with WaveWriter("w.ark", "w.scp", 8000) as writer:
        writer["wave"] = 0.1 * rng.standard_normal(20)
    return Path("s.ark").read_bytes() + Path("w.ark").read_bytes()


@FAST
@given(st.sampled_from(["binary", "text", "compressed", "gzip"]), MUTATIONS, st.integers(0, 400), st.binary(max_size=8))
def test_mutated_arks(kind, changes, cut, extra):
    content = sample_ark(kind == "compressed", kind == "text")
    name = "x.ark.gz" if kind == "gzip" else "x.ark"
    if kind == "gzip":
        content = gzip.compress(content, mtime=0)
    Path(name).write_bytes(mutate(content, changes, cut, extra))
    try:
        list(read_table(f"ark:{name}"))
    except NrsrError as error:
        assert name in str(error) and "\n" not in str(error)


@FAST
@given(MUTATIONS, st.integers(0, 60), st.binary(max_size=8))
def test_mutated_scps(changes, cut, extra):
    Path("s.ark").write_bytes(sample_ark(False, False))
    scp = b"vector s.ark:7\nmatrix s.ark:7[0:3,1:2]\nagain s.ark:7[2:5]\n"
    Path("x.scp").write_bytes(mutate(scp, changes, cut, extra))
    try:
        list(read_table("scp:x.scp"))
    except NrsrError as error:
        assert "x.scp" in str(error) and "\n" not in str(error)


def encoded(name: str) -> bytes:
    buffer = io.BytesIO()
    wave = 0.3 * np.sin(np.arange(300) * 0.1)
    container, subtype = {
        "a.wav": ("WAV", "PCM_16"),
        "b.wav": ("WAV", "FLOAT"),
        "a.flac": ("FLAC", "PCM_16"),
        "a.sph": ("NIST", "PCM_16"),
        "a.wv1": ("RAW", "PCM_16"),
    }[name]
    soundfile.write(buffer, wave, 8000, subtype=subtype, format=container)
    return buffer.getvalue()


@FAST
@given(
    st.sampled_from(["a.wav", "b.wav", "a.flac", "a.sph", "a.wv1"]),
    st.lists(st.tuples(st.integers(0, 60) | st.integers(0, 2000), st.integers(0, 255)), max_size=4),
    st.integers(0, 1000),
    st.sampled_from([None, 8000]),
)
def test_mutated_audio(name, changes, cut, rate):
    Path(name).write_bytes(mutate(encoded(name), changes, cut, b""))
    for read in (lambda: audio_info(name, rate=rate), lambda: read_audio(name, rate=rate, end=0.02)):
        try:
            read()
        except NrsrError as error:
            assert name in str(error) and "\n" not in str(error)


@pytest.mark.parametrize(
    "content",
    [
        b"a \0BFM \4\xff\xff\xff\x7f\4\xff\xff\xff\x7f",
        b"a \0BDV \4\xff\xff\xff\x7f",
        b"a \0B\4\xff\xff\xff\x7f",
        b"a \0BCM \0\0\0\0\0\0\0\0\xff\xff\xff\x7f\xff\xff\xff\x7f",
        b"a \0BCM3 \0\0\0\0\0\0\0\0\xff\xff\xff\x7f\xff\xff\xff\x7f",
        b"a AUDIO\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"a RIFF\x24\0\0\x30WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\0\0\0\x30",
    ],
)
def test_corrupt_counts_do_not_ask_for_memory(content):
    Path("x.ark").write_bytes(content + bytes(1000))
    tracemalloc.start()
    with pytest.raises(NrsrError, match="'a'"):
        list(read_table("ark:x.ark"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6
