"""The motion tokenizer: normalised features (N, T, nfeats) go in, codes (N, T // 4) come out, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mGPT.archs.tools.convnet import ResidualStack, frame_mask, make_activation, run
from mGPT.archs.tools.quantizer import make_quantizer
from mGPT.errors import ConfigError, DataError

Lengths = Sequence[int] | Tensor


class VQVae(nn.Module):
    """VQ-VAE over motion features with MotionGPT's names and shapes of weights.

    `down_t` is the number of halvings: one code covers `frames_per_token = stride_t ** down_t` frames.
    """

    def __init__(
        self,
        nfeats: int = 263,
        quantizer: str = "ema_reset",
        code_num: int = 512,
        code_dim: int = 512,
        output_emb_width: int = 512,
        down_t: int = 2,
        stride_t: int = 2,
        width: int = 512,
        depth: int = 3,
        dilation_growth_rate: int = 3,
        norm: str | None = None,
        activation: str = "relu",
        mu: float = 0.99,
        reverse_dilation: bool = True,
        **kwargs: Any,  # the shared YAML block also carries keys for other networks
    ) -> None:
        super().__init__()
        if code_dim != output_emb_width:
            raise ConfigError(f"vq: code_dim {code_dim} must equal output_emb_width {output_emb_width}; set both alike")
        stack = dict(depth=depth, growth=dilation_growth_rate, activation=activation, norm=norm)
        stack["reverse_dilation"] = reverse_dilation
        self.nfeats, self.code_dim = nfeats, code_dim
        self.frames_per_token = stride_t**down_t
        self.encoder = Encoder(nfeats, output_emb_width, down_t, stride_t, width, **stack)
        self.decoder = Decoder(nfeats, output_emb_width, down_t, stride_t, width, **stack)
        self.quantizer = make_quantizer(quantizer, code_num, code_dim, mu)

    def encode(self, features: Tensor, lengths: Lengths | None = None) -> tuple[Tensor, None]:
        """Codes (N, T // 4) int64 of features (N, T, nfeats), and None.

        With `lengths` (true frames of each row) every row gets the codes that it gets alone, whatever the batch was
        padded to; code places at or beyond `length // 4` hold 0.
        """
        latents, token_lengths = self._latents(features, lengths)
        codes = self.quantizer.quantize(latents.reshape(-1, self.code_dim)).view(latents.shape[:2])
        if token_lengths is not None:
            inside = frame_mask(token_lengths, codes.shape[1])[:, 0]
            codes = codes.masked_fill(~inside, 0)
        return codes, None

    def decode(self, codes: Tensor, lengths: Lengths | None = None) -> Tensor:
        """Features (N, 4 L, nfeats) of codes (N, L), or (1, 4 L, nfeats) of codes (L,).

        With `lengths` (true codes of each row) a row's features are those that it gets alone, zero beyond `4 * length`.
        """
        rows = codes[None] if codes.dim() == 1 else codes
        vectors = self.quantizer.dequantize(rows)
        return self._features(vectors, self._as_lengths(lengths, rows))

    def forward(self, features: Tensor, lengths: Lengths | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruction (N, T, nfeats), commitment loss and perplexity; frames beyond `lengths` count in none."""
        latents, token_lengths = self._latents(features, lengths)
        if token_lengths is None:
            inside = torch.ones(latents.shape[:2], dtype=torch.bool, device=latents.device)
        else:
            inside = frame_mask(token_lengths, latents.shape[1])[:, 0]
        quantized = self.quantizer(latents[inside])
        vectors = torch.zeros_like(latents)
        vectors[inside] = quantized.vectors.to(vectors.dtype)
        return self._features(vectors, token_lengths), quantized.commit, quantized.perplexity

    def _latents(self, features: Tensor, lengths: Lengths | None) -> tuple[Tensor, Tensor | None]:
        if features.dim() != 3 or features.shape[2] != self.nfeats:
            raise DataError(f"VQVae expects features (N, T, {self.nfeats}), got {tuple(features.shape)}")
        if features.shape[1] < self.frames_per_token:
            raise DataError(
                f"VQVae needs at least {self.frames_per_token} frames for one code, got {features.shape[1]}"
            )
        frames = self._as_lengths(lengths, features)
        x = features.transpose(1, 2)
        mask = frame_mask(frames, x.shape[-1])
        x = x if mask is None else x.masked_fill(~mask, 0.0)
        x, tokens = run(self.encoder.model, x, frames)
        return x.transpose(1, 2), tokens

    def _features(self, vectors: Tensor, token_lengths: Tensor | None) -> Tensor:
        x = vectors.transpose(1, 2)
        mask = frame_mask(token_lengths, x.shape[-1])
        x = x if mask is None else x.masked_fill(~mask, 0.0)
        return run(self.decoder.model, x, token_lengths)[0].transpose(1, 2)

    @staticmethod
    def _as_lengths(lengths: Lengths | None, rows: Tensor) -> Tensor | None:
        if lengths is None:
            return None
        known = torch.as_tensor(lengths, device=rows.device, dtype=torch.long)
        if known.shape != (rows.shape[0],) or int(known.max()) > rows.shape[1]:
            raise DataError(
                f"lengths {known.tolist()} do not fit a batch of {rows.shape[0]} rows of {rows.shape[1]} places"
            )
        return known


class Encoder(nn.Module):
    """Convolution, then `down_t` times (strided convolution, residual stack), then convolution to the code width."""

    def __init__(self, nfeats: int, out_width: int, down_t: int, stride_t: int, width: int, **stack: Any) -> None:
        super().__init__()
        down = [
            nn.Sequential(
                nn.Conv1d(width, width, 2 * stride_t, stride=stride_t, padding=stride_t // 2),
                ResidualStack(width, **stack),
            )
            for _ in range(down_t)
        ]
        first = nn.Conv1d(nfeats, width, 3, padding=1)
        last = nn.Conv1d(width, out_width, 3, padding=1)
        self.model = nn.Sequential(first, make_activation("relu"), *down, last)


class Decoder(nn.Module):
    """The encoder's mirror: convolution, `down_t` times (residual stack, upsampling, convolution), two convolutions."""

    def __init__(self, nfeats: int, in_width: int, down_t: int, stride_t: int, width: int, **stack: Any) -> None:
        super().__init__()
        up = [
            nn.Sequential(
                ResidualStack(width, **stack),
                nn.Upsample(scale_factor=stride_t, mode="nearest"),
                nn.Conv1d(width, width, 3, padding=1),
            )
            for _ in range(down_t)
        ]
        first = nn.Conv1d(in_width, width, 3, padding=1)
        last = nn.Conv1d(width, nfeats, 3, padding=1)
        before_last = nn.Conv1d(width, width, 3, padding=1)
        self.model = nn.Sequential(first, make_activation("relu"), *up, before_last, make_activation("relu"), last)
