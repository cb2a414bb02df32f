"""Where classes may come from: what is not trusted is not imported, and so runs nothing."""

import subprocess
import sys

import pytest

from nrsr.config import ConfigError, build
from nrsr.config.origins import is_trusted

UNTRUSTED = (
    *("os.system", "unittest.__main__.main", "idlelib.__main__.X", "antigravity.X", "this.d", "setup.x", "toy.Toy"),
    *("torch.utils.bottleneck.__main__.main", "torch._inductor.config.X", "nrsrx.Y", ".X", "", "X", "a..b", "nrsr .X"),
    *("local.toy.Toy", "é.X", "torch\n.X"),
)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A folder with toy.py, which leaves a file where it is imported."""
    folder = tmp_path / "local"
    folder.mkdir()
    (folder / "toy.py").write_text(
        f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\nclass Toy(list): pass\n"
    )
    monkeypatch.delenv("NRSR_MODULES", raising=False)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    yield folder
    sys.modules.pop("toy", None)


@pytest.mark.parametrize("path", UNTRUSTED)
def test_what_is_not_trusted_is_not_imported(module, monkeypatch, path):
    monkeypatch.syspath_prepend(module)
    before = set(sys.modules)
    with pytest.raises(ConfigError, match=r"^slot.class: .* is not imported: classes come from nrsr, torch, torchjd, "):
        build({"class": path}, list, "slot")
    assert set(sys.modules) == before
    assert not (module.parent / "ran").exists()


def test_the_recipes_local_folder_is_trusted(module, monkeypatch):
    monkeypatch.syspath_prepend(module)
    monkeypatch.setenv("PYTHONPATH", f"elsewhere:{module}")
    assert is_trusted("toy") and is_trusted("toy.part")
    assert type(build({"class": "toy.Toy"}, list, "slot")).__name__ == "Toy"
    assert not is_trusted("unittest.main") and not is_trusted("no_such_module")


def test_a_module_that_comes_from_elsewhere_than_local_is_not_trusted(module, monkeypatch):
    other = module.parent / "other"
    other.mkdir()
    (other / "toy.py").write_text("raise RuntimeError\n")
    monkeypatch.setenv("PYTHONPATH", f"{other}:{module}")
    monkeypatch.syspath_prepend(module)
    monkeypatch.syspath_prepend(other)
    assert not is_trusted("toy")


def test_modules_that_the_user_lists_are_trusted(module, monkeypatch):
    monkeypatch.syspath_prepend(module)
    monkeypatch.setenv("NRSR_MODULES", "mine.part, toy")
    assert is_trusted("toy") and is_trusted("mine.part.more") and is_trusted("mine.part")
    assert not is_trusted("mine") and not is_trusted("mine.parts") and not is_trusted("toys")
    build({"class": "toy.Toy"}, list, "slot")
    assert (module.parent / "ran").exists()


def test_a_module_that_fails_is_told_in_one_line(module, monkeypatch):
    monkeypatch.syspath_prepend(module)
    (module / "bad.py").write_text("x = 1 +\n")
    monkeypatch.setenv("NRSR_MODULES", "bad")
    with pytest.raises(ConfigError, match="cannot import 'bad.X'.*SyntaxError"):
        build({"class": "bad.X"}, list, "slot")


def test_an_experiment_folder_of_a_stranger_runs_nothing(tmp_path):
    """The folder is the current one, and holds modules beside a config that names them."""
    (tmp_path / "evil.py").write_text("open('ran', 'w')\n")
    (tmp_path / "config.yaml").write_text("sample_rate: 8000\nsystem: {class: evil.System}\n")
    code = "import sys; from nrsr.commands.main import main; sys.exit(main(['transcribe', '--exp', '.', 'x.wav']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "system.class: 'evil.System' is not imported" in done.stderr
    assert not (tmp_path / "ran").exists()
