"""A task here beside the task in the store: read again in time, and saved if nobody was faster."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from labq.client.attributes import Fields
from labq.client.local_changes import Copy, with_edits
from labq.client.new_tasks import placed
from labq.client.origin import noted
from labq.client.profiles import Laid
from labq.errors import ConflictError, TaskNotFound
from labq.model.task import EDITABLE, FIELDS, TERMINAL, Document, Status
from labq.queue.edits import edit_as_read, keep
from labq.queue.refusals import told_of
from labq.store import Now
from labq.store.base import STEADY
from labq.values.coerce import Span, patience

if TYPE_CHECKING:
    from typing_extensions import Self

    from labq.client.client import Client
    from labq.queue import Edit, Queue

KEYED = "8"  # the version of an id that a key gives
FIXED = frozenset({"_id", "queue", "number"})  # of a task that is stored
GIVEN = frozenset({"after", "after_any", "available_at", "parent", "group"})  # to a new task
ONCE = {"name": "name", "short": "short name"}  # settable until the submit
ROUNDS = 10  # how often a save is tried again where others change other fields
CACHE_SECONDS = 5.0


class Mirror(Fields):
    """The document of a task, as it was read or as it is to be stored, and its local changes.

    With `auto_update` an attribute that was read `update_cache_time` seconds ago is read again.
    """

    __slots__ = {
        "_cached_for": "After how many seconds they are.",
        "_copy": "The document, and what was changed in it here.",
        "_noted": "The comment that `start` was given for this run alone, and that of the others.",
        "_profile": "What a profile of `labq.yaml` gave it.",
        "_read_at": "When it was read, monotonic; `-inf`: the next look is at the store.",
        "_there": "Whether the store has it; None once it is deleted.",
        "auto_update": "Whether attributes are read again in time; the client's word at first.",
        "client": "The `labq.Client` that it is of.",
    }

    def __init__(
        self, client: Client, document: Document, *, there: bool, read_at: float | None = None
    ) -> None:
        """A task that is in the store (`there`), or one that is not stored yet.

        It was read at the monotonic time `read_at`; just now, where that is None.
        """
        self.client = client
        self.auto_update = client.auto_update
        self.update_cache_time = client.update_cache_time
        self._copy = Copy(document)
        self._there: bool | None = there
        self._profile: Laid | None = None
        self._noted: tuple[str, str | None] | None = None
        self._read_at = time.monotonic() if read_at is None else read_at

    @property
    def _queue(self) -> Queue:
        return self.client.queue

    @property
    def _mine(self) -> Document:
        """The query for this task."""
        return {"queue": self._queue.name, "_id": self._copy.document["_id"]}

    @property
    def _ids(self) -> list[str]:
        """The ids of the tasks that it stands for."""
        return [self._id]

    # reading

    @property
    def update_cache_time(self) -> float:
        """After how many seconds attributes are read again; the client's word at first.

        Raises:
            UsageError: set to what is no span.
        """
        return self._cached_for

    @update_cache_time.setter
    def update_cache_time(self, span: Span) -> None:
        self._cached_for = patience("update_cache_time", span)

    def _look(self, name: str, missing: Any) -> Any:
        if name not in FIXED:
            self._freshen()
        value = self._copy.look(name, missing)
        if name == "short" and not value:
            return self._copy.document["_id"]
        if name == "lease" and value:
            for own in ("token", STEADY):  # the worker's
                value.pop(own, None)
        return None if isinstance(value, Now) else value  # a delay that has not begun

    def _freshen(self) -> None:
        age = time.monotonic() - self._read_at
        if self._there and (age == inf or (self.auto_update and age >= self.update_cache_time)):
            self.refresh()

    def _flush(self) -> None:
        """Has the next look read the store."""
        self._read_at = -inf

    def refresh(self) -> Self:
        """Reads the task again, and returns itself; local changes stay, and are saved by `save`.

        Raises:
            TaskNotFound: it was deleted.
        """
        if self._there is not False:
            self._stored()
            self._take(self._current())
        return self

    def update(self, flushcache: bool = False) -> None:
        """Reads the task again if that was `update_cache_time` seconds ago, or by all means."""
        if flushcache or time.monotonic() - self._read_at >= self.update_cache_time:
            self.refresh()

    def _stored(self) -> Document:
        """The query for this task.

        Raises:
            ConflictError: it is not stored yet.
            TaskNotFound: it was deleted.
        """
        if self._there is None:
            raise TaskNotFound(f"{self._called} is gone: it was deleted")
        if self._there is False:
            raise ConflictError("the task is not submitted yet: submit() sets it going")
        return self._mine

    def _current(self) -> Document:
        found = next(self._queue.store.find(self._mine), None)
        if found is None:
            raise TaskNotFound(f"{self._called} is gone: it was deleted")
        return found

    def _take(self, document: Document) -> None:
        self._copy.take(document)
        self._read_at = time.monotonic()

    @property
    def _called(self) -> str:
        """The task in a message, without a look at the store."""
        number = self._copy.document.get("number")
        return "the task" if number is None else f"task {number}"

    @property
    def _status(self) -> str:
        """The status as it was read last."""
        return str(self._copy.document["status"])

    @property
    def completed(self) -> bool:
        """Whether it has ended, however it did."""
        return self.status in [status.value for status in TERMINAL]

    @property
    def succeeded(self) -> bool:
        """Whether it has ended as a success."""
        return self.status == Status.SUCCESS.value

    # changing

    def _change(self, name: str, value: Any) -> None:
        if name not in EDITABLE:
            raise AttributeError(f"{name} cannot be set: {_why_not(name)}")
        if once := ONCE.get(name):
            self._refuse_if_submitted(name, f": clone({name}=...) makes a task of another {once}")
        self._copy.change(name, value)

    def _refuse_if_submitted(self, name: str, instead: str = "") -> None:
        """Refuses to set an attribute of a task that is submitted.

        Raises:
            AttributeError: it is; the message says what to do `instead`.
        """
        if self._there is not False and self.status != Status.DRAFT.value:
            told = f"{name} is settable until a task is submitted, and {self._called} is{instead}"
            raise AttributeError(told)

    def save(self) -> Self:
        """Sends what was changed here, and only that; a task that is not stored becomes a draft.

        What others changed beside it stays. Of an array it is sent to every instance.

        Raises:
            ConflictError: others changed the same, or the task may not be edited any more; the
                other instances of an array are saved.
            UsageError: a field cannot hold its value.
            TaskNotFound: it was deleted.
        """
        if self._there is False:
            return self._insert(Status.DRAFT)
        self._stored()
        edits = self._copy.edits()
        for _ in range(ROUNDS if edits else 0):
            now = self._current()
            if clash := self._copy.clash(edits, now):
                raise ConflictError(
                    f"cannot save {self._called}: {clash} "
                    "(drop_changes() takes theirs; then set yours again)"
                )
            if self._write(now, edits):
                self._copy.drop()
                return self.refresh()
        if edits:
            raise ConflictError(f"cannot save {self._called}: it changes all the while")
        return self

    def _write(self, now: Document, edits: Sequence[Edit]) -> bool:
        """Writes edits to the task, if it is as it was read; whether it was.

        Raises:
            ConflictError: it may not be edited so.
        """
        try:
            return edit_as_read(self._queue.store, now, edits)
        except ConflictError as error:
            raise ConflictError(told_of(str(error), now, "save")) from None

    def commit(self) -> Self:
        """The same as `save`.

        Raises:
            ConflictError, UsageError, TaskNotFound: as `save`.
        """
        return self.save()

    def drop_changes(self) -> Self:
        """Forgets what was changed here and not saved; returns itself as the store has it."""
        self._copy.drop()
        return self.refresh()

    def _insert(self, status: Status) -> Self:
        """Stores a task that is not stored yet."""
        task = self._put(self._to_store(status))
        self._became(task)
        if {"after", "after_any", "available_at"} & task.keys():
            self.refresh()  # it may wait
        if self._copy.document["_id"][12] == KEYED and self.args != task["args"]:
            warnings.warn(f"{self._called} of this key has other args", stacklevel=3)
        return self

    def _put(self, task: Document) -> Document:
        """Stores it, and returns it with its number."""
        (number,) = self._queue.submit([task])
        return {**task, "number": number}

    def _to_store(self, status: Status = Status.PENDING) -> Document:
        """The document of a task that is not stored yet, as it is to be.

        Raises:
            ConflictError: it is stored already.
        """
        if self._there is not False:
            raise ConflictError(f"{self._called} is stored already")
        edits = self._copy.edits()
        keep(self._queue.store, edits)
        origin = [edit for edit in edits if edit.field == "source"]
        rest = [edit for edit in edits if edit.field != "source"]
        task = noted(self.client, with_edits(self._copy.document, rest))
        return placed(self._queue, with_edits(task, origin), status)

    def _became(self, document: Document) -> None:
        """Takes note that this is the task now, and that the store has it."""
        self._copy = Copy({**document, "queue": self._queue.name})
        self._there = True
        self._flush()


def _why_not(name: str) -> str:
    """Why nobody sets an attribute."""
    if name in GIVEN:
        return "it is given to a new task (client.task)"
    return "labq sets it" if name in FIELDS else "there is no such field"
