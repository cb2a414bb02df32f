"""Mutated audio of all formats in processes of their own, and what unpacks to more than one entry may."""

import gzip
import io
import os
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from nrsr.errors import NrsrError
from nrsr.kaldi import AudioError, DataDir, TableError, TableWriter, WaveWriter, read_audio, read_table, write_list
from nrsr.kaldi.audio import audio_header
from nrsr.kaldi.audio_states import check_states
from nrsr.kaldi.binary import ModelFileError, open_model
from nrsr.kaldi.fix import fix
from nrsr.kaldi.validate import check

sys.path.insert(0, str(Path(__file__).parents[1]))
from fuzzing import mutated, survive  # noqa: E402

RATE = 8000
WAVE = 0.3 * np.sin(np.arange(900) * 0.1)
FORMATS = {
    "wav": ("WAV", "PCM_16", "FILE"),
    "float": ("WAV", "FLOAT", "FILE"),
    "wavex": ("WAVEX", "PCM_24", "FILE"),
    "rf64": ("RF64", "PCM_16", "FILE"),
    "rifx": ("WAV", "PCM_16", "BIG"),
    "aiff": ("AIFF", "PCM_16", "FILE"),
    "au": ("AU", "PCM_16", "FILE"),
    "caf": ("CAF", "PCM_16", "FILE"),
    "flac": ("FLAC", "PCM_16", "FILE"),
    "stream.flac": ("FLAC", "PCM_16", "FILE"),
    "ogg": ("OGG", "VORBIS", "FILE"),
    "sph": ("NIST", "PCM_16", "FILE"),
    "ulaw.sph": ("NIST", "ULAW", "FILE"),
}


@pytest.fixture(autouse=True)
def in_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def encoded(name: str) -> bytes:
    container, subtype, endian = FORMATS[name]
    buffer = io.BytesIO()
    soundfile.write(buffer, WAVE, RATE, format=container, subtype=subtype, endian=endian)
    content = bytearray(buffer.getvalue())
    if name == "stream.flac":
        content[21] &= 0xF0
        content[22:26] = bytes(4)
    return bytes(content)


@pytest.mark.parametrize("name", FORMATS)
def test_audio_files(name):
    content = encoded(name)
    Path("whole").write_bytes(content)
    assert len(read_audio("whole")[0]) == len(WAVE)

    def work(case: int) -> None:
        # Most mutations go into the header, where they do something.
        size = 120 if case % 3 else len(content)
        Path("x.wav").write_bytes(mutated(content[:size], case) + content[size:])
        header = audio_header("x.wav")
        wave, _ = read_audio("x.wav", channel=0)
        assert len(wave) == header.samples and np.abs(wave).max() <= 100.0

    survive(work, 300)


def test_wav_arks_of_every_kind():
    with WaveWriter("w.ark", "w.scp", RATE) as writer:
        writer["a"], writer["b"] = WAVE[:100], WAVE[:50]
    wav = Path("w.ark").read_bytes()
    flac = encoded("stream.flac")
    content = wav + b"c AUDIO" + bytes([2]) + struct.pack("<H", len(flac)) + flac

    def work(case: int) -> None:
        spoilt = mutated(content, case)
        Path("x.ark").write_bytes(spoilt)
        Path("x.ark.gz").write_bytes(gzip.compress(spoilt, 1) if case % 2 else mutated(gzip.compress(content, 1), case))
        for specifier in ("ark:x.ark", "ark:x.ark.gz"):
            try:
                dict(read_table(specifier))
            except NrsrError as error:
                assert "x.ark" in str(error) and "\n" not in str(error)
        read_audio("x.ark:2")

    survive(work, 300)


def test_lists_about_audio(monkeypatch):
    """segments, durations and states of files: checked, repaired and read, or refused by name."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # hundreds of small files: do not wait for the disk
    folder = Path("data")
    folder.mkdir()
    soundfile.write("r.wav", WAVE, RATE)
    lists = {
        "wav.scp": {"r": "r.wav"}, "segments": {"u-1": "r 0 0.05", "u-2": "r 0.05 -1 0"},
        "utt2spk": {"u-1": "u", "u-2": "u"}, "utt2dur": {"u-1": "0.05", "u-2": "0.0625"}, "reco2dur": {"r": "0.1125"},
        "utt2audio": {"u-1": "1844@1700000000000000000", "u-2": "1844@1700000000000000001"},
    }  # fmt: skip

    def work(case: int) -> None:
        for name, entries in lists.items():
            write_list(folder / name, entries)
        file = folder / list(lists)[case % len(lists)]
        file.write_bytes(mutated(file.read_bytes(), case, text=True))
        check(folder)
        for step in (lambda: check_states(folder / "utt2audio", DataDir(folder), "x", "y"), lambda: fix(folder)):
            try:
                step()
            except NrsrError as error:
                assert "\n" not in str(error)
        for wave in DataDir(folder).waves(rate=RATE).values():
            assert len(wave)

    survive(work, 120)


def test_what_unpacks_to_more_than_an_entry_may(monkeypatch):
    """A few kilobytes of gzip or FLAC that would fill the memory; the limit is met while unpacking."""
    monkeypatch.setenv("NRSR_MAX_ENTRY_GIB", "0.03")
    zeros = bytes(48 << 20)
    with gzip.open("m.ark.gz", "wb", 1) as stream:
        stream.write(b"m \0BFM " + struct.pack("<bibi", 4, 12 << 20, 4, 1) + zeros)
    with pytest.raises(TableError, match="m.ark.gz: key 'm': takes .* set NRSR_MAX_ENTRY_GIB above"):
        dict(read_table("ark:m.ark.gz"))
    with gzip.open("final.mdl.gz", "wb", 1) as stream:
        stream.write(b"\0B" + zeros)
    with pytest.raises(ModelFileError, match="final.mdl.gz.*NRSR_MAX_ENTRY_GIB"):
        open_model("final.mdl.gz")
    with gzip.open("t.ark.gz", "wb", 1) as stream:
        stream.write(b"t  [\n" + (b"1 2 " * (1 << 20) + b"\n") * 12 + b"]\n")
    with pytest.raises(TableError, match="t.ark.gz: key 't': takes"):
        dict(read_table("ark:t.ark.gz"))
    soundfile.write("z.flac", np.zeros(10 << 20, np.int16), RATE)
    assert Path("z.flac").stat().st_size < 1 << 20
    with pytest.raises(AudioError, match="z.flac: takes .* NRSR_MAX_ENTRY_GIB"):
        read_audio("z.flac")
    assert len(read_audio("z.flac", start=100.0, end=101.0)[0]) == RATE
    with TableWriter("ark:small.ark") as writer:
        writer["s"] = np.zeros((1000, 100), np.float32)
    assert len(dict(read_table("ark:small.ark"))["s"]) == 1000
    monkeypatch.setenv("NRSR_MAX_ENTRY_GIB", "many")
    with pytest.raises(TableError, match="NRSR_MAX_ENTRY_GIB=many: is no number"):
        dict(read_table("ark:m.ark.gz"))


def test_a_file_that_may_not_be_read_is_not_called_corrupt(monkeypatch):
    """The tests may run as root, who may read everything, so the refusal is put in."""
    Path("x.wav").write_bytes(encoded("wav"))
    Path("x.ark").write_bytes(b"a " + encoded("wav"))

    def refuse(self, *arguments, **options):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    for read in (lambda: read_audio("x.wav"), lambda: list(read_table("ark:x.ark"))):
        with pytest.raises(NrsrError, match=r"x\.(wav|ark): .*Permission denied.*check the path and its permissions"):
            read()
    monkeypatch.undo()
    with pytest.raises(AudioError, match=r"\.: .*Is a directory.*check the path"):
        read_audio(".")
