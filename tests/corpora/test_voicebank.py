"""Preparation of VoiceBank+DEMAND on a small tree of its exact shape."""

import numpy as np
import pytest
from toy_voicebank import TEST, TRAIN, write_voicebank
from toy_wavs import wav_file

from nrsr.commands.doctor import corpus_problems
from nrsr.corpora import voicebank
from nrsr.corpora.recordings import RecordingsError
from nrsr.corpora.voicebank import VoicebankError
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.validate import validate

SETS = ("train", "dev", "test")
PARALLEL = ("wav.scp", "spk1.scp", "text", "utt2spk", "spk2utt", "utt2dur", "utt2noise", "utt2snr")


@pytest.fixture
def tree(tmp_path):
    write_voicebank(tmp_path / "corpus")
    return tmp_path / "corpus"


def test_noisy_sets_have_their_clean_partners_words_and_noises(tree, tmp_path, nrsr_main):
    status, out, err = nrsr_main("prepare", "voicebank", "--corpus-dir", tree, "--out", tmp_path / "data")
    assert status == 0 and "from 48000 Hz" in out
    assert "train: 6 recordings; the corpus has 10802" in err
    voices = {}
    for name in SETS:
        assert validate(tmp_path / "data" / name, need=PARALLEL) == []
        assert validate(tmp_path / "data" / f"{name}_clean", need=("wav.scp", "text", "utt2spk", "utt2dur")) == []
        noisy, clean = (DataDir(tmp_path / "data" / folder) for folder in (name, f"{name}_clean"))
        assert noisy.utterances == clean.utterances
        voices[name] = sorted(set(noisy.read("utt2spk").values()))
        mixed, speech = noisy.waves(rate=16000), clean.waves(rate=16000)
        partners = noisy.waves("spk1.scp", rate=16000)
        for utterance, snr in noisy.read("utt2snr").items():
            assert len(mixed[utterance]) == 1600
            np.testing.assert_array_equal(partners[utterance], speech[utterance])
            noise = mixed[utterance] - speech[utterance]
            # White noise loses two thirds of its power on the way from 48 to 16 kHz.
            measured = 10 * np.log10(np.mean(speech[utterance] ** 2) / np.mean(noise**2)) - 10 * np.log10(3)
            assert measured == pytest.approx(float(snr), abs=1.0)
    assert voices == {"train": ["p227", "p228"], "dev": ["p226", "p287"], "test": list(TEST)}
    test = DataDir(tmp_path / "data" / "test")
    assert test.read("utt2noise")["p232_001"] == "bus" and test.read("utt2snr")["p232_001"] == "17.5"
    assert test.read("text")["p232_002"] == "ask her to bring these things with her from the store"
    assert test.read("text")["p232_003"] == "don't it's a trap"
    assert not (tmp_path / "data" / "test_clean" / "utt2noise").exists()


@pytest.mark.parametrize("task", ["asr", "enh"])
def test_the_doctor_looks_for_the_corpus_of_a_recipe(tree, tmp_path, root, task):
    recipe = root / "egs" / "voicebank" / task
    assert corpus_problems(recipe, corpus_dir=tree, noise_dir=None) == []
    assert corpus_problems(recipe, corpus_dir=None) == [f"{recipe}: give --corpus-dir"]
    (missing, *_) = corpus_problems(recipe, corpus_dir=tmp_path)
    assert missing.startswith(f"{tmp_path}/clean_trainset_28spk_wav: no such folder; unpack the archives")


def test_other_speakers_can_be_held_out(tree, tmp_path):
    done = voicebank.prepare(tree, tmp_path / "data", dev_speakers=["p228"])
    assert set(DataDir(tmp_path / "data" / "dev").read("utt2spk").values()) == {"p228"}
    assert done.notes == []
    with pytest.raises(VoicebankError, match="p300: to be held out, but without recordings"):
        voicebank.prepare(tree, tmp_path / "data", dev_speakers=["p226", "p300"])
    with pytest.raises(VoicebankError, match="leaves nobody to train on"):
        voicebank.prepare(tree, tmp_path / "data", dev_speakers=list(TRAIN))


def test_the_larger_training_set(tree, tmp_path):
    for name in (
        "clean_trainset_28spk_wav",
        "noisy_trainset_28spk_wav",
        "trainset_28spk_txt",
        "log_trainset_28spk.txt",
    ):
        (tree / name).rename(tree / name.replace("28", "56"))
    with pytest.raises(VoicebankError, match="clean_trainset_28spk_wav: no such folder; unpack"):
        voicebank.prepare(tree, tmp_path / "data")
    with pytest.raises(VoicebankError, match="name --dev-speakers"):
        voicebank.prepare(tree, tmp_path / "data", speakers=56)
    voicebank.prepare(tree, tmp_path / "data", speakers=56, dev_speakers=["p226"], rate=48000)
    assert len(DataDir(tmp_path / "data" / "train").utterances) == 9
    assert DataDir(tmp_path / "data" / "test").waves().rate() == 48000


def test_without_texts_or_logs_there_are_none(tree, tmp_path):
    (tree / "testset_txt").rename(tree / "elsewhere")
    (tree / "logfiles").mkdir()
    (tree / "log_testset.txt").rename(tree / "logfiles" / "log_testset.txt")
    (tree / "log_trainset_28spk.txt").unlink()
    notes = voicebank.prepare(tree, tmp_path / "data").notes
    assert any("log_trainset_28spk.txt: no such file" in note for note in notes)
    assert any("testset_txt: no such folder, so that there is no text" in note for note in notes)
    assert not (tmp_path / "data" / "train" / "utt2snr").exists()
    assert not (tmp_path / "data" / "test" / "text").exists()
    assert (tmp_path / "data" / "test" / "utt2snr").exists()


def test_pairs_that_do_not_fit_are_counted_and_the_first_is_named(tree, tmp_path):
    clean = tree / "clean_testset_wav"
    (clean / "p232_002.wav").write_bytes(wav_file(np.zeros(4000), 48000))
    (clean / "p257_001.wav").write_bytes(wav_file(np.zeros(4800), 16000))
    message = r"2 pairs do not fit, first .*p232_002\.wav: 4000 samples at 48000 Hz beside 4800 noisy ones at 48000 Hz"
    with pytest.raises(VoicebankError, match=message):
        voicebank.prepare(tree, tmp_path / "data")


def test_missing_files_and_bad_lines_are_named(tree, tmp_path):
    def refused(message: str, kind: type[Exception] = VoicebankError) -> None:
        with pytest.raises(kind, match=message):
            voicebank.prepare(tree, tmp_path / "data")

    assert len(voicebank.check(tmp_path / "nowhere")) == 4 and voicebank.check(tree) == []
    noisy, text, log = (
        tree / "noisy_testset_wav" / "p232_001.wav",
        tree / "testset_txt" / "p257_002.txt",
        tree / "log_testset.txt",
    )
    content = noisy.read_bytes()
    noisy.unlink()
    refused(r"noisy_testset_wav: 1 recordings are missing, first p232_001\.wav; unpack")
    noisy.write_bytes(content[:500])
    refused(r"1 recordings cannot be read, first: .*p232_001\.wav", RecordingsError)
    noisy.write_bytes(content)
    text.write_text(" -- \n")
    refused(r"testset_txt: no words of 1 recordings, first p257_002\.txt")
    text.write_text("Yes.")
    lines = log.read_text()
    log.write_text(lines + "p257_003 bus loud\n")
    refused(r"log_testset\.txt:7: expected NAME NOISE SNR, found 'p257_003 bus loud'")
    log.write_text(lines.replace("p257_003", "p257_999"))
    (tree / "clean_testset_wav" / "._p232_001.wav").write_bytes(b"\x00")
    (tree / "clean_testset_wav" / "readme.txt").write_text("")
    notes = voicebank.prepare(tree, tmp_path / "data").notes
    assert any("no line on 1 recordings: p257_003" in note for note in notes)
    assert any("1 files that are no recordings are left out: readme.txt" in note for note in notes)
    speaker = tree / "noisy_trainset_28spk_wav" / "p232_001.wav"
    for path in (speaker, voicebank.clean_of(speaker), tree / "trainset_28spk_txt" / "p232_001.txt"):
        path.write_bytes(b"words")
    refused("p232: speakers of the test set among the training recordings")
