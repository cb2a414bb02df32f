"""TorchJD: its aggregators as on the gradients themselves, vectors from YAML, refusals before training."""

import math

import pytest
import torch

from nrsr.config import ConfigError
from nrsr.config.yaml_files import load_yaml
from nrsr.experiment.turn_settings import parse_turns
from nrsr.gradients import GradientError, Modulation
from nrsr.gradients.torchjd import TorchJd, roots
from nrsr.training.turns import build_turns

aggregation = pytest.importorskip("torchjd.aggregation")
pytestmark = pytest.mark.filterwarnings(
    "ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::RuntimeWarning"
)

OPTIONS = {
    "AlignedMTL": {},
    "CAGrad": {"c": 0.5},
    "ConFIG": {},
    "Constant": {"weights": [1.0, 0.5]},
    "DualProj": {},
    "FairGrad": {"alpha": 1.0},
    "GradVac": {},
    "IMTLG": {},
    "Krum": {"n_byzantine": 0},
    "MGDA": {},
    "Mean": {},
    "NashMTL": {"n_tasks": 2},
    "PCD": {},
    "PCGrad": {},
    "Sum": {},
    "UPGrad": {},
}
SINGLE_ENTRIES = ("ExcessMTL", "GradDrop", "TrimmedMean")


def direct(name, matrix, options):
    """TorchJD on the gradients [tasks, entries] themselves, or None where a library is missing."""
    vectors = {key: torch.tensor(value) if isinstance(value, list) else value for key, value in options.items()}
    try:
        return getattr(aggregation, name)(**vectors)(matrix)
    except ImportError:
        pytest.skip("an optional library is missing")


def combined(name, matrix, **options):
    """What our combiner leaves for the same gradients, as those of several parameters."""
    combiner = TorchJd({"class": f"torchjd.aggregation.{name}", **options})
    parameters = [torch.nn.Parameter(torch.zeros(width, dtype=matrix.dtype)) for width in (1, matrix.shape[1] - 1)]
    rows = [row.split([1, matrix.shape[1] - 1]) for row in matrix]
    losses = {
        f"task{number}": sum((p * part).sum() for p, part in zip(parameters, row, strict=True))
        for number, row in enumerate(rows)
    }
    combiner.check(list(losses))
    combiner.backward(losses, {f"p{number}": p for number, p in enumerate(parameters)}, parameters)
    combiner.finish(parameters)
    return torch.cat([p.grad for p in parameters])


def gradients(count, kind):
    found = torch.randn(count, 500, generator=torch.Generator().manual_seed(count))
    if kind == "conflict":
        found[1] = 0.4 * found[1] - found[0]
    elif kind == "parallel":
        found[1] = 0.3 * found[0]
    elif kind == "tiny":
        found[1] *= 1e-10
    elif kind == "zero":
        found[1] = 0.0
    return found


@pytest.mark.parametrize("kind", ["any", "conflict", "parallel", "tiny", "zero"])
@pytest.mark.parametrize("name", OPTIONS)
def test_it_is_torchjd_on_the_gradients_themselves(name, kind):
    options = OPTIONS[name]
    if kind == "tiny" and name in ("FairGrad", "NashMTL"):
        pytest.skip("their solvers give up early on such gradients, each time elsewhere")
    matrix = gradients(3 if name == "Krum" else 2, kind)
    expected = direct(name, matrix, options)
    found = combined(name, matrix, **options)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4 * max(expected.norm().item(), 1e-3))


def test_three_tasks_of_which_one_is_the_sum_of_the_others():
    matrix = gradients(3, "any")
    matrix[2] = 0.3 * matrix[0] + 0.7 * matrix[1]
    for name in ("AlignedMTL", "ConFIG", "DualProj", "IMTLG", "MGDA", "PCD", "UPGrad"):
        expected = direct(name, matrix, {})
        torch.testing.assert_close(combined(name, matrix), expected, rtol=0, atol=1e-4 * expected.norm().item())


def test_every_aggregator_is_compared_or_refused():
    names = {name for name in aggregation.__all__ if issubclass(getattr(aggregation, name), aggregation.Aggregator)}
    bases = {"Aggregator", "WeightedAggregator", "GramianWeightedAggregator"}
    assert names - bases == {*OPTIONS, *SINGLE_ENTRIES, "Random"}  # Random draws its weights


@pytest.mark.parametrize("name", SINGLE_ENTRIES)
def test_what_looks_at_single_entries_is_refused_by_name(name):
    options = {"trim_number": 1} if name == "TrimmedMean" else {}
    with pytest.raises(ConfigError, match=f"gradients.aggregator: {name} looks at single entries"):
        TorchJd({"class": f"torchjd.aggregation.{name}", **options})


def test_config_has_the_angle_bisecting_direction_not_that_of_the_sum():
    # Units along two axes, so the direction is the diagonal and its length that of the projections: (1 + 100) / sqrt 2.
    found = combined("ConFIG", torch.tensor([[1.0, 0.0, 0.0], [0.0, 100.0, 0.0]]))
    torch.testing.assert_close(found, torch.tensor([50.5, 50.5, 0.0]))


@pytest.mark.parametrize("short", [1, 2])
def test_pcd_with_a_task_that_is_nearly_silent_keeps_the_norm_of_the_first(short):
    matrix = torch.randn(3, 12, generator=torch.Generator().manual_seed(0))
    matrix[short] *= 1e-10
    assert combined("PCD", matrix).norm().item() == pytest.approx(matrix[0].norm().item(), rel=1e-4)


@pytest.mark.parametrize(
    ("name", "options"),
    [("AlignedMTL", {"pref_vector": [1, 2]}), ("ConFIG", {"pref_vector": [1.0, 2.0]}), ("PCD", {"tau": [0.1]})],
)
def test_vectors_come_as_lists_from_yaml(name, options, tmp_path):
    (tmp_path / "c.yaml").write_text(
        f"class: torchjd.aggregation.{name}\n" + "".join(f"{k}: {v}\n" for k, v in options.items())
    )
    options = {key: value for key, value in load_yaml(tmp_path / "c.yaml").items() if key != "class"}
    matrix = gradients(2, "conflict")
    expected = direct(name, matrix, {key: [float(n) for n in value] for key, value in options.items()})
    torch.testing.assert_close(combined(name, matrix, **options), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "options", "named"),
    [
        ("Krum", {"n_byzantine": 0}, "Krum does not combine the gradients of the 2 losses asr, se .*3 rows"),
        ("Constant", {"weights": [1, 2, 3]}, "Constant does not combine .* 2 losses asr, se"),
        ("AlignedMTL", {"pref_vector": [1.0]}, "AlignedMTL does not combine .* 2 losses asr, se"),
        ("NashMTL", {"n_tasks": 3}, "NashMTL does not combine .* 2 losses asr, se"),
        ("UPGrad", {"projector": {"norm_eps": 1}}, "UPGrad does not combine"),
        ("Constant", {"weights": [[1, 2]]}, "give its vectors as lists of numbers"),
        ("Constant", {"weights": 1.0}, "give its vectors as lists of numbers"),
    ],
)
def test_settings_that_do_not_fit_the_losses_are_refused_before_training(name, options, named):
    spec = {
        "class": "nrsr.gradients.torchjd.TorchJd",
        "aggregator": {"class": f"torchjd.aggregation.{name}", **options},
    }
    with pytest.raises((ConfigError, GradientError), match=named) as refused:
        build_turns(config(spec), Toy())
    assert "\n" not in str(refused.value)


def config(spec):
    return parse_turns(
        {
            "loss_weights": {"asr": 1.0, "se": 1.0},
            "gradients": spec,
            "optimiser": {"class": "torch.optim.SGD", "lr": 1.0},
        }
    )


class Toy(torch.nn.Linear):
    """As much of a system as turns are built from."""

    def __init__(self):
        super().__init__(2, 2)

    def turns(self):
        return {"main": list(self.parameters())}

    def shared_parameters(self, turn):
        return list(self.parameters())


def test_losses_that_a_combiner_does_not_know_are_refused_before_training():
    with pytest.raises(GradientError, match="Modulation combines the losses sep and se, loss_weights has asr, se"):
        build_turns(config({"class": "nrsr.gradients.Modulation", "main": "sep"}), Toy())
    assert isinstance(build_turns(config({"class": "nrsr.gradients.Modulation"}), Toy())[0].combiner, Modulation)


def test_the_scale_of_float16_changes_nothing():
    """Nash-MTL holds the norm at 1 at most: of the gradient, not of the scaled one."""
    matrix, scale = gradients(2, "any"), 1024.0
    spec = {"class": "torchjd.aggregation.NashMTL", "n_tasks": 2}
    [turn] = build_turns(config({"class": "nrsr.gradients.torchjd.TorchJd", "aggregator": spec}), Toy(), "float16")
    assert turn.combiner.loss_scale() == turn.scaler.get_scale() == 65536.0
    turn.combiner.loss_scale = lambda: scale
    parameter = torch.nn.Parameter(torch.zeros(500))
    losses = {name: scale * (parameter * row).sum() for name, row in zip(("asr", "se"), matrix, strict=True)}
    turn.combiner.backward(losses, {"p": parameter}, [parameter])
    turn.combiner.finish([parameter])
    torch.testing.assert_close(parameter.grad / scale, direct("NashMTL", matrix, {"n_tasks": 2}), rtol=1e-3, atol=1e-5)


def test_no_gradient_at_all_is_combined_to_none():
    for name in ("NashMTL", "UPGrad", "ConFIG", "PCGrad"):
        assert not combined(name, torch.zeros(2, 5), **OPTIONS[name]).any()


def test_three_tasks_by_groups_leave_the_generator_alone():
    before = torch.get_rng_state()
    matrix = torch.tensor([[1.0, 1.0, 0.0], [2.0, -1.0, 1.0], [3.0, 0.0, -1.0]])
    found, again = (tensor_by_tensor(matrix) for _ in range(2))
    assert torch.equal(found, again) and torch.equal(torch.get_rng_state(), before)
    assert found[0].item() == 6.0  # no conflict there: the sum


def test_the_generators_of_gpus_are_left_alone(monkeypatch):
    reseeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", reseeded.append)
    torch.manual_seed(0)
    assert reseeded == [0]
    combined("PCGrad", gradients(2, "conflict"))
    assert reseeded == [0]


def tensor_by_tensor(matrix):
    combiner = TorchJd({"class": "torchjd.aggregation.PCGrad"}, granularity="tensor")
    parameters = [torch.nn.Parameter(torch.zeros(width)) for width in (1, 2)]
    losses = {str(n): (parameters[0] * row[:1]).sum() + (parameters[1] * row[1:]).sum() for n, row in enumerate(matrix)}
    combiner.backward(losses, {"one": parameters[0], "two": parameters[1]}, parameters)
    combiner.finish(parameters)
    return torch.cat([p.grad for p in parameters])


def test_roots_have_the_inner_products():
    rows = torch.randn(5, 3, 7, dtype=torch.float64)
    rows[:, 1] *= 1e-10
    gramians = rows @ rows.mT
    small = roots(gramians)
    torch.testing.assert_close(small @ small.mT, gramians, rtol=1e-12, atol=1e-22)
    assert not roots(torch.zeros(1, 2, 2, dtype=torch.float64)).any()


def test_a_gradient_that_is_not_finite_is_passed_on():
    found = combined("PCGrad", torch.tensor([[math.inf, 1.0], [1.0, 1.0]]))
    assert not found.isfinite().all()


def test_what_is_no_aggregator_is_refused():
    with pytest.raises(ConfigError, match="gradients.aggregator"):
        TorchJd({"class": "torch.nn.Linear", "in_features": 1, "out_features": 1})
