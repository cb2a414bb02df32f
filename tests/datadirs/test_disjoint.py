"""Sets that are apart, or share speakers with the training data, also where these are copies at other speeds."""

from pathlib import Path

import pytest

from nrsr.datadirs.disjoint import SharedError, refuse_shared
from nrsr.kaldi import DataDir, write_list


def write_speech(folder: Path, utt2spk: dict[str, str], utt2uniq: dict[str, str] | None = None) -> DataDir:
    folder.mkdir()
    write_list(folder / "utt2spk", utt2spk)
    write_list(folder / "text", dict.fromkeys(utt2spk, "one"))
    if utt2uniq:
        write_list(folder / "utt2uniq", utt2uniq)
    return DataDir(folder)


def test_speakers_of_copies_at_other_speeds_are_those_of_the_originals(tmp_path):
    test = write_speech(tmp_path / "test", {"ann-3": "ann", "bob-1": "bob"})
    copies = {"sp0.9-ann-1": "sp0.9-ann", "sp1.1-ann-1": "sp1.1-ann"}
    train = write_speech(tmp_path / "train", copies, dict.fromkeys(copies, "ann-1"))
    with pytest.raises(SharedError, match="1 of 2 speakers are in .*train as well: ann;"):
        refuse_shared(test, [train])
    twice = write_speech(tmp_path / "twice", {"sp1.1-sp0.9-bob-2": "sp1.1-sp0.9-bob"}, {"sp1.1-sp0.9-bob-2": "bob-2"})
    with pytest.raises(SharedError, match="1 of 2 speakers are in .*twice as well: bob;"):
        refuse_shared(test, [twice])


def test_speakers_whose_ids_look_like_those_of_copies_are_themselves(tmp_path):
    test = write_speech(tmp_path / "test", {"sp1-f-1": "sp1-f"}, {"sp1-f-1": "sp1-f-0"})
    plain = write_speech(tmp_path / "plain", {"sp2-f-1": "sp2-f", "f-1": "f"})
    noisy = write_speech(tmp_path / "noisy", {"sp3-f-1": "sp3-f"}, {"sp3-f-1": "sp3-f-0"})
    refuse_shared(test, [plain, noisy])
