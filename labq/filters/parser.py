"""A Python expression -> nodes.

    condition  := disjunct ("or" disjunct)*
    disjunct   := conjunct ("and" conjunct)*
    conjunct   := "not" conjunct | "(" condition ")" | comparison | call
    comparison := operand (sign operand)+              a chain holds when each pair does
    sign       := == | != | < | <= | > | >= | in | not in | is | is not
    operand    := field | literal | "len" "(" field ")" | operand reckon operand | "-" operand
    reckon     := + | - | * | / | // | % | **
    field      := name ("." name | "[" (text | number) "]")*
    call       := contains | startswith | endswith | regex | exists | missing | any | all

`in` has a list of values, a field that holds a list, `list(field)`, `dict(field)` for its keys, or
a text field on its right. `is` takes None, True and False. The calls are in `calls.py`, the
literals in `literals.py`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from labq.filters import calls
from labq.filters.closed import Closed, problem
from labq.filters.literals import DATE_CALLS, NOT_FINITE, Literals
from labq.filters.nodes import (
    And,
    Arith,
    Compare,
    Condition,
    Elapsed,
    Length,
    Member,
    Not,
    OneOf,
    Operand,
    Or,
    Path,
    Pattern,
    Value,
)
from labq.filters.operators import no_field
from labq.filters.regex import escape

MAX_REMAINDERS = 4  # each is written out several times in the query
_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
}
_PREFIXES: dict[type[ast.unaryop], str] = {ast.USub: "-", ast.UAdd: "+"}
_LOGIC: dict[type[ast.operator], str] = {ast.BitAnd: "and", ast.BitOr: "or"}


@dataclass(frozen=True)
class Parser:
    """Reads conditions where the task's `fields` are known, and a variable inside `any(...)`."""

    literals: Literals
    fields: Mapping[str, str]  # name -> kind
    closed: Mapping[str, Closed] = field(default_factory=dict)
    variable: str = ""

    def condition(self, node: ast.expr) -> Condition:
        """A whole condition; FilterError points at what is none."""
        if isinstance(node, ast.BoolOp):
            parts = tuple(self.condition(value) for value in node.values)
            return And(parts) if isinstance(node.op, ast.And) else Or(parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Not(self.condition(node.operand))
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        if isinstance(node, ast.Call) and not self.literals.is_date_call(node):
            return calls.condition(self, node)
        return self._no_condition(node)

    def inside(self, variable: str) -> Parser:
        """The parser of an `any(...)` over `variable`."""
        return replace(self, variable=variable)

    def _no_condition(self, node: ast.expr) -> NoReturn:
        """Raises what is wrong with a node that is no condition."""
        tree = self.literals.tree
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
            self.path(node)
            field = tree.text(node)
            message = f"a field alone is no condition; write `{field} == True` or `exists({field})`"
            raise tree.error(message, node)
        if isinstance(node, ast.BinOp) and type(node.op) in _LOGIC:
            word = _LOGIC[type(node.op)]
            message = f"join conditions with `{word}`, not with `&` or `|`"
            raise tree.error(message, node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
            raise tree.error("write `not` instead of `~`", node)
        self.refuse(node, "this is no condition; compare it with something")

    def refuse(self, node: ast.expr, otherwise: str) -> NoReturn:
        """Raises why a node has no place in a filter."""
        named = {
            ast.Lambda: "a lambda cannot stand in a filter",
            ast.NamedExpr: "`:=` does not compare; use `==`",
            ast.IfExp: "`if ... else` cannot stand in a filter; use `and` and `or`",
            ast.JoinedStr: "an f-string cannot stand in a filter",
            ast.ListComp: "a comprehension stands only in `any(...)` and `all(...)`",
            ast.GeneratorExp: "a comprehension stands only in `any(...)` and `all(...)`",
            ast.SetComp: "a comprehension stands only in `any(...)` and `all(...)`",
            ast.DictComp: "a comprehension stands only in `any(...)` and `all(...)`",
            ast.Await: "`await` cannot stand in a filter",
            ast.Starred: "`*` cannot stand in front of a value",
        }
        raise self.literals.tree.error(named.get(type(node), otherwise), node)

    def _comparison(self, node: ast.Compare) -> Condition:
        pairs = zip([node.left, *node.comparators[:-1]], node.ops, node.comparators, strict=True)
        found = tuple(self._pair(node, left, op, right) for left, op, right in pairs)
        return found[0] if len(found) == 1 else And(found)

    def _pair(self, node: ast.Compare, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Condition:
        if isinstance(op, ast.In):
            return self._member(node, left, right)
        if isinstance(op, ast.NotIn):
            return Not(self._member(node, left, right))
        if isinstance(op, (ast.Is, ast.IsNot)):
            if not isinstance(right, ast.Constant) or not isinstance(
                right.value, (bool, type(None))
            ):
                raise self.literals.tree.error("`is` takes only None; use `==`", right)
            return self.compare("==" if isinstance(op, ast.Is) else "!=", left, right, node)
        return self.compare(_SIGNS[type(op)], left, right, node)

    def compare(self, sign: str, left: ast.expr, right: ast.expr, node: ast.expr) -> Condition:
        """A comparison of two operands, one of which holds a field."""
        first, second = self.operand(left), self.operand(right)
        span = self.literals.tree.span(node)
        if isinstance(first, Value) and isinstance(second, Value):
            raise self.literals.tree.error("a comparison needs a field on one side", node)
        first, second = self._dated(first, second, left), self._dated(second, first, right)
        if sign in ("==", "!="):
            self._check_word(second, first, left)
            self._check_word(first, second, right)
        for side, other, where in ((first, second, left), (second, first, right)):
            self._check_value(sign, side, other, where)
        return Compare(sign, first, second, span)

    def _dated(self, side: Operand, other: Operand, node: ast.expr) -> Operand:
        """Text beside a date field is a date."""
        if isinstance(other, Path) and isinstance(side, Value):
            return replace(side, value=self._fitting(other, side.value, node))
        return side

    def _fitting(self, path: Path, value: object, node: ast.expr) -> object:
        """The value as the field's kind has it: text beside a date field is a date."""
        if path.kind != "date":
            return value
        if isinstance(value, str):
            return self.literals.moment(value, node)
        if isinstance(value, (int, float)):
            message = f'{path.dotted} is a date; compare it with date("...") or ago("...")'
            raise self.literals.tree.error(message, node)
        return value

    def _check_word(self, path: Operand, value: Operand, node: ast.expr) -> None:
        """Refuses a word that the field never holds."""
        if isinstance(path, Path) and isinstance(value, Value) and not path.variable:
            message = problem(self.closed, path.dotted, value.value)
            if message:
                raise self.literals.tree.error(message, node)

    def _check_value(self, sign: str, side: Operand, other: Operand, node: ast.expr) -> None:
        if not isinstance(side, Value):
            return
        if sign not in ("==", "!=") and isinstance(side.value, (type(None), list, dict)):
            message = f"`{sign}` orders numbers, text, booleans and dates"
            raise self.literals.tree.error(message, node)
        number = type(side.value) in (int, float)
        if isinstance(other, (Arith, Length, Elapsed)) and not number:
            raise self.literals.tree.error("arithmetic gives a number; compare it with one", node)

    def _member(self, node: ast.Compare, left: ast.expr, right: ast.expr) -> Condition:
        span = self.literals.tree.span(node)
        if isinstance(right, (ast.List, ast.Tuple, ast.Set)):
            return self._one_of(node, left, right.elts)
        called = right.func if isinstance(right, ast.Call) else None
        if isinstance(called, ast.Name) and called.id in ("list", "dict"):
            return calls.membership(self, left, right)
        if self.literals.is_literal(right):
            raise self.literals.tree.error("`in` needs a list or a field on its right", right)
        return self.member(left, self.path(right), span)

    def member(self, left: ast.expr, path: Path, span: tuple[int, int]) -> Condition:
        """`left in path`: an element of a list, or a part of a text field."""
        item = self.operand(left)
        if path.kind == "text" and isinstance(item, Value) and isinstance(item.value, str):
            return Pattern(path, escape(item.value), "", span)
        if not isinstance(item, (Value, Path)):
            raise self.literals.tree.error("a value or a field is wanted left of `in`", left)
        return Member(item, path, span)

    def _one_of(self, node: ast.Compare, left: ast.expr, items: list[ast.expr]) -> Condition:
        if self.literals.is_literal(left):
            pairs = tuple(self.compare("==", left, item, node) for item in items)
            if not pairs:
                raise self.literals.tree.error("`in` needs a field on one side", node)
            return Or(pairs)
        path = self.operand(left)
        if isinstance(path, Path) and all(self.literals.is_literal(item) for item in items):
            values = tuple(self._fitting(path, self.literals.read(item), item) for item in items)
            for value, item in zip(values, items, strict=True):
                self._check_word(path, Value(value, path.span), item)
            return OneOf(path, values, self.literals.tree.span(node))
        if not items:
            raise self.literals.tree.error("`in` needs a field on one side", node)
        return Or(tuple(self.compare("==", left, item, node) for item in items))

    def operand(self, node: ast.expr) -> Operand:
        """A side of a comparison."""
        tree = self.literals.tree
        infinite = isinstance(node, ast.Name) and node.id in NOT_FINITE
        if infinite or self.literals.is_literal(node):
            return Value(self.literals.read(node), tree.span(node))
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
            return self.path(node)
        if isinstance(node, ast.BinOp):
            return self._arithmetic(node)
        if isinstance(node, ast.UnaryOp) and type(node.op) in _PREFIXES:
            sign, zero = _PREFIXES[type(node.op)], Value(0, tree.span(node))
            inner = self._number(self.operand(node.operand), node.operand)
            return Arith(sign, zero, inner, tree.span(node))
        if isinstance(node, ast.Call):
            return Length(calls.measured(self, node), tree.span(node))
        return self.refuse(node, "a field or a value is wanted here")

    def _arithmetic(self, node: ast.BinOp) -> Operand:
        sign = _ARITHMETIC.get(type(node.op))
        span = self.literals.tree.span(node)
        if sign is None:
            message = "the arithmetic of filters is + - * / // % **"
            raise self.literals.tree.error(message, node)
        if sum(isinstance(part, ast.Mod) for part in ast.walk(node)) > MAX_REMAINDERS:
            message = f"at most {MAX_REMAINDERS} `%` stand in one formula"
            raise self.literals.tree.error(message, node)
        left, right = self.operand(node.left), self.operand(node.right)
        if sign == "-" and _is_date(left) and _is_date(right):
            return Elapsed(right, left, span)  # type: ignore[arg-type]
        return Arith(sign, self._number(left, node.left), self._number(right, node.right), span)

    def _number(self, found: Operand, node: ast.expr) -> Operand:
        """An operand of arithmetic, if it is one."""
        if _is_date(found):
            raise self.literals.tree.error("of two dates only the difference can be taken", node)
        text = isinstance(found, Path) and found.kind == "text"
        if text or (isinstance(found, Value) and type(found.value) not in (int, float)):
            raise self.literals.tree.error("arithmetic takes numbers", node)
        return found

    def path(self, node: ast.expr) -> Path:
        """A field; FilterError with the nearest name where there is no such field."""
        tree = self.literals.tree
        parts: list[str | int] = []
        at = node
        while isinstance(at, (ast.Attribute, ast.Subscript)):
            parts[:0] = [at.attr] if isinstance(at, ast.Attribute) else self._subscript(at)
            at = at.value
        if not isinstance(at, ast.Name):
            if isinstance(at, ast.Call):
                calls.refuse(self, at)
            self.refuse(at, "a field is wanted here")
        if self.variable and at.id == self.variable:
            return Path(tuple(parts), tree.span(node), self.variable)
        if at.id not in self.fields:
            message = no_field(at.id, self.fields)
            if at.id in DATE_CALLS:
                message = f'`{at.id}` takes a text, as in {at.id}("3h")'
            raise tree.error(message, at)
        kind = "" if parts else self.fields[at.id]
        return Path((at.id, *parts), tree.span(node), "", kind)

    def _subscript(self, node: ast.Subscript) -> list[str | int]:
        """The parts that `[...]` stands for; a dot in a text nests, as it does in `--args`."""
        tree = self.literals.tree
        if isinstance(node.slice, ast.Slice):
            raise tree.error("a slice cannot stand in a filter", node.slice)
        key = self.literals.read(node.slice) if self.literals.is_literal(node.slice) else None
        if type(key) is int:
            if key < 0:
                raise tree.error("places in a list count from 0", node.slice)
            return [key]
        if not isinstance(key, str):
            raise tree.error("a subscript is a text or a place in a list", node.slice)
        parts = key.split(".")
        if not all(parts) or any(part.startswith("$") or "\0" in part for part in parts):
            raise tree.error("this cannot be the name of a field", node.slice)
        return list(parts)


def _is_date(operand: Operand) -> bool:
    if isinstance(operand, Path):
        return operand.kind == "date"
    from datetime import datetime

    return isinstance(operand, Value) and isinstance(operand.value, datetime)
