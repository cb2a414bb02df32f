"""Checkpoints that were changed after they were written: bits, and what stands where weights are expected."""

import pytest
import torch
from torch import nn

from nrsr.experiment.checkpoint import CheckpointError, load_checkpoint, load_weights, save_checkpoint, weights_in

CURE = "train again"


def saved(path, **content):
    save_checkpoint(path, content)
    return path


def test_every_flipped_bit_of_a_weight_is_noticed(tmp_path):
    path = saved(tmp_path / "model.pt", model={"a": torch.randn(40), "b": torch.arange(30)})
    whole = path.read_bytes()
    for tensor in torch.load(path, weights_only=True)["model"].values():
        start = whole.index(tensor.numpy().tobytes())
        for offset in range(0, tensor.nbytes, 7):
            changed = bytearray(whole)
            changed[start + offset] ^= 1 << offset % 8
            path.write_bytes(changed)
            with pytest.raises(CheckpointError, match=r"model.pt: changed since it was written \(checksum of archive/"):
                load_checkpoint(path, CURE)


def test_any_flipped_bit_is_noticed_or_changes_nothing(tmp_path):
    path = saved(tmp_path / "model.pt", model={"a": torch.randn(5)}, epochs=[1, 2])
    whole = path.read_bytes()
    expected = load_checkpoint(path, CURE)
    noticed = 0
    for place in range(0, len(whole), 5):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        try:
            content = load_checkpoint(path, CURE)
        except CheckpointError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
            noticed += 1
        else:
            assert torch.equal(content["model"].pop("a"), expected["model"]["a"])
            assert content["epochs"] == [1, 2]
    assert noticed > len(whole) // 5 // 4


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.zeros(2, 3))
        self.register_buffer("n", torch.tensor(3))


GOOD = {"a": torch.ones(2, 3), "n": torch.tensor(4)}


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (None, "holds no weights under 'model'"),
        (3, "holds no weights under 'model'"),
        ({}, "holds no weights under 'model'"),
        (GOOD | {"a": [1.0]}, "model: a is a list, not a weight"),
        (GOOD | {"a": torch.ones(2, 3).to_sparse()}, "a is a tensor of layout torch.sparse_coo"),
        (GOOD | {"a": torch.ones(2, 3, device="meta")}, r"a is a tensor without values \(meta\)"),
        (GOOD | {"a": torch.ones(2, 3, dtype=torch.complex64)}, "a is a tensor of torch.complex64"),
        (GOOD | {"a": torch.full((2, 3), torch.nan)}, "a is a tensor with NaN"),
        (GOOD | {7: torch.ones(1)}, "7 is no name"),
        (GOOD | {"a": torch.ones(2, 3, dtype=torch.int64)}, r"a is \(2, 3\) of torch.int64, the config's .* \(2, 3\);"),
        (GOOD | {"n": torch.tensor(1.0)}, r"n is \(\), the config's system has \(\) of torch.int64"),
        (GOOD | {"b": torch.ones(1)}, r"b is \(1,\), the config's system has nothing"),
        ({"a": torch.ones(2, 3)}, r"n is nothing, the config's system has \(\) of torch.int64"),
    ],
)  # fmt: skip
def test_what_is_no_weight_is_named(tmp_path, model, message):
    path = saved(tmp_path / "model.pt", **({} if model is None else {"model": model}))
    with pytest.raises(CheckpointError, match=message):
        load_weights(Small(), weights_in(load_checkpoint(path, CURE), path, CURE), path)


def test_floats_of_another_width_and_infinity_are_weights(tmp_path):
    path = saved(tmp_path / "model.pt", model=GOOD | {"a": torch.tensor([[torch.inf, -torch.inf, 1.0]] * 2).half()})
    module = Small()
    load_weights(module, weights_in(load_checkpoint(path, CURE), path, CURE), path)
    assert module.a[0, 1] == -torch.inf and module.a.dtype == torch.float32
