"""A section that a person rewrote in, its normalised text or the reason to refuse it out; and examples for training from both.

A person is asked again where a language model's text would be mended: nothing is taken out of what a person wrote.
"""
from __future__ import annotations

from dataclasses import replace

from agir_plugin.rationale.leakage import forbidden
from agir_plugin.rationale.normalise import MAX_CHARACTERS, MIN_ENGLISH, english_share, normalise
from agir_plugin.rationale.prompt import build_prompt
from agir_plugin.records import GaitParameters, Rationale
from agir_plugin.tasks.sections import faults, short

#: What stands in for the other sections while one is checked, so that faults of theirs do not count.
_OTHERS = Rationale("Walking speed is normal.", "Arm swing is normal.", "The rhythm is regular.")


def checked_section(section: str, text: str) -> tuple[str, str]:
    """(text with its blanks made even and markdown removed, "") or ("", why it is refused).

    Refused are: empty text, headings of other sections, special tokens, words that give the score away, forbidden topics
    (turning, medication, diagnosis, freezing), more words than a rationale may have, other languages.
    """
    part = " ".join(text[: MAX_CHARACTERS + 1].split())
    whole = replace(_OTHERS, **{section: part})
    found = normalise(whole.text())
    problems = faults(whole) or forbidden(whole) if part and len(part) <= MAX_CHARACTERS else ()
    if problems:
        return "", "; ".join(problems)
    if found.rationale is None:
        return "", found.problem
    if english_share(part) < MIN_ENGLISH:
        return "", f"expected English sentences on a walk, found {short(part)}"
    return str(getattr(found.rationale, section)), ""


def preference(gait: GaitParameters, score: int, offered: Rationale, chosen: Rationale) -> dict[str, str]:
    """One example for preference training (TRL's `DPOTrainer`, standard format): `prompt`, `chosen`, `rejected`, all texts.

    The prompt is the paper's Instruction-Exemplar-Input prompt (`prompt.build_prompt`): what a language model that writes
    rationales from parameters is asked. It holds parameters and the score, no names.
    """
    return {"prompt": build_prompt(gait, score), "chosen": chosen.text(), "rejected": offered.text()}


def completion(gait: GaitParameters, score: int, chosen: Rationale) -> dict[str, str]:
    """One example for supervised training (TRL's `SFTTrainer`, prompt-completion format): `prompt` and `completion`."""
    return {"prompt": build_prompt(gait, score), "completion": chosen.text()}
