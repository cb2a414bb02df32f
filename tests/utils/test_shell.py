"""The shell side: options, stages and their marks, parallel jobs, and shellcheck over all scripts."""

import fcntl
import os
import shutil
import signal
import subprocess
import time

import pytest


def bash(script: str, cwd, *arguments: str) -> subprocess.CompletedProcess:
    path = cwd / "script.sh"
    path.write_text(script, encoding="utf-8")
    return subprocess.run(["bash", str(path), *arguments], cwd=cwd, capture_output=True, text=True, timeout=60)


@pytest.fixture
def options(root, tmp_path):
    script = f"""#!/usr/bin/env bash
# Does a thing.
#
#   --corpus-dir DIR  where it lies
set -euo pipefail
corpus_dir=here
nj=2
. {root}/utils/parse_options.sh
echo "$corpus_dir $nj ${{nj_given:-default}}"
"""
    return lambda *arguments: bash(script, tmp_path, *arguments)


def test_options_set_variables(options):
    assert options().stdout == "here 2 default\n"
    assert options("--corpus-dir", "/a b", "--nj", "4").stdout == "/a b 4 true\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--corpusdir", "x"], "unknown option --corpusdir"),
        (["--nj"], "needs a value"),
        (["4"], "is no option"),
        (["--a[$(touch hacked)]", "x"], "unknown option"),
    ],
)
def test_wrong_options_are_named(options, tmp_path, arguments, says):
    result = options(*arguments)
    assert result.returncode == 1
    assert says in result.stderr
    assert not (tmp_path / "hacked").exists()


def test_help_prints_the_comment_at_the_top(options):
    result = options("--help")
    assert result.returncode == 0
    assert result.stdout == "Does a thing.\n\n  --corpus-dir DIR  where it lies\n"


@pytest.fixture
def stages(root, tmp_path):
    script = f"""set -euo pipefail
stage=0; stop_stage=6; called_from=$PWD; NRSR_ROOT={root}
. {root}/utils/parse_options.sh
. {root}/utils/stages.sh
if in_stages 1 first; then once done/1 sh -c 'echo one'; fi
if in_stages 2 second; then once done/2 sh -c 'echo two; [ ! -e fail ]'; fi
if in_stages 3 third; then once done/3 sh -c 'echo three'; fi
"""
    return lambda *arguments: bash(script, tmp_path, *arguments)


def ran(result: subprocess.CompletedProcess) -> list[str]:
    return [line for line in result.stdout.splitlines() if line in ("one", "two", "three")]


def test_a_second_run_repeats_nothing(stages):
    assert ran(stages()) == ["one", "two", "three"]
    assert ran(stages()) == []


def test_a_stage_asked_for_is_repeated_with_those_after_it(stages):
    stages()
    assert ran(stages("--stage", "2")) == ["two", "three"]
    assert ran(stages("--stage", "2", "--stop-stage", "2")) == ["two"]


@pytest.mark.parametrize("option", ["--stage", "--stop-stage"])
def test_a_stage_is_a_number(stages, option):
    result = stages(option, "two")
    assert result.returncode == 1
    assert ran(result) == []
    assert f"{option} takes the number of a stage, not 'two'" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_failed_stage_stops_the_run_and_is_done_again(stages, tmp_path):
    (tmp_path / "fail").touch()
    failed = stages()
    assert failed.returncode == 1
    assert ran(failed) == ["one", "two"]
    (tmp_path / "fail").unlink()
    assert ran(stages()) == ["two", "three"]


def test_a_stage_that_fails_when_repeated_loses_its_mark(stages, tmp_path):
    stages()
    (tmp_path / "fail").touch()
    stages("--stage", "2", "--stop-stage", "2")
    (tmp_path / "fail").unlink()
    assert ran(stages()) == ["two"]


def test_of_two_runs_one_does_the_work_and_the_other_waits(stages, tmp_path):
    stages("--stop-stage", "0")  # writes the script
    (tmp_path / "done").mkdir()
    with open(tmp_path / "done/1.lock", "a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        waiting = subprocess.Popen(["bash", "script.sh"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        said = waiting.stdout.readline(), waiting.stdout.readline()
        (tmp_path / "done/1").touch()  # as the run that has the lock does at the end
    out, _ = waiting.communicate(timeout=60)
    assert said == ("stage 1: first\n", "  another run is at it, waiting: done/1\n")
    assert out.startswith("  done before: done/1\nstage 2: second\ntwo\n")


def run_jobs(root, cwd, *arguments: str) -> subprocess.CompletedProcess:
    command = [str(root / "utils" / "run_jobs.sh"), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)


def test_each_job_has_its_log_with_command_and_status(root, tmp_path):
    result = run_jobs(
        root, tmp_path, "SET=a,b", "log/x.{SET}.log", "sh", "-c", "echo out of {SET}; echo err of {SET} >&2"
    )
    assert result.returncode == 0, result.stderr
    text = (tmp_path / "log" / "x.b.log").read_text()
    assert text.startswith("# sh -c")
    assert "out of b\nerr of b\n" in text
    assert text.endswith("exit status 0\n")


def test_only_the_placeholder_is_replaced(root, tmp_path):
    work = tmp_path / "DATASETS SET"
    work.mkdir()
    script = "printf '%s\\n' \"$@\""
    arguments = (f"{work}/data/{{SET}}", "SET", "a{SET}b{SET}", "{{SET}}", "$SET", "{OTHER}")
    result = run_jobs(root, work, "SET=a&b,c", f"{work}/SET.{{SET}}.log", "sh", "-c", script, "sh", *arguments)
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in work.iterdir()) == ["SET.a&b.log", "SET.c.log"]
    lines = (work / "SET.a&b.log").read_text().splitlines()
    assert lines[2:-1] == [f"{work}/data/a&b", "SET", "aa&bba&b", "{a&b}", "$SET", "{OTHER}"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["DATASETS SET"]


def test_a_link_in_the_place_of_a_log_is_not_followed(root, tmp_path):
    (tmp_path / "mine").write_text("mine\n")
    (tmp_path / "x.1.log").symlink_to("mine")
    assert run_jobs(root, tmp_path, "JOB=1:1", "x.{JOB}.log", "true").returncode == 0
    assert (tmp_path / "mine").read_text() == "mine\n"


def test_one_failed_job_among_many_fails_the_whole_and_shows_its_log(root, tmp_path):
    job = "echo busy with {JOB}; test {JOB} != 3 || exit 7"
    result = run_jobs(root, tmp_path, "--max-jobs", "2", "JOB=1:5", "x.{JOB}.log", "sh", "-c", job)
    assert result.returncode == 1
    assert "x.3.log" in result.stderr
    assert "busy with 3" in result.stderr
    assert "exit status 7" in result.stderr


def test_a_job_killed_from_outside_counts_as_failed(root, tmp_path):
    result = run_jobs(root, tmp_path, "JOB=1:2", "x.{JOB}.log", "sh", "-c", "test {JOB} != 2 || kill -9 $$")
    assert result.returncode == 1
    assert "x.2.log" in result.stderr
    assert "x.1.log" not in result.stderr


def test_stopping_run_jobs_stops_its_jobs(root, tmp_path):
    job = "echo $$ > pid.{JOB}; exec sleep 60"
    command = [str(root / "utils" / "run_jobs.sh"), "--max-jobs", "2", "JOB=1:2", "x.{JOB}.log", "sh", "-c", job]
    running = subprocess.Popen(command, cwd=tmp_path)
    pids = [tmp_path / "pid.1", tmp_path / "pid.2"]
    deadline = time.monotonic() + 20
    while not all(path.exists() and path.read_text().strip() for path in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=20) == 1
    for path in pids:
        deadline = time.monotonic() + 20
        while alive(int(path.read_text())) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not alive(int(path.read_text()))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    "arguments",
    [
        ["JOB=1:2"],
        ["--max-jobs", "none", "JOB=1:2", "{JOB}", "true"],
        ["job=1", "{job}", "true"],
        ["JOB=1", "x.JOB", "true"],
    ],
)
def test_wrong_use_of_run_jobs_is_refused(root, tmp_path, arguments):
    result = run_jobs(root, tmp_path, *arguments)
    assert result.returncode == 1
    assert result.stderr


def test_shellcheck_is_content(root):
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed (apt-get install shellcheck)")
    scripts = [
        *root.glob("egs/*/*/run.sh"),
        *root.glob("egs/*/*.sh"),
        *root.glob("utils/*.sh"),
        *root.glob("tools/*.sh"),
        root / "tests/run.sh",
    ]
    result = subprocess.run(
        ["shellcheck", *map(str, scripts), str(root / ".ci/run")], cwd=root, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout
