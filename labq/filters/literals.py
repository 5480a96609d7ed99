"""Literals of a filter -> JSON values and dates.

    literal := number | text | True | False | None | true | false | null | date | ago
             | [literal, ...] | (literal, ...) | {literal, ...} | {text: literal, ...}
    date    := date("text") | ISODate("text") | {"$date": text or milliseconds}
    ago     := ago("span")

Constant arithmetic (`60 * 60`, `-1`) is done here. What BSON cannot hold is refused: integers past
64 bits, numbers that are not finite, lone surrogates, names with a `$` in front.
"""

from __future__ import annotations

import ast
import json
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labq.filters.syntax import Tree
from labq.filters.tokens import is_surrogate
from labq.values import dates

DATE_CALLS = ("date", "ago", "ISODate")
NOT_FINITE = ("nan", "NaN", "inf", "Infinity")
WORDS = {"true": True, "false": False, "null": None}
_FOLDED: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: math.pow,
}


@dataclass(frozen=True)
class Literals:
    """Reads the literals of one tree; `is_json` says that its strings are JSON's."""

    tree: Tree
    now: Callable[[], datetime]
    is_json: bool = False

    def is_literal(self, node: ast.expr) -> bool:
        """Is there no field in it?"""
        if isinstance(node, (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict)):
            return True
        if isinstance(node, ast.Name):
            return node.id in WORDS
        if isinstance(node, ast.UnaryOp):
            return isinstance(node.op, (ast.USub, ast.UAdd)) and self.is_literal(node.operand)
        if isinstance(node, ast.BinOp):
            return self.is_literal(node.left) and self.is_literal(node.right)
        return self.is_date_call(node)

    @staticmethod
    def is_date_call(node: ast.expr) -> bool:
        """Is it `date(...)`, `ISODate(...)` or `ago(...)`?"""
        return (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in DATE_CALLS
        )

    def read(self, node: ast.expr) -> Any:
        """The value of a literal; FilterError points at what is none."""
        if isinstance(node, ast.Constant):
            return self._constant(node)
        if isinstance(node, ast.Name) and node.id in WORDS:
            return WORDS[node.id]
        if isinstance(node, ast.Name) and node.id in NOT_FINITE:
            raise self.tree.error(f"`{node.id}` is no number that a filter can hold", node)
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return [self.read(item) for item in node.elts]
        if isinstance(node, ast.Dict):
            return self._dict(node)
        if isinstance(node, (ast.UnaryOp, ast.BinOp)):
            return self._arithmetic(node)
        if self.is_date_call(node):
            return self._date_call(node)
        raise self.tree.error("a value is wanted here: a number, text, list, dict or date", node)

    def _constant(self, node: ast.Constant) -> Any:
        value = node.value
        if isinstance(value, str):
            return self._text(node, value)
        if value is None or isinstance(value, (bool, int, float)):
            return self._number(node, value)
        raise self.tree.error("bytes, complex numbers and `...` are no values of a task", node)

    def _text(self, node: ast.expr, value: str) -> str:
        if self.is_json:
            value = json.loads(self.tree.text(node))
        if any(map(is_surrogate, value)):
            raise self.tree.error("half of a surrogate pair is no text", node)
        return value

    def _number(self, node: ast.expr, value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            raise self.tree.error("this number is not finite", node)
        if type(value) is int and not -(2**63) <= value < 2**63:
            raise self.tree.error("this integer does not fit 64 bits", node)
        return value

    def _arithmetic(self, node: ast.UnaryOp | ast.BinOp) -> Any:
        """A sign or constant arithmetic, done."""
        return self._number(node, self._folded(node))

    def _folded(self, node: ast.expr) -> Any:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            inner = node.operand
            if isinstance(inner, ast.Constant) and type(inner.value) in (int, float):
                value = inner.value  # -9223372036854775808 is no negated 64-bit integer
            else:
                value = self._plain_number(inner)
            return value if isinstance(node.op, ast.UAdd) else -value  # type: ignore[operator]
        if not isinstance(node, ast.BinOp):
            return self._plain_number(node)
        function = _FOLDED.get(type(node.op))
        if function is None:
            raise self.tree.error("the arithmetic of filters is + - * / // % **", node)
        left, right = self._plain_number(node.left), self._plain_number(node.right)
        try:
            value = function(left, right)
        except (ArithmeticError, ValueError):
            raise self.tree.error("this has no value", node) from None
        whole = function is math.pow and type(left) is int and type(right) is int and right >= 0
        return int(value) if whole and abs(value) < 2**53 else value

    def _plain_number(self, node: ast.expr) -> int | float:
        value = self.read(node)
        if type(value) is int or type(value) is float:
            return value
        raise self.tree.error("arithmetic takes numbers", node)

    def _dict(self, node: ast.Dict) -> Any:
        held: dict[str, Any] = {}
        for name, item in zip(node.keys, node.values, strict=True):
            word = self.name(node, name, held)
            if word == "$date" and len(node.keys) == 1:
                return self.extended_date(item)
            if word.startswith("$"):
                message = f"`{word}` is an operator, and cannot stand inside a value"
                raise self.tree.error(message, name or node)
            held[word] = self.read(item)
        return held

    def name(self, node: ast.Dict, name: ast.expr | None, seen: dict[str, Any]) -> str:
        """A dict's key: text, without NUL, once."""
        if name is None:
            raise self.tree.error("`**` cannot stand in a filter", node)
        if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
            raise self.tree.error("a name in a dict is text in quotes", name)
        word = self._text(name, name.value)
        if "\0" in word:
            raise self.tree.error("a name cannot hold a NUL character", name)
        if word in seen:
            raise self.tree.error(f"`{word}` stands twice in one dict; join them with `$and`", name)
        return word

    def extended_date(self, node: ast.expr) -> datetime:
        """What stands behind `"$date"`: ISO text, or milliseconds since the epoch."""
        value = self.read_number_long(node)
        if type(value) is int:
            try:
                return dates.from_milliseconds(value)
            except OverflowError:
                raise self.tree.error("this date is out of range", node) from None
        if not isinstance(value, str):
            raise self.tree.error('a date is written {"$date": "2026-01-31T12:00:00Z"}', node)
        return self._moment(value, node)

    def read_number_long(self, node: ast.expr) -> Any:
        """The value, where extended JSON's `{"$numberLong": "5"}` is 5."""
        if isinstance(node, ast.Dict) and len(node.keys) == 1:
            key, item = node.keys[0], self.read(node.values[0])
            if isinstance(key, ast.Constant) and key.value == "$numberLong":
                text = str(item)
                if text.lstrip("-").isdecimal() and len(text) < 20:  # noqa: PLR2004 (64 bits)
                    return self._number(node, int(text))
        return self.read(node)

    def _date_call(self, node: ast.expr) -> datetime:
        call = node
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise self.tree.error("no date", node)
        name = call.func.id
        argument = call.args[0] if len(call.args) == 1 and not call.keywords else None
        if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
            example = '"3h"' if name == "ago" else '"3 hours ago"'
            raise self.tree.error(f"`{name}` takes one text, as in {name}({example})", node)
        text = self._text(argument, argument.value)
        if name != "ago":
            return self._moment(text, argument)
        try:
            return dates.before(text, self.now())
        except dates.DateError:
            message = f'no span of time: {text!r}; try "90s", "3h", "1h30m" or "2 days"'
            raise self.tree.error(message, argument) from None

    def _moment(self, text: str, node: ast.expr) -> datetime:
        return self.moment(text, node)

    def moment(self, text: str, node: ast.expr) -> datetime:
        """The date that `text` names."""
        try:
            return dates.moment(text, self.now())
        except dates.DateError:
            message = f'no date: {text!r}; try "2026-01-31 14:00", "3 hours ago" or "yesterday"'
            raise self.tree.error(message, node) from None
