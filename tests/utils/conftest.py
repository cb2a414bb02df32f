"""A copy of the recipes whose nrsr is a stand-in that only writes its arguments down."""

import shutil
import subprocess

import pytest

STAND_IN = """#!/bin/sh
echo "$*" >> "$COMMANDS"
"""


@pytest.fixture
def recipe(root, tmp_path):
    """recipe("mini/asr", options...) -> the finished run.sh, and the commands that it has called, without `doctor`."""
    project = tmp_path / "project"
    for folder in ("egs", "utils"):
        shutil.copytree(root / folder, project / folder, ignore=shutil.ignore_patterns("exp", "data", "downloads"))
    programs = (("install.sh", "#!/bin/sh\n"), ("venv/bin/nrsr", STAND_IN), ("venv/bin/python", STAND_IN))
    for name, content in programs:
        file = project / "tools" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        file.chmod(0o755)
    (tmp_path / "called").mkdir()

    def run(name: str, *options: str, script: str = "run.sh") -> tuple[subprocess.CompletedProcess, list[str]]:
        log = tmp_path / "commands"
        log.write_text("")
        command = [str(project / "egs" / name / script), *options]
        done = subprocess.run(
            command,
            cwd=tmp_path / "called",
            env={"PATH": "/usr/bin:/bin", "COMMANDS": str(log)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done, [line for line in log.read_text().splitlines() if not line.startswith("doctor")]

    return run


@pytest.fixture
def fsdd(recipe, tmp_path):
    """fsdd("asr", options...) -> the finished run.sh with folders of that name, and its commands with short paths."""
    for folder in ("c", "n"):
        (tmp_path / "called" / folder).mkdir()

    def run(task: str, *options: str) -> tuple[subprocess.CompletedProcess, list[str]]:
        common = ["--work-dir", "w", "--nj", "1", "--corpus-dir", "c", "--noise-dir", "n"]
        done, commands = recipe(f"fsdd/{task}", *common, *options)
        return done, [command.replace(f"{tmp_path}/called/w/", "") for command in commands]

    return run
