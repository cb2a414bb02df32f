"""Gradient remedy and modulation: worked vectors, geometry, and what the combiners leave in `.grad`."""

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nrsr.gradients import GradientError, Modulation, Remedy, Sum, modulate, remedy
from nrsr.gradients.gradient_remedy import remedy_factors

# s, a, s*, a*, total of the remedy, total of modulation (k = 5)
WORKED = {
    "conflict": ([-3, 4], [3, 0], [2.4, 4], [3, 0], [5.4, 4], [3, 4]),
    "conflict, unit a": ([-1, 2], [1, 0], [0.89442719, 2], [1, 0], [1.89442719, 2], [1, 2]),
    "conflict, rescale": (
        *([-6, 8], [1, 0], [0.07960298, 0.79602975], [10.04987562, 0], [10.1294786, 0.79602975], [1, 8]),
    ),
    "aligned, rescale": ([8, 6], [1, 0], [6.4, 4.8], [1.25, 0], [7.65, 4.8], [9, 6]),
    "ratio is k": ([3, 4], [1, 0], [3, 4], [1, 0], [4, 4], [4, 4]),
    "orthogonal": ([0, 10], [1, 0], [0, 10], [1, 0], [1, 10], [1, 10]),
    "three dimensions": (
        [-2, 1, 2],
        [2, 2, -1],
        [0.68050172, 3.68050172, 0.65974914],
        [2, 2, -1],
        [2.68050172, 5.68050172, -0.34025086],
        [0.88888889, 3.88888889, 0.55555556],
    ),
    "opposite": ([-2, 0], [4, 0], [0, 0], [4, 0], [4, 0], [4, 0]),
    "no s": ([0, 0], [3, 4], [0, 0], [3, 4], [3, 4], [3, 4]),
    "no a": ([3, 4], [0, 0], [3, 4], [0, 0], [3, 4], [3, 4]),
    "neither": ([0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]),
}
worked = pytest.mark.parametrize("case", WORKED.values(), ids=WORKED)


def close(found, expected):
    torch.testing.assert_close(found, torch.as_tensor(expected, dtype=found.dtype), atol=1e-6, rtol=1e-6)


@worked
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_worked_vectors(case, dtype):
    s, a, s_star, a_star, remedied, modulated = (torch.tensor(vector, dtype=dtype) for vector in case)
    found_s, found_a = remedy(s, a, k=5.0)
    assert found_s.dtype == found_a.dtype == dtype
    close(found_s, s_star)
    close(found_a, a_star)
    close(found_s + found_a, remedied)
    close(modulate(s, a) + a, modulated)


vectors = st.lists(st.floats(-5, 5, allow_subnormal=False), min_size=3, max_size=3)


@given(vectors, vectors, st.floats(1e-3, 1e3))
@settings(max_examples=200, deadline=None)
def test_geometry_of_the_remedy(s, a, scale):
    s, a = torch.tensor(s, dtype=torch.float64), torch.tensor(a, dtype=torch.float64)
    assume(s.norm() > 1e-2 and a.norm() > 1e-2)
    cosine = float(s @ a / (s.norm() * a.norm()))
    assume(cosine > -0.9999)
    bent, same = remedy(s, a, k=math.inf)  # no rescale: s* is s'
    assert torch.equal(same, a)
    if cosine < 0:
        # |s'| = sin φ sqrt(|s|² + |a|²), and the angle between s' and a is θ with tan θ = |s|/|a|
        sine = math.sqrt(1 - cosine**2)
        assert float(bent.norm()) == pytest.approx(sine * math.hypot(s.norm(), a.norm()), rel=1e-6)
        along = float(bent @ a / (bent.norm() * a.norm()))
        assert along == pytest.approx(float(a.norm()) / math.hypot(s.norm(), a.norm()), rel=1e-6)
        assert abs(float(modulate(s, a) @ a)) < 1e-9
    else:
        assert torch.equal(bent, s)
        assert torch.equal(modulate(s, a), s)
    # A common scale, as of mixed precision, passes through.
    for left, right in zip(remedy(s * scale, a * scale), remedy(s, a), strict=True):
        torch.testing.assert_close(left, right * scale, rtol=1e-6, atol=0)


def test_floor_bounds_the_rescale():
    ss, aa, sa = (torch.tensor([value], dtype=torch.float64) for value in (100.0, 1.0, 0.01))
    assert remedy_factors(ss, aa, sa, 5.0)[2].item() == pytest.approx(1000.0)
    assert remedy_factors(ss, aa, sa, 5.0, floor=0.25)[2].item() == pytest.approx(4.0)


def combined(combiner, losses, shared, parameters):
    """One step of one micro-batch: the statistics, with the gradient left in `.grad`."""
    named = {f"layer.{number}": parameter for number, parameter in enumerate(shared)}
    return combiner.backward(losses, named, parameters) | combiner.finish(parameters)


def model(gradients_s, gradients_a, device="cpu"):
    """Parameters whose "se" and "asr" gradients are the vectors given."""
    parameters = [torch.nn.Parameter(torch.ones(len(s), device=device)) for s in gradients_s]

    def losses():
        named = {"se": gradients_s, "asr": gradients_a}
        return {
            name: sum(
                (p * torch.tensor(g, dtype=p.dtype, device=device)).sum()
                for p, g in zip(parameters, gradients, strict=True)
            )
            for name, gradients in named.items()
        }

    return parameters, losses


@worked
def test_combiners_leave_the_total_in_grad_and_accumulate(case):
    s, a, _, _, remedied, modulated = case
    for combiner, total in ((Remedy(), remedied), (Modulation(), modulated)):
        parameters, losses = model([s], [a])
        for repeat in (1, 2):
            combined(combiner, losses(), parameters, parameters)
            close(parameters[0].grad, [repeat * value for value in total])


def test_each_tensor_is_combined_by_itself():
    parameters, losses = model([[-3.0, 4.0], [5.0, 0.0]], [[3.0, 0.0], [4.0, 3.0]])
    statistics = combined(Modulation(), losses(), parameters, parameters)
    close(parameters[0].grad, [3.0, 4.0])  # s·a = -9
    close(parameters[1].grad, [9.0, 3.0])  # s·a = +20; over both tensors the sum would be +11
    assert statistics["conflicts"].item() == 0.5
    expected = (math.degrees(math.acos(-0.6)) + math.degrees(math.acos(0.8))) / 2
    assert statistics["angle"].item() == pytest.approx(expected)


def test_parameters_that_are_not_shared_keep_the_plain_sum():
    parameters, losses = model([[-3.0, 4.0], [-3.0, 4.0]], [[3.0, 0.0], [3.0, 0.0]])
    only_asr, only_se, unused = (torch.nn.Parameter(torch.tensor([1.0])) for _ in range(3))
    named = losses()
    named["asr"] = named["asr"] + 2 * only_asr.sum()
    named["se"] = named["se"] + 3 * only_se.sum()
    everything = [only_asr, *parameters, only_se, unused]
    statistics = combined(Remedy(), named, [parameters[0], only_asr], everything)
    close(parameters[0].grad, [5.4, 4.0])
    close(parameters[1].grad, [0.0, 4.0])
    assert (only_asr.grad.item(), only_se.grad.item(), unused.grad) == (2.0, 3.0, None)
    assert {name: value.dim() for name, value in statistics.items()} == dict.fromkeys(
        ("conflicts", "angle", "ratio", "angle_after", "rescaled", "steep"), 0
    )


def test_equal_to_the_sum_where_no_tensors_conflict():
    gradients = ([[1.0, 2.0]], [[2.0, 1.0]])
    results = []
    for combiner in (Sum(), Remedy(), Modulation()):
        parameters, losses = model(*gradients)
        combined(combiner, losses(), parameters, parameters)
        results.append(parameters[0].grad)
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


@pytest.mark.parametrize("combiner", [Sum(), Remedy(), Modulation()], ids=lambda one: type(one).__name__)
def test_nothing_waits_for_the_device(combiner):
    # Tensors of the meta device hold no numbers: reading one on the host raises.
    parameters, losses = model([[-3.0, 4.0]] * 2, [[3.0, 0.0]] * 2, device="meta")
    statistics = combined(combiner, losses(), parameters, parameters)
    assert all(value.device.type == "meta" for value in statistics.values())
    assert all(parameter.grad.device.type == "meta" for parameter in parameters)


def test_a_gradient_that_is_not_finite_stays_visible():
    for combiner in (Remedy(), Modulation()):
        parameters, losses = model([[1.0, 2.0]], [[math.inf, 1.0]])
        combined(combiner, losses(), parameters, parameters)
        assert not parameters[0].grad.isfinite().all()


def test_losses_that_do_not_fit_are_named():
    parameters, losses = model([[1.0]], [[1.0]])
    with pytest.raises(GradientError, match="Remedy combines the losses asr and se, loss_weights has asr;"):
        combined(Remedy(), {"asr": losses()["asr"]}, parameters, parameters)
    named = losses()
    combined(Remedy(main="ss", auxiliary="se"), {"ss": named["asr"], "se": named["se"]}, parameters, parameters)
    assert parameters[0].grad.item() == 2.0
