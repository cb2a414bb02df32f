"""Audio: every encoding against soundfile, parts, channels, rates, and every known way that files are bad."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from nrsr.kaldi.audio import AudioError, audio_info, read_audio
from nrsr.kaldi.tables import WaveWriter, open_table

RATE = 8000
WAVE = (0.3 * np.sin(np.arange(4000) * 0.07) + 0.1 * np.random.default_rng(1).standard_normal(4000)).astype(np.float32)


@pytest.fixture(autouse=True)
def in_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def failure(entry: str, **options) -> str:
    with pytest.raises(AudioError) as caught:
        read_audio(entry, **options)
    message = str(caught.value)
    assert "\n" not in message and entry in message, message
    return message


@pytest.mark.parametrize(
    ("name", "subtype", "step"),
    [
        ("x.wav", "PCM_U8", 2**-7),
        ("x.wav", "PCM_16", 2**-15),
        ("x.wav", "PCM_24", 2**-23),
        ("x.wav", "PCM_32", 2**-24),
        ("x.wav", "FLOAT", 0),
        ("x.wav", "DOUBLE", 0),
        ("x.flac", "PCM_16", 2**-15),
        ("x.flac", "PCM_24", 2**-23),
        ("x.sph", "PCM_16", 2**-15),
    ],
)
def test_encodings_as_soundfile_reads_them(name, subtype, step):
    stereo = np.stack([WAVE, -0.5 * WAVE], axis=1)
    soundfile.write(name, stereo, RATE, subtype=subtype, format="NIST" if name.endswith("sph") else None)
    for channel in (0, 1):
        wave, rate = read_audio(name, rate=RATE, channel=channel)
        assert wave.dtype == np.float32 and rate == RATE
        np.testing.assert_array_equal(wave, soundfile.read(name, dtype="float32")[0][:, channel])
        np.testing.assert_allclose(wave, stereo[:, channel], atol=1.01 * step + 1e-9)
        part, _ = read_audio(name, channel=channel, start=0.1, end=0.25)
        np.testing.assert_array_equal(part, wave[800:2000])
    assert audio_info(name) == (4000, RATE)


def test_little_endian_sphere_and_sphere_under_auroras_name():
    samples = np.rint(WAVE * 32768).astype("<i2")
    fields = ["channel_count -i 1", "sample_rate -i 8000", "sample_n_bytes -i 2", "sample_count -i 4000"]
    fields += ["sample_byte_format -s2 01", "sample_coding -s3 pcm", "sample_sig_bits -i 16", "end_head"]
    header = ("NIST_1A\n   1024\n" + "\n".join(fields) + "\n").ljust(1024).encode()
    for name in ("a.sph", "a.wv1", "a.raw"):
        Path(name).write_bytes(header + samples.tobytes())
        np.testing.assert_array_equal(read_audio(name, rate=RATE)[0] * 32768, samples)
    Path("short.sph").write_bytes(header + samples.tobytes()[:-100])
    assert "8000 bytes" in failure("short.sph")
    Path("shorten.sph").write_bytes(header.replace(b"-s3 pcm", b"-s26 pcm,embedded-shorten-v2.00") + b"ajkg")
    message = failure("shorten.sph")
    assert "shorten" in message and "sph2pipe -f wav" in message and "--allow-pipes" in message


def test_headerless_aurora_files_are_big_endian_and_need_a_rate():
    samples = np.rint(WAVE * 32768).astype(">i2")
    Path("a.wv1").write_bytes(samples.tobytes())
    wave, rate = read_audio("a.wv1", rate=16000, start=0.05, end=0.1)
    assert rate == 16000
    np.testing.assert_array_equal(wave * 32768, samples[800:1600])
    assert audio_info("a.wv1", rate=16000) == (4000, 16000)
    assert "rate" in failure("a.wv1")
    Path("odd.wv2").write_bytes(samples.tobytes()[:-1])
    assert "odd number" in failure("odd.wv2", rate=16000)


def test_wav_arks_and_flac_inside_arks():
    with WaveWriter("w.ark", "wav.scp", RATE) as writer:
        writer["a"], writer["b"] = WAVE, WAVE[::-1].copy()
    entry = Path("wav.scp").read_text().split()[3]
    wave, _ = read_audio(entry, rate=RATE)
    np.testing.assert_allclose(wave, WAVE[::-1], atol=2**-15)
    np.testing.assert_array_equal(wave, open_table("wav.scp")["b"][1])
    np.testing.assert_array_equal(read_audio(entry, start=0.1, end=0.2)[0], wave[800:1600])
    soundfile.write("x.flac", WAVE, RATE)
    flac = Path("x.flac").read_bytes()
    Path("f.ark").write_bytes(b"a AUDIO" + bytes([3]) + len(flac).to_bytes(3, "little") + flac + b"b " + flac)
    Path("f.scp").write_text(f"a f.ark:2\nb f.ark:{2 + 5 + 4 + len(flac) + 2}\n")
    for key, where in zip("ab", Path("f.scp").read_text().split()[1::2], strict=True):
        np.testing.assert_allclose(read_audio(where)[0], WAVE, atol=2**-15)
        assert audio_info(where) == (4000, RATE)
        np.testing.assert_array_equal(open_table("f.scp")[key][1], read_audio(where)[0])


def test_rates_are_checked_and_converted_only_when_asked():
    tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000).astype(np.float32) * 0.5
    soundfile.write("t.wav", tone, 16000)
    message = failure("t.wav", rate=8000)
    assert "16000 Hz" in message and "8000 Hz" in message and "resample" in message
    wave, rate = read_audio("t.wav", rate=8000, resample=True)
    want = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    assert rate == 8000 and wave.dtype == np.float32 and len(wave) == 8000
    np.testing.assert_allclose(wave[200:-200], want[200:-200], atol=1e-3)


def test_channels_must_be_chosen():
    soundfile.write("s.wav", np.stack([WAVE, WAVE], 1), RATE)
    assert "2 channels" in failure("s.wav")
    assert "no channel 2" in failure("s.wav", channel=2)
    soundfile.write("m.wav", WAVE, RATE)
    np.testing.assert_array_equal(read_audio("m.wav", channel=1)[0], read_audio("m.wav")[0])
    assert "no channel 1" in failure("m.wav", channel=1, require_channel=True)


def test_parts_follow_kaldis_tolerance():
    soundfile.write("x.wav", WAVE, RATE)
    assert len(read_audio("x.wav", start=0.25, end=0.9)[0]) == 2000  # up to half a second behind the end is forgiven
    assert len(read_audio("x.wav", start=0.29, end=-1)[0]) == 4000 - 2320
    assert "behind the end" in failure("x.wav", start=0.25, end=1.1)
    assert "behind the end" in failure("x.wav", start=0.5)
    assert "empty" in failure("x.wav", start=0.2, end=0.2)


def test_pipes_show_the_programs_own_words(capfd):
    soundfile.write("x.wav", WAVE, RATE)
    assert "--allow-pipes" in failure("cat x.wav |")
    np.testing.assert_array_equal(read_audio("cat x.wav |", allow_pipes=True)[0], read_audio("x.wav")[0])
    assert "status 1" in failure("cat none.wav |", allow_pipes=True)
    assert "none.wav" in capfd.readouterr().err
    assert "wrote nothing" in failure("true |", allow_pipes=True)


def test_wav_of_unknown_length_reads_to_the_end_of_the_file():
    """Programs that stream write a size of 0 or 0xFFFFFFFF in the header, as sox does into a pipe."""
    soundfile.write("x.wav", WAVE, RATE)
    content = Path("x.wav").read_bytes()
    for size in (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f"):
        Path("s.wav").write_bytes(content[:4] + size + content[8:40] + size + content[44:])
        np.testing.assert_array_equal(read_audio("s.wav")[0], read_audio("x.wav")[0])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda wav: wav[:-7], ["truncated"]),
        (lambda wav: wav[:30], ["follow"]),
        (lambda wav: b"", ["no bytes are there", "empty or truncated"]),
        (lambda wav: b"garbage" * 9, ["no audio", ".wv1"]),
        (lambda wav: b"fLaC" + wav[4:], ["libsndfile", "convert it to WAV"]),
        (lambda wav: wav[:8] + b"AVI " + wav[12:], ["not a WAV"]),
        (lambda wav: wav[:22] + b"\0\0" + wav[24:], ["0 channels", "corrupt"]),
        (lambda wav: wav[:20] + b"\x55\0" + wav[22:], ["encoding 85", "sox"]),
        (lambda wav: wav[:40] + b"\0\0\0\0", ["no samples", "fix-data"]),
    ],
)
def test_spoilt_wavs(spoil, words):
    soundfile.write("x.wav", WAVE, RATE, subtype="PCM_16")
    Path("bad.wav").write_bytes(spoil(Path("x.wav").read_bytes()))
    message = failure("bad.wav")
    assert all(word in message for word in words), message


def test_non_finite_samples_are_refused():
    for value in (np.nan, np.inf):
        wave = WAVE.copy()
        wave[100] = value
        soundfile.write("x.wav", wave, RATE, subtype="FLOAT")
        assert "NaN or infinite" in failure("x.wav")
        assert len(read_audio("x.wav", start=0.1)[0]) == 3200


def test_missing_files_and_empty_entries():
    assert "no such file" in failure("none.wav")
    Path("folder").mkdir()
    assert "cannot be read" in failure("folder")
    with pytest.raises(AudioError, match="empty"):
        read_audio("")


def test_extensible_wav_and_chunks_before_and_after_the_data():
    samples = np.rint(WAVE * 32768).astype("<i2").tobytes()
    guid = (
        struct.pack("<HHIIHHHHI", 0xFFFE, 1, RATE, 2 * RATE, 2, 16, 22, 16, 4)
        + b"\1\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
    )
    chunks = b"LIST" + struct.pack("<I", 3) + b"abc\0" + b"fmt " + struct.pack("<I", len(guid)) + guid
    chunks += b"data" + struct.pack("<I", len(samples)) + samples + b"note" + struct.pack("<I", 2) + b"hi"
    Path("e.wav").write_bytes(b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks)
    np.testing.assert_array_equal(read_audio("e.wav")[0], soundfile.read("e.wav", dtype="float32")[0])


def test_real_recordings(shared_data):
    for folder in ("fsdd/recordings", "nonspeech", "emodb/wav"):
        for path in sorted((shared_data / folder).glob("*.wav"))[:5]:
            want, rate = soundfile.read(path, dtype="float32")
            wave, got = read_audio(path)
            assert got == rate and audio_info(path) == (len(want), rate)
            np.testing.assert_array_equal(wave, want)
