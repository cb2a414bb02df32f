"""Corpora that recipes fetch: folders appear whole, once for all runs."""

import subprocess
import zipfile

import pytest

CURL = """#!/bin/sh
# curl -fL -o FILE URL
echo fetched >> log
cp "$4" "$3"
"""


@pytest.fixture
def fetch(root, tmp_path):
    """fetch() -> a bash that fetches downloads/Noise out of noise.zip with a stand-in for curl."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/curl").write_text(CURL)
    (tmp_path / "bin/curl").chmod(0o755)
    with zipfile.ZipFile(tmp_path / "noise.zip", "w") as archive:
        archive.writestr("Noise/n1.wav", "1")
        archive.writestr("Noise/n2.wav", "2")
        archive.writestr("readme", "")
    (tmp_path / "fetch.sh").write_text(f"""set -euo pipefail
PATH=$PWD/bin:$PATH
. {root}/utils/fetch.sh
fetch --noise-dir downloads/Noise unzip_url noise.zip Noise
""")
    return lambda: subprocess.Popen(["bash", "fetch.sh"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)


def test_several_runs_fetch_a_corpus_once(fetch, tmp_path):
    runs = [fetch() for _ in range(3)]
    assert [(run.communicate(timeout=60)[1], run.returncode) for run in runs] == [("", 0)] * 3
    assert (tmp_path / "log").read_text() == "fetched\n"
    downloads = {path.relative_to(tmp_path / "downloads").as_posix() for path in (tmp_path / "downloads").rglob("*")}
    assert downloads == {"Noise", "Noise/n1.wav", "Noise/n2.wav", "Noise.lock"}


def test_what_a_killed_run_has_fetched_is_fetched_again(fetch, tmp_path):
    (tmp_path / "bin/python3").write_text("#!/bin/sh\nmkdir -p $4/Noise; touch $4/Noise/n1.wav; kill -9 $PPID\n")
    (tmp_path / "bin/python3").chmod(0o755)
    killed = fetch()
    killed.communicate(timeout=60)
    assert killed.returncode < 0
    assert not (tmp_path / "downloads/Noise").exists()
    (tmp_path / "bin/python3").unlink()
    assert fetch().wait(timeout=60) == 0
    assert [file.read_text() for file in sorted((tmp_path / "downloads/Noise").iterdir())] == ["1", "2"]


def test_a_failed_download_names_the_option_to_give_instead(fetch, tmp_path):
    (tmp_path / "bin/curl").write_text("#!/bin/sh\necho 'curl: (6) Could not resolve host' >&2\nexit 6\n")
    failed = fetch()
    _, err = failed.communicate(timeout=60)
    assert failed.returncode == 1
    assert err.splitlines()[1:] == [
        "fetch.sh: downloads/Noise cannot be fetched (the lines above say why); try again, or give the folder that you "
        "have by --noise-dir"
    ]
    assert not (tmp_path / "downloads/Noise").exists()
