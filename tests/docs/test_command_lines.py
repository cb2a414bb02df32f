"""Every command line of the README and of docs/ is one that its program takes; the files that it names are there."""

import argparse
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from pages import PAGES, ROOT, blocks, commands

from nrsr.commands.main import COMMANDS, parser_of

RECIPES = sorted(ROOT.glob("egs/*/*"))
PROGRAMS = {"python", "tensorboard", "export"}  # of which the page's own test, or nobody, knows the options
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]


class Refusal(Exception):
    """A parser does not take a command's words."""


@pytest.mark.parametrize("page", NAMES)
def test_shell_blocks(page, tmp_path, mycorpus):
    for script in blocks(page, "sh"):
        place = ROOT
        for words in commands(script, tmp_path):
            problem, place = problem_of(words, place)
            assert not problem, f"{page}: {shlex.join(words)}: {problem}"
            for word in words:
                for config in re.findall(r"\b(?:utils/)?conf/\S+\.(?:yaml|tsv)", word):
                    assert is_there(config, page, place), f"{page}: {shlex.join(words)}: no file {config}"


@pytest.mark.parametrize("page", NAMES)
def test_commands_and_files_within_sentences(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    sentences = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    for span in re.findall(r"`([^`]+)`", sentences):
        words = span.split()
        if words[0] == "nrsr" and words[1:2] not in ([], ["COMMAND"], ["--help"]):
            assert words[1] in COMMANDS, f"{page}: {span}"
            given = {word.partition("=")[0] for word in words if word.startswith("--")}
            assert given <= options_of(parser_of(words[1])[0]), f"{page}: {span}"
        elif words[0].endswith("run.sh") and len(words) > 1:
            recipe = words[0] if "/" in words[0] else "egs/mini/asr/run.sh"
            assert not (problem := refused_by([recipe, *words[1:]], ROOT)), f"{page}: {span}: {problem}"
        elif re.match("(docs|egs|nrsr|tests|tools|utils)/", span) and not re.search("[*{<]|mycorpus", span):
            assert is_there(span, page, ROOT), f"{page}: {span} is not there"


@pytest.mark.parametrize("page", NAMES)
def test_links(page):
    for link in re.findall(r"\]\(([^)]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        if not link.startswith("http"):
            assert (ROOT / page).parent.joinpath(link).exists(), f"{page}: {link}"


def problem_of(words: list[str], place: Path) -> tuple[str, Path]:
    """What is wrong with a command that is given in the folder `place`, and the folder after it."""
    program = words[0]
    if program == "torchrun":
        words = words[words.index("nrsr") :]
        program = "nrsr"
    if program == "nrsr":
        return parsed(words[1:]), place
    if program in ("cd", "."):
        there = (place / words[1]).resolve()
        return "" if there.exists() else "is not there", there if program == "cd" else place
    if program.startswith("egs/"):
        return refused_by(words, place), place
    if "/" in program:
        return "" if os.access(place / program, os.X_OK) and not words[1:] else "is no program", place
    return "" if program in PROGRAMS else "is not known", place


def parsed(words: list[str]) -> str:
    """Why the parser of `nrsr` refuses the words of a command; nothing where it takes them."""
    if words[0] not in COMMANDS:
        return "there is no such command"
    parser, _ = parser_of(words[0])
    for each in [parser, *sub_parsers(parser)]:
        each.error = refuse
    try:
        parser.parse_args(words[1:])
    except Refusal as error:
        return str(error)
    return ""


def refuse(message: str) -> None:
    """In place of the method that ends the program."""
    raise Refusal(message)


def sub_parsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """Those of the commands within a command."""
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return [child for action in actions for child in action.choices.values()]


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """All options of a command."""
    return {option for each in [parser, *sub_parsers(parser)] for option in each._option_string_actions}


def refused_by(words: list[str], place: Path) -> str:
    """What a run.sh says against its options; --help behind them ends it before it does anything."""
    done = subprocess.run([*words, "--help"], cwd=place, capture_output=True, text=True, timeout=60)
    return done.stderr if done.returncode else ""


def is_there(file: str, page: str, place: Path) -> bool:
    """Whether a file is in a folder or in a recipe, or the page says in a block what is in it."""
    if any((folder / file).exists() for folder in (place, *RECIPES)) or file == "tools/venv":
        return True
    return bool(re.search(rf"{re.escape(file)}`[^`]*```", (ROOT / page).read_text(encoding="utf-8")))
