"""What a pickle says of an array, a sparse matrix, a chumpy array or a joblib array in, the finished array out."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from agir_plugin.unpickle.arrays import Named, Wrapper, fill, fill_from
from agir_plugin.unpickle.content import Budget


def new(kind: str) -> np.ndarray | Wrapper:
    """The empty array (or joblib's wrapper of one) that a pickle makes first and describes later."""
    return Wrapper() if kind == "wrapper" else np.empty((0,), "b")


def finish(kind: str, target: Any, state: Any, budget: Budget) -> None:
    """Fill `target`, an object made before, with what the pickle says of it; ValueError when that is not what it should be."""
    _FINISH[kind](target, state, budget)


def _dtype(target: np.dtype, state: Any, budget: Budget) -> None:
    known = type(state) is tuple and len(state) >= 8 and state[1] in ("<", ">", "=", "|")
    if not known or any(part is not None for part in state[2:5]):
        raise ValueError("arrays of records")
    own = target.__reduce__()[2]
    target.__setstate__((own[0], state[1], *own[2:]))


def _array(target: np.ndarray, state: Any, budget: Budget) -> None:
    if type(state) is not tuple or len(state) not in (4, 5):
        raise ValueError("an array without its bytes")
    shape, dtype, fortran, data = state[-4:]
    fill_from(target, data, dtype, shape, bool(fortran), budget)


def _chumpy(target: np.ndarray, state: Any, budget: Budget) -> None:
    values = _chumpy_numbers(_field(state, "x"))
    budget.spend(2 * values.nbytes)
    fill(target, values)


def _chumpy_select(target: np.ndarray, state: Any, budget: Budget) -> None:
    # chumpy's choice of an array's elements: those with the numbers `idxs` of the flat array, in `preferred_shape`
    values, places = _chumpy_numbers(_field(state, "a")).ravel(), _vector(state, "idxs", "iu").astype(np.int64)
    if ((places < 0) | (places >= len(values))).any():
        raise ValueError("a chumpy selection of elements that are not there")
    budget.spend(3 * len(places) * values.itemsize)
    chosen, shape = values[places], state.get("preferred_shape", (len(places),))
    if type(shape) is not tuple or not all(isinstance(n, (int, np.integer)) for n in shape):
        raise ValueError("a chumpy selection without a shape")
    fill(target, chosen.reshape(shape))


def _chumpy_numbers(values: Any) -> np.ndarray:
    if isinstance(values, (int, float, np.generic)):
        values = np.array(values)
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf":  # lists could stand for very large arrays
        raise ValueError("a chumpy array without numbers")
    return values


def _sparse(axis: int) -> Callable[[np.ndarray, Any, Budget], None]:
    def finish_sparse(target: np.ndarray, state: Any, budget: Budget) -> None:
        # compressed along `axis`: values starts[k] to starts[k + 1] are those of row (csr) or column (csc) k
        shape = tuple(int(n) for n in _field(state, "_shape"))
        data = _vector(state, "data", "biuf")
        minor, starts = (_vector(state, name, "iu").astype(np.int64) for name in ("indices", "indptr"))
        if len(shape) != 2 or min(shape) < 0 or len(starts) != shape[axis] + 1 or len(data) != len(minor):
            raise ValueError("a sparse matrix whose parts do not fit")
        counts = np.diff(starts)
        outside = ((minor < 0) | (minor >= shape[1 - axis])).any()
        if outside or starts[0] != 0 or starts[-1] != len(data) or (counts < 0).any():
            raise ValueError("a sparse matrix with values outside of it")
        budget.spend(3 * shape[0] * shape[1] * data.dtype.itemsize)
        dense = np.zeros(shape, data.dtype)
        major = np.repeat(np.arange(shape[axis]), counts)
        np.add.at(dense, (major, minor) if axis == 0 else (minor, major), data)
        fill(target, dense)

    return finish_sparse


def _wrapper(target: Wrapper, state: Any, budget: Budget) -> None:
    if _field(state, "subclass") != Named("ndarray"):
        raise ValueError("a joblib array of an unknown kind")
    target.shape, target.order, target.dtype = (_field(state, name) for name in ("shape", "order", "dtype"))
    if not isinstance(target.dtype, np.dtype):
        raise ValueError("a joblib array without its type")
    target.aligned = state.get("numpy_array_alignment_bytes") is not None


def _field(state: Any, name: str) -> Any:
    if type(state) is not dict or name not in state:
        raise ValueError(f"an object without its part {name!r}")
    return state[name]


def _vector(state: Any, name: str, kinds: str) -> np.ndarray:
    values = _field(state, name)
    if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype.kind not in kinds:
        raise ValueError(f"an object without numbers in its part {name!r}")
    return values


_FINISH: dict[str, Callable[[Any, Any, Budget], None]] = {
    "dtype": _dtype, "reconstruct": _array, "chumpy": _chumpy, "chumpy selection": _chumpy_select, "csr": _sparse(0),
    "csc": _sparse(1), "wrapper": _wrapper,
}
#: What a pickle may make without arguments and describe later.
NEWABLE = tuple(kind for kind in _FINISH if kind not in ("dtype", "reconstruct"))
