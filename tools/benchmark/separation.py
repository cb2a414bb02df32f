"""Separation networks of the published sizes beside SpeechBrain's: a training step, and the real-time factor.

Example:
    pip install --no-deps --target PEER speechbrain hyperpyyaml ruamel.yaml joblib huggingface_hub
    PYTHONPATH=PEER python tools/benchmark/separation.py --seconds 4 --repeats 5
    PYTHONPATH=PEER python tools/benchmark/separation.py --device cuda --seconds 4 --repeats 20

Both run the same network with the same weights on the same noise, and the largest difference of their outputs is
printed. A training step is the forward pass, the permutation-invariant SI-SNR and the backward pass of one mixture.
They take turns, and each one's best round counts: processor time of one thread, or wall time on a GPU. Goal: ratios
(ours by theirs) of 1 at most. Without SpeechBrain our own times are printed alone, and it is said.
"""

import argparse
import re
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from nrsr.config import load_yaml
from nrsr.data import Batch
from nrsr.systems import Separation, build_system

CONF = Path(__file__).resolve().parents[2] / "egs" / "librimix" / "sep" / "conf"
CONFIGS = ("dprnn_2mix", "sepformer_2mix")

# Where the parameters of our networks are in SpeechBrain's.
RENAMED = {
    "encoder.basis": "encoder.conv1d",
    "decoder.basis": "decoder",
    "masker.bottleneck": "masker.conv1d",
    "masker.blocks": "masker.dual_mdl",
    "masker.activation": "masker.prelu",
    "masker.split": "masker.conv2d",
    "masker.value": "masker.output.0",
    "masker.gate": "masker.output_gate.0",
    "masker.out": "masker.end_conv1x1",
    "within.lstm": "intra_mdl.mdl.rnn",
    "across.lstm": "inter_mdl.mdl.rnn",
    "within.out": "intra_linear.w",
    "across.out": "inter_linear.w",
    "within.layers": "intra_mdl.mdl.layers",
    "across.layers": "inter_mdl.mdl.layers",
    "within.norm": "intra_mdl.mdl.norm.norm",
    "across.norm": "inter_mdl.mdl.norm.norm",
    "within_norm": "intra_norm",
    "across_norm": "inter_norm",
    "attention.queries_keys_values.": "self_att.att.in_proj_",
    "attention.out": "self_att.att.out_proj",
    "attention_norm": "norm1.norm",
    "ffn_norm": "norm2.norm",
    "ffn.0": "pos_ffn.ffn.0",
    "ffn.2": "pos_ffn.ffn.3",
}


class Peer(nn.Module):
    """The network of SpeechBrain's separation recipes, put together as they do."""

    def __init__(self, system: Separation, masker: dict) -> None:
        from speechbrain.lobes.models import dual_path

        super().__init__()
        dim, self.speakers = masker["dim"], system.speakers
        self.encoder = dual_path.Encoder(kernel_size=16, out_channels=256)
        self.decoder = dual_path.Decoder(in_channels=256, out_channels=1, kernel_size=16, stride=8, bias=False)
        if masker["class"].endswith("Dprnn"):
            paths = [dual_path.SBRNNBlock(dim, masker["width"], 1, bidirectional=True) for _ in range(2)]
        else:
            sizes = {"num_layers": masker["layers"], "d_model": dim, "nhead": masker["heads"], "d_ffn": masker["ffn"]}
            kind = {"dropout": 0, "use_positional_encoding": True, "norm_before": True}
            paths = [dual_path.SBTransformerBlock(**sizes, **kind) for _ in range(2)]
        self.masker = dual_path.Dual_Path_Model(
            256, dim, *paths, num_layers=masker["blocks"], norm="ln", K=masker["chunk"], num_spks=self.speakers,
            skip_around_intra=True, linear_layer_after_inter_intra=masker["class"].endswith("Dprnn"),
        )  # fmt: skip
        own = self.state_dict()
        for name, value in system.state_dict().items():
            name = re.sub("|".join(map(re.escape, RENAMED)), lambda found: RENAMED[found[0]], name)
            value = value.t() if name == "decoder.weight" else value
            own[name] = value.reshape(own[name].shape)
        self.load_state_dict(own)

    def forward(self, waves: Tensor) -> Tensor:
        """[B, T] to [B, T, K]."""
        encoded = self.encoder(waves)
        masked = torch.stack([encoded] * self.speakers) * self.masker(encoded)
        found = torch.cat([self.decoder(one).view(len(waves), -1, 1) for one in masked], dim=2)
        return nn.functional.pad(found, (0, 0, 0, waves.shape[1] - found.shape[1]))

    def loss(self, batch: Batch) -> Tensor:
        from speechbrain.nnet.losses import get_si_snr_with_pitwrapper

        return get_si_snr_with_pitwrapper(batch.sources.transpose(1, 2), self(batch.waves)).mean()


def make_batch(seconds: float, device: str) -> Batch:
    generator = torch.Generator().manual_seed(0)
    samples = 16 + 8 * round(seconds * 1000)  # SpeechBrain leaves out what fills no frame
    sources = 0.1 * torch.randn(1, 2, samples, generator=generator)
    noise = 0.05 * torch.randn(1, samples, generator=generator)
    waves, has_clean = sources.sum(1) + noise, torch.tensor([True])
    batch = Batch(["a"], waves, torch.tensor([samples]), None, has_clean, None, None, sources=sources)
    return batch.to(device)


def seconds_of(work: Callable[[], object], device: str) -> float:
    if device == "cpu":
        start = time.process_time()
        work()
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def best_times(works: dict[str, Callable[[], object]], repeats: int, device: str) -> dict[str, float]:
    """Each one's best round of `repeats`, after one to warm up, in turns."""
    rounds = [{name: seconds_of(work, device) for name, work in works.items()} for _ in range(repeats + 1)]
    return {name: min(one[name] for one in rounds[1:]) for name in works}


def steps(system: Separation, peer: Peer | None, batch: Batch) -> dict[str, Callable[[], object]]:
    def ours() -> None:
        system.zero_grad()
        system.losses(batch, "main", ("sep",))["sep"].backward()

    def theirs() -> None:
        peer.zero_grad()
        peer.loss(batch).backward()

    return {"ours": ours} if peer is None else {"ours": ours, "theirs": theirs}


def inferences(system: Separation, peer: Peer | None, batch: Batch) -> dict[str, Callable[[], object]]:
    found = {"ours": torch.inference_mode()(lambda: system.separate(batch.waves, batch.lengths))}
    return found if peer is None else {**found, "theirs": torch.inference_mode()(lambda: peer(batch.waves))}


def row(name: str, seconds: float, repeats: int, device: str, with_peer: bool) -> str:
    """A line of the table."""
    config = load_yaml(CONF / f"{name}.yaml")
    torch.manual_seed(0)
    system, batch = build_system(config), make_batch(seconds, device)
    peer = Peer(system, config["system"]["masker"]).to(device) if with_peer else None
    system.to(device)
    difference = "-"
    if peer is not None:
        with torch.inference_mode():
            ours, theirs = system.separate(batch.waves, batch.lengths), peer(batch.waves).transpose(1, 2)
            difference = f"{((ours - theirs).abs().max() / theirs.abs().max()).item():.1e}"
    columns = []
    for works, unit in ((steps(system, peer, batch), 1000.0), (inferences(system, peer, batch), 1.0 / seconds)):
        taken = best_times(works, repeats, device)
        theirs = taken.get("theirs")
        columns += [f"{unit * taken['ours']:.3g}", f"{unit * theirs:.3g}" if theirs else "-"]
        columns += [f"{taken['ours'] / theirs:.2f}" if theirs else "-"]
    return f"| {name} | {' | '.join(columns)} | {difference} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0, help="of the mixture (4)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--config", nargs="+", default=CONFIGS, help="names of configs of egs/librimix/sep")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        import speechbrain

        with_peer = True
        print(f"SpeechBrain {speechbrain.__version__}, torch {torch.__version__}, {args.device}, {args.seconds} s")
    except ImportError as error:
        with_peer = False
        print(f"without SpeechBrain ({error}): our own times alone; torch {torch.__version__}, {args.device}")
    print("| network | step, ms | SpeechBrain | ratio | RTF | SpeechBrain | ratio | output differs by |")
    print("|---|---|---|---|---|---|---|---|")
    for name in args.config:
        print(row(name, args.seconds, args.repeats, args.device, with_peer), flush=True)


if __name__ == "__main__":
    main()
