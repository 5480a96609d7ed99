"""What the stores refuse, in the words that both say it in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from labq.errors import ConflictError, NewerStoreError, QuotaExceeded, UsageError
from labq.model.task import Document
from labq.values.text import shortened


def require_here(queue: str, found: Iterable[str]) -> None:
    """Refuses a repeated task that is in another queue: nobody would find it in this one.

    Raises:
        ConflictError: one of the queues in which they are is another.
    """
    for there in found:
        if there != queue:
            raise ConflictError(
                f"a task of this key or id is in queue {there}: submit it there, or by another key"
            )


def no_token(text: str) -> UsageError:
    """What `Store.events` raises of a text that no event had as its token."""
    return UsageError(f"{shortened(text)} is not the token of an event of this store")


def quota_exceeded(queue: str, most: int, held: int, new: int) -> QuotaExceeded:
    """What an insert of `new` tasks raises where a queue that keeps `most` has `held` already."""
    more = "1 more does not fit" if new == 1 else f"{new:,} more do not fit"
    return QuotaExceeded(
        f"queue {queue} keeps at most {most:,} tasks and has {held:,}: {more} (labq task delete "
        f"makes room, labq queue update {queue} --max-tasks N moves the limit)",
        held + new - most,
    )


def shorts_of(tasks: Sequence[Document]) -> dict[str, str]:
    """The short names that new tasks want, each with the id of its task.

    Raises:
        ConflictError: two of them want the same.
    """
    wanted: dict[str, str] = {}
    for task in tasks:
        if "short" in task and wanted.setdefault(task["short"], task["_id"]) != task["_id"]:
            raise ConflictError(f"two of these tasks have the short name {task['short']}")
    return wanted


def short_taken(queue: str, short: str, number: int | None) -> ConflictError:
    """What is raised where a task is to have the short name of another, None if that is gone."""
    other = "another task" if number is None else f"task {number}"
    return ConflictError(f"{other} of queue {queue} has the short name {short} already")


def renaming(queue: str, new: str) -> str:
    """Why nothing is inserted into a queue that is being renamed."""
    return f"queue {queue} is being renamed to {new}: submit there, once it is"


def require_known(place: str, version: int, known: int) -> None:
    """Refuses a store whose schema is of a later version than the one `known`.

    Raises:
        NewerStoreError: it is.
    """
    if version > known:
        told = f"made by a newer labq (its schema is {version}, this labq knows {known})"
        raise NewerStoreError(f"{place}: {told}: upgrade labq")
