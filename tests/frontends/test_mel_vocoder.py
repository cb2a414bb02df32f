"""Enhancement in the mel domain before a vocoder: by hand, in any batch, and from two trained experiments."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import nrsr
from nrsr.config import ConfigError
from nrsr.frontends import MelVocoder
from nrsr.kaldi import DataDir, WaveWriter, write_list

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
sys.path.insert(0, str(Path(__file__).parents[1] / "systems"))

from toy_mels import write_mels  # noqa: E402
from toy_vocoders import FEATURES, RATE, SYSTEMS, config_of  # noqa: E402

MELGAN = {"class": "nrsr.nn.melgan.MelGanGenerator", **SYSTEMS["melgan"]["generator"], "std": 0.2}
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


def test_a_vocoder_and_an_enhancer_trained_by_themselves(nrsr_main, tmp_path):
    clean = write_mels(tmp_path / "clean", [2000, 1500, 1800, 1600], features=FEATURES)
    noisy = write_noisy(tmp_path / "noisy", clean)
    adam = {"class": "torch.optim.Adam", "lr": 1e-3}
    training = {"steps": 4, "validate_steps": 2, "select": "last", "average": 1}
    turn = {"optimiser": adam, "loss_weights": {"adversarial": 1.0}}
    vocoder = config_of("melgan", normalise=True) | {
        "turns": {"discriminator": turn, "generator": {**turn, "loss_weights": {"spectral": 1.0}}},
        "data": {"segment": 512},
        "training": training,
    }
    frontend = {
        "class": "nrsr.frontends.MelVocoder",
        "features": FEATURES,
        "generator": MELGAN,
        "layers": 1,
        "width": 8,
    }
    enhancer = {
        "sample_rate": RATE,
        "system": {"class": "nrsr.systems.Enhancement", "frontend": frontend},
        "loss_weights": {"se": 1.0},
        "optimiser": adam,
        "training": training,
        "init": {
            f"frontend.vocoder.{name}": {"from": str(tmp_path / "vocoder"), "module": name}
            for name in ("generator", "norm")
        },
        "freeze": ["frontend.vocoder"],
    }
    for name, config, data in (("vocoder", vocoder, clean), ("enhancer", enhancer, noisy)):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(config))
        options = ["--config", tmp_path / f"{name}.yaml"]
        status, _, err = nrsr_main("compute-cmvn", *options, "--out", tmp_path / name / "statistics.ark", data)
        assert status == 0, err
        status, _, err = nrsr_main("train", *options, "--train", data, "--dev", data, "--exp", tmp_path / name)
        assert status == 0, err
    first, second = (nrsr.load(tmp_path / name).system for name in ("vocoder", "enhancer"))
    for name, value in first.generator.state_dict().items():
        assert torch.equal(second.frontend.vocoder["generator"].state_dict()[name], value), name
    assert torch.equal(second.frontend.vocoder["norm"].mean, first.norm.mean)
    assert not torch.equal(second.frontend.norm.mean, first.norm.mean)
    status, _, err = nrsr_main("enhance", "--exp", tmp_path / "enhancer", "--data", noisy, "--out", tmp_path / "out")
    assert status == 0, err
    enhanced, original = DataDir(tmp_path / "out").waves(), DataDir(noisy).waves()
    assert {name: len(wave) for name, wave in enhanced.items()} == {name: len(wave) for name, wave in original.items()}
