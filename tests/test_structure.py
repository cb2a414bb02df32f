"""The house's rules: floors, commands with an example, docstrings, no path of one machine."""

import argparse
import ast
import functools
import importlib
import inspect
import re
import subprocess
import types
from pathlib import Path

import pytest

from nrsr.commands.main import COMMANDS, parser_of

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "nrsr"
MODULES = sorted(PACKAGE.rglob("*.py"))

# A folder imports only folders of lower floors; files that stand beside the folders are the ground under all of them.
FLOORS = [
    {"kaldi", "config"},
    {"signal", "gradients"},
    {"datadirs", "nn"},
    {"corpora", "data"},  # corpora: the mini corpus is made with the noises of signal
    {"frontends", "hmm"},
    {"systems"},
    {"experiment"},
    {"training", "inference", "scoring"},
    {"reporting"},
    {"commands"},
]
METHODS = (types.FunctionType, property, functools.cached_property, staticmethod, classmethod)
FLOOR_OF = {folder: number for number, folders in enumerate(FLOORS) for folder in folders}


def folder_of(path: Path) -> str:
    """The package folder that a file stands in, "" for those beside the folders."""
    return path.relative_to(PACKAGE).parts[0] if path.parent != PACKAGE else ""


def imported_folders(source: str) -> set[str]:
    """The folders of nrsr that a source imports anywhere in it, "" for files beside the folders."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            names.update({f"{node.module}.{alias.name}" for alias in node.names})
    parts = [name.split(".") for name in names if name.split(".")[0] == "nrsr"]
    folders = {part[1] if len(part) > 1 and (PACKAGE / part[1]).is_dir() else "" for part in parts}
    # `nrsr.load` imports the experiment floor when it is called.
    return folders | ({"experiment"} if re.search(r"\bnrsr\.load\(", source) else set())


def test_every_folder_has_a_floor():
    folders = {path.name for path in PACKAGE.iterdir() if any(path.glob("*.py"))}
    assert folders == set(FLOOR_OF)


def test_imports_are_found():
    source = "import nrsr\nfrom nrsr import kaldi\ndef f():\n    from nrsr.signal.mel import x\nimport numpy, nrsr.nn\n"
    assert imported_folders(source) == {"", "kaldi", "signal", "nn"}
    assert imported_folders("from nrsr.files import atomic_open") == {""}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_folder_imports_only_lower_floors(path):
    folder = folder_of(path)
    imported = imported_folders(path.read_text(encoding="utf-8")) - {"", folder}
    if path == PACKAGE / "__init__.py":
        assert imported == {"experiment"}  # nrsr.load, which imports it when it is called
    else:
        floor = FLOOR_OF.get(folder, -1)
        assert {other for other in imported if FLOOR_OF[other] >= floor} == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_says_its_purpose_in_one_line(path):
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring
    first, *rest = docstring.splitlines()
    assert first.endswith(".") and not any(rest[:1])


def without_docstring(module: types.ModuleType) -> list[str]:
    """Public classes, functions and methods that have no docstring, nor override a method of nrsr that has one."""
    missing = []
    own = [thing for thing in vars(module).values() if getattr(thing, "__module__", None) == module.__name__]
    for thing in own:
        if inspect.isfunction(thing) and not thing.__name__.startswith("_") and not thing.__doc__:
            missing.append(thing.__name__)
        if not inspect.isclass(thing) or thing.__name__.startswith("_"):
            continue
        generated = f"{thing.__name__}("  # what dataclasses and named tuples say where nobody wrote anything
        if (vars(thing).get("__doc__") or generated).startswith(generated):
            missing.append(thing.__name__)
        bases = [vars(base) for base in thing.__mro__ if base.__module__.split(".")[0] in ("nrsr", module.__name__)]
        for name, member in vars(thing).items():
            if name.startswith("_") or not isinstance(member, METHODS):
                continue
            if not any(base[name].__doc__ for base in bases if name in base):
                missing.append(f"{thing.__name__}.{name}")
    return missing


def test_missing_docstrings_are_found():
    source = """
import dataclasses
from pathlib import Path
class Base:
    "Documented."
    def step(self):
        "Documented."
    def stop(self): pass
class Child(Base):
    "Documented."
    def step(self): pass
    def stop(self): pass
    def _private(self): pass
    @property
    def size(self): pass
@dataclasses.dataclass
class Settings:
    width: int
def function(): pass
def _private(): pass
class _Private:
    def method(self): pass
"""
    module = types.ModuleType("outside")
    exec(source, vars(module))
    assert without_docstring(module) == ["Base.stop", "Child.stop", "Child.size", "Settings", "function"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_public_names_have_docstrings(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    assert without_docstring(importlib.import_module(name)) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_with_an_example(name, capsys):
    module = importlib.import_module(f"nrsr.commands.{name.replace('-', '_')}")
    assert re.search(rf"^Example:\n(  .*\n)*?  +nrsr {name}\b", module.__doc__, re.MULTILINE)
    assert callable(module.run)
    parser, _ = parser_of(name)
    with pytest.raises(SystemExit) as stopped:
        parser.parse_args(["--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    assert f"nrsr {name}" in shown and "--debug" in shown
    untold = [
        action.dest
        for action in parser._actions
        if not action.help and not isinstance(action, argparse._SubParsersAction)
    ]
    assert untold == []


def test_every_command_file_is_a_command():
    files = {path.stem for path in (PACKAGE / "commands").glob("*.py")} - {"__init__", "main"}
    assert files == {name.replace("-", "_") for name in COMMANDS}


def test_no_tracked_file_holds_a_path_of_one_machine():
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no git checkout")
    own = re.escape(f"{ROOT}/")
    forbidden = re.compile(rf"{own}|(?<![\w.])/(home|root|Users|tmp|work|mnt|opt)/[a-z]")
    holding = [
        f"{name}: {found.group()}"
        for name in filter(None, listed.stdout.split("\0"))
        if (ROOT / name).is_file()
        and (found := forbidden.search((ROOT / name).read_text(encoding="utf-8", errors="replace")))
    ]
    assert holding == []


# Names that leave a reader to guess; the thing itself has a name: run, path, rate, generated, ...
VAGUE = {"one", "own", "found", "made", "told", "tell", "heard", "judge", "figures", "facts"}


def names_given(source: str) -> set[str]:
    """The names of variables, parameters, functions and classes in a source."""
    tree = list(ast.walk(ast.parse(source)))
    variables = {node.id for node in tree if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return (
        variables
        | {node.arg for node in tree if isinstance(node, ast.arg)}
        | {node.name for node in tree if isinstance(node, definitions)}
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_names_say_what_things_are(path):
    assert not names_given(path.read_text(encoding="utf-8")) & VAGUE
