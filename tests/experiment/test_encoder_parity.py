"""Every layer equals that of Hugging Face transformers, with random weights that went through their files."""

import pytest
import torch

from nrsr.errors import NrsrError
from nrsr.experiment.modules import initialise
from nrsr.experiment.settings import parse_init
from nrsr.nn import SslEncoder
from nrsr.nn.ssl_sizes import sizes_of

pytest.importorskip("torchaudio.models", reason="torchaudio does not import; tools/install.sh installs it")
transformers = pytest.importorskip("transformers", reason="transformers is not installed; tools/install.sh --dev")

LAYER_NORM = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
LARGE = {"hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 4096, "num_hidden_layers": 24}
KINDS = {  # ours -> theirs, as the published configs differ from the defaults, which are those of the base models
    "wav2vec2_base": ("Wav2Vec2", {}),
    "wav2vec2_large": ("Wav2Vec2", LARGE),
    "wav2vec2_large_lv60k": ("Wav2Vec2", LARGE | LAYER_NORM | {"conv_bias": True}),
    "hubert_base": ("Hubert", {}),
    "hubert_large": ("Hubert", LARGE | LAYER_NORM | {"conv_bias": False}),
    "wavlm_base": ("WavLM", {}),
    "wavlm_large": ("WavLM", LARGE | LAYER_NORM | {"conv_bias": False}),
}


def theirs_of(kind, **changed):
    name, options = KINDS[kind]
    torch.manual_seed(3)
    config = getattr(transformers, f"{name}Config")(**options | changed)
    theirs = getattr(transformers, f"{name}Model")(config).eval()
    with torch.no_grad():  # biases and norms come as zeros and ones, in which a mistake could hide
        for weight in theirs.parameters():
            if weight.dim() == 1:
                weight.add_(0.1 * torch.randn(weight.shape))
    return theirs


def ours_of(kind, file, **sizes):
    system = torch.nn.ModuleDict({"network": SslEncoder(sizes_of(kind, sizes)).eval()})
    (note,) = initialise(system, parse_init({"network": {"from": str(file)}}))
    assert "layout of Hugging Face" in note
    return system["network"]


@torch.no_grad()
def differences(ours, theirs, seconds):
    """The largest difference of each layer, over utterances of other lengths, together and alone."""
    lengths = torch.tensor([int(16000 * share * seconds) for share in (1.0, 0.6)])
    waves = 0.1 * torch.randn(2, int(lengths.max()))
    together, frames = ours.layers(waves, lengths)
    found = torch.zeros(len(together))
    for row, (size, count) in enumerate(zip(lengths.tolist(), frames.tolist(), strict=True)):
        wave = waves[row : row + 1, :size]
        alone, _ = ours.layers(wave, lengths[row : row + 1])
        if ours.sizes.normalise:
            wave = torch.nn.functional.layer_norm(wave, wave.shape[1:])
        output = theirs(wave, output_hidden_states=True)
        wanted = [*output.hidden_states[:-1], output.last_hidden_state]
        assert len(wanted) == len(together) == len(alone) and wanted[0].shape[1] == count
        for layer, values in enumerate(wanted):
            for mine in (together[layer][row : row + 1, :count], alone[layer]):
                found[layer] = max(found[layer], (mine - values).abs().max())
    return found


@pytest.mark.parametrize("kind", ["wav2vec2_base", "wav2vec2_large_lv60k", "wavlm_large"])
def test_layers_of_the_published_widths_are_the_same(kind, tmp_path):
    theirs = theirs_of(kind, num_hidden_layers=2)
    torch.save(theirs.state_dict(), tmp_path / "pytorch_model.bin")
    found = differences(ours_of(kind, tmp_path, layers=2), theirs, 0.3)
    assert len(found) == 3 and found.max() < 1e-4, found


def test_all_layers_of_a_whole_base_model_are_the_same(tmp_path):
    theirs = theirs_of("wavlm_base")
    torch.save(theirs.state_dict(), tmp_path / "pytorch_model.bin")
    ours = ours_of("wavlm_base", tmp_path / "pytorch_model.bin")
    assert sum(weight.numel() for weight in ours.parameters()) == 94_381_168
    found = differences(ours, theirs, 0.3)
    assert len(found) == 13 and found.max() < 1e-4, found


@pytest.mark.parametrize(("kind", "bias"), [("wavlm_large", False), ("hubert_large", False), ("hubert_large", True)])
def test_a_padded_batch_is_that_of_transformers_with_its_mask(kind, bias, tmp_path):
    """Hugging Face's own HuBERT large has biases (facebook/hubert-large-ls960-ft), fairseq's has none."""
    small = {"hidden_size": 64, "num_attention_heads": 4, "intermediate_size": 96, "num_hidden_layers": 3}
    theirs = theirs_of(kind, **small, conv_dim=[32] * 7, conv_bias=bias)
    theirs.save_pretrained(tmp_path)  # model.safetensors
    shapes = [[32, kernel, stride] for _, kernel, stride in sizes_of(kind).convolutions]
    sizes = {"width": 64, "heads": 4, "feedforward": 96, "layers": 3, "convolutions": shapes}
    if bias:
        with pytest.raises(NrsrError, match="left over: feature_extractor.conv_layers.0.conv.bias"):
            ours_of(kind, tmp_path, **sizes)
        sizes["convolution_bias"] = True
    ours = ours_of(kind, tmp_path, **sizes)
    extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True)
    waves = [torch.randn(size).numpy() for size in (9000, 5000, 700)]
    given = extractor(waves, sampling_rate=16000, padding=True, return_tensors="pt")
    wanted = theirs(given.input_values, attention_mask=given.attention_mask).last_hidden_state
    padded = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(wave) for wave in waves], batch_first=True)
    layers, frames = ours.layers(padded, torch.tensor([9000, 5000, 700]))
    for row, count in enumerate(frames.tolist()):
        torch.testing.assert_close(layers[-1][row, :count], wanted[row, :count], rtol=0, atol=1e-4)
