"""What validations of audio GANs measure, against numbers by hand; collapse and divergence are named."""

import numpy as np
import pytest
import torch
from toy_gans import GAMES, make_batch, make_system

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
    history = [{"diversity": 1.0, "distance": value} for value in (30.0, 5.0, 0.7, 1.9, 3.9, 4.1)]
    said = [system.remarks(history[: number + 1]) for number in range(len(history))]
    assert said[:5] == [[]] * 5  # far away at first, nearer, near, and not beyond the data yet
    assert said[5] == ["divergence: the mean of generated examples is 4.1 real variances from the data's; it was 0.7"]
    both = system.remarks([*history, {"diversity": 0.05, "distance": 100.0}])
    assert [remark.split(":")[0] for remark in both] == ["mode collapse", "divergence"]


def test_a_generator_out_of_bounds_diverges():
    system, batch = make_system("WaveGan", False), make_batch(12)
    real = system.represent(batch.waves)
    system.fake = lambda latent, labels: real.flip(0)
    near = means(system, batch)
    system.fake = lambda latent, labels: 50 * real.flip(0)
    [remark] = system.remarks([near, means(system, batch)])
    assert remark.startswith("divergence: ")
