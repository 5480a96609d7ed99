"""`labq.connect`: the task's args over the defaults in the code."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from enum import Enum
from typing import Any

from labq.command.words import text_of
from labq.errors import ArgsError, UsageError
from labq.job.context import Books, books
from labq.job.reports import LOG, storable, store

RECORDED = "config"  # under this key of the summary stands what the code has beyond the args
WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def connect(defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `defaults` in which the task's args win, nested ones too.

    Args that the defaults lack are there too. A value takes the type that it has in the code where
    it fits: 1 becomes 1.0 where the code has a float, a list becomes a tuple. What the code has
    beyond the task's args is recorded as `summary.config`, for people to see and to filter by: a
    result like others, because it is the code's own word, which this attempt alone vouches for.
    Outside of a task it is the defaults.

    Raises:
        UsageError: `defaults` is no dict, or an arg is a text where they have a number.
        ConflictError: the task's lease is lost.
    """
    if not isinstance(defaults, Mapping):
        raise UsageError(f"labq.connect: give a dict of defaults, not {defaults!r}")
    if (found := books("connect")) is None:
        return deepcopy(dict(defaults))
    args = found.task()["args"]
    record(found, beyond(defaults, args))
    return merged(defaults, args)


def merged(defaults: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults with the args over them; a dotted key of the defaults is a path in the args."""
    rest, result = deepcopy(dict(args)), {}
    for key, default in defaults.items():
        value = _taken(rest, key)
        if value is MISSING:
            result[key] = deepcopy(default)
        elif isinstance(default, Mapping) and isinstance(value, dict):
            result[key] = merged(default, value)
        else:
            result[key] = fitted(value, default, key)
    return {**result, **rest}


MISSING = object()


def _taken(args: dict[str, Any], key: Any) -> Any:
    """Takes the value at a key, or a dotted path, out of the args."""
    if not isinstance(key, str) or key in args:
        return args.pop(key, MISSING)
    first, dot, later = key.partition(".")
    below = args.get(first)
    if not dot or not isinstance(below, dict):
        return MISSING
    value = _taken(below, later)
    if not below and value is not MISSING:
        del args[first]
    return value


def beyond(defaults: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """What the defaults have that the args have not."""
    rest, result = deepcopy(dict(args)), {}
    for key, default in defaults.items():
        value = _taken(rest, key)
        if value is MISSING:
            result[key] = default
        elif isinstance(default, Mapping) and isinstance(value, dict):
            result[key] = beyond(default, value)
    return {key: value for key, value in result.items() if value != {} or defaults[key] == {}}


def fitted(value: Any, default: Any, key: Any) -> Any:
    """The value as the type that `default` has, where it fits; as it is elsewhere.

    Raises:
        UsageError: it is a text where the code has a number, or no member of its Enum.
    """
    kind = type(default)
    if value is None or default is None or kind is type(value):
        return value
    if isinstance(default, Enum):
        return _member(value, kind, key)
    if isinstance(value, str) and isinstance(default, (int, float)):
        found = _of_text(value, kind)
        if found is None:
            wanted = "True or False" if kind is bool else "a number"
            raise UsageError(f"labq.connect: {key} is {wanted} in the code, not {value!r}")
        return found
    for family, convert in _FITS.items():
        if isinstance(default, family):
            try:
                return convert(value, kind)
            except (TypeError, ValueError, OverflowError):
                return value
    return value


def _member(value: Any, kind: Any, key: Any) -> Any:
    """The member of an Enum that has this value, or this name."""
    with suppress(ValueError):
        return kind(value)
    if isinstance(value, str) and value in kind.__members__:
        return kind[value]
    names = ", ".join(kind.__members__)
    raise UsageError(f"labq.connect: {key} is one of {names} in the code, not {value!r}")


def _of_text(value: str, kind: Any) -> Any:
    """The number, or the flag, that a text stands for; None where it stands for none."""
    if kind is bool:
        return WORDS.get(value.lower())
    with suppress(ValueError, OverflowError):
        return kind(value)
    with suppress(ValueError):
        return float(value)  # 1.5 where the code has an int
    return None


def _flag(value: Any, _kind: type) -> Any:
    return bool(value) if value in (0, 1) else value


def _whole(value: Any, kind: type) -> Any:
    return kind(value) if isinstance(value, (int, float)) and value == int(value) else value


def _number(value: Any, kind: type) -> Any:
    return value if isinstance(value, bool) else kind(value)


def _text(value: Any, kind: type) -> Any:
    return value if isinstance(value, (list, dict)) else kind(text_of(value))


def _several(value: Any, kind: type) -> Any:
    return kind(value) if isinstance(value, list) else value


# bool stands before int, which it is a kind of
_FITS: dict[type | tuple[type, ...], Callable[[Any, type], Any]] = {
    bool: _flag,
    int: _whole,
    float: _number,
    str: _text,
    (tuple, set, frozenset): _several,
    os.PathLike: lambda value, kind: kind(value),
}


def record(found: Books, values: Mapping[str, Any]) -> None:
    """Notes them under `summary.config`; a value that no store holds is noted as its text.

    An outage, or a key that cannot be stored, is logged: the job has its values all the same.
    """
    if not values:
        return
    try:
        told = {RECORDED: storable(values, instead=str)[0]}
        if fault := store(found, told):
            LOG.warning("labq: %s is not stored: %s", told, fault)
    except ArgsError as error:
        LOG.warning("labq: what the code has beyond the task's args is not stored: %s", error)
