"""Motion capture files enter, `Recording` values leave; `write_c3d` goes the other way."""
from __future__ import annotations

from agir_plugin.ingest.c3d_writer import write_c3d
from agir_plugin.ingest.reading import read

__all__ = ["read", "write_c3d"]
