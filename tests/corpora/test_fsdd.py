"""Preparation of FSDD with nonspeech noise: a generated tree of its shape, and the real recordings."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest
import soundfile
from toy_wavs import wav_file

from nrsr.corpora import fsdd, nonspeech
from nrsr.corpora.digits import DIGITS
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lists import read_list
from nrsr.kaldi.validate import validate
from nrsr.signal.noises import NOISES

SPEECH = ["train_clean", "dev_clean", "test_clean"]
NOISE = ["noise_train", "noise_dev", "noise_seen", "noise_unseen"]
RATE = 8000


def value_of(speaker: str, digit: int, take: int) -> float:
    """The constant sample value that marks a generated recording: no two have the same."""
    return (fsdd.SPEAKERS.index(speaker) * 500 + digit * 50 + take + 1000) / 32768


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A corpus and noise folder with the names, rates and formats of the real ones; recordings of 5 ms."""
    root = tmp_path_factory.mktemp("corpora")
    recordings, noise = root / "fsdd" / "recordings", root / "nonspeech"
    recordings.mkdir(parents=True)
    noise.mkdir()
    for name in fsdd.expected_names():
        digit, speaker, take = name.removesuffix(".wav").split("_")
        (recordings / name).write_bytes(wav_file(np.full(40, value_of(speaker, int(digit), int(take))), RATE))
    rng = np.random.default_rng(0)
    for number in range(1, 101):
        soundfile.write(noise / f"n{number}.wav", rng.uniform(-1, 1, 4000), 20000, subtype="PCM_16")
    return root


@pytest.fixture
def prepared(tree, tmp_path):
    done = fsdd.prepare(tree / "fsdd", tree / "nonspeech", tmp_path / "data", size="tiny")
    return tmp_path / "data", done


def contents(folder) -> dict[str, bytes]:
    """All files of prepared data by their name; the paths in wav.scp are given relative to the folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes().replace(str(folder).encode(), b"")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_expected_names_are_the_official_3000():
    names = fsdd.expected_names()
    assert len(set(names)) == 3000
    assert {"0_george_0.wav", "9_yweweler_49.wav", "7_nicolas_13.wav"} <= set(names)


def test_data_directories_are_valid(prepared):
    data, done = prepared
    for name in SPEECH:
        assert validate(data / name, need=("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur")) == []
    for name in NOISE:
        assert validate(data / name, need=("wav.scp", "utt2noise", "utt2spk", "spk2utt", "utt2dur")) == []
    assert [len(DataDir(data / name).utterances) for name in SPEECH] == [40, 12, 24]
    assert sum(len(DataDir(data / name).utterances) for name in NOISE) == 100
    assert "train_clean" in done.table[1] and "from 2400 recordings" in done.table[1]


def test_strings_hold_the_recordings_that_the_transcript_says(prepared):
    data, _ = prepared
    marks = {
        round(value_of(speaker, digit, take) * 32768): (speaker, digit, take)
        for speaker in fsdd.SPEAKERS
        for digit in range(10)
        for take in range(50)
    }
    takes = {}
    for name in SPEECH:
        directory = DataDir(data / name)
        text, speakers, waves = directory.read("text"), directory.read("utt2spk"), directory.waves(rate=RATE)
        for utterance in directory.utterances:
            samples = np.rint(waves[utterance] * 32768).astype(int)
            loud = samples[samples > 500]
            heard = [marks[value] for value in loud[::40]]
            assert len(loud) == 40 * len(heard)
            assert " ".join(DIGITS[digit] for _, digit, _ in heard) == text[utterance]
            assert {speaker for speaker, _, _ in heard} == {speakers[utterance]}
            assert utterance.startswith(speakers[utterance] + "-")
            takes.setdefault(name, set()).update(take for _, _, take in heard)
            gaps = len(samples) - len(loud)
            digits = len(heard)
            assert 0.1 + 0.02 * (digits - 1) <= gaps / RATE + 0.001
            assert gaps / RATE <= 0.5 + 0.15 * (digits - 1)
            assert 0 < np.abs(samples[samples <= 500]).max() < 30  # faint, but not digital silence
    assert takes["test_clean"] <= set(range(5))
    assert takes["dev_clean"] <= set(range(5, 10))
    assert takes["train_clean"] <= set(range(10, 50))


def test_isolated_digits_are_the_recordings(tree, tmp_path):
    fsdd.prepare(tree / "fsdd", tree / "nonspeech", tmp_path / "data", isolated=True)
    for name, takes in (("train_clean", range(10, 50)), ("dev_clean", range(5, 10)), ("test_clean", range(5))):
        data = DataDir(tmp_path / "data" / name)
        assert len(data.utterances) == 60 * len(takes)
        text, waves = data.read("text"), data.waves(rate=RATE)
        for utterance in data.utterances[::37]:
            speaker, word, take = utterance.split("-")
            assert text[utterance] == word and int(take) in takes
            expected = value_of(speaker, DIGITS.index(word), int(take))
            np.testing.assert_allclose(waves[utterance], np.full(40, expected), atol=1e-6)
    fsdd.prepare(tree / "fsdd", tree / "nonspeech", tmp_path / "tiny", size="tiny", isolated=True)
    assert [len(DataDir(tmp_path / "tiny" / name).utterances) for name in SPEECH] == [60, 60, 60]


def test_recordings_and_lengths_are_used_evenly():
    recordings = {
        (speaker, digit, take): np.full(3, 0.1, np.float32)
        for speaker in fsdd.SPEAKERS
        for digit in range(10)
        for take in range(5)
    }
    strings = list(fsdd.digit_strings(recordings, "test", 1200, seed=1))
    digits = Counter(word for string in strings for word in string.words.split())
    assert len({string.id for string in strings}) == 1200
    assert Counter(string.speaker for string in strings) == dict.fromkeys(fsdd.SPEAKERS, 200)
    assert max(digits.values()) - min(digits.values()) <= 6 * 5  # one unfinished deal of 5 takes per speaker
    lengths = Counter(len(string.words.split()) for string in strings)
    assert sorted(lengths) == list(range(1, 8))
    assert max(lengths.values()) - min(lengths.values()) <= 6


def test_same_seed_same_bytes_and_another_seed_differs(tree, prepared, tmp_path):
    first = contents(prepared[0])
    fsdd.prepare(tree / "fsdd", tree / "nonspeech", tmp_path / "again", size="tiny")
    fsdd.prepare(tree / "fsdd", tree / "nonspeech", tmp_path / "other", size="tiny", seed=1)
    assert contents(tmp_path / "again") == first
    assert contents(tmp_path / "other")["test_clean/text"] != first["test_clean/text"]


def test_fewer_test_strings_are_the_first_of_each_speaker(tree, prepared, tmp_path, nrsr_main):
    folder, out = prepared[0], tmp_path / "fewer"
    command = ["prepare", "fsdd", "--corpus-dir", tree / "fsdd", "--noise-dir", tree / "nonspeech", "--out", out]
    status, _, err = nrsr_main(*map(str, [*command, "--size", "tiny", "--test-strings", 12]))
    assert status == 0, err
    every, fewer = (DataDir(data / "test_clean").read("text") for data in (folder, out))
    assert list(fewer) == [name for name in every if int(name[-4:]) <= 2]
    assert all(every[name] == words for name, words in fewer.items())
    assert read_list(out / "train_clean/text") == read_list(folder / "train_clean/text")
    status, _, err = nrsr_main(*map(str, [*command, "--test-strings", 5]))
    assert status != 0 and "'5' is no number of strings; take at least 6" in err


def test_the_fold_changes_noise_alone(tree, prepared, tmp_path):
    first = contents(prepared[0])
    fsdd.prepare(tree / "fsdd", tree / "nonspeech", tmp_path / "fold1", size="tiny", fold=1)
    other = contents(tmp_path / "fold1")
    assert {name for name in first if first[name] != other.get(name)} >= {f"{name}/utt2noise" for name in NOISE}
    assert all(first[name] == other[name] for name in first if name.startswith(tuple(SPEECH)))
    held_out = [
        set(read_list(folder / "noise_unseen/utt2noise").values()) for folder in (prepared[0], tmp_path / "fold1")
    ]
    assert held_out == [set(nonspeech.UNSEEN[0]), set(nonspeech.UNSEEN[1])]


def test_generated_noise_to_train_on_leaves_all_real_noise_unseen(tree, prepared, tmp_path, nrsr_main):
    out = tmp_path / "generated"
    command = ["prepare", "fsdd", "--corpus-dir", tree / "fsdd", "--noise-dir", tree / "nonspeech", "--size", "tiny"]
    status, printed, err = nrsr_main(*command, "--noise-sets", "generated", "--out", out)
    assert status == 0, err
    assert "generated_traffic" in printed
    kinds = {name: set(read_list(out / name / "utt2noise").values()) for name in NOISE}
    assert kinds["noise_train"] == kinds["noise_seen"] == {f"generated_{name}" for name in NOISES}
    assert len(kinds["noise_train"]) == 17
    assert not (kinds["noise_dev"] | kinds["noise_unseen"]) & kinds["noise_train"]
    assert not kinds["noise_dev"] & kinds["noise_unseen"]
    train, seen = (DataDir(out / name).waves() for name in ("noise_train", "noise_seen"))
    assert not np.array_equal(train["white-train-01"], seen["white-seen-01"])
    standing, _ = prepared
    for name in SPEECH:
        assert contents(out / name) == contents(standing / name)


def test_noise_is_resampled_to_8_khz(prepared):
    durations = DataDir(prepared[0] / "noise_seen").durations()
    assert all(seconds == pytest.approx(0.2, abs=0.001) for seconds in durations.values())
    assert "resampled" in prepared[1].notes[0]


@pytest.fixture
def broken(tree, tmp_path):
    """A copy of the tree's corpus by links, to take files away from."""
    recordings = tmp_path / "broken" / "recordings"
    recordings.mkdir(parents=True)
    for path in (tree / "fsdd" / "recordings").iterdir():
        (recordings / path.name).symlink_to(path)
    return recordings


def test_missing_recordings_are_counted_and_the_first_named(tree, broken, tmp_path, nrsr_main):
    for name in ("3_theo_17.wav", "4_theo_0.wav"):
        (broken / name).unlink()
    options = ("fsdd", "--corpus-dir", broken.parent, "--noise-dir", tree / "nonspeech", "--out", tmp_path / "data")
    status, out, err = nrsr_main("prepare", *options)
    assert status == 1 and out == ""
    assert err.count("\n") == 1
    assert "2 of 3000 recordings are missing, first 3_theo_17.wav" in err
    assert "clone https://github.com/Jakobovski" in err
    assert not (tmp_path / "data").exists()
    assert len(fsdd.check(broken.parent, tree / "none")) == 2
    assert fsdd.check(tree / "fsdd", tree / "nonspeech") == []


def test_a_wrong_rate_and_a_corrupt_file_are_named(tree, broken, tmp_path):
    for name in ("5_lucas_3.wav", "6_lucas_3.wav"):
        (broken / name).unlink()
    soundfile.write(broken / "5_lucas_3.wav", np.zeros(80), 16000)
    (broken / "6_lucas_3.wav").write_bytes(b"not audio at all")
    with pytest.raises(fsdd.FsddError, match=r"2 recordings cannot be used, first: .*5_lucas_3\.wav.*16000"):
        fsdd.prepare(broken.parent, tree / "nonspeech", tmp_path / "data", size="tiny")


def test_extra_takes_and_missing_sounds_are_told_and_done_without(tree, broken, tmp_path, nrsr_main):
    soundfile.write(broken / "5_lucas_50.wav", np.zeros(80), 16000)
    noise = tmp_path / "nonspeech"
    noise.mkdir()
    for number in range(1, 101, 2):
        (noise / f"n{number}.wav").symlink_to(tree / "nonspeech" / f"n{number}.wav")
    options = ("--corpus-dir", broken.parent, "--noise-dir", noise, "--out", tmp_path / "data", "--size", "tiny")
    status, out, err = nrsr_main("prepare", "fsdd", *options, "--fold", 3)
    assert status == 0
    assert "1 files that are not of the official set are left out: 5_lucas_50.wav" in err
    assert "50 of 100 sounds are not there and are done without: n2.wav n4.wav" in err
    assert "noise category" in out and "water" in out


def test_real_recordings(shared_data, tmp_path):
    data = tmp_path / "data"
    fsdd.prepare(shared_data / "fsdd", shared_data / "nonspeech", data, size="tiny", fold=2)
    for name in SPEECH + NOISE:
        need = ("wav.scp", "text", "utt2spk", "spk2utt") if name in SPEECH else ("wav.scp", "utt2noise", "utt2spk")
        assert validate(data / name, need=need) == []
    seconds = sum(DataDir(data / "train_clean").durations().values())
    assert 1.5 < seconds / 40 < 3.5
    waves = DataDir(data / "test_clean").waves(rate=RATE)
    assert all(0.02 < np.abs(waves[utterance]).max() <= 1 for utterance in islice(waves, 5))
    # The sounds that are loud at 20 kHz are not clipped at 8 kHz.
    noises = DataDir(data / "noise_unseen").waves(rate=RATE)
    assert all(np.abs(noises[name]).max() <= 0.99 + 1e-4 for name in noises)
