"""Public files of self-supervised encoders, read without running code: weights by the names of ours."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from nrsr.experiment.checkpoint import CheckpointError, load_file, oddity
from nrsr.experiment.encoder_layouts import join_attention, layout_of, sort_names
from nrsr.listing import listed
from nrsr.nn.ssl_encoder import SslEncoder
from nrsr.nn.ssl_sizes import PUBLISHED, SslSizes
from nrsr.packages import optional_module

SAFE = ".safetensors"
IN_FOLDERS = ("model.pt", f"model{SAFE}", "pytorch_model.bin")
CURE = (
    "give a torchaudio state dict, pytorch_model.bin or model.safetensors of Hugging Face, or a checkpoint of fairseq; "
    "one with other objects you trust becomes one of weights alone by "
    "torch.save({'model': torch.load(FILE, weights_only=False)['model']}, NEW)"
)
# What a checkpoint of fairseq keeps beside its weights, to go on with the training.
OF_THE_TRAINING = (
    *("args", "cfg", "criterion", "optimizer_history", "last_optimizer_state", "extra_state", "task_state"),
    *("best_loss", "epoch", "batch_offset", "val_loss"),
)


class PublicEncoder(NamedTuple):
    """What a public file holds.

    Attributes:
        weights: by the names of `SslEncoder`.
        layout: what wrote it.
        dropped: name in the file -> why it is not of the encoder.
    """

    weights: dict[str, Tensor]
    layout: str
    dropped: dict[str, str]

    def remark(self) -> str:
        """Where the weights are from and what was left, in a line."""
        parts: dict[str, list[str]] = {}
        for name, reason in self.dropped.items():
            parts.setdefault(reason, []).append(name)
        left = "; ".join(f"{listed(names, 3)} ({reason})" for reason, names in parts.items())
        return f"layout of {self.layout}{f', left out: {left}' if left else ''}"


def weights_file(source: Path) -> Path:
    """The file with the weights: `source`, or what a folder has of model.pt, model.safetensors, pytorch_model.bin."""
    if not source.is_dir():
        return source
    return next((file for name in IN_FOLDERS if (file := source / name).is_file()), source / IN_FOLDERS[0])


def encoder_in(content: Any, file: Path) -> PublicEncoder | None:
    """The encoder that the content of a public file holds; None where its names are none of a known layout.

    Raises:
        CheckpointError: a name or an entry of which nothing is known, or a value that is no weight.
    """
    whole = content if isinstance(content, Mapping) else {}
    weights = whole["model"] if isinstance(whole.get("model"), Mapping) else whole
    if (layout_and_prefix := layout_of(weights)) is None:
        return None
    if weights is not whole:
        _refuse_rest(whole, file)
    for name, value in weights.items():
        if odd := oddity(value):
            raise CheckpointError(f"{file}: {name} is {odd}, not a weight; {CURE}")
    layout, prefix = layout_and_prefix
    ours, dropped, unknown = sort_names(weights, layout, prefix)
    if unknown:
        raise CheckpointError(
            f"{file}: of {listed(unknown, 8)} nothing is known in the layout of {layout.name}; {CURE}"
        )
    weights = join_attention({ours[name]: value for name, value in weights.items() if name in ours})
    return PublicEncoder(weights, layout.name, dropped)


def _refuse_rest(content: Mapping[str, Any], file: Path) -> None:
    if rest := [name for name in content if name != "model" and name not in OF_THE_TRAINING]:
        raise CheckpointError(f"{file}: holds {listed(rest)} beside 'model', of which nothing is known; {CURE}")


def read_tensors(file: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file.

    Raises:
        CheckpointError: no such file, or a broken one.
        PackageError: without the package safetensors.
    """
    safetensors = optional_module("safetensors.torch", file.name, "pip install safetensors")
    try:
        return safetensors.load_file(file)
    except FileNotFoundError as error:
        raise CheckpointError(f"{file}: no such file; {CURE}") from error
    except OSError as error:
        raise CheckpointError(f"{file}: {error.strerror or error}; {CURE}") from error
    except Exception as error:  # SafetensorError, which is no child of a known class
        raise CheckpointError(f"{file}: truncated, corrupt or foreign ({error}); {CURE}") from error


def read_public(file: Path) -> Any:
    """What a public file of an encoder holds; settings of fairseq in it are placeholders.

    Raises:
        CheckpointError, PackageError: as `load_file` and `read_tensors`.
    """
    if file.suffix == SAFE:
        return read_tensors(file)
    with _placeholders(file):
        return load_file(file, CURE, older=True)


class _Placeholder:
    """Stands for a setting in a checkpoint of fairseq, which is not looked at."""

    def __init__(self, *_: Any) -> None:
        return

    def __new__(cls, *_: Any) -> "_Placeholder":
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        return


def _empty_dict(*_: Any) -> dict:
    return {}


# The settings of fairseq are objects of these; none of them is made, nor is their code imported.
SETTINGS = re.compile(
    r"argparse\.Namespace|collections\.defaultdict|(fairseq|omegaconf|typing)\..*"
    r"|builtins\.(dict|list|tuple|set|str|int|float|bool|object)"
)
OF_OLD_FILES = ("argparse.Namespace", "fairseq.data.dictionary.Dictionary")


def _placeholders(file: Path) -> AbstractContextManager:
    """Within it, settings of fairseq are read as placeholders, and any other object is refused by torch as ever."""
    try:
        from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals
    except ImportError:  # torch before 2.6; it refuses such files
        return nullcontext()
    try:
        names = get_unsafe_globals_in_checkpoint(file)
    except Exception:  # no file, a broken one, or one of torch before 1.6, on which load_file has the word
        names = OF_OLD_FILES
    if foreign := [name for name in names if not SETTINGS.fullmatch(name)]:
        raise CheckpointError(f"{file}: holds {listed(foreign)}, and is not loaded, since that could run code; {CURE}")
    makers = {"collections.defaultdict": _empty_dict}
    return safe_globals([(makers.get(name, _Placeholder), name) for name in names])


def likeness(weights: Mapping[str, Tensor]) -> str:
    """Which published encoders have the sizes of these weights, and what these are; for a message."""
    layers = len({match[1] for name in weights if (match := re.match(r"encoder\.transformer\.layers\.(\d+)\.", name))})
    projection = weights.get("encoder.feature_projection.projection.weight")
    width = 0 if projection is None else len(projection)
    group = "feature_extractor.conv_layers.1.layer_norm.weight" not in weights
    positions = any(name.endswith("gru_rel_pos_const") for name in weights)
    bias = "feature_extractor.conv_layers.0.conv.bias" in weights

    def fits(sizes: SslSizes) -> bool:
        traits = (layers, width, "group" if group else "layer", positions)
        return traits == (sizes.layers, sizes.width, sizes.convolution_norm, bool(sizes.buckets))

    alike = [name for name, sizes in PUBLISHED.items() if fits(sizes)]
    # Hugging Face's HuBERT large has biases in its convolutions, and fairseq's has none.
    same = [name for name in alike if PUBLISHED[name].convolution_bias == bias]
    other = [name for name in alike if name not in same]
    likenesses = [" or ".join(same)] if same else []
    if other:
        likenesses.append(f"{' or '.join(other)} with sizes: {{convolution_bias: {str(bias).lower()}}}")
    return f"{layers} layers of {width}" + (f", as {', or '.join(likenesses)}" if likenesses else "")


def encoder_around(modules: Mapping[str, Any], name: str) -> str | None:
    """The name of the encoder that a module is, or is part of; None for other modules."""
    parts = name.split(".")
    names = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((outer for outer in names if isinstance(modules.get(outer), SslEncoder)), None)
