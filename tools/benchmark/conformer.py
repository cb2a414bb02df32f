"""A training step of the conformer recogniser beside ESPnet's and SpeechBrain's, of the same sizes.

Example:
    python tools/benchmark/conformer.py --repeats 10
    python tools/benchmark/conformer.py --peers FOLDER --batch 16 --seconds 10

A step is the forward pass of encoder, output layer and CTC loss over 1,000 units, in training with dropout, and the
backward pass; no optimiser. Sizes are those of the gradient-remedy paper: 12 blocks of 256 with 4 heads, 2048 units
and kernel 15 behind two convolutions of 256 channels, on 80 features each 10 ms. SpeechBrain's front-end of
convolutions has the same channels here, and neither norm nor dropout; its recipes take 64 and 32 channels, which
saves a quarter of its step (--channels sets them in both; ESPnet has as many as the encoder is wide).

The three take turns, on one thread; the smallest processor time of each counts, the median stands beside it. The peers
(speechbrain 1.1.2, espnet 202511) are installed by pip without their dependencies, but for the few that an import
needs, into a folder of their own (--peers). Goal: both ratios, theirs by ours, 1.1 at least.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn

from nrsr.nn import ConformerEncoder
from nrsr.nn.losses import ctc_loss

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "nrsr" / "peers"
PEERS = ("speechbrain==1.1.2", "espnet==202511")
NEEDED = ("typeguard==4.6.1", "hyperpyyaml==1.2.3", "ruamel.yaml==0.19.1", "joblib==1.6.0", "huggingface_hub==2.4.0")
FEATURES, UNITS, FRAMES_A_SECOND, UNITS_A_SECOND = 80, 1000, 100, 4
BLOCKS, DIM, HEADS, FFN, KERNEL, DROPOUT = 12, 256, 4, 2048, 15, 0.1


class Batch:
    """Noise in place of features [B, N, 80], all of one length, and units."""

    def __init__(self, size: int, seconds: float) -> None:
        generator = torch.Generator().manual_seed(0)
        frames, units = round(seconds * FRAMES_A_SECOND), max(round(seconds * UNITS_A_SECOND), 1)
        self.features = torch.randn(size, frames, FEATURES, generator=generator)
        self.frames = torch.full((size,), frames)
        self.targets = torch.randint(1, UNITS, (size, units), generator=generator)
        self.target_lengths = torch.full((size,), units)


class Ours(nn.Module):
    """The encoder and output layer of `nrsr.systems.JointAsr`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.encoder = ConformerEncoder(FEATURES, BLOCKS, DIM, HEADS, FFN, KERNEL, channels=channels, dropout=DROPOUT)
        self.output = nn.Linear(DIM, UNITS)

    def forward(self, batch: Batch) -> Tensor:
        hidden, lengths = self.encoder(batch.features, batch.frames)
        log_probs = self.output(hidden).float().log_softmax(2)
        return ctc_loss(log_probs, lengths, batch.targets, batch.target_lengths).mean()


class Espnet(nn.Module):
    """The encoder of ESPnet's recipes of the conformer (`rel_pos_type: latest`), and its CTC."""

    def __init__(self, channels: int) -> None:
        from espnet2.asr.ctc import CTC
        from espnet2.asr.encoder.conformer_encoder import ConformerEncoder as Encoder

        super().__init__()
        rates = {f"{part}dropout_rate": DROPOUT for part in ("", "positional_", "attention_")}
        self.encoder = Encoder(
            FEATURES, DIM, HEADS, FFN, BLOCKS, **rates, macaron_style=True, rel_pos_type="latest",
            cnn_module_kernel=KERNEL,
        )  # fmt: skip
        self.ctc = CTC(UNITS, DIM)

    def forward(self, batch: Batch) -> Tensor:
        hidden, lengths, _ = self.encoder(batch.features, batch.frames)
        return self.ctc(hidden, lengths, batch.targets, batch.target_lengths)


class SpeechBrain(nn.Module):
    """The conformer of SpeechBrain's recipes (`RelPosMHAXL`) behind its front-end of convolutions, and its CTC loss."""

    def __init__(self, channels: int) -> None:
        from speechbrain.lobes.models.convolution import ConvolutionFrontEnd
        from speechbrain.lobes.models.transformer.Conformer import ConformerEncoder as Encoder
        from speechbrain.nnet.activations import Swish
        from speechbrain.nnet.attention import RelPosEncXL
        from speechbrain.nnet.linear import Linear

        super().__init__()
        self.front = ConvolutionFrontEnd(
            (8, 10, FEATURES), num_blocks=2, num_layers_per_block=1, out_channels=(channels, channels),
            kernel_sizes=(3, 3), strides=(2, 2), residuals=(False, False), norm=None, dropout=0.0,
        )  # fmt: skip
        self.project = nn.Sequential(Linear(DIM, input_size=channels * FEATURES // 4), nn.Dropout(DROPOUT))
        self.positions = RelPosEncXL(DIM)
        self.encoder = Encoder(
            BLOCKS, DIM, FFN, HEADS, KERNEL, activation=Swish, dropout=DROPOUT, attention_type="RelPosMHAXL"
        )
        self.output = Linear(UNITS, input_size=DIM)

    def forward(self, batch: Batch) -> Tensor:
        from speechbrain.nnet.losses import ctc_loss as loss

        hidden = self.project(self.front(batch.features).flatten(2))
        padding = torch.arange(hidden.shape[1]) >= (batch.frames + 3).div(4, rounding_mode="floor").unsqueeze(1)
        hidden, _ = self.encoder(hidden, src_key_padding_mask=padding, pos_embs=self.positions(hidden))
        share = torch.ones(len(hidden))
        return loss(self.output(hidden).log_softmax(2), batch.targets, share, share, 0, "batchmean")


def install(folder: Path) -> None:
    """Put the peers into a folder, unless they are there, and on the path."""
    if not (folder / "espnet2").is_dir() or not (folder / "speechbrain").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
        subprocess.run([*pip, *PEERS, *NEEDED], check=True)
    sys.path.append(str(folder))


def times(works: dict[str, Callable[[], None]], repeats: int) -> dict[str, list[float]]:
    """Processor seconds of each, in turns, after one round to warm up."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for number in range(repeats + 1):
        for name, work in works.items():
            start = time.process_time()
            work()
            if number:
                found[name].append(time.process_time() - start)
    return found


def step(model: nn.Module, batch: Batch) -> Callable[[], None]:
    def run() -> None:
        model.zero_grad()
        model(batch).backward()

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=8, help="utterances (%(default)s)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each (%(default)s)")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument(
        "--channels", type=int, default=DIM, help="of ours and SpeechBrain's convolutions (%(default)s)"
    )
    parser.add_argument("--peers", type=Path, default=CACHE, help="where the peers are, or are installed (%(default)s)")
    args = parser.parse_args()
    install(args.peers)
    torch.set_num_threads(1)
    batch, works = Batch(args.batch, args.seconds), {}
    for made in (Ours, Espnet, SpeechBrain):
        torch.manual_seed(0)
        model = made(args.channels).train()
        works[made.__name__] = step(model, batch)
        print(f"{made.__name__}: {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters")
    found = times(works, args.repeats)
    ours = min(found["Ours"])
    print(f"torch {torch.__version__}, one thread, batch {args.batch} x {args.seconds:g} s, {args.repeats} rounds")
    for name, taken in found.items():
        print(f"{name:<12}{min(taken):7.3f} s (median {median(taken):.3f})  {min(taken) / ours:5.2f} x ours")


if __name__ == "__main__":
    main()
