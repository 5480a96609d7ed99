"""Nested dicts, laid over each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labq.errors import ArgsError


def merged(below: Mapping[str, Any], above: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """`below` with `above` laid over it: dicts join at every depth, all else is replaced.

    Raises:
        ArgsError: a value stands where the other has keys; it names the path, below `where`.
    """
    found = dict(below)
    for key, value in above.items():
        path = f"{where}.{key}" if where else key
        old = found.get(key)
        if _has_keys(old) and _has_keys(value):
            found[key] = merged(found[key], value, path)
        elif key in found and _has_keys(old) != _has_keys(value) and {} not in (old, value):
            raise ArgsError(f"{path}: one path cannot hold a value and nested keys")
        elif value != {} or not _has_keys(old):
            found[key] = value
    return found


def _has_keys(value: Any) -> bool:
    return isinstance(value, dict) and bool(value)


MISSING = object()


def lookup(args: Mapping[str, Any], dotted: str) -> Any:
    """The value at a dotted path through dicts, or MISSING."""
    node: Any = args
    for key in dotted.split("."):
        if not isinstance(node, dict) or key not in node:
            return MISSING
        node = node[key]
    return node
