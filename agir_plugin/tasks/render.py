"""A template string and the texts for its placeholders in, the finished string out, in one pass."""
from __future__ import annotations

import re
from collections.abc import Mapping

from agir_plugin.errors import UsageError
from agir_plugin.registry import did_you_mean
from agir_plugin.tasks.spec import PLACEHOLDER, PLACEHOLDERS


def fill(template: str, values: Mapping[str, str]) -> str:
    """`template` with each placeholder replaced by its text.

    One pass over the template: a caption that itself contains a placeholder stays as it is. Values that the template
    does not ask for are left aside, so that one mapping serves both sides of a direction. Raises UsageError when the
    template holds a placeholder without a value, or when `values` names something that is no placeholder.
    """
    strange = [name for name in values if name not in PLACEHOLDERS]
    if strange:
        raise UsageError(
            f"expected values for the placeholders {', '.join(PLACEHOLDERS)}, got one for {strange[0]!r}"
            f"{did_you_mean(strange[0], PLACEHOLDERS)}"
        )

    def _value(match: re.Match[str]) -> str:
        name = match.group()
        if name not in values:
            raise UsageError(
                f"expected a value for {name} in the template {template!r}, got values for "
                f"{', '.join(sorted(values)) or 'nothing'}; correct the template or give the value"
            )
        return values[name]

    return PLACEHOLDER.sub(_value, template)
