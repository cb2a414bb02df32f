"""Tables: every known way they break gives a message with file, key and cure, and nothing is half written."""

import errno
import gzip
import os
import pickle
import resource
import struct
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from nrsr.errors import NrsrError
from nrsr.kaldi.tables import TableError, TableWriter, WaveWriter, open_table, read_table

LIMIT = 25_000
MATRIX = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.fixture(autouse=True)
def in_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(name: str = "x", **tables: np.ndarray) -> bytes:
    with TableWriter(f"ark,scp:{name}.ark,{name}.scp") as writer:
        for key, value in tables.items():
            writer[key] = value
    return Path(f"{name}.ark").read_bytes()


def put(name: str, content: bytes) -> None:
    with open(name, "wb") as stream:
        stream.write(content)


def failure(rspecifier: str, **options) -> str:
    with pytest.raises(NrsrError) as caught:
        list(read_table(rspecifier, **options))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a \0BFM \4\x02\0\0\0\4\x02\0\0\0" + bytes(7), ["x.ark", "'a'", "truncated", "16 bytes"]),
        (b"a \0BFM \4\xff\xff\xff\x7f\4\xff\xff\xff\x7f" + bytes(64), ["'a'", "truncated or corrupt"]),
        (b"a \0BFM \4\xff\xff\xff\xff\4\x02\0\0\0", ["'a'", "-1"]),
        (b"a \0BFM \1\x02\0\0\0\4\x02\0\0\0", ["'a'", "1 bytes"]),
        (b"a \0BXX \4", ["'a'", "'XX'", "matrices"]),
        (b"a \0BTransition", ["'a'", "unknown type"]),
        (b"a \0C", ["'a'", "no Kaldi ark"]),
        (b"a \0B\4\x02\0\0\0\4\1\0\0\0\2\1\0\0\0", ["'a'", "int32"]),
        (b"a \0B\4\xff\xff\xff\x7f\4\1\0\0\0", ["'a'", "truncated or corrupt"]),
        (b"a \0BCM " + struct.pack("<ffii", 0, 1, 2**30, 2**30), ["'a'", "truncated or corrupt"]),
        (b"a PKL\x80\x04K\x01.", ["'a'", "run code"]),
        (b"a NPY\1\1", ["'a'", "run code"]),
        (b"a [ 1 2\n 3 ]\n", ["'a'", "different lengths"]),
        (b"a [\n 1 2\n 3 4\n", ["'a'", "no ]"]),
        (b"a 1 two\n", ["'a'", "'1 two'", "integers"]),
        (b"a [ 1 x ]\n", ["'a'", "numbers"]),
        (b"a 99999999999\n", ["'a'", "integers"]),
        (b"a \0B\4\0\0\0\0a \0B\4\0\0\0\0", ["'a'", "twice"]),
        (b"a \0B\4\0\0\0\0trailing", ["after key 'a'", "inside a key"]),
        (b"a\n", ["'a'", "no value"]),
        (b" \0B", ["empty"]),
        (b"\xff\xfe \0B", ["UTF-8"]),
        (b"\x7fELF\2\1\1\0\0\0\0", ["no Kaldi ark"]),
        (b"k" * 9000, ["no Kaldi ark"]),
        (b"a RIFF\x24\0\0\0WAVEdata", ["'a'", "truncated"]),
        (b"a AUDIO\1\4abcd", ["'a'", "no audio"]),
    ],
)
def test_broken_arks(content, words):
    put("x.ark", content)
    message = failure("ark:x.ark")
    assert "x.ark" in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("scp", "words"),
    [
        ("a x.ark:2\na x.ark:2\n", ["x.scp:2", "'a'", "line 1"]),
        ("a x.ark:2\n\n", ["x.scp:2", "blank"]),
        ("a\n", ["x.scp:1", "'a'", "no value"]),
        ("a none.ark:2\n", ["x.scp", "'a'", "none.ark", "no such file", "current folder"]),
        ("a x.ark:6\n", ["x.scp", "'a'", "byte 6", "anew"]),
        ("a x.ark:70000\n", ["x.scp", "'a'"]),
        ("a x.ark:2[0:9]\n", ["x.scp", "'a'", "0:9", "outside"]),
        ("a x.ark:2[3:1]\n", ["x.scp", "'a'", "no range"]),
        ("a x.ark:2[0:1,0:1,0:1]\n", ["x.scp", "'a'", "3 ranges"]),
        ("a x.ark:2[0:1,2:3]\n", ["x.scp", "'a'", "2:3", "outside"]),
        ("a cat x.ark |\n", ["x.scp", "'a'", "--allow-pipes"]),
    ],
)
def test_broken_scps(scp, words):
    write(a=MATRIX)
    put("x.scp", scp.encode())
    message = failure("scp:x.scp")
    assert all(word in message for word in words), message


def test_pipes_run_only_when_allowed_and_must_succeed(capfd):
    content = write(a=MATRIX)
    put("value", content[2:])
    put("p.scp", b"a cat value |\n")
    np.testing.assert_array_equal(open_table("p.scp", allow_pipes=True)["a"], MATRIX)
    assert [key for key, _ in read_table("ark:cat x.ark |", allow_pipes=True)] == ["a"]
    message = failure("ark:echo broken >&2; exit 3 |", allow_pipes=True)
    assert "status 3" in message and "broken" in capfd.readouterr().err
    assert "status 127" in failure("ark:no-such-program x |", allow_pipes=True)


def test_random_access_ranges_and_pickling():
    write(a=MATRIX, b=np.arange(5, dtype=np.int64))
    entry = Path("x.scp").read_text().splitlines()[0].split()[1]
    put("r.scp", f"w {entry}[1:2,0:1]\nv {entry}[3:5]\n".encode())
    table = pickle.loads(pickle.dumps(open_table("r.scp")))
    np.testing.assert_array_equal(table["w"], MATRIX[1:3, :2])
    np.testing.assert_array_equal(table["v"], MATRIX[3:])  # up to two frames behind the end are forgiven, as in Kaldi
    assert len(table) == 2 and "x" not in table
    assert open_table("x.scp")["b"].dtype == np.int32
    with pytest.raises(KeyError):
        table["x"]
    put("gone.scp", b"a no-such.ark:7\n")
    assert "a" in open_table("gone.scp")  # what is listed, without reading it


def test_gzip_crlf_and_spaces_in_paths():
    os.mkdir("my data")
    with TableWriter("ark,scp:my data/x.ark,x.scp") as writer:
        writer["a"] = MATRIX
    put("x.scp", Path("x.scp").read_bytes().replace(b"\n", b"\r\n"))
    np.testing.assert_array_equal(open_table("x.scp")["a"], MATRIX)
    content = Path("my data/x.ark").read_bytes()
    with gzip.open("x.ark.gz", "wb") as stream:
        stream.write(content)
    np.testing.assert_array_equal(dict(read_table("ark:x.ark.gz"))["a"], MATRIX)
    put("cut.ark.gz", Path("x.ark.gz").read_bytes()[:-20])
    assert "cut.ark.gz" in failure("ark:cut.ark.gz")
    put("no.ark.gz", b"not gzip at all")
    assert "no.ark.gz" in failure("ark:no.ark.gz")


@pytest.mark.parametrize(
    "spec", ["x.ark", "ark:", "scp", "ark,p:x.ark", "ark,scp:x.ark", "scp:x.scp", "ark:x.gz", "ark:| cat"]
)
def test_bad_wspecifiers(spec):
    with pytest.raises(TableError), TableWriter(spec) as writer:
        writer["a"] = MATRIX
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("a b", MATRIX, "white space"),
        ("", MATRIX, "empty"),
        ("first", MATRIX, "twice"),
        ("a", np.array([1.0, np.nan]), "NaN"),
        ("a", np.array([[np.inf]]), "infinite"),
        ("a", np.zeros((2, 2, 2)), r"\[2, 2, 2\]"),
        ("a", np.array(3.0), "shape"),
        ("a", np.array(["x"]), "<U1"),
        ("a", np.ones((2, 2), np.int32), "int vectors"),
        ("a", np.array([2**31]), "int32"),
        ("a", [[1.0], [1.0, 2.0]], "'a'"),
    ],
)
def test_refused_values_leave_nothing_and_keep_what_stood(key, value, words):
    before = write(old=MATRIX)
    scp = Path("x.scp").read_text()
    with pytest.raises(TableError, match=words), TableWriter("ark,scp:x.ark,x.scp") as writer:
        writer["first"] = MATRIX
        writer[key] = value
    assert sorted(os.listdir()) == ["x.ark", "x.scp"]
    assert (Path("x.ark").read_bytes(), Path("x.scp").read_text()) == (before, scp)


@contextmanager
def small_files():
    """Files may not grow beyond this many bytes, as on a disk that fills; nor may the file that pytest reports to."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("what", ["a large ark", "many small buffered values", "the scp", "the last fsync"])
def test_full_disk_leaves_nothing_half_written(what, monkeypatch):
    before = write(old=MATRIX)
    scp = Path("x.scp").read_text()
    values = {
        "a large ark": {"a": np.zeros((100, 100), np.float32)},
        "many small buffered values": {f"{n:04d}": np.zeros(9, np.float32) for n in range(1000)},
        "the scp": {f"{n:04d}": np.zeros(0, np.int32) for n in range(1900)},  # 12 bytes in the ark, 17 in the scp
        "the last fsync": {"a": MATRIX},
    }[what]
    with monkeypatch.context() as patch:
        if what == "the last fsync":
            patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
        with (
            pytest.raises(OSError, match="No space|too large"),
            small_files(),
            TableWriter("ark,scp:x.ark,x.scp") as writer,
        ):
            for key, value in values.items():
                writer[key] = value
    assert sorted(os.listdir()) == ["x.ark", "x.scp"]
    assert (Path("x.ark").read_bytes(), Path("x.scp").read_text()) == (before, scp)


def test_scp_is_sorted_in_the_c_locale_and_never_points_into_another_ark():
    write(b=MATRIX, B=MATRIX, a_1=MATRIX, a1=MATRIX)
    assert [line.split()[0] for line in Path("x.scp").read_text().splitlines()] == ["B", "a1", "a_1", "b"]
    assert [key for key, _ in read_table("ark:x.ark")] == ["b", "B", "a_1", "a1"]


def test_wave_writer_refuses_what_it_would_spoil():
    for wave, words in [
        (np.array([0.0, 1.01]), "clip"),
        (np.array([0.0, -1.01]), "clip"),
        (np.array([np.nan]), "NaN"),
        (np.zeros(0), "T > 0"),
        (np.zeros((2, 5)), "mono"),
    ]:
        with pytest.raises(TableError, match=words), WaveWriter("w.ark", "wav.scp", 8000) as writer:
            writer["a"] = wave
    assert os.listdir() == []
    wave = np.array([0.1, -1.0, 1.5], np.float32)
    with WaveWriter("w.ark", "wav.scp", 8000, bits=32) as writer:
        writer["a"] = wave
    rate, read = open_table("wav.scp")["a"]
    assert rate == 8000
    np.testing.assert_array_equal(read, wave)


def test_wave_arks_can_be_joined_with_cat():
    with WaveWriter("w.ark", "w.scp", 8000) as writer:
        writer["a"] = np.zeros(11, np.float32)
    with WaveWriter("v.ark", "v.scp", 16000, bits=32) as writer:
        writer["b"] = np.ones(5, np.float32)
    put("both.ark", Path("w.ark").read_bytes() + Path("v.ark").read_bytes())
    assert [(key, rate, len(wave)) for key, (rate, wave) in read_table("ark:both.ark")] == [
        ("a", 8000, 11),
        ("b", 16000, 5),
    ]


def test_row_ranges_may_end_three_frames_behind_as_in_kaldi():
    with TableWriter("ark,scp:m.ark,m.scp") as writer:
        writer["m"] = np.arange(60.0).reshape(20, 3)
    entry = Path("m.scp").read_text().split()[1]
    for last, rows in ((19, 20), (22, 20), (23, None)):
        put("r.scp", f"r {entry}[0:{last}]\n".encode())
        if rows is None:
            assert "outside" in failure("scp:r.scp")
        else:
            assert open_table("r.scp")["r"].shape == (rows, 3)
