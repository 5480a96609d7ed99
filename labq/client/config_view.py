"""The configuration of a task as a dict of its fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from labq.client.values import of_field
from labq.errors import UsageError
from labq.model.task import FIELDS, SETTINGS, checked, new
from labq.values.coerce import mapping
from labq.values.suggest import hint

if TYPE_CHECKING:
    from labq.client.task import Task

RETAINED = ("ttl", "auto_delete")  # of `retention`, as the words of a submit have them
_KNOWN = (SETTINGS | {"comment", "tags", "metadata"}) - {"short", "source"}  # one task's alone
KEYS = (*(field for field in FIELDS if field in _KNOWN - {"retention"}), *RETAINED)
UNSAID = {field: value for field, value in new({}).items() if field in _KNOWN}  # never without one


class Config(MutableMapping[str, Any]):
    """How a task is to run, by the words of `Client.task`; what is set here is set on the task."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def __getitem__(self, field: str) -> Any:
        if field not in KEYS:
            raise KeyError(field)
        return self._task.retention.get(field) if field in RETAINED else getattr(self._task, field)

    def __setitem__(self, field: str, value: Any) -> None:
        _check(field)
        setattr(self._task, field, UNSAID.get(field) if value is None else value)

    def __delitem__(self, field: str) -> None:
        if field not in KEYS:
            raise KeyError(field)
        self[field] = None

    def clear(self) -> None:
        """Takes away what may be: each field is as in a new task of which nothing was said.

        The name of a task that is submitted stays.
        """
        for field in list(self):
            with suppress(AttributeError):
                del self[field]

    def rewrite(self, fields: Mapping[str, Any]) -> None:
        """Has it be these fields, and no others.

        Raises:
            UsageError: there is no such field, or it cannot hold its value: nothing is changed.
            AttributeError: another name, of a task that is submitted: likewise.
        """
        given = mapping("config", fields)
        for field, value in given.items():
            _check(field)
            if value is not None:
                given[field] = _checked(field, value)
        if given.get("name", self["name"]) != self["name"]:
            self["name"] = given["name"]  # before all others: it may be refused
        self.clear()
        for field, value in given.items():
            if value != self[field]:
                self[field] = value

    def __iter__(self) -> Iterator[str]:
        return (field for field in KEYS if self[field] not in (None, [], {}))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))


def _checked(field: str, value: Any) -> Any:
    """The value as a task of this field has it.

    Raises:
        UsageError: it cannot.
    """
    if field in RETAINED:
        return checked("retention", of_field("retention", {field: value}))[field]
    return checked(field, of_field(field, value))


def _check(field: Any) -> None:
    """Refuses what is no field of a configuration.

    Raises:
        UsageError: naming those that there are.
    """
    if field not in KEYS:
        near = hint(str(field), KEYS)
        raise UsageError(f"no field {field!r} in a config{near} (there are {', '.join(KEYS)})")
