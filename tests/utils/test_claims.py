"""egs/fsdd/claims.sh with a stand-in for nrsr: its list, what it chooses on development data, its reports."""

import pytest

STAND_IN = """#!/bin/sh
echo "$*" >> "$COMMANDS"
case "$1 $*" in
  dev-criterion*) exec cat "$2/criterion" ;;
  report*RESULTS_share*) exit 1 ;; # nothing is scored yet
esac
"""
WEIGHTS = {"0.3": (3e-05, 0.6), "0.03": (0.2, 0.25), "0.003": (0.1, 0.4)}
ALPHAS = {"0.1": 0.4, "0.3": 0.41, "1": 3e-05, "3": 0.5}


@pytest.fixture
def claims(recipe, tmp_path):
    """claims(options...) -> the finished script, and the commands of nrsr that it has called, with short paths."""
    for folder in ("c", "n"):
        (tmp_path / "called" / folder).mkdir()
    nrsr = tmp_path / "project/tools/venv/bin/nrsr"
    nrsr.write_text(STAND_IN)
    places = ["--corpus-dir", "c", "--noise-dir", "n", "--work-dir", "w"]

    def run(*options):
        done, commands = recipe("fsdd", *places, *options, script="claims.sh")
        return done, [command.replace(f"{tmp_path}/called/w/", "") for command in commands]

    return run


@pytest.fixture
def queue(tmp_path):
    """Marks and choices of the queue."""
    folder = tmp_path / "called/w/queue"
    folder.mkdir(parents=True)
    return folder


def finish_trials(tmp_path, queue, trials):
    """Mark trials as done, and write their criteria: name of the item -> experiment, criterion."""
    for item, (experiment, criterion) in trials.items():
        (queue / f"{item}_fold2_seed1.done").touch()
        folder = tmp_path / "called/w" / f"{experiment}_fold2_seed1"
        folder.mkdir(parents=True)
        (folder / "criterion").write_text(f"{criterion} {folder}\n")


def weight_trials():
    return {
        f"asr_trial_{name}_se{weight}": (f"asr/exp/full_held_out/{name}-se{weight}", criterion)
        for weight, criteria in WEIGHTS.items()
        for name, criterion in zip(("mtl", "gr"), criteria, strict=True)
    }


def test_the_weight_with_the_lowest_mean_criterion_is_chosen(claims, queue, tmp_path):
    trials = weight_trials()
    finish_trials(tmp_path, queue, trials)
    done, commands = claims("--only", "asr_weight_fold2_*")
    assert done.returncode == 0 and "asr_weight_fold2_seed1: done after" in done.stdout, done.stdout + done.stderr
    assert (queue / "weight_fold2").read_text() == "0.03\n"
    expected = [f"{weight} {value}" for weight, values in WEIGHTS.items() for value in values]
    assert (queue / "weight_fold2.trials").read_text().splitlines() == expected
    asked = [command.split()[1] for command in commands if command.startswith("dev-criterion ")]
    assert asked == [f"{experiment}_fold2_seed1" for experiment, _ in trials.values()]


def test_nothing_is_chosen_where_a_trial_has_no_criterion(claims, queue, tmp_path):
    trials = weight_trials()
    finish_trials(tmp_path, queue, trials)
    (tmp_path / "called/w/asr/exp/full_held_out/gr-se0.003_fold2_seed1/criterion").unlink()
    done, _ = claims("--only", "asr_weight_fold2_*")
    assert done.returncode == 1 and "asr_weight_fold2_seed1: FAILED (see " in done.stdout
    assert not (queue / "weight_fold2").exists()


def test_alpha_is_chosen_in_its_fold(claims, queue, tmp_path):
    trials = {
        f"hybrid_trial_held_out_amtl_alpha{value}": (
            f"hybrid/exp/full_held_out/amtl-alpha{value}-noises2",
            criterion,
        )
        for value, criterion in ALPHAS.items()
    }
    finish_trials(tmp_path, queue, trials)
    done, commands = claims("--only", "hybrid_alpha_amtl_held_out_fold2_*")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (queue / "alpha_amtl_held_out_fold2").read_text() == "1\n"
    asked = [command.split()[1] for command in commands if command.startswith("dev-criterion ")]
    assert asked == [f"{experiment}_fold2_seed1" for experiment, _ in trials.values()]


def test_what_was_chosen_is_trained_with(claims, queue, tmp_path):
    for task in ("asr", "hybrid"):
        (tmp_path / f"project/egs/fsdd/{task}/run.sh").write_text('#!/bin/sh\necho "run $*" >> "$COMMANDS"\n')
    for config in ("amtl", "invariant"):
        (queue / f"alpha_{config}_held_out_fold2").write_text("0.3\n")
        (queue / f"hybrid_alpha_{config}_held_out_fold2_seed1.done").touch()
    (queue / "weight_fold2").write_text("0.03\n")
    (queue / "asr_weight_fold2_seed1.done").touch()

    def ran(item):
        done, commands = claims("--only", item)
        assert done.returncode == 0, done.stdout + done.stderr
        return next(command for command in commands if command.startswith("run "))

    command = ran("hybrid_held_out_amtl_noises4_fold2_seed3")
    assert "--folds 2 --seeds 3 --set system.heads.noise.alpha=0.3 --noises 4 --noise-sets held_out" in command
    command = ran("hybrid_parallel_invariant_noises1_fold2_seed1")
    head = "system.heads.condition"
    assert f"--set {head}.alpha=0.3 training.epochs=4 {head}.schedule.epochs=2.5 --noises 1" in command
    assert command.endswith("--config conf/few/invariant.yaml --copies parallel")
    command = ran("asr_gr_tuned_fold2_seed1")
    assert "--folds 2 --seeds 1 --set loss_weights.se=0.03 --config conf/fly/gr.yaml --tag tuned" in command
    assert "held_out" not in command


def reports(commands):
    """Results file -> the words of each report."""
    lines = [command.split() for command in commands if command.startswith("report ")]
    return {words[words.index("--out") + 1]: words for words in lines}


def value(words, option):
    return words[words.index(option) + 1]


def test_reports(claims, queue):
    done, commands = claims("--do", "report")
    assert done.returncode == 0, done.stderr
    assert "RESULTS_share.md is not written yet" in done.stderr
    by_file = reports(commands)
    names = ("remedy", "joint", "share", "few", "parallel", "generated")
    assert list(by_file) == [f"RESULTS_{name}.md" for name in names]
    assert all("--primary=-5,0,5" in words for words in by_file.values())
    assert value(by_file["RESULTS_remedy.md"], "--systems") == "no_se,mtl,gr,gm,pcgrad,*-tuned"
    assert value(by_file["RESULTS_remedy.md"], "--exp") == "asr/exp/full"
    few = by_file["RESULTS_few.md"]
    assert value(few, "--exp") == "hybrid/exp/full_held_out"
    assert value(few, "--systems") == "single-noises*,multitask-noises*,amtl-noises*,invariant-noises*"
    assert value(few, "--columns") == "noises1,noises2,noises4,noisesall"
    parallel = by_file["RESULTS_parallel.md"]
    assert value(parallel, "--systems").startswith("single-parallel*,") and value(parallel, "--exp") == value(
        few, "--exp"
    )
    assert value(by_file["RESULTS_generated.md"], "--exp") == "hybrid/exp/full_generated"


def test_items_are_listed_the_first_seed_first(claims, queue):
    done, _ = claims("--do", "list")
    assert done.returncode == 0, done.stderr
    states, names = zip(*(line.split() for line in done.stdout.splitlines()), strict=True)
    assert set(states) == {"open"} and len(set(names)) == len(names)
    assert names[0] == "asr_no_se_fold0_seed1"
    # Of the generated noise, which is alike in all folds, three seeds come together.
    seeds = [name[-1] for name in names if "generated" not in name]
    assert seeds == sorted(seeds)
    (queue / f"{names[0]}.done").touch()
    some = claims("--do", "list", "--only", "asr_no_se_*")[0].stdout.splitlines()
    assert some[0] == f"done {names[0]}" and {line.partition(" asr_no_se_")[0] for line in some[1:]} == {"open"}


def test_what_is_missing_is_named(claims):
    assert "needs --corpus-dir" in claims("--corpus-dir", "")[0].stderr
    assert "--do takes run, list or report, not 'sing'" in claims("--do", "sing")[0].stderr
