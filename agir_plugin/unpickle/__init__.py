"""A pickle or joblib file of arrays and containers in, its plain contents out; nothing the file names is ever run.

Python's own `pickle.load` and `joblib.load` call whatever a file asks for. Here an own reader of the pickle format
(documented in the standard library's `pickletools`) builds containers, numbers, text and NumPy arrays, and refuses all else.
"""
from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from agir_plugin.errors import UnreadableFile

#: What damaged bytes make the reading raise; each becomes an UnreadableFile.
DAMAGE = (ValueError, TypeError, LookupError, ArithmeticError, EOFError, RecursionError, MemoryError, struct.error)


def load(path: Path | str) -> Any:
    """The contents of a pickle (protocols 0 to 5) or a joblib file (also zlib, gzip, bz2, lzma, xz; lz4 where it is installed).

    Allowed are containers, numbers, text, bytes (8-bit text of Python 2 is read as latin-1), NumPy arrays and scalars of plain
    types, arrays of objects made of the same, and, as the dense NumPy arrays that they stand for, `scipy.sparse` csc and csr
    matrices and `chumpy` arrays. Neither SciPy nor chumpy nor joblib is imported.

    Raises UnreadableFile when the file is missing, empty, damaged, too big, or asks for anything else (which is named and was
    not run). Arrays are only made where the file holds their bytes, so that a small file cannot ask for much memory.
    """
    from agir_plugin.unpickle.content import Budget, Reader, unpacked
    from agir_plugin.unpickle.machine import Machine

    path = Path(path)
    try:
        content = unpacked(path)
        return Machine(Reader(content), Budget.of(content), str(path)).run()
    except UnreadableFile:
        raise
    except FileNotFoundError:
        raise UnreadableFile(f"{path}: expected a pickle file, but there is no such file; check the path") from None
    except DAMAGE as error:
        raise UnreadableFile(
            f"{path}: expected a pickle of arrays, but reading it failed ({_short(error)}); the file is damaged or not a "
            "pickle, copy it again"
        ) from None
    except OSError as error:
        raise UnreadableFile(
            f"{path}: expected a pickle file, but reading it failed ({_short(error)}); check the path and its permissions"
        ) from None


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
