"""Vocoders as games: losses by hand, the order of the turns, and long features in parts."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from nrsr.config import ConfigError
from nrsr.data.mels import MelBatch
from nrsr.experiment.turn_settings import parse_turns
from nrsr.nn.stft_loss import MultiResolutionStft
from nrsr.nn.weight_norm import fold_weight_norm
from nrsr.systems import LossError, build_system
from nrsr.training.turns import build_turns

sys.path.insert(0, str(Path(__file__).parent))

from toy_vocoders import FEATURES, RESOLUTIONS, SYSTEMS, config_of, vocoder  # noqa: E402

NAMES = list(SYSTEMS)
FRAMES = 12


def batch_for(system, size: int = 3) -> MelBatch:
    generator = torch.Generator().manual_seed(5)
    mels = torch.randn(size, 12, FRAMES + 2 * system.context, generator=generator) - 3.0
    waves = 0.2 * torch.randn(size, FRAMES * 32, generator=generator)
    return MelBatch([f"u{number}" for number in range(size)], mels, waves)


def generated_of(system, batch):
    torch.manual_seed(11)
    return system.generate(batch.mels)


@pytest.mark.parametrize("name", NAMES)
def test_losses_by_hand(name):
    system, everything = vocoder(name), ("adversarial", "feature", "spectral", "mel")
    batch = batch_for(system)
    torch.manual_seed(11)
    found = system.losses(batch, "generator", everything)
    generated = generated_of(system, batch)
    state = torch.get_rng_state()
    fake, real = system.discriminator(generated), system.discriminator(batch.waves)
    hinge = name == "melgan"
    fooled = sum((-scores if hinge else (scores - 1.0).square()).mean() for *_, scores in fake)
    torch.testing.assert_close(found["adversarial"], fooled, rtol=1e-3, atol=1e-5)
    distances = [
        [(one - other).abs().mean() for one, other in zip(*pair, strict=True)] for pair in zip(fake, real, strict=True)
    ]
    if name == "hifigan":
        feature = sum(sum(layers) for layers in distances)
    else:
        feature = sum(sum(layers[:-1]) / (len(layers) - 1) for layers in distances)
    torch.testing.assert_close(found["feature"], feature, rtol=1e-3, atol=1e-5)
    spectral = MultiResolutionStft(RESOLUTIONS)(generated, batch.waves, joint=True)
    torch.testing.assert_close(found["spectral"], spectral.convergence + spectral.magnitude)
    mels = [system.loss_features(waves, torch.full((3,), FRAMES * 32))[0] for waves in (generated, batch.waves)]
    torch.testing.assert_close(found["mel"], (mels[0] - mels[1]).abs().mean())

    torch.manual_seed(11)
    losses = system.losses(batch, "discriminator", ("adversarial",))
    torch.set_rng_state(state)
    outputs = system.discriminator(torch.cat([batch.waves, generated]))
    pairs = [maps[-1].chunk(2) for maps in outputs]
    if hinge:
        told = sum((1.0 - real).relu().mean() + (1.0 + fake).relu().mean() for real, fake in pairs)
    else:
        told = sum((1.0 - real).square().mean() + fake.square().mean() for real, fake in pairs)
    torch.testing.assert_close(losses["adversarial"], told, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(
        losses["score_real"], sum(real.mean() for real, _ in pairs) / len(pairs), rtol=1e-3, atol=1e-5
    )


def test_the_weight_16_is_melgans_published_sum():
    """10 times the sum over discriminators and layers, a layer with 4/5 of a third (published: 4 strided layers)."""
    config = config_of("melgan", discriminator={"scales": 3, "channels": 4, "strides": [4, 4, 2, 2], "limit": 8})
    torch.manual_seed(0)
    system = build_system(config)
    batch = batch_for(system)
    fake, real = system.discriminator(system.generate(batch.mels)), system.discriminator(batch.waves)
    published = 0.0
    for ours, theirs in zip(fake, real, strict=True):
        assert len(ours) == 7
        for one, other in zip(ours[:6], theirs[:6], strict=True):
            published = published + (4 / 5) * (1 / 3) * torch.nn.functional.l1_loss(one, other)
    found = system.losses(batch, "generator", ("feature",))["feature"]
    torch.testing.assert_close(16.0 * found, 10.0 * published)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("logarithm, wanted", [("10", 0.30103), ("e", 0.69315)])
def test_half_the_level_is_a_mel_loss_of_log_2(name, logarithm, wanted, monkeypatch):
    system = vocoder(name, features={**FEATURES, "logarithm": logarithm})
    batch = batch_for(system)
    monkeypatch.setattr(system, "generate", lambda mels: 0.5 * batch.waves)
    assert system.losses(batch, "generator", ("mel",))["mel"].item() == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_the_mel_loss_of_hifigan_has_the_whole_band(name):
    narrow = vocoder(name, features={**FEATURES, "high": 3000.0})
    assert narrow.features.high == 3000.0
    assert narrow.loss_features.high == (4000.0 if name == "hifigan" else 3000.0)


TURN = {"optimiser": {"class": "torch.optim.Adam", "lr": 1e-3}}
TURNS = {
    "discriminator": {**TURN, "loss_weights": {"adversarial": 1.0}},
    "generator": {**TURN, "loss_weights": {"adversarial": 1.0, "spectral": 1.0}},
}


@pytest.mark.parametrize("name", NAMES)
def test_a_turn_moves_its_player_alone_and_the_order_is_the_published_one(name):
    system = vocoder(name)
    turns = build_turns(parse_turns({"turns": TURNS}), system)
    first = "generator" if name == "parallel_wavegan" else "discriminator"
    assert [turn.name for turn in turns] == [first, "discriminator" if first == "generator" else "generator"]
    batch = batch_for(system)
    for turn in turns:
        before = {key: value.clone() for key, value in system.named_parameters()}
        step = turn.step(system, [batch], [1.0])
        assert step.updated and "score_fake" in step.metrics
        moved = {key.split(".")[0] for key, value in system.named_parameters() if not torch.equal(value, before[key])}
        assert moved == {turn.name}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("turn", ["generator", "discriminator"])
def test_mixed_precision_is_near(name, turn):
    system = vocoder(name).eval()
    batch, wanted = batch_for(system), ("adversarial", "feature") if turn == "generator" else ("adversarial",)
    found = []
    for mixed in (False, True):
        torch.manual_seed(0)
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            found.append(system.losses(batch, turn, wanted))
    for loss in wanted:
        torch.testing.assert_close(found[1][loss].float(), found[0][loss], rtol=0.1, atol=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_the_discriminator_is_not_asked_before_its_losses_count(name):
    system = vocoder(name)
    batch = batch_for(system)
    system.discriminator = None
    assert set(system.losses(batch, "generator", ("spectral", "mel"))) == {"spectral", "mel"}
    assert list(system.turns()) == ["generator"]


def test_unknown_losses_are_named():
    system = vocoder("melgan")
    with pytest.raises(LossError, match=r"turns.discriminator.loss_weights: MelGan has no loss mel"):
        system.losses(batch_for(system), "discriminator", ("mel",))


@pytest.mark.parametrize("name", NAMES)
def test_validation_and_samples(name):
    system = vocoder(name).eval()
    batch = batch_for(system, 1)
    torch.manual_seed(3)
    criteria = system.validate(batch)
    torch.manual_seed(3)
    losses = system.losses(batch, "generator", ("spectral", "mel"))
    for criterion, loss in (("loss", "mel"), ("spectral", "spectral")):
        value, count = criteria[criterion]
        torch.testing.assert_close(value / count, losses[loss], rtol=5e-3, atol=1e-4)
    assert {key: value.shape for key, value in system.samples(batch).items()} == {
        "real": (FRAMES * 32,), "generated": (FRAMES * 32,),
    }  # fmt: skip
    short = MelBatch(["u"], batch.mels[..., : 2 + 2 * system.context], batch.waves[:, :64])
    assert system.validate(short)["spectral"][1] == 0  # no longer than half of the longest transform


@pytest.mark.parametrize("name", NAMES)
def test_long_features_in_parts_are_the_whole(name):
    system = vocoder(name).eval()
    rng = np.random.default_rng(0)
    reach = system.generator.reach
    mels = [rng.normal(-3.0, 1.0, (frames, 12)).astype(np.float32) for frames in (1, 5, 2 * reach + 9, 6 * reach + 31)]
    whole = [system.vocode([rows], chunk=10_000)[0] for rows in mels]
    assert [len(wave) for wave in whole] == [len(rows) * 32 for rows in mels]
    assert max(np.abs(wave).max() for wave in whole) > 0.05
    frames = []
    hook = system.generator.register_forward_pre_hook(lambda module, given: frames.append(given[0].shape[2]))
    for chunk in (1, 4, 9, 50):
        frames.clear()
        for wave, part in zip(whole, system.vocode(mels, chunk), strict=True):
            np.testing.assert_allclose(part, wave, atol=1e-5)
        assert max(frames) <= chunk + 2 * reach + 2 * system.context  # whatever the length, so much memory
    hook.remove()
    fold_weight_norm(system)
    for wave, part in zip(whole, system.vocode(mels, 9), strict=True):
        np.testing.assert_allclose(part, wave, atol=1e-4)


def test_what_normalises_takes_stored_features():
    plain, normalising = vocoder("melgan", normalise=False).eval(), vocoder("melgan", normalise=True).eval()
    normalising.generator.load_state_dict(plain.generator.state_dict())
    mels = np.random.default_rng(0).normal(-3.0, 1.0, (20, 12)).astype(np.float32)
    mean, std = normalising.norm.mean.numpy(), normalising.norm.std.numpy()
    np.testing.assert_allclose(plain.vocode([(mels - mean) / std])[0], normalising.vocode([mels])[0], atol=1e-5)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"generator": {"channels": 16, "scales": [4, 4, 4]}}, "scales: their product is 64, the features' hop is 32"),
        ({"generator": {"channls": 16}}, "channls"),
        ({"generator": {"class": "nrsr.nn.melgan.MelGanGenerator"}}, "expected settings of MelGanGenerator"),
        ({"generator": {"mels": 12}}, "mels is set by the program"),
        ({"discriminator": {"channels": 2}}, "channels 2, limit 1024: no groups of 4 channels in a layer from 2 to 8"),
        ({"discriminator": {"channels": 32, "limit": 20}}, "in a layer from 32 to 20; take powers of 2 from 4 on"),
        ({"features": {"class": "nrsr.signal.LogMel", "n_fft": 128, "hop": 32, "n_mels": 12}}, "is no nrsr.signal"),
        ({"objective": {"class": "torch.nn.MSELoss"}}, "which this slot takes"),
    ],
)
def test_what_does_not_fit_is_named(changes, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        build_system(config_of("melgan", **changes))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"channels": 6}, "channels 6 must be a multiple of 4 (2 to the scales)"),
        ({"channels": 0}, "channels 0 must be a multiple of 4"),
        ({"kernels": [3, 4]}, "kernels [3, 4] must be odd numbers"),
        ({"upsampling_kernels": [16, 3]}, "upsampling_kernels [16, 3] must be one for each of scales [8, 4]"),
    ],
)
def test_sizes_of_hifigan_that_do_not_fit_are_named(changes, message):
    generator = {**SYSTEMS["hifigan"]["generator"], **changes}
    with pytest.raises(ConfigError, match=re.escape(message)):
        build_system(config_of("hifigan", generator=generator))


@pytest.mark.parametrize("sizes", [[512, 0, 240], [512, 50], [512, 50, 600], [512, 50.0, 240]])
def test_resolutions_that_no_transform_has_are_named(sizes):
    with pytest.raises(ConfigError, match=re.escape(f"system.resolutions: [[64, 16, 48], {sizes}]: give [n_fft, hop")):
        build_system(config_of("melgan", resolutions=[[64, 16, 48], sizes]))
