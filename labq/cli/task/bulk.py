"""Many tasks in one submit, and tasks that a key keeps from being stored twice."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from labq.cli.output import as_json, line, note, plural, progress
from labq.cli.task.sheet import Sheet
from labq.command.words import normalised
from labq.errors import LabqError, UsageError
from labq.model.task import Document, keyed_id, new_id, require_one
from labq.queue.parts import in_parts
from labq.values.batches import batches

if TYPE_CHECKING:
    from labq.model.arrays import Array
    from labq.queue import Queue

BATCH = 1000  # tasks per write


def submit(
    here: Queue,
    draft: Document,
    file: str | None,
    key: str | None,
    array: Array | None = None,
    *,
    json: bool,
    quiet: bool,
) -> list[str]:
    """Stores the draft, or a task like it for each line of the file or index of the array.

    Returns the ids of all of them, of those that were there already too.

    Raises:
        UsageError: a line is no dict of args that can be stored; then nothing is.
        QuotaExceeded: the queue has no room for all of them; then nothing is stored either.
    """
    if key is not None and not str(normalised(key, "--key")).strip():
        raise UsageError("--key must not be empty")
    added = _Added(here, json=json, keyed=key is not None)
    if file is not None:
        tasks = Sheet(draft, file, None if key is None else (here.keyed_as, key)).tasks
        total = sum(1 for _ in tasks())  # a bad line is found before anything is stored
        require_one(draft, total)
        _each(added, tasks, total, quiet=quiet or json)
    elif array is not None:
        _each_index(added, draft, array, key, quiet=quiet or json)
    else:
        task = {**draft, "_id": keyed_id(here.keyed_as, str(key))}
        added.store([task])
        if not quiet and not json:
            _tell_one(here, task["_id"], added)
    if added.others and not quiet:
        have = "has" if added.others == 1 else "have"
        note(f"labq: warning: {plural(added.others)} of this key {have} other args")
    return added.ids


def _each_index(
    added: _Added, draft: Document, array: Array, key: str | None, *, quiet: bool
) -> None:
    """Stores an array's tasks, and tells what their group is called."""
    from labq.queue.groups import instances

    keyed = None if key is None else (added.here.keyed_as, key)
    group = draft.get("group") or (new_id() if keyed is None else keyed_id(*keyed))
    _each(added, lambda: instances(draft, array, group, keyed), array.count, quiet=quiet)
    if not quiet:
        note(f"indexes {array} of group {group}: labq task group show {group}")


def _each(
    added: _Added, made: Callable[[], Iterator[Document]], total: int, *, quiet: bool
) -> None:
    """Stores the tasks that `made` gives each time, so many in all, a batch at a time."""
    from labq.queue.settings import require_room

    require_room(added.here.store, added.here.name, (task["_id"] for task in made()))
    tasks = made()

    def store(batch: list[Document]) -> None:
        added.store(batch)
        if not quiet and not sys.stdout.isatty():
            progress(f"{added.seen:,} of {total:,}")

    def stored(_sure: bool) -> str:
        progress("")
        sure = added.look()
        if not added.seen and sure:
            return ""
        count = f"{added.seen:,}" if sure else f"at least {added.seen:,}"
        again = "adds the rest" if added.keyed else "adds them again (with --key it would not)"
        return f"{count} of {plural(total)} are stored: the same command {again}"

    in_parts((partial(store, batch) for batch in batches(tasks, BATCH)), stored)
    progress("")
    if not quiet:
        there = f", {added.there:,} were there already" if added.there else ""
        where = f"queue {added.here.name} ({added.here.store.address})"
        note(f"added {plural(added.new)} to {where}{there}")


@dataclass
class _Added:
    """What a run has stored so far; each batch's ids go to stdout once it is."""

    here: Queue
    json: bool
    keyed: bool
    new: int = 0
    there: int = 0  # with the same key already
    others: int = 0  # of those, with other args
    numbers: dict[str, int] = field(default_factory=dict)  # of the last batch
    ids: list[str] = field(default_factory=list)
    asked: list[Document] | None = None  # the batch that is being stored
    failed: bool = False  # whether its storing has ended, and not well

    @property
    def seen(self) -> int:
        """Tasks that are in the store now."""
        return self.new + self.there

    def store(self, batch: list[Document]) -> None:
        """Stores those that are not there yet, and prints the ids of all."""
        self.asked = batch
        try:
            self._store(batch)
        except BaseException:
            self.failed = True
            raise
        self.asked = None

    def look(self) -> bool:
        """Counts, and prints, what the store has of a batch whose storing failed.

        Returns whether that is known: the store may be away, or may be storing it still.
        """
        if self.asked is None:
            return True
        if not self.failed:
            return False
        query = {"queue": self.here.name, "_id": {"$in": [task["_id"] for task in self.asked]}}
        try:
            found = list(self.here.find(query, fields=("number",)))
        except LabqError:
            return False
        self.numbers = {one["_id"]: one["number"] for one in found}
        there = [task for task in self.asked if task["_id"] in self.numbers]
        self.new += len(there)
        if there:
            self._print(there, {})
        return True

    def _store(self, batch: list[Document]) -> None:
        old: dict[str, Document] = {}
        if self.keyed:
            query = {"queue": self.here.name, "_id": {"$in": [task["_id"] for task in batch]}}
            old = {task["_id"]: task for task in self.here.find(query, fields=("number", "args"))}
        fresh = [task for task in batch if task["_id"] not in old]
        given = self.here.submit(fresh) if fresh else []
        self.numbers = {task["_id"]: task["number"] for task in old.values()}
        self.numbers.update(zip((task["_id"] for task in fresh), given, strict=True))
        self.new, self.there = self.new + len(fresh), self.there + len(old)
        self.ids += [task["_id"] for task in batch]
        self.others += sum(
            task["args"] != old[task["_id"]]["args"] for task in batch if task["_id"] in old
        )
        self._print(batch, old)

    def _print(self, batch: list[Document], old: Mapping[str, Any]) -> None:
        with suppress(BrokenPipeError):  # the tasks are to be stored, whoever reads of it
            line("\n".join(self._line(task, old) for task in batch))

    def _line(self, task: Document, old: Mapping[str, Any]) -> str:
        identity: str = task["_id"]
        if not self.json:
            return identity
        place: Document = {field: task[field] for field in ("group", "index") if field in task}
        number, queue = self.numbers[identity], self.here.name
        told: Document = {"_id": identity, "number": number, "queue": queue, **place}
        return as_json({**told, "added": identity not in old} if self.keyed else told)


def _tell_one(here: Queue, identity: str, added: _Added) -> None:
    from labq.cli.task.waits import fate_of

    fate = " was there already" if added.there else fate_of(here, identity)
    number = added.numbers[identity]
    note(f"task {number} in queue {here.name} ({here.store.address}){fate}")
