"""What is told of a checkpoint that does not fit, and the rows that AGIR's tokens get."""

from __future__ import annotations

import pytest
import torch

from agir_plugin.bridge.fitting_keys import find_misfits, with_special_rows


def tensors(**shapes: tuple[int, ...]) -> dict[str, torch.Tensor]:
    """Tensors of ones by name (`_` stands for a dot)."""
    return {name.replace("__", "."): torch.ones(shape) for name, shape in shapes.items()}


def test_nothing_is_wrong_with_a_checkpoint_that_fits() -> None:
    own = tensors(vae__a=(2,), lm__b=(3, 4))
    assert not find_misfits(own, own)


def test_missing_unexpected_and_misshapen_are_told_apart() -> None:
    own, given = tensors(a=(2,), b=(3,), c=(1,)), tensors(a=(2,), b=(4,), d=(1,))
    misfits = find_misfits(given, own)
    assert (misfits.missing, misfits.unexpected, misfits.other_shape) == (("c",), ("d",), ("b",))
    assert str(misfits) == "1 missing (c); 1 unexpected (d); 1 of another shape (b)"
    assert misfits.names == {"d", "b"}


def test_long_lists_are_cut() -> None:
    own = tensors(a=(1,), b=(1,), c=(1,), d=(1,), e=(1,), f=(1,))
    assert str(find_misfits({}, own)) == "6 missing (a, b, c, d and 2 more)"


@pytest.mark.parametrize(
    "name",
    ["metrics.TM2TMetrics.x", "_losses.losses_train.total", "vae.quantizer.code_sum", "vae.quantizer.initted"],
)
def test_what_belongs_to_a_run_counts_on_neither_side(name: str) -> None:
    extra = {name: torch.ones(1)}
    assert not find_misfits(extra, {}) and not find_misfits({}, extra)


def test_seven_missing_rows_become_the_mean_of_the_others() -> None:
    old = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    own = {"lm.language_model.shared.weight": torch.zeros(9, 2), "lm.language_model.x": torch.zeros(9, 2)}
    grown = with_special_rows({"lm.language_model.shared.weight": old, "lm.language_model.x": old}, own)
    table = grown["lm.language_model.shared.weight"]
    assert torch.equal(table[:2], old) and torch.equal(table[2:], torch.tensor([[2.0, 4.0]] * 7))
    assert torch.equal(grown["lm.language_model.x"], old)  # no vocabulary table


def test_another_number_of_missing_rows_is_left_for_the_check() -> None:
    own, given = {"lm.lm_head.weight": torch.zeros(8, 2)}, {"lm.lm_head.weight": torch.zeros(2, 2)}
    assert find_misfits(with_special_rows(given, own), own).other_shape == ("lm.lm_head.weight",)
