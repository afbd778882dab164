"""Logits and labels of a batch -> AGIR's losses: language (L_LM), format (L_fmt), class (L_cls).

Shapes: logits (B, L, V) where `logits[:, t]` predicts `labels[:, t]`; labels (B, L) int64, padded with -100 after `</s>`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from agir_plugin.bridge.settings import ClassLossSettings, LossSettings
from agir_plugin.tasks.structure import TokenIds

#: Label value that no loss looks at (PyTorch's default for cross-entropy).
IGNORE = -100
#: Least value of one row's format loss: five tokens, each term at least 1/2 (it is reached when all five have p = 1).
FORMAT_FLOOR = 2.5


def language_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """L_LM: cross-entropy averaged over all target tokens that are not padding."""
    flat = logits.flatten(0, 1)
    return F.cross_entropy(flat if flat.dtype == torch.float64 else flat.float(), labels.flatten(), ignore_index=IGNORE)


def format_positions(labels: Tensor, ids: TokenIds) -> tuple[Tensor, Tensor, Tensor]:
    """Where the five special tokens stand in each row of labels.

    Returns positions (B, 5), targets (B, 5) and valid (B,). With e the index of the first `</s>`, the positions are
    0, e-4, e-3, e-2, e-1; a row is valid only if exactly the five tokens of the grammar stand there, so a description row
    or a truncated row is not. Positions of rows that are not valid are 0 and must not be used.
    """
    is_eos = labels == ids.eos
    end = is_eos.int().argmax(dim=1)
    possible = is_eos.any(dim=1) & (end >= 5)
    places = end[:, None] + torch.tensor([-4, -3, -2, -1], device=labels.device)
    positions = torch.cat([torch.zeros_like(end)[:, None], places], dim=1) * possible[:, None]
    targets = labels.gather(1, positions)
    scores = torch.tensor(ids.scores, device=labels.device)
    fixed = torch.tensor([ids.reasoning_start, ids.reasoning_end, ids.score_start, ids.score_end], device=labels.device)
    right = (targets[:, [0, 1, 2, 4]] == fixed).all(dim=1) & torch.isin(targets[:, 3], scores)
    return positions, targets, possible & right


def predicted_positions(logits: Tensor, positions: Tensor, ids: TokenIds) -> Tensor:
    """The same five places counted from the first `</s>` the model predicts; the labels' where it predicts none in reach."""
    is_eos = logits.argmax(dim=-1) == ids.eos
    end = is_eos.int().argmax(dim=1)
    usable = is_eos.any(dim=1) & (end >= 5)
    shifted = torch.cat([positions[:, :1], end[:, None] + torch.tensor([-4, -3, -2, -1], device=logits.device)], dim=1)
    return torch.where(usable[:, None], shifted, positions)


def format_loss_rows(logits: Tensor, positions: Tensor, targets: Tensor) -> Tensor:
    """L_fmt of each row, (B,), in [2.5, 5): sum over the five places of 1 - sigmoid(log p) = 1 / (1 + p).

    AGIR (Wang, Bobenrieth, Seo 2025): L_fmt = sum_k (1 - sigmoid(Z[pos_k, T_k] - LSE(Z[pos_k]))). Only the gathered rows
    (B, 5, V) are normalised, in float32 or better.
    """
    rows = logits.gather(1, positions[..., None].expand(-1, -1, logits.shape[-1]))
    rows = rows if rows.dtype == torch.float64 else rows.float()
    log_p = rows.gather(2, targets[..., None]).squeeze(2) - rows.logsumexp(dim=2)
    return (1 - torch.sigmoid(log_p)).sum(dim=1)


def class_loss_rows(
    logits: Tensor, positions: Tensor, targets: Tensor, ids: TokenIds, mode: str = "restricted"
) -> Tensor:
    """L_cls of each row, (B,): cross-entropy of the score token, over the three score tokens or the whole vocabulary."""
    place = positions[:, 3]
    row = logits[torch.arange(len(logits), device=logits.device), place]
    row = row if row.dtype == torch.float64 else row.float()
    if mode == "full":
        return F.cross_entropy(row, targets[:, 3], reduction="none")
    return F.cross_entropy(row[:, list(ids.scores)], score_index(targets[:, 3], ids), reduction="none")


def score_index(tokens: Tensor, ids: TokenIds) -> Tensor:
    """Score tokens (B,) -> scores 0, 1, 2 (B,)."""
    return (tokens[:, None] == torch.tensor(ids.scores, device=tokens.device)).int().argmax(dim=1)


def agir_losses(
    logits: Tensor, labels: Tensor, ids: TokenIds, settings: LossSettings, hidden: Tensor | None = None
) -> dict[str, Tensor]:
    """All losses and their weighted sum, by name: `lm`, `fmt`, `cls`, `hidden`, `total`.

    `fmt`, `cls` and `hidden` are means over the valid (reasoning) rows; in a batch without one they are 0, still with a graph.
    `hidden` (B, 3) are the logits of the score tokens with the rationale hidden; without them that term is 0. A term whose
    weight is 0 adds nothing to `total`, and no gradient.
    """
    lm = language_loss(logits, labels)
    positions, targets, valid = format_positions(labels, ids)
    rows, where, what = logits[valid], positions[valid], targets[valid]
    nothing = lm * 0  # a graph, where no row counts
    fmt = cls = blind = nothing
    if len(rows):
        score = score_index(what[:, 3], ids)
        looked_at = predicted_positions(rows, where, ids) if settings.fmt.positions == "predicted" else where
        fmt = format_loss_rows(rows, looked_at, what).mean()
        cls = _weighted_mean(class_loss_rows(rows, where, what, ids, settings.cls.mode), score, settings.cls)
        if hidden is not None:
            blind = _weighted_mean(F.cross_entropy(hidden[valid].float(), score, reduction="none"), score, settings.cls)
    weights = (settings.lm, settings.fmt.weight, settings.cls.weight, settings.cls.hidden_weight)
    terms = [(weight, term) for weight, term in zip(weights, (lm, fmt, cls, blind), strict=True) if weight]
    return {
        "lm": lm,
        "fmt": fmt,
        "cls": cls,
        "hidden": blind,
        "total": sum((weight * term for weight, term in terms), nothing),
    }


def _weighted_mean(rows: Tensor, score: Tensor, settings: ClassLossSettings) -> Tensor:
    if settings.class_weights is None:
        return rows.mean()
    weights = torch.tensor(settings.class_weights, device=rows.device, dtype=rows.dtype)[score]
    return (rows * weights).sum() / weights.sum().clamp_min(torch.finfo(rows.dtype).tiny)
