"""The instructions of a pickle in, the value they build out: an own reader of the format, with a short list of what may be made.

The format is that of the standard library (`pickletools` documents each instruction). Nothing here imports, looks up or calls
what a pickle names: names are compared with the list in `arrays.GLOBALS`, and our own functions answer for them.
"""
from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from agir_plugin.errors import UnreadableFile
from agir_plugin.unpickle.arrays import CALLS, GLOBALS, Named, Wrapper, inlined
from agir_plugin.unpickle.content import Budget, Reader
from agir_plugin.unpickle.instructions import DATA_ACTIONS, Stack
from agir_plugin.unpickle.stand_ins import NEWABLE, finish, new

#: Pickles inside joblib's arrays of objects, one in the other; a real file has one or two.
DEEPEST = 20


class Machine(Stack):
    """One pickle being read."""

    def __init__(self, reader: Reader, budget: Budget, path: str, depth: int = 0) -> None:
        """Read from `reader` at its place, within `budget`; `path` is named in errors."""
        if depth > DEEPEST:
            raise ValueError("pickles nested too deeply")
        super().__init__(reader, budget)
        self.path, self.depth = path, depth
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
        self.push(Named(GLOBALS[module, name]))

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
            self.push(made)
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
        self.push(made)

    def build(self) -> None:
        """Give an object that waits for them its contents; anything else would set attributes, and is refused."""
        state, target = self.pop(), self.pop()
        kind, _ = self.waiting.pop(id(target), ("", None))
        if not kind:
            self.refuse(f"setting attributes of a {type(target).__name__}")
        finish(kind, target, state, self.budget)
        self.push(self._inlined(target) if type(target) is Wrapper else target)

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
        machine.push(kind)
        machine.push(arguments)
        machine.call()


#: Instruction -> what is done for it; those that are not here are refused.
ACTIONS: dict[bytes, Callable[[Machine], None]] = {
    **DATA_ACTIONS, pickle.GLOBAL: _global, pickle.STACK_GLOBAL: _stack_global, pickle.REDUCE: Machine.call, pickle.NEWOBJ: _new,
    pickle.BUILD: Machine.build,
}
#: Instructions that are never followed, in words.
REFUSED = {
    **dict.fromkeys((pickle.PERSID, pickle.BINPERSID), "an object from outside the file (a persistent id)"),
    **dict.fromkeys((pickle.EXT1, pickle.EXT2, pickle.EXT4), "a registered extension code"),
    **dict.fromkeys((pickle.NEXT_BUFFER, pickle.READONLY_BUFFER), "a buffer from outside the file"),
    **dict.fromkeys((pickle.OBJ, pickle.NEWOBJ_EX), "an object made with arguments"),
}
