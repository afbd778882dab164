"""rationales.jsonl in, its rows with everything they hold out; and the hash by which a review names a text."""
from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

from agir_plugin.errors import CohortError
from agir_plugin.records import Rationale

#: The cohort's texts, and those that a review left out.
RATIONALES, REJECTED = "rationales.jsonl", "rationales_rejected.jsonl"
#: What a row holds of the text itself; everything else says where it comes from.
TEXT = ("walk", "foot", "arm", "overall")


def read_rows(path: Path) -> dict[str, dict[str, Any]]:
    """Walk -> row of a file such as rationales.jsonl; empty when there is none. CohortError for a malformed line."""
    if not path.is_file():
        return {}
    rows: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(path.read_text(encoding="utf8").splitlines(), start=1):
        try:
            row = json.loads(line)
            rationale_of(row)
            rows[row["walk"]] = row
        except (ValueError, KeyError, TypeError) as error:
            raise CohortError(
                f"{path}, line {number}: expected a JSON object with walk, foot, arm and overall, but reading it failed "
                f"({error}); delete the file to write the rationales anew"
            ) from None
    return rows


def rationale_of(row: Mapping[str, Any]) -> Rationale:
    """The text of a row; KeyError when a part is missing, TypeError when one is no text."""
    rationale = Rationale(row["foot"], row["arm"], row["overall"])
    if not all(isinstance(part, str) for part in astuple(rationale)):
        raise TypeError("foot, arm and overall must be texts")
    return rationale


def provenance_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a row holds beyond the walk's name and its text."""
    return {name: value for name, value in row.items() if name not in TEXT}


def text_hash(rationale: Rationale) -> str:
    """SHA-256 of the three parts: the same for the same words, whoever wrote them."""
    return hashlib.sha256(json.dumps(astuple(rationale), ensure_ascii=False).encode("utf8")).hexdigest()
