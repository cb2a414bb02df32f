"""Which commands any run.sh calls, which options it takes, and what it does with names of folders."""

import pytest


def test_a_recipe_calls_its_commands_in_order(recipe, tmp_path):
    done, commands = recipe("mini/asr", "--work-dir", "w", "--nj", "1", "--config", "conf/mtl.yaml", "--seeds", "3")
    assert done.returncode == 0, done.stderr
    work = tmp_path / "called/w"
    names = [command.split()[0] for command in commands]
    sets = ["test_clean", "test_seen", "test_unseen"]
    assert names == [
        *("prepare", *["mix"] * 4, "compute-cmvn", "make-units", "train"),
        *(*["decode"] * 3, *["score-wer"] * 3, "report"),
    ]
    assert commands[0] == f"prepare mini --size full --out {work}/data/full"
    exp = f"{work}/exp/full/mtl_seed3"
    assert commands[8:11] == [
        f"decode --exp {exp} --data {work}/data/full/{name} --out {exp}/decode_{name}" for name in sets
    ]
    assert f"--out {work}/exp/full/RESULTS.md" in commands[-1]
    _, again = recipe("mini/asr", "--work-dir", "w", "--nj", "1", "--config", "conf/mtl.yaml", "--seeds", "3")
    assert [command.split()[0] for command in again] == ["report"]


def test_a_work_folder_whose_name_holds_a_placeholders_name(recipe, tmp_path):
    done, commands = recipe("mini/asr", "--work-dir", "DATASETS", "--stage", "5", "--nj", "1", "--stop-stage", "5")
    assert done.returncode == 0, done.stderr
    work = tmp_path / "called/DATASETS"
    exp = f"{work}/exp/full/no_se_seed1"
    assert commands[1] == f"decode --exp {exp} --data {work}/data/full/test_seen --out {exp}/decode_test_seen"
    assert [path.name for path in (tmp_path / "called").iterdir()] == ["DATASETS"]
    done, commands = recipe("mini/asr", "--work-dir", "a{SET}b")
    assert done.returncode == 1
    assert commands == []
    assert "a{SET}b holds braces, which belong to placeholders; take another folder" in done.stderr


@pytest.mark.parametrize("name", ["mini/asr", "fsdd/sep", "aurora4/hybrid"])
def test_help_lists_the_options_of_the_recipe_and_those_of_all(recipe, name):
    done, commands = recipe(name, "--help")
    assert done.returncode == 0
    assert commands == []
    for option in ("--config", "--seeds", "--tag", "--nj", "--work-dir", "--results", "--stage N --stop-stage N"):
        assert done.stdout.count(f"\n  {option} ") == 1
    assert f"Usage: egs/{name}/run.sh" in done.stdout
    assert "Options of all recipes:\n" in done.stdout


def test_one_of_several_folders_that_is_not_there_ends_the_run(recipe, tmp_path):
    (tmp_path / "called/here").mkdir()
    options = dict.fromkeys(("--corpus-dir", "--librispeech-dir", "--wham-dir", "--metadata-dir"), "here")
    for missing in list(options)[1:]:
        words = [word for option in {**options, missing: "nowhere"}.items() for word in option]
        done, commands = recipe("librimix/sep", *words, "--work-dir", "w", "--stop-stage", "0")
        assert (done.returncode, commands) == (1, [])
        assert "there is no folder nowhere" in done.stderr


def test_reports_of_several_runs_are_written_one_after_the_other(recipe, tmp_path):
    nrsr = tmp_path / "project/tools/venv/bin/nrsr"
    lock = tmp_path / "called/w/exp/full/.report.lock"
    lock.parent.mkdir(parents=True)
    nrsr.write_text(f"""#!/bin/sh
if [ "$1" = report ]; then flock --nonblock {lock} true || echo locked >> "$COMMANDS"; fi
""")
    done, commands = recipe("mini/asr", "--work-dir", "w", "--stage", "6", "--config", "")
    assert (done.returncode, commands) == (0, ["locked"])


def test_what_only_the_prologue_uses_is_no_option(recipe):
    for option in ("--task", "--stages"):
        done, commands = recipe("mini/asr", option, "x")
        assert (done.returncode, commands) == (1, [])
        assert f"unknown option {option}" in done.stderr
