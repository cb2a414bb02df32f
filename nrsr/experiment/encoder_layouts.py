"""Names of the weights of public self-supervised encoders, and of ours, which are torchaudio's.

Those of torchaudio's own state dicts, of Hugging Face transformers, of fairseq, and of WavLM's authors, who began from
fairseq's. Beside the encoder each has parts that belong to pretraining or to one task.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

NORMED = "parametrizations.weight.original"


class Layout(NamedTuple):
    """The names of one kind of file.

    Attributes:
        name: of what writes it.
        prefixes: what all names of the encoder may begin with.
        mark: a name that it alone has, as a regular expression.
        dropped: regular expression of names -> why they are not of the encoder.
        renamed: regular expression -> its replacement; the first that fits a name is taken.
    """

    name: str
    prefixes: tuple[str, ...]
    mark: str
    dropped: dict[str, str]
    renamed: dict[str, str]


MASK = "the embedding of masked frames in pretraining"
QUANTIZER = "the targets of pretraining"
HEAD = "the output layer of pretraining or fine-tuning"

LAYOUTS = (
    Layout(
        "torchaudio",
        ("model.", "wav2vec2.", ""),
        r"encoder\.transformer\.layers\.0\.",
        {r"mask_generator\..*": MASK, r"logit_generator\..*": HEAD, r"aux\..*": HEAD},
        {r"((feature_extractor|encoder)\..*)": r"\1"},
    ),
    Layout(
        "Hugging Face",
        ("wav2vec2.", "hubert.", "wavlm.", ""),
        r"feature_projection\.projection\.",
        {
            r"masked_spec_embed": MASK,
            r"(quantizer|project_q)\..*": QUANTIZER,
            r"(project_hid|lm_head|projector|classifier)\..*": HEAD,
            r"layer_weights": "the weights of a classifier's sum of layers",
        },
        {
            r"(feature_extractor\..*)": r"\1",
            r"(feature_projection\..*)": r"encoder.\1",
            r"encoder\.(.*)": r"encoder.transformer.\1",
        },
    ),
    Layout(
        "fairseq",
        ("w2v_encoder.w2v_model.", "w2v_model.", ""),
        r"encoder\.layers\.0\.self_attn\.",
        {
            r"mask_emb": MASK,
            r"(quantizer|project_q)\..*": QUANTIZER,
            r"label_embs_concat": QUANTIZER,
            r"(final_proj|proj|w2v_encoder\.proj)\..*": HEAD,
        },
        {
            r"(feature_extractor\.conv_layers\.\d+)\.0\.(.*)": r"\1.conv.\2",
            r"(feature_extractor\.conv_layers\.0)\.2\.(weight|bias)": r"\1.layer_norm.\2",
            r"(feature_extractor\.conv_layers\.\d+)\.2\.1\.(.*)": r"\1.layer_norm.\2",
            r"post_extract_proj\.(.*)": r"encoder.feature_projection.projection.\1",
            r"layer_norm\.(.*)": r"encoder.feature_projection.layer_norm.\1",
            r"encoder\.pos_conv\.0\.(.*)": r"encoder.transformer.pos_conv_embed.conv.\1",
            r"encoder\.layer_norm\.(.*)": r"encoder.transformer.layer_norm.\1",
            r"encoder\.(layers\.\d+)\.self_attn\.relative_attention_bias\.(.*)": (
                r"encoder.transformer.\1.attention.rel_attn_embed.\2"
            ),
            r"encoder\.(layers\.\d+)\.self_attn\.grep_linear\.(.*)": (
                r"encoder.transformer.\1.attention.gru_rel_pos_linear.\2"
            ),
            r"encoder\.(layers\.\d+)\.self_attn\.grep_a": r"encoder.transformer.\1.attention.gru_rel_pos_const",
            r"encoder\.(layers\.\d+)\.self_attn\.(.*)": r"encoder.transformer.\1.attention.\2",
            r"encoder\.(layers\.\d+)\.self_attn_layer_norm\.(.*)": r"encoder.transformer.\1.layer_norm.\2",
            r"encoder\.(layers\.\d+)\.fc1\.(.*)": r"encoder.transformer.\1.feed_forward.intermediate_dense.\2",
            r"encoder\.(layers\.\d+)\.fc2\.(.*)": r"encoder.transformer.\1.feed_forward.output_dense.\2",
            r"encoder\.(layers\.\d+\.final_layer_norm\..*)": r"encoder.transformer.\1",
        },
    ),
)


def layout_of(names: Iterable[str]) -> tuple[Layout, str] | None:
    """The layout that has these names, and their prefix; None for other names."""
    names = [str(name) for name in names]
    for layout in LAYOUTS:
        for prefix in layout.prefixes:
            if any(re.match(re.escape(prefix) + layout.mark, name) for name in names):
                return layout, prefix
    return None


def sort_names(names: Iterable[str], layout: Layout, prefix: str) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """The names of the encoder's weights -> those of ours, other names -> why they are none, and unknown names.

    A second name for the same weight is unknown.
    """
    renamed: dict[str, str] = {}
    dropped, unknown, taken = {}, [], set()
    for name in names:
        inner = name.removeprefix(prefix)
        reason = next((why for mark, why in layout.dropped.items() if re.fullmatch(mark, inner)), None)
        matches = (re.fullmatch(mark, inner) for mark in layout.renamed)
        match = next(filter(None, matches), None)
        if reason is not None:
            dropped[name] = reason
            continue
        ours = _normed(match.expand(layout.renamed[match.re.pattern])) if match and name.startswith(prefix) else None
        if ours is None or ours in taken:
            unknown.append(name)
        else:
            renamed[name] = ours
            taken.add(ours)
    return renamed, dropped, unknown


def _normed(name: str) -> str:
    """The name of a weight norm's parts since torch 2.0."""
    return re.sub(r"weight_([gv])$", lambda match: NORMED + str("gv".index(match[1])), name)


def join_attention(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights with queries, keys and values of WavLM's attention as one matrix, as torchaudio has them."""
    joined = dict(weights)
    for name in weights:
        if not name.endswith(".attention.gru_rel_pos_const"):
            continue
        attention = name.removesuffix(".gru_rel_pos_const")
        for kind in ("weight", "bias"):
            parts = [f"{attention}.{part}_proj.{kind}" for part in "qkv"]
            if all(part in joined for part in parts):
                joined[f"{attention}.attention.in_proj_{kind}"] = torch.cat([joined.pop(part) for part in parts])
            if (out := f"{attention}.out_proj.{kind}") in joined:
                joined[f"{attention}.attention.out_proj.{kind}"] = joined.pop(out)
    return joined
