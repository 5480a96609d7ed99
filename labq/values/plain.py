"""What Python programs hold, as the JSON values that labq stores."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from math import isfinite
from typing import Any

from labq.errors import ArgsError
from labq.values.text import shortened

LEVELS = 80  # of dicts and lists: BSON allows 100, the document and its attempts need some
MOST = 2**63
_PLAIN = (str, bool, type(None))


def plain(value: Any, where: str, *, nan: bool = False, depth: int = 1) -> Any:  # noqa: PLR0911 - by kind
    """A value as JSON has it; a date stays one.

    Mappings become dicts, and a number that is a key its text; tuples become lists; the scalars and
    arrays of NumPy and PyTorch numbers and lists; paths texts; a member of an Enum that is a text
    or a number the same. With `nan`, numbers that are not finite become the texts of their names.

    Raises:
        ArgsError: anything else, or a value that is nested too deeply, as one that holds itself is;
            it begins with the path, below `where`.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Enum) and isinstance(value, (str, int, float)):
        value = value.value
    if isinstance(value, (int, float)) and not hasattr(value, "tolist"):
        return _number(value, where, nan=nan)
    if isinstance(value, (str, datetime)):
        return value
    if depth > LEVELS:
        raise _too_deep(where)
    if isinstance(value, Mapping):
        return _dict(value, where, nan=nan, depth=depth + 1)
    if isinstance(value, (list, tuple)):
        return [
            plain(item, f"{where}[{at}]", nan=nan, depth=depth + 1) for at, item in enumerate(value)
        ]
    if hasattr(value, "tolist"):
        return plain(value.tolist(), where, nan=nan, depth=depth + 1)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    hint = ": give its .value" if isinstance(value, Enum) else ""
    raise ArgsError(f"{where}: no store holds a value of type {type(value).__name__}{hint}")


def require_shallow(value: Any, where: str, depth: int = 1) -> None:
    """Refuses what is nested too deeply, whatever else it is.

    Raises:
        ArgsError: it is, as one that holds itself.
    """
    if isinstance(value, (Mapping, list, tuple)):
        if depth > LEVELS:
            raise _too_deep(where)
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in items:
            require_shallow(item, f"{where}.{key}", depth + 1)


def _too_deep(where: str) -> ArgsError:
    return ArgsError(f"{shortened(where)}: nested too deeply (at most {LEVELS} levels)")


def key_of(key: Any, where: str) -> str:
    """The key of a dict as JSON has it: a number as its text.

    Raises:
        ArgsError: it is neither.
    """
    if isinstance(key, Enum) and isinstance(key, (str, int, float)):
        key = key.value
    if isinstance(key, str):
        return key
    number = key.tolist() if hasattr(key, "tolist") else key
    if isinstance(number, (int, float)) and not isinstance(number, bool):
        return str(number)
    raise ArgsError(f"{where}: the key {shortened(repr(key))} is not text")


def _dict(value: Mapping[Any, Any], where: str, *, nan: bool, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = key_of(key, where)
        if name in found:
            raise ArgsError(f"{where}: the key {shortened(name)!r} is given twice")
        found[name] = plain(item, f"{where}.{name}", nan=nan, depth=depth)
    return found


def _number(value: float, where: str, *, nan: bool) -> Any:
    if isinstance(value, float):
        if isfinite(value):
            return float(value)
        if nan:
            return str(float(value))
        raise ArgsError(f"{where}: {float(value)} is not a finite number: give it as a text")
    if not -MOST <= value < MOST:
        told = hex(value) if abs(value) >> 1000 else str(int(value))
        raise ArgsError(f"{where}: {shortened(told, 30)} is past 64 bits: give it as a text")
    return int(value)
