"""What a task asks of a machine, and the query for the tasks that a machine may claim.

    quantity    := number [suffix]                   2, 0.5, 500m, 4Gi, 2G, 1e3
    number      := digits ["." digits] | "." digits
    suffix      := "m" | k M G T P E | Ki Mi Gi Ti Pi Ei | "e" exponent
    resources   := resource (("," | space) resource)*      cpus=2,memory=4Gi
    requirement := key [op value]                    a100, gpu==a100, vram>=40Gi
    op          := "==" | "=" | "!=" | ">=" | "<=" | ">" | "<"
    label       := key ["=" value]                   gpu=a100, vram=80Gi, nvlink

A value that is a quantity is its number, else text: 40Gi compares with 80Gi, and `1` never equals
`one`. Source: Kubernetes, "Quantity" and "Set-based requirement", without signs, and in 64 bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from labq.args import INT_MAX, shortened, text_of
from labq.errors import UsageError

KEYS = ("cpus", "memory", "gpus")  # in the order in which they are stored and shown
_SIZES = {
    **{unit: 1000**power for power, unit in enumerate("kMGTPE", start=1)},
    **{f"{unit}i": 1024**power for power, unit in enumerate("KMGTPE", start=1)},
}
_NUMBER = r"(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,2})|(m|[kMGTPE]|[KMGTPE]i)?)"
_LONGEST = 40  # characters of a quantity: more digits than any number has
_HOW = "write 2, 0.5, 500m, 512Mi, 4Gi, 2G"

Ratio = tuple[int, int]  # an exact number of 0 or more: numerator, denominator


def quantity(text: str) -> int | float:
    """The number that a quantity stands for; an int where it is whole.

    Raises:
        UsageError: it is none, or past 64 bits.
    """
    ratio = _ratio(text)
    if ratio is None:
        raise UsageError(f"{_told(text)} is not a quantity ({_HOW})")
    _check_size(ratio, text)
    return _plain(ratio)


def _ratio(value: Any) -> Ratio | None:
    """The exact number of a quantity's text, of an int or of a float as it is written; else None.

    It may be past 64 bits.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return (int(value), 1) if value >= 0 else None
    text = repr(float(value)) if isinstance(value, float) else value
    if not isinstance(text, str) or len(text) > _LONGEST:
        return None
    import re

    found = re.fullmatch(_NUMBER, text, re.ASCII)
    if found is None or not (found[1] or found[2]):
        return None
    part, power, suffix = found[2] or "", int(found[3] or 0), found[4] or ""
    top, bottom = int(found[1] + part), 10 ** len(part)
    top *= 10 ** max(power, 0) * _SIZES.get(suffix, 1)
    bottom *= 10 ** max(-power, 0) * (1000 if suffix == "m" else 1)
    return top, bottom


def _is_huge(ratio: Ratio) -> bool:
    """Whether it is past 64 bits."""
    return ratio[0] > INT_MAX * ratio[1]


def _check_size(ratio: Ratio, value: Any) -> None:
    if _is_huge(ratio):
        told = shortened(hex(value) if isinstance(value, int) else str(value), 30)
        raise UsageError(f"{told} is past 64 bits")


def _plain(ratio: Ratio) -> int | float:
    """An int where it is whole, else the nearest double."""
    top, bottom = ratio
    if top % bottom == 0:
        return top // bottom
    number = top / bottom
    return int(number) if number.is_integer() else number


def _short(number: float) -> str:
    """A number as the quantity that is shortest; suffixes from a million on."""
    texts = [repr(number)]
    if isinstance(number, int) and number:
        texts += [
            f"{number // size}{unit}"
            for unit, size in reversed(_SIZES.items())
            if size >= _SIZES["M"] and number % size == 0
        ]
    return min(texts, key=len)


def _told(value: Any) -> str:
    """A value in a refusal: cut, on one line."""
    return repr(shortened(text_of(value)))


def parse_resources(texts: Sequence[str]) -> dict[str, Any]:
    """The resources of texts such as `cpus=2` and `memory=4Gi,gpus=1`, as they are stored.

    cpus is a number, to the thousandth; memory is bytes, rounded up to whole ones; gpus is a whole
    number.

    Raises:
        UsageError: a key that is not known or is given twice, a value that is no such amount.
    """
    found: dict[str, Any] = {}
    for text in texts:
        pieces = text.replace(",", " ").split()
        if not pieces:
            raise UsageError(f"{_told(text)} asks for nothing (write cpus=2,memory=4Gi,gpus=1)")
        for piece in pieces:
            key, equals, amount = piece.partition("=")
            if not equals:
                raise UsageError(f"{_told(piece)} is not RESOURCE=AMOUNT (such as memory=4Gi)")
            _check_key(key)
            if key in found:
                raise UsageError(f"{key} is given twice: {found[key]} and {shortened(amount)}")
            found[key] = amount
    return checked_resources(found)


def _check_key(key: Any) -> None:
    if key in KEYS:
        return
    from difflib import get_close_matches

    close = get_close_matches(str(key).lower(), KEYS, 1)
    hint = f": did you mean {close[0]}?" if close else ""
    raise UsageError(f"no resource {_told(key)}{hint} (there are {', '.join(KEYS)})")


def checked_resources(value: Any) -> dict[str, Any]:
    """Resources as they are stored, of a dict of numbers or quantities, or of the text of some.

    A key whose value is None is left out, so that an edit can take one away.

    Raises:
        UsageError: a key that is not known, a value that is no such amount.
    """
    if isinstance(value, str):
        return parse_resources([value])
    if not isinstance(value, Mapping):
        raise UsageError(f"resources must be a dict such as {{'cpus': 2}}, not {_told(value)}")
    for key in value:
        _check_key(key)
    return {key: _amount(key, value[key]) for key in KEYS if value.get(key) is not None}


def _amount(key: str, value: Any) -> int | float:
    ratio = _ratio(value)
    top, bottom = ratio or (-1, 1)
    _check_size((top, bottom), value)
    if key == "cpus":
        fits, must = top > 0 and top * 1000 % bottom == 0, "a number above zero, to the thousandth"
    elif key == "memory":  # less than a byte is a 500m that was to be 500M
        fits, must = top >= bottom, "bytes, 1 or more (512Mi, 4Gi, 2G)"
    else:
        fits, must = top >= 0 and top % bottom == 0, "a whole number of 0 or more"
    if not fits:
        raise UsageError(f"{key} must be {must}, not {_told(value)}")
    return -(-top // bottom) if key == "memory" else _plain((top, bottom))


def shown(resources: Mapping[str, Any]) -> str:
    """Resources for people: `cpus=2 memory=4Gi gpus=1`, which reads back as the same."""
    texts = {key: repr(resources[key]) for key in KEYS if key in resources}
    if "memory" in texts:
        texts["memory"] = _short(resources["memory"])
    return " ".join(f"{key}={text}" for key, text in texts.items())


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
    if not _is_key(key) or not (op == "exists" or op in _OPERATORS):
        raise _no_requirement(told)
    if op == "exists":
        return {"key": key, "op": op}
    held = _read(value)
    if held is None:
        raise _no_requirement(told)
    if op in _ORDERS and isinstance(held, str):
        raise UsageError(f"{_told(told)}: {op} compares numbers, and {_told(held)} is none")
    return {"key": key, "op": op, "value": held}


def _no_requirement(told: Any) -> UsageError:
    return UsageError(f"{_told(told)} is not a requirement ({_REQUIREMENTS})")


def _is_key(key: Any) -> bool:
    """Letters, digits and `._/-`, a letter or digit first."""
    plain = isinstance(key, str) and key[:1].isalnum()
    return plain and all(char.isalnum() or char in "._/-" for char in key)


def _read(value: Any) -> int | float | str | None:
    """The value of a label or a requirement: a number or text; None where it is neither."""
    if isinstance(value, bool):
        return "true" if value else "false"
    ratio = _ratio(value)
    if ratio is not None and not _is_huge(ratio):
        return _plain(ratio)
    plain = isinstance(value, str) and bool(value) and value.isprintable()
    return value if plain and value == value.strip() and not set(value) & set("=!<>,") else None


def checked_require(value: Any) -> list[dict[str, Any]]:
    """Requirements as they are stored, of a list of texts or dicts, or of one text; each once.

    Raises:
        UsageError: one of them is none.
    """
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)):
        raise UsageError(f"require must be a list of requirements, not {_told(value)}")
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
    told = value if isinstance(value, str) else _short(value)
    return f"{requirement['key']}{requirement['op']}{told}"


def parse_label(text: str) -> tuple[str, Any]:
    """The key and value of a worker's label; without a value it is the text "true".

    Raises:
        UsageError: it is none.
    """
    key, equals, value = (part.strip() for part in text.partition("="))
    held = _read(value) if equals else "true"
    if not _is_key(key) or held is None:
        raise UsageError(f"{_told(text)} is not a label (write gpu=a100, vram=80Gi or nvlink)")
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
