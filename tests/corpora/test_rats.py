"""Preparation of RATS: a generated tree of LDC2015S02's shape, and prepared data directories with segments."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from nrsr.corpora import rats
from nrsr.corpora.rats_tables import RatsTableError, Row, read_table, shift_between, spoken
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.validate import validate

RATE = 16000
SHIFT = 0.25  # seconds by which channel A of the tree lies behind its source
# (start, end, label) at the source and in channel A, where the second stretch was not transmitted to its end.
SOURCE = [(0.0, 0.5, "NS"), (0.5, 1.0, "S"), (1.0, 1.5, "NS"), (1.5, 2.5, "S"), (2.5, 3.0, "NS")]
RADIO = [
    (0.0, 0.75, "NS"),
    (0.75, 1.25, "S"),
    (1.25, 1.75, "NS"),
    (1.75, 2.25, "S"),
    (2.25, 2.5, "RX"),
    (2.5, 2.75, "NT"),
    (2.75, 3.25, "NS"),
]
SETS = {"train": [("10001", "20001", "eng"), ("10002", "20002", "alv")], "dev-1": [("10003", "20003", "urd")]}
SETS["dev-2"] = [("10004", "20004", "fas")]


def write_flac(path: Path, wave: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave, RATE, subtype="PCM_16")


def write_tab(path: Path, rows: list[tuple], language: str) -> None:
    """The corpus' 12 columns, speaker and transcript empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"train\t{path.stem}\t{a}\t{b}\t{s}\tautomatic\t\t\t{language}\toriginal\t\t\n" for a, b, s in rows]
    path.write_text("".join(lines))


@pytest.fixture
def corpus(tmp_path):
    """Speech of a slow sine; the radio channel is the source later, and half as loud."""
    data = tmp_path / "LDC2015S02" / "data"
    source = 0.5 * np.sin(2 * np.pi * 5 * np.arange(int(3.5 * RATE)) / RATE)
    radio = 0.5 * np.concatenate([np.zeros(int(SHIFT * RATE)), source])
    for partition, members in SETS.items():
        for number, session, language in members:
            level = [language] if partition == "train" else []
            for channel, wave, rows in (("src", source, SOURCE), ("A", radio, RADIO), ("G", radio, RADIO)):
                name = f"{number}_{language}_src" if channel == "src" else f"{number}_{session}_{language}_{channel}"
                write_flac(data.joinpath(partition, "audio", *level, channel, f"{name}.flac"), wave)
                write_tab(data.joinpath(partition, "sad", *level, channel, f"{name}.tab"), rows, language)
    return data.parent


def test_stretches_of_speech_become_utterances_at_8_khz(corpus, tmp_path):
    done = rats.prepare(tmp_path / "data", corpus_dir=corpus)
    for name, members in SETS.items():
        need = ("wav.scp", "spk1.scp", "utt2spk", "spk2utt", "utt2dur", "utt2lang")
        assert validate(tmp_path / "data" / name, need=need) == []
        assert len(DataDir(tmp_path / "data" / name).utterances) == 2 * len(members)
        assert not (tmp_path / "data" / name / "text").exists()
    train = DataDir(tmp_path / "data" / "train")
    assert train.utterances[:2] == [
        "10001_20001_eng_A-0000750-0001250",
        "10001_20001_eng_A-0001750-0002250",
    ]
    assert train.read("utt2lang")["10002_20002_alv_A-0000750-0001250"] == "alv"
    assert train.read("utt2spk")["10002_20002_alv_A-0000750-0001250"] == "10002"
    assert "no transcripts" in done.notes[-1]
    assert "4 with parallel clean speech" in done.table[1]


def test_clean_speech_is_cut_where_the_channel_heard_it(corpus, tmp_path):
    rats.prepare(tmp_path / "data", corpus_dir=corpus, channel="G")
    directory = DataDir(tmp_path / "data" / "dev-1")
    noisy, clean = directory.waves(rate=8000), directory.waves("spk1.scp", rate=8000)
    for utterance in directory.utterances:
        assert utterance.startswith("10003_20003_urd_G-")
        assert len(noisy[utterance]) == len(clean[utterance]) == 4000
        np.testing.assert_allclose(noisy[utterance], 0.5 * clean[utterance], atol=1e-3)


def test_without_a_common_shift_there_is_no_clean_speech(corpus, tmp_path):
    table = corpus / "data/dev-2/sad/src/10004_fas_src.tab"
    write_tab(table, SOURCE[:2], "fas")
    done = rats.prepare(tmp_path / "data", corpus_dir=corpus)
    assert not any((tmp_path / "data" / "dev-2" / name).exists() for name in ("spk1.scp", "clean.ark"))
    assert validate(tmp_path / "data" / "dev-2") == []
    assert any("dev-2: 1 recordings get no clean speech" in note and "10004_20004_fas_A" in note for note in done.notes)


def test_shift_is_the_median_and_refuses_drift():
    source = [Row(1.0, 2.0, "S"), Row(2.0, 3.0, "NS"), Row(3.0, 4.0, "S"), Row(5.0, 6.0, "S")]
    moved = [Row(row.start + 0.4, row.end + 0.4, row.label) for row in source]
    assert shift_between(source, moved) == pytest.approx(0.4)
    assert shift_between(source, [*moved[:3], Row(5.5, 6.5, "S")]) is None
    assert shift_between(source, moved[:3]) is None
    assert shift_between([], []) is None
    assert spoken([Row(0.0, 1.0, "S"), Row(1.0, 2.0, "RX"), Row(2.5, 3.0, "NT")]) == [(0.0, 2.0), (2.5, 3.0)]


def test_stretches_that_are_too_long_or_short_are_counted(corpus, tmp_path):
    rows = [(0.0, 0.05, "S"), (0.05, 1.0, "NS"), (1.0, 2.0, "S")]
    write_tab(corpus / "data/dev-1/sad/A/10003_20003_urd_A.tab", rows, "urd")
    done = rats.prepare(tmp_path / "data", corpus_dir=corpus)
    assert "dev-1: 1 stretches are not of 0.1 to 30 s and left out" in done.notes
    assert len(DataDir(tmp_path / "data" / "dev-1").utterances) == 1


@pytest.mark.parametrize(
    "name",
    [
        "train/audio/eng/A/10001_20001_eng_A.flac",
        "train/sad/alv/A/10002_20002_alv_A.tab",
        "dev-1/audio/src/10003_urd_src.flac",
        "dev-2/sad/src/10004_fas_src.tab",
    ],
)
def test_a_missing_file_is_named_with_its_cure(corpus, tmp_path, nrsr_main, name):
    (corpus / "data" / name).unlink()
    options = ("--corpus-dir", corpus, "--out", tmp_path / "data")
    status, out, err = nrsr_main("prepare", "rats", *options)
    assert status == 1 and out == "" and err.count("\n") == 1
    assert Path(name).name in err and "no such file; copy LDC2015S02 anew" in err
    assert not (tmp_path / "data").exists()


def test_a_channel_or_folder_that_is_not_there_is_named(corpus, tmp_path):
    with pytest.raises(rats.RatsError, match="train: no recordings of channel H"):
        rats.prepare(tmp_path / "data", corpus_dir=corpus, channel="H")
    shutil.rmtree(corpus / "data" / "dev-2" / "sad")
    assert rats.check(corpus) == [f"{corpus}/data/dev-2/sad: no such folder; {rats.CURE}"]


@pytest.mark.parametrize(
    "line",
    ["train\tx\t0.0\t1.0", "train\ty\t0.0\t1.0\tS", "train\tx\t0.0\t1.0\tQ", "train\tx\t2\t1\tS", "train\tx\ta\tb\tS"],
)
def test_bad_tables_are_named_with_their_line(tmp_path, line):
    (tmp_path / "x.tab").write_text(f"train\tx\t0.0\t1.0\tS\n{line}\n")
    with pytest.raises(RatsTableError, match=r"x\.tab:2: expected .*restore the file"):
        read_table(tmp_path / "x.tab")


@pytest.fixture
def prepared(tmp_path):
    """train, dev and test as data directories with segments of one recording and clean speech by recording."""
    folder = tmp_path / "prepared"
    for name in rats.PREPARED:
        (folder / name).mkdir(parents=True)
        for kind in ("noisy", "clean"):
            soundfile.write(folder / name / f"{kind}.wav", np.full(16000, 0.1), 8000)
        write = {
            "wav.scp": f"r1 {folder}/{name}/noisy.wav\n",
            "spk1.scp": f"r1 {folder}/{name}/clean.wav\n",
            "segments": "s1-a r1 0.1 0.6\ns1-b r1 1.0 1.5\n",
            "text": "s1-a ONE TWO\ns1-b THREE\n",
            "utt2spk": "s1-a s1\ns1-b s1\n",
            "spk2utt": "s1 s1-a s1-b\n",
        }
        for file, content in write.items():
            (folder / name / file).write_text(content)
    return folder


def test_prepared_directories_are_copied_and_usable(prepared, tmp_path):
    assert rats.check(prepared) == []
    done = rats.prepare(tmp_path / "data", prepared_dir=prepared)
    assert "2 utterances, 1 entries of clean speech" in done.table[1]
    for name in rats.PREPARED:
        assert validate(tmp_path / "data" / name, need=("wav.scp", "text", "segments", "spk2utt")) == []
    train = DataDir(tmp_path / "data" / "train")
    assert len(train.waves(rate=8000)["s1-b"]) == len(train.waves("spk1.scp", rate=8000)["s1-b"]) == 4000
    assert train.read("text") == {"s1-a": "ONE TWO", "s1-b": "THREE"}


def test_lists_of_prepared_directories_do_not_stay_beside_the_corpus(prepared, corpus, tmp_path):
    rats.prepare(tmp_path / "data", prepared_dir=prepared)
    rats.prepare(tmp_path / "data", corpus_dir=corpus)
    assert validate(tmp_path / "data" / "train") == [] and len(DataDir(tmp_path / "data" / "train").utterances) == 4
    names = {file.name for file in (tmp_path / "data" / "train").iterdir() if file.suffix != ".wav"}
    assert names == {"wav.scp", "wav.ark", "spk1.scp", "clean.ark", "utt2spk", "spk2utt", "utt2dur", "utt2lang"}


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("train/spk1.scp", None, "train/spk1.scp: is missing"),
        ("dev/text", None, "dev/text: is missing"),
        ("test/text", "s1-a ONE\ns1-b\n", "test/text:2: id 's1-b' has an empty transcript"),
        ("test/wav.scp", "r1 nowhere.wav\n", "nowhere.wav"),
        ("test/segments", "s1-a r1 0.1 0.6\ns1-b r1 1.0 9.5\n", "behind the end of recording"),
        ("train/wav.scp", "r1 cat x.wav |\n", "train/wav.scp: entries are commands"),
    ],
)
def test_what_is_wrong_with_prepared_directories_is_named(prepared, tmp_path, nrsr_main, file, content, says):
    (prepared / file).unlink()
    if content is not None:
        (prepared / file).write_text(content)
    options = ("--prepared-dir", prepared, "--out", tmp_path / "data")
    status, _, err = nrsr_main("prepare", "rats", *options)
    assert status == 1 and err.count("\n") == 1
    assert says in err
    assert not (tmp_path / "data").exists()


def test_check_names_what_prepared_directories_lack(prepared, tmp_path):
    (prepared / "train" / "spk1.scp").unlink()
    assert rats.check(prepared)[0].startswith(f"{prepared}/train/spk1.scp: no such file")
    assert len(rats.check(tmp_path / "nowhere")) == 10


def test_one_of_the_two_inputs_must_be_given(tmp_path, nrsr_main):
    status, _, err = nrsr_main("prepare", "rats", "--out", tmp_path / "data")
    assert status == 2 and "--prepared-dir" in err


def test_the_recipe_takes_prepared_directories(prepared, tmp_path, root):
    command = [str(root / "egs/rats/asr/run.sh"), "--work-dir", str(tmp_path), "--stop-stage", "1"]
    done = subprocess.run([*command, "--corpus-dir", str(prepared)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert DataDir(tmp_path / "data" / "train").utterances == ["s1-a", "s1-b"]
