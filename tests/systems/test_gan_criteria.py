"""What validations of audio GANs measure, against numbers by hand; collapse and divergence are named."""

import numpy as np
import pytest
import torch
from toy_gans import GAMES, make_batch, make_system

from nrsr.data.batches import BatchSettings
from nrsr.data.waveforms import WaveformDataset
from nrsr.kaldi import WaveWriter, write_list
from nrsr.systems.adversarial import pair_distances


def means(system, batch):
    with torch.no_grad():
        criteria = system.eval().validate(batch)
    return {name: (value / count).item() for name, (value, count) in criteria.items()}


@pytest.mark.parametrize("labelled", [False, True])
def test_criteria_by_hand(labelled):
    system, batch = make_system("WaveGan", labelled).eval(), make_batch()
    labels = batch.labels["word"] if labelled else None
    torch.manual_seed(3)
    found = means(system, batch)
    torch.manual_seed(3)
    with torch.no_grad():
        fake = system.fake(system.draw(6, torch.device("cpu")), labels)
        real = system.represent(batch.waves)
        vectors = [system.compared(examples).double().numpy() for examples in (fake, real)]
        if not labelled:
            still = make_system("WaveGan", False, shuffle=0)
            still.load_state_dict(system.state_dict())
            assert still.score(real, None).shape == (6,)
    kinds = np.arange(6) % 3 if labelled else np.zeros(6)
    distances = [
        sum(np.linalg.norm(rows[a] - rows[b]) for a in range(6) for b in range(6) if kinds[a] == kinds[b])
        for rows in vectors
    ]
    assert found["diversity"] == pytest.approx(distances[0] / distances[1], rel=1e-4)
    apart = np.square(vectors[0].mean(0) - vectors[1].mean(0)).sum()
    assert found["distance"] == pytest.approx(apart / vectors[1].var(0).sum(), rel=1e-6)
    assert {"real_score", "fake_score", "diversity", "distance"} == found.keys()


def test_pair_distances():
    examples = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    assert pair_distances(examples, None).item() == pytest.approx(2 * (5 + 1 + 18**0.5))
    assert pair_distances(examples, torch.tensor([1, 0, 1])).item() == pytest.approx(2 * 1)


@pytest.mark.parametrize(("name", "labelled"), GAMES)
def test_a_collapsed_generator_is_named(name, labelled):
    system, batch = make_system(name, labelled), make_batch(12)
    real = system.represent(batch.waves)
    system.fake = lambda latent, labels: real + 0.01 * torch.randn_like(real)
    healthy = means(system, batch)
    assert healthy["diversity"] == pytest.approx(1.0, abs=0.2) and healthy["distance"] < 0.2
    assert system.remarks([healthy]) == []
    # One example for each label, or one for all.
    one = [real[:3][batch.labels["word"]] if labelled else real[:1].expand_as(real)][0]
    system.fake = lambda latent, labels: one
    collapsed = means(system, batch)
    assert collapsed["diversity"] < 1e-6
    [remark] = system.remarks([healthy, collapsed])
    of = "of one word " if labelled else ""
    assert remark == f"mode collapse: generated examples {of}differ by 0.0 % of what real ones differ by"


def test_a_divergence_is_named_where_it_grows():
    system = make_system("WaveGan", False)
    history = [{"diversity": 1.0, "distance": value, "fake_score": 0.0} for value in (30.0, 5.0, 0.7, 1.9, 3.9, 4.1)]
    said = [system.remarks(history[: number + 1]) for number in range(len(history))]
    assert said[:5] == [[]] * 5  # far away at first, nearer, near, and not beyond the data yet
    [remark] = said[5]
    assert remark.startswith("divergence: the mean of generated examples is 4.1 real variances from the data's")
    assert remark.endswith("at first it was 30, at best 0.7")
    both = system.remarks([*history, {"diversity": 0.05, "distance": 100.0, "fake_score": 0.0}])
    assert [remark.split(":")[0] for remark in both] == ["mode collapse", "divergence"]
    [never_near] = system.remarks([history[0], history[0] | {"distance": 40.0}])
    assert never_near.endswith("is 40 real variances from the data's; at first it was 30, at best 30")


def test_real_data_in_place_of_generated_ones_are_as_diverse_and_near(tmp_path):
    """Batches of the development data are samples of it, and not sorted by length."""
    rng = np.random.default_rng(0)
    waves = {
        f"{label}-{number:03}": (np.sin(np.arange(length) * 0.1) * 0.5 + rng.normal(0, 0.01, length)).astype(np.float32)
        for label in ("long", "short")
        for number, length in enumerate(rng.integers(*((2000, 4000) if label == "long" else (900, 1500)), 60))
    }
    with WaveWriter(tmp_path / "wav.ark", tmp_path / "wav.scp", 8000) as writer:
        for name, wave in waves.items():
            writer[name] = wave
    write_list(tmp_path / "utt2spk", dict.fromkeys(waves, "x"))
    data = WaveformDataset(tmp_path, None, 8000, settings := BatchSettings(size=20), segment=4096)
    system, parts = make_system("WaveGan", False, samples=4096), []
    order = [number for batch in data.dev_batches(settings) for number in batch]
    for batch in data.dev_batches(settings):
        others = data.collate([data[order[(order.index(number) + len(data) // 2) % len(data)]] for number in batch])
        system.fake = lambda latent, labels, others=others: system.represent(others.waves)
        parts.append(system.validate(data.collate([data[number] for number in batch])))
    sums = {name: [sum(float(part[name][place]) for part in parts) for place in (0, 1)] for name in parts[0]}
    assert sums["diversity"][0] / sums["diversity"][1] == pytest.approx(1.0, abs=0.1)
    assert sums["distance"][0] / sums["distance"][1] < 0.3


def test_a_generator_out_of_bounds_diverges():
    system, batch = make_system("WaveGan", False), make_batch(12)
    real = system.represent(batch.waves)
    system.fake = lambda latent, labels: real.flip(0)
    near = means(system, batch)
    system.fake = lambda latent, labels: 50 * real.flip(0)
    [remark] = system.remarks([near, means(system, batch)])
    assert remark.startswith("divergence: the mean of generated")
    system.fake = lambda latent, labels: real * float("nan")
    [remark] = system.remarks([near, means(system, batch)])
    assert remark == "divergence: generated examples, or their scores, are not finite"
