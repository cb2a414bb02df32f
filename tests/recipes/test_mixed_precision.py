"""Every shipped recogniser, hybrid and separator, at a small size, makes a step in mixed precision near float32's."""

from pathlib import Path

import pytest
import torch

from nrsr.config import build, load_yaml
from nrsr.data import Batch
from nrsr.data.frames import FrameBatch
from nrsr.gradients import Combiner
from nrsr.systems import System, build_system

ROOT = Path(__file__).resolve().parents[2]
SYSTEMS = ("JointAsr", "Senone", "Separation")


def kind_of(path: Path) -> str:
    return load_yaml(path).get("system", {}).get("class", "").rpartition(".")[2]


CONFIGS = sorted(path for path in ROOT.glob("egs/*/*/conf/*.yaml") if kind_of(path) in SYSTEMS)
VOCABULARY, INPUT_DIM, SENONES = 13, 24, 20
SMALL = {"width": 16, "dim": 16, "heads": 2, "ffn": 32, "blocks": 2, "chunk": 20, "n_mels": 24, "dropout": 0.0}
SMALL |= {"filters": 32, "bottleneck": 16, "hidden": 32, "skip": 16, "stacks": 1}

ENCODER = {"convolutions": [[16, 10, 5], [16, 8, 4], [16, 4, 4], [16, 4, 4]], "width": 16, "layers": 2, "heads": 2}
ENCODER |= {"feedforward": 32, "position_kernel": 16, "position_groups": 2}


def small(spec: dict) -> dict:
    """A config's `system` with sizes for a test, and no dropout."""
    changed = {key: small(value) if isinstance(value, dict) else value for key, value in spec.items()}
    changed |= {key: SMALL[key] for key in spec.keys() & SMALL.keys() if not isinstance(spec[key], dict)}
    if "channels" in spec or spec.get("class") == "nrsr.nn.ConformerEncoder":
        changed["channels"] = [8, 16] if isinstance(spec.get("channels"), list) else 8
    if spec.get("class") in ("nrsr.nn.SepFormer", "nrsr.nn.TransformerDecoder", "nrsr.frontends.MaskBlstm"):
        changed["layers"] = min(spec.get("layers", 2), 2)
    if spec.get("class") in ("nrsr.nn.ConformerEncoder", "nrsr.nn.TransformerDecoder"):
        changed["dropout"] = 0.0
    if spec.get("class") == "nrsr.frontends.ConvTasNet":
        changed |= {key: SMALL[key] for key in ("filters", "bottleneck", "hidden", "skip", "stacks")}
    if spec.get("class") == "nrsr.nn.SslFeatures":
        changed["sizes"] = {**ENCODER, **changed.get("sizes", {})}
    return changed


def frame_batch(system: System) -> FrameBatch:
    inputs = torch.randn(32, system.network.left + 1 + system.network.right, INPUT_DIM)
    labels = {name: torch.arange(32) % 2 for name in ("noise", "condition")}
    return FrameBatch(["a"], inputs, torch.randint(SENONES, (32, 1)), labels)


def speech_batch() -> Batch:
    waves, lengths = 0.1 * torch.randn(3, 6000), torch.tensor([6000, 5000, 4500])
    waves *= torch.arange(6000) < lengths[:, None]
    targets = torch.tensor([[2, 3], [5, 5], [6, 0]])
    has_clean = torch.tensor([True, True, False])
    return Batch(["a", "b", "c"], waves, lengths, 0.5 * waves, has_clean, targets, torch.tensor([2, 2, 1]))


def mixture_batch(speakers: int) -> Batch:
    sources, noise = 0.1 * torch.randn(2, speakers, 2000), 0.1 * torch.randn(2, 2000)
    waves, lengths = sources.sum(1) + noise, torch.tensor([2000, 1800])
    return Batch(["a", "b"], waves, lengths, None, torch.ones(2, dtype=torch.bool), None, None, sources=sources)


def system_and_batch(config: dict, seed: int) -> tuple[System, object]:
    torch.manual_seed(seed)
    kind = config["system"]["class"].rpartition(".")[2]
    config = {**config, "system": small(config["system"])}
    if kind == "Senone":
        classes = {name: ["a", "b"] for name in config["data"].get("labels", {})}
        metadata = {"input_dim": INPUT_DIM, "senone_counts": [1] * SENONES, "classes": classes}
        system = build_system(config, metadata=metadata)
        system.accumulate_statistics(torch.randn(4, 50, INPUT_DIM), torch.tensor([50, 40, 30, 20]))
        system.set_progress(1.0, 100.0)
        batch = frame_batch(system)
    elif kind == "Separation":
        system = build_system(config)
        batch = mixture_batch(system.speakers)
    else:
        system, batch = build_system(config, VOCABULARY), speech_batch()
        system.accumulate_statistics(batch.waves, batch.lengths)
    for module in system.modules():
        if hasattr(module, "finish"):
            module.finish()
    return system, batch


def gradient(
    config: dict, system: System, batch: object, precision: torch.dtype
) -> tuple[dict[str, float], torch.Tensor]:
    """The losses and the flat gradient of a step in a precision."""
    torch.manual_seed(1)
    system.zero_grad()
    combiner, weights = build(config["gradients"], Combiner, "gradients"), config["loss_weights"]
    with torch.autocast("cpu", precision, enabled=precision != torch.float32):
        losses = system.losses(batch, "main", weights)
    assert all(loss.dtype == torch.float32 for loss in losses.values())
    parameters, meeting = list(system.parameters()), {id(p) for p in system.shared_parameters("main")}
    shared = {name: p for name, p in system.named_parameters() if id(p) in meeting}
    combiner.backward({name: weights[name] * loss for name, loss in losses.items()}, shared, parameters)
    combiner.finish(parameters)
    grads = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])
    return {name: loss.item() for name, loss in losses.items()}, grads.double()


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_step_in_mixed_precision(path):
    config = load_yaml(path)
    for precision, near, along in ((torch.bfloat16, 0.03, 0.97), (torch.float16, 0.005, 0.995)):
        # Permutations of an untrained separator may be as good as each other, and rounding then decides between their
        # gradients: that of one draw in three must agree, and all losses.
        assert any(agreement(config, seed, precision, near) > along for seed in range(3)), precision


def agreement(config: dict, seed: int, precision: torch.dtype, near: float) -> float:
    """Cosine of the gradients of a step in float32 and in another precision; their losses agree."""
    system, batch = system_and_batch(config, seed)
    assert sum(parameter.numel() for parameter in system.parameters()) < 150_000
    expected, exact = gradient(config, system, batch, torch.float32)
    losses, found = gradient(config, system, batch, precision)
    assert found.isfinite().all()
    assert losses == pytest.approx(expected, rel=near)
    return torch.nn.functional.cosine_similarity(found, exact, dim=0).item()
