"""Shapes: what a value must be, in words, and whether one is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from labq.errors import UsageError
from labq.model.task import Status, is_variable
from labq.values.durations import LONGEST
from labq.values.text import shortened

DEEPEST = 100  # levels of a value, as BSON has it
MOST = 2**53  # what every program's numbers hold exactly
FIRST_YEAR, LAST_YEAR = 1000, 9000  # a date and any length of time later is a date still
_NESTS = (dict, list)
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_STATUSES = tuple(map(str, Status))  # no set: what another program wrote may have no hash


def _is_text(value: Any) -> bool:
    """Text, and all of it UTF-8: what is not was read as lone surrogates."""
    if type(value) is not str:
        return False
    return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -MOST < value < MOST


def _is_amount(value: Any) -> bool:
    """A number of 0 or more, no infinity and no NaN."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 <= value <= LONGEST


def _is_date(value: Any) -> bool:
    dated = isinstance(value, datetime) and value.tzinfo is not None
    return dated and FIRST_YEAR <= value.year < LAST_YEAR


def _is_word(value: Any) -> bool:
    """A text that a command line can carry."""
    return _is_text(value) and "\0" not in value


def _is_key(value: Any) -> bool:
    """What one key of args can be: a path has several, with dots between them."""
    return _is_word(value) and value != "" and value[0] != "$" and "." not in value


def _is_json(value: Any, args: bool = False, dates: bool = True, depth: int = 1) -> bool:  # noqa: PLR0911
    """A JSON value, in which dates may stand; of `args` one that a command line can carry."""
    kind = type(value)
    if kind is str:
        return (value.isascii() or _is_text(value)) and not (args and "\0" in value)
    if kind is int or kind is bool or value is None:
        return True
    if kind is float:
        return bool(value - value == 0)  # neither infinite nor NaN
    if depth > DEEPEST and kind in _NESTS:
        return False
    if kind is dict:
        for key, item in value.items():
            fits = _is_key(key) if args else _is_text(key)
            if not fits or not _is_json(item, args, dates, depth + 1):
                return False
        return True
    if kind is list:
        return all(_is_json(item, args, dates, depth + 1) for item in value)
    return isinstance(value, int) or (dates and _is_date(value))  # MongoDB's long is an int too


def _odd_key(path: str, value: Mapping[str, Any], shape: Shape) -> str:
    """What is wrong with a dict's keys; empty where nothing is."""
    for key in value:
        if not shape.fits(key):
            return (shape if _is_word(key) else WORD).flaw(f"a key of {path}", key)
    return ""


def _is_deep(value: Any) -> bool:
    """Whether dicts and lists stand in each other on more than DEEPEST levels."""
    level = [value]
    for _ in range(DEEPEST):
        nests = [one for one in level if type(one) in _NESTS]
        within = (one.values() if type(one) is dict else one for one in nests)
        level = [item for items in within for item in items]
    return any(type(one) in _NESTS for one in level)


@dataclass(frozen=True)
class Shape:
    """What a value must be, in words, and whether one is."""

    told: str
    fits: Callable[[Any], bool]

    def flaw(self, path: str, value: Any) -> str:
        """What is wrong with a value that does not fit: `timeout must be seconds, not '1h'`."""
        return f"{path} must be {self.told}, not {_brief(value)}"


@dataclass(frozen=True)
class Holder(Shape):
    """A dict or a list whose items have shapes too."""

    item: Shape | None = None  # of each item that has no shape of its own
    items: Mapping[str, Shape] = field(default_factory=dict)  # of a dict, by key
    must: AbstractSet[str] = frozenset()  # keys that cannot be left out
    key: Shape | None = None  # of each key; a text where none is said

    def flaw(self, path: str, value: Any) -> str:
        """The same, of the item that is wrong where it is one."""
        if isinstance(value, dict):
            for key in self.must:
                if key not in value:
                    return f"{path} has no {key}"
            if odd := _odd_key(path, value, self.key or TEXT):
                return odd
            for key, item in value.items():
                shape = self.items.get(key, self.item)
                if shape is not None and not shape.fits(item):
                    return shape.flaw(f"{path}.{shortened(str(key))}", item)
        if isinstance(value, list) and self.item is not None:
            for at, item in enumerate(value):
                if not self.item.fits(item):
                    return self.item.flaw(f"{path}[{at}]", item)
        return super().flaw(path, value)


@dataclass(frozen=True)
class Json(Shape):
    """A JSON value."""

    key: Shape | None = None  # as of a Holder

    def flaw(self, path: str, value: Any) -> str:
        """The same, of the innermost value that is wrong."""
        if _is_deep(value):
            return f"{path} is nested too deeply (at most {DEEPEST} levels)"
        items: Any = ()
        if type(value) is dict:
            if odd := _odd_key(path, value, self.key or TEXT):
                return odd
            items = ((f"{path}.{shortened(str(key))}", item) for key, item in value.items())
        elif type(value) is list:
            items = ((f"{path}[{at}]", item) for at, item in enumerate(value))
        for place, item in items:
            if not self.fits(item):
                return self.flaw(place, item)
        return super().flaw(path, value)


@dataclass(frozen=True)
class Checked(Shape):
    """What a function of `labq.resources` takes, and makes the same of."""

    check: str

    def flaw(self, path: str, value: Any) -> str:
        """What the function says of it."""
        from labq import resources

        if not _is_json(value):
            return JSON.flaw(path, value)
        try:
            if type(value) in (dict, list):
                getattr(resources, self.check)(value)
        except UsageError as error:
            return f"{path}: {error}"
        return super().flaw(path, value)


def list_of(told: str, item: Shape) -> Holder:
    """A list of such items."""
    fits = item.fits
    return Holder(told, lambda value: type(value) is list and all(map(fits, value)), item)


def dict_of(
    told: str,
    item: Shape | None = None,
    items: Mapping[str, Shape] = _NOTHING,
    must: AbstractSet[str] = frozenset(),
    key: Shape | None = None,
) -> Holder:
    """A dict whose keys are texts, or of another shape; `item` is that of what `items` has not."""
    rest = JSON if item is None else item

    def fits(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for name, held in value.items():
            shape = get(name)
            if not (rest_fits if shape is None else shape.fits)(held) or not key_fits(name):
                return False
        return not must or must <= value.keys()

    get, rest_fits, key_fits = items.get, rest.fits, _is_text if key is None else key.fits
    return Holder(told, fits, rest, items, must, key)


def _takes(check: str, value: Any) -> bool:
    """Whether a function of `labq.resources` takes it; most tasks ask for nothing of its kind."""
    from labq import resources

    try:
        getattr(resources, check)(value)
    except UsageError:
        return False
    return True


def _is_asked(value: Any) -> bool:
    """Resources: amounts, and named ones, whose own rules are another module's."""
    if not ARGS.fits(value):
        return False
    plain = all(key in _AMOUNTS and _AMOUNTS[key](held) for key, held in value.items())
    return plain or _takes("checked_resources", value)


def _brief(value: Any) -> str:
    """A value in a refusal: what it is, where it is no word or number."""
    if isinstance(value, (str, int, float)):
        return shortened(repr(value))
    known = {dict: "a dict", list: "a list", bytes: "bytes", datetime: "a date", type(None): "null"}
    kind = next((told for one, told in known.items() if type(value) is one), "")
    if kind == "a date" and not FIRST_YEAR <= value.year < LAST_YEAR:
        return f"the year {value.year}"
    name = type(value).__name__
    return kind or f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


TEXT = Shape("a text", _is_text)
FLAG = Shape("True or False", _is_flag)
WHOLE = Shape("a whole number", _is_whole)
COUNT = Shape("a whole number of 0 or more", lambda value: _is_whole(value) and value >= 0)
SECONDS = Shape("seconds of 0 or more", _is_amount)
AMOUNT = Shape("a number of 0 or more", _is_amount)
DATE = Shape("a date", _is_date)
JSON = Json("a JSON value", _is_json)
PERCENT = Shape("a percentage", lambda value: _is_amount(value) and value <= 100)  # noqa: PLR2004
ANY = Shape("anything", lambda _value: True)
STATUS = Shape(f"one of {', '.join(Status)}", lambda value: value in _STATUSES)
WORD = Shape("a text", _is_word)  # no process is given a NUL
TEXTS = list_of("a list of texts", TEXT)
WORDS = list_of("a list of texts", WORD)
VARIABLES = dict_of("a dict of texts", WORD, key=Shape("a variable's name", is_variable))
_KEY = Shape("a text without dots, and no $ first", _is_key)
_ARG = Json("a JSON value", lambda value: _is_json(value, args=True, dates=False), _KEY)
ARGS = dict_of("a dict", _ARG, key=_KEY)
OBJECT = dict_of("a dict", Json("a JSON value", lambda value: _is_json(value, dates=False)))
RESOURCES = Checked("a dict such as {'cpus': 2}", _is_asked, "checked_resources")
REQUIRE = Checked(
    "a list of requirements",
    lambda value: type(value) is list and _is_json(value) and _takes("checked_require", value),
    "checked_require",
)
LABEL = Shape("a text or a number", lambda value: _is_text(value) or _is_amount(value))
_AMOUNTS: dict[str, Callable[[Any], bool]] = {
    "cpus": _is_amount,
    "memory": COUNT.fits,
    "gpus": COUNT.fits,
}
