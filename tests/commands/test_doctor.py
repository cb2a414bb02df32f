"""nrsr doctor: what is missing is named with its use and its cure, and the exit status tells."""

import pytest

import nrsr.commands.doctor as doctor


def test_everything_needed_is_there(nrsr_main):
    status, out, err = nrsr_main("doctor")
    assert status == 0, err
    assert "everything needed is there" in out
    for name in ("Python", "torch", "flashlight-text", "GPU", "sctk"):
        assert name in out


def test_a_missing_library_is_named_with_its_cure(nrsr_main, monkeypatch):
    gone = doctor.Library("no_such_module", "no-such-package", "reading minds")
    monkeypatch.setattr(doctor, "LIBRARIES", [*doctor.LIBRARIES, gone])
    status, out, err = nrsr_main("doctor", "--quiet")
    assert status == 1
    assert out == ""
    assert err == ("nrsr doctor: no-such-package is not installed: needed for reading minds; run tools/install.sh\n")


def test_a_library_that_does_not_load_is_named(nrsr_main, monkeypatch, tmp_path):
    (tmp_path / "broken_module.py").write_text("raise OSError('libbroken.so: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(doctor, "LIBRARIES", [doctor.Library("broken_module", "numpy", "tests")])
    status, _, err = nrsr_main("doctor")
    assert status == 1
    assert "numpy does not import (libbroken.so: cannot open shared object file): needed for tests; run tools" in err
    assert nrsr_main("doctor", "--quiet")[0] == 0  # recipes trust tools/install.sh, which has loaded them all


def test_a_missing_optional_library_is_only_listed(nrsr_main, monkeypatch):
    monkeypatch.setattr(doctor, "LIBRARIES", [doctor.Library("no_such_module", "no-such-package", "tests", False)])
    status, out, _ = nrsr_main("doctor")
    assert status == 0
    assert "optional no-such-package" in out


def test_models_from_the_shelf_are_listed_in_one_line(nrsr_main, monkeypatch):
    monkeypatch.setattr(doctor, "LIBRARIES", [])
    monkeypatch.setattr(doctor, "ANCHORS", ("numpy", "no-such-package"))
    [line] = [line for line in nrsr_main("doctor")[1].splitlines() if "from the shelf" in line]
    assert line.startswith("optional anchors") and "from the shelf: numpy " in line
    assert line.endswith("; missing no-such-package; get it: tools/install.sh --anchors")
    monkeypatch.setattr(doctor, "ANCHORS", ("numpy",))
    [line] = [line for line in nrsr_main("doctor")[1].splitlines() if "from the shelf" in line]
    assert line.startswith("ok ") and "missing" not in line


@pytest.mark.parametrize("options", [[], ["--quiet"]])
def test_a_missing_program_that_recipes_call_is_named(nrsr_main, monkeypatch, options):
    monkeypatch.setattr(doctor, "LIBRARIES", [])
    monkeypatch.setattr(doctor, "NEEDED_PROGRAMS", {"no-such-program": ("recipes", "apt-get install it")})
    status, out, err = nrsr_main("doctor", *options)
    assert status == 1
    assert err == "nrsr doctor: no-such-program is not installed: needed for recipes; apt-get install it\n"
    assert ("missing  no-such-program" in out) != bool(options)


def test_a_recipe_whose_corpus_is_missing_fails(nrsr_main, root, tmp_path):
    folders = ["--corpus-dir", tmp_path / "none", "--noise-dir", tmp_path]
    status, _, err = nrsr_main("doctor", "--quiet", "--recipe", root / "egs/fsdd/asr", *folders)
    assert status == 1
    assert str(tmp_path / "none") in err


def test_a_folder_that_was_not_given_is_asked_for(nrsr_main, root):
    status, _, err = nrsr_main("doctor", "--quiet", "--recipe", root / "egs/fsdd/asr")
    assert status == 1
    assert "--corpus-dir" in err
    assert "--noise-dir" in err


def test_a_recipe_whose_corpus_is_there_passes(nrsr_main, root, shared_data):
    status, _, err = nrsr_main(
        "doctor", "--quiet", "--recipe", root / "egs/fsdd/asr",
        "--corpus-dir", shared_data / "fsdd", "--noise-dir", shared_data / "nonspeech",
    )  # fmt: skip
    assert status == 0, err


def test_a_folder_that_is_no_recipe_is_named(nrsr_main, tmp_path):
    status, _, err = nrsr_main("doctor", "--quiet", "--recipe", tmp_path)
    assert status == 1
    assert "run.sh" in err


def test_a_recipe_of_data_directories_has_no_corpus_to_check(nrsr_main, tmp_path):
    recipe = tmp_path / "mycorpus/asr"
    recipe.mkdir(parents=True)
    (recipe / "run.sh").touch()
    assert nrsr_main("doctor", "--quiet", "--recipe", recipe)[0] == 0
