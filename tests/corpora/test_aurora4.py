"""Preparation of Aurora-4 from a generated tree of its shape: 2 sentences of each set."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from nrsr.corpora import aurora4
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lists import read_list
from nrsr.kaldi.validate import validate

NEED = ("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur", "utt2noise", "utt2mic", "utt2uniq")
TEST_NOISES = ["clean", "car", "babble", "restaurant", "street", "airport", "train"]
TRAIN = ["011c0201", "011c0202", "012o0301", "012o0302", "013o0303", "014o0304", "015o0305", "408o0302"]
TRAIN_FOLDERS = ["clean", "airport", "babble", "car", "restaurant", "street", "train", "clean"]
TESTS = {"0330": ["050c0101", "051c0102"], "1206": ["053c0104", "052c0103"], "0166": ["440c0401", "441c0402"]}
SAMPLES = 480


def add(root: Path, path: str, value: int = 1) -> None:
    """A headerless recording of one sample value, big-endian."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    np.full(SAMPLES, value, ">i2").tofile(file)


def write_list(root: Path, name: str, paths: list[str]) -> None:
    (root / "lists").mkdir(parents=True, exist_ok=True)
    (root / "lists" / f"{name}_16k.list").write_text("".join(f"{path}\n" for path in paths))


def make_corpus(root: Path) -> Path:
    """Lists, and recordings where they say; development recordings lie in a folder that the lists do not name."""
    clean = [f"training_clean_sennh_16k/si_tr_s/{name[:3]}/{name.upper()}.wv1" for name in TRAIN]
    multi = [
        f"training_multicondition_16k/{noise}_16k/{name[:3]}/{name}.wv{1 + number % 2}"
        for number, (name, noise) in enumerate(zip(TRAIN, TRAIN_FOLDERS, strict=True))
    ]
    multi.append(multi[-1].replace(".wv2", ".wv1"))  # 408o0302 stands there as .wv2 too, which is dropped
    for name, paths in (("training_clean_sennh", clean), ("training_multicondition", multi)):
        write_list(root, name, paths)
        for path in paths:
            add(root, path, 256)
    for count, sentences in TESTS.items():
        for number in range(1, 15):
            end = f"{sentences[0][:3]}"
            for kind in ("devtest", "test"):
                if (kind, count) in (("devtest", "0166"), ("test", "1206")):
                    continue
                folder = f"dev_{count}_16k_{number:02}" if kind == "devtest" else f"test{number:02}_{count}_16k"
                paths = [f"{folder}/{end}/{name}.wv{1 if number <= 7 else 2}" for name in sentences]
                write_list(root, f"{kind}{number:02}_{count}", paths)
                for path in paths:
                    add(root, f"dev{count}_16k/{path}" if kind == "devtest" else path, number)
    return root


@pytest.fixture
def corpus(tmp_path) -> Path:
    return make_corpus(tmp_path / "AURORA4")


@pytest.fixture
def wsj0(tmp_path) -> Path:
    dots = tmp_path / "WSJ0" / "11-13.1" / "wsj0" / "transcrp" / "dots"
    dots.mkdir(parents=True)
    names = TRAIN + [name for sentences in TESTS.values() for name in sentences]
    (dots / "all.dot").write_text("".join(f"Words of {name} [cough] ({name.upper()})\n" for name in names))
    return tmp_path / "WSJ0"


def test_all_directories_are_valid_and_complete(corpus, wsj0, tmp_path):
    done = aurora4.prepare(corpus, wsj0, tmp_path / "data")
    counts = {"train_clean": 8, "train_multi": 8, "dev_0330": 28, "dev_1206": 28, "test_0166": 28, "test_0330": 28}
    counts |= {"test_A": 2, "test_B": 12, "test_C": 2, "test_D": 12}
    counts |= {f"train_noises{number}": 2 + number for number in range(1, 7)}
    found = {}
    for name in counts:
        folder = tmp_path / "data" / name
        assert validate(folder, need=NEED) == []
        found[name] = len(DataDir(folder).utterances)
    assert found == counts
    assert "train_multi: 8 utterances; the official set has 7138" in done.notes
    assert len(done.notes) == len(aurora4.OFFICIAL)  # nothing else is amiss


def test_ids_speakers_words_noises_and_microphones(corpus, wsj0, tmp_path):
    aurora4.prepare(corpus, wsj0, tmp_path / "data")
    clean, multi, test = (DataDir(tmp_path / "data" / name) for name in ("train_clean", "train_multi", "test_0330"))
    assert clean.read("wav.scp")["011c02010"].endswith("training_clean_sennh_16k/si_tr_s/011/011C0201.wv1")
    assert clean.read("text")["011c02010"] == "WORDS OF 011C0201"
    assert clean.read("utt2spk")["012o03010"] == "012"
    assert clean.read("utt2dur")["012o03010"] == "0.030000"
    assert set(clean.read("utt2noise").values()) == {"clean"}
    assert multi.read("utt2noise") == {f"{name}1": kind for name, kind in zip(TRAIN, TRAIN_FOLDERS, strict=True)}
    assert multi.read("utt2mic")["011c02021"] == "2"
    assert multi.read("wav.scp")["408o03021"].endswith("408o0302.wv1")
    assert all(original in clean.utterances for original in multi.read("utt2uniq").values())
    for number in range(14):
        name = f"050c0101{'0123456789abcd'[number]}"
        assert test.read("utt2noise")[name] == TEST_NOISES[number % 7]
        assert test.read("utt2mic")[name] == ("1" if number < 7 else "2")
        assert test.read("utt2uniq")[name] == "050c01010"
        wave = test.waves(rate=16000)[name]
        assert np.allclose(wave, (number + 1) / 32768) and len(wave) == SAMPLES


def test_groups_and_the_order_of_added_noises(corpus, wsj0, tmp_path):
    aurora4.prepare(corpus, wsj0, tmp_path / "data")
    marks = {name: {utt[-1] for utt in DataDir(tmp_path / "data" / f"test_{name}").utterances} for name in "ABCD"}
    assert {name: "".join(sorted(found)) for name, found in marks.items()} == {
        "A": "0", "B": "123456", "C": "7", "D": "89abcd",
    }  # fmt: skip
    before = {"clean"}
    for number, added in enumerate(("airport", "babble", "car", "restaurant", "street", "train"), start=1):
        noises = set(read_list(tmp_path / "data" / f"train_noises{number}" / "utt2noise").values())
        assert noises - before == {added}
        before = noises


def test_the_development_prefix(corpus, wsj0, tmp_path):
    aurora4.prepare(corpus, wsj0, tmp_path / "data")
    path = read_list(tmp_path / "data" / "dev_1206" / "wav.scp")["052c0103d"]
    assert path.endswith("dev1206_16k/dev_1206_16k_14/053/052c0103.wv2")


def refused(nrsr_main, corpus: Path, wsj0: Path, out: Path, *options: object) -> str:
    """The one line with which preparation fails; nothing is written then."""
    given = ("--corpus-dir", corpus, "--wsj0-dir", wsj0, "--out", out)
    status, printed, err = nrsr_main("prepare", "aurora4", *given, *options)
    assert status == 1 and printed == "" and err.count("\n") == 1
    assert not out.exists()
    return err


@pytest.mark.parametrize(
    "name",
    [
        "lists/devtest07_1206_16k.list",
        "training_multicondition_16k/car_16k/012/012o0302.wv2",
        "dev0330_16k/dev_0330_16k_02/050/051c0102.wv1",
        "test14_0166_16k/440/441c0402.wv2",
    ],
)
def test_a_missing_file_is_named_with_its_cure(corpus, wsj0, tmp_path, nrsr_main, name):
    (corpus / name).unlink()
    err = refused(nrsr_main, corpus, wsj0, tmp_path / "data")
    assert f"{corpus / name}: no such file" in err and "unpack Aurora-4" in err
    assert len(aurora4.check(corpus)) == (1 if name.startswith("lists") else 0)


def test_lists_that_are_not_of_their_form_are_named(corpus, wsj0, tmp_path, nrsr_main):
    multi = corpus / "lists" / "training_multicondition_16k.list"
    lines = multi.read_text()
    multi.write_text(lines + "street_16k/car/011c0209.wv1\n")
    assert "street_16k/car/011c0209.wv1: the path names car and street" in refused(
        nrsr_main, corpus, wsj0, tmp_path / "data"
    )
    multi.write_text(lines + lines.splitlines()[0] + "\n")
    assert "train_multi has 011c0201 twice" in refused(nrsr_main, corpus, wsj0, tmp_path / "data")
    multi.write_text("training/readme.txt\n")
    assert "'training/readme.txt' is no path of a .wv1 or .wv2" in refused(nrsr_main, corpus, wsj0, tmp_path / "data")
    multi.write_text("\n")
    assert "has no lines" in refused(nrsr_main, corpus, wsj0, tmp_path / "data")
    multi.write_text(lines)
    write_list(corpus, "devtest03_0330", ["somewhere/050c0101.wv1"])
    assert "does not begin with a folder such as dev_0330_16k" in refused(nrsr_main, corpus, wsj0, tmp_path / "data")


def test_without_transcripts_wsj0_is_asked_for(corpus, wsj0, tmp_path, nrsr_main):
    (tmp_path / "empty").mkdir()
    err = refused(nrsr_main, corpus, tmp_path / "empty", tmp_path / "data")
    assert "empty: no .dot files" in err and "--wsj0-dir" in err
    dot = next(wsj0.rglob("*.dot"))
    dot.write_text("".join(line for line in dot.read_text().splitlines(True) if "015O0305" not in line))
    assert "no transcript of 1 utterances of train_clean, first 015o0305" in refused(
        nrsr_main, corpus, wsj0, tmp_path / "data"
    )


def test_noises_that_the_paths_do_not_tell(corpus, wsj0, tmp_path, nrsr_main):
    multi = corpus / "lists" / "training_multicondition_16k.list"
    paths = [f"training_multicondition_16k/{name[:3]}/{name}.wv1" for name in TRAIN]
    write_list(corpus, "training_multicondition", paths)
    for path in paths:
        add(corpus, path)
    done = aurora4.prepare(corpus, wsj0, tmp_path / "data")
    assert any("the noise of 8 utterances is unknown" in note for note in done.notes)
    assert not (tmp_path / "data" / "train_multi" / "utt2noise").exists()
    assert not (tmp_path / "data" / "train_noises1").exists()

    told = tmp_path / "noises"
    told.write_text("".join(f"{name} {kind}\n" for name, kind in zip(TRAIN, TRAIN_FOLDERS, strict=True)))
    aurora4.prepare(corpus, wsj0, tmp_path / "data", told)
    assert set(read_list(tmp_path / "data" / "train_noises2" / "utt2noise").values()) == {"clean", "airport", "babble"}
    told.write_text(told.read_text().replace("street", "rain"))
    assert "noise 'rain' is none of" in refused(nrsr_main, corpus, wsj0, tmp_path / "other", "--noise-list", told)
    assert multi.is_file()


def test_the_recipe_chooses_development_sentences_in_all_conditions(corpus, wsj0, tmp_path, root):
    command = [root / "egs/aurora4/hybrid/run.sh", "--corpus-dir", corpus, "--wsj0-dir", wsj0, "--work-dir", tmp_path]
    result = subprocess.run([*map(str, command), "--stop-stage", "1"], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    dev, clean = (DataDir(tmp_path / "data" / name) for name in ("dev", "dev_clean"))
    assert clean.utterances == ["050c01010"]
    assert dev.utterances == [f"050c0101{mark}" for mark in "0123456789abcd"]
    assert set(dev.read("utt2uniq").values()) == set(clean.utterances)
