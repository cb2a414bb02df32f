"""Preparation of IEMOCAP on a tree with the published numbers of utterances, and on trees that lack some."""

from collections import Counter

import pytest
from toy_wavs import write_noises, write_tone

from nrsr.corpora import iemocap, nonspeech
from nrsr.corpora.iemocap import OFFICIAL, SESSIONS, TALKERS, IemocapError
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.validate import validate

LABELS = {"neutral": "neu", "angry": "ang", "sad": "sad"}
SETS = ("train_clean", "dev_clean", "test_clean")


def utterances_of(session: int) -> list[tuple[str, str]]:
    """(talker's letter, label as in the corpus): the published numbers, happy and excited in turn, and other labels."""
    labels = [LABELS.get(emotion, ("hap", "exc")[number % 2])
              for emotion, numbers in OFFICIAL.items() for number in range(numbers[session - 1])]  # fmt: skip
    talkers = [letter for letter in "FM" for _ in range(TALKERS[f"{session}{letter}"])]
    return [*zip(talkers, labels, strict=True), ("F", "fru"), ("M", "xxx")]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """All 5,531 utterances of 1 ms (and ten of other labels) in dialogues of 100, whose actors alternate."""
    root = tmp_path_factory.mktemp("iemocap")
    write_tone(root / "x.wav", 0.1, 16, 16000)
    for session in SESSIONS:
        folder = root / f"Session{session}"
        evaluation, transcriptions = folder / "dialog" / "EmoEvaluation", folder / "dialog" / "transcriptions"
        for place in (evaluation / "Categorical", transcriptions):
            place.mkdir(parents=True)
        (evaluation / "Categorical" / "Ses01F_impro01_e2_cat.txt").write_text(
            "[0.1 - 0.2]\tSes01F_impro01_F000\tsad\t[]\n"
        )
        utterances = utterances_of(session)
        for start in range(0, len(utterances), 100):
            dialog = f"Ses0{session}{'FM'[start // 100 % 2]}_script{start // 100:02d}_1b"
            (folder / "sentences" / "wav" / dialog).mkdir(parents=True)
            lines, words = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"], ["M: [LAUGHTER]\n"]
            for number, (talker, label) in enumerate(utterances[start : start + 100]):
                name = f"{dialog}_{talker}{number:03d}"
                (folder / "sentences" / "wav" / dialog / f"{name}.wav").hardlink_to(root / "x.wav")
                lines.append(f"[6.2901 - 8.2357]\t{name}\t{label}\t[2.5000, 2.5000, 2.5000]\nC-E2:\tSadness;\t()\n\n")
                said = "[LAUGHTER]" if number == 7 else f"[BREATHING] Excuse me, [LAUGHTER] it's {label}. [LIPSMACK]"
                words.append(f"{name} [006.2901-008.2357]: {said}\n")
            (evaluation / f"{dialog}.txt").write_text("".join(lines))
            (transcriptions / f"{dialog}.txt").write_text("".join(words))
    (root / "x.wav").unlink()
    return root


def test_sessions_are_left_out_and_the_numbers_are_the_published_ones(tree, tmp_path, nrsr_main):
    write_noises(tmp_path / "noise")
    options = ["--corpus-dir", tree, "--noise-dir", tmp_path / "noise", "--out", tmp_path / "data", "--fold", 5]
    status, out, err = nrsr_main("prepare", "iemocap", *options)
    assert (status, err) == (0, "") and "1241 utterances" in out
    held = {name: DataDir(tmp_path / "data" / name) for name in SETS}
    speakers = {name: sorted(set(data.read("utt2spk").values())) for name, data in held.items()}
    assert speakers == {"train_clean": ["2F", "2M", "3F", "3M", "4F", "4M"], "dev_clean": ["1F", "1M"],
                        "test_clean": ["5F", "5M"]}  # fmt: skip
    for data in held.values():
        assert validate(data.path, need=("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur")) == []
    emotions = Counter(held["test_clean"].read("utt2emotion").values())
    assert emotions == {"neutral": 384, "happy": 442, "angry": 170, "sad": 245}
    # The talker is not the actor whom the dialogue is named after.
    name = next(name for name in held["test_clean"].utterances if "Ses05F" in name and name.startswith("5M"))
    assert held["test_clean"].read("spk2gender")["5M"] == "m" and "_M" in name
    text = held["test_clean"].read("text")
    assert {text[name] for name in text if name.endswith("007")} == {"[laughter]"}
    assert {text[name].rpartition(" ")[0] for name in text if not name.endswith("007")} == {"excuse me it's"}
    held_out = set(DataDir(tmp_path / "data" / "noise_unseen").read("utt2noise").values())
    assert held_out == set(nonspeech.UNSEEN[1])


def test_what_is_missing_is_named(tree, tmp_path):
    def refused(message: str) -> None:
        with pytest.raises(IemocapError, match=message):
            iemocap.prepare(tree, tmp_path / "data")

    assert iemocap.check(tree) == []
    (problem,) = iemocap.check(tmp_path)
    assert f"{tmp_path}: no folders Session1, Session2, Session3, Session4, Session5; unpack" in problem
    dialog = "Ses02M_script03_1b"
    evaluation = tree / "Session2" / "dialog" / "EmoEvaluation" / f"{dialog}.txt"
    content = evaluation.read_text()
    evaluation.write_text(content.replace("\tneu\t", "\tsad\t", 1))
    refused(
        "not the 5531 utterances of published results: session 2 has 361 of 362 neutral ones, .* 198 of 197 sad ones"
    )
    kept = evaluation.rename(tmp_path / "kept")
    refused(r"session 2 has 300 of 362 neutral ones.*talker 2F has \d+ of 481; unpack|session 2 has .*talker 2F has")
    kept.rename(evaluation)
    evaluation.write_text(content)
    waves = tree / "Session2" / "sentences" / "wav" / dialog
    waves.rename(tmp_path / "waves")
    (recording,) = (tree / "Session4/sentences/wav").glob("Ses04F_script00_1b/*_F001.wav")
    recording.rename(tmp_path / "x.wav")
    refused(
        rf"recordings are missing: 100 of session 2, first Session2/sentences/wav/{dialog}/{dialog}_F000\.wav; "
        rf"1 of session 4, first Session4/sentences/wav/Ses04F_script00_1b/{recording.name}; unpack"
    )
    (tmp_path / "x.wav").rename(recording)
    (tmp_path / "waves").rename(waves)
    (tree / "Session4").rename(tmp_path / "Session4")
    (tree / "Session5/sentences").rename(tmp_path / "sentences")
    refused(rf"{tree}: no folders Session4, Session5/sentences/wav; unpack")
    (tmp_path / "Session4").rename(tree / "Session4")
    (tmp_path / "sentences").rename(tree / "Session5/sentences")
