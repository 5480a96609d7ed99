"""What a task asks of a machine.

resources := resource (("," | space) resource)*      cpus=2,memory=4Gi
resource  := KEY "=" quantity | override             gpus=1, worker.requests.cpu=500m
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labq.errors import UsageError
from labq.resources.named import checked_group, overridden, parse_override, requested, shown_groups
from labq.resources.quantity import KEYS, amount, quoted, short
from labq.values.suggest import hint
from labq.values.text import shortened


def parse_resources(texts: Sequence[str]) -> dict[str, Any]:
    """The resources of texts such as `cpus=2` and `memory=4Gi,gpus=1`, as they are stored.

    cpus is a number, to the thousandth; memory is bytes, rounded up to whole ones; gpus is a whole
    number. A dotted key says something of a named resource.

    Raises:
        UsageError: a key that is not known or is given twice, a value that is no such amount.
    """
    found: dict[str, Any] = {}
    given: dict[str, str] = {}
    for text in texts:
        pieces = text.replace(",", " ").split()
        if not pieces:
            raise UsageError(f"{quoted(text)} asks for nothing (write cpus=2,memory=4Gi,gpus=1)")
        for piece in pieces:
            key, equals, value = piece.partition("=")
            if not equals:
                raise UsageError(f"{quoted(piece)} is not RESOURCE=AMOUNT (such as memory=4Gi)")
            if key in given:
                raise UsageError(f"{key} is given twice: {given[key]} and {shortened(value)}")
            given[key] = value
            if "." in key:
                path, held = parse_override(piece)
                found = overridden({path[0]: {}, **found}, path, held)
            else:
                check_key(key)
                found[key] = value
    return checked_resources(found)


def check_key(key: Any) -> None:
    """Refuses what is no amount of a machine.

    Raises:
        UsageError: naming those that there are.
    """
    if key in KEYS:
        return
    near = hint(str(key), KEYS)
    raise UsageError(f"no resource {quoted(key)}{near} (there are {', '.join(KEYS)})")


def checked_resources(value: Any) -> dict[str, Any]:
    """Resources as they are stored, of a dict of numbers or quantities, or of the text of some.

    A key whose value is None is left out, so that an edit can take one away. A value that is a dict
    is a named resource (see `named.py`); what these request stands beside them, summed.

    Raises:
        UsageError: a key that is not known, a value that is no such amount.
    """
    if isinstance(value, str):
        return parse_resources([value])
    if not isinstance(value, Mapping):
        raise UsageError(f"resources must be a dict such as {{'cpus': 2}}, not {quoted(value)}")
    groups = {
        key: checked_group(key, held)
        for key, held in value.items()
        if isinstance(held, Mapping) and key not in KEYS
    }
    for key, held in value.items():
        if key not in groups and (held is not None or key in KEYS):
            check_key(key)
    sums = requested(groups)
    plain = {
        key: sums[key] if key in sums else amount(key, value[key])
        for key in KEYS
        if key in sums or value.get(key) is not None
    }
    return {**plain, **groups}


def shown(resources: Mapping[str, Any]) -> str:
    """Resources for people: `cpus=2 memory=4Gi gpus=1`, which reads back as the same."""
    texts = {key: repr(resources[key]) for key in KEYS if key in resources}
    if "memory" in texts:
        texts["memory"] = short(resources["memory"])
    groups = {key: held for key, held in resources.items() if isinstance(held, Mapping)}
    return " ".join([*(f"{key}={text}" for key, text in texts.items()), *shown_groups(groups)])
