"""Which commands the recipes of emotions call."""

import re

import pytest

from nrsr.config import load_yaml
from nrsr.experiment.settings import parse_experiment
from nrsr.systems import build_system
from nrsr.training.turns import build_turns


@pytest.mark.parametrize(
    ("corpus", "option", "value", "prepared"),
    [
        ("iemocap", "--folds", "5", "--fold 5"),
        ("emodb", "--speakers", "08", "--leave-out 08"),
        ("ravdess", "--folds", "2", "--fold 2"),
        ("cremad", "--folds", "3", "--fold 3"),
    ],
)
def test_a_ser_recipe_trains_teacher_layers_and_students(recipe, tmp_path, corpus, option, value, prepared):
    (tmp_path / "called/noise").mkdir()
    (tmp_path / "called/weights.pt").touch()
    options = ["--corpus-dir", "noise", "--noise-dir", "noise", "--work-dir", "w", "--nj", "1", option, value]
    done, commands = recipe(f"{corpus}/ser", *options, "--ssl", "weights.pt")
    assert done.returncode == 0, done.stderr
    work = tmp_path / "called/w"
    exp, data = f"{work}/exp", f"{work}/data/fold{value}"
    assert commands[0].startswith(f"prepare {corpus} ") and prepared in commands[0]
    assert [line.split()[0] for line in commands[1:8]] == ["mix"] * 4 + ["validate-data"] * 3
    assert all("--snr=-5,0,5,10,15,20" in line for line in commands[1:5])
    trained = {re.search(r"--exp (\S+)", line)[1]: line for line in commands if line.startswith("train ")}
    teacher, distilled = f"{exp}/teacher_fold{value}_seed1", f"{exp}/distil/multi_fold{value}_seed1"
    assert f"--train {data}/train_clean " in trained[teacher] and f"--dev {data}/dev_clean " in trained[teacher]
    assert f"--set=init={{features.network: {{from: {tmp_path}/called/weights.pt}}}}" in trained[teacher]
    assert f"--set=data.frames={teacher}/layers_4-8-12 " in trained[distilled]
    assert "--set=system.levels=[4,8,12]" in trained[distilled]
    assert f"--set=init={{features.network: {{from: {teacher}, first_layers: true}}}}" in trained[distilled]
    # A first training has an optimiser of its own, and the classifier its width, with a public encoder.
    assert (
        "betas: [0.9, 0.98], eps: 1e-6, weight_decay: 1e-6}" in trained[distilled] and "lr: 2e-4" in trained[distilled]
    )
    for name, line in trained.items():
        assert "--set=system.network.width=256" in line
        assert ("--set=optimiser.lr=2e-5" in line) == ("/distil/" not in name)
    assert f"--set=init={{features: {{from: {distilled}}}}}" in trained[f"{exp}/multi_fold{value}_seed1"]
    assert "--set=system.levels=[12]" in trained[f"{exp}/last_fold{value}_seed1"]
    assert "system.levels" not in trained[f"{exp}/student_fold{value}_seed1"]
    (applied,) = (line for line in commands if line.startswith("apply "))
    assert applied.endswith("--outputs layer4,layer8,layer12")
    scored = [line for line in commands if line.startswith("score-ser ")]
    assert len(scored) == 3 * (len([name for name in trained if "/distil/" not in name]))
    assert all(f"{data}/train_clean,{data}/dev_clean,{data}/noise_train,{data}/noise_dev" in line for line in scored)
    assert commands[-1].startswith("report ") and "--over-speakers" in commands[-1] and "--metric ua,wa" in commands[-1]
    done, _ = recipe(f"{corpus}/ser", *options, "--ssl", "missing.pt")
    assert done.returncode == 1 and "missing.pt: no such file; give the weights of wav2vec2_base" in done.stderr


def test_a_tag_and_other_levels_have_a_teacher_and_layers_of_their_own(recipe, tmp_path):
    """What is done for one choice of the public encoder's layers is not taken for another."""
    (tmp_path / "called/noise").mkdir()
    (tmp_path / "called/weights.pt").touch()
    options = ["--corpus-dir", "noise", "--noise-dir", "noise", "--work-dir", "w", "--nj", "1", "--folds", "0"]
    done, _ = recipe("ravdess/ser", *options)
    assert done.returncode == 0, done.stderr
    exp = f"{tmp_path}/called/w/exp"
    chosen = ["--ssl", "weights.pt", "--ssl-levels", "6,12", "--ssl-layers", "3"]
    done, commands = recipe(
        "ravdess/ser", *options, *chosen, "--tag", "w2v", "--config", "../../../utils/conf/ser/multi.yaml"
    )
    assert done.returncode == 0, done.stderr
    trained = [re.search(r"--exp (\S+)", line)[1] for line in commands if line.startswith("train ")]
    names = ("teacher-w2v_fold0", "distil/multi-w2v_fold0", "multi-w2v_fold0")
    assert trained == [f"{exp}/{name}_seed1" for name in names]
    (applied,) = (line for line in commands if line.startswith("apply "))
    assert f"--out {exp}/teacher-w2v_fold0_seed1/layers_6-12 " in applied and applied.endswith("layer6,layer12")
    students = [line for line in commands if line.startswith("train ") and "multi-w2v" in line]
    assert all("sizes: {layers: 3}" in line and "layers_6-12 " in line for line in students)


def test_another_source_of_what_is_trained_is_refused(recipe, tmp_path):
    """Students have the teacher's layers, and all the encoder's weights; a finished one would stay what it is."""
    for name in ("noise", "a"):
        (tmp_path / "called" / name).mkdir()
    for name in ("weights.pt", "other.pt"):
        (tmp_path / "called" / name).touch()
    options = ["--corpus-dir", "noise", "--noise-dir", "noise", "--work-dir", "w", "--nj", "1", "--folds", "0"]
    options += ["--config", "../../../utils/conf/ser/student.yaml", "--stop-stage", "4", "--ssl", "weights.pt"]
    done, _ = recipe("ravdess/ser", *options)
    assert done.returncode == 0, done.stderr
    others = {"--ssl": "other.pt", "--ssl-model": "hubert_base", "--ssl-levels": "2,12", "--teacher": "a/teacher.yaml"}
    for option, value in others.items():
        done, commands = recipe("ravdess/ser", *options, option, value)
        assert done.returncode == 1 and f"{option} was '" in done.stderr and not commands
    assert recipe("ravdess/ser", *options, "--ssl", "other.pt", "--tag", "other")[0].returncode == 0


def test_a_tiny_run_leaves_the_full_one_to_do(recipe, tmp_path):
    (tmp_path / "called/noise").mkdir()
    options = ["--corpus-dir", "noise", "--noise-dir", "noise", "--work-dir", "w", "--nj", "1", "--speakers", "03"]
    options += ["--config", "../../../utils/conf/ser/student.yaml", "--stop-stage", "4"]
    trained = {}
    for size in ("tiny", "full"):
        done, commands = recipe("emodb/ser", *options, "--size", size)
        assert done.returncode == 0, done.stderr
        trained[size] = [re.search(r"--exp (\S+)", line)[1] for line in commands if line.startswith("train ")]
    exp = f"{tmp_path}/called/w/exp"
    names = ("masked/masked_fold03", "teacher_fold03_seed1", "student_fold03_seed1")
    assert trained == {"tiny": [f"{exp}/tiny/{name}" for name in names], "full": [f"{exp}/{name}" for name in names]}
    assert {command.split()[0] for command in commands} == {"train"}  # the data are the same


def test_changes_of_a_variant_are_not_those_of_the_encoder_that_all_variants_share(recipe, tmp_path):
    options = ["--work-dir", "w", "--config", "conf/student.yaml", "--stage", "4", "--stop-stage", "4"]
    done, commands = recipe("mini/ser", *options, "--set", "optimiser.lr=1", "--tag", "lr")
    assert done.returncode == 0, done.stderr
    changed = {re.search(r"--exp \S+/full/(\S+)", line)[1]: "--set=optimiser.lr=1" in line for line in commands}
    assert changed == {"masked/masked": False, "teacher-lr_seed1": True, "student-lr_seed1": True}


def test_the_options_of_a_public_encoder_build_its_student(recipe, root, tmp_path):
    """The encoder of two layers has the published number of parameters, the trainings their learning rates."""
    (tmp_path / "called/noise").mkdir()
    (tmp_path / "called/weights.pt").touch()
    options = ["--corpus-dir", "noise", "--noise-dir", "noise", "--work-dir", "w", "--nj", "1", "--folds", "0"]
    multi = ["--config", "../../../utils/conf/ser/multi.yaml", "--ssl", "weights.pt", "--tag", "w2v"]
    _, commands = recipe("iemocap/ser", *options, *multi, "--stop-stage", "4")
    lines = [line for line in commands if line.startswith("train ") and "multi" in line]
    assert len(lines) == 2
    for line, settings in zip(lines, ((2e-4, (0.9, 0.98), 1e-6, 1e-6), (2e-5, (0.9, 0.999), 0.01, 1e-8)), strict=True):
        file = root / "utils/conf/ser" / re.search(r"--config \S*/(\S+)", line)[1]
        config = parse_experiment({**load_yaml(file, line.split(" --set=")[1:]), "seed": 1})
        assert all(entry.first_layers == ("distil_" in file.name) for entry in config.init.values())
        metadata = {"classes": {"emotion": ["angry", "happy", "neutral", "sad"]}, "frame_dim": 768}
        system = build_system(config.config, metadata=metadata)
        assert sum(weight.numel() for weight in system.features.parameters()) == 23_492_224
        assert system.network.hidden[1].out_features == 256 and system.levels == [4, 8, 12]
        (group,) = build_turns(config.turns, system)[0].optimiser.param_groups
        assert tuple(group[key] for key in ("lr", "betas", "weight_decay", "eps")) == settings


@pytest.mark.parametrize("corpus", ["iemocap", "emodb", "ravdess", "cremad"])
def test_the_usage_asks_for_a_tag(recipe, corpus):
    done, _ = recipe(f"{corpus}/ser", "--help")
    usage = " ".join(done.stdout.replace("\n#", " ").split())
    assert "in place of the small one trained here; give a --tag with it" in usage
    assert "in ascending order; the teacher classifies by the last of them" in usage


def test_the_encoder_is_trained_without_labels_once_for_all_seeds(recipe, tmp_path):
    (tmp_path / "called/noise").mkdir()
    options = ["--corpus-dir", "noise", "--noise-dir", "noise", "--work-dir", "w", "--nj", "1", "--folds", "0 1"]
    options += ["--config", "../../../utils/conf/ser/teacher_noisy.yaml ../../../utils/conf/ser/student.yaml"]
    done, commands = recipe("ravdess/ser", *options, "--seeds", "1 2", "--stop-stage", "4")
    assert done.returncode == 0, done.stderr
    exp = f"{tmp_path}/called/w/exp"
    trained = {re.search(r"--exp (\S+)", line)[1]: line for line in commands if line.startswith("train ")}
    for fold in (0, 1):
        encoder = f"{exp}/masked/masked_fold{fold}"
        assert f"data/fold{fold}/train_clean " in trained[encoder] and "--seed 1 " in trained[encoder]
        for seed in (1, 2):
            for name in ("teacher", "teacher_noisy"):
                line = trained[f"{exp}/{name}_fold{fold}_seed{seed}"]
                assert f"--set=init={{features: {{from: {encoder}}}}}" in line
            assert encoder not in trained[f"{exp}/student_fold{fold}_seed{seed}"]
    assert len(trained) == 2 * (1 + 3 * 2)
    _, commands = recipe("ravdess/ser", *options, "--tag", "scratch", "--masked", "", "--stop-stage", "4")
    trained = {re.search(r"--exp (\S+)", line)[1]: line for line in commands if line.startswith("train ")}
    assert "init" not in trained[f"{exp}/teacher-scratch_fold0_seed1"] and not any("masked" in name for name in trained)
