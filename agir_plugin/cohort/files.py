"""Values in, whole files out: every file of a cohort is written to a temporary name and then renamed."""
from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

#: Letters of a file's name that its temporary name repeats; a name may be as long as the file system allows.
NAME_LETTERS = 40


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it appears whole or not at all; folders are made."""
    _write_together({path: content})


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files that writers left in `folder` and below when they were killed."""
    for path in folder.rglob(".*.tmp"):
        path.unlink()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all; bytes of file names that are no text become `\\udcfc`."""
    write_bytes(path, text.encode("utf8", "backslashreplace"))


def write_texts(texts: Mapping[Path, str]) -> None:
    """Write UTF-8 texts that belong together: all of them or, where the disk fills or a folder is closed, none."""
    _write_together({path: text.encode("utf8", "backslashreplace") for path, text in texts.items()})


def write_array(path: Path, array: np.ndarray) -> None:
    """Write a `.npy` file, whole or not at all."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a `.npz` file, whole or not at all; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_bytes(path, buffer.getvalue())


def write_json(path: Path, values: Mapping[str, Any], indent: int | None = 2) -> None:
    """Write a JSON object with its keys in the given order; numbers that are not finite are refused (ValueError)."""
    write_text(path, json.dumps(values, indent=indent, ensure_ascii=False, allow_nan=False) + "\n")


def write_json_with_list(path: Path, values: Mapping[str, Any], name: str, items: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON object that ends with the list `name`, one item per line, so that a line is a walk to `grep` and `diff`."""
    head = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False).removesuffix("\n}")
    lines = ",\n    ".join(json.dumps(item, ensure_ascii=False, allow_nan=False) for item in items)
    write_text(path, f'{head},\n  "{name}": [\n    {lines}\n  ]\n}}\n')


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A CSV table; a missing value or None is an empty cell, a float has nine significant digits."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return buffer.getvalue()


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a CSV table (see `table`), whole or not at all."""
    write_text(path, table(columns, rows))


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV table as text by column name."""
    with path.open(encoding="utf8", newline="") as file:
        return list(csv.DictReader(file))


def _write_together(contents: Mapping[Path, bytes]) -> None:
    """Write every file under a temporary name first, then rename them all."""
    temporaries: list[Path] = []
    path = Path()
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:NAME_LETTERS]}.", suffix=".tmp")
            temporaries.append(Path(name))
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(name, 0o644)
        for temporary, path in zip(temporaries, contents, strict=True):
            os.replace(temporary, path)
    except BaseException as error:
        for temporary in temporaries:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:  # a full disk does not say where
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return ""
    return f"{value:.9g}" if isinstance(value, float) else str(value)
