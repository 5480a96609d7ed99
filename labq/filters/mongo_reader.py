"""A MongoDB query, as JSON or as a Python dict -> the query document, checked.

    query     := {name: value or operators, logical: [query, ...], "$expr": expression}
    logical   := "$and" | "$or" | "$nor"
    operators := {operator: operand, ...}              the operators are in `operators.py`

The text is read as a syntax tree, so each error points at its place. What mongod would refuse is
refused here, in labq's words; what it would accept means what it means there.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labq.filters.closed import Closed, problem
from labq.filters.literals import Literals
from labq.filters.operators import (
    COMPARISONS,
    EXPRESSION,
    FIELD,
    INSTEAD,
    LOGICAL,
    TOP,
    TYPES,
    nearest,
    no_field,
)
from labq.filters.regex import PatternError, compile_pattern


@dataclass(frozen=True)
class Reader:
    """Reads queries over the task's `fields`."""

    literals: Literals
    fields: Mapping[str, str]
    closed: Mapping[str, Closed] = field(default_factory=dict)

    def query(self, node: ast.expr, *, top: bool = True) -> dict[str, Any]:
        """A whole query; below `top` it is about an element, whose names are not known."""
        if not isinstance(node, ast.Dict):
            raise self._error("a query is a dict", node)
        found: dict[str, Any] = {}
        for name, held in zip(node.keys, node.values, strict=True):
            word = self.literals.name(node, name, found)
            place = name or node
            if word.startswith("$"):
                found[word] = self._top_operator(word, place, held, top)
            else:
                self._check_path(word, place, top)
                found[word] = self._held(held)
                if top and word in self.closed:
                    self._check_words(word, held)
        return found

    def _error(self, message: str, node: ast.expr) -> Exception:
        return self.literals.tree.error(message, node)

    def _top_operator(self, word: str, place: ast.expr, held: ast.expr, top: bool) -> Any:
        if word in LOGICAL:
            if not isinstance(held, (ast.List, ast.Tuple)) or not held.elts:
                raise self._error(f"`{word}` takes a list of queries", held)
            return [self.query(item, top=top) for item in held.elts]
        if word == "$expr" and top:
            return self.expression(held)
        if word == "$expr":
            raise self._error("`$expr` cannot stand inside `$elemMatch`", place)
        raise self._unknown(word, place, TOP, "where a field's name may stand")

    def _unknown(self, word: str, place: ast.expr, known: frozenset[str], where: str) -> Exception:
        if word in FIELD | TOP | EXPRESSION.keys():
            return self._error(f"`{word}` cannot stand {where}", place)
        instead = INSTEAD.get(word)
        hint = f"; did you mean `{instead}`?" if instead else nearest(word, known, cutoff=0.5)
        return self._error(f"`{word}` is not allowed in a filter{hint}", place)

    def _check_path(self, word: str, place: ast.expr, top: bool) -> None:
        parts = word.split(".")
        if not all(parts) or any(part.startswith("$") for part in parts):
            raise self._error(f"`{word}` cannot be the name of a field", place)
        if top and parts[0] not in self.fields:
            raise self._error(no_field(parts[0], self.fields), place)

    def _held(self, node: ast.expr) -> Any:
        """What stands behind a field's name: operators, or the value that it equals."""
        if isinstance(node, ast.Dict) and self._is_operators(node):
            return self.operators(node)
        return self.literals.read(node)

    def _check_words(self, name: str, node: ast.expr) -> None:
        """Refuses a word that the field never holds."""
        if isinstance(node, (ast.List, ast.Tuple)):
            for item in node.elts:
                self._check_words(name, item)
        elif isinstance(node, ast.Dict):
            for key, held in zip(node.keys, node.values, strict=True):
                word = key.value if isinstance(key, ast.Constant) else None
                if word in ("$eq", "$ne", "$in", "$nin", "$not"):
                    self._check_words(name, held)
        elif message := problem(self.closed, name, self.literals.read(node)):
            raise self._error(message, node)

    def _is_operators(self, node: ast.Dict) -> bool:
        names = [name.value for name in node.keys if isinstance(name, ast.Constant)]
        if names == ["$date"] or not names:
            return False
        return isinstance(names[0], str) and names[0].startswith("$")

    def operators(self, node: ast.Dict) -> dict[str, Any]:
        """The operators of a field, or of an element of `$elemMatch`."""
        found: dict[str, Any] = {}
        for name, held in zip(node.keys, node.values, strict=True):
            word = self.literals.name(node, name, found)
            place = name or node
            if not word.startswith("$"):
                raise self._error(f"`{word}` stands among operators; names go outside", place)
            if word not in FIELD:
                raise self._unknown(word, place, FIELD, "behind a field's name")
            found[word] = self._operand(word, held)
        self._check_pattern(found, node)
        return found

    def _check_pattern(self, found: dict[str, Any], node: ast.Dict) -> None:
        if "$options" in found and "$regex" not in found:
            raise self._error("`$options` needs a `$regex` beside it", node)
        if "$regex" not in found:
            return
        try:
            compile_pattern(found["$regex"], found.get("$options", ""))
        except PatternError as fault:
            raise self._error(f"this regular expression has {fault}", node) from None

    def _operand(self, word: str, node: ast.expr) -> Any:
        if word in COMPARISONS:
            return self.literals.read(node)
        special: dict[str, Callable[[ast.expr], Any]] = {
            "$not": self._not,
            "$elemMatch": self._element,
            "$all": self._all,
            "$expr": self.expression,
        }
        if word in special:
            return special[word](node)
        value = self.literals.read(node)
        problem = _OPERANDS[word](value)
        if problem:
            raise self._error(f"`{word}` takes {problem}", node)
        return value

    def _not(self, node: ast.expr) -> dict[str, Any]:
        if not isinstance(node, ast.Dict) or not self._is_operators(node):
            raise self._error("`$not` takes a dict of operators", node)
        return self.operators(node)

    def _element(self, node: ast.expr) -> dict[str, Any]:
        if not isinstance(node, ast.Dict):
            raise self._error("`$elemMatch` takes a dict", node)
        names = [name.value for name in node.keys if isinstance(name, ast.Constant)]
        if self._is_operators(node) and names[0] not in LOGICAL | {"$expr"}:
            return self.operators(node)
        return self.query(node, top=False)

    def _all(self, node: ast.expr) -> list[Any]:
        if not isinstance(node, (ast.List, ast.Tuple)):
            raise self._error("`$all` takes a list", node)
        matches = [self._is_element(item) for item in node.elts]
        if not any(matches):
            return [self.literals.read(item) for item in node.elts]
        if not all(matches):
            raise self._error("`$all` takes values, or `$elemMatch` in each place", node)
        return [self._held(item) for item in node.elts]

    @staticmethod
    def _is_element(node: ast.expr) -> bool:
        if not isinstance(node, ast.Dict) or len(node.keys) != 1:
            return False
        name = node.keys[0]
        return isinstance(name, ast.Constant) and name.value == "$elemMatch"

    def expression(self, node: ast.expr) -> Any:
        """An aggregation expression: `"$field"`, a value, or an operator with its operands."""
        if isinstance(node, (ast.List, ast.Tuple)):
            return [self.expression(item) for item in node.elts]
        if isinstance(node, ast.Dict):
            return self._operation(node)
        value = self.literals.read(node)
        if isinstance(value, str) and value.startswith("$"):
            if value.startswith("$$"):
                raise self._error("variables (`$$`) are not allowed in a filter", node)
            self._check_path(value[1:], node, top=True)
        return value

    def _operation(self, node: ast.Dict) -> Any:
        name = self.literals.name(node, node.keys[0], {}) if node.keys else ""
        if name == "$date":
            return self.literals.read(node)
        if not name.startswith("$") or len(node.keys) != 1:
            raise self._error('an expression is one operator, as in {"$gt": ["$args.a", 1]}', node)
        if name not in EXPRESSION:
            known = frozenset(EXPRESSION)
            raise self._unknown(name, node.keys[0] or node, known, "inside `$expr`")
        held = node.values[0]
        if name == "$literal":
            return {name: self.literals.read(held)}
        if name == "$let":
            return {name: self._let(held)}
        items = held.elts if isinstance(held, (ast.List, ast.Tuple)) else [held]
        least, most = EXPRESSION[name]
        if not least <= len(items) <= most:
            count = str(least) if least == most else f"{least} or more"
            raise self._error(f"`{name}` takes {count} operands, not {len(items)}", held)
        return {name: self.expression(held)}

    def _let(self, node: ast.expr) -> dict[str, Any]:
        """`{"vars": {name: expression}, "in": "$$name.key"}`: a key of an element."""
        parts = dict(
            zip(_names(node), node.values if isinstance(node, ast.Dict) else [], strict=True)
        )
        bound = parts.get("vars")
        inside = parts.get("in")
        names = _names(bound)
        path = inside.value if isinstance(inside, ast.Constant) else None
        shaped = list(parts) == ["vars", "in"] and len(names) == 1 and isinstance(path, str)
        if not shaped or not isinstance(bound, ast.Dict) or not _leads(str(path), names[0]):
            message = (
                '`$let` takes one variable and a path into it: {"vars": {"x": ...}, "in": "$$x.a"}'
            )
            raise self._error(message, node)
        return {"vars": {names[0]: self.expression(bound.values[0])}, "in": path}


def _names(node: ast.expr | None) -> list[Any]:
    """The names of a dict, None for what is no text."""
    if not isinstance(node, ast.Dict):
        return []
    return [name.value if isinstance(name, ast.Constant) else None for name in node.keys]


def _leads(path: str, name: Any) -> bool:
    """Is `path` `$$name` with keys behind it?"""
    start, *keys = path.split(".")
    known = isinstance(name, str) and name.isascii() and name.isidentifier() and name[:1].islower()
    return known and start == f"$${name}" and all(key and key[0] != "$" for key in keys)


def _whole(value: Any, least: int) -> bool:
    return type(value) in (int, float) and value == int(value) and least <= value < 2**31


def _types(value: Any) -> str:
    for item in value if isinstance(value, list) else [value]:
        known = item == "number" or (isinstance(item, str) and item in TYPES)
        numbered = type(item) in (int, float) and item in TYPES.values()
        if not known and not numbered:
            return f"the name of a type, such as {', '.join(list(TYPES)[:4])}, number or bool"
    return "" if value != [] else "at least one type"


def _mod(value: Any) -> str:
    numbers = (
        isinstance(value, list)
        and len(value) == 2  # noqa: PLR2004 (divisor and remainder)
        and all(type(item) in (int, float) and abs(item) < 2**63 for item in value)
    )
    return "" if numbers and int(value[0]) else "[divisor, remainder], where the divisor is not 0"


_OPERANDS: dict[str, Callable[[Any], str]] = {
    "$in": lambda value: "" if isinstance(value, list) else "a list",
    "$nin": lambda value: "" if isinstance(value, list) else "a list",
    "$exists": lambda value: "" if type(value) in (bool, int, float) else "true or false",
    "$type": _types,
    "$regex": lambda value: "" if isinstance(value, str) else "a pattern, as text",
    "$options": lambda value: "" if isinstance(value, str) else "letters out of i, m, s and x",
    "$size": lambda value: "" if _whole(value, 0) else "a whole number from 0 on",
    "$mod": _mod,
}
