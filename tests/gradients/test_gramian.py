"""Combining through inner products: an independent implementation, granularity, micro-batches, processes."""

import math

import numpy as np
import pytest
import torch

from nrsr.gradients import GradientError, MeasuredSum, Modulation, Remedy, Sum, remedy
from nrsr.gradients.torchjd import TorchJd


def slow_remedy(s, a, k):
    """The remedy step by step as the paper has it, in float64."""
    norm_s, norm_a = math.sqrt(sum(s * s)), math.sqrt(sum(a * a))
    if norm_s == 0 or norm_a == 0:
        return s, a
    bent = s
    if np.dot(s, a) < 0:
        across = s - np.dot(s, a) / norm_a**2 * a
        bent = across + np.linalg.norm(across) / (norm_s / norm_a) * a / norm_a
    if np.linalg.norm(bent) == 0:
        return bent, a
    cosine = np.dot(bent, a) / (np.linalg.norm(bent) * norm_a)
    if np.linalg.norm(bent) / norm_a > k and cosine != 0:
        return bent * cosine, a / cosine
    return bent, a


def test_a_thousand_random_cases_agree_with_a_slow_implementation():
    rng = np.random.default_rng(0)
    for _ in range(1000):
        size = rng.integers(1, 40)
        s = rng.normal(size=size) * 10.0 ** rng.uniform(-4, 4)
        a = rng.normal(size=size) * 10.0 ** rng.uniform(-4, 4)
        k = rng.uniform(0.5, 10)
        # In one dimension s' = 0 in conflict, up to rounding, and an aligned pair has a cosine of 1.
        if size == 1 and s * a < 0:
            continue
        for found, wanted in zip(remedy(torch.tensor(s), torch.tensor(a), k), slow_remedy(s, a, k), strict=True):
            np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-6, atol=1e-6 * max(abs(wanted)))


def leave(combiner, task_gradients, names=None, micro_batches=1):
    """`.grad` of parameters whose gradients under task t are task_gradients[t], after a step; and the statistics."""
    count = len(task_gradients[0])
    parameters = [torch.nn.Parameter(torch.zeros(len(gradient))) for gradient in task_gradients[0]]
    named = dict(zip(names or [f"layer{n}.weight" for n in range(count)], parameters, strict=True))
    statistics = {}
    for _ in range(micro_batches):
        losses = {
            f"task{t}": sum((p * torch.tensor(g)).sum() for p, g in zip(parameters, gradients, strict=True))
            for t, gradients in enumerate(task_gradients)
        }
        if len(losses) == 2:
            losses = dict(zip(("asr", "se"), reversed(losses.values()), strict=True))
        statistics |= combiner.backward(losses, named, parameters)
    statistics |= combiner.finish(parameters)
    return [parameter.grad.tolist() for parameter in parameters], statistics


S, A = [[-3.0, 4.0], [5.0, 0.0]], [[3.0, 0.0], [4.0, 3.0]]


def test_granularity():
    # By tensor the inner products are -9 and +20, over both tensors +11.
    by_tensor, statistics = leave(Modulation(), [S, A])
    assert by_tensor == [[3.0, 4.0], [9.0, 3.0]] and statistics["conflicts"].item() == 0.5
    for granularity, names in (("all", ["one.weight", "two.weight"]), ("module", ["one.weight", "one.bias"])):
        together, statistics = leave(Modulation(granularity=granularity), [S, A], names)
        assert together == [[0.0, 4.0], [9.0, 3.0]], granularity
        assert statistics["conflicts"].item() == 0.0
    apart, _ = leave(Modulation(granularity="module"), [S, A], ["one.weight", "two.weight"])
    assert apart == by_tensor


def test_granularity_all_is_the_remedy_of_the_whole_vector():
    (first, second), _ = leave(Remedy(k=1.0, granularity="all"), [S, A])
    s, a = remedy(torch.tensor([*S[0], *S[1]]), torch.tensor([*A[0], *A[1]]), 1.0)
    assert [*first, *second] == pytest.approx((s + a).tolist(), abs=1e-6)


def test_once_per_update_combines_the_sum_of_micro_batches():
    generator = torch.Generator().manual_seed(0)
    steps = [[torch.randn(3, generator=generator).tolist() for _ in range(2)] for _ in range(2)]  # [batch][task]
    parameter = torch.nn.Parameter(torch.zeros(3))
    kept = {}
    for per in ("micro-batch", "update"):
        combiner, parameter.grad = Remedy(k=0.1, per=per), None
        for s, a in steps:
            losses = {"asr": (parameter * torch.tensor(a)).sum(), "se": (parameter * torch.tensor(s)).sum()}
            statistics = combiner.backward(losses, {"p": parameter}, [parameter])
            assert bool(statistics) == (per == "micro-batch")
        assert parameter.grad is None  # only finish() leaves a gradient on shared parameters
        assert bool(combiner.finish([parameter])) == (per == "update")
        kept[per] = parameter.grad
    each = sum(sum(remedy(torch.tensor(s), torch.tensor(a), 0.1)) for s, a in steps)
    once = sum(remedy(*(torch.tensor(np.sum([step[t] for step in steps], 0, np.float32)) for t in (0, 1)), 0.1))
    torch.testing.assert_close(kept["micro-batch"], each, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(kept["update"], once, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(each, once)


def test_measured_sum_is_the_sum_with_figures():
    measured, statistics = leave(MeasuredSum(), [S, A])
    plain, nothing = leave(Sum(), [S, A])
    assert measured == plain and nothing == {}
    assert statistics["ratio"].item() == pytest.approx(math.sqrt((5 / 3) * (5 / 5)))  # |se| / |asr|
    three, statistics = leave(MeasuredSum(), [[[1.0, 0.0]], [[0.0, 1.0]], [[-1.0, 0.0]]])
    assert three == [[0.0, 1.0]]
    assert statistics["conflicts"].item() == pytest.approx(1 / 3) and statistics["angle"].item() == pytest.approx(120.0)


def test_settings_that_do_not_exist_are_named():
    for options, named in (
        ({"granularity": "layer"}, "gradients.granularity: 'layer': take one of tensor, module, all"),
        ({"per": "epoch"}, "gradients.per: 'epoch': take one of micro-batch, update"),
        ({"k": 0.0}, "gradients: k 0 must be above 0"),
    ):
        with pytest.raises(GradientError, match=named):
            Remedy(**options)


def share_of(rank, world, results, port_file):
    """One of two processes: gradients of its half of the data, left in results[rank]."""
    import torch.distributed as dist

    dist.init_process_group("gloo", init_method=f"file://{port_file}", rank=rank, world_size=world)
    for name, combiner in combiners().items():
        system = two_layers()
        losses(system, slice(rank, None, world), 1 / world, combiner, unused=rank == 0)
        torch.save([p.grad for p in system.parameters()], f"{results}/{name}.{rank}")
    dist.destroy_process_group()


def combiners():
    return {
        "sum": Sum(),
        "remedy": Remedy(k=0.5),
        "update": Remedy(k=0.5, per="update", granularity="module"),
        "modulation": Modulation(granularity="all"),
        "pcgrad": TorchJd({"class": "torchjd.aggregation.PCGrad"}),
    }


def two_layers():
    torch.manual_seed(0)
    return torch.nn.ModuleDict({name: torch.nn.Linear(6, 6).double() for name in ("first", "second", "odd")})


def losses(system, part, share, combiner, unused):
    """One step on some of eight examples; the layer "odd" is used where `unused` is false."""
    torch.manual_seed(1)
    examples, targets = torch.randn(2, 8, 6, dtype=torch.float64)
    parameters = list(system.parameters())
    shared = {name: p for name, p in system.named_parameters() if name.startswith(("first", "odd"))}
    hidden = system["first"](examples[part])
    se = (hidden - targets[part]).square().sum(1).mean() * share
    out = system["second"](hidden.tanh()) + (0.0 if unused else system["odd"](examples[part]))
    asr = (out + targets[part]).square().sum(1).mean() * share
    combiner.backward({"asr": asr, "se": se}, shared, parameters)
    combiner.finish(parameters)


def test_two_processes_equal_one_on_the_joined_batch(tmp_path):
    """Both tasks' gradients are added up first; remedying in each process before would give something else."""
    import torch.multiprocessing as mp

    mp.start_processes(share_of, args=(2, str(tmp_path), str(tmp_path / "meeting")), nprocs=2, start_method="fork")
    for name, combiner in combiners().items():
        alone = two_layers()
        joined_with_odd(alone, combiner)
        for rank in range(2):
            for parameter, gradient in zip(alone.parameters(), torch.load(tmp_path / f"{name}.{rank}"), strict=True):
                torch.testing.assert_close(gradient, parameter.grad, rtol=1e-12, atol=1e-12)


def joined_with_odd(system, combiner):
    """The joined batch of both processes: "odd" serves the examples of the second one alone."""
    torch.manual_seed(1)
    examples, targets = torch.randn(2, 8, 6, dtype=torch.float64)
    parameters = list(system.parameters())
    shared = {name: p for name, p in system.named_parameters() if name.startswith(("first", "odd"))}
    hidden = system["first"](examples)
    se = (hidden - targets).square().sum(1).mean()
    second = (torch.arange(8) % 2 == 1).double().unsqueeze(1)
    asr = (system["second"](hidden.tanh()) + second * system["odd"](examples) + targets).square().sum(1).mean()
    combiner.backward({"asr": asr, "se": se}, shared, parameters)
    combiner.finish(parameters)


def test_gradients_that_share_memory_are_kept_apart():
    # autograd gives both summands the same tensor, and an expanded number for a plain sum.
    one, two, three = (torch.nn.Parameter(torch.ones(3)) for _ in range(3))
    total = (one + two) * torch.tensor([1.0, 2.0, 3.0])
    losses = {"asr": total.sum() + three.sum(), "se": -2 * total.sum() - three.sum()}
    parameters = [one, two, three]
    combiner = Modulation()
    combiner.backward(losses, {"one": one, "two": two, "three": three}, parameters)
    combiner.finish(parameters)
    assert one.grad.tolist() == two.grad.tolist() == [1.0, 2.0, 3.0]  # s = -2 a: what opposes a is all of s
    assert three.grad.tolist() == [1.0, 1.0, 1.0]
    one.grad.zero_()
    assert two.grad.tolist() == [1.0, 2.0, 3.0]


def test_a_single_task_has_its_own_gradient_and_no_conflicts():
    for combiner in (MeasuredSum(), MeasuredSum(per="update"), TorchJd({"class": "torchjd.aggregation.PCGrad"})):
        assert leave(combiner, [[[1.0, 2.0]]]) == ([[1.0, 2.0]], {})
