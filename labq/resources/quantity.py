"""Quantities: `2`, `0.5`, `500m`, `4Gi`, `2G`, `1e3`, as exact numbers; and amounts of a machine.

    quantity := number [suffix]
    number   := digits ["." digits] | "." digits
    suffix   := "m" | k M G T P E | Ki Mi Gi Ti Pi Ei | "e" exponent

Source: Kubernetes, "Quantity", without signs, and in 64 bits.
"""

from __future__ import annotations

from typing import Any

from labq.command.words import INT_MAX, text_of
from labq.errors import UsageError
from labq.values.text import shortened

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
    ratio = ratio_of(text)
    if ratio is None:
        raise UsageError(f"{quoted(text)} is not a quantity ({_HOW})")
    check_size(ratio, text)
    return plain(ratio)


def ratio_of(value: Any) -> Ratio | None:
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


def is_huge(ratio: Ratio) -> bool:
    """Whether it is past 64 bits."""
    return ratio[0] > INT_MAX * ratio[1]


def check_size(ratio: Ratio, value: Any) -> None:
    """Refuses what is past 64 bits, in the words of `value`."""
    if is_huge(ratio):
        told = shortened(hex(value) if isinstance(value, int) else str(value), 30)
        raise UsageError(f"{told} is past 64 bits")


def plain(ratio: Ratio) -> int | float:
    """An int where it is whole, else the nearest double."""
    top, bottom = ratio
    if top % bottom == 0:
        return top // bottom
    number = top / bottom
    return int(number) if number.is_integer() else number


def short(number: float) -> str:
    """A number as the quantity that is shortest; suffixes from a million on."""
    texts = [repr(number)]
    if isinstance(number, int) and number:
        texts += [
            f"{number // size}{unit}"
            for unit, size in reversed(_SIZES.items())
            if size >= _SIZES["M"] and number % size == 0
        ]
    return min(texts, key=len)


def quoted(value: Any) -> str:
    """A value in a refusal: cut, on one line."""
    return repr(shortened(text_of(value)))


def amount(key: str, value: Any) -> int | float:
    """An amount of one of KEYS as it is stored: cpus to the thousandth, bytes, whole GPUs.

    Raises:
        UsageError: it is no such amount.
    """
    ratio = ratio_of(value)
    top, bottom = ratio or (-1, 1)
    check_size((top, bottom), value)
    if key == "cpus":
        fits, must = top > 0 and top * 1000 % bottom == 0, "a number above zero, to the thousandth"
    elif key == "memory":  # less than a byte is a 500m that was to be 500M
        fits, must = top >= bottom, "bytes, 1 or more (512Mi, 4Gi, 2G)"
    else:
        fits, must = top >= 0 and top % bottom == 0, "a whole number of 0 or more"
    if not fits:
        raise UsageError(f"{key} must be {must}, not {quoted(value)}")
    return -(-top // bottom) if key == "memory" else plain((top, bottom))


def is_key(key: Any) -> bool:
    """Letters, digits and `._/-`, a letter or digit first."""
    plain = isinstance(key, str) and key[:1].isalnum()
    return plain and all(char.isalnum() or char in "._/-" for char in key)
