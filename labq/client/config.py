"""The configuration of a task as a dict of its fields."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from labq.task import FIELDS, SETTINGS

if TYPE_CHECKING:
    from labq.client.task import Task

_KNOWN = (SETTINGS | {"comment", "tags"}) - {"short"}  # which is one task's alone
KEYS = tuple(field for field in FIELDS if field in _KNOWN)


class Config(MutableMapping[str, Any]):
    """How a task is to run, field by field; what is set here is set on the task."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def __getitem__(self, field: str) -> Any:
        if field not in KEYS:
            raise KeyError(field)
        return getattr(self._task, field)

    def __setitem__(self, field: str, value: Any) -> None:
        if field not in KEYS:
            raise KeyError(field)
        setattr(self._task, field, value)

    def __delitem__(self, field: str) -> None:
        self[field] = None

    def __iter__(self) -> Iterator[str]:
        return (field for field in KEYS if getattr(self._task, field) not in (None, [], {}))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))
