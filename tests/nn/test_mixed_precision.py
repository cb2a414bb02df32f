"""Networks in bfloat16 and float16 beside float32: about 40 and 55 dB, and a finite gradient."""

import pytest
import torch

from nrsr.config import build
from nrsr.frontends import FrontEnd
from nrsr.nn import BlstmEncoder, ConformerEncoder, Dnn, DomainHead, GlobalNorm, TransformerDecoder
from nrsr.nn.domain_head import HeadSettings
from nrsr.nn.losses import IGNORED
from nrsr.systems import Separation

PRECISIONS = ((torch.bfloat16, 36.0), (torch.float16, 54.0))
LENGTHS = torch.tensor([3200, 2400])
FRONT_ENDS = (
    {"class": "nrsr.frontends.ConvTasNet", "filters": 32, "bottleneck": 16, "hidden": 32, "skip": 16, "blocks": 3},
    {"class": "nrsr.frontends.MaskBlstm", "n_fft": 256, "hop": 80, "layers": 2, "width": 32},
    {"class": "nrsr.frontends.MaskUnet", "n_fft": 256, "hop": 80, "channels": [8, 16, 32]},
)
MASKERS = (
    {"class": "nrsr.nn.TcnMasks", "bottleneck": 32, "hidden": 64, "skip": 32, "blocks": 4, "stacks": 2},
    {"class": "nrsr.nn.Dprnn", "blocks": 2, "dim": 32, "width": 32, "chunk": 50},
    {"class": "nrsr.nn.SepFormer", "blocks": 2, "layers": 2, "dim": 32, "heads": 4, "ffn": 64, "chunk": 50},
)


def waves() -> torch.Tensor:
    found = 0.1 * torch.randn(2, 3200, generator=torch.Generator().manual_seed(0))
    return found * (torch.arange(3200) < LENGTHS[:, None])


def snr(exact: torch.Tensor, found: torch.Tensor) -> float:
    """Of a float32 output against one in half precision, in dB."""
    exact, found = exact.detach().double(), found.detach().double()
    return (10.0 * torch.log10(exact.square().sum() / (exact - found).square().sum())).item()


def check(module: torch.nn.Module, output) -> None:
    """The output in each precision is near that of float32, in training and in evaluation, with finite gradients."""
    for part in module.modules():
        for name in ("p", "dropout"):  # of dropout layers, and of torch's attention
            if isinstance(getattr(part, name, None), float):
                setattr(part, name, 0.0)
    for mode in (True, False):
        module.train(mode)
        exact = output()
        for precision, least in PRECISIONS:
            with torch.autocast("cpu", precision):
                found = output()
                with torch.no_grad():
                    assert snr(exact, output()) > least, (precision, mode)
            assert snr(exact, found) > least, (precision, mode)
            module.zero_grad()
            found.float().square().mean().backward()
            assert all(p.grad.isfinite().all() for p in module.parameters() if p.grad is not None)


def named(spec: dict) -> str:
    return spec["class"].rpartition(".")[2]


@pytest.mark.parametrize("spec", FRONT_ENDS, ids=named)
def test_front_ends(spec):
    torch.manual_seed(0)
    frontend = build(spec, FrontEnd, "frontend", sample_rate=8000)
    frontend.accumulate_statistics(waves(), LENGTHS)
    for module in frontend.modules():
        if isinstance(module, GlobalNorm):
            module.finish()
    check(frontend, lambda: frontend(waves(), LENGTHS)[0])
    check(frontend, lambda: frontend(waves(), LENGTHS, 0.5 * waves())[1])


@pytest.mark.parametrize("masker", MASKERS, ids=named)
def test_separation(masker):
    torch.manual_seed(0)
    system = Separation(8000, 2, masker, None, filters=64, window=16)
    check(system, lambda: system.separate(waves(), LENGTHS))


def encoder_of(name: str) -> torch.nn.Module:
    if name == "blstm":
        return BlstmEncoder(24, layers=2, width=32)
    return ConformerEncoder(24, blocks=3, dim=32, heads=2, ffn=64, conv_norm=name)


@pytest.mark.parametrize("name", ["batch", "layer", "blstm"])
def test_encoders(name):
    torch.manual_seed(0)
    encoder = encoder_of(name)
    features = torch.randn(2, 100, 24)
    check(encoder, lambda: encoder(features, torch.tensor([100, 100]))[0])


def test_the_attention_decoder():
    torch.manual_seed(0)
    decoder, memory = TransformerDecoder(12, 32, layers=2, ffn=64), torch.randn(2, 30, 32)
    lengths, tokens = torch.tensor([30, 30]), torch.randint(12, (2, 6))
    check(decoder, lambda: decoder(memory, lengths, tokens, torch.tensor([6, 6])))
    with torch.autocast("cpu", torch.bfloat16):
        assert decoder.step(memory, lengths, tokens).dtype == torch.float32


def test_the_frame_network_with_batch_normalisation():
    torch.manual_seed(0)
    network = Dnn(24, layers=3, width=32, norm="batch")
    inputs = torch.randn(4, 60, 24)
    check(network, lambda: network(inputs)[-1])


def test_a_head_on_the_mean_of_many_frames_stays_in_range():
    torch.manual_seed(0)
    head = DomainHead(8, 3, HeadSettings(pooling="mean", depth=0))
    hidden, labels = torch.full((2, 3000, 8), 40.0), torch.tensor([1, IGNORED])  # a sum of 120,000
    valid = torch.ones(2, 3000, dtype=torch.bool)
    exact = head(hidden, valid, labels).loss()
    with torch.autocast("cpu", torch.float16):
        found = head(hidden.half(), valid, labels).loss()
    torch.testing.assert_close(found, exact, rtol=0.02, atol=0.02)
