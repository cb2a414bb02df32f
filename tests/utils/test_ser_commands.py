"""Which commands the recipes of emotions call."""

import re

import pytest


@pytest.mark.parametrize(
    ("corpus", "option", "value", "prepared"),
    [
        ("iemocap", "--folds", "5", "--fold 5"),
        ("emodb", "--speakers", "08", "--leave-out 08"),
        ("ravdess", "--folds", "2", "--fold 2"),
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
    assert f"--set=data.frames={teacher}/layers" in trained[distilled]
    assert "--set=system.levels=[4,8,12]" in trained[distilled]
    assert f"features.network.encoder.transformer.layers.1: {{from: {teacher}}}" in trained[distilled]
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
