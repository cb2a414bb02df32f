"""Which commands any run.sh calls, which options it takes, and what it does with names of folders."""

import pytest
from pages import blocks

from nrsr.config import load_yaml
from nrsr.experiment.settings import parse_experiment


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
    assert again == [commands[7], commands[-1]]  # nrsr train, which compares the finished training, and the report


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


TRAINS = """#!/bin/sh
# Trains the experiment $exp with the setting anew, and refuses the setting refused.
echo "$*" >> "$COMMANDS"
case "$*" in
  "train "*anew*) sleep 0.01; touch "$exp/model.pt" ;;
  "train "*refused*) echo refused >&2; exit 1 ;;
esac
"""


def test_training_is_asked_each_time_and_what_follows_is_done_again_where_it_trains(recipe, tmp_path):
    options = ["--work-dir", "w", "--nj", "1", "--config", "conf/mtl.yaml"]
    exp = tmp_path / "called/w/exp/full/mtl_seed1"
    assert recipe("mini/asr", *options)[0].returncode == 0
    nrsr = tmp_path / "project/tools/venv/bin/nrsr"
    nrsr.write_text(TRAINS.replace("$exp", str(exp)))
    for change, done_again in (("training.epochs=2", 0), ("anew=1", 3), ("training.epochs=2", 0)):
        done, commands = recipe("mini/asr", *options, "--set", change)
        assert done.returncode == 0, done.stderr
        assert f"--set={change}" in commands[0]
        for name in ("decode", "score-wer"):
            assert sum(command.startswith(f"{name} ") for command in commands) == done_again
        assert "compute-cmvn" not in " ".join(commands)
    done, commands = recipe("mini/asr", *options, "--set", "refused=1")
    assert done.returncode == 1 and "refused" in done.stderr and len(commands) == 1


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("mini/asr", ["--stage", "9"], "--stage 9: the last stage is 6"),
        ("mini/asr", ["--stop-stage", "7"], "--stop-stage 7: the last stage is 6"),
        ("mini/asr", ["--stage", "5", "--stop-stage", "3"], "--stage 5 comes after --stop-stage 3"),
        ("mini/asr", ["--size", "tinny"], "--size takes full or tiny, not 'tinny'"),
        ("emodb/sep", ["--size", "tinny"], "--size takes full or tiny, not 'tinny'"),
        ("sc09/gan", ["--size", "tinny"], "--size takes full or tiny, not 'tinny'"),
        ("cremad/ser", ["--size", "tinny"], "--size takes full or tiny, not 'tinny'"),
        ("mini/asr", ["--config", "conf/no_se.yaml conf/mtll.yaml"], "--config conf/mtll.yaml: no such file in "),
        (
            "mini/asr",
            ["--seeds", "1,2"],
            "--seeds takes whole numbers with spaces between them, as \"1 2 3\", not '1,2'",
        ),
        ("fsdd/asr", ["--frontends", "conf/none.yaml"], "--frontends conf/none.yaml: no such file in "),
        ("fsdd/asr", ["--recognisers", "conf/none.yaml"], "--recognisers conf/none.yaml: no such file in "),
        (
            "mini/enh",
            ["--recognisers", "clean noisyy"],
            "--recognisers takes some of clean, noisy, retrained and pocket",
        ),
        ("mini/enh", ["--retrain", "wiener mask"], "--retrain takes enhancers of --shelf and --config (wiener "),
        ("mini/enh", ["--shelf", "weiner"], "--shelf weiner: utils/conf/enh has no weiner.yaml"),
        ("librimix/sep", ["--librispeech-dir", "l"], "give --corpus-dir ROOT as well; the mixtures are written there"),
    ],
)
def test_what_an_option_cannot_take_ends_the_run_before_stage_0(recipe, tmp_path, name, options, says):
    done, commands = recipe(name, "--work-dir", "w", *options)
    assert (done.returncode, commands) == (1, [])
    assert done.stderr.startswith(f"{tmp_path}/project/egs/{name}/run.sh: {says}") and done.stderr.count("\n") == 1
    assert not (tmp_path / "called/w").exists()


@pytest.mark.parametrize("name", ["ravdess/ser", "ravdess/enh"])
def test_a_missing_corpus_is_named_before_the_noise_is_fetched(recipe, tmp_path, name):
    nrsr = tmp_path / "project/tools/venv/bin/nrsr"
    nrsr.write_text('#!/bin/sh\ncase "$*" in *--recipe*) echo "give --corpus-dir" >&2; exit 1 ;; esac\n')
    done, _ = recipe(name, "--work-dir", "w")
    assert (done.returncode, done.stderr) == (1, "give --corpus-dir\n")
    assert not (tmp_path / "called/w/downloads").exists()


def test_recipes_whose_corpus_must_be_brought_say_so_in_their_usage(root):
    for file in root.glob("egs/*/*/run.sh"):
        text = file.read_text()
        fetched = "fetched by stage 0" in text.partition("--corpus-dir ")[2].partition("\n")[0] or "cloned" in text
        usage = text.partition("# Usage: ")[2].partition("\n")[0]
        assert ("--corpus-dir" in usage) == ("\ncorpus_dir=" in text and not fetched), file


def test_the_recipe_of_docs_for_data_directories_as_they_are(recipe, tmp_path):
    script, config = blocks("docs/add-a-corpus.md", "bash")[0], blocks("docs/add-a-corpus.md", "yaml")[0]
    folder = tmp_path / "project/egs/mycorpus/asr"
    (folder / "conf").mkdir(parents=True)
    (folder / "run.sh").write_text(script)
    (folder / "run.sh").chmod(0o755)
    (folder / "conf/no_se.yaml").write_text(config)
    assert parse_experiment(load_yaml(folder / "conf/no_se.yaml")).sample_rate == 8000
    data = tmp_path / "called/data"
    data.mkdir()
    done, commands = recipe("mycorpus/asr", "--corpus-dir", "data", "--work-dir", "w", "--nj", "1")
    assert done.returncode == 0, done.stderr
    names = [command.split()[0] for command in commands]
    assert names == ["compute-cmvn", "make-units", "train", "decode", "score-wer", "report"]
    assert f"--train {data}/train --exp {tmp_path}/called/w/exp/no_se_seed1 --dev {data}/dev" in commands[2]
    done, commands = recipe("mycorpus/asr", "--work-dir", "w")
    assert (done.returncode, commands) == (1, []) and "give --corpus-dir" in done.stderr
