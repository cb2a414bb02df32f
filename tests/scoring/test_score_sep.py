"""nrsr score-sep: whole directories of separated speakers, compared, refused, and in several processes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_mixtures import RATE, mixture_of, scored

from nrsr.kaldi import WaveWriter, write_list
from nrsr.scoring import read_table
from nrsr.scoring.metrics import pesq as pesq_metric
from nrsr.scoring.metrics import stoi as stoi_metric


def write_set(folder: Path, parts: dict[str, dict[str, np.ndarray]]) -> Path:
    for part, waves in parts.items():
        with WaveWriter(folder / f"{part}.ark", folder / f"{part}.scp", RATE, bits=32) as writer:
            for name, wave in waves.items():
                writer[name] = wave
    names = list(next(iter(parts.values())))
    write_list(folder / "utt2spk", {name: name for name in names})
    return folder


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """Eight mixtures m0 ... m7 of two speakers in two noises at two SNRs, and what a system made of them."""
    ref: dict[str, dict[str, np.ndarray]] = {"wav": {}, "spk1": {}, "spk2": {}}
    est: dict[str, dict[str, np.ndarray]] = {"spk1": {}, "spk2": {}}
    for number in range(8):
        mixture, sources, estimates = mixture_of(2, number, 4000 + 100 * number)
        ref["wav"][f"m{number}"] = mixture
        for speaker in range(2):
            ref[f"spk{speaker + 1}"][f"m{number}"] = sources[speaker]
            est[f"spk{speaker + 1}"][f"m{number}"] = estimates[speaker]
    data = write_set(tmp_path / "test", ref)
    write_list(data / "utt2noise", {f"m{n}": ("car", "rain")[n % 2] for n in range(8)})
    write_list(data / "utt2noisefile", {f"m{n}": f"recording{n % 4}" for n in range(8)})
    write_list(data / "utt2snr", {f"m{n}": str(5 * (n // 4)) for n in range(8)})
    return data, write_set(tmp_path / "separated", est)


def test_scoring_a_directory(folders, nrsr_main, tmp_path):
    data, separated = folders
    status, out, err = nrsr_main(
        "score-sep",
        "--data",
        data,
        "--estimates",
        separated,
        "--out",
        tmp_path / "score",
        "--measures",
        "sdr,si_snr",
        "--draws",
        1000,
    )
    assert status == 0 and err == ""
    assert "SI-SNRi" in out and "rain" in out and "over utterances and noise recordings (1000 draws)" in out
    expected = []
    for number in range(8):
        mixture, sources, estimates = mixture_of(2, number, 4000 + 100 * number)
        expected.append(scored(mixture, sources, estimates, "si_snr").values["si_snr_i"].mean())
    summary = json.loads((tmp_path / "score" / "sep.json").read_text())
    figure = summary["total"]["si_snr_i"]
    assert figure["mean"] == pytest.approx(np.mean(expected), abs=1e-6) and figure["mixtures"] == 8
    assert figure["interval"][0] < figure["mean"] < figure["interval"][1]
    assert summary["snr"]["5"]["si_snr_i"]["mean"] == pytest.approx(np.mean(expected[4:]), abs=1e-6)
    assert summary["noise"]["car"]["sdr"]["mixtures"] == 4
    table = read_table(tmp_path / "score" / "scores.tsv")
    assert list(table.columns)[:6] == ["utt", "source", "estimate", "noise", "noisefile", "snr"] and len(table) == 16
    assert table.averaged(table.numbers("si_snr_i"))[2] == pytest.approx(expected[2], abs=1e-6)
    assert table.label("noisefile")[2] == "recording2" and table.columns["source"].tolist() == ["1", "2"] * 8
    assert (tmp_path / "score" / "sep.txt").read_text() == out


def test_a_paired_comparison(folders, nrsr_main, tmp_path):
    data, separated = folders
    names = [f"m{number}" for number in range(8)]
    same = {f"spk{k}": {n: mixture_of(2, i, 4000 + 100 * i)[0] for i, n in enumerate(names)} for k in (1, 2)}
    other = write_set(tmp_path / "nothing", same)  # the mixture twice: an improvement of 0 dB
    options = ["--measures", "si_snr", "--out", tmp_path / "score", "--versus", other]
    status, out, _ = nrsr_main("score-sep", "--data", data, "--estimates", separated, *options)
    assert status == 0 and f"paired with {other} (above 0: better than it)" in out
    summary = json.loads((tmp_path / "score" / "sep.json").read_text())
    assert summary["versus"]["si_snr"]["difference"] == pytest.approx(summary["total"]["si_snr_i"]["mean"], abs=1e-9)


def test_what_is_silent_or_clipped_is_named(folders, nrsr_main):
    data, separated = folders
    with (
        WaveWriter(data / "a.ark", data / "spk2.scp", RATE, bits=32) as sources,
        WaveWriter(data / "b.ark", data / "wav.scp", RATE, bits=32) as mixtures,
        WaveWriter(separated / "a.ark", separated / "spk1.scp", RATE, bits=32) as estimates,
    ):
        for number in range(8):
            mixture, own, made = mixture_of(2, number, 4000 + 100 * number)
            sources[f"m{number}"] = np.full_like(own[1], 0.1 * (number == 2)) if number in (2, 3) else own[1]
            mixtures[f"m{number}"] = np.clip(mixture * (60 if number == 5 else 1), -1, 1)
            estimates[f"m{number}"] = made[0] * (number != 6)
    status, _, err = nrsr_main("score-sep", "--data", data, "--estimates", separated, "--measures", "si_snr")
    assert status == 0
    assert "2 mixtures with silent sources, which have no scores: m2 m3\n" in err
    assert "1 mixtures with silent estimates, which count -50 dB: m6\n" in err
    assert "1 mixtures with clipping: m5\n" in err


def test_folders_that_do_not_belong_together_are_refused(folders, nrsr_main, tmp_path):
    data, separated = folders

    def message(*options: object) -> str:
        status, _, err = nrsr_main(
            "score-sep", "--data", data, "--estimates", separated, "--measures", "si_snr", *options
        )
        assert status == 1
        return err

    scp = (separated / "spk2.scp").read_text().splitlines(keepends=True)
    (separated / "spk2.scp").write_text("".join(scp[:5]))
    assert "spk2.scp: lacks 3 of 8 mixtures, first m5; separate the same data directory again" in message()
    (separated / "spk2.scp").write_text(
        "".join(scp).replace("m1 ", "m0x ").replace("m0 ", "m1 ").replace("m0x ", "m0 ")
    )
    assert "m0: 4100 samples were separated of 4000" in message() or "4000 samples" in message()
    (separated / "spk2.scp").unlink()
    assert "has no spk2.scp, but" in message()
    (data / "spk2.scp").unlink()
    assert "one speaker only (spk1.scp)" in message()


def test_missing_libraries_are_named(folders, nrsr_main, monkeypatch):
    data, separated = folders
    for module, name in ((pesq_metric, "no_such_pesq"), (stoi_metric, "no_such_stoi")):
        monkeypatch.setattr(module, "METRIC", replace(module.METRIC, library=name))
    status, out, err = nrsr_main("score-sep", "--data", data, "--estimates", separated)
    assert status == 0 and "PESQ" not in out and "SDRi" in out
    assert "no_such_pesq and no_such_stoi not installed (pip install no_such_pesq no_such_stoi); what needs them" in err
    status, _, err = nrsr_main("score-sep", "--data", data, "--estimates", separated, "--measures", "sdr,stoi")
    assert status == 1 and "--measures sdr,stoi: no_such_stoi not installed" in err
    status, _, err = nrsr_main("score-sep", "--data", data, "--estimates", separated, "--measures", "mos")
    assert status == 1 and "there is no metric mos; there are accuracy, cer, " in err
    status, _, err = nrsr_main("score-sep", "--data", data, "--estimates", separated, "--measures", "wer")
    assert status == 1 and "wer: compares no signals; there are llr, " in err


def test_processes_give_what_one_gives(folders, nrsr_main):
    data, separated = folders
    outs = [
        nrsr_main("score-sep", "--data", data, "--estimates", separated, "--measures", "si_snr", "--nj", nj)[1]
        for nj in (1, 2)
    ]
    assert outs[0] == outs[1]
