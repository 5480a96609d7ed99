"""`any(x > 3 for x in field)`: conditions on an element itself -> the operators of `$elemMatch`.

MongoDB takes no `$or` between operators, so a condition becomes a list of alternatives, each one
dict of operators that hold together.
"""

from __future__ import annotations

from typing import Any

from labq.filters import nodes
from labq.filters.tokens import Source

_MOST = 50
_OPERATORS = {"==": "$eq", "!=": "$ne", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def element_operators(source: Source, node: nodes.AnyOf) -> list[dict[str, Any]]:
    """The alternatives, at least one of which an element must fulfil."""
    found = _alternatives(source, node.condition, wanted=True)
    if found is None or len(found) > _MOST:
        message = "this `any` is too involved; write several, joined with `and` or `or`"
        raise source.error(message, node.span)
    return found


def _alternatives(
    source: Source, node: nodes.Condition, *, wanted: bool
) -> list[dict[str, Any]] | None:
    if isinstance(node, nodes.Not):
        return _alternatives(source, node.condition, wanted=not wanted)
    if isinstance(node, (nodes.And, nodes.Or)):
        parts = [_alternatives(source, part, wanted=wanted) for part in node.conditions]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        if isinstance(node, nodes.Or) == wanted:
            return [operators for part in known for operators in part]
        return _product(known)
    return [_operators(source, node, wanted)]


def _product(parts: list[list[dict[str, Any]]]) -> list[dict[str, Any]] | None:
    """Every way to take one alternative of each part; None where two cannot stand together."""
    found: list[dict[str, Any]] = [{}]
    for part in parts:
        joined = [_together(first, second) for first in found for second in part]
        found = [operators for operators in joined if operators is not None]
        if len(found) < len(joined) or len(found) > _MOST:
            return None
    return found


def _together(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any] | None:
    shared = first.keys() & second.keys()
    if shared - {"$nin"}:
        return None
    both = {"$nin": [*first["$nin"], *second["$nin"]]} if shared else {}
    return {**first, **second, **both}


def _operators(source: Source, node: nodes.Condition, wanted: bool) -> dict[str, Any]:
    """One condition on the element, as operators."""
    held: dict[str, Any] = {}
    if isinstance(node, nodes.Compare):
        held = _compared(source, node)
    elif isinstance(node, nodes.OneOf):
        held = {"$in": list(node.values)}
    elif isinstance(node, nodes.Pattern):
        held = {"$regex": node.pattern}
        if node.options:
            held["$options"] = node.options
    elif isinstance(node, nodes.Member) and isinstance(node.item, nodes.Value):
        held = {"$elemMatch": {"$eq": node.item.value}}
    elif isinstance(node, nodes.Exists):
        held = {"$exists": True}
    else:
        raise source.error("inside `any` a field is compared with values", node_span(node))
    if wanted:
        return held
    if "$in" in held:
        return {"$nin": held["$in"]}
    return {"$not": held}


def node_span(node: nodes.Condition) -> tuple[int, int]:
    """The characters of a condition; of a composed one, those of its first part."""
    if isinstance(node, nodes.Not):
        return node_span(node.condition)
    if isinstance(node, (nodes.And, nodes.Or)):
        return node_span(node.conditions[0])
    return node.span


def _compared(source: Source, node: nodes.Compare) -> dict[str, Any]:
    left, right, sign = node.left, node.right, node.sign
    if isinstance(left, nodes.Value):
        left, right, sign = right, left, _MIRRORED[sign]
    if not isinstance(right, nodes.Value):
        raise source.error("inside `any` a field is compared with values", node.span)
    if isinstance(left, nodes.Path):
        return {"$nin": [right.value]} if sign == "!=" else {_OPERATORS[sign]: right.value}
    if isinstance(left, nodes.Length) and sign == "==" and _whole(right.value):
        return {"$size": int(right.value)}
    raise source.error("inside `any` a field is compared with values", node.span)


def _whole(value: Any) -> bool:
    return bool(0 <= value < 2**31 and value == int(value))
