"""The queue as people and programs use it: submit, find, show, edit, delete, report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from labq.command.words import normalised
from labq.errors import ConflictError, QuotaExceeded
from labq.model.sound import MALFORMED
from labq.model.task import UNSEALED, Document, Status
from labq.queue.parts import tasks, to_the_end
from labq.store import Change, Now, Sort, Store

if TYPE_CHECKING:
    from pathlib import Path

    from labq.model.arrays import Array
    from labq.queue.edits import Edit
    from labq.queue.groups import GroupStatus
    from labq.queue.recovery import Swept
    from labq.queue.selection import Selection
    from labq.queue.verbs import Cancelled

DRAFT = Status.DRAFT.value
PASSED_OVER = "passed over: "  # begins the reason of a pending task that a worker does not take
PASSED_AT_ONCE = 10_000  # tasks whose reason one look notes


def _whole(task: Document) -> Iterator[Document]:
    """The task, with the instances that its resources ask for; a draft as it is."""
    if task["status"] == DRAFT:
        return iter((task,))
    from labq.queue.groups import expanded

    return expanded(task)


def _nobody(_note: str) -> None:
    """Says nothing."""


@dataclass(frozen=True)
class Queue:
    """One named queue of a store.

    `say` is told what a person is to know, such as which task a reference means that could be two.
    In `home` are the folders that tasks have on this machine; with None they are left alone.
    """

    store: Store
    name: str
    say: Callable[[str], None] = field(default=_nobody, compare=False)
    home: Path | None = field(default=None, compare=False)

    def submit(self, tasks: Sequence[Document]) -> list[int]:
        """Stores new tasks; returns their numbers. Repeating a submit adds nothing.

        A task with `after`, `after_any` or `available_at` waits until all of it is over; a draft
        stays one. One whose resources ask for replicas becomes an array of them: the first instance
        has its id, and the number returned. Where the queue has no room, the tasks with
        `auto_delete` that ended the longest ago make it.

        Raises:
            QuotaExceeded: the queue keeps no more tasks; none is stored.
        """
        made = {"created_at": Now(), "modified_at": Now()}
        times = {**made, "queued_at": Now()}
        new = [{**task, **(made if task["status"] == DRAFT else times)} for task in tasks]
        if any("resources" in task for task in new):
            new = [one for task in new for one in _whole(task)]
        try:
            numbers = self._insert(new)
        except QuotaExceeded as full:
            from labq.queue.retention import with_room

            again = partial(self._insert, new)
            numbers = with_room(self.store, self.name, new, full, again, self.home)
        if len(new) == len(tasks):
            return numbers
        given = {task["_id"] for task in tasks}
        pairs = zip(new, numbers, strict=True)
        return [number for task, number in pairs if task["_id"] in given]

    def _insert(self, new: Sequence[Document]) -> list[int]:
        if any("source" in task for task in new):
            self.store.blobs.hold(new)
        if any(field in task for task in new for field in ("after", "after_any", "available_at")):
            from labq.queue import verbs

            return verbs.submit_waiting(self.store, self.name, new)
        return self.store.insert(self.name, new)

    @property
    def keyed_as(self) -> str:
        """The name that the keys of its tasks go by."""
        from labq.queue.settings import keyed_as

        return keyed_as(self.store, self.name)

    def query(self, selection: Selection) -> Document:
        """The query for the tasks selected."""
        return selection.query(self.store, self.name, self.say)

    def find(
        self,
        query: Document,
        *,
        sort: Sort = (("number", 1),),
        limit: int = 0,
        fields: Sequence[str] = (),
        steady: bool = False,
    ) -> Iterator[Document]:
        """The tasks that match a query of this queue, sorted."""
        return self.store.find(query, sort=sort, limit=limit, fields=fields, steady=steady)

    def count(self, query: Document) -> int:
        """How many tasks match a query of this queue."""
        return self.store.count(query)

    def get(self, ref: str, *, latest: bool | None = None) -> Document:
        """The task that `ref` names; with `latest` the newest of several of a name.

        Raises:
            NotFoundError, ConflictError: it names none, or several.
        """
        from labq.queue.selection import resolve

        (identity,) = resolve(self.store, self.name, [ref], latest=latest, say=self.say)
        return next(self.store.find({"queue": self.name, "_id": identity}))

    def enqueue(self, query: Document, array: Array | None = None) -> int:
        """Makes drafts that match pending, or waiting for what they wait for; returns how many.

        Each becomes such an array, or the one that its resources ask for.
        """
        from labq.queue import lifecycle, replicas

        replicas.complete(self.store, self.name, query, self.submit, array)
        return to_the_end(
            lambda: lifecycle.enqueue(self.store, self.name, query),
            lambda count: tasks(count, "are enqueued"),
        )

    def dequeue(self, query: Document) -> int:
        """Makes drafts of waiting and pending tasks that match; returns how many."""
        from labq.queue import lifecycle

        return to_the_end(
            lambda: lifecycle.dequeue(self.store, query), lambda count: tasks(count, "are dequeued")
        )

    def clone(
        self,
        identity: str,
        edits: Sequence[Edit] = (),
        name: str | None = None,
        enqueue: bool = False,
        array: Array | None = None,
        parent: str | None = None,
    ) -> Document:
        """A new task with the configuration of another, edited: a draft, unless it is enqueued.

        With an array it is the first instance of one. It is returned as it is stored. Its parent is
        the other, unless one is given. Raises what `lifecycle.clone` does.
        """
        from labq.queue import groups, lifecycle

        task = lifecycle.clone(self.store, self.name, identity, edits, name)
        task = {**task, "parent": parent or identity}
        task = {**task, "status": Status.PENDING.value} if enqueue else task
        self.submit([task] if array is None else list(groups.instances(task, array)))
        return next(self.store.find({"queue": self.name, "_id": task["_id"]}))

    def reset(self, query: Document, home: Path | None = None) -> int:
        """Makes drafts of ended tasks that match, all that came of them deleted; returns how many.

        Their folders in `home`, the queue's own unless it is given, are removed too.
        """
        from labq.queue import lifecycle

        return lifecycle.reset(self.store, query, home or self.home, self.say)

    def publish(self, query: Document, force: bool = False) -> int:
        """Seals successes and cancelled tasks that match, failures by force; returns how many."""
        from labq.queue import lifecycle

        return to_the_end(
            lambda: lifecycle.publish(self.store, query, force=force),
            lambda count: tasks(count, "are published"),
        )

    def tag(self, query: Document, add: Sequence[str], remove: Sequence[str] = ()) -> int:
        """Adds tags to the tasks that match, takes others away; returns how many changed."""
        from labq.queue import lifecycle

        return lifecycle.tag(self.store, query, add, remove).changed

    def progress(self, identity: str, token: str, percent: float) -> None:
        """Notes how much of a running task is done; with a token, only while its lease holds.

        Raises:
            UsageError: it is not from 0 to 100.
            ConflictError: the task does not run, or the lease is lost.
        """
        from labq.queue import lifecycle

        lifecycle.progress(self.store, self.name, identity, token, percent)

    def delete(self, query: Document, force: bool = False) -> int:
        """Removes the tasks that match; returns how many.

        What runs or is published stays, without `force`. Those that wait for one of them are
        cancelled.
        """
        from labq.queue import verbs

        return verbs.delete(self.store, self.name, query, force=force, home=self.home)

    def cancel(
        self, query: Document, reason: str = "cancelled", grace: float | None = None
    ) -> Cancelled:
        """Ends the tasks that match: those that do not run at once, the others by their workers.

        A worker gives `grace` seconds between SIGTERM and SIGKILL, its own where None.
        """
        from labq.queue import verbs

        return to_the_end(
            lambda: verbs.cancel(self.store, self.name, query, reason, grace),
            lambda done: tasks(done.ended + done.asked, "are cancelled, or asked to stop"),
        )

    def requeue(self, query: Document) -> int:
        """Makes ended tasks that match pending again; returns how many.

        Attempts and output stay, retries begin anew. What is published stays as it is. A task that
        comes after others waits for those of them that have not ended.
        """
        from labq.queue import verbs

        return to_the_end(
            lambda: verbs.requeue(self.store, self.name, query),
            lambda count: tasks(count, "are requeued"),
        )

    def group(self, ref: str) -> str:
        """The group that `ref` names: its name, its id or the start of it, or a member's number.

        Raises:
            NotFoundError, ConflictError: it names none, or several.
        """
        from labq.queue import groups

        return groups.find(self.store, self.name, ref)

    def group_status(self, group: str) -> GroupStatus:
        """How a group stands: its members by status, what they use, when they ran.

        Raises:
            NotFoundError: it has no member.
        """
        from labq.queue import groups

        return groups.status(self.store, self.name, group)

    def completed(self, group: str, limit: int = 0) -> Iterator[Document]:
        """The members of a group that have ended, by index, with what came of them."""
        from labq.queue import groups

        return groups.completed(self.store, self.name, group, limit)

    def sweep(self) -> Swept:
        """Puts right what nobody finished: lost leases, tasks that are due, dead workers."""
        from labq.queue.recovery import sweep
        from labq.store.base import LEAST

        return sweep(self.store, self.name, age=LEAST, home=self.home, tidy=True)

    def events(
        self, since: str | None = None, query: Document | None = None, *, follow: bool = False
    ) -> Iterator[Document]:
        """What became of the tasks, the oldest first; with `follow`, also what will, for ever.

        Each event has a `token`: with it as `since` one who broke off goes on behind that event,
        and misses none, unless so many were meanwhile that `missed` is True in the next. Without
        it all that is kept comes, or, with `follow`, what happens from now on.

        Raises:
            UsageError: `since` is no token of this store.
        """
        from labq.queue import events

        told = events.follow if follow else events.events
        return told(self.store, self.name, since, query)

    def report(self, identity: str, token: str, values: Mapping[str, Any]) -> None:
        """Merges values into the summary of a task; with a token, only while its lease holds.

        Raises:
            ArgsError: a value that is no JSON value.
            ConflictError: the lease is lost, or the task is published.
        """
        change = _reported(values)
        query: Document = {"queue": self.name, "_id": identity}
        held = {"status": Status.RUNNING.value, "lease.token": token} if token else UNSEALED
        if self.store.update({**query, **held}, change):
            return
        if token:
            raise ConflictError(
                "the report is refused: this attempt no longer holds the task's lease"
            )
        from labq.queue.refusals import refusal

        found = next(self.store.find(query), None)
        raise ConflictError(refusal("report", found) if found else f"task {identity} is gone")

    def inform(self, query: Document, values: Mapping[str, Any]) -> int:
        """Merges values into the summaries of the tasks that match; how many: none is published.

        Raises:
            ArgsError: a value that is no JSON value.
        """
        return self.store.update({"$and": [query, UNSEALED]}, _reported(values))

    def pass_over(
        self, fitting: Document, query: Document, why: Callable[[Document], str]
    ) -> dict[str, int]:
        """Notes why on the pending tasks of `query` that do not fit; how many for each reason.

        Args:
            fitting: the query of those that do.
            query: of all.
            why: the reason, by what a task asks for (require, resources, timeout).
        """
        unfit = {"$and": [query, {"status": Status.PENDING.value}, {"$nor": [fitting]}]}
        tasks: dict[str, list[Document]] = {}
        fields = ("reason", "require", "resources", "timeout")
        for task in self.store.find(unfit, fields=fields, limit=PASSED_AT_ONCE):
            if MALFORMED in task:  # the worker says so
                continue
            tasks.setdefault(why(task), []).append(task)
        for told, alike in tasks.items():
            reason = PASSED_OVER + told
            new = [task["_id"] for task in alike if task.get("reason") != reason]
            if new:
                some = {"$and": [unfit, {"_id": {"$in": new}}]}
                self.store.update(some, Change(set={"reason": reason}))
        return {told: len(alike) for told, alike in tasks.items()}


def _reported(values: Mapping[str, Any]) -> Change:
    """The change that merges values into a summary.

    Raises:
        ArgsError: a value that is no JSON value.
    """
    paths = _paths("summary", normalised(dict(values), "report"))
    ordered = {path: paths[path] for path in sorted(paths, key=_as_mongodb_orders)}
    return Change(set={**ordered, "modified_at": Now()}, inc={"rev": 1})


def _as_mongodb_orders(path: str) -> list[tuple[int, int, str]]:
    """A key to sort paths by as MongoDB does those of one $set: numbers first, by their value."""
    return [(0, int(key), "") if key.isdecimal() else (1, 0, key) for key in path.split(".")]


def _paths(prefix: str, values: Mapping[str, Any]) -> Document:
    """Dotted path -> value for each leaf, so that what lies beside it stays."""
    paths: Document = {}
    for key, value in values.items():
        path = f"{prefix}.{key}"
        paths.update(_paths(path, value) if isinstance(value, dict) and value else {path: value})
    return paths
