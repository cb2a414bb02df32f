"""Which commands the recipes of recognisers call."""

from pathlib import Path

import pytest


def test_recognisers_start_from_the_front_ends_that_the_same_run_trains(recipe, tmp_path):
    options = ["--work-dir", "w", "--nj", "1", "--corpus-dir", "c", "--noise-dir", "n", "--seeds", "2"]
    for folder in ("c", "n"):
        (tmp_path / "called" / folder).mkdir()
    trained = ["--frontends", "conf/frontend.yaml ../enh/conf/segan.yaml"]
    configs = "conf/frozen.yaml conf/segan_frozen.yaml conf/segan_joint.yaml"
    done, commands = recipe("fsdd/asr", *options, *trained, "--config", configs, "--stop-stage", "4")
    assert done.returncode == 0, done.stderr
    exp = tmp_path / "called/w/exp/full"
    trainings = [command.split() for command in commands if command.startswith("train ")]
    from_here = {Path(words[words.index("--exp") + 1]).name: words[-1] for words in trainings}
    assert list(from_here) == [
        f"{name}_fold0_seed2" for name in ("frontend", "segan", "frozen", "segan_frozen", "segan_joint")
    ]
    assert from_here["frozen_fold0_seed2"] == f"--set=init.frontend.from={exp}/frontend_fold0_seed2"
    for name in ("segan_frozen", "segan_joint"):
        assert from_here[f"{name}_fold0_seed2"] == f"--set=init.frontend.from={exp}/segan_fold0_seed2"


def test_joint_training_starts_from_a_front_end_and_a_recogniser(fsdd):
    first = ["--frontends", "conf/fly/frontend.yaml", "--recognisers", "conf/fly/recogniser_clean.yaml"]
    done, commands = fsdd("asr", *first, "--config", "conf/fly/joint_clean_gr.yaml", "--stop-stage", "4")
    assert done.returncode == 0, done.stderr
    frontend, recogniser, joint = (command for command in commands if command.startswith("train "))
    data = "--train data/full_fold0/{} --exp exp/full/{}_fold0_seed1 --dev data/full_fold0/{}"
    assert data.format("train", "frontend", "dev") in frontend
    assert data.format("train_clean", "recogniser_clean", "dev_clean") in recogniser
    assert data.format("train", "joint_clean_gr", "dev") in joint
    sources = {"frontend": "frontend", "encoder": "recogniser_clean", "ctc": "recogniser_clean"}
    assert joint.split()[-3:] == [
        f"--set=init.{module}.from=exp/full/{name}_fold0_seed1" for module, name in sources.items()
    ]
    assert "make-units --config conf/fly/recogniser_clean.yaml data/full_fold0/train/text " in "\n".join(commands)


def test_a_share_of_the_strings_changed_configs_and_other_noise_sets(fsdd):
    options = ["--config", "conf/fly/mtl.yaml", "--train-share", "0.1", "--noise-sets", "held_out"]
    options += ["--set", "loss_weights.se=0.03\ntraining.steps=8", "--tag", "x", "--report", "false"]
    done, commands = fsdd("asr", *options)
    assert done.returncode == 0, done.stderr
    data, exp = "data/full_fold0_held_out", "exp/full_held_out/mtl-x_fold0_seed1"
    assert commands[0].startswith("prepare fsdd ") and "--noise-sets held_out" in commands[0]
    assert f"subset-data --share 0.1 {data}/train {data}/train_share0.1" in commands
    (training,) = (command for command in commands if command.startswith("train "))
    assert f"--train {data}/train_share0.1 --exp {exp} " in training
    changes = " --set=loss_weights.se=0.03 --set=training.steps=8"
    assert training.endswith(changes)
    (statistics,) = (command for command in commands if command.startswith("compute-cmvn "))
    assert f"{changes} {data}/train_share0.1" in statistics
    assert commands[-1].startswith("score-wer ")


@pytest.mark.parametrize(
    ("task", "option", "value"),
    [
        ("asr", "--train-share", "10"),
        ("asr", "--train-share", "0.0"),
        ("asr", "--noise-sets", "generated"),
        ("asr", "--report", "no"),
        ("hybrid", "--noises", "1 none"),
        ("hybrid", "--noises", "0"),
        ("hybrid", "--noise-sets", "held_out"),
        ("hybrid", "--copies", "parallel"),
    ],
)
def test_values_that_cannot_be_are_named(fsdd, task, option, value):
    done, commands = fsdd(task, option, value)
    assert done.returncode == 1 and commands == []
    assert option in done.stderr and f"'{value.split()[-1]}'" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["chime4/asr", "fsdd/asr"])
def test_the_file_of_an_encoder_goes_to_statistics_and_training_of_the_systems_that_take_it(name, recipe, tmp_path):
    for folder in ("c", "n"):
        (tmp_path / "called" / folder).mkdir()
    (tmp_path / "called/e.pt").touch()
    options = ["--work-dir", "w", "--nj", "1", "--corpus-dir", "c", "--ssl", "e.pt", "--stop-stage", "4"]
    given = {"chime4/asr": ("no_se", "wavlm", "wavlm_convtasnet"), "fsdd/asr": ("identity", "ssl")}[name]
    options += ["--noise-dir", "n"] if name == "fsdd/asr" else []
    done, commands = recipe(name, *options, "--config", " ".join(f"conf/{config}.yaml" for config in given))
    assert done.returncode == 0, done.stderr
    setting = f"--set=init.features.network.from={tmp_path}/called/e.pt"
    for command in ("compute-cmvn ", "train "):
        lines = [line for line in commands if line.startswith(command)]
        assert [setting in line.split() for line in lines] == [False] + [True] * (len(given) - 1)
    for missing in ("none.pt", ""):
        options[options.index("--ssl") + 1] = missing
        done, commands = recipe(name, *options, "--config", f"conf/{given[1]}.yaml")
        assert done.returncode == 1 and f"--ssl {missing}: no such" in done.stderr and not commands
