"""A terminal that cannot show every sign in; the same output with plain signs in their place out (`✓` becomes `+`)."""

from __future__ import annotations

import codecs
import sys

#: Sign -> what stands for it where it cannot be shown; any other sign becomes a question mark.
PLAIN = {
    "▶": ">", "✓": "+", "✗": "x", "▼": "v", "▲": "^", "±": "+/-", "°": " deg", "─": "-", "—": "-", "–": "-", "…": "...",
    "’": "'", "‘": "'", "“": '"', "”": '"', "•": "*", "\u2011": "-", "\u2010": "-",
}
_NAME = "agir_plain_signs"


def show_plain_signs() -> None:
    """Make stdout and stderr write plain signs for those that their encoding lacks, where they would raise an error else."""
    codecs.register_error(_NAME, _plain)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and "utf" not in (stream.encoding or "").lower():
            reconfigure(errors=_NAME)


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start: error.end]
    return "".join(PLAIN.get(sign, "?") for sign in signs), error.end
