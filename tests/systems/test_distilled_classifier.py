"""Distillation: losses by hand, padding, the teacher's mode, no clean speech, stored layers, collapse, misfits."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F
from toy_students import EMOTIONS, RATE, encoder, make, make_batch

from nrsr.config import ConfigError
from nrsr.experiment.modules import freeze
from nrsr.systems import CollapseError, LossError, build_system

KD = ["l1", "cosine"]


def by_hand(system, batch, heads: bool) -> dict[str, float]:
    """The losses of each utterance alone, without any padding."""
    sums, frames = {"l1": 0.0, "cosine": 0.0}, 0
    for row in range(len(batch)):
        if not batch.has_clean[row]:
            continue
        length = batch.lengths[row : row + 1]
        wave, clean = (waves[row : row + 1, : int(length)] for waves in (batch.waves, batch.clean))
        own, _ = system.features(wave, length)
        layers, _ = system.teacher.layers(clean, length)
        frames += own.shape[1]
        for level in system.levels:
            given = system.heads[f"layer{level}"](own) if heads else own
            dots = (given * layers[level]).sum(2) / (given.norm(dim=2) * layers[level].norm(dim=2))
            sums["l1"] += float((given - layers[level]).abs().mean(2).sum()) / len(system.levels)
            sums["cosine"] += float(-torch.sigmoid(dots).log().sum()) / len(system.levels)
    return {name: value / frames for name, value in sums.items()}


@torch.no_grad()
@pytest.mark.parametrize("heads", [False, True])
def test_losses_are_those_of_each_utterance_alone(heads):
    system = make(heads=heads).eval()
    batch = make_batch(clean=(True, False, True))
    # Whatever stands in padding, and in the place of clean speech that is not there, changes nothing.
    batch.waves[2, 900:], batch.clean[2, 900:], batch.clean[1] = 7.0, -3.0, float("inf")
    batch = replace(batch, clean=batch.clean.nan_to_num(posinf=0.5))
    losses, expected = system.losses(batch, "main", KD), by_hand(system, batch, heads)
    for name in KD:
        assert float(losses[name]) == pytest.approx(expected[name], rel=1e-4)
    frames = system.frame_counts(torch.tensor([2000, 900])).sum()
    assert {name: int(count) for name, count in system.counts(batch, "main", ["ce", *KD]).items()} == {
        "ce": 3, "l1": int(frames), "cosine": int(frames),
    }  # fmt: skip
    criteria = system.validate(batch)
    assert float(criteria["l1"][0] / criteria["l1"][1]) == pytest.approx(expected["l1"], rel=1e-4)
    for level in (1, 3):
        similarity = criteria[f"similarity_{level}"][0] / criteria[f"similarity_{level}"][1]
        assert -1.0 <= similarity <= 1.0
        assert float(losses[f"similarity_{level}"]) == pytest.approx(float(similarity), abs=1e-5)


@torch.no_grad()
def test_one_level_and_one_kind_of_loss_alone():
    both, batch = make().eval(), make_batch()
    values = []
    for level in (1, 3):
        single = make(levels=[level]).eval()
        single.load_state_dict(both.state_dict())
        losses = single.losses(batch, "main", ["l1"])
        assert set(losses) == {"l1", f"similarity_{level}"}
        values.append(float(losses["l1"]))
    assert float(both.losses(batch, "main", ["l1"])["l1"]) == pytest.approx(sum(values) / 2, rel=1e-5)
    ce = both.losses(batch, "main", ["ce"])
    logits = both(batch.waves, batch.lengths)
    assert set(ce) == {"ce"}
    torch.testing.assert_close(ce["ce"], F.cross_entropy(logits, batch.labels["emotion"]))


def test_the_teacher_stays_in_evaluation_mode_and_out_of_training():
    system, batch = make(), make_batch()
    assert system.training and not any(module.training for module in system.teacher.modules())
    first, second = (system.targets(batch) for _ in range(2))
    for level in system.levels:
        assert torch.equal(first[level], second[level]) and not first[level].requires_grad
    system.teacher.train()
    noisy = [system.targets(batch)[3] for _ in range(2)]
    assert not torch.equal(*noisy)  # what dropout would do to the targets
    system.train()
    theirs = {id(parameter) for parameter in system.teacher.parameters()}
    assert not theirs & {id(parameter) for parameter in system.turns()["main"]}
    with pytest.raises(ConfigError, match=r"freeze: the teacher is not trained; name it: freeze: \[teacher\]"):
        system.prepare([batch])
    freeze(system, ["teacher"])
    assert system.prepare([batch]) == ["distils layers 1, 3 of the teacher, applied to each batch's clean speech"]
    sum(system.losses(batch, "main", ["ce", *KD]).values()).backward()
    assert all(parameter.grad is None for parameter in system.teacher.parameters())
    assert system.features.network.encoder.feature_projection.projection.weight.grad.any()


def test_the_teacher_drops_no_layers():
    system, batch = make(teacher={**encoder(), "dropout": 0.0, "layer_drop": 0.9}).train(), make_batch()
    assert system.teacher.network.layer_drop == 0.9 and system.training
    wanted = system.teacher.eval().layers(batch.clean, batch.lengths)[0]
    system.train()
    for _ in range(5):
        targets = system.targets(batch)
        assert all(torch.equal(targets[level], wanted[level]) for level in system.levels)
    system.teacher.train()
    dropped = [system.targets(batch)[3] for _ in range(5)]
    assert not all(torch.equal(values, wanted[3]) for values in dropped)  # what layer drop would do to the targets


def test_stored_layers_are_the_teacher_on_the_fly():
    system, batch = make().eval(), make_batch()
    frames = {f"layer{level}": target for level, target in system.targets(batch).items()}
    stored = make(metadata={"frame_dim": 8}).eval()
    assert stored.stored_frames() == ["layer1", "layer3"]
    stored.load_state_dict({name: value for name, value in system.state_dict().items() if "teacher" not in name})
    given = replace(batch, frames=frames, clean=None, has_clean=torch.zeros(3, dtype=torch.bool))
    for name, value in system.losses(batch, "main", KD).items():
        torch.testing.assert_close(stored.losses(given, "main", KD)[name], value)
    assert stored.counts(given, "main", KD) == system.counts(batch, "main", KD)


def test_without_clean_speech_there_is_nothing_to_learn():
    system, batch = make(), make_batch(clean=(False, False, False))
    assert batch.clean is None
    losses = system.losses(batch, "main", KD)
    assert all(losses[name] == 0.0 and losses[name].requires_grad for name in KD)
    sum(losses[name] for name in KD).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in system.parameters())


def test_a_collapse_is_named():
    system, batch = make().eval(), make_batch()
    sums, count = system.validate(batch)["spread"]
    assert sums / count > 0.1
    assert system.remarks([{"spread": float(sums / count)}]) == []
    last = system.features.network.encoder.transformer.layers[1].final_layer_norm
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.ones_(last.bias)
    sums, count = system.validate(batch)["spread"]
    assert sums / count < 1e-4
    with pytest.raises(CollapseError, match="the student has collapsed: its features vary over frames by 0.0000"):
        system.remarks([{"spread": 0.5}, {"spread": float(sums / count)}])


def test_the_student_comes_nearer_and_learns_the_classes():
    system, batch = make(heads=True).eval(), make_batch()
    parameters = system.turns()["main"]
    optimiser, totals = torch.optim.Adam(parameters, 0.01), []
    for _ in range(60):
        losses = system.losses(batch, "main", ["ce", *KD])
        total = sum(losses[name] for name in ("ce", *KD))
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        totals.append(float(total))
    assert totals[-1] < 0.6 * totals[0]
    assert system.validate(batch)["accuracy"][0] == 3


def test_an_utterance_without_a_frame_has_no_output():
    system, batch = make().eval(), make_batch()
    waves = [wave[:length].numpy() for wave, length in zip(batch.waves, batch.lengths.tolist(), strict=True)]
    wanted = ["emotion", "posteriors", "layer2"]
    given = system.infer([waves[0], waves[1][:40], waves[2]], wanted)
    assert [values[1] for values in given.values()] == [None] * 3
    assert given["emotion"][0] in EMOTIONS and given["layer2"][2].shape == (
        int(system.frame_counts(torch.tensor(900))),
        8,
    )
    alone = system.infer([waves[2]], wanted)
    torch.testing.assert_close(given["layer2"][2], alone["layer2"][0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(given["posteriors"][2], alone["posteriors"][0], rtol=1e-4, atol=1e-5)
    assert system.infer([waves[1][:40]], ["emotion"]) == {"emotion": [None]}
    assert list(system.outputs())[3:] == ["layer0", "layer1", "layer2"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": [4]}, "levels: 4: the teacher has 3 layers"),
        ({"levels": []}, "levels: .*give numbers of the teacher's layers"),
        ({"levels": [1, 1]}, "levels: .*each once"),
        (
            {"student": encoder(layers=2, width=4)},
            "student's 4 features are compared with the teacher's 8; .*heads: true",
        ),
        (
            {"student": {**encoder(layers=3), "layer": 2}},
            "system.features: layer: 2, and sizes.layers: 3, of which those past layer 2 would not be trained; set",
        ),
        (
            {"teacher": encoder(convolutions=[[8, 10, 5], [8, 8, 4]])},
            "samples are .* frames of the teacher and .* of the student",
        ),
        (
            {"metadata": {"frame_dim": 8}, "teacher": encoder()},
            "the folder of its stored layers as data.frames; one of",
        ),
        ({"teacher": {"class": "nrsr.signal.LogMel", "n_fft": 256, "hop": 80, "n_mels": 8}}, "which this slot takes"),
    ],
)
def test_what_does_not_fit_is_named(options, message):
    if "teacher" in options and "metadata" in options:
        spec = {"class": "nrsr.systems.DistilledClassifier", "features": encoder(layers=2), "levels": [1]}
        spec |= {"network": {"class": "nrsr.nn.MeanPool"}, "teacher": encoder()}
        metadata = {"classes": {"emotion": EMOTIONS}, **options["metadata"]}
        with pytest.raises(ConfigError, match=message):
            build_system({"sample_rate": RATE, "system": spec}, metadata=metadata)
        return
    with pytest.raises(ConfigError, match=message):
        make(**options)


def test_unknown_losses_are_named():
    with pytest.raises(LossError, match="DistilledClassifier has no loss kd; it has ce, l1, cosine"):
        make().losses(make_batch(), "main", ["kd"])
