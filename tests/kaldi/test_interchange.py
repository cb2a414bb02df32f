"""Tables against kaldi_native_io, which is Kaldi's own C++ input and output: what one writes the other reads."""

from pathlib import Path

import kaldiio
import numpy as np
import pytest

from nrsr.kaldi.tables import TableWriter, WaveWriter, open_table, read_table

native = pytest.importorskip("kaldi_native_io", reason="needs kaldi_native_io, the independent implementation")

KINDS = {
    "float matrix": ("FloatMatrix", np.float32, (7, 3)),
    "double matrix": ("DoubleMatrix", np.float64, (5, 4)),
    "float vector": ("FloatVector", np.float32, (6,)),
    "double vector": ("DoubleVector", np.float64, (6,)),
    "int vector": ("Int32Vector", np.int32, (9,)),
}


@pytest.fixture(autouse=True)
def in_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def values(kind: str) -> dict[str, np.ndarray]:
    _, dtype, shape = KINDS[kind]
    rng = np.random.default_rng(7)
    return {key: (1e3 * rng.standard_normal(shape)).astype(dtype) for key in ("b", "a", "utt-ü_3")}


def same(got, want: np.ndarray) -> None:
    got = np.asarray(got)
    assert got.dtype == want.dtype and got.shape == want.shape
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("text", ["", ",t"])
@pytest.mark.parametrize("kind", KINDS)
def test_kaldi_reads_ours(kind, text):
    want = values(kind)
    with TableWriter(f"ark,scp{text}:x.ark,x.scp") as writer:
        for key, value in want.items():
            writer[key] = value
    name = KINDS[kind][0]
    with getattr(native, f"Sequential{name}Reader")("ark:x.ark") as reader:
        read = {key: np.array(value) for key, value in reader}
    assert list(read) == list(want)
    reader = getattr(native, f"RandomAccess{name}Reader")("scp:x.scp")
    for key in want:
        cast = np.array(read[key]).astype(want[key].dtype)
        same(cast, want[key])
        same(np.array(reader[key]).astype(want[key].dtype), want[key])
    reader.close()


@pytest.mark.parametrize("text", ["", ",t"])
@pytest.mark.parametrize("kind", KINDS)
def test_we_read_kaldis(kind, text):
    want = values(kind)
    with getattr(native, f"{KINDS[kind][0]}Writer")(f"ark,scp{text}:x.ark,x.scp") as writer:
        for key, value in want.items():
            writer.write(key, value.tolist() if kind == "int vector" else value)
    table = open_table("x.scp")
    read = dict(read_table(f"ark{text}:x.ark"))
    assert list(read) == list(table) == list(dict(read_table("scp:x.scp"))) == list(want)
    for key, value in want.items():
        if text and value.dtype.kind == "f":  # Kaldi's text holds 7 digits, and nothing of the type
            np.testing.assert_allclose(read[key], value, rtol=1e-5)
            np.testing.assert_allclose(table[key], value, rtol=1e-5)
        else:
            same(read[key], value)
            same(table[key], value)


@pytest.mark.parametrize("method", ["kSpeechFeature", "kTwoByteAuto", "kOneByteAuto"])
def test_we_read_kaldis_compressed_matrices(method):
    rng = np.random.default_rng(3)
    want = {f"u{n}": (10 * rng.standard_normal((rows, 5)) - 3).astype(np.float32) for n, rows in enumerate((1, 4, 60))}
    with native.CompressedMatrixWriter("ark,scp:c.ark,c.scp") as writer:
        for key, value in want.items():
            writer.write(key, value, method=getattr(native.CompressionMethod, method))
    with native.SequentialFloatMatrixReader("ark:c.ark") as reader:
        kaldis = {key: np.array(value) for key, value in reader}
    ours = dict(read_table("ark:c.ark"))
    for key, value in want.items():
        np.testing.assert_allclose(ours[key], kaldis[key], rtol=2e-5, atol=2e-6)
        np.testing.assert_allclose(ours[key], value, atol=0.5)  # 8 bits over a range of about 60


def test_kaldi_reads_our_compressed_matrices():
    rng = np.random.default_rng(4)
    want = {"long": rng.standard_normal((50, 8)).astype(np.float32), "short": rng.standard_normal((3, 8)), "none": 0}
    want["none"] = np.zeros((0, 8), np.float32)
    with TableWriter("ark,scp:c.ark,c.scp", compress=True) as writer:
        for key, value in want.items():
            writer[key] = value
    ours = open_table("c.scp")
    reader = native.RandomAccessFloatMatrixReader("scp:c.scp")
    np.testing.assert_allclose(np.array(reader["long"]), want["long"], atol=0.05)
    np.testing.assert_allclose(np.array(reader["short"]), want["short"], atol=1e-4)
    for key in ("long", "short"):
        np.testing.assert_allclose(ours[key], np.array(reader[key]), rtol=2e-5, atol=2e-6)
    assert ours["none"].size == 0
    reader.close()


def test_waves_both_ways():
    rng = np.random.default_rng(5)
    wave = (0.2 * rng.standard_normal(777)).astype(np.float32)
    with WaveWriter("w.ark", "wav.scp", 8000) as writer:
        writer["b"], writer["a"] = wave, -wave
    with native.SequentialWaveReader("scp:wav.scp") as reader:
        kaldis = {key: (value.sample_freq, np.array(value.data)) for key, value in reader}
    assert list(kaldis) == ["a", "b"] and kaldis["a"][0] == 8000
    np.testing.assert_array_equal(kaldis["b"][1][0], np.rint(wave * 32768))
    with native.SequentialWaveReader("scp:wav.scp") as reader, native.WaveWriter("ark:k.ark") as writer:
        for key, value in reader:
            writer.write(key, value)
    again = dict(read_table("ark:k.ark"))
    assert again["b"][0] == 8000
    np.testing.assert_array_equal(again["b"][1], (np.rint(wave * 32768) / 32768).astype(np.float32))


def test_ranges_cut_as_kaldi_cuts():
    rng = np.random.default_rng(6)
    with TableWriter("ark,scp:x.ark,x.scp") as writer:
        writer["a"] = rng.standard_normal((9, 6)).astype(np.float32)
    entry = Path("x.scp").read_text().split()[1]
    with open("r.scp", "w") as stream:
        stream.write(f"r1 {entry}[2:5]\nr2 {entry}[0:0,1:3]\nr3 {entry}[:,4:5]\nr4 {entry}[6:10]\n")
    reader = native.RandomAccessFloatMatrixReader("scp:r.scp")
    table = open_table("r.scp")
    for key in table:
        same(table[key], np.array(reader[key]))
    reader.close()


def test_kaldiio_both_ways():
    """ESPnet writes its tables with kaldiio, FLAC inside arks included."""
    rng = np.random.default_rng(8)
    matrix, ints = rng.standard_normal((20, 4)).astype(np.float32), np.arange(7, dtype=np.int32)
    wave = np.rint(3000 * rng.standard_normal(500)).astype(np.int16)
    kaldiio.save_ark("k.ark", {"m": matrix, "i": ints, "w": (8000, wave)}, scp="k.scp")
    kaldiio.save_ark(
        "f.ark", {"f": (8000, wave)}, scp="f.scp", write_function="soundfile", write_kwargs={"format": "flac"}
    )
    kaldiio.save_ark("c.ark", {"c": matrix}, scp="c.scp", compression_method=2)
    for read in (dict(read_table("ark:k.ark")), open_table("k.scp")):
        same(read["m"], matrix)
        same(read["i"], ints)
        same(read["w"][1], (wave / 32768).astype(np.float32))
    same(open_table("f.scp")["f"][1], (wave / 32768).astype(np.float32))
    np.testing.assert_allclose(open_table("c.scp")["c"], kaldiio.load_scp("c.scp")["c"], rtol=1e-5, atol=1e-6)
    with TableWriter("ark,scp:o.ark,o.scp") as writer:
        writer["m"], writer["i"] = matrix, ints
    with WaveWriter("w.ark", "w.scp", 8000) as writer:
        writer["w"] = wave / 32768
    theirs = kaldiio.load_scp("o.scp")
    same(theirs["m"], matrix)
    same(theirs["i"], ints)
    same(kaldiio.load_scp("w.scp")["w"][1], wave)
