"""Public checkpoints of vocoders become experiments: of either layout, old and new files; and what is refused."""

import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import nrsr
from nrsr.experiment.public_names import LAYOUTS
from nrsr.nn.weight_norm import fold_weight_norm

sys.path.insert(0, str(Path(__file__).parents[1] / "systems"))

from toy_vocoders import config_of, vocoder  # noqa: E402

PUBLIC = {
    "parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v",
    "parametrizations.weight.original": "weight_orig", "parametrizations.weight.0._u": "weight_u",
    "parametrizations.weight.0._v": "weight_v", "bias": "bias", "weight": "weight",
}  # fmt: skip
MARKS = {
    ("melgan", "package"): ("melgan.1.", "discriminators.0.layers."),
    ("melgan", "authors"): ("model.1.", "model.disc_0."),
    ("parallel_wavegan", "package"): ("first_conv.", "conv_layers.0.weight"),
    ("hifigan", "package"): ("input_conv.", None),
    ("hifigan", "authors"): ("conv_pre.", "mpd.discriminators.0.convs.0.weight"),
}


def public_weights(network: torch.nn.Module, mark: str) -> dict[str, torch.Tensor]:
    """The weights of one of our networks by public names."""
    [layout] = [layout for layout in LAYOUTS if layout.mark == mark]
    names = {
        f"{own}.{ours}": f"{public}.{theirs}"
        for own, public in layout.pairs(network)
        for ours, theirs in PUBLIC.items()
    }
    return {names[name]: value for name, value in network.state_dict().items()}


def nested(weights: dict[str, torch.Tensor]) -> dict:
    """mpd and msd as HiFi-GAN's authors keep them."""
    return {
        part: {name.removeprefix(f"{part}."): value for name, value in weights.items() if name.startswith(part)}
        for part in ("mpd", "msd")
    }


def write_public(folder: Path, system, name: str, source: str, **options) -> list[Path]:
    """The files of a public training."""
    generator_mark, discriminator_mark = MARKS[name, source]
    generator = public_weights(system.generator, generator_mark)
    discriminator = public_weights(system.discriminator, discriminator_mark) if discriminator_mark else None
    if source == "package":
        content = {"model": {"generator": generator}, "optimizer": {"generator": {}}, "scheduler": {}, "steps": 400000}
        content["epochs"] = 7
        if discriminator:
            content["model"]["discriminator"] = discriminator
        files = {"checkpoint-400000steps.pkl": content}
    elif name == "melgan":
        files = {"netG.pt": generator, "netD.pt": discriminator}
    else:
        extra = {"optim_g": {}, "optim_d": {}, "steps": 5, "epoch": 1}
        files = {"g_02500000": {"generator": generator}, "do_02500000": {**nested(discriminator), **extra}}
    for file, content in files.items():
        torch.save(content, folder / file, **options)
    return [folder / file for file in files]


def write_config(folder: Path, name: str, **changes) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config_of(name, **changes)))
    return path


@pytest.mark.parametrize("name, source", MARKS)
@pytest.mark.parametrize("old", [False, True])
def test_an_imported_vocoder_is_the_public_one(nrsr_main, tmp_path, name, source, old):
    system = vocoder(name)
    files = write_public(tmp_path, system, name, source, _use_new_zipfile_serialization=not old)
    options = []
    if system.norm is not None:
        np.save(tmp_path / "stats.npy", np.stack([system.norm.mean.numpy(), system.norm.std.numpy()]))
        options = ["--statistics", tmp_path / "stats.npy"]
    config = write_config(tmp_path, name)
    status, out, err = nrsr_main("import-vocoder", "--config", config, "--out", tmp_path / "exp", *options, *files)
    assert status == 0, err
    assert f"generator: from {files[0]}" in err and str(files[0]) in out
    experiment = nrsr.load(tmp_path / "exp")
    mels = np.random.default_rng(0).normal(-3.0, 1.0, (40, 12)).astype(np.float32)
    [wanted], [found] = system.eval().vocode([mels]), experiment.system.vocode([mels])
    np.testing.assert_array_equal(found, wanted)
    if source == "package" and name != "hifigan":
        assert "left, since it is of the training: optimizer, scheduler, steps, epochs" in err
    if (name, source) == ("hifigan", "package"):
        assert experiment.system.discriminator is None and list(experiment.system.turns()) == ["generator"]
        assert "there is no discriminator" in err
    else:
        waves = torch.randn(1, 500)
        for one, other in zip(experiment.system.discriminator(waves), system.discriminator.eval()(waves), strict=True):
            torch.testing.assert_close(one[-1], other[-1])
    imported = (tmp_path / "exp/imported.txt").read_text()
    assert all(f"sha256 of {file}: " in imported for file in files)


def test_the_discriminators_of_the_package_that_are_not_the_published_ones_are_left(nrsr_main, tmp_path):
    system = vocoder("hifigan")
    [file] = write_public(tmp_path, system, "hifigan", "package")
    content = torch.load(file, weights_only=True)
    content["model"]["discriminator"] = {"mpd.discriminators.0.convs.0.0.weight_g": torch.ones(3)}
    torch.save(content, file)
    config = write_config(tmp_path, "hifigan")
    status, _, err = nrsr_main("import-vocoder", "--config", config, "--out", tmp_path / "exp", file)
    assert status == 0, err
    assert "the discriminators are left: the period networks of parallel-wavegan end in convolutions of 2" in err


def test_a_generator_whose_weight_norm_was_folded(nrsr_main, tmp_path):
    system = vocoder("melgan").eval()
    mels = np.random.default_rng(0).normal(-3.0, 1.0, (40, 12)).astype(np.float32)
    [wanted] = system.vocode([mels])
    torch.save(public_weights(fold_weight_norm(system.generator), "model.1."), tmp_path / "netG.pt")
    config = write_config(tmp_path, "melgan")
    status, _, err = nrsr_main("import-vocoder", "--config", config, "--out", tmp_path / "exp", tmp_path / "netG.pt")
    assert status == 0, err
    np.testing.assert_allclose(nrsr.load(tmp_path / "exp").system.vocode([mels])[0], wanted, atol=1e-5)


class Payload:
    """Writes a file where it is unpickled carelessly."""

    def __init__(self, mark: Path) -> None:
        self.mark = str(mark)

    def __reduce__(self):
        return (open, (self.mark, "w"))


def refused(nrsr_main, tmp_path, *files, name="melgan", options=(), **changes) -> str:
    config = write_config(tmp_path, name, **changes)
    status, _, err = nrsr_main("import-vocoder", "--config", config, "--out", tmp_path / "exp", *options, *files)
    assert status == 1 and len(err.strip().splitlines()) == 1, err
    assert not (tmp_path / "exp/model.pt").exists()
    return err


@pytest.mark.parametrize("old", [False, True])
def test_a_payload_is_not_run(nrsr_main, tmp_path, old):
    mark = tmp_path / "run"
    content = {**public_weights(vocoder("melgan").generator, "model.1."), "payload": Payload(mark)}
    torch.save(content, tmp_path / "netG.pt", _use_new_zipfile_serialization=not old)
    err = refused(nrsr_main, tmp_path, tmp_path / "netG.pt")
    assert "netG.pt: holds more than tensors and plain values, and is not loaded, since that could run code" in err
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps(Payload(mark)))
    assert "plain.pkl: " in refused(nrsr_main, tmp_path, tmp_path / "plain.pkl")
    assert not mark.exists()


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file(nrsr_main, tmp_path, old, share):
    [file] = write_public(
        tmp_path, vocoder("parallel_wavegan"), "parallel_wavegan", "package", _use_new_zipfile_serialization=not old
    )
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    assert "truncated, corrupt or foreign" in refused(nrsr_main, tmp_path, file, name="parallel_wavegan")


def test_names_that_do_not_fit_are_listed(nrsr_main, tmp_path):
    weights = public_weights(vocoder("melgan").generator, "model.1.")
    changed = {
        "missing: first.bias": {name: value for name, value in weights.items() if name != "model.1.bias"},
        "left over: model.99.weight_g": {**weights, "model.99.weight_g": torch.ones(1)},
        "other shapes: first.bias (3,) for (16,)": {**weights, "model.1.bias": torch.ones(3)},
    }
    for message, content in changed.items():
        torch.save(content, tmp_path / "netG.pt")
        err = refused(nrsr_main, tmp_path, tmp_path / "netG.pt")
        assert f"netG.pt: does not fit the config's MelGanGenerator: {message}; set its sizes in the config" in err


@pytest.mark.parametrize(
    "content, message",
    [
        ([1, 2], "holds a list, no weights"),
        ({}, "holds no weights"),
        ({"steps": 3}, "holds no weights"),
        ({"unknown.weight": torch.ones(2)}, r"holds no network that is known \(unknown.weight\)"),
        ({"generator": {}, "melody": {}}, "holds melody beside a network"),
        ({"model.1.weight_g": "five"}, "model.1.weight_g is a str, not a weight"),
        ({"model.1.weight_g": torch.full((2,), torch.nan)}, "model.1.weight_g is a tensor with NaN"),
        ({"first_conv.weight_g": torch.ones(2)}, "holds a ParallelWaveGanGenerator, which the config's MelGan has not"),
        ({"model.disc_0.model.layer_6.bias": torch.ones(1)}, "missing"),
    ],
)
def test_other_content(nrsr_main, tmp_path, content, message):
    torch.save(content, tmp_path / "file.pt")
    assert re.search(rf"file.pt: .*{message}", refused(nrsr_main, tmp_path, tmp_path / "file.pt"))


def test_files_and_statistics_that_do_not_belong_together(nrsr_main, tmp_path):
    system = vocoder("melgan")
    generator, discriminator = write_public(tmp_path, system, "melgan", "authors")
    assert "no generator among them" in refused(nrsr_main, tmp_path, discriminator)
    assert "holds a generator, as" in refused(nrsr_main, tmp_path, generator, generator)
    assert "nowhere.pt: no such file" in refused(nrsr_main, tmp_path, tmp_path / "nowhere.pt")
    np.save(tmp_path / "stats.npy", np.ones((2, 5)))
    options = ["--statistics", tmp_path / "stats.npy"]
    assert "leave --statistics out" in refused(nrsr_main, tmp_path, generator, options=options)
    normalising = {"normalise": True}
    assert "give the mean and scale" in refused(nrsr_main, tmp_path, generator, **normalising)
    assert "are not 12 numbers each" in refused(nrsr_main, tmp_path, generator, options=options, **normalising)
    (tmp_path / "stats.npy").write_bytes(b"no array")
    assert "stats.npy: no statistics" in refused(nrsr_main, tmp_path, generator, options=options, **normalising)
    config = tmp_path / "gl.yaml"
    features = config_of("melgan")["system"]["features"]
    config.write_text(
        yaml.safe_dump({"sample_rate": 8000, "system": {"class": "nrsr.systems.GriffinLim", "features": features}})
    )
    status, _, err = nrsr_main("import-vocoder", "--config", config, "--out", tmp_path / "exp", generator)
    assert status == 1 and "GriffinLim is no vocoder that is trained" in err
