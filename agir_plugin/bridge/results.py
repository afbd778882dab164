"""The answers of a test run -> predictions.jsonl and metrics.json in MotionGPT's results folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mGPT

from agir_plugin import __version__
from agir_plugin.bridge.answers import Answer, WalkAnswer, walk_answers
from agir_plugin.bridge.host import commit_of
from agir_plugin.bridge.settings import results_folder
from agir_plugin.cohort import Cohort
from agir_plugin.cohort.files import write_json, write_text
from agir_plugin.consts import NOT_A_DEVICE, TRAINED_ON_SYNTHETIC
from agir_plugin.rationale.verify import agreement, check

if TYPE_CHECKING:
    from agir_plugin.bridge.model import AgirModel

#: Packages whose versions are written beside every result.
PACKAGES = ("torch", "transformers", "pytorch-lightning", "numpy", "scikit-learn")


def write_results(model: AgirModel, answers: Sequence[Answer]) -> dict[str, Any]:
    """Write both files into `<TEST.FOLDER>/<module>/<NAME>/` and return the metrics."""
    cfg, data = model.cfg, model.datamodule
    folder = results_folder(cfg)
    rows = [_prediction(walk, data.cohort) for walk in walk_answers(answers)]
    summary = model.summarise(
        rows,
        _train_walks(data),
        {row["walk"]: data.cohort.gait(row["walk"]) for row in rows},
        check=check,
        excluded=[{"walk": walk, "reason": reason} for walk, reason in data.excluded.items()],
    )
    metrics = {"headline": headline(summary), **summary, **provenance(cfg, data.cohort)}
    write_text(folder / "predictions.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    write_json(folder / "metrics.json", metrics)
    return metrics


def headline(summary: dict[str, Any]) -> dict[str, float | None]:
    """The few figures a reader looks for first, taken out of the whole summary: the model beside its controls."""
    controls, well_formed = summary["controls"], summary["well_formed"]
    return {
        "accuracy": summary["model"]["scores"]["accuracy"],
        "logistic_regression_accuracy": controls["logistic_regression"].get("scores", {}).get("accuracy"),
        "majority_accuracy": controls["majority"].get("scores", {}).get("accuracy"),
        "well_formed_constrained": well_formed["constrained"]["share"],
        "well_formed_free": well_formed["free"]["share"],
        "statement_agreement": summary["agreement"].get("pooled", summary["agreement"].get("walk_mean")),
    }


def provenance(cfg: Any, cohort: Cohort) -> dict[str, Any]:
    """Where a result comes from: configuration, seed, cohort, versions, and the notices that go with it."""
    from omegaconf import OmegaConf

    notices = [NOT_A_DEVICE, *([TRAINED_ON_SYNTHETIC] if cohort.synthetic else [])]
    return {
        "notices": notices,
        "seed": int(cfg.SEED_VALUE),
        "cohort": cohort_facts(cohort),
        "versions": versions(),
        "config": OmegaConf.to_container(cfg, resolve=True),
    }


def cohort_facts(cohort: Cohort) -> dict[str, Any]:
    """Name, kind and hash of the cohort."""
    return {"name": cohort.name, "synthetic": cohort.synthetic, "hash": cohort.hash()}


def versions() -> dict[str, str]:
    """Versions of agir-plugin and of the packages a result depends on; those not installed are left out."""
    found = {"agir-plugin": __version__}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {**found, **_motiongpt()}


def _motiongpt() -> dict[str, str]:
    """The MotionGPT in use: our host's version, or the commit of a checkout."""
    if hasattr(mGPT, "__version__"):
        return {"agir-motiongpt": mGPT.__version__}
    places = [Path(place).parent for place in mGPT.__path__]
    return {"MotionGPT": next((commit for place in places if (commit := commit_of(place))), "a checkout without a commit")}


def _prediction(walk: WalkAnswer, cohort: Cohort) -> dict[str, Any]:
    return {
        "walk": walk.walk,
        "subject": walk.subject,
        "state": walk.state,
        "score_true": walk.score_true,
        "score": walk.score,
        "probabilities": list(walk.probabilities),
        "foot": walk.rationale.foot,
        "arm": walk.rationale.arm,
        "overall": walk.rationale.overall,
        "windows": walk.windows,
        "well_formed_constrained": walk.well_formed_constrained,
        "well_formed_free": walk.well_formed_free,
        "agreement": agreement(check(walk.rationale, cohort.gait(walk.walk))),
    }


def _train_walks(data: Any) -> list[dict[str, Any]]:
    """What the controls are trained on: the training subjects' walks with their measured parameters."""
    cohort, rationales = data.cohort, data.cohort.rationales()
    return [
        {
            "walk": w.walk,
            "subject": w.subject,
            "score": w.score,
            "gait": cohort.gait(w.walk),
            "rationale": rationales.get(w.walk),
        }
        for w in cohort.walks_of(data.fold.train)
        if w.score is not None
    ]
