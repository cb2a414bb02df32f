"""Options whose values are in no name or mark: a work folder keeps them, and runs with others end."""

import subprocess

import pytest


@pytest.fixture
def keep(root, tmp_path):
    """keep(value, stage=0, stop_stage=6) -> the finished shell that keeps a value of --scales for stage 5."""
    script = f"""set -euo pipefail
called_from=$PWD; NRSR_ROOT={root}; stage=$2; stop_stage=$3
. {root}/utils/stages.sh
scales=$1
keep_options 5 exp scales
"""
    (tmp_path / "keep.sh").write_text(script)

    def run(value: str, stage: int = 0, stop_stage: int = 6) -> subprocess.CompletedProcess:
        command = ["bash", "keep.sh", value, str(stage), str(stop_stage)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    return run


def test_another_value_than_that_of_the_first_run_is_refused(keep, tmp_path):
    (tmp_path / "exp").mkdir()  # of a version that kept no values
    assert keep("0.1", stop_stage=4).returncode == 0  # which does not reach the stage
    assert keep("0.1,0.2").returncode == 0
    assert keep("0.1,0.2", stage=5).returncode == 0
    for stage in (0, 5):
        done = keep("0.3", stage=stage)
        assert done.returncode == 1
        assert done.stderr == (
            "keep.sh: --scales was '0.1,0.2' for exp and is '0.3' now; give it as before, or take another --work-dir "
            "(or remove exp/.options/scales, if no run with '0.1,0.2' got so far)\n"
        )
    assert keep("0.3", stage=6).returncode == 0  # which uses what the stage has written


@pytest.mark.parametrize("value", ["", "two  words", "*"])
def test_any_value_is_kept_as_it_is(keep, value):
    assert keep(value).returncode == 0
    assert keep(value).returncode == 0
    assert keep("other").returncode == 1


def test_paths_are_compared_not_their_spellings(keep, root, tmp_path):
    assert keep("a.yaml").returncode == 0
    assert keep(f"{tmp_path}/b/../a.yaml").returncode == 0
    assert keep("b/a.yaml").returncode == 1
    (tmp_path / "exp/.options/scales").unlink()
    assert keep(f"{root}/egs/mini/asr/conf/mtl.yaml").returncode == 0
    assert (tmp_path / "exp/.options/scales").read_text() == "egs/mini/asr/conf/mtl.yaml\n"


def test_of_runs_that_start_at_once_all_have_the_value_of_the_first(keep, tmp_path):
    command = ["bash", "keep.sh"]
    runs = [subprocess.Popen([*command, f"0.{n % 2}", "0", "6"], cwd=tmp_path, stderr=-1, text=True) for n in range(8)]
    errors = [run.communicate(timeout=60)[1] for run in runs]
    kept = (tmp_path / "exp/.options/scales").read_text().strip()
    assert [run.returncode for run in runs] == [int(f"0.{n % 2}" != kept) for n in range(8)]
    assert all("--scales was" in error for error in errors if error) and any(errors)


DEFAULT_RECOGNISER = "egs/mini/asr/conf/identity.yaml"


@pytest.mark.parametrize(
    ("recipe_name", "stage", "folder", "option", "kept", "given"),
    [
        ("fsdd/voc", 1, "data/full_voc", "unseen", "theo", "lucas"),
        ("ravdess/voc", 1, "data/fold0_voc", "tested", "8", "9"),
        ("sc09/gan", 5, "exp/full", "count", "5000", "50000"),
        ("sc09/gan", 6, "exp/full", "count", "50000", None),
        ("aurora4/hybrid", 3, "exp", "lm", "tcb05cnp", "bcb05cnp"),
        ("aurora4/hybrid", 3, "exp", "lexicon", "", "here/lexicon.txt"),
        ("mini/hybrid", 5, "exp/full", "scales", "0.1", None),
        ("mini/hybrid", 6, "exp/full/amtl_seed1", "probe_layer", "2", "1"),
        ("mini/sep", 6, "data/full_2mix", "recogniser", "/recogniser", "here"),
        ("mini/enh --recognisers clean", 4, "exp/full", "recogniser", DEFAULT_RECOGNISER, "conf/another.yaml"),
        ("fsdd/enh", 0, "data/full_fold0", "test_strings", "400", "1200"),
        ("fsdd/enh --config conf/mel_vocoder.yaml", 4, "exp/full/mel_vocoder_fold0_seed1", "vocoder", "v/1", "here"),
        ("fsdd/asr --config conf/ssl.yaml", 4, "exp/full/ssl_fold0_seed1", "ssl", "/exp/1", "here"),
        ("chime4/asr --config conf/wavlm.yaml", 4, "exp/wavlm_seed1", "ssl", "/l.pt", "here"),
    ],
)
def test_recipes_keep_their_options(recipe, tmp_path, recipe_name, stage, folder, option, kept, given):
    (tmp_path / "called/here").mkdir()
    file = tmp_path / "called/w" / folder / ".options" / option
    file.parent.mkdir(parents=True)
    file.write_text(f"{kept}\n")
    name, *options = recipe_name.split()
    options += ["--work-dir", "w", "--stage", str(stage), "--stop-stage", str(stage)]
    if stage == 0:
        options += ["--corpus-dir", "here", "--noise-dir", "here"]
    if given is not None:
        options += [f"--{option.replace('_', '-')}", given]
    done, commands = recipe(name, *options)
    assert (done.returncode, commands) == (1, [])
    assert f"--{option.replace('_', '-')} was '{kept}' for {tmp_path}/called/w/{folder} and is '" in done.stderr
    assert done.stderr.count("\n") == 1


def test_another_tag_may_have_another_value(recipe, tmp_path):
    for name in ("a.pt", "b.pt"):
        (tmp_path / "called" / name).touch()
    options = ["--work-dir", "w", "--stage", "4", "--stop-stage", "4", "--config", "conf/ssl.yaml", "--ssl"]
    assert recipe("fsdd/asr", *options, "a.pt")[0].returncode == 0
    assert recipe("fsdd/asr", *options, "b.pt")[0].returncode == 1
    done, commands = recipe("fsdd/asr", *options, "b.pt", "--tag", "b")
    assert done.returncode == 0 and "/ssl-b_fold0_seed1" in commands[0]


def test_words_without_a_recogniser_come_first_or_last(recipe, tmp_path):
    (tmp_path / "called/asr").mkdir()
    options = ["--work-dir", "w", "--stage", "6", "--nj", "1", "--config", ""]
    for more in ([], ["--recogniser", "asr"], []):
        done, _ = recipe("mini/sep", *options, *more)
        assert done.returncode == 0, done.stderr
