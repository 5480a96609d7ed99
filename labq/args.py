"""Argument tokens <-> nested dict (the language of `labq task submit -- --foo.bar 0.1`).

    tokens := (flag [value] | flag=value)*
    flag   := "--" key ("." key)*
    value  := a Python literal (int, float, bool, None, str, list, dict) to the letter, else text

A flag without a value is True. Keys keep their spelling. A literal is taken only where the whole
token is one and JSON can hold it; `true`, `nan`, `1,2`, `007`, `(1)` and `5 # five` stay text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from labq.errors import ArgsError

MAX_DEPTH = 80  # BSON allows 100 levels; the document and its attempts need some
INT_MIN, INT_MAX = -(2**63), 2**63 - 1

Path = tuple[str, ...]


def parse_tokens(tokens: Sequence[str], base: dict[str, Any] | None = None) -> tuple[dict[str, Any], list[str]]:
    """The nested dict of `tokens`, laid over `base`, and warnings (a repeated flag).

    Raises:
        ArgsError: what cannot be stored; nothing is guessed.
    """
    tree = _Tree(base or {})
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if not token.startswith("--"):
            raise ArgsError(f"bare token {token!r}: write --key {token} or --key={token}")
        flag, equals, text = token[2:].partition("=")
        position += 1
        value: Any = True
        if equals:
            value = parse_value(text, f"--{flag}")
        elif position < len(tokens) and not tokens[position].startswith("--"):
            value = _spaced_value(tokens[position], f"--{flag}")
            position += 1
        tree.put(key_path(flag, f"--{flag}"), value, f"--{flag}")
    return tree.root, tree.warnings


def _spaced_value(text: str, where: str) -> Any:
    """The value in the token after a flag; one that looks like an option is refused."""
    value = parse_value(text, where)
    if text.startswith("-") and text != "-" and isinstance(value, str):
        raise ArgsError(f"{text!r} after {where} looks like an option: write {where}={text} for the text")
    return value


def parse_value(text: str, where: str) -> Any:
    """The JSON value that `text` stands for: a Python literal to the letter, else the text.

    Raises:
        ArgsError: an integer past 64 bits, a float out of range, a bad key in a dict, no UTF-8.
    """
    if not text or text[0] not in "+-.0123456789'\"[{TFNrRuU":
        return normalised(text, where)
    value = _literal(text, where)
    return normalised(text if value is _NO_LITERAL else value, where)


_NO_LITERAL = object()


def _literal(text: str, where: str) -> Any:
    import ast
    import warnings

    digits = text.lstrip("+-").replace("_", "")
    if digits.isdecimal() and digits.isascii() and len(digits) > 20:  # noqa: PLR2004
        if text.lstrip("+-")[0] == "0":
            return _NO_LITERAL
        raise ArgsError(f"{where}: the integer {text[:20]}... is past 64 bits: quote it to keep the text")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a text is the text's own
            body = ast.parse(text, mode="eval").body
            value = ast.literal_eval(body)
    except (ValueError, SyntaxError, TypeError):
        return _NO_LITERAL
    except (RecursionError, MemoryError):
        raise ArgsError(f"{where}: nested too deeply (at most {MAX_DEPTH} levels)") from None
    whole = body.lineno == 1 and body.col_offset == 0
    lines = text.split("\n")
    whole = whole and (body.end_lineno, body.end_col_offset) == (len(lines), len(_utf8(lines[-1])))
    return value if whole and _jsonable(value) else _NO_LITERAL


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _jsonable(value: Any) -> bool:
    """Whether `value` is made of the kinds of value that JSON has."""
    if isinstance(value, list):
        return all(map(_jsonable, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _jsonable(item) for key, item in value.items())
    return value is None or isinstance(value, (bool, int, float, str))


def parse_document(text: str, where: str) -> dict[str, Any]:
    """The nested dict of a JSON or Python-literal dict; dotted keys nest.

    Raises:
        ArgsError: it is neither, or holds what cannot be stored.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ArgsError(f"{where}: nested too deeply (at most {MAX_DEPTH} levels)") from None
    except ValueError:
        value = _literal(text.strip(), where)
    if not isinstance(value, dict):
        raise ArgsError(f"{where}: not a JSON object or a Python dict: {shortened(text)}")
    return dict(normalised(value, where))


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def shortened(text: str, width: int = 60) -> str:
    """`text` on one line, cut to `width` characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= width else flat[: width - 3] + "..."


def normalised(value: Any, where: str, depth: int = 1) -> Any:
    """`value` as it is stored: dotted keys nested, everything within what both stores hold.

    Raises:
        ArgsError: what they cannot hold, with the place.
    """
    if depth > MAX_DEPTH:
        raise ArgsError(f"{where}: nested too deeply (at most {MAX_DEPTH} levels)")
    if isinstance(value, dict):
        tree = _Tree({})
        for key, item in value.items():
            if not isinstance(key, str):
                raise ArgsError(f"{where}: the key {key!r} is not text")
            tree.put(key_path(key, where), normalised(item, where, depth + 1), key)
        return tree.root
    if isinstance(value, (list, tuple)):
        return [normalised(item, where, depth + 1) for item in value]
    return _checked_scalar(value, where)


def _checked_scalar(value: Any, where: str) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not INT_MIN <= value <= INT_MAX:
            raise ArgsError(f"{where}: the integer {value} is past 64 bits: quote it to keep the text")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ArgsError(f"{where}: {value} is no number that can be stored: quote it to keep the text")
        return float(value)
    if isinstance(value, str):
        if any("\ud800" <= char <= "\udfff" for char in value):
            raise ArgsError(f"{where}: the text is not valid UTF-8")
        return str(value)
    raise ArgsError(f"{where}: a {type(value).__name__} cannot be stored (JSON values only)")


def key_path(dotted: str, where: str) -> Path:
    """The keys of a dotted path.

    Raises:
        ArgsError: an empty key, a `$` first, a NUL, no UTF-8.
    """
    keys = tuple(dotted.split("."))
    if not dotted:
        raise ArgsError(f"{where}: the key is empty")
    for key in keys:
        if not key:
            raise ArgsError(f"{where}: an empty key between the dots of {dotted!r}")
        if key.startswith("$"):
            raise ArgsError(f"{where}: the key {key!r} begins with $, which MongoDB keeps to itself")
        if "\0" in key:
            raise ArgsError(f"{where}: the key {key!r} holds a NUL character")
    _checked_scalar(dotted, where)
    return keys


class _Tree:
    """A nested dict filled path by path, which knows who set what."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root
        self.warnings: list[str] = []
        self._given = {path: "--args" for path, _ in leaves(root)}

    def put(self, path: Path, value: Any, label: str) -> None:
        """Sets `value` at `path`; a dict's keys join those that are there."""
        if isinstance(value, dict) and value:
            for key, item in value.items():
                self.put((*path, key), item, label)
            return
        node = self.root
        for depth, key in enumerate(path[:-1], start=1):
            child = node.setdefault(key, {})
            if not isinstance(child, dict):
                raise self._clash(path[:depth], label)
            if not child:
                self._given.pop(path[:depth], None)
            node = child
        old = node.get(path[-1])
        if isinstance(old, dict) and old:
            if value == {}:
                return
            raise self._clash(next(p for p in self._given if p[: len(path)] == path), label)
        if path in self._given:
            self.warnings.append(f"{label} is given twice: the later value is kept")
        node[path[-1]] = value
        self._given[path] = label

    def _clash(self, other: Path, label: str) -> ArgsError:
        first = self._given.get(other, ".".join(other))
        first = f"--{'.'.join(other)}" if first == "--args" else first
        return ArgsError(f"{first} and {label} clash: one path cannot hold a value and nested keys")


def leaves(args: Mapping[str, Any], prefix: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each path and value of the nested dict; lists and empty dicts are values."""
    for key, value in args.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*prefix, key))
        else:
            yield (*prefix, key), value


def flat(args: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted key -> value, in sorted key order."""
    return dict(sorted((".".join(path), value) for path, value in leaves(args)))


def signature(keys: Iterable[str]) -> str:
    """The sorted dotted leaf keys as one JSON text, so that "exactly these" is an equality."""
    return json.dumps(sorted(keys), ensure_ascii=False, separators=(",", ":"))


def text_of(value: Any) -> str:
    """A value as one command-line token: text as it is, lists and dicts as JSON, else its literal."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def to_flags(args: Mapping[str, Any]) -> list[str]:
    """The args as command-line tokens in sorted key order.

    `--key value`; True is the bare flag, False and None are left out; a text that begins with `-`
    is `--key=-text`, so that no parser takes it for an option.
    """
    tokens: list[str] = []
    for key, value in flat(args).items():
        if value is True:
            tokens.append(f"--{key}")
        elif isinstance(value, str) and value.startswith("-"):
            tokens.append(f"--{key}={value}")
        elif value is not False and value is not None:
            tokens += [f"--{key}", text_of(value)]
    return tokens
