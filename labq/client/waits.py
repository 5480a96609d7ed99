"""Waiting for several tasks at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from labq.client.local_copy import Mirror
from labq.client.new_tasks import references
from labq.client.waiting import POLL, Live, until_ended
from labq.errors import UsageError
from labq.queue import Queue
from labq.values import coerce
from labq.values.coerce import Span


class Waits:
    """A client, as far as it waits."""

    queue: Queue

    def wait(
        self,
        tasks: Iterable[int | str | Mirror] | int | str | Mirror,
        timeout: Span | None = None,
        *,
        poll: float = POLL,
        live_progress: bool = False,
    ) -> bool:
        """Waits until all of these have ended, for `timeout` at most; whether they have.

        One that is not submitted does not end; one that is gone has. Ctrl-C ends the waiting and
        not the tasks.

        Args:
            tasks: one or several: Tasks, or references to some.
            timeout: as all spans seconds, a timedelta, or such as "10m"; None is for ever.
            poll: seconds between two looks.
            live_progress: whether stderr tells how it stands.

        Raises:
            UsageError: something is no task, or one of another store; a time that is none.
            TaskNotFound, ConflictError: a reference to no task, or to several.
            StoreError: the store is away for more than a minute.
        """
        ids, seen, unstored = _awaited(self.queue, tasks)
        live = Live(len(ids)) if live_progress else None
        ended = until_ended(self.queue, ids, timeout, poll, live)
        for task in seen:
            task._flush()  # noqa: SLF001 - its own class's
        return ended and not unstored


def _awaited(queue: Queue, given: Any) -> tuple[list[str], list[Mirror], int]:
    """The ids of what is to be waited for, the tasks among it, and how many are not stored yet.

    Raises:
        UsageError: something is no task, or one of another store.
        TaskNotFound, ConflictError: a reference to no task, or to several.
    """
    one = isinstance(given, (Mirror, int, str))
    refs = [given] if one else coerce.several("tasks", given)
    tasks = [task for task in refs if isinstance(task, Mirror)]
    stored = [task for task in tasks if task.number is not None]
    _here(queue, stored)
    known = [one for task in stored for one in task._ids]  # noqa: SLF001 - its own room's
    named = references(queue, [ref for ref in refs if not isinstance(ref, Mirror)])
    return list(dict.fromkeys([*known, *named])), tasks, len(tasks) - len(stored)


def _here(queue: Queue, tasks: Sequence[Mirror]) -> None:
    """Refuses tasks that this store has not, and another may.

    Raises:
        UsageError: naming the first.
    """
    here = queue.store.address
    away = {task._id: task for task in tasks if task.client.queue.store.address != here}  # noqa: SLF001 - the same
    there = queue.store.find({"_id": {"$in": list(away)}}, fields=("number",)) if away else ()
    for known in [task["_id"] for task in there]:
        del away[known]
    for task in away.values():
        raise UsageError(
            f"task {task.number} is of another store ({task.client.queue.store.address}), "
            f"and this client sees {here}: wait with the client that it is of"
        )
