"""What the pages of the documentation hold: blocks of code, and the commands of their shell blocks."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MARK = "<command>"
# Every command of a script prints its words, after expansion, instead of being run. Bash looks for functions first,
# whatever their names.
PRINTED = """
PATH=/nonexistent
function command_not_found_handle { printf '%s\\0' "MARK" "$@"; }
for name in NAMES; do eval "function $name { command_not_found_handle $name \\"\\$@\\"; }"; done
"""


def blocks(page: str | Path, *kinds: str) -> list[str]:
    """The fenced blocks of these kinds on a page ("docs/gradients.md"), in their order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```(?:{'|'.join(kinds)})\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def commands(script: str, folder: Path) -> list[list[str]]:
    """The commands of a shell script as lists of words, in the order in which bash would run them.

    Loops, variables and continued lines are bash's own work; no command is run.

    Args:
        folder: in which file names are expanded.
    """
    scripts = set(re.findall(r"[\w./-]+/run\.sh|[\w./-]+/install\.sh", script))
    names = " ".join(sorted({"cd", ".", "source", "export", *scripts}))
    program = PRINTED.replace("MARK", MARK).replace("NAMES", names) + script
    done = subprocess.run(["bash", "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    assert not done.stderr, done.stderr
    return [found.split("\0")[1:-1] for found in done.stdout.split(MARK)[1:]]
