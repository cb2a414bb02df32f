"""Which commands the recipes of enhancers call."""

import shutil
import subprocess


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
    assert [command.split()[0] for command in again] == ["train", "report"]


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
    outside = str(tmp_path / "project/utils/conf/asr/pocketsphinx.yaml")
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


def test_changes_of_the_enhancers_are_not_those_of_the_recognisers(recipe, tmp_path):
    options = ["--work-dir", "w", "--nj", "1", "--shelf", "", "--config", "conf/mask_blstm.yaml", "--stage", "2"]
    options += ["--recognisers", "clean noisy retrained", "--set", "optimiser.lr=1", "--tag", "lr"]
    done, commands = recipe("mini/enh", *options, "--stop-stage", "4")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in commands if line.split()[0] in ("compute-cmvn", "train")]
    changed = {line[line.index("--config") + 1] for line in lines if "--set=optimiser.lr=1" in line}
    assert changed == {"conf/mask_blstm.yaml"}
    trained = [line[line.index("--exp") + 1].rpartition("/")[2] for line in lines if line[0] == "train"]
    assert trained[:3] == ["mask_blstm-lr_seed1", "noisy-clean_seed1", "noisy-noisy_seed1"]


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
        applied = {command.split()[2] for command in commands if command.startswith("apply ")}
        digits = f"{tmp_path}/project/utils/conf/asr/pocketsphinx_digits.yaml"
        assert applied == ({digits} if name == "fsdd" else set())
        folders = {path.name for path in exp.iterdir() if path.is_dir()}
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
    names = ("segan", "noisy-clean", "noisy-noisy", "segan-retrained")  # nrsr train leaves the first as it is
    assert [words[words.index("--exp") + 1] for words in trained] == [f"{exp}/{name}_seed1" for name in names]
    enhanced = [command.split()[-1] for command in commands if command.startswith("enhance ")]
    assert enhanced == [f"{exp}/segan_seed1/enhance_train", f"{exp}/segan_seed1/enhance_dev"]
    assert "--metric wer --primary=all --also pesq," in commands[-1]
    assert "--columns clean,retrained" in commands[-1]
    _, commands = recipe("voicebank/asr", *options[:-1], "", "--recognisers", "pocketsphinx")
    (applied,) = {command.split()[2] for command in commands if command.startswith("apply ")}
    assert applied == str(tmp_path / "project/utils/conf/asr/pocketsphinx.yaml")
