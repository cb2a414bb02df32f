"""The joint front-end and recogniser: its losses, masked utterances, gradient flow, learning."""

import dataclasses

import torch
from toy_joint_asr import DECODER, NULL, VOCABULARY, make_batch, make_system

from nrsr.gradients import Remedy, Sum
from nrsr.nn.losses import ctc_collapse


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
        statistics = combiner.backward(system.losses(batch, "main", wanted), named, everything)
        combiner.finish(everything)
        gradients[name] = {id(parameter): parameter.grad.clone() for parameter in everything}
    assert statistics["rescaled"] > 0
    for parameter in everything:
        asr, remedied = gradients["asr"][id(parameter)], gradients["remedy"][id(parameter)]
        assert torch.equal(remedied, asr) == (id(parameter) in rest)
    pairs = ((gradients["sum"][id(parameter)], gradients["remedy"][id(parameter)]) for parameter in shared)
    assert sum(not torch.allclose(plain, remedied) for plain, remedied in pairs) >= 1
