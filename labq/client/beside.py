"""What is to be seen of a client's store beside its tasks: queues, workers, events, folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labq.client.local_copy import Mirror
from labq.client.new_tasks import references
from labq.client.selection import Filter, query_of
from labq.client.values import own
from labq.config import Settings
from labq.model.task import Document, Status
from labq.queue import Queue, workers
from labq.values.coerce import text


class Beside:
    """A client, as far as it is not about tasks."""

    settings: Settings
    queue: Queue

    def queues(self) -> dict[str, dict[str, int]]:
        """How many tasks of each status each queue has: queue -> status -> count, 0 among them.

        Raises:
            StoreError: the store is away; likewise of all that asks it.
        """
        counts = self.queue.store.counts()
        names = [record["_id"] for record in self.queue.store.queues.find()]
        return {name: {s.value: counts.get((name, s.value), 0) for s in Status} for name in names}

    def workers(self) -> list[dict[str, Any]]:
        """The records of the workers of this queue that live, the longest at work first.

        Each has `_id`, host, pid, slots, what it runs, ..., as `labq worker show --json` prints it.

        Raises:
            StoreError: the store is away.
        """
        return [own(record) for record in workers.listed(self.queue.store, self.queue.name)]

    def events(
        self,
        since: str | None = None,
        *,
        filter: Filter | None = None,  # noqa: A002 - the same
        follow: bool = False,
    ) -> Iterator[Document]:
        """Each change of a task's status, the oldest first; with `follow` for ever.

        An event has token, task (the id), number, queue, from (none of a new task), to, at (UTC),
        attempt, worker, reason (labq guide events).

        Args:
            since: the token of an event: what came behind it, and none of that twice.
            filter: only those of tasks that match it as they are now.
            follow: whether to go on with what happens; without `since` with that alone.

        Raises:
            UsageError: a wrong filter, no token of this store.
        """
        query = None if filter is None else query_of(self.queue, None, filter, None, None, None)
        token = None if since is None else text("since", since)
        return map(own, self.queue.events(token, query, follow=follow))

    def folder(self, task: int | str | Mirror) -> Path:
        """The folder of a task on this machine: what its jobs said, and left there.

        Args:
            task: the task, or a reference to it.

        Raises:
            UsageError: it is none.
            TaskNotFound, ConflictError: a reference to no task, or to several.
        """
        known = task._id if isinstance(task, Mirror) else references(self.queue, [task])[0]  # noqa: SLF001 - a field
        return self.settings.home / "tasks" / known
