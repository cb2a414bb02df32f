"""The corpus made on the spot: same bytes for the same seed, sets that share no speaker and no noise."""

import numpy as np
import pytest

from nrsr.corpora import mini
from nrsr.corpora.digits import DIGITS
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lists import read_list
from nrsr.kaldi.validate import validate
from nrsr.signal.noises import NOISES

SPLITS = ["train", "dev", "test"]
SETS = ["train", "dev", "seen", "unseen"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A folder that holds data/, made at the smallest size, and the table."""
    folder = tmp_path_factory.mktemp("mini")
    return folder, make(folder)


def make(folder, **options) -> mini.Prepared:
    """Make the corpus in folder/data, from inside the folder, so that the lists hold the same paths each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return mini.prepare("data", size="tiny", **options)


def contents(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_same_seed_same_bytes_and_another_seed_differs(tiny, tmp_path_factory):
    first = contents(tiny[0])
    again, other = tmp_path_factory.mktemp("again"), tmp_path_factory.mktemp("other")
    make(again)
    make(other, seed=1)
    assert contents(again) == first
    different = contents(other)
    assert set(different) == set(first)
    assert all(different[name] != first[name] for name in first if name.endswith(("wav.ark", "clean/text")))


def test_data_directories_are_valid(tiny, monkeypatch):
    folder, done = tiny
    monkeypatch.chdir(folder)
    for split, count in mini.UTTERANCES["tiny"].items():
        assert validate(f"data/{split}_clean", need=("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur")) == []
        assert len(read_list(f"data/{split}_clean/text")) == count
    for name in SETS:
        assert validate(f"data/noise_{name}", need=("wav.scp", "utt2noise", "utt2spk", "spk2utt", "utt2dur")) == []
    waves = DataDir("data/test_clean").waves(rate=8000)
    assert all(0.19 < np.abs(waves[utterance]).max() < 0.71 for utterance in waves)
    assert any("noise_unseen" in line for line in done.table)


def test_espeaks_own_rate(tiny, tmp_path):
    make(tmp_path, rate=22050)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        data = DataDir("data/dev_clean")
        waves, words = data.waves(rate=22050), data.read("text")
        assert all(len(waves[name]) / 22050 > 0.3 for name in list(waves)[:4])
        assert DataDir("data/noise_dev").waves().rate() == 22050
        patch.chdir(tiny[0])
        assert DataDir("data/dev_clean").read("text") == words


def test_transcripts_are_digit_strings_or_commands(tiny):
    for split in SPLITS:
        lines = set(read_list(tiny[0] / f"data/{split}_clean/text").values())
        digits = {line for line in lines if set(line.split()) <= set(DIGITS)}
        assert digits and lines - digits
        assert lines - digits <= set(mini.COMMANDS)
        assert all(1 <= len(line.split()) <= 7 for line in digits)


def test_isolated_digits_are_dealt_evenly():
    rng = np.random.default_rng(0)
    assert sorted(mini.texts(20, rng, isolated=True)) == sorted([*DIGITS, *DIGITS])


def test_the_grammar_is_closed_and_small():
    words = {word for command in mini.COMMANDS for word in command.split()}
    assert len(words) == 26
    assert not words & set(DIGITS)
    assert len(set(mini.COMMANDS)) == len(mini.COMMANDS)


def test_at_least_40_speakers_and_none_in_two_sets():
    voices = {split: mini.speakers(split, seed=0) for split in SPLITS}
    names = [speaker for split in SPLITS for speaker in voices[split]]
    assert len(names) == len(set(names)) == 56
    variants = [{voice.name.partition("+")[2] for voice in voices[split].values()} for split in SPLITS]
    assert sum(map(len, variants)) == len(set.union(*variants))
    for split in SPLITS:  # every accent is spoken in every set
        assert {voice.name.partition("+")[0] for voice in voices[split].values()} == set(mini.ACCENTS.values())


def test_speakers_of_the_data_are_disjoint(tiny):
    speakers = [set(read_list(tiny[0] / f"data/{split}_clean/spk2utt")) for split in SPLITS]
    assert len(speakers[0]) == 32
    assert len(set.union(*speakers)) == sum(map(len, speakers))


def test_noise_types_are_13_seen_and_4_unseen(tiny):
    assert (len(mini.SEEN), len(mini.UNSEEN)) == (13, 4)
    assert set(mini.SEEN) | set(mini.UNSEEN) == set(NOISES)
    kinds = {name: set(read_list(tiny[0] / f"data/noise_{name}/utt2noise").values()) for name in SETS}
    assert kinds["train"] == kinds["dev"] == kinds["seen"] == set(mini.SEEN)
    assert kinds["unseen"] == set(mini.UNSEEN)


def test_noise_instances_are_fresh_in_each_set(tiny, monkeypatch):
    monkeypatch.chdir(tiny[0])
    waves = {}
    for name in SETS:
        table = DataDir(f"data/noise_{name}").waves(rate=8000)
        waves |= {utterance: table[utterance] for utterance in table}
    assert all(len(wave) == 15 * 8000 for wave in waves.values())
    for kind in mini.SEEN:
        train, dev, seen = (waves[f"{kind}-{name}-01"] for name in ("train", "dev", "seen"))
        assert not np.array_equal(train, dev) and not np.array_equal(train, seen) and not np.array_equal(dev, seen)


def test_the_command_prints_the_table_and_tells_what_is_missing(tmp_path, nrsr_main, monkeypatch):
    monkeypatch.setattr(mini, "prepare", lambda **options: mini.Prepared(table=[f"{options}"], notes=["a note"]))
    status, out, err = nrsr_main("prepare", "mini", "--out", "x", "--size", "tiny")
    assert (status, out) == (
        0,
        "{'out': 'x', 'size': 'tiny', 'rate': 8000, 'isolated': False, 'emotions': False, 'seed': 0}\n",
    )
    assert err == "nrsr prepare mini: a note\n"
    monkeypatch.undo()
    monkeypatch.setattr(mini, "check", lambda: ["espeak-ng is missing"])
    status, out, err = nrsr_main("prepare", "mini", "--out", tmp_path / "x")
    assert (status, out, err) == (1, "", "nrsr prepare: espeak-ng is missing\n")
