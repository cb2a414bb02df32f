"""egs/fsdd/claims.sh with a stand-in for nrsr: its list, what it chooses on development data, its reports."""

import pytest

STAND_IN = """#!/bin/sh
echo "$*" >> "$COMMANDS"
case "$1 $*" in
  dev-criterion*) exec cat "$2/criterion" ;;
  report*RESULTS_share*) exit 1 ;; # nothing is scored yet
esac
"""
WEIGHTS = {"0.3": (0.5, 0.1), "0.03": (0.2, 0.25), "0.003": (0.1, 0.4), "0.0003": (3e-05, 0.6)}
ALPHAS = {"0.1": (0.4, 0.4), "0.3": (0.1, 0.9), "1": (0.39, 0.4), "3": (0.4, 0.8)}


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
        (queue / f"{item}_fold0_seed1.done").touch()
        folder = tmp_path / "called/w" / f"{experiment}_fold0_seed1"
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
    done, commands = claims("--only", "asr_weight_*")
    assert done.returncode == 0 and "asr_weight_fold0_seed1: done after" in done.stdout, done.stdout + done.stderr
    assert (queue / "weight").read_text() == "0.03\n"
    expected = [f"{weight} {value}" for weight, values in WEIGHTS.items() for value in values]
    assert (queue / "weight.trials").read_text().splitlines() == expected
    asked = [command.split()[1] for command in commands if command.startswith("dev-criterion ")]
    assert asked == [f"{experiment}_fold0_seed1" for experiment, _ in trials.values()]


def test_nothing_is_chosen_where_a_trial_has_no_criterion(claims, queue, tmp_path):
    trials = weight_trials()
    finish_trials(tmp_path, queue, trials)
    (tmp_path / "called/w/asr/exp/full_held_out/gr-se0.0003_fold0_seed1/criterion").unlink()
    done, _ = claims("--only", "asr_weight_*")
    assert done.returncode == 1 and "asr_weight_fold0_seed1: FAILED (see " in done.stdout
    assert not (queue / "weight").exists()


@pytest.mark.parametrize(("sets", "kinds", "alpha"), [("held_out", ("1", "4"), "1"), ("generated", ("all",), "0.3")])
def test_alpha_is_chosen_over_the_kinds_of_its_trials(claims, queue, tmp_path, sets, kinds, alpha):
    trials = {
        f"hybrid_trial_{sets}_amtl_alpha{value}_noises{count}": (
            f"hybrid/exp/full_{sets}/amtl-alpha{value}-noises{count}",
            criterion,
        )
        for value, criteria in ALPHAS.items()
        for count, criterion in zip(kinds, criteria, strict=False)
    }
    finish_trials(tmp_path, queue, trials)
    done, commands = claims("--only", f"hybrid_alpha_amtl_{sets}_*")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (queue / f"alpha_amtl_{sets}").read_text() == f"{alpha}\n"
    asked = [command.split()[1] for command in commands if command.startswith("dev-criterion ")]
    assert asked == [f"{experiment}_fold0_seed1" for experiment, _ in trials.values()]


def reports(commands):
    """Results file -> the words of each report."""
    lines = [command.split() for command in commands if command.startswith("report ")]
    return {words[words.index("--out") + 1]: words for words in lines}


def value(words, option):
    return words[words.index(option) + 1]


def test_reports_of_what_was_chosen(claims, queue, tmp_path):
    for name, chosen in {"weight": "0.03", "alpha_amtl_held_out": "1", "alpha_invariant_held_out": "3"}.items():
        (queue / name).write_text(f"{chosen}\n")
    done, commands = claims("--do", "report")
    assert done.returncode == 0, done.stderr
    assert "RESULTS_share.md is not written yet" in done.stderr
    by_file = reports(commands)
    assert list(by_file) == [f"RESULTS_{name}.md" for name in ("remedy", "tuned", "joint", "share", "few", "parallel")]
    assert all("--primary=-5,0,5" in words for words in by_file.values())
    assert value(by_file["RESULTS_tuned.md"], "--systems") == "no_se,*-se0.03-whole"
    assert value(by_file["RESULTS_tuned.md"], "--exp") == "asr/exp/full_held_out"
    assert value(by_file["RESULTS_remedy.md"], "--exp") == "asr/exp/full"
    few = by_file["RESULTS_few.md"]
    assert value(few, "--exp") == "hybrid/exp/full_held_out"
    assert value(few, "--systems") == "single-noises*,multitask-noises*,amtl-alpha1-noises*,invariant-alpha3-noises*"
    assert value(few, "--columns") == "noises1,noises2,noises4,noisesall"
    parallel = by_file["RESULTS_parallel.md"]
    assert value(parallel, "--systems").startswith("single-parallel*,") and value(parallel, "--exp") == value(
        few, "--exp"
    )
    for name, chosen in {"weight": "0.3", "alpha_amtl_generated": "0.1", "alpha_invariant_generated": "0.3"}.items():
        (queue / name).write_text(f"{chosen}\n")
    by_file = reports(claims("--do", "report")[1])
    names = ("remedy", "tuned", "joint", "share", "few", "parallel", "generated")
    assert list(by_file) == [f"RESULTS_{name}.md" for name in names]
    assert value(by_file["RESULTS_generated.md"], "--systems").endswith(
        ",amtl-alpha0.1-noises*,invariant-alpha0.3-noises*"
    )


def test_items_are_listed_the_first_fold_and_seed_first(claims, queue):
    done, _ = claims("--do", "list")
    assert done.returncode == 0, done.stderr
    states, names = zip(*(line.split() for line in done.stdout.splitlines()), strict=True)
    assert set(states) == {"open"} and len(set(names)) == len(names)
    assert names[0] == "asr_no_se_fold0_seed1"
    of_runs = [name.rpartition("_fold")[2] for name in names]
    assert of_runs == sorted(of_runs, key=lambda run: (run[0] != "0", run[-1]))
    (queue / f"{names[0]}.done").touch()
    some = claims("--do", "list", "--only", "asr_no_se_*")[0].stdout.splitlines()
    assert some[0] == f"done {names[0]}" and {line.partition(" asr_no_se_")[0] for line in some[1:]} == {"open"}


def test_what_is_missing_is_named(claims):
    assert "needs --corpus-dir" in claims("--corpus-dir", "")[0].stderr
    assert "--do takes run, list or report, not 'sing'" in claims("--do", "sing")[0].stderr
