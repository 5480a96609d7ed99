"""What moves a task that is stored: cancel, requeue, publish, clone, delete and the like."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from labq.client.instances import Instances
from labq.client.local_changes import edit_of
from labq.errors import ConflictError, TaskNotFound, UsageError
from labq.queue.folders import Folders
from labq.queue.refusals import PUBLISHED, done_already, refusal, refusals, state_of
from labq.values import coerce
from labq.values.plain import plain

if TYPE_CHECKING:
    from typing_extensions import Self


class Verbs(Instances):
    """A task that can be moved."""

    __slots__ = ()

    def cancel(
        self, reason: str = "cancelled", grace: float | str | timedelta | None = None
    ) -> Self:
        """Ends it: at once where it does not run, else by its worker; warns where it has ended.

        Args:
            reason: for those who ask later.
            grace: a span, from SIGTERM to SIGKILL; 0 is none, None is the worker's own.

        Raises:
            UsageError: the reason is no text, the grace no span.
            TaskNotFound: it was deleted.
        """
        return self._cancelled(reason, grace)

    def abort(self) -> Self:
        """The same as `cancel`.

        Raises:
            TaskNotFound: it was deleted.
        """
        return self._cancelled("cancelled", None)

    def _cancelled(self, reason: str, grace: float | str | timedelta | None) -> Self:
        why = coerce.text("reason", reason)
        seconds = None if grace is None else coerce.span("grace", grace)
        if self._there is False:
            warnings.warn("the task is not submitted: there is nothing to cancel", stacklevel=3)
            return self
        done = self._queue.cancel(self._stored(), why, seconds)
        if not (done.ended or done.asked) and self.refresh().completed:
            told = f"{self._called} is {self._status} already: there is nothing to cancel"
            warnings.warn(told, stacklevel=3)
        return self._seen()

    def enqueue(self) -> Self:
        """Makes a draft pending, as it is stored; what was not saved here stays here.

        Raises:
            ConflictError: it runs, or has ended.
            TaskNotFound: it was deleted.
        """
        return self._moved("enqueue", self._queue.enqueue(self._stored()))

    def dequeue(self) -> Self:
        """Makes it a draft, if no worker has taken it yet.

        Raises:
            ConflictError: it runs, or has ended.
            TaskNotFound: it was deleted.
        """
        return self._moved("dequeue", self._queue.dequeue(self._stored()))

    def requeue(self) -> Self:
        """Makes it pending again once it has ended, its attempts kept.

        Raises:
            ConflictError: it has not ended, or is published.
            TaskNotFound: it was deleted.
        """
        return self._moved("requeue", self._queue.requeue(self._stored()))

    def reset(self) -> Self:
        """Makes it a draft again once it has ended, without anything that came of it.

        Its folder on this machine goes too.

        Raises:
            ConflictError: it has not ended, or is published.
            TaskNotFound: it was deleted.
        """
        return self._moved("reset", self._queue.reset(self._stored(), self.client.settings.home))

    def publish(self, force: bool = False) -> Self:
        """Seals it: nothing of it changes any more. A failure needs `force`.

        Raises:
            UsageError: `force` is neither True nor False.
            ConflictError: it has not ended, or has failed.
            TaskNotFound: it was deleted.
        """
        forced = coerce.switch("force", force)
        return self._moved("publish", self._queue.publish(self._stored(), force=forced))

    def delete(
        self, purge_resources: bool = False, purge_results: bool = True, *, force: bool = False
    ) -> None:
        """Removes it for good. What runs or is published needs `force`.

        Args:
            purge_resources: does nothing so far: labq keeps no input files that are the task's own.
            purge_results: whether its folder on this machine goes too: output, results.
            force: whether it may run or be published.

        Raises:
            UsageError: a word is neither True nor False.
            ConflictError: it runs, or is published.
            TaskNotFound: it was deleted.
        """
        for word, given in (("resources", purge_resources), ("results", purge_results)):
            coerce.switch(f"purge_{word}", given)
        forced = coerce.switch("force", force)
        queue = self._queue if purge_results else replace(self._queue, home=None)
        if not purge_results:
            Folders(self.client.settings.home, queue.store).leave(self._ids)
        count = queue.delete(self._stored(), force=forced)
        if not count:
            self._moved("delete", 0)
        self._there = None

    def clone(self, name: str | None = None, enqueue: bool = False, **fields: Any) -> Self:
        """A new task, or array, with this one's configuration: a draft, unless it is enqueued.

        Args:
            name: the new task's; it has none without.
            enqueue: whether it is to run at once.
            fields: fields that are to be others in it, such as `args={"lr": 0.1}`, or, dotted, one
                value of them: `**{"args.lr": 0.1}`.

        Raises:
            UsageError: no such field, or it cannot hold its value.
            TaskNotFound: it was deleted.
        """
        called = None if name is None else coerce.text("name", name)
        begins = coerce.switch("enqueue", enqueue)
        edits = [*self._copy.edits(), *(edit_of(path, value) for path, value in fields.items())]
        self._stored()
        array = self._own_array if self._whole else None
        made = self._queue.clone(self._id, edits, called, begins, array=array)
        copy = type(self)(self.client, made, there=True)
        copy._array, copy._whole = array, array is not None  # noqa: SLF001 - its own class's
        return copy

    def tag(self, *add: str, remove: str | Sequence[str] = ()) -> Self:
        """Adds tags to it, and takes others away.

        Args:
            add: tags, each a text.
            remove: one tag, or several.

        Raises:
            UsageError: no tag can be so.
            ConflictError: it is published.
            TaskNotFound: it was deleted.
        """
        gone = coerce.texts("remove", remove)
        if not self._queue.tag(self._stored(), coerce.texts("a tag", add), gone):
            now = self._current()
            if state_of(now) == PUBLISHED:
                raise ConflictError(refusal("tag", now))
        self._flush()
        return self

    def update_task_info(self, info: Mapping[str, Any]) -> Self:
        """Merges values into its `summary`, for everybody to see; while it runs, too.

        Args:
            info: a nested dict of JSON values; NumPy's become such.

        Raises:
            UsageError: it cannot be stored.
            ConflictError: the task is published; the other instances of an array have it.
        """
        self._stored()
        if not isinstance(info, Mapping):
            raise UsageError(f"info must be a dict such as {{'acc': 0.9}}, not {info!r}")
        mine, values = self._stored(), plain(info, "info", nan=True)
        done = self._queue.inform(mine, values)
        self._flush()
        sealed = self._queue.count({**mine, "published_at": {"$exists": True}})
        if sealed and not self._whole:
            raise ConflictError(refusal("report", self._current()))
        if sealed:
            raise ConflictError(refusals("report", {PUBLISHED: sealed}))
        if not done:
            self._current()  # which it says if there is none
        return self

    def _moved(self, verb: str, count: object) -> Self:
        """Reads the task again, where a verb moved it.

        Raises:
            ConflictError: it did not.
        """
        self._flush()
        if not count:
            now = self._current()
            if not done_already(verb, state_of(now)):
                raise ConflictError(refusal(verb, now).replace("--force", "force=True"))
        return self._seen()

    def _seen(self) -> Self:
        """Itself as it is now; as it was read last, where somebody has deleted it meanwhile."""
        self._flush()
        with suppress(TaskNotFound):
            self.refresh()
        return self
