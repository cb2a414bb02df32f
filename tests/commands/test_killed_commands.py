"""Commands that make a folder, killed while they make it anew with other options: no mixture of old and new is read."""

import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from killed import killed_at

from nrsr.commands.main import main
from nrsr.files import TEMPORARY
from nrsr.folders import IncompleteFolder, making, refuse_incomplete
from nrsr.kaldi import WaveWriter, write_list

RATE = 8000

FEATURES = "{{sample_rate: 8000, features: {{class: nrsr.signal.Fbank, num_mel_bins: {}}}}}\n"

# Name -> the folder that is made, the first command, and the same with other options.
COMMANDS = {
    "mix": ("noisy", *(f"mix --speech speech --noise noise --snr 0,5 --seed {seed} --out noisy" for seed in (1, 2))),
    "mix-speakers": (
        "pairs",
        "mix-speakers --speech speech --noise noise --snr 0,5 --speakers 2 --out pairs",
        "mix-speakers --speech speech --speakers 3 --mode min --out pairs",
    ),
    "perturb-speed": ("fast", *(f"perturb-speed --speeds {speeds} speech fast" for speeds in ("0.9,1.0", "1.1"))),
    "subset-data": ("part", *(f"subset-data --first {count} speech part" for count in (2, 4))),
    "combine-data": ("both", "combine-data both speech", "combine-data both speech other"),
    "split-data": ("speech/split2utt", "split-data --per-utt speech 2", "split-data --per-utt speech 2"),
    "make-feats": ("speech", *(f"make-feats --config fbank{bins}.yaml speech" for bins in (20, 30))),
    "prepare": ("data", *(f"prepare rats --prepared-dir {name} --out data" for name in ("rats1", "rats2"))),
    "prepare-lang": ("lang", *(f"prepare-lang --lexicon {name}.txt lang" for name in ("small", "large"))),
    "make-units": (
        "units",
        "make-units --config bpe.yaml speech/text units",
        "make-units --config words.yaml speech units",
    ),
    "score-se": (
        "score",
        *(
            f"score-se --data speech --estimates speech --metrics {metrics} --draws 1000 --out score"
            for metrics in ("si_sdr", "si_sdr,segsnr")
        ),
    ),
    "score-wer": ("score", *(f"score-wer --draws 1000 --out score speech/text {name}" for name in ("hyp1", "hyp2"))),
}


@pytest.fixture
def inputs(tmp_path, monkeypatch) -> Path:
    """Speech of three speakers, noise, lexicons, configs and hypotheses in the current folder."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    speech = {f"s{number // 2}-{number}": f"word{number} word{number + 1}" for number in range(6)}
    write_speech(Path("speech"), speech, rng)
    write_speech(Path("other"), {"s9-9": "word9"}, rng)
    write_speech(Path("noise"), {"n1": "", "n2": ""}, rng)
    write_list("noise/utt2noise", {"n1": "rain", "n2": "wind"})
    for folder, ids in (("rats1", list(speech)[:4]), ("rats2", list(speech)[2:])):
        for name in ("train", "dev", "test"):
            write_speech(Path(folder, name), {key: speech[key] for key in ids}, rng)
    Path("fbank20.yaml").write_text(FEATURES.format(20))
    Path("fbank30.yaml").write_text(FEATURES.format(30))
    Path("bpe.yaml").write_text("units: {kind: bpe, size: 20}\n")
    Path("words.yaml").write_text("units: {kind: word}\n")
    Path("small.txt").write_text("one W AH N\n")
    Path("large.txt").write_text("one W AH N\ntwo T UW\n")
    write_list("hyp1", speech)
    write_list("hyp2", dict.fromkeys(speech, "word1"))
    return tmp_path


def write_speech(folder: Path, texts: dict[str, str], rng: np.random.Generator) -> None:
    folder.mkdir(parents=True)
    with (
        WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as waves,
        WaveWriter(folder / "spk1.ark", folder / "spk1.scp", RATE) as clean,
    ):
        for name in texts:
            waves[name] = clean[name] = rng.uniform(-0.3, 0.3, 1500).astype(np.float32)
    utt2spk = {name: name.split("-")[0] for name in texts}
    write_list(folder / "text", texts)
    write_list(folder / "utt2spk", utt2spk)
    speakers = sorted(set(utt2spk.values()))
    write_list(folder / "spk2utt", {s: " ".join(sorted(u for u in utt2spk if utt2spk[u] == s)) for s in speakers})


def run(command: str) -> None:
    assert main(command.split()) == 0, command


def contents(folder: Path) -> dict[str, bytes]:
    """All that a reader finds."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not TEMPORARY.fullmatch(path.name) and path.name != ".incomplete"
    }


def is_refused(folder: Path) -> bool:
    try:
        refuse_incomplete(folder)
    except IncompleteFolder:
        return True
    return False


@pytest.mark.parametrize("name", COMMANDS)
def test_old_and_new_are_never_read_together(inputs, name, capfd):
    folder, first, second = Path(COMMANDS[name][0]), *COMMANDS[name][1:]
    shutil.copytree("speech", "speech_as_it_was")
    run(first)
    if name == "split-data":  # other data instead of other options
        write_list("speech/text", dict.fromkeys(("s0-0", "s0-1", "s1-2", "s1-3", "s2-4", "s2-5"), "another"))
    old = contents(folder)
    shutil.copytree(folder, "old")
    run(second)
    new = contents(folder)
    assert old != new
    rng, place, refused = random.Random(name), 0, 0
    while True:
        shutil.rmtree(folder)
        shutil.copytree("old", folder)
        if not killed_at(place, lambda: run(second)):
            break
        refused += is_refused(folder)
        assert is_refused(folder) or contents(folder) in (old, new)
        run(second)
        assert contents(folder) == new
        assert not any(TEMPORARY.fullmatch(path.name) for path in folder.rglob(".*"))
        place += rng.randint(1, 2 + place)
    assert refused


@pytest.mark.parametrize("name", COMMANDS)
def test_a_second_command_in_the_same_folder_is_refused(inputs, nrsr_main, name):
    folder, command = Path(COMMANDS[name][0]), COMMANDS[name][1]
    folder.mkdir(exist_ok=True)
    before = contents(folder)
    with held_by_another_process(folder):
        status, _, err = nrsr_main(*command.split())
    assert status == 1
    assert f"{folder}: another nrsr toy works here; wait until it has finished, or name another\n" in err
    assert contents(folder) == before


@contextmanager
def held_by_another_process(folder: Path) -> Iterator[None]:
    """A process that makes the folder meanwhile."""
    (held, tell), (wait, stop) = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        os.close(stop)
        with making(folder, "nrsr toy"):
            os.write(tell, b"x")
            os.read(wait, 1)
        os._exit(0)
    os.read(held, 1)
    try:
        yield
    finally:
        os.close(stop)
        os.waitpid(child, 0)


@pytest.mark.parametrize(
    ("command", "folder"),
    [
        ("validate-data speech", "speech"),
        ("mix --speech speech --noise noise --snr 0 --out x", "noise"),
        ("subset-data --first 1 speech x", "speech"),
        ("make-feats --config fbank20.yaml speech", "speech"),
        ("compute-cmvn speech", "speech"),
        ("fix-data speech", "speech"),
        ("score-wer speech/text hyps/text", "hyps"),
        ("score-se --data speech --estimates other", "speech"),
        ("score-se --data speech --estimates other", "other"),
        ("make-lm speech/text x", "speech"),
        ("make-lm --units units speech/text x", "units"),
    ],
)
def test_every_reader_refuses_an_incomplete_folder(inputs, nrsr_main, command, folder):
    Path(folder).mkdir(exist_ok=True)
    Path(folder, ".incomplete").write_text("nrsr toy")
    status, _, err = nrsr_main(*command.split())
    assert status == 1
    assert f"{folder}: is incomplete, since nrsr toy has not finished; wait for it, or run it again" in err
    assert err.count("\n") == 1
    assert Path(folder, ".incomplete").read_text() == "nrsr toy"
    assert not Path("x").exists()
