"""Which commands the recipes of emotions call."""

import re

import pytest


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
    # Other levels of the same teacher, whose folder is done: its layers are computed again, into another folder.
    chosen[3] = "2,12"
    done, commands = recipe("ravdess/ser", *options, *chosen, "--tag", "w2v")
    assert done.returncode == 0, done.stderr
    (applied,) = (line for line in commands if line.startswith("apply "))
    assert f"--out {exp}/teacher-w2v_fold0_seed1/layers_2-12 " in applied


@pytest.mark.parametrize("corpus", ["iemocap", "emodb", "ravdess", "cremad"])
def test_the_usage_asks_for_a_tag(recipe, corpus):
    done, _ = recipe(f"{corpus}/ser", "--help")
    usage = " ".join(done.stdout.replace("\n#", " ").split())
    assert "in place of the small one trained from scratch; give a --tag with it" in usage
    assert "in ascending order; the teacher classifies by the last of them" in usage
