"""Data directories of the single speakers of mixtures: which audio, which words, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from nrsr.kaldi import DataDir, WaveWriter, read_list, write_list

TEXTS = {"m1": ("one two", "three"), "m2": ("four", "five six")}
SPEAKERS = {"m1": ("ann", "bob"), "m2": ("bob", "cid")}


@pytest.fixture
def data(tmp_path) -> Path:
    folder = tmp_path / "mixtures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for scp in ("wav", "spk1", "spk2"):
        with WaveWriter(folder / f"{scp}.ark", folder / f"{scp}.scp", 8000) as writer:
            for name in TEXTS:
                writer[name] = rng.uniform(-0.1, 0.1, 800).astype(np.float32)
    for number in (0, 1):
        write_list(folder / f"text_spk{number + 1}", {name: texts[number] for name, texts in TEXTS.items()})
        write_list(folder / f"utt2spk{number + 1}", {name: speakers[number] for name, speakers in SPEAKERS.items()})
    write_list(folder / "utt2spk", {name: name for name in TEXTS})
    write_list(folder / "utt2snr", {"m1": "5", "m2": "10"})
    return folder


@pytest.fixture
def estimates(tmp_path) -> Path:
    folder = tmp_path / "separated"
    (folder / "score").mkdir(parents=True)
    for number in (1, 2):
        write_list(folder / f"spk{number}.scp", {name: f"e{number}.ark:{name}" for name in TEXTS})
    write_list(folder / "utt2spk", {name: name for name in TEXTS})
    rows = ["utt\tsource\testimate\tsi_snr", "m1\t1\t2\t3.0", "m1\t2\t1\t3.0", "m2\t1\t1\t3.0", "m2\t2\t2\t3.0"]
    (folder / "score/scores.tsv").write_text("\n".join(rows) + "\n")
    return folder


def test_each_speaker_gets_the_estimate_that_was_chosen(nrsr_main, data, estimates, tmp_path):
    status, out, err = nrsr_main("split-speakers", "--data", data, "--estimates", estimates, "--out", tmp_path / "out")
    assert status == 0, err
    assert "4 utterances of the speakers of 2 mixtures" in out
    assert read_list(tmp_path / "out/wav.scp") == {
        "ann-m1-1": "e2.ark:m1",
        "bob-m1-2": "e1.ark:m1",
        "bob-m2-1": "e1.ark:m2",
        "cid-m2-2": "e2.ark:m2",
    }
    assert read_list(tmp_path / "out/text")["cid-m2-2"] == "five six"
    assert read_list(tmp_path / "out/utt2spk")["bob-m2-1"] == "bob"
    assert read_list(tmp_path / "out/utt2snr")["bob-m1-2"] == "5"
    assert read_list(tmp_path / "out/utt2uniq")["bob-m1-2"] == "m1"


def test_speakers_alone_and_mixtures_bound_it(nrsr_main, data, tmp_path):
    mixtures = DataDir(data)
    for options, scp in (((), "spk2.scp"), (("--mixture",), "wav.scp")):
        status, _, err = nrsr_main("split-speakers", "--data", data, "--out", tmp_path / "out", *options)
        assert status == 0, err
        found = DataDir(tmp_path / "out")
        assert nrsr_main("validate-data", found.path)[0] == 0
        assert np.array_equal(found.waves(rate=8000)["bob-m1-2"], mixtures.waves(scp, rate=8000)["m1"])


def test_what_does_not_fit_is_named(nrsr_main, data, estimates, tmp_path):
    def fails(*options) -> str:
        status, _, err = nrsr_main("split-speakers", "--data", data, "--out", tmp_path / "out", *options)
        assert status == 1
        return err

    scored = estimates / "score/scores.tsv"
    scored.write_text("\n".join(scored.read_text().splitlines()[:-1]) + "\n")
    assert "m2 is not in what was separated and scored" in fails("--estimates", estimates)
    whole = scored.read_text()
    scored.write_text(whole.replace("\t1\t2\t3.0", "\t1\t-\t3.0"))
    assert "scores.tsv: lacks the source or estimate of some row" in fails("--estimates", estimates)
    scored.write_text(whole.replace("\t1\t2\t3.0", "\t1\tx\t3.0"))
    assert "scores.tsv:2: estimate 'x' is no count" in fails("--estimates", estimates)
    scored.write_text("nothing\n")
    assert "is no table of scores" in fails("--estimates", estimates)
    scored.unlink()
    assert "run nrsr score-sep with --out" in fails("--estimates", estimates)
    (data / "text_spk1").unlink()
    assert "no text_spk1; WER needs the transcript" in fails()
