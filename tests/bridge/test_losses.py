"""AGIR's losses against the reference vectors, their bounds, their gradients, and their settings."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from agir_plugin.bridge.losses import (
    FORMAT_FLOOR,
    IGNORE,
    agir_losses,
    class_loss_rows,
    format_loss_rows,
    format_positions,
)
from agir_plugin.bridge.settings import ClassLossSettings, FormatLossSettings, LossSettings
from agir_plugin.tasks.structure import TokenIds

FILE = json.loads((Path(__file__).parents[1] / "vectors" / "fmt_loss_vectors.json").read_text("utf8"))
IDS = TokenIds(
    reasoning_start=9,
    reasoning_end=10,
    score_start=11,
    score_end=12,
    scores=(13, 14, 15),
    eos=FILE["ids"]["eos"],
    pad=FILE["ids"]["pad"],
)
VECTORS = {vector["id"]: vector for vector in FILE["vectors"]}


def tensors(vector: dict[str, Any], dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and labels of one vector."""
    return torch.tensor(vector["logits"], dtype=dtype), torch.tensor(vector["labels"])


def terms(vector: dict[str, Any], mode: str = "restricted", dtype: torch.dtype = torch.float64) -> dict[str, float]:
    """All terms of one vector as numbers."""
    logits, labels = tensors(vector, dtype)
    settings = LossSettings(cls=ClassLossSettings(mode=mode))
    return {name: float(value) for name, value in agir_losses(logits, labels, IDS, settings).items()}


@pytest.mark.parametrize("name", VECTORS)
def test_terms_equal_the_reference(name: str) -> None:
    vector = VECTORS[name]
    found = terms(vector)
    assert found["fmt"] == pytest.approx(vector["expect_fmt"], abs=1e-9)
    assert found["cls"] == pytest.approx(vector["expect_cls_restricted"], abs=1e-9)
    assert found["lm"] == pytest.approx(vector["expect_lm"], abs=1e-9)
    assert terms(vector, "full")["cls"] == pytest.approx(vector["expect_cls_full"], abs=1e-9)
    assert terms(vector, dtype=torch.float32)["fmt"] == pytest.approx(vector["expect_fmt"], abs=1e-5)


@pytest.mark.parametrize("name", VECTORS)
def test_positions_and_valid_rows_equal_the_reference(name: str) -> None:
    vector = VECTORS[name]
    positions, targets, valid = format_positions(torch.tensor(vector["labels"]), IDS)
    assert valid.tolist() == vector["valid"]
    for row, is_valid in enumerate(vector["valid"]):
        if is_valid:
            assert positions[row].tolist() == vector["positions"][row]
            assert targets[row].tolist() == vector["targets"][row]


def test_an_off_by_one_reading_is_not_what_we_return() -> None:
    assert terms(VECTORS["FMT-1"])["fmt"] != pytest.approx(VECTORS["FMT-1"]["wrong_value"], abs=0.1)


def test_gradient_at_uniform_logits() -> None:
    vector = VECTORS["FMT-5"]
    logits, labels = tensors(vector)
    logits.requires_grad_(True)
    positions, targets, _ = format_positions(labels, IDS)
    format_loss_rows(logits, positions, targets).mean().backward()
    for place, target in zip(positions[0].tolist(), targets[0].tolist(), strict=True):
        row = logits.grad[0, place].tolist()
        assert row[target] == pytest.approx(vector["expect_grad_at_target"], abs=1e-12)
        assert row[(target + 1) % len(row)] == pytest.approx(vector["expect_grad_elsewhere"], abs=1e-12)
    eos = labels[0].tolist().index(IDS.eos)
    assert logits.grad[0, eos].abs().max().item() == vector["expect_grad_at_eos_row"]


def test_gradient_is_cross_entropy_times_a_gate() -> None:
    torch.manual_seed(0)
    logits = torch.randn(1, 6, 16, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([[9, 10, 11, 14, 12, IDS.eos]])
    positions, targets, _ = format_positions(labels, IDS)
    format_loss_rows(logits, positions, targets).sum().backward()
    p = logits.detach().softmax(dim=-1)
    for place, target in zip(positions[0], targets[0], strict=True):
        hit = p[0, place, target]
        cross_entropy = p[0, place] - torch.nn.functional.one_hot(target, 16)
        assert torch.allclose(logits.grad[0, place], hit / (1 + hit) ** 2 * cross_entropy, atol=1e-12)


def test_row_below_the_certificate_has_all_five_tokens_first() -> None:
    torch.manual_seed(1)
    labels = torch.tensor([[9, 3, 10, 11, 13, 12, IDS.eos]]).repeat(400, 1)
    logits = torch.randn(400, 7, 16, dtype=torch.float64) * 2
    logits.scatter_add_(2, labels[..., None], torch.rand(400, 7, 1, dtype=torch.float64) * 14)
    positions, targets, _ = format_positions(labels, IDS)
    rows = format_loss_rows(logits, positions, targets)
    assert ((rows >= FORMAT_FLOOR) & (rows < 5)).all()
    certified = rows < 8 / 3
    assert certified.sum() > 20
    first = logits.argmax(dim=-1).gather(1, positions)
    assert (first[certified] == targets[certified]).all()


def test_batch_without_a_reasoning_row_has_zero_terms_with_a_graph() -> None:
    logits = torch.zeros(2, 4, 16, requires_grad=True)
    labels = torch.tensor([[3, 4, 5, IDS.eos], [3, IDS.eos, IGNORE, IGNORE]])
    found = agir_losses(logits, labels, IDS, LossSettings())
    assert (found["fmt"].item(), found["cls"].item()) == (0, 0)
    assert found["total"].item() == pytest.approx(math.log(16), abs=1e-6)
    found["total"].backward()
    assert logits.grad is not None


def test_padding_and_description_rows_change_nothing() -> None:
    vector = VECTORS["FMT-3"]
    logits, labels = tensors(vector)
    wide = torch.cat([logits, torch.randn(len(logits), 3, logits.shape[2], dtype=torch.float64)], dim=1)
    padded = torch.cat([labels, torch.full((len(labels), 3), IGNORE)], dim=1)
    description = torch.full_like(padded[:1], IGNORE)
    description[0, :2] = torch.tensor([4, IDS.eos])
    both = agir_losses(torch.cat([wide, wide[:1]]), torch.cat([padded, description]), IDS, LossSettings())
    assert both["fmt"].item() == pytest.approx(vector["expect_fmt"], abs=1e-9)
    assert both["cls"].item() == pytest.approx(vector["expect_cls_restricted"], abs=1e-9)


@pytest.mark.parametrize("off", ["lm", "fmt", "cls"])
def test_weight_zero_removes_a_terms_gradient(off: str) -> None:
    logits, labels = tensors(VECTORS["FMT-3"])
    logits.requires_grad_(True)
    weights = {"lm": 1.0, "fmt": FormatLossSettings(), "cls": ClassLossSettings()}
    weights[off] = 0.0 if off == "lm" else type(weights[off])(weight=0.0)
    found = agir_losses(logits, labels, IDS, LossSettings(**weights))
    gradient = torch.autograd.grad(found["total"], logits, retain_graph=True)[0]
    rest = sum(found[name] for name in ("lm", "fmt", "cls") if name != off)
    assert torch.equal(gradient, torch.autograd.grad(rest, logits)[0])


def test_class_weights_weigh_rows() -> None:
    logits = torch.zeros(2, 6, 16, dtype=torch.float64)
    logits[0, 3, 13] = 2.0
    labels = torch.tensor([[9, 10, 11, 13, 12, IDS.eos], [9, 10, 11, 15, 12, IDS.eos]])
    positions, targets, _ = format_positions(labels, IDS)
    rows = class_loss_rows(logits, positions, targets, IDS)
    weighted = agir_losses(logits, labels, IDS, LossSettings(cls=ClassLossSettings(class_weights=(3.0, 1.0, 1.0))))
    assert rows[1].item() == pytest.approx(math.log(3))
    assert weighted["cls"].item() == pytest.approx((3 * rows[0] + rows[1]).item() / 4)


def test_predicted_positions_follow_the_models_own_end() -> None:
    labels = torch.tensor([[9, 3, 10, 11, 13, 12, IDS.eos]])
    logits = torch.zeros(1, 7, 16, dtype=torch.float64)
    for place, token in enumerate([9, 10, 11, 13, 12, IDS.eos]):
        logits[0, place, token] = 40.0
    at_labels = agir_losses(logits, labels, IDS, LossSettings())["fmt"].item()
    at_predicted = agir_losses(logits, labels, IDS, LossSettings(fmt=FormatLossSettings(positions="predicted")))[
        "fmt"
    ].item()
    assert at_predicted == pytest.approx(FORMAT_FLOOR, abs=1e-9)
    assert at_labels == pytest.approx(4.5, abs=1e-9)
