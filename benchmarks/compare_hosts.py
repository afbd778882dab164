"""The demo in the host and in a checkout of upstream MotionGPT, same seed and sizes: prints both, fails when they differ by much.

python benchmarks/compare_hosts.py MOTIONGPT_ROOT [--out FOLDER] [-- words for `agir demo`]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

#: The accuracies of the two hosts may differ by this much.
LARGEST = 0.05
FIGURES = ("accuracy", "well_formed_constrained", "well_formed_free", "statement_agreement", "logistic_regression_accuracy")


def main() -> int:
    """Run both demos one after the other; exit code 1 when their accuracies differ by more than `LARGEST`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="checkout of upstream MotionGPT")
    parser.add_argument("--out", type=Path, default=Path("demo_run"), help="folder for both demos")
    parser.add_argument("words", nargs="*", help="words for `agir demo`, such as --subjects 6")
    given = parser.parse_args()
    headlines = {
        name: demo(given.out / name, given.words, root)
        for name, root in (("host", None), ("upstream", given.root.resolve()))
    }
    print(f"\n{'SYNTHETIC walks':<32}{'host':>10}{'upstream':>10}")
    for figure in FIGURES:
        print(f"{figure:<32}" + "".join(f"{headlines[name][figure]:>10.3f}" for name in headlines))
    difference = abs(headlines["host"]["accuracy"] - headlines["upstream"]["accuracy"])
    print(f"{'difference of accuracies':<32}{difference:>10.3f} (at most {LARGEST})")
    return int(difference > LARGEST)


def demo(out: Path, words: list[str], root: Path | None) -> dict[str, float]:
    """Headline figures of one demo, in the installed host or in a checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "MOTIONGPT_ROOT"}
    if root is not None:
        environment |= {"MOTIONGPT_ROOT": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "agir_plugin.cli.app", "demo", "--out", str(out), *words]
    subprocess.run(command, env=environment, check=True)
    return json.loads((out / "metrics.json").read_text("utf8"))["headline"]


if __name__ == "__main__":
    raise SystemExit(main())
