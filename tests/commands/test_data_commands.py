"""The commands on data directories: statuses, what they print, what they leave."""

from pathlib import Path

import numpy as np
import pytest

from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lists import read_list, write_list
from nrsr.kaldi.tables import WaveWriter


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """Six utterances of two speakers."""
    monkeypatch.chdir(tmp_path)
    folder = Path("data/train")
    folder.mkdir(parents=True)
    utterances = [f"{speaker}-{n}" for speaker in ("a", "b") for n in range(3)]
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", 8000) as writer:
        for n, utterance in enumerate(utterances):
            writer[utterance] = np.full(1000 - 100 * n, 0.1)
    write_list(folder / "utt2spk", {utterance: utterance[0] for utterance in utterances})
    write_list(folder / "spk2utt", {"a": "a-0 a-1 a-2", "b": "b-0 b-1 b-2"})
    write_list(folder / "text", dict.fromkeys(utterances, "word"))
    return folder


def test_validate_then_fix(nrsr_main, data):
    status, out, err = nrsr_main("validate-data", "--need", "wav.scp,text", data)
    assert (status, err) == (0, "") and "valid, 6 utterances" in out
    text = data / "text"
    text.write_text(text.read_text().replace("a-1 word\n", "a-1\n"))
    status, _, err = nrsr_main("validate-data", data)
    assert status == 1 and "data/train/text:2: id 'a-1' has an empty transcript" in err and "1 failures" in err
    status, out, err = nrsr_main("fix-data", "--utt2dur", data)
    assert status == 0 and "'a-1' dropped: it is not in text" in err and "5 utterances stay" in out
    assert read_list(data / "utt2dur")["b-0"] == "0.0875"
    assert nrsr_main("validate-data", data)[0] == 0


def test_validate_names_what_is_missing(nrsr_main, data):
    status, _, err = nrsr_main("validate-data", "--need", "wav.scp,feats.scp", data)
    assert status == 1 and "feats.scp: is missing" in err
    status, _, err = nrsr_main("validate-data", "none")
    assert status == 1 and err.count("\n") == 1 and "no such folder" in err


def test_split(nrsr_main, data):
    assert nrsr_main("split-data", data, 2) == (0, "data/train/split2/1\ndata/train/split2/2\n", "")
    assert DataDir(data / "split2" / "2").utterances == ["b-0", "b-1", "b-2"]
    assert nrsr_main("split-data", "--per-utt", data, 4)[0] == 0
    status, _, err = nrsr_main("split-data", data, 3)
    assert status == 1 and "--per-utt" in err


def test_a_share_keeps_each_speaker(nrsr_main, data, tmp_path):
    speakers = {
        f"{speaker}-{number:02d}": speaker for speaker in "abc" for number in range(2 if speaker == "c" else 10)
    }
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "utt2spk").write_text("".join(f"{name} {speaker}\n" for name, speaker in speakers.items()))
    (folder / "wav.scp").write_text("".join(f"{name} {name}.wav\n" for name in speakers))
    drawn = {}
    for share, seed in ((0.3, 0), (0.3, 1), (0.1, 0), (1, 0)):
        status, _, err = nrsr_main("subset-data", "--share", share, "--seed", seed, folder, f"part{share}-{seed}")
        assert status == 0, err
        drawn[share, seed] = list(read_list(f"part{share}-{seed}/utt2spk"))
    counts = {key: [sum(name[0] == speaker for name in own) for speaker in "abc"] for key, own in drawn.items()}
    assert counts == {(0.3, 0): [3, 3, 1], (0.3, 1): [3, 3, 1], (0.1, 0): [1, 1, 1], (1, 0): [10, 10, 2]}
    assert drawn[0.3, 0] != drawn[0.3, 1] and len(set(drawn[0.3, 0])) == 7
    status, _, err = nrsr_main("subset-data", "--share", 1.5, folder, "part")
    assert status == 1 and "a share of 1.5" in err


def test_subset(nrsr_main, data):
    Path("ids").write_text("b-2\na-0 anything\n")
    Path("speakers").write_text("b\n")
    for options, want in [
        (("--first", 2), ["a-0", "a-1"]),
        (("--shortest", 2), ["b-1", "b-2"]),
        (("--utt-list", "ids"), ["a-0", "b-2"]),
        (("--spk-list", "speakers"), ["b-0", "b-1", "b-2"]),
    ]:
        status, out, _ = nrsr_main("subset-data", *options, data, "part")
        assert status == 0 and f"{len(want)} utterances" in out
        assert DataDir("part").utterances == want
    assert nrsr_main("subset-data", "--random", 3, "--seed", 5, data, "part")[0] == 0
    assert len(DataDir("part").utterances) == 3
    assert nrsr_main("subset-data", "--first", 7, data, "part")[0] == 1


def test_perturb_and_combine(nrsr_main, data):
    status, _, err = nrsr_main("perturb-speed", "--speeds", "0.9,1.1", data, "sp")
    assert status == 0, err
    assert DataDir("sp").utterances[0] == "sp0.9-a-0" and len(DataDir("sp").utterances) == 12
    status, out, _ = nrsr_main("combine-data", "all", data, "sp")
    assert status == 0 and "2 directories" in out and len(DataDir("all").utterances) == 18
    assert nrsr_main("validate-data", "all")[0] == 0
    assert nrsr_main("combine-data", "all2", data, data)[0] == 1
    status, _, err = nrsr_main("perturb-speed", "--speeds", "fast", data, "sp")
    assert status == 1 and "--speeds 'fast'" in err
