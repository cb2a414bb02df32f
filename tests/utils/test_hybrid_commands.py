"""Which commands the recipes of hybrid systems call."""

import pytest

from nrsr.kaldi import write_list

DATA = "data/full_fold0_held_out"


@pytest.fixture
def commands_of(fsdd, tmp_path):
    """commands_of(options...) -> the commands of stages 1 and 4 with noise of one kind and of all."""
    data = tmp_path / "called/w" / DATA
    write_list(data / "noise_train/utt2noise", {"n1": "wind", "n2": "rain", "n3": "wind"})
    for name in ("dev_clean", "train_clean"):
        for file in ("wav.scp", "text", "utt2spk", "utt2dur"):
            write_list(data / name / file, {f"{name}-{number}": "x" for number in range(3)})

    def run(*options):
        options = ["--noises", "1 all", "--config", "conf/few/single.yaml", *options]
        done = [fsdd("hybrid", *options, "--stage", stage, "--stop-stage", stage) for stage in "14"]
        assert [process.returncode for process, _ in done] == [0, 0], done[0][0].stderr + done[1][0].stderr
        return [command.replace(f"{DATA}/", "DATA/") for _, commands in done for command in commands]

    return run


def mixed(commands):
    """Speech, noise and result of each `mix` of training data."""
    lines = [command.split() for command in commands if command.startswith("mix --speech DATA/train_")]
    return [(words[2], words[4], words[-1]) for words in lines]


def trained(commands):
    """Data and experiment of each `train`."""
    lines = [command.split() for command in commands if command.startswith("train ")]
    return [(words[words.index("--train") + 1], words[words.index("--exp") + 1]) for words in lines]


def test_few_noises_with_each_string_once(commands_of, tmp_path):
    commands, data = commands_of(), tmp_path / "called/w" / DATA
    assert (data / "halves/noisy").read_text() == "train_clean-1\n"
    assert (data / "kinds/1.noises").read_text() == "n1\nn3\n"
    assert mixed(commands) == [
        ("DATA/train_half", f"DATA/noise_train_{count}", f"DATA/train_half_noises{count}") for count in ("1", "all")
    ]
    assert "combine-data DATA/train_noises1 DATA/train_half_clean DATA/train_half_noises1" in commands
    assert trained(commands) == [
        (f"DATA/train_noises{count}", f"exp/full_held_out/single-noises{count}_fold0_seed1") for count in ("1", "all")
    ]


def test_few_noises_with_parallel_clean_copies_have_names_of_their_own(commands_of, fsdd, tmp_path):
    commands, data = commands_of("--copies", "parallel"), tmp_path / "called/w" / DATA
    assert mixed(commands) == [
        ("DATA/train_clean", f"DATA/noise_train_{count}", f"DATA/train_noisy_parallel{count}") for count in ("1", "all")
    ]
    joined = "DATA/train_parallel1 DATA/train_parallel1.clean DATA/train_noisy_parallel1"
    assert f"combine-data {joined}" in commands
    copies = [f"train_clean-{number}-c0 x" for number in range(3)]  # of all strings; alignments find them by -c0
    assert (data / "train_parallel1.clean/text").read_text().splitlines() == copies
    assert trained(commands) == [
        (f"DATA/train_parallel{count}", f"exp/full_held_out/single-parallel{count}_fold0_seed1")
        for count in ("1", "all")
    ]
    options = ["--noises", "1 all", "--copies", "parallel", "--config", "", "--stage", "6"]
    _, (*_, report) = fsdd("hybrid", *options)
    assert "--columns parallel1,parallelall" in report and "/RESULTS_parallel.md " in report
    done, _ = fsdd("hybrid", "--noises", "1", "--copies", "both")
    assert done.returncode == 1 and "--copies takes none or parallel, not 'both'" in done.stderr
