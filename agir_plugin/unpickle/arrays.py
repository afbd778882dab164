"""Names and arguments from a pickle in, NumPy arrays and containers out: the whole list of what a pickle may ask for.

Every array is made here from checked parts; no name of a pickle is ever looked up in a module.
"""
from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from agir_plugin.unpickle.content import Budget, Reader

#: Element types that arrays may have: truth values, numbers, text of fixed length, objects.
PLAIN_DTYPE = re.compile(r"[<>=|]?(\?|b1|[iu][1248]|f(2|4|8|16)|c(8|16)|O[48]?|[SU][1-9]\d{0,6})")
#: Highest number of dimensions.
MOST_DIMENSIONS = 32
#: Types that a dictionary key or a member of a set may have (hashing anything deeper could run out of stack).
KEYS = (str, int, float, bool, bytes, complex, type(None), np.generic)


@dataclass(frozen=True)
class Named:
    """A class or function that a pickle named and that is on the list; `kind` says which, and nothing can be done with it."""

    kind: str


@dataclass
class Wrapper:
    """joblib's stand-in for an array whose bytes follow in the file."""

    shape: tuple[int, ...] = ()
    order: str = "C"
    dtype: np.dtype | None = None
    aligned: bool = False


def check_key(key: Any) -> None:
    """TypeError for a key that is neither a plain value nor a tuple of plain values."""
    if not isinstance(key, KEYS) and not (type(key) is tuple and all(isinstance(part, KEYS) for part in key)):
        raise TypeError(f"a {type(key).__name__} as key")


def array_of(data: Any, dtype: Any, shape: Any, order: str, budget: Budget) -> np.ndarray:
    """A new array of `shape` from exactly its bytes (or, for objects, from a list of them); ValueError when they do not fit."""
    count = _count(shape)
    if not isinstance(dtype, np.dtype) or order not in ("C", "F"):
        raise ValueError("an array without a plain element type")
    if dtype.hasobject:
        if not isinstance(data, list) or len(data) != count:
            raise ValueError(f"{count} objects expected for an array")
        budget.spend(8 * count)
        array = np.empty(count, dtype)
        for index, value in enumerate(data):
            array[index] = value
        return array.reshape(shape, order=order)
    held = _bytes_of(data, dtype, count, budget)
    return np.frombuffer(held, dtype).reshape(shape, order=order).copy(order)


def fill_from(target: np.ndarray, data: Any, dtype: Any, shape: Any, fortran: bool, budget: Budget) -> None:
    """`fill` with what `array_of` makes; plain numbers go there at once, since a second copy of a big file's would not fit."""
    if not isinstance(dtype, np.dtype) or dtype.hasobject:
        fill(target, array_of(data, dtype, shape, "F" if fortran else "C", budget))
        return
    target.__setstate__((1, shape, dtype, fortran, _bytes_of(data, dtype, _count(shape), budget)))


def fill(target: np.ndarray, values: np.ndarray) -> None:
    """Turn the empty array that `reconstruct` made, and that other parts may already hold, into `values`."""
    flat = values.ravel(order="F" if values.flags.f_contiguous and not values.flags.c_contiguous else "C")
    fortran = not values.flags.c_contiguous and values.flags.f_contiguous
    data = list(flat) if values.dtype.hasobject else flat.tobytes()
    target.__setstate__((1, values.shape, values.dtype, fortran, data))


def inlined(wrapper: Wrapper, reader: Reader, budget: Budget) -> np.ndarray:
    """The array whose bytes lie at the reader's place, after joblib's padding (a byte with its length, then that many)."""
    if wrapper.aligned:
        reader.take(reader.take(1)[0])
    data = reader.take(_count(wrapper.shape) * wrapper.dtype.itemsize)
    return array_of(data, wrapper.dtype, wrapper.shape, wrapper.order, budget)


def _count(shape: Any) -> int:
    if type(shape) is not tuple or len(shape) > MOST_DIMENSIONS or not all(type(n) is int and 0 <= n < 1 << 48 for n in shape):
        raise ValueError("an array without a shape")
    return math.prod(shape)


def _bytes_of(data: Any, dtype: np.dtype, count: int, budget: Budget) -> bytes:
    """Exactly the bytes of `count` values."""
    held = _raw(data, budget)
    if len(held) != count * dtype.itemsize:
        raise ValueError(f"{count * dtype.itemsize} bytes expected for an array, got {len(held)}")
    budget.spend(len(held))
    return held


def _raw(data: Any, budget: Budget) -> bytes:
    # Python 2 wrote bytes as 8-bit text, which came as latin-1
    if isinstance(data, str):
        budget.spend(len(data))
        return data.encode("latin-1")
    if not isinstance(data, (bytes, bytearray)):
        raise ValueError("an array without its bytes")
    return bytes(data)


def _reconstruct(budget: Budget, kind: Any = None, shape: Any = None, code: Any = None) -> np.ndarray:
    if kind != Named("ndarray") or shape != (0,) or code not in ("b", b"b"):
        raise ValueError("an array of an unknown kind")
    return np.empty((0,), "b")


def _dtype(budget: Budget, name: Any = None, align: Any = False, copy: Any = True) -> np.dtype:
    if not isinstance(name, str) or not PLAIN_DTYPE.fullmatch(name):
        raise ValueError(f"arrays of {name[:40]!r}" if isinstance(name, str) else "arrays of records")
    return np.dtype(name, False, True)


def _scalar(budget: Budget, dtype: Any = None, data: Any = None) -> np.generic:
    if not isinstance(dtype, np.dtype) or dtype.hasobject:
        raise ValueError("a number without its type")
    return array_of(data, dtype, (1,), "C", budget)[0]


def _from_buffer(budget: Budget, data: Any = None, dtype: Any = None, shape: Any = None, order: Any = "C") -> np.ndarray:
    if isinstance(dtype, np.dtype) and dtype.hasobject:
        raise ValueError("objects in a buffer")
    return array_of(data, dtype, shape, order, budget)


def _encode(budget: Budget, text: Any = None, encoding: Any = None) -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise ValueError("an encoding other than latin1")
    return _raw(text, budget)


def _ordered(budget: Budget, pairs: Any = ()) -> OrderedDict:
    if not isinstance(pairs, (list, tuple)):
        raise ValueError("an ordered dictionary of no pairs")
    budget.spend(100 * len(pairs))
    made = OrderedDict()
    for key, value in pairs:
        check_key(key)
        made[key] = value
    return made


def _container(kind: type) -> Callable[..., Any]:
    def make(budget: Budget, values: Any = ()) -> Any:
        if not isinstance(values, (list, tuple, set, frozenset)):
            raise ValueError(f"a {kind.__name__} of something else than values")
        budget.spend(60 * len(values))
        if kind in (set, frozenset):
            for value in values:
                check_key(value)
        return kind(values)

    return make


def _bytes(kind: type) -> Callable[..., Any]:
    def make(budget: Budget, data: Any = b"", encoding: Any = "latin-1") -> Any:
        if not isinstance(data, (bytes, str)) or encoding not in ("latin1", "latin-1"):
            raise ValueError(f"{kind.__name__} made of something else than bytes")  # a number would ask for that many
        budget.spend(len(data))
        return kind(_raw(data, budget))

    return make


def _complex(budget: Budget, real: Any = 0.0, imaginary: Any = 0.0) -> complex:
    if not isinstance(real, (int, float)) or not isinstance(imaginary, (int, float)):
        raise ValueError("a complex number of something else than numbers")
    return complex(real, imaginary)


#: What a pickle may call -> the function of ours that answers. The first argument is the file's budget.
CALLS: dict[str, Callable[..., Any]] = {
    "reconstruct": _reconstruct, "dtype": _dtype, "scalar": _scalar, "frombuffer": _from_buffer, "encode": _encode,
    "OrderedDict": _ordered, "list": _container(list), "tuple": _container(tuple), "set": _container(set),
    "frozenset": _container(frozenset), "bytes": _bytes(bytes), "bytearray": _bytes(bytearray), "complex": _complex,
}
#: The complete list of globals: module and name -> kind. Whatever is not here is refused.
GLOBALS: dict[tuple[str, str], str] = {
    **{(f"numpy.{core}.multiarray", name): kind for core in ("core", "_core") for name, kind in
       (("_reconstruct", "reconstruct"), ("scalar", "scalar"))},
    **{(f"numpy.{core}.numeric", "_frombuffer"): "frombuffer" for core in ("core", "_core")},
    ("numpy", "ndarray"): "ndarray", ("numpy", "memmap"): "ndarray", ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode", ("codecs", "encode"): "encode", ("collections", "OrderedDict"): "OrderedDict",
    **{(module, name): name for module in ("builtins", "__builtin__") for name in
       ("list", "tuple", "set", "frozenset", "bytes", "bytearray", "complex", "object")},
    **{(module, "_reconstructor"): "reconstructor" for module in ("copyreg", "copy_reg")},
    **{(f"scipy.sparse.{module}", f"{module.strip('_')}_matrix"): module.strip("_") for module in ("csc", "_csc", "csr", "_csr")},
    ("chumpy.ch", "Ch"): "chumpy", ("chumpy", "Ch"): "chumpy", ("chumpy.reordering", "Select"): "chumpy selection",
    **{(f"{home}joblib.numpy_pickle", "NumpyArrayWrapper"): "wrapper" for home in ("", "sklearn.externals.")},
}
