"""The `${eval:...}` resolver: an arithmetic text goes in, a number comes out; nothing else is ever evaluated."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from mGPT.errors import ConfigError

Number = int | float

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
#: Largest power exponent that is worked out, so that a YAML file cannot keep the machine busy.
MAX_EXPONENT = 64


def evaluate(text: str) -> Number:
    """The value of numbers joined by + - * / // % ** and parentheses; ConfigError for anything else."""
    try:
        return _value(ast.parse(str(text).strip(), mode="eval").body)
    except (SyntaxError, ZeroDivisionError, OverflowError, RecursionError) as error:
        raise ConfigError(f"${{eval:{text}}}: expected arithmetic such as 2*(3+4), got {text!r} ({error})") from None
    except _NotArithmetic as error:
        raise ConfigError(
            f"${{eval:{text}}}: only numbers, + - * / // % ** and parentheses are allowed, got {error}"
        ) from None


class _NotArithmetic(Exception):
    """A syntax node that is no arithmetic; the text says which."""


def _value(node: ast.expr) -> Number:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value
    if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
        return _UNARY[type(node.op)](_value(node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Pow) and abs(right) > MAX_EXPONENT:
            raise _NotArithmetic(f"the exponent {right} (at most {MAX_EXPONENT})")
        return _BINARY[type(node.op)](left, right)
    raise _NotArithmetic(repr(ast.unparse(node)))
