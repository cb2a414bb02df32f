"""nrsr report: the results file, its marks, figure and notes."""

import pytest
from toy_runs import DIGITS, SETS, find_runs, write_run

from nrsr.config import save_yaml
from nrsr.data.units import Units
from nrsr.experiment.checkpoint import save_checkpoint
from nrsr.scoring import ExperimentsError
from nrsr.systems import build_system


def test_results_file(exp, nrsr_main, tmp_path):
    config = "seed: {}\nloss_weights: {{asr: {}}}\nsystem: {{width: 8, frontend: {{class: {}}}}}\n"
    write_run(exp, "no_se_fold0_seed1", 0, 0.4, config=config.format(1, "1.0", "a.Null"))
    write_run(exp, "mtl_fold0_seed1", 0, 0.2, config=config.format(2, "0.7", "a.Mask, b: 1"))
    (exp / "mtl_fold0_seed1" / "versions.txt").write_text("python 3.11\ngit 0123456789abcdef\ngpu none\n")
    results = tmp_path / "RESULTS.md"
    results.write_text(
        "# Title\n\nbefore\n\n<!-- nrsr report: begin -->\noutdated\n<!-- nrsr report: end -->\n\nafter\n"
    )
    command = ("report", "--exp", exp, "--sets", ",".join(SETS), "--out", results, "--draws", "1000")
    status, out, err = nrsr_main(*command)
    assert status == 0
    text = results.read_text()
    small = "**WER in %**\n\n| system | clean | seen |\n"
    assert text.startswith("# Title\n\nbefore\n\n<!-- nrsr report: begin -->\n" + small)
    assert text.endswith("<!-- nrsr report: end -->\n\nafter\n")
    assert "outdated" not in text
    assert text.index("| system | clean | seen |") < text.index("Measured: ") < text.index("with 95 % intervals**")
    assert "| system | -5 dB | 0 dB | 5 dB | 10 dB |" in text.splitlines()
    assert "trained at commit 0123456789, GPU none" in text
    assert "Setting loss_weights.asr: no_se `1.0`; mtl `0.7`." in text
    assert "Setting system.frontend: no_se `{class: a.Null}`; mtl `{class: a.Mask, b: 1}`." in text
    assert "width" not in text
    assert "Setting seed" not in text
    assert "parameters of mtl_fold0_seed1 are not counted" in err
    # The terminal ends with the small table, with the numbers of the file.
    row = next(line for line in text.splitlines() if line.startswith("| mtl |"))
    assert row.strip("| ").replace(" | ", " ").split() in [line.split() for line in out.splitlines()[-6:]]
    nrsr_main(*command)
    assert results.read_text() == text


def test_parameters_are_counted(nrsr_main, tmp_path):
    config = {
        "sample_rate": 8000,
        "units": {"kind": "word"},
        "system": {
            "class": "nrsr.systems.JointAsr",
            "frontend": {"class": "nrsr.frontends.Identity"},
            "features": {"class": "nrsr.signal.LogMel", "n_fft": 256, "hop": 80, "n_mels": 20},
            "encoder": {"class": "nrsr.nn.BlstmEncoder", "layers": 1, "width": 8},
        },
    }
    write_run(tmp_path, "no_se_seed1", 0, 0.3)
    units = Units.from_text(DIGITS, "word")
    units.save(tmp_path / "no_se_seed1" / "units")
    save_yaml(config, tmp_path / "no_se_seed1" / "config.yaml")
    system = build_system(config, len(units))
    save_checkpoint(tmp_path / "no_se_seed1" / "model.pt", {"model": system.state_dict()})
    status, out, err = nrsr_main("report", "--exp", tmp_path, "--draws", "1000")
    assert (status, err) == (0, "")
    count = sum(parameter.numel() for parameter in system.parameters())
    assert f"{count / 1e6:.2f} M" in out


@pytest.mark.parametrize(
    "content", ["<!-- nrsr report: begin -->\n", "<!-- nrsr report: end --><!-- nrsr report: begin -->"]
)
def test_broken_marks_leave_the_file_alone(exp, nrsr_main, tmp_path, content):
    results = tmp_path / "RESULTS.md"
    results.write_text(content)
    status, _, err = nrsr_main("report", "--exp", exp, "--out", results, "--draws", "1000")
    assert status == 1
    assert str(results) in err
    assert err.splitlines()[-1].startswith("nrsr report: ")
    assert results.read_text() == content


def test_file_without_marks_keeps_its_text(exp, nrsr_main, tmp_path):
    results = tmp_path / "new" / "RESULTS.md"
    assert nrsr_main("report", "--exp", exp, "--out", results, "--draws", "1000")[0] == 0
    assert results.read_text().startswith("# Results\n\n<!-- nrsr report: begin -->\n")
    results.write_text("mine\n")
    assert nrsr_main("report", "--exp", exp, "--out", results, "--draws", "1000")[0] == 0
    assert results.read_text().startswith("mine\n\n<!-- nrsr report: begin -->\n")


def test_figure(exp, nrsr_main, tmp_path):
    command = ("report", "--exp", exp, "--draws", "1000", "--figure", tmp_path / "wer.png")
    assert nrsr_main(*command)[0] == 0
    assert (tmp_path / "wer.png").read_bytes().startswith(b"\x89PNG")
    status, _, err = nrsr_main(*command[:-1], tmp_path / "clean.png", "--sets", "test_clean")
    assert status == 0
    assert "is not drawn" in err
    assert not (tmp_path / "clean.png").exists()


def test_no_baseline_and_no_primary_are_said(exp, nrsr_main):
    status, out, _ = nrsr_main("report", "--exp", exp, "--baseline", "gold", "--primary", "-10,0", "--draws", "1000")
    assert status == 0
    assert "There is no baseline gold" in out
    assert "test_seen has no primary figure: it has the SNRs -5, 0, 5, 10 dB." in out


def test_nothing_scored(nrsr_main, tmp_path):
    (tmp_path / "no_se_seed1").mkdir()
    status, _, err = nrsr_main("report", "--exp", tmp_path)
    assert status == 1
    assert "nrsr score-wer" in err


def test_runs_of_other_test_data_are_refused(tmp_path):
    write_run(tmp_path, "a_fold0_seed1", 0, 0.3)
    write_run(tmp_path, "b_fold0_seed1", 1, 0.3)  # the noises of fold 1 under the name of fold 0
    with pytest.raises(ExperimentsError, match="b_fold0_seed1/decode_test_seen"):
        find_runs(tmp_path, SETS)
