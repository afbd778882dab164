"""A cohort -> the texts that a tokenizer of its own has to know: templates and the training subjects' rationales."""

from __future__ import annotations

from agir_plugin.bridge.settings import DataSettings
from agir_plugin.cohort import Cohort
from agir_plugin.tasks import load
from agir_plugin.tasks.spec import PLACEHOLDER


def training_texts(cohort: Cohort, scheme: str = "holdout", fold: int = 0) -> list[str]:
    """Every instruction and target text of the default templates, and the rationales of the fold's training walks."""
    settings = DataSettings(cohort=str(cohort.folder))
    templates = [load(settings.generative_template), load(settings.reasoning_template)]
    strings = [text for t in templates for d in t.directions for text in (*d.input, *d.output)]
    rationales = cohort.rationales()
    walks = cohort.walks_of(cohort.fold(scheme, fold).train)
    return [PLACEHOLDER.sub(" ", text).strip() for text in strings] + [
        rationales[w.walk].text() for w in walks if w.walk in rationales
    ]
