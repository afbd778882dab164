"""Temporal convolution stacks of the motion VQ-VAE: (N, C, T) and true lengths go in, (N, C', T') and lengths come out.

The stacks are those that T2M-GPT (Zhang et al. 2023) and MotionGPT (Jiang et al. 2023) describe: strided convolutions,
residual blocks with growing dilation, and nearest-neighbour upsampling. What is added here is the mask: after every
layer all frames beyond a row's true length are set to zero, which is the same zero that a convolution pads a lone clip
with. So a row of a padded batch gets the very values that it would get alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mGPT.errors import ConfigError

ACTIVATIONS = {"relu": nn.ReLU, "silu": nn.SiLU, "gelu": nn.GELU}
#: Word in the config -> normalisation over channels of (N, C, T); each treats every frame or row by itself.
NORMS = {
    "LN": lambda width: _ChannelLayerNorm(width),
    "GN": lambda width: nn.GroupNorm(32, width, eps=1e-6),
    "BN": lambda width: nn.BatchNorm1d(width, eps=1e-6),
}


def run(layers: nn.Sequential, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Run a stack on (N, C, T); after each layer frames at or beyond `lengths` (N,), if there are any, become zero."""
    for layer in layers:
        if isinstance(layer, nn.Sequential):
            x, lengths = run(layer, x, lengths)
        elif isinstance(layer, ResidualStack):
            x = layer(x, frame_mask(lengths, x.shape[-1]))
        else:
            x = layer(x)
            lengths = _length_after(layer, lengths)
            x = _masked(x, frame_mask(lengths, x.shape[-1]))
    return x, lengths


def frame_mask(lengths: Tensor | None, frames: int) -> Tensor | None:
    """(N, 1, frames) bool, true where a frame lies within its row's length; None when there are no lengths."""
    if lengths is None:
        return None
    return (torch.arange(frames, device=lengths.device) < lengths[:, None])[:, None]


class ResidualBlock(nn.Module):
    """x + conv2(act(conv1(act(x)))): conv1 of width 3 with dilation, conv2 of width 1; (N, C, T) stays (N, C, T)."""

    def __init__(self, width: int, dilation: int, activation: str, norm: str | None) -> None:
        super().__init__()
        self.norm1, self.norm2 = make_norm(norm, width), make_norm(norm, width)
        self.activation = make_activation(activation)
        self.conv1 = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.conv2 = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(N, C, T) -> (N, C, T); frames outside `mask` (N, 1, T) are zero after each convolution."""
        hidden = _masked(self.activation(self.norm1(x)), mask)
        hidden = _masked(self.conv1(hidden), mask)
        hidden = self.conv2(_masked(self.activation(self.norm2(hidden)), mask))
        return x + _masked(hidden, mask)


class ResidualStack(nn.Module):
    """`depth` residual blocks with dilations 1, growth, growth**2 ..., the largest first when `reverse_dilation`."""

    def __init__(
        self, width: int, depth: int, growth: int, activation: str, norm: str | None, reverse_dilation: bool = True
    ) -> None:
        super().__init__()
        dilations = [growth**index for index in range(depth)]
        if reverse_dilation:
            dilations.reverse()
        self.model = nn.Sequential(*(ResidualBlock(width, dilation, activation, norm) for dilation in dilations))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(N, C, T) -> (N, C, T)."""
        for block in self.model:
            x = block(x, mask)
        return x


def make_activation(name: str) -> nn.Module:
    """The activation a config names; ConfigError lists the known ones."""
    if name not in ACTIVATIONS:
        raise ConfigError(f"vq activation: expected one of {sorted(ACTIVATIONS)}, got {name!r}")
    return ACTIVATIONS[name]()


def make_norm(name: str | None, width: int) -> nn.Module:
    """The normalisation a config names (None: identity); ConfigError lists the known ones."""
    if name in (None, "None", ""):
        return nn.Identity()
    if name not in NORMS:
        raise ConfigError(f"vq norm: expected null or one of {sorted(NORMS)}, got {name!r}")
    return NORMS[name](width)


class _ChannelLayerNorm(nn.LayerNorm):
    """Layer normalisation over the channels of (N, C, T), each frame by itself."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


def _length_after(layer: nn.Module, lengths: Tensor | None) -> Tensor | None:
    if lengths is None:
        return None
    if isinstance(layer, nn.Upsample):
        return lengths * int(layer.scale_factor)
    if isinstance(layer, nn.Conv1d):
        reach = layer.dilation[0] * (layer.kernel_size[0] - 1) + 1
        return torch.div(lengths + 2 * int(layer.padding[0]) - reach, layer.stride[0], rounding_mode="floor") + 1
    return lengths


def _masked(x: Tensor, mask: Tensor | None) -> Tensor:
    return x if mask is None else x.masked_fill(~mask, 0.0)
