"""nrsr score-ser and its way into the report: tables and files, leaked speakers and noises, labels that do not fit."""

import json
from pathlib import Path

import numpy as np
import pytest

from nrsr.kaldi import read_list, write_list

CLASSES = ["angry", "calm", "sad"]
SNRS, NOISES = ["-5", "0", "20"], ["wind", "crowd"]


def write_data(folder: Path, speakers: str, noises: str | None = "t", utterances: int = 10) -> list[str]:
    """A directory of labels of some speakers; a noise recording of each type, named by a letter."""
    folder.mkdir(parents=True)
    names = [f"{speaker}-{number:02d}" for speaker in speakers for number in range(utterances)]
    write_list(folder / "utt2spk", {name: name[0] for name in names})
    write_list(folder / "utt2emotion", {name: CLASSES[number % 3] for number, name in enumerate(names)})
    if noises:
        kinds = {name: NOISES[number % 2] for number, name in enumerate(names)}
        write_list(folder / "utt2noise", kinds)
        write_list(folder / "utt2noisefile", {name: f"{kind}-{noises}" for name, kind in kinds.items()})
        write_list(folder / "utt2snr", {name: SNRS[number % 3] for number, name in enumerate(names)})
    return names


def write_noise(folder: Path, letter: str) -> None:
    folder.mkdir()
    write_list(folder / "utt2noise", {f"{kind}-{letter}": kind for kind in NOISES})
    write_list(folder / "utt2spk", {f"{kind}-{letter}": f"{kind}-{letter}" for kind in NOISES})
    write_list(folder / "wav.scp", {f"{kind}-{letter}": f"{kind}.wav" for kind in NOISES})


def write_found(folder: Path, names: list[str], share: float, seed: int) -> None:
    """Labels of which some share is right."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    found = {
        name: CLASSES[number % 3 if rng.random() < share else rng.integers(3)] for number, name in enumerate(names)
    }
    write_list(folder / "emotion", found)
    write_list(folder / "classes", {name: number for number, name in enumerate(CLASSES)})


@pytest.fixture
def data(tmp_path) -> Path:
    write_data(tmp_path / "test", "pqrs")
    write_data(tmp_path / "train", "abc", "u")
    write_data(tmp_path / "train_clean", "abc", None)
    write_noise(tmp_path / "noise_train", "u")
    return tmp_path


def options(data: Path, exp: Path, *more: object) -> list[object]:
    trained = ",".join(str(data / name) for name in ("train", "train_clean", "noise_train"))
    return ["--data", data / "test", "--train", trained, *more, data / "test/utt2emotion", exp / "emotion"]


def test_tables_matrices_and_the_report(data, nrsr_main):
    names = write_data(data / "again", "pqrs")
    for system, share in (("student", 0.4), ("multi", 0.8)):
        for seed in (1, 2):
            exp = data / f"exp/{system}_fold0_seed{seed}/classify_test"
            write_found(exp, names, share, seed)
            status, out, err = nrsr_main("score-ser", *options(data, exp, "--out", exp / "score", "--draws", 1000))
            assert (status, err) == (0, "")
    assert "bootstrap over utterances and noise recordings" in out and "over speakers and noise recordings" in out
    for line in ("wind ", "crowd ", "-5 ", "20 ", "angry ", "label "):
        assert f"\n{line}" in out
    content = json.loads((exp / "score/scores.json").read_text())
    matrix = np.array(content["confusion"]["total"])
    assert content["confusion"]["classes"] == CLASSES and matrix.sum() == 40
    assert content["total"]["wa"] == pytest.approx(100 * np.trace(matrix) / 40)
    by_snr = [np.array(content["confusion"]["snr"][snr]) for snr in SNRS]
    by_noise = [np.array(content["confusion"]["noise"][kind]) for kind in NOISES]
    assert (sum(by_snr) == matrix).all() and (sum(by_noise) == matrix).all()
    assert content["over_speakers"]["bootstrap"]["over"] == ["speakers", "noise recordings"]
    assert (exp / "score/confusion.png").read_bytes()[:4] == b"\x89PNG"
    asked = ["--exp", data / "exp", "--sets", "test", "--metric", "ua,wa", "--primary", "each", "--baseline", "student"]
    files = ["--confusion", data / "confusion.png", "--out", data / "RESULTS.md", "--over-speakers"]
    (data / "RESULTS.md").write_text("<!-- nrsr report: begin -->\n<!-- nrsr report: end -->\n")
    status, out, err = nrsr_main("report", *asked, *files, "--draws", 1000)
    assert status == 0 and "is not drawn" not in err, err
    text = (data / "RESULTS.md").read_text()
    assert "4 speakers and 2 noise recordings" in text and "test: UA in % by noise, all SNRs together" in text
    assert "| test: multi - student | +" in text and "macro-F1" in text
    assert (data / "confusion.png").read_bytes()[:4] == b"\x89PNG"


def test_two_systems_are_compared_in_pairs(data, nrsr_main):
    names = write_data(data / "again", "pqrs")
    for system, share in (("a", 0.9), ("b", 0.3)):
        write_found(data / system, names, share, 1)
    more = ("--out", data / "score", "--draws", 1000, "--versus", data / "b/emotion")
    status, out, err = nrsr_main("score-ser", *options(data, data / "a", *more))
    assert status == 0, err
    rates = [np.mean([read_list(data / system / "emotion")[name] == CLASSES[number % 3]
                      for number, name in enumerate(names)]) for system in "ab"]  # fmt: skip
    versus = json.loads((data / "score/scores.json").read_text())["versus"]
    assert versus["classified"] == str(data / "b/emotion")
    assert versus["wa"]["difference"] == pytest.approx(100 * (rates[0] - rates[1])) and rates[0] > rates[1]
    assert versus["wa"]["versus_value"] == pytest.approx(100 * rates[1])
    low, high = versus["ua"]["interval"]
    assert low < versus["ua"]["difference"] < high
    assert f"paired with {data / 'b/emotion'} (above 0: better than it)" in out and "macro-F1" in out
    # The other system's labels are of the same utterances, or the comparison is refused.
    write_found(data / "fewer", names[1:], 0.5, 1)
    status, _, err = nrsr_main("score-ser", *options(data, data / "a", "--versus", data / "fewer/emotion"))
    assert status == 1 and "fewer/emotion" in err and "p-00" in err


def test_folds_have_a_table_of_their_own(data, nrsr_main):
    for fold in (0, 1):
        names = write_data(data / f"test{fold}", "pq" if fold else "rs")
        exp = data / f"exp/student_fold{fold}_seed1/classify_test"
        write_found(exp, names, 0.5, fold)
        given = [
            "--data",
            data / f"test{fold}",
            "--train",
            data / "train_clean",
            "--out",
            exp / "score",
            "--draws",
            1000,
        ]
        assert nrsr_main("score-ser", *given, data / f"test{fold}/utt2emotion", exp / "emotion")[0] == 0
    asked = ["--exp", data / "exp", "--sets", "test", "--metric", "ua", "--primary", "all", "--baseline", "student"]
    status, out, _ = nrsr_main("report", *asked, "--draws", 1000)
    assert status == 0
    table = out[out.index("test: UA in % by fold") :].splitlines()
    assert table[1].split() == ["system", "fold", "0", "fold", "1", "mean", "of", "folds"]
    first, second, mean = map(float, table[2].split()[1:])
    assert mean == pytest.approx((first + second) / 2, abs=0.006)


def test_a_protocol_that_leaks_is_refused(data, nrsr_main):
    names = write_data(data / "other", "p")
    exp = data / "exp"
    write_found(exp, write_data(data / "same", "pqrs"), 0.5, 1)

    def refused(trained: Path) -> str:
        given = ["--data", data / "test", "--train", trained, data / "test/utt2emotion", exp / "emotion"]
        status, out, err = nrsr_main("score-ser", *given)
        assert (status, out) == (1, "") and len(names) == 10
        assert nrsr_main("validate-data", "--need", "utt2spk", "--apart-from", trained, data / "test")[0] == 1
        return err

    assert "1 of 4 speakers are in" in (err := refused(data / "other")) and "other as well: p; the protocol is" in err
    assert "divide the corpus by speakers, not by utterances" in err
    write_data(data / "leaky", "x", "t")
    assert "2 of 2 noise recordings are in" in (err := refused(data / "leaky")) and "crowd-t, wind-t" in err
    write_noise(data / "noise_leaky", "t")
    assert "noise_leaky as well: crowd-t, wind-t; mix the test set with recordings" in refused(data / "noise_leaky")
    # Noisy speech of a corpus names the kind of noise, not the recording: its speakers count all the same.
    for name, lists in {"text": ("text",), "labels": ("utt2emotion",), "neither": ()}.items():
        noisy = data / f"noisy_{name}"
        names = write_data(noisy, "p")
        for file in {"utt2noisefile", "utt2snr", "utt2emotion"} - set(lists):
            (noisy / file).unlink()
        if "text" in lists:
            write_list(noisy / "text", dict.fromkeys(names, "one"))
        assert f"1 of 4 speakers are in {noisy} as well: p;" in refused(noisy)
    assert "was trained on itself" in refused(data / "test")
    given = ["--need", "utt2spk", "--apart-from", f"{data / 'train'},{data / 'noise_train'}", data / "test"]
    assert nrsr_main("validate-data", *given)[0] == 0


def test_labels_that_do_not_fit_are_named(data, nrsr_main):
    exp = data / "exp"
    write_found(exp, write_data(data / "same", "pqrs"), 0.5, 1)
    emotions = (data / "test/utt2emotion").read_text()
    for text, message in (
        (emotions.replace(" calm", " calmly", 1), "p-01 has the label 'calmly', which is none of angry, calm, sad"),
        (emotions.replace(" calm", " very calm", 1), "p-01: 'very calm' is no label; give one word"),
        (emotions.replace("p-01 calm\n", ""), "1 extra (first p-01)"),
    ):
        (data / "test/utt2emotion").write_text(text)
        status, _, err = nrsr_main("score-ser", *options(data, exp))
        assert status == 1 and message in err, err
