"""Nodes -> a MongoDB query document.

Each condition gives two queries: one for the tasks of which it is certainly true, one for those of
which it is certainly false; a task of which it is unknown is in neither. `not` swaps the two, so it
never reaches the document. A false comparison is guarded by `$exists`, since MongoDB's `$ne` and
`$not` match a missing field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from labq.filters import emit_expr
from labq.filters.emit_elements import element_operators
from labq.filters.nodes import (
    And,
    AnyOf,
    Compare,
    Condition,
    Exists,
    Length,
    Member,
    Not,
    OneOf,
    Or,
    Path,
    Pattern,
    Value,
)
from labq.filters.tokens import Source

Query: TypeAlias = dict[str, Any]
_OPERATORS = {"==": "$eq", "!=": "$ne", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
MAX_PLACES = 4
_HERE = {"$exists": True}


@dataclass(frozen=True)
class Emitter:
    """Writes queries about the task, or about the elements that `variable` stands for."""

    source: Source
    variable: str = ""

    def query(self, node: Condition, wanted: bool = True) -> Query:
        """What matches where `node` is certainly `wanted`."""
        if isinstance(node, Not):
            return self.query(node.condition, not wanted)
        if isinstance(node, (And, Or)):
            parts = [self.query(part, wanted) for part in node.conditions]
            return conjunction(parts) if isinstance(node, And) == wanted else {"$or": parts}
        if isinstance(node, Exists):
            return {self.dotted(node.path): {"$exists": wanted}}
        if isinstance(node, AnyOf):
            return self._any(node, wanted)
        return self._leaf(node, wanted)

    def dotted(self, path: Path) -> str:
        """The path; FilterError where it starts elsewhere than at the element at hand."""
        if path.variable != self.variable:
            message = f"inside `any` only `{self.variable}` can be compared"
            raise self.source.error(message, path.span)
        return path.dotted

    def _leaf(self, node: Compare | OneOf | Member | Pattern, wanted: bool) -> Query:
        if isinstance(node, Compare):
            return self._compare(node, wanted)
        name = self.dotted(node.path)
        if isinstance(node, Member) and isinstance(node.item, Path):
            if self.variable:
                raise self.source.error("inside `any` a field is compared with values", node.span)
            self._check_places([node.item, node.path])
            return emit_expr.member(node.item, node.path, wanted)
        return {name: field_operators(node, wanted)}

    def _compare(self, node: Compare, wanted: bool) -> Query:
        left, right, sign = node.left, node.right, node.sign
        if isinstance(left, Value):
            left, right, sign = right, left, _MIRRORED[sign]
        if isinstance(left, Path) and isinstance(right, Value):
            return {self.dotted(left): comparison(sign, right.value, wanted)}
        if isinstance(left, Length) and isinstance(right, Value) and sign in ("==", "!="):
            return {self.dotted(left.path): _size(right.value, wanted == (sign == "=="))}
        if self.variable:
            raise self.source.error("inside `any` a field is compared with values", node.span)
        self._check_places([*emit_expr.operand_paths(left), *emit_expr.operand_paths(right)])
        return emit_expr.compare(sign, left, right, wanted)

    def _check_places(self, found: list[Path]) -> None:
        """A place in a list is written out several times in a formula; many would fill memory."""
        for path in found:
            if sum(isinstance(part, int) for part in path.parts) > MAX_PLACES:
                message = f"beside another field a path takes at most {MAX_PLACES} places in lists"
                raise self.source.error(message, path.span)

    def _any(self, node: AnyOf, wanted: bool) -> Query:
        name = self.dotted(node.path)
        bare = {not path.parts for path in paths(node.condition) if path.variable == node.variable}
        if len(bare) > 1:
            message = f"inside one `any`, `{node.variable}` is either a value or a dict"
            raise self.source.error(message, node.span)
        if bare == {True}:
            return self._any_value(node, name, wanted)
        inner = Emitter(self.source, node.variable)
        if wanted:
            return {name: {"$elemMatch": inner.query(node.condition)}}
        refuted = {"$nor": [inner.query(node.condition, wanted=False)]}
        plain = {"$not": {"$type": ["object", "array"]}}
        return conjunction(
            [
                {name: {"$exists": True, "$not": {"$elemMatch": refuted}}},
                {name: {"$not": {"$elemMatch": plain}}},
            ]
        )

    def _any_value(self, node: AnyOf, name: str, wanted: bool) -> Query:
        found = element_operators(self.source, node)
        if wanted:
            parts = [{name: {"$elemMatch": operators}} for operators in found]
            return parts[0] if len(parts) == 1 else {"$or": parts}
        return conjunction(
            [
                {name: _HERE},
                *({name: {"$not": {"$elemMatch": operators}}} for operators in found),
            ]
        )


def comparison(sign: str, value: Any, wanted: bool) -> Any:
    """What a field must fulfil, so that the comparison is certainly `wanted`."""
    if sign in ("==", "!="):
        equal = wanted == (sign == "==")
        if value is None:
            return None if equal else {"$ne": None}
        if equal:
            return {"$eq": value} if isinstance(value, (dict, list)) else value
        return {**_HERE, "$ne": value}
    held = {_OPERATORS[sign]: value}
    return held if wanted else {**_HERE, "$not": held}


def field_operators(node: OneOf | Member | Pattern, wanted: bool) -> Query:
    """The same of the other leaves."""
    if isinstance(node, OneOf):
        values = list(node.values)
        if wanted:
            return {"$in": values}
        return {"$nin": values} if values == [None] else {**_HERE, "$nin": values}
    if isinstance(node, Pattern):
        held: Query = {"$regex": node.pattern}
        if node.options:
            held["$options"] = node.options
    else:
        item = node.item.value if isinstance(node.item, Value) else None
        held = {"$elemMatch": {"$eq": item}}
    return held if wanted else {**_HERE, "$not": held}


def _size(length: Any, equal: bool) -> Query:
    """`len(field)`, of a list alone, equals or differs."""
    possible = length >= 0 and length == int(length) and length < 2**31
    size: Query = {"$size": int(length)} if possible else {"$in": []}
    return size if equal else {"$type": "array", "$not": size}


def paths(node: Condition) -> list[Path]:
    """Every path that a condition asks about."""
    if isinstance(node, Not):
        return paths(node.condition)
    if isinstance(node, (And, Or)):
        return [path for part in node.conditions for path in paths(part)]
    if isinstance(node, Compare):
        return [*emit_expr.operand_paths(node.left), *emit_expr.operand_paths(node.right)]
    if isinstance(node, Member) and isinstance(node.item, Path):
        return [node.item, node.path]
    return [node.path]


def conjunction(parts: list[Query]) -> Query:
    """All of the queries, as one document where no name repeats, else under `$and`."""
    merged: Query = {}
    for part in parts:
        for name, held in part.items():
            joined = _joined(merged[name], held) if name in merged else held
            if joined is None or (name in merged and name.startswith("$")):
                return {"$and": parts}
            merged[name] = joined
    return merged


def _joined(first: Any, second: Any) -> Query | None:
    """The operators of both on one field, or None where they do not fit in one dict."""
    for held in (first, second):
        if not isinstance(held, Mapping) or not next(iter(held), "").startswith("$"):
            return None
    shared = first.keys() & second.keys()
    if shared - {"$exists"} or (shared and first["$exists"] is not second["$exists"]):
        return None
    return {**first, **second}
