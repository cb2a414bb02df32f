"""SEGAN as a game: sizes, losses by worked numbers, the frozen reference, rows without clean speech, its output."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nrsr.config import ConfigError
from nrsr.data.batch import Batch
from nrsr.nn.virtual_batch_norm import batch_moments
from nrsr.signal.emphasis import emphasise
from nrsr.systems import LossError, build_system

FRONTEND = {"class": "nrsr.frontends.Segan", "channels": [4, 6], "kernel": 5, "window": 32}


def make(**settings):
    torch.manual_seed(0)
    system = {"class": "nrsr.systems.SeganEnhancement", "frontend": FRONTEND, **settings}
    return build_system({"sample_rate": 8000, "system": system})


def make_batch(lengths=(32, 32, 32), clean=True, seed=0):
    generator, size = torch.Generator().manual_seed(seed), max(lengths)
    noisy, speech = (0.3 * torch.randn(len(lengths), size, generator=generator) for _ in range(2))
    for row, length in enumerate(lengths):
        noisy[row, length:] = speech[row, length:] = 0.0
    has_clean = torch.full((len(lengths),), clean)
    names = [f"u{row}" for row in range(len(lengths))]
    return Batch(names, noisy, torch.tensor(lengths), speech if clean else None, has_clean, None, None)


def both(system, batch):
    """The losses of both turns, z being the same each time."""
    found = {}
    for turn, wanted in {"discriminator": ["adversarial"], "generator": ["adversarial", "l1"]}.items():
        torch.manual_seed(1)
        losses = system.losses(batch, turn, wanted)
        found |= {f"{turn}/{name}": value for name, value in losses.items()}
    return found


def test_published_sizes():
    with torch.device("meta"):
        config = {"class": "nrsr.systems.SeganEnhancement", "frontend": {"class": "nrsr.frontends.Segan"}}
        system = build_system({"sample_rate": 16000, "system": config})
    sizes = {turn: sum(value.numel() for value in parameters) for turn, parameters in system.turns().items()}
    assert sizes == {"discriminator": 24_373_081, "generator": 73_100_049}
    assert list(system.turns()) == ["discriminator", "generator"]
    assert sum(sizes.values()) == sum(value.numel() for value in system.parameters())


def test_with_a_level_losses_do_not_depend_on_that_of_the_recordings():
    for level in (0.1, None):
        system = make(frozen_reference=2, frontend=FRONTEND | {"level": level})
        loud, losses = make_batch((32, 32)), []
        quiet = replace(loud, waves=0.01 * loud.waves, clean=0.01 * loud.clean)
        for batch in (loud, quiet):
            system.reference.zero_()
            system.prepare([batch])
            losses.append(both(system, batch))
        alike = {name: torch.allclose(value, losses[1][name], rtol=1e-4) for name, value in losses[0].items()}
        assert all(alike.values()) if level else not any(alike.values())


def test_losses_by_hand(monkeypatch):
    """Scores 0.5 and 2 of two clean pairs, -1 and 0.25 of enhanced ones; the generator gives the noisy speech back."""
    system, batch = make(frozen_reference=2), make_batch((32, 32))
    monkeypatch.setattr(system.frontend.generator, "forward", lambda windows, latent: windows)
    scores = {"real": torch.tensor([0.5, 2.0]), "fake": torch.tensor([-1.0, 0.25])}

    def score(pairs, reference, weights=None):
        return torch.cat([scores["real"], scores["fake"]]) if len(pairs) == 4 else scores["fake"]

    monkeypatch.setattr(system.discriminator, "forward", score)
    found = both(system, batch)
    # 0.5² and 1² of the clean ones, 1² and 0.25² of the enhanced ones; 2² and 0.75² for the generator.
    assert found["discriminator/adversarial"].item() == pytest.approx((0.25 + 1.0 + 1.0 + 0.0625) / 2)
    assert found["generator/adversarial"].item() == pytest.approx((4.0 + 0.5625) / 2)
    assert found["discriminator/score_real"].item() == 1.25 and found["generator/score_fake"].item() == -0.375
    difference = emphasise(batch.waves, 0.95) - emphasise(batch.clean, 0.95)
    torch.testing.assert_close(found["generator/l1"], difference.abs().mean())


@pytest.mark.parametrize("frozen", [None, 2])
def test_scores_are_those_of_the_discriminator_on_pairs(frozen):
    system, batch = make(frozen_reference=frozen), make_batch()
    system.prepare([batch])
    found = both(system, batch)
    torch.manual_seed(1)
    noisy, clean = emphasise(batch.waves, 0.95), emphasise(batch.clean, 0.95)
    generator = system.frontend.generator
    fake = generator(noisy, generator.latent(noisy))
    real, fake = torch.stack([clean, noisy], 1), torch.stack([fake, noisy], 1)
    discriminator, ones = system.discriminator, torch.ones(3)
    if frozen is None:
        real_scores, reference = discriminator.reference(real)
        fake_scores = discriminator(fake, reference, ones)
        # The released code: each layer's moments are those of the real batch but for one part in B + 1.
        first = discriminator.layers[0](fake)
        own, wanted = batch_moments(first), reference.moments[0]
        mean = own.mean / 4 + 3 / 4 * wanted.mean
        variance = own.square / 4 + 3 / 4 * wanted.square - mean.square()
        norm = discriminator.norms[0]
        expected = (first - mean) / (variance + 1e-5).sqrt() * norm.gamma + norm.beta
        torch.testing.assert_close(norm(first, own, wanted, 3), expected, atol=1e-5, rtol=1e-4)
    else:
        _, reference = discriminator.reference(real[:2])
        real_scores, fake_scores = discriminator(real, reference), discriminator(fake, reference)
    expected = (real_scores - 1).square().mean() + fake_scores.square().mean()
    torch.testing.assert_close(found["discriminator/adversarial"], expected)
    torch.testing.assert_close(found["generator/adversarial"], (fake_scores - 1).square().mean())


def test_each_turn_moves_its_own_parameters():
    for frozen in (None, 2):
        system, batch = make(frozen_reference=frozen), make_batch()
        system.prepare([batch])
        for turn, parameters in system.turns().items():
            loss = sum(system.losses(batch, turn, ["adversarial"]).values())
            gradients = torch.autograd.grad(loss, parameters)
            assert all(gradient.any() for gradient in gradients)


def test_a_frozen_reference_gives_scores_that_do_not_depend_on_the_batch():
    system, batch = make(frozen_reference=3), make_batch((32, 20, 7, 32))
    system.prepare([batch])
    torch.manual_seed(1)
    together = system.losses(batch, "generator", ["adversarial"])["adversarial"]
    torch.manual_seed(1)
    latent = system.frontend.generator.latent(batch.waves)
    alone = []
    for row in range(4):
        system.frontend.generator.latent = lambda windows, row=row: latent[row : row + 1]
        one = Batch(
            ["u"], batch.waves[row : row + 1], batch.lengths[row : row + 1], batch.clean[row : row + 1],
            batch.has_clean[row : row + 1], None, None,
        )  # fmt: skip
        alone.append(system.losses(one, "generator", ["adversarial"])["adversarial"])
    torch.testing.assert_close(torch.stack(alone).mean(), together)


def test_the_reference_is_the_first_windows_with_clean_speech():
    system = make(frozen_reference=4)
    first, second = make_batch((40, 32)), make_batch((32, 32), seed=1)
    first.has_clean[1] = False
    assert "a frozen batch, the first 4 windows" in system.prepare([first, make_batch(clean=False), second])[0]
    # Two windows of the one utterance, then two more: clean speech first, all pre-emphasised.
    clean, noisy = (emphasise(waves, 0.95) for waves in (first.clean, first.waves))
    torch.testing.assert_close(system.reference[0], torch.stack([clean[0, :32], noisy[0, :32]]))
    torch.testing.assert_close(system.reference[1, :, :8], torch.stack([clean[0, 32:], noisy[0, 32:]]))
    assert not system.reference[1, :, 8:].any()
    torch.testing.assert_close(system.reference[2:, 0], emphasise(second.clean, 0.95))
    # One that came with the weights stays.
    other = make(frozen_reference=4)
    other.load_state_dict(system.state_dict())
    assert "came with the weights" in other.prepare([make_batch(seed=3)])[0]
    assert torch.equal(other.reference, system.reference)
    with pytest.raises(ConfigError, match="9 windows, but an epoch has 2 with clean speech; take fewer"):
        make(frozen_reference=9).prepare([first])
    assert "current batch" in make().prepare([])[0] and "reference" not in make().state_dict()


@pytest.mark.parametrize("frozen", [None, 2])
def test_windows_without_clean_speech_and_empty_ones_do_not_count(frozen):
    """Three utterances of one, two and three windows, the second without clean speech: as the others alone."""
    system, batch = make(frozen_reference=frozen), make_batch((70, 40, 17))
    system.frontend.generator.latent = lambda windows: torch.ones(len(windows), 6, 8)
    system.prepare([batch])
    batch.has_clean[1], batch.clean[1] = False, torch.nan
    batch.waves[2, 17:] = 7.0  # what stands past the end is not looked at
    assert system.counts(batch, "generator", ["l1"])["l1"] == 4
    kept = Batch(
        ["u0", "u2"], batch.waves[[0, 2]], batch.lengths[[0, 2]], batch.clean[[0, 2]], torch.ones(2).bool(), None, None
    )
    for (name, value), expected in zip(both(system, batch).items(), both(system, kept).values(), strict=True):
        torch.testing.assert_close(value, expected, msg=name)
    none = make_batch(clean=False)
    losses = both(system, none)
    assert all(value == 0.0 for value in losses.values()) and losses["generator/l1"].requires_grad
    assert losses["discriminator/adversarial"].requires_grad and not system.counts(none, "generator", ["l1"])["l1"]


@torch.no_grad()
def test_what_it_puts_out_depends_on_nothing_but_the_recording():
    system = make().eval()
    rng = np.random.default_rng(0)
    inputs = [rng.uniform(-0.5, 0.5, size).astype(np.float32) for size in (1, 31, 32, 33, 100)]
    together = system.infer(inputs, ["wav"])["wav"]
    for given, out in zip(inputs, together, strict=True):
        [alone] = system.infer([given], ["wav"])["wav"]
        assert out.shape == given.shape
        torch.testing.assert_close(alone, out, atol=1e-6, rtol=1e-5)
        # 16 bits as integers are the same recording; they would drive the tanh to ±1 or the output to 0.
        whole = np.round(given * 2**15).astype(np.int16)
        [integers], [floats] = (system.infer([wave], ["wav"])["wav"] for wave in (whole, whole / np.float32(2**15)))
        assert torch.equal(integers, floats) and integers.any()


def test_what_does_not_fit_is_named():
    with pytest.raises(ConfigError, match="Identity has no discriminator; take nrsr.frontends.Segan"):
        make(frontend={"class": "nrsr.frontends.Identity"})
    with pytest.raises(ConfigError, match="frozen_reference: 0 windows are none"):
        make(frozen_reference=0)
    with pytest.raises(LossError, match="no loss l1 in this turn; it has adversarial"):
        make().losses(make_batch(), "discriminator", ["adversarial", "l1"])
    assert make(objective={"class": "nrsr.nn.adversarial.Hinge"}).losses(make_batch(), "generator", ["adversarial"])
