"""Enhancement in the mel domain before a vocoder: by hand, in any batch, and from two trained experiments."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import nrsr
from nrsr.config import ConfigError
from nrsr.experiment.checkpoint import save_checkpoint
from nrsr.experiment.modules import initialise
from nrsr.experiment.settings import parse_init
from nrsr.frontends import MelVocoder
from nrsr.kaldi import DataDir, WaveWriter, write_list
from nrsr.systems import build_system

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
sys.path.insert(0, str(Path(__file__).parents[1] / "systems"))

from toy_mels import write_mels, write_waves  # noqa: E402
from toy_vocoders import FEATURES, RATE, SYSTEMS, config_of, vocoder  # noqa: E402

MELGAN = {"class": "nrsr.nn.melgan.MelGanGenerator", **SYSTEMS["melgan"]["generator"]}
HIFIGAN = {"class": "nrsr.nn.hifigan.HiFiGanGenerator", **SYSTEMS["hifigan"]["generator"]}
WAVENET = {"class": "nrsr.nn.parallel_wavegan.ParallelWaveGanGenerator", **SYSTEMS["parallel_wavegan"]["generator"]}


def made(generator: dict, **options) -> MelVocoder:
    torch.manual_seed(0)
    frontend = MelVocoder(RATE, FEATURES, generator, layers=1, width=8, **options).eval()
    frontend.accumulate_statistics(0.1 * torch.randn(1, 8000), torch.tensor([8000]))
    for name in ("norm", "vocoder.norm"):
        if name in dict(frontend.named_modules()):
            frontend.get_submodule(name).finish()
    return frontend


@pytest.mark.parametrize("generator", [MELGAN, WAVENET])
def test_samples_do_not_depend_on_the_batch(generator):
    frontend, lengths = made(generator), torch.tensor([1500, 700, 33, 5])
    waves = 0.3 * torch.randn(4, 1500)
    with torch.no_grad():
        together, none = frontend(waves, lengths)
        assert none is None and together.abs().max() > 0.01
        for row, size in enumerate(lengths.tolist()):
            for padding in (0, 3, 100):
                alone = torch.nn.functional.pad(waves[row : row + 1, :size], (0, padding), value=5.0)
                found, _ = frontend(alone, lengths[row : row + 1])
                torch.testing.assert_close(found[0, :size], together[row, :size], atol=1e-5, rtol=0)
                assert not found[0, size:].any()


def test_inside_an_utterance_it_is_the_vocoder_of_the_enhanced_mels():
    frontend = made(MELGAN)
    waves, lengths = 0.3 * torch.randn(1, 3200), torch.tensor([3200])
    with torch.no_grad():
        mels, _ = frontend.features(waves, lengths)
        hidden = frontend.blstm(frontend.norm(mels), torch.tensor([100]))
        better = torch.maximum(mels + frontend.linear(hidden), frontend.features.silence)
        generator = frontend.vocoder["generator"]
        wanted = generator(frontend.vocoder["norm"](better).transpose(1, 2))
        found, losses = frontend(waves, lengths, waves)
    inner = slice(generator.reach * 32, -generator.reach * 32)
    torch.testing.assert_close(found[:, inner], wanted[:, inner], atol=1e-5, rtol=0)
    torch.testing.assert_close(losses, (better - mels).abs().mean((1, 2)))


def test_what_does_not_fit_is_named():
    with pytest.raises(ConfigError, match="their product is 16, the features' hop is 32 samples"):
        MelVocoder(RATE, FEATURES, {**MELGAN, "scales": [4, 4]})
    with pytest.raises(ConfigError, match="which this slot takes"):
        MelVocoder(RATE, FEATURES, {"class": "nrsr.nn.melgan.MelGanDiscriminators"})
    assert "norm" not in made(MELGAN, normalise=False).vocoder


def write_noisy(folder: Path, clean: Path) -> Path:
    """The waveforms of a data directory in noise, with the clean ones as spk1.scp."""
    rng, waves = np.random.default_rng(1), DataDir(clean).waves()
    folder.mkdir()
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as writer:
        for name, wave in waves.items():
            writer[name] = (wave + rng.normal(0, 0.05, len(wave))).clip(-1, 1).astype(np.float32)
    write_list(folder / "utt2spk", DataDir(clean).read("utt2spk"))
    (folder / "spk1.scp").write_text((clean / "wav.scp").read_text())
    return folder


ADAM = {"class": "torch.optim.Adam", "lr": 1e-3}
TRAINING = {"steps": 4, "validate_steps": 2, "select": "last", "average": 1}


def write_vocoder(folder: Path, name: str, **changes) -> Path:
    """An experiment of a small vocoder with random weights, as nrsr train leaves it."""
    folder.mkdir()
    save_checkpoint(folder / "model.pt", {"model": vocoder(name, **changes).state_dict()})
    (folder / "config.yaml").write_text(yaml.safe_dump(config_of(name, **changes)))
    return folder


def enhancer_of(init: dict, generator: dict = MELGAN, **options) -> dict:
    """The config of an enhancer before a vocoder that is not trained."""
    frontend = {"class": "nrsr.frontends.MelVocoder", "features": FEATURES, "generator": generator, "layers": 1}
    return {
        "sample_rate": RATE,
        "system": {"class": "nrsr.systems.Enhancement", "frontend": frontend | {"width": 8} | options},
        "loss_weights": {"se": 1.0},
        "optimiser": ADAM,
        "training": TRAINING,
        "init": init,
        "freeze": ["frontend.vocoder"],
    }


def vocoder_of(folder: Path) -> dict:
    """The entries of `init` that put the vocoder of an experiment behind the enhancer."""
    return {f"frontend.vocoder.{name}": {"from": str(folder), "module": name} for name in ("generator", "norm")}


@pytest.fixture
def train(nrsr_main):
    """train(folder, config, data): nrsr compute-cmvn and nrsr train; returns the system."""

    def run(folder: Path, config: dict, data: Path):
        (folder.parent / f"{folder.name}.yaml").write_text(yaml.safe_dump(config))
        options = ["--config", folder.parent / f"{folder.name}.yaml"]
        status, _, err = nrsr_main("compute-cmvn", *options, "--out", folder / "statistics.ark", data)
        assert status == 0, err
        status, _, err = nrsr_main("train", *options, "--train", data, "--dev", data, "--exp", folder)
        assert status == 0, err
        return nrsr.load(folder).system

    return run


def same_weights(module: torch.nn.Module, other: torch.nn.Module) -> bool:
    pairs = zip(module.state_dict().items(), other.state_dict().items(), strict=True)
    return all(name == named and torch.equal(value, given) for (name, value), (named, given) in pairs)


def test_a_vocoder_and_an_enhancer_trained_by_themselves(nrsr_main, train, tmp_path):
    clean = write_mels(tmp_path / "clean", [2000, 1500, 1800, 1600], features=FEATURES)
    noisy = write_noisy(tmp_path / "noisy", clean)
    turn = {"optimiser": ADAM, "loss_weights": {"adversarial": 1.0}}
    config = config_of("melgan", normalise=True) | {
        "turns": {"discriminator": turn, "generator": {**turn, "loss_weights": {"spectral": 1.0}}},
        "data": {"segment": 512},
        "training": TRAINING,
    }
    first = train(tmp_path / "vocoder", config, clean)
    second = train(tmp_path / "enhancer", enhancer_of(vocoder_of(tmp_path / "vocoder")), noisy)
    assert same_weights(second.frontend.vocoder["generator"], first.generator)
    assert torch.equal(second.frontend.vocoder["norm"].mean, first.norm.mean)
    assert not torch.equal(second.frontend.norm.mean, first.norm.mean)
    status, _, err = nrsr_main("enhance", "--exp", tmp_path / "enhancer", "--data", noisy, "--out", tmp_path / "out")
    assert status == 0, err
    enhanced, original = DataDir(tmp_path / "out").waves(), DataDir(noisy).waves()
    assert {name: len(wave) for name, wave in enhanced.items()} == {name: len(wave) for name, wave in original.items()}


def test_an_enhancer_of_one_experiment_before_the_vocoder_of_another(train, tmp_path):
    noisy = write_noisy(tmp_path / "noisy", write_waves(tmp_path / "clean", [2000, 1500]).path)
    melgan = write_vocoder(tmp_path / "melgan", "melgan", normalise=True)
    hifigan = write_vocoder(tmp_path / "hifigan", "hifigan", normalise=True)
    enhancer = train(tmp_path / "enhancer", enhancer_of(vocoder_of(melgan)), noisy).frontend
    parts = {f"frontend.{name}": {"from": str(tmp_path / "enhancer")} for name in ("norm", "blstm", "linear")}
    config = enhancer_of(parts | vocoder_of(hifigan), HIFIGAN)
    config["freeze"] += ["frontend.norm", "frontend.blstm"]
    both = train(tmp_path / "both", config, noisy).frontend
    for name in ("norm", "blstm"):
        assert same_weights(both.get_submodule(name), enhancer.get_submodule(name)), name
    # The linear layer goes on from the enhancer's, four steps of 1e-3 away.
    assert 0 < (both.linear.weight - enhancer.linear.weight).abs().max() < 0.005
    assert same_weights(both.vocoder["generator"], nrsr.load(hifigan).system.generator)
    assert same_weights(both.vocoder["norm"], nrsr.load(hifigan).system.norm)
    assert not torch.equal(both.norm.mean, both.vocoder["norm"].mean)


def initialised(init: dict, **options) -> list[str]:
    config = enhancer_of(init, **options)
    return initialise(build_system(config), parse_init(config["init"]))


@pytest.mark.parametrize(
    "change, different",
    [
        ({"high": 3000.0}, "high 3000.0, not 4000.0"),
        ({"low": 60.0}, "low 60.0, not 0.0"),
        ({"logarithm": "e"}, "logarithm e, not 10"),
        ({"centred": True}, "centred True, not False"),
        ({"floor": 1e-5, "guard": 1e-9}, "floor 1e-05, not 1e-10, guard 1e-09, not 0.0"),
        ({"n_mels": 13}, "n_mels 13, not 12"),
    ],
)
def test_a_vocoder_of_other_mels_is_refused(tmp_path, change, different):
    features = {**FEATURES, **change}
    source = write_vocoder(tmp_path / "source", "melgan", features=features, normalise=False)
    init = {"frontend.vocoder.generator": {"from": str(source), "module": "generator"}}
    message = f"init.frontend.vocoder.generator: {source} was trained on other mels: {different}, as the config has it"
    with pytest.raises(ConfigError, match=re.escape(message)):
        initialised(init, normalise=False)
    assert initialised(init, normalise=False, features=features)


def test_an_enhancer_of_other_mels_is_refused(tmp_path):
    config = enhancer_of({}, normalise=False)
    save_checkpoint(tmp_path / "model.pt", {"model": build_system(config).state_dict()})
    config["system"]["frontend"]["features"] = {**FEATURES, "high": 3000.0}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    for name in ("frontend.blstm", "frontend"):
        with pytest.raises(ConfigError, match=rf"init.{name}: .* high 3000.0, not 4000.0"):
            initialised({name: {"from": str(tmp_path)}}, normalise=False)
    (tmp_path / "config.yaml").unlink()  # weights that say nothing about their mels
    assert initialised({"frontend.blstm": {"from": str(tmp_path)}}, normalise=False)


def test_normalisation_is_part_of_the_definition(tmp_path):
    sources = {
        normalise: write_vocoder(tmp_path / str(normalise), "melgan", normalise=normalise)
        for normalise in (True, False)
    }
    generator = "frontend.vocoder.generator"
    for normalise, source in sources.items():
        alone = {generator: vocoder_of(source)[generator]}
        with pytest.raises(ConfigError, match=f"normalise {normalise}, not {not normalise}, as the config has it"):
            initialised(alone, normalise=not normalise)
    assert initialised(alone, normalise=False)
    with pytest.raises(ConfigError, match=r"init.frontend.vocoder.norm: missing, .* add {from: .*, module: norm}"):
        initialised({generator: vocoder_of(sources[True])[generator]})
    assert len(initialised(vocoder_of(sources[True]))) == 2
