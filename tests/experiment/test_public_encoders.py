"""Files of self-supervised encoders: the layouts that are read, what is left of them, and what is refused."""

import argparse
import fractions
import re
import sys
import types

import pytest
import torch
from toy_ssl import SMALL, spread

from nrsr.errors import NrsrError
from nrsr.experiment.modules import initialise
from nrsr.experiment.public_encoders import likeness
from nrsr.experiment.settings import parse_init
from nrsr.nn import SslEncoder, SslFeatures
from nrsr.nn.ssl_sizes import sizes_of

pytest.importorskip("torchaudio.models", reason="torchaudio does not import; tools/install.sh installs it")

KINDS = ["wav2vec2_base", "wav2vec2_large_lv60k", "wavlm_base"]


def encoder_of(kind="wavlm_base", seed=1, **sizes):
    return spread(SslEncoder(sizes_of(kind, SMALL | sizes)), seed)


def fairseq_of(encoder):
    """The weights by the names that fairseq's modules have, written down from its layout."""
    ours, theirs, sizes = encoder.state_dict(), {}, encoder.sizes
    for number in range(7):
        at = f"feature_extractor.conv_layers.{number}"
        theirs[f"{at}.0.weight"] = ours[f"{at}.conv.weight"]
        if sizes.convolution_bias:
            theirs[f"{at}.0.bias"] = ours[f"{at}.conv.bias"]
        for kind in ("weight", "bias"):
            if sizes.convolution_norm == "layer":
                theirs[f"{at}.2.1.{kind}"] = ours[f"{at}.layer_norm.{kind}"]
            elif number == 0:
                theirs[f"{at}.2.{kind}"] = ours[f"{at}.layer_norm.{kind}"]
    conv = "encoder.transformer.pos_conv_embed.conv"
    theirs["encoder.pos_conv.0.bias"] = ours[f"{conv}.bias"]
    theirs["encoder.pos_conv.0.weight_g"] = ours[f"{conv}.parametrizations.weight.original0"]
    theirs["encoder.pos_conv.0.weight_v"] = ours[f"{conv}.parametrizations.weight.original1"]
    for kind in ("weight", "bias"):
        theirs[f"post_extract_proj.{kind}"] = ours[f"encoder.feature_projection.projection.{kind}"]
        theirs[f"layer_norm.{kind}"] = ours[f"encoder.feature_projection.layer_norm.{kind}"]
        theirs[f"encoder.layer_norm.{kind}"] = ours[f"encoder.transformer.layer_norm.{kind}"]
        for number in range(sizes.layers):
            mine, other = f"encoder.transformer.layers.{number}", f"encoder.layers.{number}"
            theirs[f"{other}.self_attn_layer_norm.{kind}"] = ours[f"{mine}.layer_norm.{kind}"]
            theirs[f"{other}.fc1.{kind}"] = ours[f"{mine}.feed_forward.intermediate_dense.{kind}"]
            theirs[f"{other}.fc2.{kind}"] = ours[f"{mine}.feed_forward.output_dense.{kind}"]
            theirs[f"{other}.final_layer_norm.{kind}"] = ours[f"{mine}.final_layer_norm.{kind}"]
            if not sizes.buckets:
                for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                    theirs[f"{other}.self_attn.{part}.{kind}"] = ours[f"{mine}.attention.{part}.{kind}"]
                continue
            joined = ours[f"{mine}.attention.attention.in_proj_{kind}"].chunk(3)
            for part, value in zip(("q_proj", "k_proj", "v_proj"), joined, strict=True):
                theirs[f"{other}.self_attn.{part}.{kind}"] = value
            theirs[f"{other}.self_attn.out_proj.{kind}"] = ours[f"{mine}.attention.attention.out_proj.{kind}"]
            theirs[f"{other}.self_attn.grep_linear.{kind}"] = ours[f"{mine}.attention.gru_rel_pos_linear.{kind}"]
            theirs[f"{other}.self_attn.grep_a"] = ours[f"{mine}.attention.gru_rel_pos_const"]
            if number == 0 and kind == "weight":
                theirs[f"{other}.self_attn.relative_attention_bias.weight"] = ours[
                    f"{mine}.attention.rel_attn_embed.weight"
                ]
    return theirs


def hugging_face_of(encoder):
    """The weights by the names of Hugging Face, which differ from fairseq's in these."""
    renamed = {
        r"(conv_layers\.\d+)\.0\.": r"\1.conv.",
        r"conv_layers\.0\.2\.(?!1)": "conv_layers.0.layer_norm.",
        r"(conv_layers\.\d+)\.2\.1\.": r"\1.layer_norm.",
        r"^post_extract_proj": "feature_projection.projection",
        r"^layer_norm": "feature_projection.layer_norm",
        r"pos_conv\.0\.": "pos_conv_embed.conv.",
        r"self_attn\.grep_linear": "attention.gru_rel_pos_linear",
        r"self_attn\.grep_a": "attention.gru_rel_pos_const",
        r"self_attn\.relative_attention_bias": "attention.rel_attn_embed",
        r"self_attn\.": "attention.",
        r"self_attn_layer_norm": "layer_norm",
        r"fc1": "feed_forward.intermediate_dense",
        r"fc2": "feed_forward.output_dense",
    }
    theirs = {}
    for name, value in fairseq_of(encoder).items():
        for old, new in renamed.items():
            name = re.sub(old, new, name)
        theirs[name] = value
    return theirs


def load(file, kind="wavlm_base", entry=None, **sizes):
    """The encoder with the file's weights, and the note."""
    system = torch.nn.ModuleDict({"network": encoder_of(kind, seed=2, **sizes)})
    (note,) = initialise(system, parse_init({"network": {"from": str(file)} | (entry or {})}))
    return system["network"], note


def assert_same(encoder, source):
    for name, value in source.state_dict().items():
        assert torch.equal(encoder.state_dict()[name], value), name


@pytest.mark.parametrize("kind", KINDS)
def test_state_dicts_of_torchaudio(kind, tmp_path):
    source = encoder_of(kind)
    weights = source.state_dict()
    torch.save(weights, tmp_path / "plain.pt")
    assert_same(load(tmp_path / "plain.pt", kind)[0], source)
    # That of a bundle with normalised waveforms, fine-tuned, with the weight norm of torch before 2.0.
    old = {
        "model."
        + re.sub(
            r"parametrizations\.weight\.original([01])", lambda found: "weight_" + "gv"[int(found[1])], name
        ): value
        for name, value in weights.items()
    }
    torch.save(old | {"model.aux.weight": torch.ones(3, 32)}, tmp_path / "bundle.pt")
    encoder, note = load(tmp_path / "bundle.pt", kind)
    assert_same(encoder, source)
    assert "layout of torchaudio, left out: model.aux.weight (the output layer of pretraining or fine-tuning)" in note


PRETRAINING = {"masked_spec_embed": (32,), "quantizer.codevectors": (1, 4, 2), "project_q.weight": (4, 4),
               "project_hid.bias": (4,), "lm_head.weight": (5, 32)}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prefix", ["wav2vec2.", "hubert.", "wavlm.", ""])
def test_files_of_hugging_face(kind, prefix, tmp_path):
    source = encoder_of(kind)
    rest = {prefix * (name == "masked_spec_embed") + name: torch.ones(shape) for name, shape in PRETRAINING.items()}
    weights = {f"{prefix}{name}": value for name, value in hugging_face_of(source).items()} | rest
    torch.save(weights, tmp_path / "pytorch_model.bin")
    encoder, note = load(tmp_path, kind)  # a folder
    assert_same(encoder, source)
    assert "layout of Hugging Face" in note and all(name in note for name in rest)


def test_safetensors_with_the_weight_norm_of_now_and_in_half_precision(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")
    source = encoder_of().half()
    weights = {
        name.replace("weight_g", "parametrizations.weight.original0").replace(
            "weight_v", "parametrizations.weight.original1"
        ): value.contiguous()
        for name, value in hugging_face_of(source).items()
    }
    safetensors.save_file(weights, tmp_path / "model.safetensors")
    encoder, _ = load(tmp_path / "model.safetensors")
    assert_same(encoder, source.float())
    assert encoder.dtype == torch.float32
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[:-100])
    with pytest.raises(NrsrError, match="model.safetensors: truncated, corrupt or foreign"):
        load(tmp_path / "model.safetensors")
    with pytest.raises(NrsrError, match="none.safetensors: no such file; give a torchaudio state dict"):
        load(tmp_path / "none.safetensors")


def test_without_safetensors_one_line_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(NrsrError, match="model.safetensors needs safetensors.torch, .*; run pip install safetensors$"):
        load(tmp_path)


@pytest.fixture
def foreign_classes(monkeypatch):
    """A dictionary of fairseq and a config of omegaconf, whose modules are gone when the file is read."""
    made = []
    for package in ("fairseq", "fairseq.data", "omegaconf"):
        monkeypatch.setitem(sys.modules, package, types.ModuleType(package))
    for path in ("fairseq.data.dictionary.Dictionary", "omegaconf.dictconfig.DictConfig"):
        module, _, name = path.rpartition(".")
        monkeypatch.setitem(sys.modules, module, types.ModuleType(module))
        made.append(type(name, (), {"__module__": module}))
        setattr(sys.modules[module], name, made[-1])
    return [kind() for kind in made]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tuned", [False, True])
@pytest.mark.parametrize("zipped", [False, True])
def test_checkpoints_of_fairseq(kind, tuned, zipped, tmp_path, foreign_classes, monkeypatch):
    source = encoder_of(kind)
    dictionary, settings = foreign_classes
    dictionary.symbols, settings._content = ["a"], {"x": dictionary}
    weights = fairseq_of(source) | {"mask_emb": torch.ones(32)}
    if tuned:
        weights = {f"w2v_encoder.w2v_model.{name}": value for name, value in weights.items()}
        weights["w2v_encoder.proj.weight"] = torch.ones(5, 32)
    else:
        weights |= {"quantizer.vars": torch.ones(1, 4, 2), "project_q.bias": torch.ones(4)}
        weights |= {"final_proj.weight": torch.ones(4, 32), "label_embs_concat": torch.ones(5, 4)}
    content = {"args": argparse.Namespace(arch="wav2vec2"), "model": weights, "task_state": {"dictionary": dictionary}}
    if zipped:
        content |= {"cfg": settings, "extra_state": {"epoch": 3}, "optimizer_history": [{"best_loss": 1.0}]}
    torch.save(content, tmp_path / "fairseq.pt", _use_new_zipfile_serialization=zipped)
    for module in ("fairseq.data.dictionary", "omegaconf.dictconfig", "fairseq.data", "fairseq", "omegaconf"):
        monkeypatch.delitem(sys.modules, module)
    encoder, note = load(tmp_path / "fairseq.pt", kind)
    assert_same(encoder, source)
    assert "layout of fairseq" in note and ("w2v_encoder.proj.weight" if tuned else "quantizer.vars") in note


def test_a_student_takes_parts_of_a_public_file(tmp_path):
    source = encoder_of("wav2vec2_base")
    torch.save(hugging_face_of(source), tmp_path / "pytorch_model.bin")
    system = torch.nn.ModuleDict({"features": SslFeatures(16000, "wav2vec2_base", SMALL | {"layers": 2})})
    inner = ("pos_conv_embed", "layer_norm", "layers.0", "layers.1")
    parts = ["feature_extractor", "encoder.feature_projection", *(f"encoder.transformer.{part}" for part in inner)]
    entry = {"from": str(tmp_path)}
    notes = initialise(system, parse_init({f"features.network.{part}": entry for part in parts}))
    assert (
        "features.network.encoder.transformer.layers.1: initialised from encoder.transformer.layers.1 of" in notes[-1]
    )
    wanted = {name: value for name, value in source.state_dict().items() if ".layers.2." not in name}
    own = system["features"].network.state_dict()
    assert own.keys() == wanted.keys() and all(torch.equal(own[name], value) for name, value in wanted.items())
    whole = torch.nn.ModuleDict({"features": SslFeatures(16000, "wav2vec2_base", SMALL | {"layers": 2})})
    (note,) = initialise(whole, parse_init({"features.network": entry | {"first_layers": True}}))
    assert "features.network: initialised from" in note and ", the first 2 layers, layout of Hugging Face" in note
    assert all(torch.equal(value, wanted[name]) for name, value in whole["features"].network.state_dict().items())
    for module, bad, message in (
        ("features.network", {}, "does not fit: left over: encoder.transformer.layers.2"),
        ("features.network.feature_extractor", {"first_layers": True}, "first_layers: the module has no transformer"),
        ("features.network", {"first_layers": 2}, "first_layers: 2: take true or false"),
    ):
        with pytest.raises(NrsrError, match=message):
            initialise(whole, parse_init({module: entry | bad}))
    deeper = torch.nn.ModuleDict({"features": SslFeatures(16000, "wav2vec2_base", SMALL | {"layers": 4})})
    with pytest.raises(NrsrError, match="does not fit: missing: encoder.transformer.layers.3"):
        initialise(deeper, parse_init({"features.network": entry | {"first_layers": True}}))
    moved = {"features.network.encoder.transformer.layers.1": entry | {"module": "encoder.transformer.layers.2"}}
    initialise(system, parse_init(moved))
    last = source.encoder.transformer.layers[2].state_dict()
    assert all(
        torch.equal(system["features"].network.encoder.transformer.layers[1].state_dict()[n], last[n]) for n in last
    )


def without(weights, name):
    return {other: value for other, value in weights.items() if other != name}


BAD = [
    (lambda w: w | {"encoder.adapter.x": torch.ones(2)}, "of encoder.adapter.x nothing is known in the layout"),
    (lambda w: w | {"decoder.weight": torch.ones(2), "x": torch.ones(1)}, "of decoder.weight, x nothing is known"),
    (lambda w: w | {"encoder.pos_conv.0.parametrizations.weight.original0": torch.ones(1)},
     "of encoder.pos_conv.0.parametrizations.weight.original0 nothing is known"),
    (lambda w: without(w, "encoder.layers.1.fc1.bias"),
     "network: all of .* does not fit: missing: encoder.transformer.layers.1.feed_forward.intermediate_dense.bias"),
    (lambda w: w | {"encoder.layers.0.fc1.bias": torch.ones(3)},
     r"other shapes: .*intermediate_dense.bias \(3,\) for \(48,\)"),
    (lambda w: w | {"encoder.layers.0.fc1.bias": torch.full((48,), torch.nan)}, "fc1.bias is a tensor with NaN, not a"),
    (lambda w: w | {"mask_emb": "text"}, "mask_emb is a str, not a weight"),
    (lambda w: {"model": w, "ema": 3}, "holds ema beside 'model', of which nothing is known"),
    (lambda w: {"model": w, "cfg": fractions.Fraction(1, 2)}, "holds fractions.Fraction, and is not loaded, since"),
    (lambda w: {"model": w, "cfg": print}, r"holds builtins.print, .* torch.load\(FILE, weights_only=False"),
    (lambda w: {"some.weight": torch.ones(2)}, "bad.pt has no module network; it has some"),
    (lambda w: {}, "bad.pt: holds no weights; name an experiment"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "message"), BAD)
def test_files_that_are_refused(spoil, message, tmp_path):
    torch.save(spoil(fairseq_of(encoder_of())), tmp_path / "bad.pt")
    with pytest.raises(NrsrError, match=message):
        load(tmp_path / "bad.pt")


def test_a_truncated_file_and_none_are_refused(tmp_path):
    torch.save(fairseq_of(encoder_of()), tmp_path / "bad.pt")
    whole = (tmp_path / "bad.pt").read_bytes()
    (tmp_path / "bad.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(NrsrError, match="bad.pt: truncated, corrupt or foreign"):
        load(tmp_path / "bad.pt")
    with pytest.raises(NrsrError, match="none.pt: no such file; give a torchaudio state dict"):
        load(tmp_path / "none.pt")
    with pytest.raises(NrsrError, match="init.network.from: names no file; give one, as with --set init.network.from="):
        load(tmp_path, entry={"from": None})


def test_weights_of_another_size_say_which_model_they_are_of(tmp_path):
    torch.save(fairseq_of(encoder_of(width=64)), tmp_path / "other.pt")
    message = "other shapes: .*; the file holds 3 layers of 64: set model and sizes of network by that$"
    with pytest.raises(NrsrError, match=message):
        load(tmp_path / "other.pt")
    lv60k = "wav2vec2_large_lv60k or wav2vec2_xlsr_300m"
    for kind, bias, names in (
        ("wavlm_large", False, "wavlm_large"),
        ("wav2vec2_base", False, "wav2vec2_base or hubert_base"),
        ("hubert_large", False, f"hubert_large, or {lv60k} with sizes: {{convolution_bias: false}}"),
        ("hubert_large", True, f"{lv60k}, or hubert_large with sizes: {{convolution_bias: true}}"),
    ):
        layers, width = sizes_of(kind).layers, sizes_of(kind).width
        weights = encoder_of(kind, layers=layers, convolution_bias=bias).state_dict()
        weights["encoder.feature_projection.projection.weight"] = torch.ones(width, 512)
        assert likeness(weights) == f"{layers} layers of {width}, as {names}"


def test_init_is_written_flat_or_nested():
    entry = {"from": "x.pt"}
    flat, nested = parse_init({"features.network": entry}), parse_init({"features": {"network": entry}})
    assert flat == nested and flat["features.network"].module == "features.network"
    with pytest.raises(NrsrError, match="init.features.network: is given twice"):
        parse_init({"features.network": entry, "features": {"network": entry}})
