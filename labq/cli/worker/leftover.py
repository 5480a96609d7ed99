"""The tasks that `labq worker run` does not take: why, on each of them and in a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import TYPE_CHECKING

from labq.cli.output import plural
from labq.cli.worker.report import say

if TYPE_CHECKING:
    from labq.model.task import Document
    from labq.queue import Queue
    from labq.worker import Worker


class PassedOver:
    """Pending tasks that the worker does not take, noted on them and told of.

    `fits` is the query of those that it takes, and `why` says of another what keeps it: the same of
    all, or by what it asks for.
    """

    def __init__(
        self, here: Queue, fits: Callable[[], Document], selected: Document, why: Callable[..., str]
    ) -> None:
        self._here, self._fits, self._selected, self._why = here, fits, selected, why
        self._told: dict[str, int] = {}

    def look(self, *, quiet: bool = False) -> None:
        """Notes why on those that there are now, and tells how many where that has changed."""
        fits = self._fits()
        now = self._here.pass_over(fits, self._selected, self._why) if fits else {}
        if not quiet:
            for why, count in now.items():
                if count != self._told.get(why):
                    say(f"{plural(count)} passed over: {why}")
        self._told = now


def passed_over(
    here: Queue, worker: Worker, selected: Document, refused: Sequence[tuple[Document, str]]
) -> list[PassedOver]:
    """Those that the worker's command does not fit, that ask for too much, that take too long.

    Args:
        here: the queue.
        worker: who passes them over.
        selected: the query of the tasks that it is about.
        refused: queries of those that its command takes, empty where it takes all, each with why
            it does not take another.
    """
    capacity = worker.capacity
    taken, by_command = selected, list[PassedOver]()
    for fits, why in refused:
        by_command.append(PassedOver(here, partial(dict, fits), taken, partial(_told, why)))
        taken = {"$and": [taken, fits]} if fits else taken

    def lacking(task: Document) -> str:
        return f"{capacity.asked(task)} wanted, the worker has {capacity}"

    def lasting(task: Document) -> str:
        return f"a timeout of {task['timeout']:g} s is more than is left of --time-limit"

    def short_enough() -> Document:
        left = worker.left
        return {"timeout": {"$not": {"$gt": max(0, int(left))}}} if left < inf else {}

    return [
        *by_command,
        PassedOver(here, capacity.whole_query, taken, lacking),
        PassedOver(here, short_enough, taken, lasting),
    ]


def _told(why: str, _task: Document) -> str:
    return why


def tell_of_waiting(here: Queue, selected: Document) -> None:
    """Says how many tasks a worker leaves that wait for a time or for other tasks."""
    count = here.count({"$and": [selected, {"status": "waiting"}], "queue": here.name})
    if count:
        say(f"{plural(count)} left waiting for a time or for others (labq task ls -s waiting)")
