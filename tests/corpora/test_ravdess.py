"""Preparation of RAVDESS: a generated tree of its exact names, rates and channels, and the real recordings."""

import numpy as np
import pytest
from toy_wavs import wav_file, write_noises

from nrsr.corpora import nonspeech, ravdess
from nrsr.corpora.ravdess import ACTORS, RavdessError
from nrsr.corpora.recordings import RecordingsError
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.validate import validate

SPEECH = ("train_clean", "dev_clean", "test_clean")
STEREO = "03-01-02-01-02-02-05.wav"


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """All 1,440 files of 2 ms at 48 kHz, one of them in stereo; and the noises."""
    root = tmp_path_factory.mktemp("corpora")
    mono, stereo = (wav_file(0.1 * np.ones(shape), 48000) for shape in (96, (96, 2)))
    for actor in ACTORS:
        (root / "ravdess" / f"Actor_{actor}").mkdir(parents=True)
        for name in ravdess.expected_files(actor):
            (root / "ravdess" / name).write_bytes(stereo if name.endswith(STEREO) else mono)
    write_noises(root / "noise")
    return root


def test_sets_of_a_fold_share_no_speaker_and_have_as_many_men_as_women(tree, tmp_path, nrsr_main):
    options = ["--corpus-dir", tree / "ravdess", "--noise-dir", tree / "noise", "--out", tmp_path, "--fold", 1]
    status, out, err = nrsr_main("prepare", "ravdess", *options)
    assert status == 0
    assert "840 utterances   5040 words  14 speakers" in out and "840 resampled from 48000 Hz" in out
    assert f"1 recordings have several channels; the first is taken: {STEREO}" in err
    for name, count in zip(SPEECH, (840, 240, 360), strict=True):
        assert validate(tmp_path / name, need=("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur")) == []
        data = DataDir(tmp_path / name)
        assert len(data.utterances) == count and data.waves().rate() == 16000
        genders = list(data.read("spk2gender").values())
        assert genders.count("m") == genders.count("f")
    held_out = set(DataDir(tmp_path / "noise_unseen").read("utt2noise").values())
    assert held_out == set(nonspeech.UNSEEN[1])
    data = DataDir(tmp_path / "test_clean")
    name = "actor04-03-01-06-02-02-01-04"
    assert (data.read("utt2emotion")[name], data.read("utt2intensity")[name]) == ("fearful", "strong")
    assert (data.read("utt2sentence")[name], data.read("text")[name]) == ("02", "dogs are sitting by the door")
    assert (data.read("utt2spk")[name], data.read("spk2gender")["actor04"]) == ("actor04", "f")


def test_names_say_how_many_of_each_emotion_there_are():
    emotions = [ravdess.recording_of(ravdess.Path(name)).labels["utt2emotion"] for name in ravdess.expected_files("01")]
    assert len(emotions) == 60 and emotions.count("neutral") == 4 and emotions.count("surprised") == 8


@pytest.fixture
def broken(tree, tmp_path):
    """The tree by links, to take files away from and to add others."""
    for actor in ACTORS:
        (tmp_path / "broken" / f"Actor_{actor}").mkdir(parents=True)
        for name in ravdess.expected_files(actor):
            (tmp_path / "broken" / name).symlink_to(tree / "ravdess" / name)
    return tmp_path / "broken"


def test_missing_unreadable_and_other_files_are_named(broken, tmp_path):
    assert "no such folder; unpack" in ravdess.check(tmp_path / "nowhere")[0]
    for name in ("Actor_02/03-02-01-01-01-01-02.wav", "Actor_02/._03-01-01-01-01-01-02.wav", "song.mp4"):
        (broken / name).write_bytes(b"song or litter")
    first = ravdess.expected_files("07")[0]
    kept = (broken / first).readlink()
    (broken / first).unlink()
    with pytest.raises(RavdessError, match=rf"1 of 1440 recordings are missing, first {first}; unpack"):
        ravdess.prepare(broken, tmp_path / "data")
    (broken / first).write_bytes(b"not audio")
    with pytest.raises(RecordingsError, match=rf"1 recordings cannot be read, first: .*{first}"):
        ravdess.prepare(broken, tmp_path / "data")
    (broken / first).unlink()
    (broken / first).symlink_to(kept)
    notes = ravdess.prepare(broken, tmp_path / "data").notes
    assert notes[-1].endswith("2 files that are no recordings are left out: Actor_02/03-02-01-01-01-01-02.wav song.mp4")


def test_the_real_recordings(shared_data, tmp_path):
    corpus = shared_data / "ravdess"
    if not (corpus / "Actor_01").is_dir():
        pytest.skip("no RAVDESS in the folder of real recordings")
    done = ravdess.prepare(corpus, tmp_path, fold=3)
    speakers = [set(DataDir(tmp_path / name).read("utt2spk").values()) for name in SPEECH]
    assert not speakers[0] & speakers[1] and not (speakers[0] | speakers[1]) & speakers[2]
    stereo = [int(note.split()[1]) for note in done.notes if "several channels" in note]
    assert sum(stereo) == 5
    seconds = [sum(DataDir(tmp_path / name).durations().values()) for name in SPEECH]
    assert sum(seconds) == pytest.approx(1.48 * 3600, rel=0.01)
