"""Models, alignments and graphs, killed while they are made anew: what is not whole is not read."""

import random
import shutil
from pathlib import Path

import pytest
from killed import killed_at

from nrsr.commands.main import main
from nrsr.folders import IncompleteFolder
from nrsr.hmm.graph_folder import Graph
from nrsr.hmm.model import read_model
from nrsr.kaldi.lang import Lang
from nrsr.kaldi.lists import read_list


def run(command: str, **folders: Path) -> None:
    assert main([word.format(**folders) for word in command.split()]) == 0, command


def contents(folder: Path) -> dict[str, bytes]:
    names = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in names if path.name != "train.log"}


@pytest.mark.parametrize(
    ("command", "read"),
    [
        ("align --gmm {model} --data {data} --lang {lang} --out {out}", lambda out: read_list(out / "ali.scp")),
        ("make-graph --lang {lang} --model {model} --loop --out {out}", Graph.load),
        (
            "train-gmm mono --data {data} --lang {lang} --config {config} --set mono.iterations={n} --exp {out}",
            read_model,
        ),
    ],
    ids=["align", "make-graph", "train-gmm"],
)
def test_old_and_new_are_never_read_together(toy_speech, trained, tmp_path, capfd, command, read):
    out, old = tmp_path / "out", tmp_path / "old"
    common = {"data": toy_speech.data, "lang": toy_speech.lang, "config": toy_speech.config, "out": out}
    run(command, **common, model=trained / "mono", n=1)
    before = contents(out)
    shutil.copytree(out, old)
    again = {**common, "model": trained / "tri", "n": 2}
    run(command, **again)
    after = contents(out)
    assert before != after
    rng, place, refused = random.Random(command), 0, 0
    while True:
        shutil.rmtree(out)
        shutil.copytree(old, out)
        if not killed_at(place, lambda: run(command, **again)):
            break
        try:
            read(out)
        except IncompleteFolder:
            refused += 1
        else:
            assert contents(out) in (before, after)
        place += rng.randint(1, 3 + 2 * place)
    assert refused
    run(command, **again)
    assert contents(out) == after
    read(out)
    assert not list(out.rglob(".*"))


def test_an_incomplete_lang_folder_is_refused(toy_speech, tmp_path):
    shutil.copytree(toy_speech.lang, tmp_path / "lang")
    (tmp_path / "lang/.incomplete").write_text("nrsr prepare-lang")
    with pytest.raises(IncompleteFolder, match="nrsr prepare-lang has not finished"):
        Lang.load(tmp_path / "lang")
