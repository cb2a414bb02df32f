"""The joint front-end and recogniser: losses, padding, masked utterances, gradient flow, learning."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.config import ConfigError
from nrsr.data import Batch
from nrsr.gradients import Remedy, Sum
from nrsr.nn import GlobalNorm, StatisticsError
from nrsr.nn.losses import ctc_collapse
from nrsr.systems import JointAsr, LossError, build_system

VOCABULARY = 7
MASK = {"class": "nrsr.frontends.MaskBlstm", "n_fft": 256, "hop": 80, "layers": 1, "width": 16, "mask": "sigmoid"}
NULL = {"class": "nrsr.frontends.Null"}
DECODER = {"class": "nrsr.nn.TransformerDecoder", "layers": 1, "ffn": 32}


def config(**changed):
    system = {
        "class": "nrsr.systems.JointAsr",
        "frontend": MASK,
        "features": {"class": "nrsr.signal.LogMel", "n_fft": 256, "hop": 80, "n_mels": 24},
        "encoder": {
            "class": "nrsr.nn.ConformerEncoder",
            "blocks": 1,
            "dim": 32,
            "heads": 2,
            "ffn": 64,
            "kernel": 7,
            "channels": 8,
            "dropout": 0.0,
        },
    }
    return {"sample_rate": 8000, "system": system | changed}


def make_batch(utterances=4, seed=0):
    """Tones behind noise: every unit is a tone of its own, 0.15 s long."""
    generator = torch.Generator().manual_seed(seed)
    target_lengths = torch.randint(2, 5, (utterances,), generator=generator)
    targets = torch.zeros(utterances, int(target_lengths.max()), dtype=torch.int64)
    lengths = target_lengths * 1200 + torch.randint(0, 300, (utterances,), generator=generator)
    clean = torch.zeros(utterances, int(lengths.max()))
    for row in range(utterances):
        units = torch.randperm(VOCABULARY - 3, generator=generator)[: target_lengths[row]] + 2
        targets[row, : len(units)] = units
        tone = torch.sin(torch.arange(1200) * 0.15 * units.unsqueeze(1)) * 0.3
        clean[row, : 1200 * len(units)] = tone.flatten()
    noise = 0.02 * torch.randn(clean.shape, generator=generator)
    waves = (clean + noise).masked_fill(torch.arange(clean.shape[1]) >= lengths.unsqueeze(1), 0.0)
    ids = [f"utt{row}" for row in range(utterances)]
    return Batch(ids, waves, lengths, clean, torch.ones(utterances, dtype=torch.bool), targets, target_lengths)


def make_system(batch, frontend=MASK, **changed) -> JointAsr:
    torch.manual_seed(3)
    system = build_system(config(frontend=frontend, **changed), VOCABULARY)
    system.observe(batch.waves, batch.lengths)
    for module in system.modules():
        if isinstance(module, GlobalNorm):
            module.finish()
    return system


def alone(batch, row, extra=0):
    """One utterance as a batch of its own, cut to its length or with more padding."""
    wide = torch.nn.functional.pad
    size, units = int(batch.lengths[row]), int(batch.target_lengths[row])
    return Batch(
        [batch.ids[row]],
        wide(batch.waves[row : row + 1, :size], (0, extra)),
        batch.lengths[row : row + 1],
        wide(batch.clean[row : row + 1, :size], (0, extra)),
        batch.has_clean[row : row + 1],
        batch.targets[row : row + 1, :units],
        batch.target_lengths[row : row + 1],
    )


@pytest.mark.parametrize("extra", [0, 1, 80, 3333])
def test_output_does_not_depend_on_padding_or_batch(extra):
    batch = make_batch()
    system = make_system(batch, decoder=DECODER).eval()
    hidden, log_probs, lengths = system.encode(batch.waves, batch.lengths)
    whole = system.validate(batch)
    assert torch.equal(lengths, system.output_lengths(batch.lengths))
    total = 0.0
    for row in range(len(batch)):
        one = alone(batch, row, extra)
        _, alone_probs, alone_lengths = system.encode(one.waves, one.lengths)
        assert alone_lengths[0] == lengths[row]
        size = int(lengths[row])
        torch.testing.assert_close(alone_probs[0, :size], log_probs[row, :size], atol=1e-5, rtol=0)
        total += system.validate(one)["loss"][0]
    torch.testing.assert_close(total, whole["loss"][0], atol=1e-4, rtol=0)


@pytest.fixture(scope="module")
def evaluated():
    return make_system(make_batch()).eval()


@given(lengths=st.lists(st.integers(1, 4000), min_size=1, max_size=3), extra=st.integers(0, 500))
@settings(max_examples=20, deadline=None)
def test_any_length_is_encoded_as_if_alone(evaluated, lengths, extra):
    lengths = torch.tensor(lengths)
    waves = torch.randn(len(lengths), int(lengths.max()) + extra)
    _, log_probs, sizes = evaluated.encode(waves, lengths)  # random samples as padding: they must not matter
    assert torch.equal(sizes, evaluated.output_lengths(lengths))
    for row, (length, size) in enumerate(zip(lengths.tolist(), sizes.tolist(), strict=True)):
        _, alone_probs, alone_sizes = evaluated.encode(waves[row : row + 1, :length], lengths[row : row + 1])
        assert alone_sizes[0] == size
        torch.testing.assert_close(alone_probs[0, :size], log_probs[row, :size], atol=1e-5, rtol=0)


def test_enhanced_does_not_depend_on_padding():
    batch = make_batch()
    system = make_system(batch).eval()
    enhanced, losses = system.frontend(batch.waves, batch.lengths, batch.clean)
    for row in range(len(batch)):
        one = alone(batch, row, 500)
        alone_enhanced, loss = system.frontend(one.waves, one.lengths, one.clean)
        size = int(batch.lengths[row])
        torch.testing.assert_close(alone_enhanced[0, :size], enhanced[row, :size], atol=1e-5, rtol=0)
        assert not enhanced[row, size:].any()
        torch.testing.assert_close(loss[0], losses[row])


def test_both_losses_reach_the_front_end_and_only_asr_the_rest():
    batch = make_batch()
    system = make_system(batch, decoder=DECODER)
    losses = system.losses(batch, "main", ["asr", "se"])
    assert set(losses) == {"asr", "se"}
    shared = system.shared_parameters("main")
    assert shared == list(system.frontend.parameters())
    for loss in losses.values():
        gradients = torch.autograd.grad(loss, shared, retain_graph=True)
        assert all(gradient.isfinite().all() and gradient.any() for gradient in gradients)
    others = [*system.encoder.parameters(), *system.ctc.parameters(), *system.decoder.parameters()]
    unused = torch.autograd.grad(losses["se"], others, retain_graph=True, allow_unused=True)
    assert all(gradient is None for gradient in unused)
    reached = torch.autograd.grad(losses["asr"], others, allow_unused=True)
    assert all(gradient is not None for gradient in reached)


def test_mixed_precision_changes_little():
    batch = make_batch()
    system = make_system(batch, decoder=DECODER)
    for module in system.modules():
        if isinstance(module, torch.nn.Dropout | torch.nn.MultiheadAttention):
            module.eval()
    plain = system.losses(batch, "main", ["asr", "se"])
    with torch.autocast("cpu", torch.bfloat16):
        mixed = system.losses(batch, "main", ["asr", "se"])
    for name, loss in plain.items():
        assert mixed[name].dtype == torch.float32
        torch.testing.assert_close(mixed[name], loss, rtol=0.05, atol=0)


def test_utterances_without_clean_speech_add_nothing_to_se():
    batch = make_batch()
    has_clean = torch.tensor([True, False, True, False])
    system = make_system(batch).eval()
    shared = system.shared_parameters("main")

    def result(clean):
        changed = dataclasses.replace(batch, has_clean=has_clean, clean=clean)
        loss = system.losses(changed, "main", ["se"])["se"]
        return loss, torch.autograd.grad(loss, shared)

    loss, gradients = result(batch.clean)
    for junk in (0.0, 7.0, float("nan"), float("inf")):
        other_loss, other_gradients = result(batch.clean.masked_fill(~has_clean.unsqueeze(1), junk))
        assert torch.equal(loss, other_loss)
        assert all(torch.equal(*pair) for pair in zip(gradients, other_gradients, strict=True))
    each = system.frontend(batch.waves, batch.lengths, batch.clean)[1]
    torch.testing.assert_close(loss, (each[0] + each[2]) / 2)


def test_se_without_any_clean_speech_is_a_connected_zero():
    batch = make_batch()
    bare = dataclasses.replace(batch, clean=None, has_clean=torch.zeros(4, dtype=torch.bool))
    system = make_system(batch)
    loss = system.losses(bare, "main", ["asr", "se"])["se"]
    assert loss == 0.0
    gradients = torch.autograd.grad(loss, system.shared_parameters("main"))
    assert not any(gradient.any() for gradient in gradients)
    assert "se" not in system.validate(bare)


def test_learns_four_utterances_by_heart():
    batch = make_batch()
    system = make_system(batch)
    optimiser = torch.optim.AdamW(system.parameters(), lr=5e-3)
    for _ in range(60):
        losses = system.losses(batch, "main", ["asr", "se"])
        optimiser.zero_grad()
        (0.7 * losses["asr"] + 0.3 * losses["se"]).backward()
        torch.nn.utils.clip_grad_norm_(system.parameters(), 5.0)
        optimiser.step()
    criteria = system.eval().validate(batch)
    assert criteria["errors"][0] == 0
    assert criteria["errors"][1] == batch.target_lengths.sum()
    _, log_probs, lengths = system.encode(batch.waves, batch.lengths)
    said = [row[:size] for row, size in zip(batch.targets.tolist(), batch.target_lengths.tolist(), strict=True)]
    assert ctc_collapse(log_probs, lengths) == said


def test_attention_decoder_learns_and_steps_as_it_was_trained():
    batch = make_batch()
    system = make_system(batch, NULL, decoder=DECODER, label_smoothing=0.0)
    optimiser = torch.optim.AdamW(system.parameters(), lr=5e-3)
    for _ in range(60):
        optimiser.zero_grad()
        system.losses(batch, "main", ["asr"])["asr"].backward()
        optimiser.step()
    system.eval()
    right, units = system.validate(batch)["accuracy"]
    assert right == units == batch.target_lengths.sum() + len(batch)
    hidden, _, lengths = system.encode(batch.waves, batch.lengths)
    prefixes = torch.full((len(batch), 1), VOCABULARY - 1)
    for position in range(int(batch.target_lengths.min())):
        best = system.decoder.step(hidden, lengths, prefixes).argmax(1)
        assert torch.equal(best, batch.targets[:, position])
        prefixes = torch.cat([prefixes, best.unsqueeze(1)], 1)


def test_too_short_input_is_seen_as_an_infinite_loss():
    batch = make_batch()
    system = make_system(batch, NULL).eval()
    lengths = batch.lengths.clone()
    lengths[1] = 600  # one output frame for two units or more
    short = dataclasses.replace(batch, lengths=lengths)
    assert system.output_lengths(lengths)[1] < batch.target_lengths[1]
    assert system.losses(short, "main", ["asr"])["asr"].isinf()
    nothing = dataclasses.replace(batch, lengths=torch.tensor([10, 20, 30, 40]))
    assert system.output_lengths(nothing.lengths).tolist() == [0, 0, 0, 0]
    assert system.losses(nothing, "main", ["asr"])["asr"].isinf()


def test_wrong_losses_are_named():
    batch = make_batch()
    with pytest.raises(LossError, match="no loss speaker; it has asr and se"):
        make_system(batch).losses(batch, "main", ["asr", "speaker"])
    with pytest.raises(LossError, match="Null has no enhancement loss; take 'se' out"):
        make_system(batch, NULL).losses(batch, "main", ["asr", "se"])


def test_missing_statistics_are_named_with_the_cure():
    batch = make_batch()
    system = build_system(config(), VOCABULARY)
    with pytest.raises(StatisticsError, match="nrsr compute-cmvn --config"):
        system.losses(batch, "main", ["asr"])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"frontend": {"class": "torch.nn.Linear"}}, "system.frontend.class: .* is no .*FrontEnd"),
        ({"features": NULL}, "system.features.class: .* is no .*FeatureExtractor"),
        ({"encoder": NULL}, "system.encoder.class: .* is no .*Encoder"),
        ({"decoder": NULL}, "system.decoder.class: .* is no .*TransformerDecoder"),
        ({"specaugment": NULL}, "system.specaugment.class: .* is no .*SpecAugment"),
        ({"frontend": NULL | {"sample_rate": 16000}}, "system.frontend: sample_rate is set by the program"),
        ({"frontend": MASK | {"widht": 3}}, "system.frontend: .*'widht'"),
        ({"frontend": MASK | {"mask": "tanh"}}, "system.frontend: mask 'tanh'"),
        ({"ctc_weight": 1.5}, "system.ctc_weight: 1.5"),
        ({"encoder": {"class": "nrsr.nn.ConformerEncoder", "dim": 30}}, "heads 4 must divide dim 30"),
        ({"encoder": {"class": "nrsr.nn.ConformerEncoder", "kernel": 4}}, "kernel 4 must be odd"),
        ({"encoder": {"class": "nrsr.nn.ConformerEncoder", "subsampling": 3}}, "subsampling: 3 is not offered"),
    ],
)
def test_wrong_configs_are_named(changed, message):
    with pytest.raises(ConfigError, match=message):
        build_system(config(**changed), VOCABULARY)


@pytest.mark.parametrize("key", ["sample_rate", "system"])
def test_missing_top_level_keys_are_named(key):
    whole = config()
    del whole[key]
    with pytest.raises(ConfigError, match=key):
        build_system(whole, VOCABULARY)
    with pytest.raises(ConfigError, match=key):
        build_system(config() | {key: "8k"}, VOCABULARY)


def test_remedy_changes_the_front_end_alone():
    batch = make_batch()
    system = make_system(batch, decoder=DECODER).eval()
    shared, everything = system.shared_parameters("main"), list(system.parameters())
    rest = {id(parameter) for parameter in everything} - {id(parameter) for parameter in shared}
    gradients = {}
    for name, combiner, wanted in (
        ("asr", Sum(), ["asr"]),
        ("sum", Sum(), ["asr", "se"]),
        ("remedy", Remedy(k=0.5), ["asr", "se"]),
    ):
        system.zero_grad()
        named = dict(system.frontend.named_parameters())
        figures = combiner.backward(system.losses(batch, "main", wanted), named, everything)
        combiner.finish(everything)
        gradients[name] = {id(parameter): parameter.grad.clone() for parameter in everything}
    assert figures["rescaled"] > 0
    for parameter in everything:
        asr, remedied = gradients["asr"][id(parameter)], gradients["remedy"][id(parameter)]
        assert torch.equal(remedied, asr) == (id(parameter) in rest)
    pairs = ((gradients["sum"][id(parameter)], gradients["remedy"][id(parameter)]) for parameter in shared)
    assert sum(not torch.allclose(plain, remedied) for plain, remedied in pairs) >= 1
