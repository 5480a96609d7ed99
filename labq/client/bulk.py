"""Verbs of a client on several tasks: by reference, or those that a filter finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labq.client.local_changes import edit_of
from labq.client.new_tasks import one_reference, references
from labq.client.selection import Filter, Words, narrow, query_of
from labq.config import Settings
from labq.errors import ConflictError, UsageError
from labq.model.task import Document
from labq.queue import EditReport, Queue
from labq.queue.edits import edit
from labq.queue.refusals import done_already, not_edited, standing, untaken
from labq.values.coerce import limit, switch, text, texts

if TYPE_CHECKING:
    from labq.client.task import Task
    from labq.values.coerce import Span

Which = Filter | None


class Bulk:
    """A client's verbs. Each takes references, or `filter`, `status` and `name`: all must hold.

    It moves each task that it can, atomically, and returns how many that were. One that is named
    and in a state that the verb does not take is refused, the others are moved; of those that a
    filter finds it takes what it can.
    """

    settings: Settings
    queue: Queue

    def enqueue(
        self,
        *refs: int | str | Task,
        filter: Which = None,  # noqa: A002 - what `-f` is called
        status: Words | None = None,
        name: Words | None = None,
    ) -> int:
        """Makes drafts pending, or waiting for what they wait for; returns how many.

        Raises:
            UsageError: nothing says which tasks; likewise of the other verbs.
            TaskNotFound: a reference names none; likewise.
            ConflictError: a task that is named is in no state for it; likewise.
        """
        return self._move("enqueue", self.queue.enqueue, (refs, filter, status, name))

    def dequeue(
        self,
        *refs: int | str | Task,
        filter: Which = None,  # noqa: A002 - the same
        status: Words | None = None,
        name: Words | None = None,
    ) -> int:
        """Makes drafts of what no worker has taken yet; returns how many, raises as `enqueue`."""
        return self._move("dequeue", self.queue.dequeue, (refs, filter, status, name))

    def cancel(
        self,
        *refs: int | str | Task,
        filter: Which = None,  # noqa: A002 - the same
        status: Words | None = None,
        name: Words | None = None,
        reason: str = "cancelled",
        grace: Span | None = None,
    ) -> int:
        """Ends tasks, those that run by their workers; returns how many, raises as `enqueue`.

        Args:
            refs: tasks, or references to some.
            filter: as of `tasks`, and so are `status` and `name`.
            status: the same.
            name: the same.
            reason: for those who ask later.
            grace: between SIGTERM and SIGKILL: seconds, a timedelta, or such as "1m"; None is the
                worker's own.
        """
        why, seconds = text("reason", reason), limit("grace", grace)

        def cancelled(query: Document) -> int:
            done = self.queue.cancel(query, why, seconds)
            return done.ended + done.asked

        return self._move("cancel", cancelled, (refs, filter, status, name))

    def requeue(
        self,
        *refs: int | str | Task,
        filter: Which = None,  # noqa: A002 - the same
        status: Words | None = None,
        name: Words | None = None,
    ) -> int:
        """Makes ended tasks pending again, attempts kept; returns how many, raises as `enqueue`."""
        return self._move("requeue", self.queue.requeue, (refs, filter, status, name))

    def reset(
        self,
        *refs: int | str | Task,
        filter: Which = None,  # noqa: A002 - the same
        status: Words | None = None,
        name: Words | None = None,
    ) -> int:
        """Makes drafts of ended tasks, without what came of them; their folders here go too.

        Returns how many, raises as `enqueue`.
        """

        def emptied(query: Document) -> int:
            return self.queue.reset(query, self.settings.home)

        return self._move("reset", emptied, (refs, filter, status, name))

    def publish(
        self,
        *refs: int | str | Task,
        filter: Which = None,  # noqa: A002 - the same
        status: Words | None = None,
        name: Words | None = None,
        force: bool = False,
    ) -> int:
        """Seals ended tasks, failures by `force`; returns how many, raises as `enqueue`."""
        insist = switch("force", force)

        def sealed(query: Document) -> int:
            return self.queue.publish(query, force=insist)

        return self._move("publish", sealed, (refs, filter, status, name), force=insist)

    def tag(
        self,
        *refs: int | str | Task,
        add: str | Sequence[str] = (),
        remove: str | Sequence[str] = (),
        filter: Which = None,  # noqa: A002 - the same
        status: Words | None = None,
        name: Words | None = None,
    ) -> int:
        """Adds tags to tasks and takes others away; returns how many changed, raises as `enqueue`.

        Args:
            refs: tasks, or references to some.
            add: one tag, or several.
            remove: the same.
            filter: as of `tasks`, and so are `status` and `name`.
            status: the same.
            name: the same.
        """
        more, less = texts("add", add), texts("remove", remove)

        def tagged(query: Document) -> int:
            return self.queue.tag(query, more, less)

        return self._move("tag", tagged, (refs, filter, status, name))

    def update(
        self,
        changes: Mapping[str, Any],
        *refs: int | str | Task,
        filter: Which = None,  # noqa: A002 - the same
        status: Words | None = None,
        name: Words | None = None,
    ) -> EditReport:
        """Sets values by dotted path, `{"args.lr": 0.3}`, in all tasks for which the rest holds.

        What stands beside a path stays. Returns a report: how many it `changed`, had the `same`
        already, and were `refused`, by reason.

        Args:
            changes: dotted path -> value; None takes a field away.
            refs: tasks, or references to some.
            filter: as of `tasks`, and so are `status` and `name`.
            status: the same.
            name: the same.

        Raises:
            UsageError: nothing says which tasks, or a field cannot hold its value.
            TaskNotFound: a reference names none.
            ConflictError: a task that is named may not be edited.
        """
        if not isinstance(changes, Mapping):
            raise UsageError(f"changes must be a dict such as {{'args.lr': 0.3}}, not {changes!r}")
        edits = [edit_of(path, value) for path, value in changes.items()]
        named = refs or None
        narrow("update", (named, filter, status, name))
        query = query_of(self.queue, named, filter, status, name)
        report = edit(self.queue.store, query, edits)
        if refs and report.refused:
            raise ConflictError(not_edited(self.queue.store, query, report.refused))
        return report

    def delete(
        self,
        *refs: int | str | Task,
        filter: Which = None,  # noqa: A002 - the same
        status: Words | None = None,
        name: Words | None = None,
        force: bool = False,
    ) -> int:
        """Removes tasks for good; what runs or is published needs `force`.

        Returns how many. Those that wait for one of them are cancelled.

        Raises:
            UsageError: nothing says which tasks.
            TaskNotFound: a reference names none.
        """
        narrow("delete", (refs or None, filter, status, name))
        query = query_of(self.queue, refs or None, filter, status, name)
        return self.queue.delete(query, force=switch("force", force))

    def progress(self, ref: int | str | Task, percent: float) -> None:
        """Notes how much of a running task is done.

        Args:
            ref: the task.
            percent: 0 to 100.

        Raises:
            UsageError: no percentage.
            TaskNotFound: the reference names none.
            ConflictError: the task does not run.
        """
        self.queue.progress(one_reference(self.queue, ref), "", percent)

    def diff(self, *refs: int | str | Task) -> dict[str, dict[int, Any]]:
        """Where tasks differ: dotted path -> number of the task -> its value there.

        Configuration, args, source and results, and the `seconds` that they took; a task without
        a value at a path is left out there.

        Raises:
            TaskNotFound: a reference names none.
        """
        from labq.queue.diff import differences

        return differences([self.queue.get(one) for one in references(self.queue, list(refs))])

    def _move(
        self,
        verb: str,
        do: Callable[[Document], int],
        which: tuple[Any, ...],
        *,
        force: bool = False,
    ) -> int:
        """Does a verb to the tasks.

        Raises:
            UsageError, TaskNotFound, ConflictError: as `enqueue`.
        """
        refs, *rest = which
        narrow(verb, (refs or None, *rest))
        query = query_of(self.queue, refs or None, *rest)
        states = standing(self.queue.store, query, verb, force=force)
        count = do(query)
        wrong = {state: n for state, n in states.items() if not done_already(verb, state)}
        if refs and wrong:
            told = untaken(self.queue.store, query, verb, wrong, force=force)
            raise ConflictError(told.replace("--force", "force=True"))
        return count
