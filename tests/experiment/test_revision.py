"""The commit of the code: whole, changed, and outside git."""

import subprocess

from nrsr.experiment import revision


def test_commit_and_changes_of_the_package_alone(tmp_path, monkeypatch):
    package = tmp_path / "nrsr"
    package.mkdir()
    monkeypatch.setattr(revision, "PACKAGE", package)
    assert revision.commit() == "none"
    (package / "code.py").write_text("a = 1\n")
    (tmp_path / "RESULTS.md").write_text("# Results\n")
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    for arguments in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    clean = revision.commit()
    assert len(clean) == 40
    (tmp_path / "RESULTS.md").write_text("# Results\n\nnew tables\n")
    assert revision.commit() == clean
    (package / "code.py").write_text("a = 2\n")
    assert revision.commit() == f"{clean} changed"
    assert revision.short(f"{clean} changed") == f"{clean[:10]} changed"
