"""Which commands the recipes of vocoders call."""

from pathlib import Path

import pytest

# Names of mels as nrsr make-feats prints them: of the test's own config others than of the recipe's; none of WORLD's.
NAMES = """#!/bin/sh
echo "$*" >> "$COMMANDS"
case "$*" in
  *world.yaml*--print-name) ;;
  *other.yaml*--print-name | *hop=*--print-name) echo 16000_other ;;
  *--print-name) echo 16000_ours ;;
  make-feats*)
    for folder in "$@"; do
      case $folder in */.new/*) ;; *) continue ;; esac
      place=${folder%/.new/*}/${folder##*/}
      if [ -e "$place/feats.scp" ]; then cat "$place/feats.scp" >> "$COMMANDS.readable"; fi
      echo "a-2 $folder/feats.ark:4" > "$folder/feats.scp"
      echo "a-2 7" > "$folder/utt2num_frames"
    done ;;
esac
"""


@pytest.fixture
def vocoders(recipe, tmp_path):
    """vocoders("ravdess/voc", options...) -> the finished run.sh and its commands with short paths."""
    (tmp_path / "project/tools/venv/bin/nrsr").write_text(NAMES)
    for folder in ("corpus", "noise"):
        (tmp_path / "called" / folder).mkdir()

    def run(name: str, *options: str):
        common = ["--work-dir", "w", "--nj", "1", "--corpus-dir", "corpus"]
        done, commands = recipe(name, *common, *options)
        return done, [
            command.replace(f"{tmp_path}/called/w/", "").replace(f"{tmp_path}/project/", "")
            for command in commands
            if not command.endswith("--print-name")
        ]

    return run


def named(commands: list[str], name: str) -> list[str]:
    return [command for command in commands if command.split()[0] == name]


def test_seen_and_unseen_speakers_are_vocoded_and_scored(vocoders, tmp_path):
    data = tmp_path / "called/w/data"
    for name in ("fold0/train_clean", *(f"fold0_voc/{name}" for name in ("train", "dev", "test_seen", "test_unseen"))):
        (data / name).mkdir(parents=True)
        (data / name / "utt2spk").write_text("a-1 a\na-2 a\n" if name.startswith("fold0/") else "a-2 a\n")
    done, commands = vocoders("ravdess/voc", "--config", "conf/melgan.yaml", "--tested", "8", "--seeds", "1 2")
    assert done.returncode == 0, done.stderr
    voc = "data/fold0_voc"
    assert commands[0] == f"prepare ravdess --corpus-dir {tmp_path}/called/corpus --fold 0 --out data/fold0"
    assert named(commands, "subset-data") == [
        f"subset-data --random 8 data/fold0/train_clean {voc}/test_seen",
        f"subset-data --utt-list {voc}/trained data/fold0/train_clean {voc}/train",
        f"subset-data --random 8 data/fold0/test_clean {voc}/test_unseen",
        f"subset-data --random 3 data/fold0/dev_clean {voc}/dev",
    ]
    assert (data / "fold0_voc/trained").read_text() == "a-1 a\n"  # nothing of what is tested
    mels = f"{voc}/mels_16000_ours"
    folders = " ".join(f"{mels}/.new/{name}" for name in ("train", "dev", "test_seen", "test_unseen"))
    assert named(commands, "make-feats") == [f"make-feats --config conf/melgan.yaml --nj 1 {folders}"]  # for all
    assert [command.split()[-1] for command in named(commands, "compute-cmvn")] == [f"{mels}/train"] * 2
    trained = [command.split() for command in named(commands, "train")]
    assert [[words[words.index(key) + 1] for key in ("--exp", "--train", "--dev")] for words in trained] == [
        [f"exp/melgan_fold0_seed{seed}", f"{mels}/train", f"{mels}/dev"] for seed in (1, 2)
    ]
    sets, systems = ("test_seen", "test_unseen"), ["exp/melgan_fold0_seed1", "exp/melgan_fold0_seed2"]
    assert named(commands, "vocode") == [
        f"vocode {how} --device cpu scp:{mels}/{name}/feats.scp {folder}/vocode_{name}"
        for how, folder in [
            ("--config conf/griffin_lim.yaml", "exp/griffin_lim_fold0_once"),
            *((f"--exp {folder}", folder) for folder in systems),
        ]
        for name in sets
    ]
    world = "../../../utils/conf/voc/world.yaml"
    assert named(commands, "apply") == [
        f"apply --config {world} --data {voc}/{name} --out exp/world_fold0_once/vocode_{name}" for name in sets
    ]
    assert named(commands, "score-voc") == [
        f"score-voc --data {voc}/{name} --estimates {folder}/vocode_{name} --out {folder}/vocode_{name}/score"
        for folder in ("exp/griffin_lim_fold0_once", "exp/world_fold0_once", *systems)
        for name in sets
    ]
    seen = "griffin_lim=exp/griffin_lim_fold0_once/vocode_test_seen world=exp/world_fold0_once/vocode_test_seen"
    assert named(commands, "spectrograms")[0] == (
        f"spectrograms --out exp/RESULTS_test_seen.png original={voc}/test_seen {seen} "
        "melgan=exp/melgan_fold0_seed1/vocode_test_seen"
    )
    assert len(named(commands, "spectrograms")) == 2 and "--sets test_seen,test_unseen " in commands[-1]
    assert " --over-speakers" in commands[-1]
    _, again = vocoders("ravdess/voc", "--config", "conf/melgan.yaml", "--tested", "8", "--seeds", "1 2")
    assert {command.split()[0] for command in again} == {"train", "spectrograms", "report"}


def small_sets(folder: Path) -> None:
    """Data directories train, dev and test of a work folder."""
    for name in ("train", "dev", "test"):
        (folder / "data" / name).mkdir(parents=True)
        (folder / "data" / name / "utt2spk").write_text("a-2 a\n")


def test_mels_are_computed_once_in_a_run_and_stay_readable(vocoders, tmp_path):
    work, options = tmp_path / "called/w", ["--stage", "2", "--stop-stage", "2", "--untrained", "conf/griffin_lim.yaml"]
    small_sets(work)
    for _ in range(2):
        done, commands = vocoders("csmsc/voc", *options, "--seeds", "1 2")
        assert done.returncode == 0, done.stderr
        assert len(named(commands, "make-feats")) == 1 and len(named(commands, "compute-cmvn")) == 4
    folder = work / "data/mels_16000_ours"
    assert sorted(path.name for path in folder.iterdir()) == [".done", "dev", "test", "train"]
    for name in ("train", "dev", "test"):
        assert (folder / name / "feats.scp").read_text() == f"a-2 {folder}/{name}/feats.ark:4\n"
        assert (folder / name / "utt2spk").read_text() == "a-2 a\n"
    before = (tmp_path / "commands.readable").read_text()  # while the second run computed them
    assert before.splitlines() == [f"a-2 {folder}/{name}/feats.ark:4" for name in ("train", "dev", "test")]
    _, commands = vocoders("csmsc/voc", "--stage", "5", "--stop-stage", "5")
    assert named(commands, "vocode") and not named(commands, "make-feats")


def test_the_figures_show_the_systems_of_other_runs(vocoders, tmp_path):
    small_sets(tmp_path / "called/w")
    options = ["--config", "conf/melgan.yaml", "--untrained", "", "--report", "false"]
    done, commands = vocoders("csmsc/voc", *options, "--seeds", "1 2")
    assert done.returncode == 0 and not named(commands, "spectrograms") and not named(commands, "report")
    _, commands = vocoders("csmsc/voc", *options[2:4], "--config", "conf/parallel_wavegan.yaml")
    assert named(commands, "spectrograms") == [
        "spectrograms --out exp/RESULTS_test.png original=data/test melgan=exp/melgan_seed1/vocode_test "
        "parallel_wavegan=exp/parallel_wavegan_seed1/vocode_test"
    ]


def test_lists_that_cannot_be_copied_end_the_run(vocoders, tmp_path):
    for name in ("train", "dev", "test"):
        (tmp_path / "called/w/data" / name).mkdir(parents=True)
        (tmp_path / "called/w/data" / name / "wav.scp").touch()
    copy = tmp_path / "project/tools/venv/bin/cp"
    copy.write_text("#!/bin/sh\nexit 1\n")
    copy.chmod(0o755)
    done, commands = vocoders("csmsc/voc", "--config", "conf/melgan.yaml")
    assert done.returncode == 1
    assert not named(commands, "make-feats")


@pytest.mark.parametrize("options", [["--config", "conf/other.yaml"], ["--set", "system.features.hop=64"]])
def test_other_mels_have_a_folder_of_their_own(vocoders, tmp_path, options):
    for name in ("train", "dev", "test"):
        (tmp_path / "called/w/data" / name).mkdir(parents=True)
    (tmp_path / "project/egs/csmsc/voc/conf/other.yaml").touch()
    options = ["--config", "conf/melgan.yaml", *options, "--tag", "x"]
    done, commands = vocoders("csmsc/voc", *options)
    assert done.returncode == 0, done.stderr
    made = [command.split()[-1] for command in named(commands, "make-feats")]
    assert made == ["data/mels_16000_other/.new/test", "data/mels_16000_ours/.new/test"]
    assert (" --set=system.features.hop=64 " in named(commands, "make-feats")[0]) == ("--set" in options)
    (trained,) = named(commands, "train")
    assert " --train data/mels_16000_other/train " in trained
    vocoded = [command.split()[-2] for command in named(commands, "vocode")]
    assert vocoded == ["scp:data/mels_16000_ours/test/feats.scp", "scp:data/mels_16000_other/test/feats.scp"]


def test_a_vocoder_behind_an_enhancer(fsdd, tmp_path):
    (tmp_path / "called/melgan").mkdir()
    options = ["--shelf", "", "--config", "conf/mask_blstm.yaml conf/mel_vocoder.yaml", "--vocoder", "melgan"]
    options += ["--recognisers", "retrained", "--retrain", "mask_blstm mel_vocoder", "--stage", "4"]
    options += ["--stop-stage", "4"]
    done, commands = fsdd("enh", *options)
    assert done.returncode == 0, done.stderr
    trained = [command for command in commands if command.startswith("train ")]
    weights = f"{{from: {tmp_path}/called/melgan, module: "
    init = f"frontend.vocoder.generator: {weights}generator}}, frontend.vocoder.norm: {weights}norm}}"
    assert [f"--set=init={{{init}}}" in command for command in trained if "--config conf/m" in command] == [False, True]
    exp = "exp/full"
    on = [(words[words.index("--exp") + 1], words[words.index("--train") + 1]) for words in map(str.split, trained)]
    assert on[-2:] == [
        (f"{exp}/{name}-retrained_fold0_seed1", f"{exp}/{name}_fold0_seed1/enhance_train")
        for name in ("mask_blstm", "mel_vocoder")
    ]
    done, commands = fsdd("enh", *options, "--vocoder", "nowhere")
    assert (done.returncode, commands) == (1, []) and "there is no folder nowhere" in done.stderr
