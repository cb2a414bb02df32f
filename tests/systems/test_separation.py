"""Separation alone and unified with enhancement: losses by hand, shared parameters, padding, silence, bad input."""

import numpy as np
import pytest
import torch

from nrsr.config import ConfigError
from nrsr.data import Batch
from nrsr.gradients import Modulation, modulate
from nrsr.nn.si_snr import si_snr
from nrsr.systems import LossError, Separation, build_system

TCN = {"class": "nrsr.nn.TcnMasks", "bottleneck": 6, "hidden": 10, "skip": 6, "blocks": 2, "stacks": 2}
DPRNN = {"class": "nrsr.nn.Dprnn", "blocks": 1, "dim": 6, "width": 5, "chunk": 10}
SEPFORMER = {"class": "nrsr.nn.SepFormer", "blocks": 1, "layers": 1, "dim": 6, "heads": 2, "ffn": 12, "chunk": 10}


def make(masker=TCN, enhancer=None, **changed) -> Separation:
    torch.manual_seed(0)
    given = {"speakers": 2, "filters": 8, "window": 8} | changed
    return Separation(8000, masker=masker, enhancer=enhancer, **given)


def make_batch(speakers=2, lengths=(400, 250, 333)) -> Batch:
    generator = torch.Generator().manual_seed(0)
    valid = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    sources = torch.randn(len(lengths), speakers, max(lengths), generator=generator) * valid.unsqueeze(1)
    noise = 0.3 * torch.randn(len(lengths), max(lengths), generator=generator) * valid
    return mixtures(list("abc"[: len(lengths)]), sources.sum(1) + noise, torch.tensor(lengths), sources)


def mixtures(ids, waves, lengths, sources) -> Batch:
    return Batch(ids, waves, lengths, None, torch.ones(len(ids), dtype=torch.bool), None, None, sources=sources)


def row(batch: Batch, number: int) -> Batch:
    size = int(batch.lengths[number])
    here = slice(number, number + 1)
    return mixtures(batch.ids[here], batch.waves[here, :size], batch.lengths[here], batch.sources[here, :, :size])


def numbers(losses):
    return {name: loss.item() for name, loss in losses.items()}


@pytest.mark.parametrize("masker", [TCN, DPRNN, SEPFORMER], ids=lambda spec: spec["class"])
@pytest.mark.parametrize("speakers", [2, 3])
def test_batch_and_padding_do_not_matter(masker, speakers):
    system, batch = make(masker, masker, speakers=speakers), make_batch(speakers)
    together = system.separate(batch.waves, batch.lengths)
    assert together.shape == (3, speakers, 400)
    alone = []
    for number, size in enumerate(batch.lengths.tolist()):
        one = row(batch, number)
        torch.testing.assert_close(together[number, :, :size], system.separate(one.waves, one.lengths)[0])
        assert not together[number, :, size:].any()
        alone.append(numbers(system.losses(one, "main", ("sep", "se"))))
    found = numbers(system.losses(batch, "main", ("sep", "se")))
    for name in ("sep", "se"):
        assert found[name] == pytest.approx(np.mean([one[name] for one in alone]), rel=1e-4)


def test_losses_by_hand():
    system, batch = make(enhancer=TCN), row(make_batch(), 0)
    w = system.encoder(batch.waves, batch.lengths, 99)
    enhanced = w * system.enhancer(w, torch.tensor([99]))[:, 0]
    masks = system.masker(enhanced, torch.tensor([99]))
    estimates = torch.stack([system.decoder(enhanced * masks[:, number], 400) for number in (0, 1)], dim=1)
    torch.testing.assert_close(system.separate(batch.waves, batch.lengths), estimates)
    figures = [
        sum(si_snr(estimates[:, one], batch.sources[:, source], batch.lengths, 100.0).item() for source, one in pairs)
        for pairs in (((0, 0), (1, 1)), ((0, 1), (1, 0)))
    ]
    losses = numbers(system.losses(batch, "main", ("sep", "se")))
    assert losses["sep"] == pytest.approx(-max(figures) / 2, abs=1e-3)
    clean = system.encoder(batch.sources.sum(1), batch.lengths, 99)
    assert losses["se"] == pytest.approx(((enhanced - clean) ** 2).sum().item(), rel=1e-5)
    # E in the target is trained as well: without the target's part the gradient is another one.
    whole = torch.autograd.grad(system.losses(batch, "main", ("se",))["se"], system.encoder.basis.weight)[0]
    w = system.encoder(batch.waves, batch.lengths, 99)
    part = (w * system.enhancer(w, torch.tensor([99]))[:, 0] - clean.detach()).square().sum()
    assert not torch.allclose(whole, torch.autograd.grad(part, system.encoder.basis.weight)[0], rtol=1e-2)


def test_validation_by_hand():
    system, batch = make(DPRNN, DPRNN).eval(), make_batch()
    criteria = system.validate(batch)
    estimates = system.separate(batch.waves, batch.lengths).detach()
    totals = {"loss": 0.0, "si_snri": 0.0}
    for number in range(3):
        lengths = batch.lengths[number : number + 1]
        mixture = batch.waves[number : number + 1]
        after, before = [], []
        for order in ((0, 1), (1, 0)):
            pairs = [
                (estimates[number : number + 1, one], batch.sources[number : number + 1, k])
                for k, one in enumerate(order)
            ]
            after.append(np.mean([si_snr(x, s, lengths, 100.0).item() for x, s in pairs]))
            before = [si_snr(mixture, s, lengths, 100.0).item() for _, s in pairs]
        totals["loss"] -= max(after)
        totals["si_snri"] += max(after) - np.mean(before)
    for name, total in totals.items():
        assert criteria[name][0].item() == pytest.approx(total, abs=1e-2)
        assert criteria[name][1].item() == 3
    assert criteria["se"][1].item() == 3
    assert "se" not in make().validate(batch)


def test_a_solved_utterance_counts_as_the_threshold_and_gives_no_gradient():
    system, batch = make(), make_batch()
    values = [numbers(system.losses(row(batch, number), "main", ("sep",)))["sep"] for number in range(3)]
    system.threshold = sorted(values)[1] + 0.01  # just above the second: it and the best are left out
    expected = (max(values) + 2 * system.threshold) / 3
    assert numbers(system.losses(batch, "main", ("sep",)))["sep"] == pytest.approx(expected, abs=1e-3)
    system.threshold = 100.0
    loss = system.losses(batch, "main", ("sep",))["sep"]
    loss.backward()  # connected to the graph
    assert loss.item() == 100.0
    assert not any(parameter.grad.any() for parameter in system.parameters() if parameter.grad is not None)


def test_a_silent_speaker_counts_nowhere():
    system, batch = make(), make_batch()
    batch.sources[1, 0] = 0.0
    batch.sources[2] = 0.0
    loss = system.losses(batch, "main", ("sep",))["sep"]
    loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in system.parameters())
    criteria = system.validate(batch)
    assert criteria["loss"][1].item() == 2
    assert criteria["loss"][0].item() == pytest.approx(2 * loss.item(), rel=1e-4)


def test_what_is_not_finite_stays_visible():
    system, batch = make(), make_batch()
    batch.waves[0, 10] = torch.nan
    assert not system.losses(batch, "main", ("sep",))["sep"].isfinite()


def test_tasks_meet_in_encoder_and_enhancer_and_modulation_acts_there():
    system, batch = make(TCN, DPRNN), make_batch()
    shared = {id(parameter) for parameter in system.shared_parameters("main")}
    names = {name.split(".")[0] for name, parameter in system.named_parameters() if id(parameter) in shared}
    assert names == {"encoder", "enhancer"}
    assert make().shared_parameters("main") == []
    losses = system.losses(batch, "main", ("sep", "se"))
    weighted = {"sep": losses["sep"], "se": 0.1 * losses["se"]}
    named = dict(system.named_parameters())
    own = {
        name: dict(
            zip(
                named,
                torch.autograd.grad(loss, list(named.values()), retain_graph=True, allow_unused=True),
                strict=True,
            )
        )
        for name, loss in weighted.items()
    }
    meeting = {name: parameter for name, parameter in named.items() if id(parameter) in shared}
    combiner = Modulation(main="sep", auxiliary="se")
    figures = combiner.backward(weighted, meeting, list(named.values()))
    combiner.finish(list(named.values()))
    assert 0.0 < figures["conflicts"].item() < 1.0
    for name, parameter in named.items():
        s, a = own["se"][name], own["sep"][name]
        if name in meeting:
            expected = modulate(s.flatten(), a.flatten()).view_as(a) + a
            torch.testing.assert_close(parameter.grad, expected, atol=1e-4, rtol=1e-3)
        else:
            assert s is None  # mask network and decoder hear of separation alone
            torch.testing.assert_close(parameter.grad, a)


def test_mixed_precision_keeps_the_waveforms_in_float32():
    system, batch = make(DPRNN, SEPFORMER), make_batch()
    exact = numbers(system.losses(batch, "main", ("sep", "se")))
    with torch.autocast("cpu", torch.bfloat16):
        losses = system.losses(batch, "main", ("sep", "se"))
        assert system.separate(batch.waves, batch.lengths).dtype == torch.float32
    sum(losses.values()).backward()
    for name, loss in numbers(losses).items():
        assert loss == pytest.approx(exact[name], rel=0.05)


def test_bad_settings_and_data_are_named():
    with pytest.raises(ConfigError, match=r"system.speakers: 0"):
        make(speakers=0)
    with pytest.raises(ConfigError, match=r"system.masker.class: 'nrsr.nn.BlstmEncoder' is no"):
        make({"class": "nrsr.nn.BlstmEncoder"})
    with pytest.raises(LossError, match="no loss asr"):
        make().losses(make_batch(), "main", ("asr",))
    with pytest.raises(LossError, match="se needs an enhancer"):
        make().losses(make_batch(), "main", ("sep", "se"))
    with pytest.raises(LossError, match="a: has 3 sources, and the system makes 2"):
        make().losses(make_batch(3), "main", ("sep",))


def test_it_is_built_from_a_config_without_units():
    config = {"sample_rate": 8000, "system": {"class": "nrsr.systems.Separation", "speakers": 2, "masker": TCN}}
    assert build_system(config).encoder.basis.weight.shape == (256, 16)


@torch.no_grad()
def test_samples_are_a_mixture_and_its_speakers_at_one_level():
    system, batch = make(), make_batch()
    samples = system.samples(batch)
    assert list(samples) == ["mixture", "separated1", "separated2"]
    separated = system.separate(batch.waves[:1], batch.lengths[:1])[0, 1]
    torch.testing.assert_close(samples["separated2"], separated / separated.abs().max())
