"""Audio GANs: published sizes, losses by hand under every objective, the controller, what generation depends on."""

import pytest
import torch
from torch.nn import functional as F
from toy_gans import GAMES, LABELLED, RATE, SAMPLES, SYSTEMS, WORDS, make_batch, make_system, spec_of, turns_of

from nrsr.config import ConfigError
from nrsr.experiment.turn_settings import parse_turns
from nrsr.systems import LossError, build_system
from nrsr.training.turns import build_turns

# The loss of the discriminator for scores of real and generated examples, and that of the generator.
OBJECTIVES = {
    "Minimax": (
        lambda real, fake: -torch.log(torch.sigmoid(real)) - torch.log(1 - torch.sigmoid(fake)),
        lambda fake: -torch.log(torch.sigmoid(fake)),
    ),
    "LeastSquares": (lambda real, fake: (real - 1) ** 2 + fake**2, lambda fake: (fake - 1) ** 2),
    "Hinge": (
        lambda real, fake: (1 - real).clamp_min(0) + (1 + fake).clamp_min(0),
        lambda fake: -fake,
    ),
    "Wasserstein": (lambda real, fake: fake - real, lambda fake: -fake),
}
# Published; those of ControlGAN are ours: the paper gives number and size of its layers alone.
SIZES = {
    "Gan": {"discriminator": 1_231_441, "generator": 2_503_984},
    "ConditionalGan": {"discriminator": 1_224_351, "generator": 2_413_984},
    "ControlGan": {"classifier": 2_790_154, "discriminator": 2_677_249, "generator": 4_058_241},
    "DcGan": {"discriminator": 2_763_520, "generator": 3_574_656},
    "WaveGan": {"discriminator": 17_427_969, "generator": 19_065_345},
    "SpecGan": {"discriminator": 17_427_969, "generator": 19_065_345},
}


def objective(name: str) -> dict:
    return {"class": f"nrsr.nn.adversarial.{name}"}


def classes(*kinds: str) -> dict:
    return {"classes": {kind: [str(number) for number in range(10)] for kind in kinds}}


@pytest.mark.parametrize("name", SYSTEMS)
def test_defaults_are_the_published_sizes(name):
    metadata = classes("word") if name in LABELLED else {}
    with torch.device("meta"):
        system = build_system({"sample_rate": 16000, "system": {"class": f"nrsr.systems.{name}"}}, metadata=metadata)
    assert {turn: sum(p.numel() for p in own) for turn, own in system.turns().items()} == SIZES[name]
    assert system.length == 16384


@pytest.mark.parametrize(("name", "labelled"), GAMES)
@pytest.mark.parametrize("kind", OBJECTIVES)
def test_losses_are_those_of_the_objective(name, labelled, kind):
    system, batch = make_system(name, labelled, objective=objective(kind)), make_batch()
    of_discriminator, of_generator = OBJECTIVES[kind]
    labels = batch.labels["word"] if labelled else None
    torch.manual_seed(5)
    found = system.losses(batch, "discriminator", ["adversarial"])["adversarial"]
    torch.manual_seed(5)
    fake = system.fake(system.draw(6, torch.device("cpu")), labels)
    real = system.score(system.represent(batch.waves), labels)
    torch.testing.assert_close(found, of_discriminator(real, system.score(fake.detach(), labels)).mean())
    torch.manual_seed(6)
    found = system.losses(batch, "generator", ["adversarial"])["adversarial"]
    torch.manual_seed(6)
    fake = system.fake(system.draw(6, torch.device("cpu")), labels)
    torch.testing.assert_close(found, of_generator(system.score(fake, labels)).mean())


@pytest.mark.parametrize(("name", "labelled"), GAMES)
@pytest.mark.parametrize("kind", OBJECTIVES)
def test_each_turn_moves_its_player_alone(name, labelled, kind):
    changes = {"batch_norm": False} if name == "DcGan" else {}
    system = make_system(name, labelled, objective=objective(kind), **changes)
    turns = build_turns(parse_turns({"turns": turns_of(system, penalty=True)}), system)
    assert [turn.name for turn in turns][-2:] == ["discriminator", "generator"]
    if name == "ControlGan":
        system.gamma.fill_(1.0)
    for turn in turns:
        before = {key: value.detach().clone() for key, value in system.named_parameters()}
        step = turn.step(system, [make_batch()], [1.0])
        assert step.updated, step.metrics
        changed = {key for key, value in system.named_parameters() if not torch.equal(before[key], value)}
        assert {key.split(".")[0] for key in changed} == {turn.name}
        assert len(changed) >= len(turn.parameters) - 1  # a last bias may have the gradients 1 and -1


def test_penalty_is_that_of_the_points_between():
    system, batch = make_system("WaveGan", False, shuffle=0), make_batch()
    torch.manual_seed(7)
    found = system.losses(batch, "discriminator", ["penalty"])["penalty"]
    torch.manual_seed(7)
    fake = system.generator(system.draw(6, torch.device("cpu"))).detach()
    share, step = torch.rand(6, 1).double(), 1e-4
    system.double()
    points = (1 - share) * batch.waves[:, :1024] + share * fake
    # The slope along its own direction, by a finite difference, is its norm.
    points.requires_grad_()
    (slope,) = torch.autograd.grad(system.discriminator(points).sum(), points)
    along = slope / slope.norm(dim=1, keepdim=True)
    with torch.no_grad():
        rise = system.discriminator(points + step * along) - system.discriminator(points - step * along)
    torch.testing.assert_close(found.double(), (rise / (2 * step) - 1).square().mean(), rtol=1e-3, atol=1e-6)


def test_a_penalty_with_batch_normalisation_is_refused():
    with pytest.raises(LossError, match="normalises over the batch; set system.batch_norm: false"):
        make_system("DcGan", False).losses(make_batch(), "discriminator", ["penalty"])


def test_the_controller_follows_its_rule():
    system, batch = make_system("ControlGan", True, rate=0.5, expected=0.25, most=1.0), make_batch()
    labels = batch.labels["word"]
    gamma = 0.0
    for number in range(4):
        torch.manual_seed(number)
        losses = system.losses(batch, "generator", ["adversarial", "control"])
        torch.manual_seed(number)
        fake = system.fake(system.draw(6, torch.device("cpu")), labels)
        on_fake = F.cross_entropy(system.classifier(fake), labels).item()
        on_real = F.cross_entropy(system.classifier(system.represent(batch.waves)), labels).item()
        assert losses["control"].item() == pytest.approx(gamma * on_fake, rel=1e-5)
        gamma = min(max(gamma + 0.5 * (on_fake - 0.25 * on_real), 0.0), 1.0)
        assert system.gamma.item() == pytest.approx(gamma, rel=1e-5)
    assert gamma == 1.0  # nearly ln 3 * 3/8 more each time: clipped by now
    system.eval().losses(batch, "generator", ["adversarial", "control"])
    criteria = system.validate(batch)
    assert system.gamma == 1.0 and criteria["gamma"][0] / criteria["gamma"][1] == 1.0
    assert "gamma" in system.state_dict()
    lowered = make_system("ControlGan", True, rate=0.5, expected=4.0)
    lowered.losses(batch, "generator", ["control"])
    assert lowered.gamma == 0.0  # never below
    classification = system.losses(batch, "classifier", ["classification"])["classification"]
    real = system.represent(batch.waves)
    torch.testing.assert_close(classification, F.cross_entropy(system.classifier(real), labels))


def test_what_is_not_finite_leaves_the_controller_as_it_was():
    system, batch = make_system("ControlGan", True), make_batch()
    system.gamma.fill_(0.5)
    turn = build_turns(parse_turns({"turns": turns_of(system)}), system)[-1]
    batch.waves[0, 0] = torch.nan  # the generator's losses have no real data in them, but the controller has
    assert turn.step(system, [batch], [1.0]).updated and system.gamma == 0.5
    with torch.no_grad():
        system.generator.first.bias.fill_(torch.nan)
    assert not turn.step(system, [make_batch()], [1.0]).updated and system.gamma == 0.5


@torch.no_grad()
@pytest.mark.parametrize(("name", "labelled"), GAMES)
def test_a_generated_waveform_does_not_depend_on_the_others(name, labelled):
    system = make_system(name, labelled).eval()
    latent = system.draw(3, torch.device("cpu"), torch.Generator().manual_seed(1))
    assert torch.equal(latent, system.draw(3, torch.device("cpu"), torch.Generator().manual_seed(1)))
    labels = torch.tensor([0, 1, 2]) if labelled else None
    waves, examples = system.generate(latent, labels), system.fake(latent, labels)
    assert waves.shape == (3, system.length) and waves.isfinite().all()
    for row in range(3):
        given = latent[row : row + 1], None if labels is None else labels[row : row + 1]
        torch.testing.assert_close(system.fake(*given)[0], examples[row])
        # Griffin and Lim's phases make more of a rounding.
        assert (system.generate(*given)[0] - waves[row]).norm() < 0.02 * waves[row].norm()
    if labelled:
        other = system.generate(latent, torch.tensor([1, 2, 0]))
        assert ((other - waves).abs().amax(1) > 1e-4).all()


@torch.no_grad()
@pytest.mark.parametrize(("name", "labelled"), GAMES)
def test_samples_and_what_is_read_of_a_waveform(name, labelled):
    system = make_system(name, labelled).eval()
    samples = system.samples(make_batch(3))
    count = 3 if labelled else 4
    endings = [f"/{word}" for word in WORDS] if labelled else [""] * count
    assert list(samples) == [*(f"generated{row + 1}{end}" for row, end in enumerate(endings)), "real"]
    assert {wave.shape for wave in samples.values()} == {(system.length,)}
    # A waveform is cut or padded: no sample behind the length counts, and silence behind it is what padding adds.
    waves = make_batch(2).waves
    longer = torch.cat([waves, torch.ones(2, 100)], dim=1)
    torch.testing.assert_close(system.represent(longer), system.represent(waves))
    short = waves[:, :700].clone()
    padded = torch.cat([short, torch.zeros(2, 7000)], dim=1)
    torch.testing.assert_close(system.represent(short), system.represent(padded))


def test_specgan_has_the_published_transform_and_hop():
    system = build_system({"sample_rate": 16000, "system": {"class": "nrsr.systems.SpecGan", "width": 1}})
    assert (system.images.stft.n_fft, system.images.stft.hop, system.images.iterations) == (256, 128, 16)
    assert make_system("SpecGan", False).images.stft.hop == SAMPLES // 128


@pytest.mark.parametrize(
    ("name", "metadata", "changes", "message"),
    [
        ("ConditionalGan", {}, {}, "data.labels: ConditionalGan needs the label of each utterance"),
        ("ControlGan", {}, {}, "data.labels: ControlGan needs the label of each utterance"),
        ("Gan", classes("word"), {}, "data.labels: nrsr.systems.Gan takes no labels; leave them out"),
        ("WaveGan", classes("word", "noise"), {}, "word, noise; a generator takes one kind of label"),
        ("ControlGan", classes("word"), {"rate": -0.1}, "rate -0.1, .* none of them may be below 0"),
        ("WaveGan", {}, {"samples": 1000}, "1000 samples must be 64, 128"),
        ("SpecGan", {}, {"samples": 100}, "100 are too few for an image of 128 frames"),
        ("SpecGan", {}, {"samples": 50000}, "hop 390: must lie between 1 and half the window"),
        ("Gan", {}, {"objective": {"class": "torch.nn.MSELoss"}}, "is no nrsr.nn.adversarial.Objective"),
    ],
)
def test_what_does_not_fit_is_named(name, metadata, changes, message):
    with pytest.raises(Exception, match=message) as raised:
        build_system({"sample_rate": RATE, "system": spec_of(name, **changes)}, metadata=metadata)
    assert "nrsr" in type(raised.value).__module__


@pytest.mark.parametrize("turn", ["discriminator", "generator"])
def test_losses_that_there_are_not(turn):
    with pytest.raises(LossError, match=f"turns.{turn}.loss_weights: WaveGan has no loss wasserstein; it has adv"):
        make_system("WaveGan", False).losses(make_batch(), turn, ["wasserstein"])


def test_noise_needs_no_training():
    system = build_system({"sample_rate": RATE, "system": {"class": "nrsr.systems.WhiteNoise", "samples": 5000}})
    waves = system.generate(system.draw(8, torch.device("cpu"), torch.Generator().manual_seed(0)), None)
    assert waves.shape == (8, 5000) and waves.std().item() == pytest.approx(0.05, rel=0.02)
    assert not list(system.parameters())


def test_no_labels_are_needed_but_by_those_that_have_them():
    assert make_system("WaveGan", False).needs_labels == [] and make_system("WaveGan", True).needs_labels == ["word"]
    with pytest.raises(ConfigError, match="takes no labels"):
        make_system("DcGan", True)


@pytest.mark.parametrize("name", [*LABELLED, "WaveGan"])
def test_labels_are_of_one_kind(name):
    classes = {"word": WORDS, "speaker": ["a", "b"]}
    with pytest.raises(ConfigError, match="data.labels: word, speaker; a generator takes one kind of label"):
        build_system({"sample_rate": RATE, "system": spec_of(name)}, metadata={"classes": classes})


@pytest.mark.parametrize("shuffle", [-1, 32])
def test_shifts_of_phase_that_cannot_be_are_refused(shuffle):
    with pytest.raises(ConfigError, match=f"shuffle {shuffle} must be"):
        make_system("WaveGan", False, shuffle=shuffle)
    make_system("WaveGan", False, samples=128, shuffle=31).discriminator(torch.zeros(2, 128))
