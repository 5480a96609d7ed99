"""Named resources of a task, such as the pods of a deployment, and overrides of them.

    override := resource "." param ("." param)* "=" scalar     worker.replicas=3
    resource := a name | "*"                                   *.requests.memory=1Gi
    scalar   := what the core schema of YAML 1.2.2 (section 10.3.2) reads; a null takes away

A named resource is a dict. What its `requests` say (or, where they do not, its `limits`) of cpu,
memory and gpu is an amount of the machine, and the sum over all of them is what a worker must have
free: it stands in the task's cpus, memory and gpus. `resources.requests` and `resources.limits`, as
a pod's container has them, are the same. Other parameters are the job's own affair, unless their
names are nearly ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labq.command.words import flat, key_path, normalised, parse_value, text_of
from labq.errors import ConflictError, UsageError
from labq.resources.quantity import KEYS, amount, check_size, is_key, plain, quoted, ratio_of
from labq.values.suggest import hint
from labq.values.text import shortened

NAMES: dict[tuple[str, ...], str] = {  # in requests and limits -> in a machine
    ("cpu",): "cpus",
    ("cpus",): "cpus",
    ("memory",): "memory",
    ("gpu",): "gpus",
    ("gpus",): "gpus",
    ("nvidia", "com/gpu"): "gpus",
}
AMOUNTS = ("requests", "limits")
CONTAINER = "resources"  # may stand around them
PARAMETERS = ("replicas", *AMOUNTS, CONTAINER)
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"], None),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
}


def scalar(text: str) -> Any:
    """The null, bool, number or text that a plain or quoted YAML scalar stands for."""
    import re

    bare = text.strip()
    if bare in _WORDS:
        return _WORDS[bare]
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "'\"":
        return bare[1:-1]
    if re.fullmatch(r"[-+]?[0-9]{1,40}|0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}", bare):
        return int(bare, 0 if bare.startswith(("0o", "0x")) else 10)
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", bare):
        return float(bare)
    return bare


def parse_override(text: str) -> tuple[tuple[str, ...], Any]:
    """The path and the value of an override.

    Raises:
        UsageError: no `=`, a bad key, a value that cannot be stored.
    """
    left, equals, right = text.partition("=")
    if not equals:
        raise UsageError(f"{quoted(text)} is not RESOURCE.PARAM=VALUE (such as worker.replicas=3)")
    path = key_path(left.strip(), quoted(text))
    return path, override_value(path, right, left.strip())


def override_value(path: Sequence[str], text: str, where: str) -> Any:
    """The value of an override: a YAML scalar, whether the client or the command line reads it.

    A null (`null`, `~` or no text at all) takes away what the path names, since nothing in
    resources is stored without a value. A path of one key names no text but an amount, so that it
    may also be None or a dict as args are written.

    Raises:
        UsageError: it cannot be stored.
    """
    value = scalar(text)
    if len(path) == 1 and isinstance(value, str):
        value = parse_value(value, where)
    return normalised(value, where, len(path) + 1)


def overridden(resources: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    """Resources with a value at the path, as yet unchecked; `*` is every named one.

    Dicts are made on the way. A path of one key sets what it names as a whole. What is None is
    left out when the resources are checked.

    Raises:
        UsageError: a named resource with no parameter of it, or `*` as a parameter.
        ConflictError: there is no such resource, something on the way is not a dict, or the amount
            is a sum over the named ones.
    """
    name, *keys = path
    if keys[:1] == [CONTAINER]:
        keys = keys[1:] or keys
    named = [key for key, held in resources.items() if isinstance(held, Mapping)]
    summed = {key for one in named for key, _ in _amounts(resources[one])}  # summed anew later
    kept = {key: held for key, held in resources.items() if key not in summed}
    if "*" in keys:
        raise UsageError(f"{quoted('.'.join(path))}: * is every resource, and no parameter")
    if not keys:
        whole = value is None or isinstance(value, Mapping)
        if name == "*" or (name in named and not whole):
            told = f"{name}.replicas" if name in named else "*.zone"
            raise UsageError(f"{quoted(name)} lacks a parameter (such as {told}=...)")
        unknown = name not in (*KEYS, *named) and not isinstance(value, Mapping)
        if unknown and (named or value is None):
            there = ", ".join([*named, *KEYS])
            raise ConflictError(f"no resource {quoted(name)} (there are {there})")
        _refuse_sum(resources, name)
        return {**kept, name: value}
    if name not in named and not (name == "*" and named):
        known = f"there are {', '.join(named)}" if named else "the task has no named ones"
        raise ConflictError(f"no resource {quoted(name)} ({known})")
    return {
        **kept,
        **{one: _placed(resources[one], keys, value, one) for one in named if name in (one, "*")},
    }


def _refuse_sum(resources: Mapping[str, Any], key: str) -> None:
    """Refuses to set by hand what is a sum over the named resources."""
    for name, held in resources.items():
        if isinstance(held, Mapping) and key in dict(_amounts(held)):
            raise ConflictError(f"{key} is what {name} requests: override that (labq guide client)")


def _placed(node: Mapping[str, Any], keys: Sequence[str], value: Any, place: str) -> dict[str, Any]:
    key, *rest = keys
    if not rest and key == CONTAINER:
        return {**{k: held for k, held in node.items() if k not in AMOUNTS}, key: value}
    if not rest:
        return {**node, key: value}
    below = node.get(key, {})
    if not isinstance(below, Mapping):
        raise ConflictError(f"{place}.{key} has no key {rest[0]!r}: it is not a dict")
    return {**node, key: _placed(below, rest, value, f"{place}.{key}")}


def checked_group(name: Any, value: Mapping[str, Any]) -> dict[str, Any]:
    """A named resource as it is stored: amounts as numbers, whatever else it has as it is.

    A parameter whose value is None is left out, at any depth.

    Raises:
        UsageError: a name or an amount that is none, a parameter that is nearly one of ours.
    """
    if not is_key(name) or "." in name:
        raise UsageError(f"{quoted(name)} cannot name a resource (letters, digits, _, / and -)")
    group = _unpacked(_held(normalised(dict(value), f"resources.{name}")), name)
    for key in group.keys() - set(PARAMETERS):
        if (key,) in NAMES:
            raise UsageError(f"{name}.{key} is no parameter (write {name}.requests.{key})")
        if near := hint(key, PARAMETERS):
            raise UsageError(f"{name} has no parameter {quoted(key)}{near}")
    replicas = group.get("replicas", 1)
    if isinstance(replicas, bool) or not isinstance(replicas, int) or replicas < 1:
        told = quoted(replicas)
        raise UsageError(f"{name}.replicas must be a whole number of 1 or more, not {told}")
    for kind in AMOUNTS:
        if kind in group:
            group[kind] = _numbered(group[kind], f"{name}.{kind}")
    return group


def _unpacked(group: dict[str, Any], name: str) -> dict[str, Any]:
    """The same without a container: what it has of requests and limits stands in the group."""
    inner = group.pop(CONTAINER, {})
    place = f"{name}.{CONTAINER}"
    if not isinstance(inner, Mapping):
        raise UsageError(f"{place} must be a dict of requests and limits, not {quoted(inner)}")
    for key, held in inner.items():
        if key not in AMOUNTS:
            near = hint(key, AMOUNTS, " (there are requests, limits)")
            raise UsageError(f"{place} has no {quoted(key)}{near}")
        outer = group.get(key, {})
        if not (isinstance(outer, Mapping) and isinstance(held, Mapping)):
            group[key] = held  # to be refused
            continue
        if both := sorted(flat(outer).keys() & flat(held).keys()):
            raise UsageError(f"{name}.{key}.{both[0]} is given twice: in {place}, too")
        group[key] = {**outer, **held}
    return group


def _held(node: Any) -> Any:
    """A dict without the keys that hold None, all the way down."""
    if not isinstance(node, Mapping):
        return node
    return {key: _held(held) for key, held in node.items() if held is not None}


def _numbered(asked: Any, place: str) -> dict[str, Any]:
    """The amounts of one dict of requests or limits as numbers."""
    if not isinstance(asked, Mapping):
        raise UsageError(f"{place} must be a dict such as {{'cpu': 2}}, not {quoted(asked)}")
    known = [".".join(path) for path in NAMES]
    for key in flat(asked).keys() - set(known):
        near = hint(key, known, " (there are cpu, memory, gpu)")
        raise UsageError(f"{place} has no amount {quoted(key)}{near}")
    found = dict(asked)
    for path, key in NAMES.items():
        held = _at(asked, path)
        if held is None:
            continue
        try:
            number = amount(key, held)
        except UsageError as error:
            raise UsageError(f"{place}: {error}") from None
        found = _placed(found, path, number, place)
    return found


def _at(node: Any, path: Sequence[str]) -> Any:
    for key in path:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node


def _amounts(group: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What one named resource takes of a machine, by the machine's key."""
    for path, key in NAMES.items():
        held = [_at(group.get(kind), path) for kind in ("requests", "limits")]
        for number in [one for one in held if one is not None][:1]:
            yield key, number


def requested(groups: Mapping[str, Mapping[str, Any]]) -> dict[str, int | float]:
    """What checked named resources take of a machine together; a key that none names is left out.

    Raises:
        UsageError: a sum is past 64 bits.
    """
    sums: dict[str, tuple[int, int]] = {}
    for group in groups.values():
        for key, number in dict(_amounts(group)).items():
            top, bottom = ratio_of(number) or (0, 1)
            total, below = sums.get(key, (0, 1))
            sums[key] = (total * bottom + top * below, below * bottom)
    for ratio in sums.values():
        check_size(ratio, "the sum of what the resources request")
    return {key: plain(sums[key]) for key in KEYS if key in sums}


def shown_groups(groups: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Named resources for people: `worker.replicas=3`, `worker.requests.cpu=1`."""
    return [f"{path}={shortened(_as_scalar(value))}" for path, value in flat(groups).items()]


def _as_scalar(value: Any) -> str:
    """A value in YAML's words; text that would be read as something else is quoted."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = text_of(value)
    return f"'{text}'" if isinstance(value, str) and scalar(text) != text else text
