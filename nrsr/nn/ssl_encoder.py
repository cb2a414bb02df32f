"""The networks of wav2vec 2.0, HuBERT and WavLM, those of torchaudio, with exact padding and all layers shown."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nrsr.nn.gradient_reversal import scale_gradient
from nrsr.nn.ssl_sizes import SslSizes
from nrsr.packages import optional_module
from nrsr.signal.masks import valid_mask, zero_padding
from nrsr.signal.precision import in_float32

INSTALL = "tools/install.sh, or pip install --no-deps torchaudio of the release that fits your torch"


class SslEncoder(nn.Module):
    """Waveforms to the hidden vectors of all layers.

    The modules, and so the names of the weights, are torchaudio's. What goes through them is led here, since there
    WavLM takes no padding, and the group norm of the base models runs over the padding of a batch; here an
    utterance's vectors are those that it has alone.

    Args:
        sizes: of the network.
        dropout: on attention, hidden vectors and the projection.
        layer_drop: probability of leaving a layer out in training; the first one stays, as it has the positions of
            WavLM.
        convolution_gradient: what the gradients of the convolutions' weights are multiplied by, 0.1 in the published
            trainings (fairseq's feature_grad_mult); what goes on to the waveform keeps its size.

    Attributes:
        dim: size of the hidden vectors.
        receptive_field: samples of the shortest utterance that has a frame.

    Raises:
        PackageError: torchaudio is missing.
    """

    def __init__(
        self, sizes: SslSizes, dropout: float = 0.1, layer_drop: float = 0.0, convolution_gradient: float = 1.0
    ) -> None:
        super().__init__()
        models = optional_module("torchaudio.models", "an encoder of self-supervised speech models", INSTALL)
        arguments = {
            "extractor_mode": f"{sizes.convolution_norm}_norm",
            "extractor_conv_layer_config": [tuple(shape) for shape in sizes.convolutions],
            "extractor_conv_bias": sizes.convolution_bias,
            "encoder_embed_dim": sizes.width,
            "encoder_projection_dropout": dropout,
            "encoder_pos_conv_kernel": sizes.position_kernel,
            "encoder_pos_conv_groups": sizes.position_groups,
            "encoder_num_layers": sizes.layers,
            "encoder_num_heads": sizes.heads,
            "encoder_attention_dropout": dropout,
            "encoder_ff_interm_features": sizes.feedforward,
            "encoder_ff_interm_dropout": dropout,
            "encoder_dropout": dropout,
            "encoder_layer_norm_first": sizes.norm_first,
            "encoder_layer_drop": 0.0,
            "aux_num_out": None,
        }
        if sizes.buckets:
            positions = {"encoder_num_buckets": sizes.buckets, "encoder_max_distance": sizes.max_distance}
            network = models.wavlm_model(**arguments, **positions)
        else:
            network = models.wav2vec2_model(**arguments)
        self.feature_extractor, self.encoder = network.feature_extractor, network.encoder
        self.sizes, self.dim, self.receptive_field = sizes, sizes.width, sizes.receptive_field
        self.layer_drop, self.convolution_gradient = layer_drop, convolution_gradient

    @property
    def dtype(self) -> torch.dtype:
        """Kind of number of the weights, which waveforms must have."""
        return self.encoder.feature_projection.projection.weight.dtype

    def frames(self, samples: Tensor) -> Tensor:
        """Number of frames of utterances of so many samples; 0 where an utterance is shorter than the receptive field.

        20 ms apart at 16 kHz: 49 of a second, 499 of ten.
        """
        for _, kernel, stride in self.sizes.convolutions:
            samples = ((samples - kernel).div(stride, rounding_mode="floor") + 1).clamp_min(0)
        return samples

    def layers(
        self,
        waves: Tensor,
        lengths: Tensor,
        last: int | None = None,
        change: Callable[[Tensor], Tensor] | None = None,
    ) -> tuple[list[Tensor], Tensor]:
        """Hidden vectors [B, N, dim] of each layer, and the frames [B] of each utterance.

        The first entry is the input of the first layer; the one of the last layer has the final layer norm of those
        networks that have one. What frames past an utterance's end hold means nothing.

        Args:
            waves: [B, T] in ±1, at least as long as the receptive field; those past an utterance's end are ignored.
            lengths: [B] samples of each.
            last: no layers past this one are run; all if None.
            change: what to do to the frames [B, N, dim] before their positions are added, such as masking some.
        """
        last = self.sizes.layers if last is None else last
        frames = self.frames(lengths)
        hidden = self.convolved(waves, lengths)
        valid = valid_mask(frames.clamp_min(1), hidden.shape[1])
        hidden = self.encoder.feature_projection(hidden)
        if change is not None:
            hidden = change(hidden)
        # The convolution over positions looks past an utterance's end.
        hidden = hidden.masked_fill(~valid.unsqueeze(2), 0.0)
        hidden = self.encoder.transformer._preprocess(hidden)
        outputs = [hidden, *self._transformed(hidden, valid, last)]
        if last == self.sizes.layers and self.sizes.norm_first:
            outputs[-1] = self.encoder.transformer.layer_norm(outputs[-1])
        return outputs, frames

    def convolved(self, waves: Tensor, lengths: Tensor) -> Tensor:
        """The convolutions' output [B, N, channels] for waveforms [B, T] with lengths [B]."""
        with in_float32(waves):
            waves = zero_padding(waves, lengths)
            if self.sizes.normalise:
                waves = _normalised(waves, lengths)
        scaled = self.convolution_gradient != 1.0 and torch.is_grad_enabled()
        hidden = waves.unsqueeze(1)
        if scaled:
            hidden = scale_gradient(hidden, 1.0 / self.convolution_gradient)
        for number, block in enumerate(self.feature_extractor.conv_layers):
            if number == 0 and self.sizes.convolution_norm == "group":
                _, kernel, stride = self.sizes.convolutions[0]
                frames = ((lengths - kernel).div(stride, rounding_mode="floor") + 1).clamp_min(1)
                hidden = F.gelu(_over_time(block.layer_norm, block.conv(hidden), frames))
            else:
                hidden, _ = block(hidden, None)
        if scaled:
            hidden = scale_gradient(hidden, self.convolution_gradient)
        return hidden.transpose(1, 2)

    def _transformed(self, hidden: Tensor, valid: Tensor, last: int) -> Iterator[Tensor]:
        """The outputs of the transformer's layers up to the `last`."""
        if self.sizes.buckets:
            masks = {"key_padding_mask": torch.zeros_like(valid, dtype=self.dtype).masked_fill(~valid, -torch.inf)}
        else:
            size = valid.shape[1]
            masks = {"attention_mask": valid[:, None, None, :].expand(-1, 1, size, size)}
        positions = None
        for number, layer in enumerate(self.encoder.transformer.layers[:last]):
            # Drawn on the host, so that nothing waits for the device.
            if not (self.training and number and self.layer_drop and torch.rand(1).item() < self.layer_drop):
                hidden, positions = layer(hidden, position_bias=positions, **masks)
            yield hidden


def _normalised(waves: Tensor, lengths: Tensor) -> Tensor:
    """Waveforms [B, T] of mean 0 and variance 1 over each one's own samples, as in fairseq."""
    count = lengths.clamp_min(1).unsqueeze(1)
    centred = zero_padding(waves - waves.sum(1, keepdim=True) / count, lengths)
    return centred / (centred.square().sum(1, keepdim=True) / count + 1e-5).sqrt()


def _over_time(norm: nn.GroupNorm, hidden: Tensor, frames: Tensor) -> Tensor:
    """A group norm with one channel a group, of [B, C, N], over each utterance's own `frames` [B]."""
    with in_float32(hidden):
        hidden = hidden.float() if hidden.dtype in (torch.half, torch.bfloat16) else hidden
        padding = ~valid_mask(frames, hidden.shape[2]).unsqueeze(1)
        count = frames.view(-1, 1, 1)
        centred = hidden - hidden.masked_fill(padding, 0.0).sum(2, keepdim=True) / count
        variance = centred.masked_fill(padding, 0.0).square().sum(2, keepdim=True) / count
        scale = norm.weight.view(1, -1, 1) * (variance + norm.eps).rsqrt()
        return centred * scale + norm.bias.view(1, -1, 1)
