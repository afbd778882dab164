"""The instructions of a pickle that build plain data: numbers, text, bytes, lists, tuples, dictionaries, sets, and the memo."""
from __future__ import annotations

import codecs
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from agir_plugin.unpickle.arrays import check_key
from agir_plugin.unpickle.content import Budget, Reader

#: Memo numbers are at most this high.
HIGHEST_MEMO = 1 << 32
#: Longest whole number; Python will not even print one of over 4300 digits (1785 bytes).
MOST_NUMBER_BYTES = 1024


class Stack:
    """What instructions work on: the bytes that follow, the values that wait, the places of marks, and the memo."""

    def __init__(self, reader: Reader, budget: Budget) -> None:
        """Nothing built yet; read from `reader` at its place, within `budget`."""
        self.reader, self.budget = reader, budget
        self.values: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def push(self, value: Any) -> None:
        """Put a value on top."""
        self.values.append(value)

    def pop(self) -> Any:
        """The uppermost value, taken from the stack."""
        if not self.values or (self.marks and len(self.values) <= self.marks[-1]):
            raise ValueError("an instruction without its value")
        return self.values.pop()

    def pop_mark(self) -> list[Any]:
        """All values above the last mark, taken from the stack."""
        start = self.marks.pop()
        values = self.values[start:]
        del self.values[start:]
        return values

    def number(self, size: int) -> int:
        """An unsigned little-endian number of `size` bytes."""
        return int.from_bytes(self.reader.take(size), "little")


#: What is done for one instruction.
Action = Callable[[Stack], None]


def _constant(value: Any) -> Action:
    return lambda stack: stack.push(value)


def _empty(kind: Callable[[], Any]) -> Action:
    return lambda stack: stack.push(kind())


def _packed(form: str) -> Action:
    size = struct.calcsize(form)
    return lambda stack: stack.push(struct.unpack(form, stack.reader.take(size))[0])


def _sized(size: int, convert: Callable[[bytes], Any]) -> Action:
    return lambda stack: stack.push(convert(stack.reader.take(stack.number(size))))


def _line(convert: Callable[[bytes], Any]) -> Action:
    return lambda stack: stack.push(convert(stack.reader.line()))


def _utf8(data: bytes) -> str:
    return str(data, "utf-8", "surrogatepass")


def _latin1(data: bytes) -> str:
    return data.decode("latin-1")


def _long(data: bytes) -> int:
    if len(data) > MOST_NUMBER_BYTES:
        raise ValueError(f"a number of {len(data)} bytes")
    return int.from_bytes(data, "little", signed=True)


def _integer(line: bytes) -> int | bool:
    return line == b"01" if line in (b"00", b"01") else _decimal(line)


def _decimal(line: bytes) -> int:
    if len(line) > 2 * MOST_NUMBER_BYTES:
        raise ValueError(f"a number of {len(line)} digits")
    return int(line)


def _quoted(line: bytes) -> str:
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise ValueError("text without quotes")
    return codecs.escape_decode(line[1:-1])[0].decode("latin-1")


def _put(number: Callable[[Stack], int]) -> Action:
    def put(stack: Stack) -> None:
        place = number(stack)
        if not 0 <= place < HIGHEST_MEMO or not stack.values:
            raise ValueError("a memo number out of range")
        stack.memo[place] = stack.values[-1]

    return put


def _get(number: Callable[[Stack], int]) -> Action:
    def get(stack: Stack) -> None:
        place = number(stack)
        if place not in stack.memo:
            raise ValueError("a value of the memo that is not there")
        stack.push(stack.memo[place])

    return get


def _line_number(stack: Stack) -> int:
    return _decimal(stack.reader.line())


def _mark(stack: Stack) -> None:
    stack.marks.append(len(stack.values))


def _drop(stack: Stack) -> None:
    if stack.marks and stack.marks[-1] == len(stack.values):
        stack.marks.pop()
    else:
        stack.pop()


def _again(stack: Stack) -> None:
    stack.push(stack.values[-1])


def _extend(stack: Stack, values: list[Any]) -> None:
    if type(stack.values[-1]) is not list:
        raise TypeError("values added to something else than a list")
    stack.values[-1].extend(values)


def _update(stack: Stack, values: list[Any]) -> None:
    if type(stack.values[-1]) not in (dict, OrderedDict) or len(values) % 2:
        raise TypeError("items set in something else than a dictionary")
    for key, value in zip(values[::2], values[1::2], strict=True):
        check_key(key)
        stack.values[-1][key] = value


def _add(stack: Stack, values: list[Any]) -> None:
    if type(stack.values[-1]) is not set:
        raise TypeError("values added to something else than a set")
    for value in values:
        check_key(value)
    stack.values[-1].update(values)


def _set_item(stack: Stack) -> None:
    value, key = stack.pop(), stack.pop()
    _update(stack, [key, value])


def _dictionary(stack: Stack) -> None:
    values = stack.pop_mark()
    stack.push({})
    _update(stack, values)


def _frozen(stack: Stack) -> None:
    values = stack.pop_mark()
    for value in values:
        check_key(value)
    stack.push(frozenset(values))


def _tuple(count: int) -> Action:
    return lambda stack: stack.push(tuple([stack.pop() for _ in range(count)][::-1]))


def _protocol(stack: Stack) -> None:
    version = stack.number(1)
    if version > 5:
        raise ValueError(f"protocol {version}")


#: Instruction -> what is done for it.
DATA_ACTIONS: dict[bytes, Action] = {
    pickle.PROTO: _protocol, pickle.FRAME: lambda stack: stack.reader.take(8) and None,
    pickle.NONE: _constant(None), pickle.NEWTRUE: _constant(True), pickle.NEWFALSE: _constant(False),
    pickle.EMPTY_LIST: _empty(list), pickle.EMPTY_DICT: _empty(dict), pickle.EMPTY_SET: _empty(set),
    pickle.EMPTY_TUPLE: _constant(()),
    pickle.BININT: _packed("<i"), pickle.BININT1: _packed("<B"), pickle.BININT2: _packed("<H"), pickle.BINFLOAT: _packed(">d"),
    pickle.LONG1: _sized(1, _long), pickle.LONG4: _sized(4, _long),
    pickle.BINSTRING: _sized(4, _latin1), pickle.SHORT_BINSTRING: _sized(1, _latin1),
    pickle.SHORT_BINUNICODE: _sized(1, _utf8), pickle.BINUNICODE: _sized(4, _utf8), pickle.BINUNICODE8: _sized(8, _utf8),
    pickle.SHORT_BINBYTES: _sized(1, bytes), pickle.BINBYTES: _sized(4, bytes), pickle.BINBYTES8: _sized(8, bytes),
    pickle.BYTEARRAY8: _sized(8, bytearray),
    pickle.INT: _line(_integer), pickle.LONG: _line(lambda line: _decimal(line.rstrip(b"L"))), pickle.FLOAT: _line(float),
    pickle.STRING: _line(_quoted), pickle.UNICODE: _line(lambda line: str(line, "raw-unicode-escape")),
    pickle.PUT: _put(_line_number), pickle.BINPUT: _put(lambda stack: stack.number(1)),
    pickle.LONG_BINPUT: _put(lambda stack: stack.number(4)), pickle.MEMOIZE: _put(lambda stack: len(stack.memo)),
    pickle.GET: _get(_line_number), pickle.BINGET: _get(lambda stack: stack.number(1)),
    pickle.LONG_BINGET: _get(lambda stack: stack.number(4)),
    pickle.MARK: _mark, pickle.POP: _drop, pickle.POP_MARK: lambda stack: stack.pop_mark() and None, pickle.DUP: _again,
    pickle.APPEND: lambda stack: _extend(stack, [stack.pop()]),
    pickle.APPENDS: lambda stack: _extend(stack, stack.pop_mark()),
    pickle.LIST: lambda stack: stack.push(stack.pop_mark()), pickle.DICT: _dictionary,
    pickle.SETITEM: _set_item, pickle.SETITEMS: lambda stack: _update(stack, stack.pop_mark()),
    pickle.ADDITEMS: lambda stack: _add(stack, stack.pop_mark()), pickle.FROZENSET: _frozen,
    pickle.TUPLE: lambda stack: stack.push(tuple(stack.pop_mark())),
    pickle.TUPLE1: _tuple(1), pickle.TUPLE2: _tuple(2), pickle.TUPLE3: _tuple(3),
}
