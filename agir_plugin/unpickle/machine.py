"""The instructions of a pickle in, the value they build out: an own reader of the format, with a short list of what may be made.

The format is that of the standard library (`pickletools` documents each instruction). Nothing here imports, looks up or calls
what a pickle names: names are compared with the list in `arrays.GLOBALS`, and our own functions answer for them.
"""
from __future__ import annotations

import codecs
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from agir_plugin.errors import UnreadableFile
from agir_plugin.unpickle.arrays import CALLS, GLOBALS, Named, Wrapper, check_key, inlined
from agir_plugin.unpickle.content import Budget, Reader
from agir_plugin.unpickle.stand_ins import NEWABLE, finish, new

#: Pickles inside joblib's arrays of objects, one in the other; a real file has one or two.
DEEPEST = 20
#: Memo numbers are at most this high.
HIGHEST_MEMO = 1 << 32


class Machine:
    """One pickle being read."""

    def __init__(self, reader: Reader, budget: Budget, path: str, depth: int = 0) -> None:
        """Read from `reader` at its place, within `budget`; `path` is named in errors."""
        if depth > DEEPEST:
            raise ValueError("pickles nested too deeply")
        self.reader, self.budget, self.path, self.depth = reader, budget, path, depth
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        #: id -> kind and object, of what was made empty and waits for its contents
        self.waiting: dict[int, tuple[str, Any]] = {}

    def run(self) -> Any:
        """The value of the pickle; UnreadableFile for what it must not ask for, other exceptions for damaged bytes."""
        while True:
            code = self.reader.take(1)
            if code == pickle.STOP:
                return self._result()
            self.budget.step()
            act = ACTIONS.get(code)
            if act is None:
                self._refuse_code(code)
            act(self)

    def pop(self) -> Any:
        """The uppermost value, taken from the stack."""
        if not self.stack or (self.marks and len(self.stack) <= self.marks[-1]):
            raise ValueError("an instruction without its value")
        return self.stack.pop()

    def pop_mark(self) -> list[Any]:
        """All values above the last mark, taken from the stack."""
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def number(self, size: int) -> int:
        """An unsigned little-endian number of `size` bytes."""
        return int.from_bytes(self.reader.take(size), "little")

    def refuse(self, what: str) -> None:
        """Raise UnreadableFile naming what the file asked for."""
        raise UnreadableFile(
            f"{self.path}: expected a pickle of arrays and containers only, but it asks for {what}, which was not run; do not "
            "open this file with another program unless you know who made it"
        )

    def name(self, module: str, name: str) -> None:
        """Push the allowed global of this name."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("a name that is no text")
        if (module, name) not in GLOBALS:
            self.refuse(f"{module[:80]}.{name[:80]}")
        self.stack.append(Named(GLOBALS[module, name]))

    def call(self) -> None:
        """Answer a call of an allowed function; its arguments and it itself are on the stack."""
        arguments, function = self.pop(), self.pop()
        if type(function) is not Named or type(arguments) is not tuple:
            self.refuse(f"a call of a {type(function).__name__}")
        if function.kind == "reconstructor":
            self._reconstructor(arguments)
        elif function.kind in CALLS:
            made = CALLS[function.kind](self.budget, *arguments)
            if function.kind in ("reconstruct", "dtype"):
                self.waiting[id(made)] = (function.kind, made)
            self.stack.append(made)
        elif function.kind in NEWABLE:
            self.make(function.kind, arguments)
        else:
            self.refuse(f"a call of {function.kind}")

    def make(self, kind: str, arguments: tuple) -> None:
        """Push an empty object whose contents come later."""
        if kind not in NEWABLE or arguments:
            self.refuse(f"a new {kind} with arguments")
        made = new(kind)
        self.waiting[id(made)] = (kind, made)
        self.stack.append(made)

    def build(self) -> None:
        """Give an object that waits for them its contents; anything else would set attributes, and is refused."""
        state, target = self.pop(), self.pop()
        kind, _ = self.waiting.pop(id(target), ("", None))
        if not kind:
            self.refuse(f"setting attributes of a {type(target).__name__}")
        finish(kind, target, state, self.budget)
        self.stack.append(self._inlined(target) if type(target) is Wrapper else target)

    def _inlined(self, wrapper: Wrapper) -> np.ndarray:
        if not wrapper.dtype.hasobject:
            return inlined(wrapper, self.reader, self.budget)
        array = Machine(self.reader, self.budget, self.path, self.depth + 1).run()
        if not isinstance(array, np.ndarray):
            raise ValueError("a joblib array without its values")
        return array

    def _reconstructor(self, arguments: tuple) -> None:
        # how Python 2 wrote objects in protocols 0 and 1
        kind, base, start = arguments if len(arguments) == 3 else (None, None, None)
        if type(kind) is not Named or base != Named("object") or start is not None:
            self.refuse("copyreg._reconstructor of an unknown class")
        self.make(kind.kind, ())

    def _result(self) -> Any:
        value = self.pop()
        if isinstance(value, (Named, Wrapper)):
            self.refuse("a class instead of data")
        return value

    def _refuse_code(self, code: bytes) -> None:
        if code in REFUSED:
            self.refuse(REFUSED[code])
        if code == pickle.INST:
            self.refuse(".".join(self.reader.line().decode("latin-1")[:80] for _ in range(2)))
        raise ValueError(f"unknown instruction {code.hex()}")


def _constant(value: Any) -> Callable[[Machine], None]:
    return lambda machine: machine.stack.append(value)


def _empty(kind: Callable[[], Any]) -> Callable[[Machine], None]:
    return lambda machine: machine.stack.append(kind())


def _packed(form: str) -> Callable[[Machine], None]:
    size = struct.calcsize(form)
    return lambda machine: machine.stack.append(struct.unpack(form, machine.reader.take(size))[0])


def _sized(size: int, convert: Callable[[bytes], Any]) -> Callable[[Machine], None]:
    return lambda machine: machine.stack.append(convert(machine.reader.take(machine.number(size))))


def _line(convert: Callable[[bytes], Any]) -> Callable[[Machine], None]:
    return lambda machine: machine.stack.append(convert(machine.reader.line()))


def _utf8(data: bytes) -> str:
    return str(data, "utf-8", "surrogatepass")


def _latin1(data: bytes) -> str:
    return data.decode("latin-1")


def _long(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


def _integer(line: bytes) -> int | bool:
    return line == b"01" if line in (b"00", b"01") else int(line)


def _quoted(line: bytes) -> str:
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise ValueError("text without quotes")
    return codecs.escape_decode(line[1:-1])[0].decode("latin-1")


def _put(number: Callable[[Machine], int]) -> Callable[[Machine], None]:
    def put(machine: Machine) -> None:
        place = number(machine)
        if not 0 <= place < HIGHEST_MEMO or not machine.stack:
            raise ValueError("a memo number out of range")
        machine.memo[place] = machine.stack[-1]

    return put


def _get(number: Callable[[Machine], int]) -> Callable[[Machine], None]:
    return lambda machine: machine.stack.append(machine.memo[number(machine)])


def _line_number(machine: Machine) -> int:
    return int(machine.reader.line())


def _mark(machine: Machine) -> None:
    machine.marks.append(len(machine.stack))


def _drop(machine: Machine) -> None:
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.pop()


def _again(machine: Machine) -> None:
    machine.stack.append(machine.stack[-1])


def _extend(machine: Machine, values: list[Any]) -> None:
    if type(machine.stack[-1]) is not list:
        raise TypeError("values added to something else than a list")
    machine.stack[-1].extend(values)


def _update(machine: Machine, values: list[Any]) -> None:
    if type(machine.stack[-1]) not in (dict, OrderedDict) or len(values) % 2:
        raise TypeError("items set in something else than a dictionary")
    for key, value in zip(values[::2], values[1::2], strict=True):
        check_key(key)
        machine.stack[-1][key] = value


def _add(machine: Machine, values: list[Any]) -> None:
    if type(machine.stack[-1]) is not set:
        raise TypeError("values added to something else than a set")
    for value in values:
        check_key(value)
    machine.stack[-1].update(values)


def _set_item(machine: Machine) -> None:
    value, key = machine.pop(), machine.pop()
    _update(machine, [key, value])


def _dictionary(machine: Machine) -> None:
    values = machine.pop_mark()
    machine.stack.append({})
    _update(machine, values)


def _frozen(machine: Machine) -> None:
    values = machine.pop_mark()
    for value in values:
        check_key(value)
    machine.stack.append(frozenset(values))


def _tuple(count: int) -> Callable[[Machine], None]:
    return lambda machine: machine.stack.append(tuple([machine.pop() for _ in range(count)][::-1]))


def _global(machine: Machine) -> None:
    module, name = (machine.reader.line().decode("utf-8") for _ in range(2))
    machine.name(module, name)


def _stack_global(machine: Machine) -> None:
    name, module = machine.pop(), machine.pop()
    machine.name(module, name)


def _new(machine: Machine) -> None:
    arguments, kind = machine.pop(), machine.pop()
    if type(kind) is not Named or type(arguments) is not tuple:
        machine.refuse(f"a new {type(kind).__name__}")
    if kind.kind in NEWABLE:
        machine.make(kind.kind, arguments)
    else:
        machine.stack += [kind, arguments]
        machine.call()


def _protocol(machine: Machine) -> None:
    version = machine.number(1)
    if version > 5:
        raise ValueError(f"protocol {version}")


#: Instruction -> what is done for it; those that are not here are refused.
ACTIONS: dict[bytes, Callable[[Machine], None]] = {
    pickle.PROTO: _protocol, pickle.FRAME: lambda machine: machine.reader.take(8) and None,
    pickle.NONE: _constant(None), pickle.NEWTRUE: _constant(True), pickle.NEWFALSE: _constant(False),
    pickle.EMPTY_LIST: _empty(list), pickle.EMPTY_DICT: _empty(dict), pickle.EMPTY_SET: _empty(set),
    pickle.EMPTY_TUPLE: _constant(()),
    pickle.BININT: _packed("<i"), pickle.BININT1: _packed("<B"), pickle.BININT2: _packed("<H"), pickle.BINFLOAT: _packed(">d"),
    pickle.LONG1: _sized(1, _long), pickle.LONG4: _sized(4, _long),
    pickle.BINSTRING: _sized(4, _latin1), pickle.SHORT_BINSTRING: _sized(1, _latin1),
    pickle.SHORT_BINUNICODE: _sized(1, _utf8), pickle.BINUNICODE: _sized(4, _utf8), pickle.BINUNICODE8: _sized(8, _utf8),
    pickle.SHORT_BINBYTES: _sized(1, bytes), pickle.BINBYTES: _sized(4, bytes), pickle.BINBYTES8: _sized(8, bytes),
    pickle.BYTEARRAY8: _sized(8, bytearray),
    pickle.INT: _line(_integer), pickle.LONG: _line(lambda line: int(line.rstrip(b"L"))), pickle.FLOAT: _line(float),
    pickle.STRING: _line(_quoted), pickle.UNICODE: _line(lambda line: str(line, "raw-unicode-escape")),
    pickle.PUT: _put(_line_number), pickle.BINPUT: _put(lambda machine: machine.number(1)),
    pickle.LONG_BINPUT: _put(lambda machine: machine.number(4)), pickle.MEMOIZE: _put(lambda machine: len(machine.memo)),
    pickle.GET: _get(_line_number), pickle.BINGET: _get(lambda machine: machine.number(1)),
    pickle.LONG_BINGET: _get(lambda machine: machine.number(4)),
    pickle.MARK: _mark, pickle.POP: _drop, pickle.POP_MARK: lambda machine: machine.pop_mark() and None, pickle.DUP: _again,
    pickle.APPEND: lambda machine: _extend(machine, [machine.pop()]),
    pickle.APPENDS: lambda machine: _extend(machine, machine.pop_mark()),
    pickle.LIST: lambda machine: machine.stack.append(machine.pop_mark()), pickle.DICT: _dictionary,
    pickle.SETITEM: _set_item, pickle.SETITEMS: lambda machine: _update(machine, machine.pop_mark()),
    pickle.ADDITEMS: lambda machine: _add(machine, machine.pop_mark()), pickle.FROZENSET: _frozen,
    pickle.TUPLE: lambda machine: machine.stack.append(tuple(machine.pop_mark())),
    pickle.TUPLE1: _tuple(1), pickle.TUPLE2: _tuple(2), pickle.TUPLE3: _tuple(3),
    pickle.GLOBAL: _global, pickle.STACK_GLOBAL: _stack_global, pickle.REDUCE: Machine.call, pickle.NEWOBJ: _new,
    pickle.BUILD: Machine.build,
}
#: Instructions that are never followed, in words.
REFUSED = {
    **dict.fromkeys((pickle.PERSID, pickle.BINPERSID), "an object from outside the file (a persistent id)"),
    **dict.fromkeys((pickle.EXT1, pickle.EXT2, pickle.EXT4), "a registered extension code"),
    **dict.fromkeys((pickle.NEXT_BUFFER, pickle.READONLY_BUFFER), "a buffer from outside the file"),
    **dict.fromkeys((pickle.OBJ, pickle.NEWOBJ_EX), "an object made with arguments"),
}
