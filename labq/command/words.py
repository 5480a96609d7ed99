"""Values and keys of args: from words and documents to nested dicts, and as flags again.

    value  := a Python literal (int, float, bool, None, str, list, dict) to the letter, else text

Keys keep their spelling, and dots nest. A literal is taken only where the whole word is one and
JSON can hold it; `true`, `nan`, `1,2`, `007`, `(1)` and `5 # five` stay text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from labq.errors import ArgsError
from labq.values.plain import LEVELS as MAX_DEPTH
from labq.values.text import shortened

INT_MIN, INT_MAX = -(2**63), 2**63 - 1

Path = tuple[str, ...]


def parse_value(text: str, where: str, depth: int = 1) -> Any:
    """The JSON value that `text` stands for: a Python literal to the letter, else the text.

    Args:
        text: the whole token.
        where: what a refusal names.
        depth: the level at which the value will stand, 1 for the outermost.

    Raises:
        ArgsError: an integer past 64 bits, an infinite float, a bad or repeated key in a dict, text
            that is no UTF-8, values nested too deeply.
    """
    value: Any = text
    if text and text[0] in "+-.0123456789'\"[{TFNrRuU":  # nothing else begins a literal
        literal = _literal(text, where)
        value = literal if _jsonable(literal) else text
    return normalised(value, where, depth)


_NO_LITERAL = object()


def _literal(text: str, where: str) -> Any:
    """The value of a text that is one Python literal from end to end, else _NO_LITERAL."""
    import ast
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a text is the text's own
            body = ast.parse(text, mode="eval").body
        value = ast.literal_eval(body)
    except SyntaxError as error:
        if "nested parentheses" in str(error):
            raise _too_deep(where) from None
        if "Exceeds the limit" in str(error):  # of digits that int() reads
            raise _past_64_bits(where, text) from None
        return _NO_LITERAL
    except (ValueError, TypeError):
        return _NO_LITERAL
    except (RecursionError, MemoryError):
        raise _too_deep(where) from None
    for node in ast.walk(body):
        if isinstance(node, ast.Dict):
            _unique([(getattr(key, "value", key), None) for key in node.keys], where)
    return value if ast.get_source_segment(text, body) == text else _NO_LITERAL


def _unique(pairs: list[tuple[Any, Any]], where: str) -> dict[Any, Any]:
    """The dict of `pairs`, none of whose keys may be repeated."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        again = next(key for key in keys if keys.count(key) > 1)
        raise ArgsError(f"{where}: the key {shortened(str(again))!r} is given twice")
    return found


def _jsonable(value: Any) -> bool:
    """Whether `value` is made of the kinds of value that JSON has."""
    if isinstance(value, list):
        return all(map(_jsonable, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _jsonable(item) for key, item in value.items())
    return value is None or isinstance(value, (bool, int, float, str))


def parse_document(text: str, where: str) -> dict[str, Any]:
    """The nested dict of a JSON or Python-literal dict; dotted keys nest, tuples become lists.

    Raises:
        ArgsError: it is neither, or holds what cannot be stored.
    """
    try:
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            object_pairs_hook=lambda pairs: _unique(pairs, where),
        )
    except RecursionError:
        raise _too_deep(where) from None
    except ValueError:
        value = _literal(text.strip(), where)
    if not isinstance(value, dict):
        raise ArgsError(f"{where}: not a JSON object or a Python dict: {shortened(text)}")
    return dict(normalised(value, where))


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def normalised(value: Any, where: str, depth: int = 1) -> Any:
    """`value` as it is stored: dotted keys nested, everything within what both stores hold.

    Raises:
        ArgsError: what they cannot hold, with the place.
    """
    if depth > MAX_DEPTH:
        raise _too_deep(where)
    if isinstance(value, dict):
        tree = _Tree(f"{where}: ")
        for key, item in value.items():
            if not isinstance(key, str):
                raise ArgsError(f"{where}: the key {key!r} is not text")
            path = key_path(key, where)
            tree.put(path, normalised(item, where, depth + len(path)), key)
        for path, _, _ in tree.repeats:
            raise ArgsError(f"{where}: the key {'.'.join(path)!r} is given twice")
        return tree.root
    if isinstance(value, (list, tuple)):
        return [normalised(item, where, depth + 1) for item in value]
    return _checked_scalar(value, where)


def _too_deep(where: str) -> ArgsError:
    return ArgsError(f"{where}: nested too deeply (at most {MAX_DEPTH} levels)")


_AS_TEXT = """to keep it as text, quote it twice: '"..."'"""


def _past_64_bits(where: str, text: str) -> ArgsError:
    return ArgsError(f"{where}: {shortened(text, 30)} is past 64 bits; {_AS_TEXT}")


def _checked_scalar(value: Any, where: str) -> Any:
    """None, a bool, an int, a float or a text, as its plain type."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not INT_MIN <= value <= INT_MAX:
            raise _past_64_bits(where, hex(value) if abs(value) >> 1000 else str(int(value)))
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ArgsError(f"{where}: {value} is not a finite number; {_AS_TEXT}")
        return float(value)
    if isinstance(value, str):
        return checked_text(value, where)
    raise ArgsError(f"{where}: no store holds a value of type {type(value).__name__}")


def checked_text(text: str, where: str) -> str:
    """A text that a store can hold.

    Raises:
        ArgsError: it is no UTF-8, or holds a NUL.
    """
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise ArgsError(f"{where}: the text is not valid UTF-8")
    if "\0" in text:
        raise ArgsError(f"{where}: the text holds a NUL character, which no command line can carry")
    return str(text)


def key_path(dotted: str, where: str) -> Path:
    """The keys of a dotted path.

    Raises:
        ArgsError: an empty key, a `$` first, a NUL, no UTF-8, too many keys.
    """
    keys = tuple(checked_text(dotted, where).split("."))
    if not dotted:
        raise ArgsError(f"{where}: the key is empty")
    if len(keys) > MAX_DEPTH:
        raise _too_deep(where)
    for key in keys:
        if not key:
            raise ArgsError(f"{where}: {shortened(dotted)!r} has an empty key beside a dot")
        if key.startswith("$"):
            raise ArgsError(
                f"{where}: the key {shortened(key)!r} begins with $, which MongoDB keeps to itself"
            )
    return keys


class _Tree:
    """A nested dict filled path by path, which knows who set what.

    `repeats` holds (path, who set it first, who set it later) of every value that was replaced.
    """

    def __init__(self, prefix: str = "") -> None:
        self.root: dict[str, Any] = {}
        self.repeats: list[tuple[Path, str, str]] = []
        self._prefix = prefix  # of a refusal
        self._given: dict[Path, str] = {}  # leaf -> who set it

    def put(self, path: Path, value: Any, label: str) -> None:
        """Sets `value` at `path`; a dict's keys join those that are there.

        Raises:
            ArgsError: a value stands where keys are to nest, or the reverse.
        """
        if isinstance(value, dict) and value:
            for key, item in value.items():
                self.put((*path, key), item, label)
            return
        node = self._parent(path, label)
        old = node.get(path[-1])
        if isinstance(old, dict) and old:
            if value != {}:
                below = next(leaf for leaf in self._given if leaf[: len(path)] == path)
                raise self._clash(below, label)
            return
        if path in self._given:
            self.repeats.append((path, self._given[path], label))
        node[path[-1]] = value
        self._given[path] = label

    def _parent(self, path: Path, label: str) -> dict[str, Any]:
        """The dict that holds the last key of `path`, made where it is missing."""
        node = self.root
        for depth, key in enumerate(path[:-1], start=1):
            child = node.setdefault(key, {})
            if not isinstance(child, dict):
                raise self._clash(path[:depth], label)
            self._given.pop(path[:depth], None)  # an empty dict is a leaf until something nests
            node = child
        return node

    def _clash(self, leaf: Path, label: str) -> ArgsError:
        first = self._given[leaf]
        return ArgsError(
            f"{self._prefix}{first} and {label} clash: one path cannot hold a value and nested keys"
        )


def leaves(args: Mapping[str, Any], prefix: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each path and value of the nested dict; lists and empty dicts are values."""
    for key, value in args.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*prefix, key))
        else:
            yield (*prefix, key), value


def flat(args: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted key -> value, in sorted key order."""
    found = {".".join(path): value for path, value in leaves(args)}
    return {key: found[key] for key in sorted(found)}


def signature(keys: Iterable[str], *, loose: bool = False) -> str:
    """The sorted dotted leaf keys as one JSON text, so that "exactly these" is an equality.

    `loose` words, which belong to no key, are a null behind them: no template takes these.
    """
    listed: list[str | None] = [*sorted(keys), *[None] * loose]
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":"))


def is_loose(task: Mapping[str, Any]) -> bool:
    """Whether the task has words that belong to no key."""
    words = task.get("words")
    return isinstance(words, dict) and words.get("loose") is True


def text_of(value: Any) -> str:
    """A value as one token: text as it is, lists and dicts as JSON, else its Python literal."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def text_for(value: Any, typed: str | None) -> str:
    """A value as one word: what was typed for it, where that stands for the value."""
    if typed is not None:
        try:
            if repr(parse_value(typed, "")) == repr(value):
                return typed
        except ArgsError:
            pass
    return text_of(value)


def to_flags(args: Mapping[str, Any], texts: Mapping[str, str] | None = None) -> list[str]:
    """The args as command-line words in sorted key order.

    `--key value`; True is the bare flag, False and None are left out; what begins with `-` and is
    not plainly a negative number is `--key=-text`, so that no parser takes it for an option.

    Args:
        args: the nested dict.
        texts: dotted key -> what was typed for it.
    """
    words: list[str] = []
    for key, value in flat(args).items():
        if value is False or value is None:
            continue
        text = text_for(value, texts.get(key)) if texts else text_of(value)
        if value is True:
            words.append(f"--{key}")
        elif text.startswith("-") and (isinstance(value, str) or "e" in text):
            words.append(f"--{key}={text}")  # argparse takes -1e-05 for an option
        else:
            words += [f"--{key}", text]
    return words
