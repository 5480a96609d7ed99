"""What a task requires of a worker's labels, and the query for the tasks that a worker may claim.

    requirement := key [op value]                    a100, gpu==a100, vram>=40Gi
    op          := "==" | "=" | "!=" | ">=" | "<=" | ">" | "<"
    label       := key ["=" value]                   gpu=a100, vram=80Gi, nvlink

A value that is a quantity is its number, else text: 40Gi compares with 80Gi, and `1` never equals
`one`. Source: Kubernetes, "Set-based requirement".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from labq.errors import UsageError
from labq.resources.quantity import KEYS, is_huge, is_key, plain, quoted, ratio_of, short

_OPERATORS = ("==", "!=", ">=", "<=", ">", "<", "=")  # `>=` before `>`: it is read first
_ORDERS = {">=": "$lte", "<=": "$gte", ">": "$lt", "<": "$gt"}  # of the required to the label's
_REQUIREMENTS = "write gpu, gpu==a100, gpu!=a100 or vram>=40Gi"


def parse_requirement(text: str) -> dict[str, Any]:
    """The requirement that a text stands for: {"key", "op", "value"}; "exists" has no value.

    Raises:
        UsageError: it is none, or an order of what is no number.
    """
    at = next((place for place, char in enumerate(text) if char in "=!<>"), len(text))
    op = next((word for word in _OPERATORS if text.startswith(word, at)), "")
    if not op and text[at:]:
        raise _no_requirement(text)
    return _requirement(text[:at].strip(), op or "exists", text[at + len(op) :].strip(), text)


def _requirement(key: Any, op: Any, value: Any, told: Any) -> dict[str, Any]:
    op = "==" if op == "=" else op
    if not is_key(key) or not (op == "exists" or op in _OPERATORS):
        raise _no_requirement(told)
    if op == "exists":
        return {"key": key, "op": op}
    held = _read(value)
    if held is None:
        raise _no_requirement(told)
    if op in _ORDERS and isinstance(held, str):
        raise UsageError(f"{quoted(told)}: {op} compares numbers, and {quoted(held)} is none")
    return {"key": key, "op": op, "value": held}


def _no_requirement(told: Any) -> UsageError:
    return UsageError(f"{quoted(told)} is not a requirement ({_REQUIREMENTS})")


def _read(value: Any) -> int | float | str | None:
    """The value of a label or a requirement: a number or text; None where it is neither."""
    if isinstance(value, bool):
        return "true" if value else "false"
    ratio = ratio_of(value)
    if ratio is not None and not is_huge(ratio):
        return plain(ratio)
    clean = isinstance(value, str) and bool(value) and value.isprintable()
    return value if clean and value == value.strip() and not set(value) & set("=!<>,") else None


def checked_require(value: Any) -> list[dict[str, Any]]:
    """Requirements as they are stored, of a list of texts or dicts, or of one text; each once.

    Raises:
        UsageError: one of them is none.
    """
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)):
        raise UsageError(f"require must be a list of requirements, not {quoted(value)}")
    found = []
    for item in items:
        if isinstance(item, Mapping) and item.keys() <= {"key", "op", "value"}:
            one = _requirement(item.get("key"), item.get("op"), item.get("value"), item)
        elif isinstance(item, str):
            one = parse_requirement(item)
        else:
            raise _no_requirement(item)
        if one not in found:
            found.append(one)
    return found


def shown_requirement(requirement: Mapping[str, Any]) -> str:
    """A requirement for people: `gpu==a100`, `vram>=40Gi`, which reads back as the same."""
    if requirement["op"] == "exists":
        return str(requirement["key"])
    value = requirement["value"]
    told = value if isinstance(value, str) else short(value)
    return f"{requirement['key']}{requirement['op']}{told}"


def parse_label(text: str) -> tuple[str, Any]:
    """The key and value of a worker's label; without a value it is the text "true".

    Raises:
        UsageError: it is none.
    """
    key, equals, value = (part.strip() for part in text.partition("="))
    held = _read(value) if equals else "true"
    if not is_key(key) or held is None:
        raise UsageError(f"{quoted(text)} is not a label (write gpu=a100, vram=80Gi or nvlink)")
    return key, held


def claimable(free: Mapping[str, float], labels: Mapping[str, Any]) -> dict[str, Any]:
    """The query for tasks that ask for no more than is `free` and whose requirements are met.

    Args:
        free: cpus, memory (bytes) and gpus; of what it does not name there is nothing.
        labels: key -> number of 0 or more, text (a quantity is its number), or bool (the text
            "true" or "false").
    """
    fits = {f"resources.{key}": {"$not": {"$gt": free.get(key, 0)}} for key in KEYS}
    met = {"$not": {"$elemMatch": {"$nor": _met_by(labels)}}}
    return {
        "$and": [
            {"$or": [{"resources": {"$exists": False}}, fits]},
            {"$or": [{"require": {"$exists": False}}, {"require": met}]},
        ]
    }


def _met_by(labels: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The queries for a requirement that the labels meet; `!=` holds where there is no label."""
    found: list[dict[str, Any]] = [{"op": "!=", "key": {"$nin": list(labels)}}]
    for key, value in labels.items():
        found += _met_by_one(key, _read(value))
    return found


def _met_by_one(key: str, value: Any) -> Iterable[dict[str, Any]]:
    yield {"key": key, "op": "exists"}
    yield {"key": key, "op": "==", "value": value}
    yield {"key": key, "op": "!=", "value": {"$ne": value}}
    if not isinstance(value, str):
        for op, way in _ORDERS.items():
            yield {"key": key, "op": op, "value": {way: value}}
