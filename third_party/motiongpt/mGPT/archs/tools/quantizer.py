"""Vector quantizers of the motion VQ-VAE: latents (M, D) go in; codes, code vectors, loss and perplexity come out.

`EmaQuantizer` learns its codebook by moving averages (van den Oord et al. 2017, appendix A.1) and re-seeds codes that
fall out of use (Jukebox, Dhariwal et al. 2020). `LearnedQuantizer` learns it by gradient (van den Oord et al. 2017,
equation 3).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, distributed, nn

from mGPT.errors import ConfigError

#: A code with a moving-average count below this (vectors per batch) is out of use and is re-seeded.
MIN_COUNT = 1.0
#: Count given to each code of a checkpoint without counts: e, so that a code survives one time constant of the
#: average unused.
UNKNOWN_COUNT = math.e
#: Weight of the commitment term inside the gradient-learned quantizer (van den Oord et al. 2017 report no effect from
#: .1 to 2).
LEARNED_BETA = 1.0


class Quantized(NamedTuple):
    """vectors (M, D) with straight-through gradient; codes (M,) int64; commit and perplexity scalars."""

    vectors: Tensor
    codes: Tensor
    commit: Tensor
    perplexity: Tensor


def make_quantizer(kind: str, codes: int, width: int, mu: float) -> nn.Module:
    """The quantizer a config names: ema_reset (default), ema, reset or orig."""
    if kind in ("ema_reset", "ema"):
        return EmaQuantizer(codes, width, mu, reset=kind == "ema_reset")
    if kind in ("reset", "orig"):
        return LearnedQuantizer(codes, width, reset=kind == "reset")
    raise ConfigError(f"vq quantizer: expected ema_reset, ema, reset or orig, got {kind!r}")


class _Quantizer(nn.Module):
    """What all quantizers share: nearest code, look-up, and the forward pass over (M, D) latents."""

    codebook: Tensor

    def quantize(self, latents: Tensor) -> Tensor:
        """Index (M,) of the nearest codebook row of each latent (M, D), by squared Euclidean distance in float32."""
        with torch.autocast(latents.device.type, enabled=False):
            book, points = self.codebook.float(), latents.float()
            distance = book.pow(2).sum(1) - 2 * points @ book.t()  # |latent|^2 is the same for all codes
            return distance.argmin(1)

    def dequantize(self, codes: Tensor) -> Tensor:
        """Codebook rows (..., D) of codes (...)."""
        return F.embedding(codes, self.codebook)

    def forward(self, latents: Tensor) -> Quantized:
        """Quantize (M, D) latents; in training mode the codebook learns from them too."""
        if self.training:
            self.prepare(latents.detach())
        codes = self.quantize(latents.detach())
        perplexity = self.learn(latents.detach(), codes) if self.training else usage_perplexity(self.count(codes))
        vectors = self.dequantize(codes)
        commit = self.loss(latents, vectors)
        return Quantized(latents + (vectors - latents).detach(), codes, commit, perplexity)

    def count(self, codes: Tensor) -> Tensor:
        """(K,) how often each code occurs."""
        return torch.bincount(codes, minlength=len(self.codebook)).to(self.codebook.dtype)

    def prepare(self, latents: Tensor) -> None:
        """Called in training before codes are looked up."""

    def learn(self, latents: Tensor, codes: Tensor) -> Tensor:
        """Update what is not learned by gradient; return the perplexity of code use."""
        raise NotImplementedError

    def loss(self, latents: Tensor, vectors: Tensor) -> Tensor:
        """Commitment loss: mean squared distance of latents to their (fixed) codes."""
        return F.mse_loss(latents, vectors.detach())


class EmaQuantizer(_Quantizer):
    """Codebook of moving averages; sums and counts travel with the checkpoint, so that a resumed run learns on.

    A checkpoint that holds the codebook alone (as released ones do) loads strictly and counts as initialised.
    """

    def __init__(self, codes: int, width: int, mu: float, reset: bool) -> None:
        super().__init__()
        self.mu, self.reset = mu, reset
        self.register_buffer("codebook", torch.zeros(codes, width))
        self.register_buffer("code_sum", torch.zeros(codes, width))
        self.register_buffer("code_count", torch.zeros(codes))
        self.register_buffer("initted", torch.zeros((), dtype=torch.bool))

    def prepare(self, latents: Tensor) -> None:
        """Seed the codebook with latents of the first training batch, once in a model's life."""
        if bool(self.initted):
            return
        seeds = self._seeds(latents)
        self.codebook.copy_(seeds)
        self.code_sum.copy_(seeds)
        self.code_count.fill_(1.0)
        self.initted.fill_(True)

    def learn(self, latents: Tensor, codes: Tensor) -> Tensor:
        """Moving-average update of the codebook, summed over all processes; returns the perplexity of this batch."""
        sums = torch.zeros_like(self.code_sum).index_add_(0, codes, latents.to(self.code_sum.dtype))
        counts = _over_processes(self.count(codes))
        self.code_sum.lerp_(_over_processes(sums), 1 - self.mu)
        self.code_count.lerp_(counts, 1 - self.mu)
        alive = self.code_count >= MIN_COUNT if self.reset else self.code_count > torch.finfo(torch.float32).eps
        mean = self.code_sum / self.code_count.clamp_min(torch.finfo(torch.float32).eps)[:, None]
        other = self._seeds(latents) if self.reset else self.codebook
        self.codebook.copy_(torch.where(alive[:, None], mean, other))
        return usage_perplexity(counts)

    def _seeds(self, latents: Tensor) -> Tensor:
        seeds = draw_rows(latents, len(self.codebook)).to(self.codebook.dtype)
        if _distributed():
            distributed.broadcast(seeds, src=0)
        return seeds

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: object) -> None:
        book = state_dict.get(prefix + "codebook")
        bare = book is not None and not any(prefix + key in state_dict for key in ("code_sum", "code_count", "initted"))
        if not bare:
            super()._load_from_state_dict(state_dict, prefix, *args)
            return
        added = {
            prefix + "code_sum": book * UNKNOWN_COUNT,
            prefix + "code_count": torch.full((len(book),), UNKNOWN_COUNT),
            prefix + "initted": torch.ones((), dtype=torch.bool),
        }
        super()._load_from_state_dict({**state_dict, **added}, prefix, *args)


class LearnedQuantizer(_Quantizer):
    """Codebook learned by gradient; with `reset`, codes unused in a batch are re-seeded from that batch."""

    def __init__(self, codes: int, width: int, reset: bool) -> None:
        super().__init__()
        self.reset = reset
        if reset:
            self.codebook = nn.Parameter(torch.empty(codes, width).uniform_(-1 / codes, 1 / codes))
        else:
            self.embedding = nn.Embedding(codes, width)
            self.embedding.weight.data.uniform_(-1 / codes, 1 / codes)

    def __getattr__(self, name: str) -> Tensor | nn.Module:
        if name == "codebook" and "embedding" in self._modules:
            return self.embedding.weight
        return super().__getattr__(name)

    def learn(self, latents: Tensor, codes: Tensor) -> Tensor:
        """Re-seed unused codes when asked to; returns the perplexity of this batch."""
        counts = _over_processes(self.count(codes).detach())
        if self.reset:
            unused = (counts == 0)[:, None]
            seeds = draw_rows(latents, len(counts)).to(self.codebook.dtype)
            self.codebook.data.copy_(torch.where(unused, seeds, self.codebook.data))
        return usage_perplexity(counts)

    def loss(self, latents: Tensor, vectors: Tensor) -> Tensor:
        """Codes move to the latents, and the latents commit to their codes."""
        return F.mse_loss(vectors, latents.detach()) + LEARNED_BETA * F.mse_loss(latents, vectors.detach())


def usage_perplexity(counts: Tensor) -> Tensor:
    """exp of the entropy of code use: 1 when one code serves all, K when all K serve alike."""
    share = counts / counts.sum().clamp_min(1)
    return torch.exp(-(share * torch.log(share + 1e-7)).sum())


def draw_rows(latents: Tensor, rows: int) -> Tensor:
    """`rows` latents drawn without repetition; fewer are first repeated with a little noise (std 0.01 / sqrt(D))."""
    if len(latents) < rows:
        times = -(-rows // len(latents))
        latents = latents.repeat(times, 1)
        latents = latents + torch.randn_like(latents) * (0.01 / math.sqrt(latents.shape[1]))
    return latents[torch.randperm(len(latents), device=latents.device)[:rows]]


def _distributed() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _over_processes(values: Tensor) -> Tensor:
    if _distributed():
        distributed.all_reduce(values)
    return values
