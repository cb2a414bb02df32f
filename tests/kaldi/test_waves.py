"""Reading the waveforms of a data directory: other audio than utt2dur tells, and recordings of several channels."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile
from toy_datadirs import RATE, edit, make, make_segmented, tone

from nrsr.datadirs.perturb import perturb_speed
from nrsr.kaldi import AudioError, DataDir, DataDirError, WaveWriter, write_list
from nrsr.kaldi.validate import check, validate

pytestmark = pytest.mark.usefixtures("datadirs_in_tmp")


@pytest.mark.parametrize("samples", [880 - 300, 880 + 300, 1760])
def test_audio_of_another_length_than_utt2dur_is_refused(samples):
    folder = make()
    with WaveWriter("other.ark", "other.scp", RATE) as writer:
        writer["ann-1"] = tone(samples)
    lines = (folder / "wav.scp").read_text().splitlines()
    lines[1] = Path("other.scp").read_text().strip()
    (folder / "wav.scp").write_text("\n".join(lines) + "\n")
    waves = pickle.loads(pickle.dumps(DataDir(folder).waves(rate=RATE)))
    assert len(waves["ann-0"]) == 800
    with pytest.raises(DataDirError, match=f"'ann-1': utt2dur says 0.110 s, the audio has {samples / RATE:.3f} s"):
        waves["ann-1"]
    with pytest.raises(DataDirError, match="'ann-1': utt2dur says"):
        DataDir(folder).waves(rate=2 * RATE, resample=True)["ann-1"]
    assert [failure for failure in validate(folder) if "utt2dur:2: says" in failure]
    (folder / "utt2dur").unlink()
    assert len(DataDir(folder).waves()["ann-1"]) == samples


def test_durations_may_be_rounded_or_counted_from_frames():
    folder = make()
    seconds = DataDir(folder).durations()
    write_list(folder / "utt2dur", {key: f"{value - 0.0249:.2f}" for key, value in seconds.items()})
    assert validate(folder) == [] and all(len(wave) for wave in DataDir(folder).waves().values())


def test_segments_and_utt2dur():
    folder = make_segmented()
    write_list(folder / "utt2dur", {"s-a": "0.25", "s-b": "0.95", "s-c": "0.5"})
    assert validate(folder) == []
    assert [len(wave) for wave in DataDir(folder).waves().values()] == [2000, 6000, 4000]
    edit(folder / "utt2dur", "s-a 0.25", "s-a 0.35")
    assert ["'s-a'" in failure and "utt2dur" in failure for failure in validate(folder)] == [True]
    edit(folder / "utt2dur", "s-a 0.35", "s-a 0.15")
    with pytest.raises(DataDirError, match="'s-a': utt2dur says 0.150 s, the audio has 0.250 s"):
        DataDir(folder).waves()["s-a"]
    write_list(folder / "reco2dur", {"rec1": "1.0", "rec2": "1.5"})
    assert [failure for failure in validate(folder) if "reco2dur:2: says 1.5 s of 'rec2'" in failure]


def make_stereo(folder):
    """Recordings of the directory of make_segmented with the tone on the right alone."""
    for name in ("rec1", "rec2"):
        soundfile.write(f"{name}.wav", np.stack([np.zeros(RATE), tone(RATE)], axis=1), RATE)
    return folder


def test_a_channel_is_chosen_by_the_directory_or_its_segments():
    folder = make_stereo(make_segmented())
    with pytest.raises(AudioError, match="'s-a': rec1.wav: has 2 channels; choose one of 0..1 .--channel 0"):
        DataDir(folder).waves()["s-a"]
    assert not DataDir(folder, channel=0).waves()["s-a"].any()
    np.testing.assert_allclose(DataDir(folder, channel=1).waves()["s-a"], tone(RATE)[:2000], atol=2**-15)
    with pytest.raises(AudioError, match="no channel 2, only 0..1"):
        DataDir(folder, channel=2).waves()["s-a"]
    for channel in (-1, True, "0"):
        with pytest.raises(DataDirError, match="no whole number"):
            DataDir(folder, channel=channel)
    assert check(folder) == (
        [],
        [
            "seg/wav.scp:1: 2 of 2 recordings have several channels, the first 'rec1' has 2; choose one with "
            "--channel, or data.channel in a config"
        ],
    )
    assert check(folder, channel=1) == ([], [])
    assert [failure for failure in check(folder, channel=2).failures if "'rec1' has no channel 2" in failure]
    write_list(folder / "segments", {"s-a": "rec1 0.0 0.25 1", "s-b": "rec1 0.25 1.2 0", "s-c": "rec2 0.5 -1 1"})
    assert check(folder) == ([], [])
    assert DataDir(folder).waves()["s-a"].any() and not DataDir(folder).waves()["s-b"].any()


def test_mono_recordings_have_any_channel_but_one_that_segments_name():
    folder = make_stereo(make_segmented())
    soundfile.write("rec2.wav", tone(RATE), RATE)
    waves = DataDir(folder, channel=1).waves()
    np.testing.assert_allclose(waves["s-c"], tone(RATE)[RATE // 2 :], atol=2**-15)
    assert check(folder, channel=1) == (
        [],
        ["seg/wav.scp:2: 1 of 2 recordings have one channel, which is read instead of channel 1, the first 'rec2'"],
    )
    write_list(folder / "segments", {"s-a": "rec1 0.0 0.25 1", "s-b": "rec1 0.25 1.2 0", "s-c": "rec2 0.5 -1 1"})
    with pytest.raises(AudioError, match="'s-c': rec2.wav: has no channel 1, only 0..0"):
        DataDir(folder).waves()["s-c"]
    [failure] = check(folder).failures
    assert failure.startswith("seg/segments:3: utterance 's-c' is of channel 1, but recording 'rec2' has 0..0 alone;")
    assert check(folder, channel=0).failures == []


def test_parallel_audio_is_mono_where_segments_name_a_channel():
    folder = make_stereo(make_segmented())
    write_list(folder / "segments", {"s-a": "rec1 0.0 0.25 1", "s-b": "rec1 0.25 1.2 1", "s-c": "rec2 0.5 -1 1"})
    for name in ("rec1", "rec2"):
        soundfile.write(f"clean_{name}.wav", 0.5 * tone(RATE), RATE)
    write_list(folder / "spk1.scp", {name: f"clean_{name}.wav" for name in ("rec1", "rec2")})
    assert validate(folder) == []
    noisy, clean = DataDir(folder).waves(), DataDir(folder).waves("spk1.scp")
    for name in noisy:
        np.testing.assert_allclose(clean[name], noisy[name] / 2, atol=2**-15)
    perturb_speed(folder, "fast", [1.1])
    assert [len(wave) for wave in DataDir("fast").waves("spk1.scp").values()] == [1818, 5455, 3636]


def test_streams_are_noted():
    folder = make_segmented()
    content = bytearray(Path("rec1.wav").read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    Path("rec1.wav").write_bytes(content)
    failures, [note] = check(folder)
    assert not failures and note.startswith("seg/wav.scp:1: 1 of 2 recordings do not state their length, the first")
