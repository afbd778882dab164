"""In the host that is imported: load whole checkpoints by that host's own rule and compare the tokenizer's answers.

python read_checkpoint.py T5_FOLDER OWN_FOLDER FOLDER...: OWN_FOLDER gets a checkpoint of this host, with answers; prints as
JSON what is missing, left over and refused in each FOLDER's, and how far answers are apart.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from tiny import tiny_model, untied
from write_checkpoint import answers_of, use_many_codes

#: Parts of names that belong to a run: the contract's load rule takes them from the fresh model.
RUN_PARTS = ("_losses", "Metrics")
#: Saved by our host alone; it starts them anew where a checkpoint has none.
SUMS = ("code_sum", "code_count", "initted")


def main() -> None:
    """Load, compare, print; write one's own."""
    t5, own, *folders = map(Path, sys.argv[1:])
    print(json.dumps([compared(t5, folder) for folder in folders]))
    torch.manual_seed(13)
    with untied():
        model = tiny_model(t5).eval()
    use_many_codes(model)
    own.mkdir(parents=True, exist_ok=True)
    torch.save({"state_dict": model.state_dict()}, own / "model.ckpt")
    torch.save(answers_of(model), own / "answers.pt")


def compared(t5: Path, folder: Path) -> dict[str, Any]:
    """What a model of this host finds in a folder's checkpoint."""
    with untied():
        model = tiny_model(t5)
    given = torch.load(folder / "model.ckpt", map_location="cpu", weights_only=True)["state_dict"]
    names, own = ({name for name in some if not of_a_run(name)} for some in (given, model.state_dict()))
    refused = refusal(model, given)
    if refused:
        given = {name: value for name, value in given.items() if not name.endswith(SUMS)}
        model.load_state_dict(given, strict=True)
    stock = tiny_model(t5)
    stock.load_state_dict(given, strict=True)
    model.eval()
    meant, found = torch.load(folder / "answers.pt", weights_only=True), answers_of(model)
    return {
        "missing": sorted(name for name in own - names if not name.endswith(SUMS)),
        "unexpected": sorted(name for name in names - own if not name.endswith(SUMS)),
        "only_given": sorted(name for name in names - own if name.endswith(SUMS)),
        "refused": refused,
        "run_keys": sum(of_a_run(name) for name in given),
        "same_codes": torch.equal(found["codes"], meant["codes"]),
        "used_codes": len(found["codes"].unique()),
        "motion_difference": float((found["motion"] - meant["motion"]).abs().max()),
        "changed": changed(model, given),
        "changed_in_stock": changed(stock, given),
        "tables_differ": len({float(given[f"lm.language_model.{name}.weight"].sum()) for name in ("shared", "lm_head")}) == 2,
    }  # fmt: skip


def changed(model: Any, given: dict[str, Any]) -> list[str]:
    """Names whose values are not those of the checkpoint that was loaded."""
    own = model.state_dict()
    return sorted(name for name in given if not of_a_run(name) and not torch.equal(own[name], given[name]))


def of_a_run(name: str) -> bool:
    """Whether a name is of losses or metrics."""
    return any(part in name for part in RUN_PARTS)


def refusal(model: Any, given: dict[str, Any]) -> str:
    """What a strict load says against a state dict; nothing when it loads."""
    try:
        model.load_state_dict(given, strict=True)
    except Exception as error:
        return " ".join(str(error).split())
    return ""


if __name__ == "__main__":
    main()
