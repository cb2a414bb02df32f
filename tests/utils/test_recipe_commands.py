"""Which commands the run.sh files call, seen by a stand-in for nrsr that only writes its arguments down."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

STAND_IN = """#!/bin/sh
echo "$*" >> "$COMMANDS"
"""


@pytest.fixture
def recipe(root, tmp_path):
    """recipe("mini/asr", options...) -> the finished run.sh, and the commands that it has called, without `doctor`."""
    project = tmp_path / "project"
    for folder in ("egs", "utils"):
        shutil.copytree(root / folder, project / folder, ignore=shutil.ignore_patterns("exp", "data", "downloads"))
    programs = (("install.sh", "#!/bin/sh\n"), ("venv/bin/nrsr", STAND_IN), ("venv/bin/python", STAND_IN))
    for name, content in programs:
        file = project / "tools" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        file.chmod(0o755)
    (tmp_path / "called").mkdir()

    def run(name: str, *options: str, script: str = "run.sh") -> tuple[subprocess.CompletedProcess, list[str]]:
        log = tmp_path / "commands"
        log.write_text("")
        command = [str(project / "egs" / name / script), *options]
        done = subprocess.run(
            command,
            cwd=tmp_path / "called",
            env={"PATH": "/usr/bin:/bin", "COMMANDS": str(log)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done, [line for line in log.read_text().splitlines() if not line.startswith("doctor")]

    return run


def test_a_recipe_calls_its_commands_in_order(recipe, tmp_path):
    done, commands = recipe("mini/asr", "--work-dir", "w", "--nj", "1", "--config", "conf/mtl.yaml", "--seeds", "3")
    assert done.returncode == 0, done.stderr
    work = tmp_path / "called/w"
    names = [command.split()[0] for command in commands]
    sets = ["test_clean", "test_seen", "test_unseen"]
    assert names == [
        *("prepare", *["mix"] * 4, "compute-cmvn", "make-units", "train"),
        *(*["decode"] * 3, *["score-wer"] * 3, "report"),
    ]
    assert commands[0] == f"prepare mini --size full --out {work}/data/full"
    exp = f"{work}/exp/full/mtl_seed3"
    assert commands[8:11] == [
        f"decode --exp {exp} --data {work}/data/full/{name} --out {exp}/decode_{name}" for name in sets
    ]
    assert f"--out {work}/exp/full/RESULTS.md" in commands[-1]
    _, again = recipe("mini/asr", "--work-dir", "w", "--nj", "1", "--config", "conf/mtl.yaml", "--seeds", "3")
    assert [command.split()[0] for command in again] == ["report"]


def test_recognisers_start_from_the_front_ends_that_the_same_run_trains(recipe, tmp_path):
    options = ["--work-dir", "w", "--nj", "1", "--corpus-dir", "c", "--noise-dir", "n", "--seeds", "2"]
    for folder in ("c", "n"):
        (tmp_path / "called" / folder).mkdir()
    trained = ["--frontends", "conf/frontend.yaml ../enh/conf/segan.yaml"]
    configs = "conf/frozen.yaml conf/segan_frozen.yaml conf/segan_joint.yaml"
    done, commands = recipe("fsdd/asr", *options, *trained, "--config", configs, "--stop-stage", "4")
    assert done.returncode == 0, done.stderr
    exp = tmp_path / "called/w/exp/full"
    trainings = [command.split() for command in commands if command.startswith("train ")]
    from_here = {Path(words[words.index("--exp") + 1]).name: words[-1] for words in trainings}
    assert list(from_here) == [
        f"{name}_fold0_seed2" for name in ("frontend", "segan", "frozen", "segan_frozen", "segan_joint")
    ]
    assert from_here["frozen_fold0_seed2"] == f"--set=init.frontend.from={exp}/frontend_fold0_seed2"
    for name in ("segan_frozen", "segan_joint"):
        assert from_here[f"{name}_fold0_seed2"] == f"--set=init.frontend.from={exp}/segan_fold0_seed2"


@pytest.fixture
def fsdd(recipe, tmp_path):
    """fsdd("asr", options...) -> the finished run.sh with folders of that name, and its commands with short paths."""
    for folder in ("c", "n"):
        (tmp_path / "called" / folder).mkdir()

    def run(task: str, *options: str) -> tuple[subprocess.CompletedProcess, list[str]]:
        common = ["--work-dir", "w", "--nj", "1", "--corpus-dir", "c", "--noise-dir", "n"]
        done, commands = recipe(f"fsdd/{task}", *common, *options)
        return done, [command.replace(f"{tmp_path}/called/w/", "") for command in commands]

    return run


def test_joint_training_starts_from_a_front_end_and_a_recogniser(fsdd):
    first = ["--frontends", "conf/fly/frontend.yaml", "--recognisers", "conf/fly/recogniser_clean.yaml"]
    done, commands = fsdd("asr", *first, "--config", "conf/fly/joint_clean_gr.yaml", "--stop-stage", "4")
    assert done.returncode == 0, done.stderr
    frontend, recogniser, joint = (command for command in commands if command.startswith("train "))
    data = "--train data/full_fold0/{} --exp exp/full/{}_fold0_seed1 --dev data/full_fold0/{}"
    assert data.format("train", "frontend", "dev") in frontend
    assert data.format("train_clean", "recogniser_clean", "dev_clean") in recogniser
    assert data.format("train", "joint_clean_gr", "dev") in joint
    sources = {"frontend": "frontend", "encoder": "recogniser_clean", "ctc": "recogniser_clean"}
    assert joint.split()[-3:] == [
        f"--set=init.{module}.from=exp/full/{name}_fold0_seed1" for module, name in sources.items()
    ]
    assert "make-units --config conf/fly/recogniser_clean.yaml data/full_fold0/train/text " in "\n".join(commands)


def test_a_share_of_the_strings_changed_configs_and_other_noise_sets(fsdd):
    options = ["--config", "conf/fly/mtl.yaml", "--train-share", "0.1", "--noise-sets", "held_out"]
    options += ["--set", "loss_weights.se=0.03 training.steps=8", "--tag", "x", "--report", "false"]
    done, commands = fsdd("asr", *options)
    assert done.returncode == 0, done.stderr
    data, exp = "data/full_fold0_held_out", "exp/full_held_out/mtl-x_fold0_seed1"
    assert commands[0].startswith("prepare fsdd ") and "--noise-sets held_out" in commands[0]
    assert f"subset-data --share 0.1 {data}/train {data}/train_share0.1" in commands
    (training,) = (command for command in commands if command.startswith("train "))
    assert f"--train {data}/train_share0.1 --exp {exp} " in training
    changes = " --set=loss_weights.se=0.03 --set=training.steps=8"
    assert training.endswith(changes)
    (statistics,) = (command for command in commands if command.startswith("compute-cmvn "))
    assert f"{changes} {data}/train_share0.1" in statistics
    assert commands[-1].startswith("score-wer ")


@pytest.mark.parametrize(
    ("task", "option", "value"),
    [
        ("asr", "--train-share", "10"),
        ("asr", "--train-share", "0.0"),
        ("asr", "--noise-sets", "generated"),
        ("asr", "--report", "no"),
        ("hybrid", "--noises", "1 none"),
        ("hybrid", "--noises", "0"),
        ("hybrid", "--noise-sets", "held_out"),
    ],
)
def test_values_that_cannot_be_are_named(fsdd, task, option, value):
    done, commands = fsdd(task, option, value)
    assert done.returncode == 1 and commands == []
    assert option in done.stderr and f"'{value.split()[-1]}'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_enhancers_are_trained_applied_and_scored_seed_by_seed(recipe, tmp_path):
    options = ["--work-dir", "w", "--nj", "1", "--shelf", "wiener", "--config", "conf/mask_blstm.yaml"]
    done, commands = recipe("mini/enh", *options, "--seeds", "1 2")
    assert done.returncode == 0, done.stderr
    exp, data = (tmp_path / f"called/w/{name}/full" for name in ("exp", "data"))
    names = [command.split()[0] for command in commands]
    assert names == [
        *("prepare", *["mix"] * 4),
        *(*["enhance"] * 3, *["score-se"] * 4),
        *["compute-cmvn", "train", *["enhance"] * 3, *["score-se"] * 2, "report"] * 2,
    ]
    config = tmp_path / "project/utils/conf/enh/wiener.yaml"
    out = f"{exp}/wiener_once/enhance_test_seen"
    assert commands[6] == f"enhance --config {config} --data {data}/test_seen --out {out}"
    own = f"{exp}/mask_blstm_seed2"
    assert commands[-5] == f"enhance --exp {own} --data {data}/test_seen --out {own}/enhance_test_seen"
    scored = [command.partition(" --metrics ")[0] for command in commands if command.startswith("score-se ")]
    what = f"score-se --data {data}/test_unseen --estimates"
    assert f"{what} {data}/test_unseen --out {exp}/noisy_once/enhance_test_unseen/score" in scored
    assert f"{what} {own}/enhance_test_unseen --out {own}/enhance_test_unseen/score" in scored
    _, again = recipe("mini/enh", *options, "--seeds", "2")
    assert [command.split()[0] for command in again] == ["report"]


def test_runs_for_different_seeds_share_a_work_folder(recipe, tmp_path):
    options = ["--work-dir", "w", "--nj", "1", "--shelf", "wiener", "--config", "conf/mask_blstm.yaml"]
    options += ["--recognisers", "clean retrained pocketsphinx", "--seeds"]
    _, first = recipe("mini/enh", *options, "1")
    _, second = recipe("mini/enh", *options, "2")
    shutil.rmtree(tmp_path / "called/w")
    command = [str(tmp_path / "project/egs/mini/enh/run.sh"), *options]
    where = {"cwd": tmp_path / "called", "env": {"PATH": "/usr/bin:/bin", "COMMANDS": str(tmp_path / "together")}}
    runs = [subprocess.Popen([*command, seed], stdout=subprocess.PIPE, text=True, **where) for seed in "12"]
    assert [(run.communicate(timeout=60), run.returncode)[1] for run in runs] == [0, 0]
    together = [line for line in (tmp_path / "together").read_text().splitlines() if not line.startswith("doctor")]
    assert sorted(together) == sorted(first + second)


def test_recognisers_behind_the_enhancers(recipe, tmp_path):
    options = ["--work-dir", "w", "--nj", "1", "--shelf", "wiener", "--config", "conf/mask_blstm.yaml", "--stage", "2"]
    done, commands = recipe("mini/enh", *options, "--recognisers", "clean retrained pocketsphinx", "--stop-stage", "5")
    assert done.returncode == 0, done.stderr
    exp, data = (tmp_path / f"called/w/{name}/full" for name in ("exp", "data"))
    commands = [command.replace(f"{exp}/", "EXP/").replace(f"{data}/", "DATA/") for command in commands]
    trained = [command.split() for command in commands if command.startswith("train ")]
    on = [(words[words.index("--exp") + 1], words[words.index("--train") + 1]) for words in trained]
    assert on == [
        ("EXP/mask_blstm_seed1", "DATA/train"),
        ("EXP/noisy-clean_seed1", "DATA/train_clean"),
        ("EXP/noisy-noisy_seed1", "DATA/train"),
        ("EXP/mask_blstm-retrained_seed1", "EXP/mask_blstm_seed1/enhance_train"),
    ]
    validated = [words[words.index("--dev") + 1] for words in trained]
    assert validated == ["DATA/dev", "DATA/dev_clean", "DATA/dev", "EXP/mask_blstm_seed1/enhance_dev"]
    decoded = [command.split()[1:] for command in commands if command.split()[0] in ("apply", "decode")]
    outside = str(tmp_path / "project/utils/conf/asr/pocketsphinx_digits.yaml")
    seen = [(words[1], words[3], words[5]) for words in decoded if words[3].endswith("test_seen")]
    assert seen == [
        (outside, "DATA/test_seen", "EXP/noisy-pocketsphinx_once/decode_test_seen"),
        (outside, "EXP/wiener_once/enhance_test_seen", "EXP/wiener-pocketsphinx_once/decode_test_seen"),
        ("EXP/noisy-clean_seed1", "DATA/test_seen", "EXP/noisy-clean_seed1/decode_test_seen"),
        ("EXP/noisy-retrained_seed1", "DATA/test_seen", "EXP/noisy-retrained_seed1/decode_test_seen"),
        ("EXP/noisy-clean_seed1", "EXP/wiener_once/enhance_test_seen", "EXP/wiener-clean_seed1/decode_test_seen"),
        *(
            (system, "EXP/mask_blstm_seed1/enhance_test_seen", f"EXP/mask_blstm-{by}/decode_test_seen")
            for by, system in {
                "clean_seed1": "EXP/noisy-clean_seed1",
                "retrained_seed1": "EXP/mask_blstm-retrained_seed1",
                "pocketsphinx_seed1": outside,
            }.items()
        ),
    ]
    assert (exp / "noisy-retrained_seed1").resolve() == exp / "noisy-noisy_seed1"
    done, commands = recipe("mini/enh", *options, "--recognisers", "clear")
    assert (done.returncode, commands) == (1, [])
    assert "--recognisers takes some of clean, noisy, retrained and pocketsphinx, not 'clear'" in done.stderr


def test_folds_of_real_recordings_have_data_and_experiments_of_their_own(recipe, tmp_path):
    for folder in ("corpus", "noise"):
        (tmp_path / "called" / folder).mkdir()
    options = ["--corpus-dir", "corpus", "--noise-dir", "noise", "--nj", "1", "--folds", "0 2", "--config", ""]
    options += ["--shelf", "wiener", "--quality", "stoi"]
    for name, more in (("fsdd", ["--recognisers", "pocketsphinx"]), ("ravdess", [])):
        done, commands = recipe(f"{name}/enh", *options, *more, "--work-dir", name)
        assert done.returncode == 0, done.stderr
        work = tmp_path / "called" / name
        prepared = [command for command in commands if command.startswith("prepare ")]
        corpora = f"--corpus-dir {tmp_path}/called/corpus --noise-dir {tmp_path}/called/noise"
        data = [f"{work}/data/{'full_' if name == 'fsdd' else ''}fold{fold}" for fold in (0, 2)]
        if name == "fsdd":
            ends = [
                f"--fold {fold} --size full --test-strings 400 --out {out}"
                for fold, out in zip("02", data, strict=True)
            ]
        else:
            ends = [f"--fold {fold} --out {out}" for fold, out in zip("02", data, strict=True)]
        assert prepared == [f"prepare {name} {corpora} {end}" for end in ends]
        exp = work / "exp/full" if name == "fsdd" else work / "exp"
        folders = {path.name for path in exp.iterdir()}
        expected = {f"{system}_fold{fold}_once" for system in ("noisy", "wiener") for fold in (0, 2)}
        by_words = {folder.replace("_fold", "-pocketsphinx_fold") for folder in expected if name == "fsdd"}
        assert folders == expected | by_words


def test_voicebank_trains_no_enhancer_twice_in_one_work_folder(recipe, tmp_path):
    (tmp_path / "called/corpus").mkdir()
    options = ["--corpus-dir", "corpus", "--work-dir", "w", "--nj", "1", "--shelf", ""]
    done, commands = recipe("voicebank/enh", *options, "--config", "conf/segan.yaml")
    assert done.returncode == 0, done.stderr
    work = tmp_path / "called/w"
    assert commands[0] == f"prepare voicebank --corpus-dir {tmp_path}/called/corpus --out {work}/data"
    names = [command.split()[0] for command in commands]
    assert names == ["prepare", "score-se", "compute-cmvn", "train", "enhance", "enhance", "score-se", "report"]
    assert "--sets test --" in commands[-1] and " --primary=all " in commands[-1]
    assert commands[-1].endswith(" --published conf/published.tsv")
    options += ["--config", "../enh/conf/segan.yaml"]
    done, commands = recipe("voicebank/asr", *options, "--recognisers", "clean retrained")
    assert done.returncode == 0, done.stderr
    exp = f"{work}/exp"
    trained = [command.split() for command in commands if command.startswith("train ")]
    assert [words[words.index("--exp") + 1] for words in trained] == [
        f"{exp}/noisy-clean_seed1", f"{exp}/noisy-noisy_seed1", f"{exp}/segan-retrained_seed1",
    ]  # fmt: skip
    enhanced = [command.split()[-1] for command in commands if command.startswith("enhance ")]
    assert enhanced == [f"{exp}/segan_seed1/enhance_train", f"{exp}/segan_seed1/enhance_dev"]
    assert "--metric wer --primary=all --also pesq," in commands[-1]
    assert "--columns clean,retrained" in commands[-1]


def test_a_work_folder_whose_name_holds_a_placeholders_name(recipe, tmp_path):
    done, commands = recipe("mini/asr", "--work-dir", "DATASETS", "--stage", "5", "--nj", "1", "--stop-stage", "5")
    assert done.returncode == 0, done.stderr
    work = tmp_path / "called/DATASETS"
    exp = f"{work}/exp/full/no_se_seed1"
    assert commands[1] == f"decode --exp {exp} --data {work}/data/full/test_seen --out {exp}/decode_test_seen"
    assert [path.name for path in (tmp_path / "called").iterdir()] == ["DATASETS"]
    done, commands = recipe("mini/asr", "--work-dir", "a{SET}b")
    assert done.returncode == 1
    assert commands == []
    assert "a{SET}b holds braces, which belong to placeholders; take another folder" in done.stderr


@pytest.mark.parametrize("name", ["mini/asr", "fsdd/sep", "aurora4/hybrid"])
def test_help_lists_the_options_of_the_recipe_and_those_of_all(recipe, name):
    done, commands = recipe(name, "--help")
    assert done.returncode == 0
    assert commands == []
    for option in ("--config", "--seeds", "--tag", "--nj", "--work-dir", "--results", "--stage N --stop-stage N"):
        assert done.stdout.count(f"\n  {option} ") == 1
    assert f"Usage: egs/{name}/run.sh" in done.stdout
    assert "Options of all recipes:\n" in done.stdout


def test_what_only_the_prologue_uses_is_no_option(recipe):
    for option in ("--task", "--stages"):
        done, commands = recipe("mini/asr", option, "x")
        assert (done.returncode, commands) == (1, [])
        assert f"unknown option {option}" in done.stderr


def test_generated_sound_is_put_to_use(recipe, tmp_path):
    for folder in ("fsdd", "noise"):
        (tmp_path / "called" / folder).mkdir()
    options = ["--work-dir", "w", "--nj", "1", "--corpus-dir", "fsdd", "--noise-dir", "noise", "--seeds", "1 2"]
    done, commands = recipe("fsdd/gan", *options, script="augment.sh")
    assert done.returncode == 0, done.stderr
    work = tmp_path / "called/w"
    data = f"{work}/asr/data/full_fold0"
    commands = [command.replace(f"{data}/", "DATA/").replace(f"{work}/", "") for command in commands]
    made = [command for command in commands if command.split()[0] in ("generate", "combine-data") or ".py" in command]
    assert made == [
        "generate --config conf/white_noise.yaml --count 3000 --out exp/full/white_noise_once/generate_words",
        "generate --exp exp/full/wavegan_labels_seed1 --count 3000 --seed 1 "
        "--out exp/full/wavegan_labels_seed1/generate_words",
        "generate --exp exp/full/noise_wavegan_seed1 --count 300 --seed 1 --out DATA/noise_generated",
        "local/digit_strings.py --digits exp/full/wavegan_labels_seed1/generate_words --count 1500 "
        "--out DATA/generated_clean",
        "combine-data DATA/train_digits DATA/train DATA/generated",
    ]
    trained = [command.split() for command in commands if command.startswith("train ")]
    on = {words[words.index("--exp") + 1]: words[words.index("--train") + 1] for words in trained}
    assert on == {
        "exp/full/noise_wavegan_seed1": "DATA/noise_train",
        "exp/full/classifier": "data/full/train_clean",
        "exp/full/wavegan_labels_seed1": "data/full/train_clean",
        **{
            f"asr/exp/full/asr_{name}_fold0_seed{seed}": "DATA/train_digits" if name == "real-digits" else "DATA/train"
            for name in ("real", "generated", "both", "real-digits")
            for seed in (1, 2)
        },
    }
    last = commands[-1].split()
    assert last[0] == "report" and last[last.index("--exp") + 1] == "asr/exp/full"
    assert last[last.index("--baseline") + 1] == "asr_real" and "--criteria" not in last
    _, again = recipe("fsdd/gan", *options, script="augment.sh")
    assert {command.split()[0] for command in again} == {"report"}


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


@pytest.mark.parametrize("name", ["chime4/asr", "fsdd/asr"])
def test_the_file_of_an_encoder_goes_to_statistics_and_training_of_the_systems_that_take_it(name, recipe, tmp_path):
    for folder in ("c", "n"):
        (tmp_path / "called" / folder).mkdir()
    (tmp_path / "called/e.pt").touch()
    options = ["--work-dir", "w", "--nj", "1", "--corpus-dir", "c", "--ssl", "e.pt", "--stop-stage", "4"]
    given = {"chime4/asr": ("no_se", "wavlm", "wavlm_convtasnet"), "fsdd/asr": ("identity", "ssl")}[name]
    options += ["--noise-dir", "n"] if name == "fsdd/asr" else []
    done, commands = recipe(name, *options, "--config", " ".join(f"conf/{config}.yaml" for config in given))
    assert done.returncode == 0, done.stderr
    setting = f"--set=init.features.network.from={tmp_path}/called/e.pt"
    for command in ("compute-cmvn ", "train "):
        lines = [line for line in commands if line.startswith(command)]
        assert [setting in line.split() for line in lines] == [False] + [True] * (len(given) - 1)
    for missing in ("none.pt", ""):
        options[options.index("--ssl") + 1] = missing
        done, commands = recipe(name, *options, "--config", f"conf/{given[1]}.yaml")
        assert done.returncode == 1 and f"--ssl {missing}: no such" in done.stderr and not commands
