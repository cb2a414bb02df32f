"""Preparation of EmoDB: a generated folder of its shape, and the real recordings."""

import numpy as np
import pytest
import soundfile
from toy_wavs import write_noises

from nrsr.corpora import emodb, nonspeech
from nrsr.corpora.emodb import EmodbError
from nrsr.corpora.recordings import RecordingsError
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.validate import validate

SETS = ("train_clean", "dev_clean", "test_clean")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = tmp_path_factory.mktemp("emodb")
    (root / "wav").mkdir()
    rng = np.random.default_rng(0)
    for speaker in emodb.SPEAKERS:
        for sentence, emotion in (("a01", "W"), ("b10", "N")):
            samples = 3200 if sentence == "a01" else 4800
            soundfile.write(root / "wav" / f"{speaker}{sentence}{emotion}a.wav", 0.1 * rng.normal(size=samples), 16000)
    return root


@pytest.mark.parametrize("rate", [8000, 16000])
def test_sets_have_different_speakers(rate, corpus, tmp_path):
    done = emodb.prepare(corpus, tmp_path, rate=rate)
    assert done.notes == [f"{corpus / 'wav'}: 20 recordings; the corpus has 535"]
    voices = []
    for name in SETS:
        assert validate(tmp_path / name, need=("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur")) == []
        data = DataDir(tmp_path / name)
        voices.append(set(data.read("utt2spk").values()))
        wave = data.waves(rate=rate)[data.utterances[0]]
        assert len(wave) == 0.2 * rate
    assert voices == [{"03", "08", "09", "10", "11"}, {"12", "14"}, {"13", "15", "16"}]
    data = DataDir(tmp_path / "dev_clean")
    assert data.read("text")["12a01Wa"] == "der lappen liegt auf dem eisschrank"
    assert data.read("utt2emotion")["12a01Wa"] == "angry" and data.read("utt2sentence")["14b10Na"] == "b10"


def test_a_copy_of_recordings_of_one_length_is_noted(corpus, tmp_path):
    (tmp_path / "wav").mkdir()
    for path in (corpus / "wav").glob("*a01*"):
        (tmp_path / "wav" / path.name).symlink_to(path)
    notes = emodb.prepare(tmp_path, tmp_path / "data").notes
    assert any("all recordings have 0.20 s" in note and "take the original" in note for note in notes)


def test_other_sets_can_be_asked_for(corpus, tmp_path, nrsr_main):
    options = ["--corpus-dir", corpus, "--out", tmp_path, "--dev-speakers", "03,08,09", "--test-speakers"]
    status, out, _ = nrsr_main("prepare", "emodb", *options, "16")
    assert status == 0 and "test_clean" in out
    assert set(DataDir(tmp_path / "test_clean").read("utt2spk").values()) == {"16"}
    assert nrsr_main("prepare", "emodb", *options, "03")[0] == 1
    status, _, err = nrsr_main("prepare", "emodb", *options, "17")
    assert status == 2 and "17: the speakers are 03 08" in err


@pytest.mark.parametrize("speaker, dev", [("03", {"08", "10"}), ("15", {"03", "16"}), ("16", {"03", "08"})])
def test_one_speaker_is_left_out_for_emotion_recognition(corpus, tmp_path, nrsr_main, speaker, dev):
    status, _, _ = nrsr_main("prepare", "emodb", "--corpus-dir", corpus, "--out", tmp_path, "--leave-out", speaker)
    assert status == 0
    train, held_out, test = (set(DataDir(tmp_path / name).read("utt2spk").values()) for name in SETS)
    assert (held_out, test) == (dev, {speaker})
    assert train == set(emodb.SPEAKERS) - dev - {speaker}
    assert sorted(DataDir(tmp_path / "dev_clean").read("spk2gender").values()) == ["f", "m"]


def test_the_noise_rotates_with_the_speaker_who_is_left_out(corpus, tmp_path):
    write_noises(tmp_path / "noise")
    unseen = {}
    for speaker in ("03", "08", "11", "16"):
        emodb.prepare(corpus, tmp_path / speaker, tmp_path / "noise", leave_out=speaker)
        unseen[speaker] = set(DataDir(tmp_path / speaker / "noise_unseen").read("utt2noise").values())
    for speaker, fold in {"03": 0, "08": 1, "11": 0, "16": 1}.items():
        assert unseen[speaker] <= set(nonspeech.UNSEEN[fold]) and unseen[speaker], speaker
    emodb.prepare(corpus, tmp_path / "given", tmp_path / "noise", leave_out="08", fold=3)
    given = set(DataDir(tmp_path / "given/noise_unseen").read("utt2noise").values())
    assert given and given <= set(nonspeech.UNSEEN[3])


def test_missing_and_broken_recordings_are_named(corpus, tmp_path):
    assert "no such folder; unpack EmoDB" in emodb.check(tmp_path)[0]
    path = corpus / "wav" / "12a01Wa.wav"
    content = path.read_bytes()
    try:
        path.write_bytes(content[:100])
        with pytest.raises(RecordingsError, match="1 recordings cannot be read, first: .*12a01Wa.wav"):
            emodb.prepare(corpus, tmp_path)
        path.rename(corpus / "wav" / "12x01Wa.wav")
        (corpus / "wav" / "12b10Na.wav").rename(tmp_path / "kept")
        with pytest.raises(EmodbError, match="no recordings of 1 speakers, 12; unpack"):
            emodb.prepare(corpus, tmp_path)
        (tmp_path / "kept").rename(corpus / "wav" / "12b10Na.wav")
        notes = emodb.prepare(corpus, tmp_path).notes
        assert "1 files that are no recordings are left out: 12x01Wa.wav" in notes[1]
        (corpus / "wav" / "12x01Wa.wav").unlink()
    finally:
        path.write_bytes(content)


def test_the_real_recordings(shared_data, tmp_path):
    if not (shared_data / "emodb" / "wav").is_dir():
        pytest.skip("no EmoDB in the folder of real recordings")
    done = emodb.prepare(shared_data / "emodb", tmp_path, shared_data / "nonspeech", rate=8000)
    counts = [len(DataDir(tmp_path / name).utterances) for name in SETS]
    assert sum(counts) == 535 and min(counts) > 60
    # Copies of the corpus are about in which every recording was cut or padded to one length.
    expected = ("all recordings have", "clipped there", "of 100 sounds are not there")
    assert [note for note in done.notes if not any(part in note for part in expected)] == []
    noise = DataDir(tmp_path / "noise_unseen")
    assert noise.waves().rate() == 8000 and "wind" not in noise.read("utt2noise").values()
