"""Atomic writes: a file is whole or not there."""
from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any


def write_atomic(path: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a temporary file beside `path`, then rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part{os.getpid()}")
    try:
        write(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def write_json(path: Path, value: Any) -> Path:
    """One JSON document, readable by people."""
    return write_atomic(path, lambda part: part.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf8"))


def write_json_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """One JSON document per line."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return write_atomic(path, lambda part: part.write_text(text, "utf8"))
