"""Pickles: the same values as Python's own loader where it is safe, and a refusal by name, without running it, where not."""
from __future__ import annotations

import bz2
import codecs
import copyreg
import gzip
import lzma
import os
import pickle
import struct
import sys
import types
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agir_plugin import unpickle
from agir_plugin.errors import UnreadableFile
from agir_plugin.unpickle import content
from agir_plugin.unpickle.arrays import GLOBALS

FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
VALUES: dict[str, Any] = {
    "float32": np.arange(6, dtype=np.float32).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": np.arange(12.0)[::2],
    "big_endian": np.arange(3, dtype=">i4"),
    "bools": np.array([True, False]),
    "texts": np.array(["one", "three"]),
    "bytes_array": np.array([b"ab", b"c"]),
    "empty": np.zeros((0, 72)),
    "scalar_array": np.array(2.5),
    "objects": np.array([1, None, "x"], dtype=object),
    "number": np.float64(1.25),
    "integer": np.int64(-7),
    "ordered": OrderedDict([("b", 1), ("a", 2)]),
    "nested": {"SUB01": {"SUB01_off_walk_1": {"fps": 30, "other": None, "list": [1, 2.5, (3, "ä")]}}},
    "set": {1, 2},
    "frozen": frozenset(["a"]),
    "bytes": b"\x00\xff",
    "nothing": b"",
    "bytearray": bytearray(b"xyz"),
    "long": 2**70,
    "negative": -(2**40),
    "complex": 3 + 4j,
    "truths": [True, False, None],
}


def same(one: Any, other: Any) -> bool:
    """Whether two values are alike in type, element type and contents."""
    if isinstance(one, np.ndarray):
        alike = isinstance(other, np.ndarray) and one.dtype == other.dtype and one.shape == other.shape
        return alike and bool((one == other).all())
    if isinstance(one, dict):
        return type(one) is type(other) and list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[bytes], Path]:
    """Write bytes into a file."""

    def write(data: bytes) -> Path:
        path = tmp_path / "file.pkl"
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("protocol", range(6))
def test_reads_what_pickle_writes(stored: Callable[[bytes], Path], protocol: int) -> None:
    data = pickle.dumps(VALUES, protocol)
    assert same(pickle.loads(data), unpickle.load(stored(data)))


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)])
def test_reads_what_joblib_writes(tmp_path: Path, compress: Any) -> None:
    joblib.dump(VALUES, tmp_path / "file.pkl", compress=compress)
    read = unpickle.load(tmp_path / "file.pkl")
    assert same({**VALUES, "big_endian": None}, {**read, "big_endian": None})
    assert read["big_endian"].tolist() == [0, 1, 2]


def test_reads_a_walk_of_real_size(tmp_path: Path) -> None:
    walk = {"pose": np.random.default_rng(0).normal(size=(671, 72)).astype(np.float32), "fps": 30}
    for name, dump in (("a", lambda p: joblib.dump(walk, p)), ("b", lambda p: p.write_bytes(pickle.dumps(walk, 2)))):
        dump(tmp_path / name)
        assert same(walk, unpickle.load(tmp_path / name))


@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
def test_reads_arrays_of_old_and_new_numpy(stored: Callable[[bytes], Path], core: str) -> None:
    data = pickle.dumps({"a": np.arange(3.0), "b": np.float32(2)}, 2).replace(b"numpy._core.", f"{core}.".encode())
    assert unpickle.load(stored(data))["a"].tolist() == [0, 1, 2]


def test_reads_arrays_of_python_2_with_8_bit_text(stored: Callable[[bytes], Path]) -> None:
    # what Python 2 wrote for np.array([1.5]), in protocol 0 (quoted text) and 2 (short strings)
    raw = struct.pack("<d", 1.5)
    head = (
        "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I1\ntcnumpy\ndtype\n(S'f8'\nI0\nI1\ntR"
        "(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n"
    )
    quoted = "".join(f"\\x{byte:02x}" for byte in raw)
    assert unpickle.load(stored(f"{head}S'{quoted}'\ntb.".encode())).tolist() == [1.5]
    assert unpickle.load(stored(b"\x80\x02" + head.encode() + b"U\x08" + raw + b"tb.")).tolist() == [1.5]


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("kind", [scipy.sparse.csc_matrix, scipy.sparse.csr_matrix])
def test_a_sparse_matrix_becomes_dense(stored: Callable[[bytes], Path], kind: type, protocol: int) -> None:
    dense = np.array([[0.0, 2.0, 0.0], [1.0, 0.0, 3.0]])
    value = kind(dense)
    read = unpickle.load(stored(pickle.dumps({"J_regressor": value, "again": value}, protocol)))
    assert type(read["J_regressor"]) is np.ndarray
    assert read["J_regressor"].tolist() == dense.tolist()
    assert read["again"] is read["J_regressor"]


@pytest.mark.parametrize(("places", "match"), [([5, 0, 2, 1], ""), ([6, 0, 2, 1], "not there"), ([0, 1], "reshape")])
def test_a_chumpy_selection_becomes_a_plain_array(stored: Callable[[bytes], Path], places: list[int], match: str) -> None:
    # as body models store shape directions: elements of a larger array, by their numbers in the flat one
    state = {"a": np.arange(6.0).reshape(2, 3) * 10, "idxs": np.array(places), "preferred_shape": (2, 2)}
    data = pickle.dumps(state, 2)  # protocol, the dictionary, stop
    path = stored(b"\x80\x02cchumpy.reordering\nSelect\n)\x81" + data[2:-1] + b"b.")
    if match:
        with pytest.raises(UnreadableFile, match=match):
            unpickle.load(path)
    else:
        assert unpickle.load(path).tolist() == [[50, 0], [20, 10]]


@pytest.fixture
def chumpy_array(monkeypatch: pytest.MonkeyPatch) -> type:
    """A class that pickles as chumpy's arrays do."""
    module = types.ModuleType("chumpy.ch")

    class Ch:
        def __init__(self, x: np.ndarray) -> None:
            self.__dict__.update(_dirty_vars={"x", "r"}, _itr=None, x=x)

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    module.Ch = Ch
    monkeypatch.setitem(sys.modules, "chumpy", types.ModuleType("chumpy"))
    monkeypatch.setitem(sys.modules, "chumpy.ch", module)
    return Ch


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
def test_a_chumpy_array_becomes_a_plain_one(stored: Callable[[bytes], Path], chumpy_array: type, protocol: int) -> None:
    data = pickle.dumps({"v_template": chumpy_array(np.arange(6.0).reshape(2, 3))}, protocol)
    for name in ("chumpy", "chumpy.ch"):
        sys.modules.pop(name)
    read = unpickle.load(stored(data))
    assert type(read["v_template"]) is np.ndarray and read["v_template"].tolist() == [[0, 1, 2], [3, 4, 5]]


class Calls:
    """Pickles as a call of a function with arguments."""

    def __init__(self, function: Callable, *arguments: Any, state: Any = None) -> None:
        self.what = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> tuple:
        return self.what


def attacks(witness: str) -> Iterator[tuple[str, bytes]]:
    """Name -> a pickle that would write the file `witness`, or do something else it must not."""
    touch = f"open({witness!r}, 'w').close()"
    calls = (
        (os.system, f"touch {witness}"), (eval, touch), (exec, touch), (getattr, "x", "upper"), (open, witness, "w"),
        (np.load, witness), (np.fromfile, witness), (np.save, witness, 1), (np.memmap, witness), (np.frombuffer, b""),
        (np.testing.measure, touch), (joblib.load, witness), (codecs.decode, b"x", "rot13"), (range, 1 << 40),
        (copyreg.add_extension, "os", "system", 1), (bytes, 1 << 40), (bytearray, 1 << 40),
        (__import__, "os"),
    )
    for protocol in (0, 2, 4, 5):
        for function, *arguments in calls:
            call = Calls(function, *arguments)
            yield f"{function.__name__}-{protocol}", pickle.dumps(call, protocol)
            yield f"{function.__name__}-in-object-array-{protocol}", pickle.dumps(np.array([call, 1], object), protocol)
    yield "dotted name", b"\x80\x04\x8c\x05numpy\x8c\x11ndarray.__class__\x93."
    yield "dotted getattr chain", b"\x80\x04\x8c\x08builtins\x8c\x0blist.append\x93(l\x85R."
    yield "encode of another kind", b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R."
    yield "attributes of a class", b"\x80\x02cnumpy\nndarray\n}X\x01\x00\x00\x00aK\x01sb."
    yield "attributes of a function", b"\x80\x02c_codecs\nencode\n}X\x08\x00\x00\x00__code__K\x01sb."
    yield "attributes of a dictionary", b"\x80\x02ccollections\nOrderedDict\n)R}X\x01\x00\x00\x00aK\x01sb."
    yield "attributes of a list", b"\x80\x02]}X\x01\x00\x00\x00aK\x01sb."
    yield "persistent id", b"\x80\x02X\x01\x00\x00\x00aQ."
    yield "persistent id, text", b"Pname\n."
    yield "extension code", b"\x80\x02\x82\x01."
    yield "old instance", f"(S'touch {witness}'\nios\nsystem\n.".encode()
    yield "old object", f"(cos\nsystem\nS'touch {witness}'\no.".encode()
    yield "class as the value", b"\x80\x02cnumpy\nndarray\n."
    yield "new list subclass", b"\x80\x02cnumpy\nndarray\nK\x05\x85\x81."
    yield "outside buffer", b"\x80\x05\x97."
    yield "joblib file wrapper", b"\x80\x02cjoblib.numpy_pickle_compat\nNDArrayWrapper\n)\x81}b."
    yield "joblib subclass", _wrapper(b"cbuiltins\nlist\n")
    yield "reconstructor", b"ccopyreg\n_reconstructor\n(cbuiltins\nlist\ncbuiltins\nobject\nNtR."
    yield "newobj of copyreg", b"\x80\x02ccopyreg\n__newobj__\ncbuiltins\nobject\n\x85R."


def _wrapper(subclass: bytes) -> bytes:
    state = b"X\x08\x00\x00\x00subclass" + subclass + b"X\x05\x00\x00\x00shapeK\x01\x85X\x05\x00\x00\x00orderX\x01\x00\x00\x00C"
    dtype = b"X\x05\x00\x00\x00dtypecnumpy\ndtype\nX\x02\x00\x00\x00u1\x89\x88\x87R"
    return b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(" + state + dtype + b"X\x0a\x00\x00\x00allow_mmap\x88ub\x07."


def test_no_attack_is_run(stored: Callable[[bytes], Path], tmp_path: Path) -> None:
    witness = tmp_path / "was-run"
    names = []
    for name, data in attacks(str(witness)):
        with pytest.raises(UnreadableFile):
            unpickle.load(stored(data))
        assert not witness.exists(), name
        names.append(name)
    assert len(names) > 150


def test_a_refusal_names_what_was_asked_for(stored: Callable[[bytes], Path]) -> None:
    with pytest.raises(UnreadableFile, match=r"file.pkl: .* asks for (posix|nt).system, which was not run"):
        unpickle.load(stored(pickle.dumps({"SUB01": Calls(os.system, "true")})))
    with pytest.raises(UnreadableFile, match="os.system, which was not run"):
        unpickle.load(stored(b"(S'true'\nios\nsystem\n."))


def test_a_joblib_array_with_allow_mmap_reads_its_bytes_and_maps_nothing(stored: Callable[[bytes], Path]) -> None:
    assert unpickle.load(stored(_wrapper(b"cnumpy\nndarray\n"))).tolist() == [7]


def test_the_list_is_short_and_holds_nothing_that_runs() -> None:
    assert len(GLOBALS) < 50
    assert not {name for _, name in GLOBALS} & {"eval", "exec", "getattr", "setattr", "system", "load", "open", "__import__"}


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b"abc.",  # a byte array of a terabyte
        b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"abc.",
        b"\x80\x02T\xff\xff\xff\x7fabc.",
        b"\x80\x02\x8b\xff\xff\xff\x7fabc.",
        pickle.dumps(np.zeros(3), 2).replace(b"K\x03\x85", b"J\xff\xff\xff\x7f\x85"),  # an array of two thousand million
        pickle.dumps(np.zeros(3), 2).replace(b"K\x03\x85", b"\x8a\x06\x00\x00\x00\x00\x00\x40\x85"),
        pickle.dumps(np.zeros(3, object), 2).replace(b"K\x03\x85", b"J\xff\xff\xff\x7f\x85"),
        b"\x80\x04" + b"r\xff\xff\xff\xff",
    ],
)
def test_a_header_cannot_claim_memory(stored: Callable[[bytes], Path], data: bytes) -> None:
    import tracemalloc

    path = stored(data)
    tracemalloc.start()
    with pytest.raises(UnreadableFile):
        unpickle.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


def test_a_sparse_matrix_cannot_claim_memory(stored: Callable[[bytes], Path]) -> None:
    value = scipy.sparse.csc_matrix((30_000_000, 3))
    with pytest.raises(UnreadableFile, match="more memory"):
        unpickle.load(stored(pickle.dumps(value)))


def test_lists_in_a_chumpy_array_cannot_stand_for_a_large_one(stored: Callable[[bytes], Path]) -> None:
    # a list of two lists of two lists ...: 2 ** 40 numbers
    twice = b"".join(b"](h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1]) + b"0" for i in range(40))
    data = b"\x80\x02]K\x01aq\x000" + twice + b"cchumpy.ch\nCh\n)\x81}X\x01\x00\x00\x00xh\x28sb."
    with pytest.raises(UnreadableFile, match="chumpy array without numbers"):
        unpickle.load(stored(data))


def test_many_copies_of_one_value_are_refused(stored: Callable[[bytes], Path]) -> None:
    # a list of 20000 numbers, and the instruction to copy it, 20000 times
    data = b"\x80\x02](" + b"K\x00" * 20_000 + b"eq\x00(" + b"c__builtin__\nlist\nh\x00\x85R" * 20_000 + b"t."
    with pytest.raises(UnreadableFile, match="more memory"):
        unpickle.load(stored(data))


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress, bz2.compress, lzma.compress])
def test_a_decompression_bomb_is_stopped(
    stored: Callable[[bytes], Path], pack: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "MOST_BYTES", 1 << 23)
    with pytest.raises(UnreadableFile, match="at most 8 MB"):
        unpickle.load(stored(pack(b"0" * (1 << 24))))
    with pytest.raises(UnreadableFile, match="end too early"):
        unpickle.load(stored(pack(pickle.dumps(list(range(1000))))[:-9]))
    with pytest.raises(UnreadableFile, match="damaged|too early|followed"):
        unpickle.load(stored(pack(b"x" * 50)[:6] + b"\x55" * 80))


def test_too_many_instructions_are_refused(stored: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content.Budget, "of", lambda data: content.Budget(1000, 100))
    with pytest.raises(UnreadableFile, match="too many instructions"):
        unpickle.load(stored(b"]" * 200 + b"."))


@pytest.mark.parametrize("opening", [b"]", b"(", b"}K\x00", b")"])
def test_deep_nesting_does_not_crash(stored: Callable[[bytes], Path], opening: bytes) -> None:
    closing = {b"]": b"a", b"(": b"t", b"}K\x00": b"s", b")": b"\x85"}[opening]
    depth = 200_000
    data = opening * depth + b"]" + closing * depth + b"."
    assert unpickle.load(stored(data)) is not None
    with pytest.raises(UnreadableFile, match="as key"):
        unpickle.load(stored(b"}" + b")" + b"\x85" * depth + b"Ns."))


def test_pickles_in_pickles_do_not_crash(stored: Callable[[bytes], Path]) -> None:
    data = _wrapper(b"cnumpy\nndarray\n").replace(b"u1", b"O8")[:-2] * 5000
    with pytest.raises(UnreadableFile, match="nested too deeply"):
        unpickle.load(stored(data))


@pytest.mark.parametrize(
    ("data", "match"),
    [(b"", "empty"), (b"\x00", "unknown instruction"), (b"hello", "failed"), (b"\x80\x09.", "protocol 9")],
)
def test_what_is_no_pickle_is_refused(stored: Callable[[bytes], Path], data: bytes, match: str) -> None:
    with pytest.raises(UnreadableFile, match=match):
        unpickle.load(stored(data))


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no such file"):
        unpickle.load(tmp_path / "none.pkl")
    with pytest.raises(UnreadableFile, match="folder"):
        unpickle.load(tmp_path)


@pytest.mark.parametrize("compress", [0, 3])
def test_every_truncation_is_refused(tmp_path: Path, compress: int) -> None:
    joblib.dump({"a": np.arange(4.0), "b": "text"}, tmp_path / "whole.pkl", compress=compress)
    whole = (tmp_path / "whole.pkl").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "cut.pkl").write_bytes(whole[:length])
        with pytest.raises(UnreadableFile):
            unpickle.load(tmp_path / "cut.pkl")


@FEW
@given(st.binary(max_size=200))
def test_random_bytes_never_do_anything_else(tmp_path: Path, data: bytes) -> None:
    _read_or_refuse(tmp_path, data)


SOME = {key: VALUES[key] for key in ("float32", "objects", "ordered", "set", "number")}
WHOLE = [pickle.dumps(SOME, protocol) for protocol in range(6)]
#: Instructions and globals to put together at random.
CODES = [
    *(bytes([n]) for n in b"(.0129BCFGIJKLMNOPQRSTUVXabcdeghijloqrstu]})\x80\x81\x85\x86\x87\x88\x8c\x8f\x90\x91\x93\x94\x95\x01"),
    b"cnumpy\nndarray\n", b"cnumpy\ndtype\n", b"c_codecs\nencode\n", b"cnumpy.core.multiarray\n_reconstruct\n",
    b"K\x01", b"U\x01b", b"h\x00", b"q\x00",
]
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4),
    max_leaves=20,
)


@FEW
@given(st.data())
def test_damaged_pickles_are_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    damaged = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    _read_or_refuse(tmp_path, bytes(damaged))


@FEW
@given(st.lists(st.sampled_from(CODES), max_size=60))
def test_random_instructions_are_read_or_refused(tmp_path: Path, codes: list[bytes]) -> None:
    _read_or_refuse(tmp_path, b"".join(codes) + b".")


@FEW
@given(PLAIN, st.integers(0, 5))
def test_any_plain_value_is_read_as_it_was(tmp_path: Path, value: Any, protocol: int) -> None:
    (tmp_path / "file.pkl").write_bytes(pickle.dumps(value, protocol))
    assert unpickle.load(tmp_path / "file.pkl") == value


def _read_or_refuse(folder: Path, data: bytes) -> None:
    (folder / "file.pkl").write_bytes(data)
    try:
        unpickle.load(folder / "file.pkl")
    except UnreadableFile as error:
        assert "file.pkl" in str(error)
