"""Which commands the recipe that puts generated sound to use calls."""


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
    # 3,000 strings, 1,500 of which are generated, for as many steps as the others have.
    assert all(("--set=training.epochs=6" in words) == ("digits" in " ".join(words)) for words in trained[3:])
    last = commands[-1].split()
    assert last[0] == "report" and last[last.index("--exp") + 1] == "asr/exp/full"
    assert last[last.index("--baseline") + 1] == "asr_real" and "--criteria" not in last
    _, again = recipe("fsdd/gan", *options, script="augment.sh")
    assert {command.split()[0] for command in again} == {"train", "report"}
    for refused in ("--config", "--set", "--tag"):
        done, commands = recipe("fsdd/gan", *options, refused, "conf/gan.yaml", script="augment.sh")
        assert (done.returncode, commands) == (1, [])
        assert f"takes no {refused}; " in done.stderr
    for name, kept in {"noises": "300", "strings": "1500"}.items():
        done, commands = recipe("fsdd/gan", *options, f"--{name}", "9", script="augment.sh")
        assert (done.returncode, commands) == (1, [])
        assert f"--{name} was '{kept}' for {data} and is '9' now" in done.stderr
