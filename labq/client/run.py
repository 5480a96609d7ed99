"""A task's run: submit it, start it anew, wait for its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from os import PathLike
from typing import TYPE_CHECKING, Any

from labq.client import files
from labq.client.local_changes import edit_of
from labq.client.local_copy import Mirror
from labq.client.new_tasks import one_reference
from labq.client.verbs import Verbs
from labq.client.waiting import POLL, Live, between, teller, until_ended
from labq.errors import ConflictError
from labq.model.task import Document, Status
from labq.queue import Edit
from labq.values.coerce import limit

if TYPE_CHECKING:
    from typing_extensions import Self

Folder = str | PathLike[str]
Span = float | str | timedelta  # seconds, or such as "10m"
Progress = Callable[[int, int, str], object]  # bytes read, bytes in all, the file's name


class Runs(Verbs):
    """A task that can be run and waited for."""

    __slots__ = ()

    def submit(self) -> Self:
        """Sets it going, once: stores it, or enqueues the draft; else it does nothing.

        Raises:
            ConflictError, UsageError, TaskNotFound: as `save`.
        """
        if self._there is False:
            return self._insert(Status.PENDING)
        self.refresh()
        if self._whole and self._queue.count({**self._stored(), "status": Status.DRAFT.value}):
            self.save()
            return self._moved("enqueue", self._queue.enqueue(self._stored()))
        if not self._whole and self._status == Status.DRAFT.value:
            self.save()
            self._moved("enqueue", self._queue.enqueue(self._stored(), self._array))
            self._became(self._copy.document)
        return self

    def start(
        self, comment: str | None = None, *, parent: int | str | Mirror | None = None
    ) -> Self:
        """Runs this configuration as a new task of the same name, which this object then is.

        What was changed here goes into the new task alone. One that is not stored yet becomes the
        new task itself.

        Args:
            comment: a note of this run: the next one has that of the configuration again.
            parent: a task, or a reference to one, whose summary becomes variables of its job; the
                parent of one that is stored is that configuration, unless it is given.

        Raises:
            UsageError: the comment is no text, the parent no task; else as `save`.
            ConflictError, TaskNotFound: as `save`, and of `parent`.
        """
        usual = self.comment
        if self._noted is not None and usual == self._noted[0]:
            usual = self._noted[1]
        said = edit_of("comment", usual if comment is None else comment)
        made_from = None if parent is None else one_reference(self._queue, parent)
        if self._there is False:
            self.comment = said.value
            if made_from is not None:
                self._copy.document["parent"] = made_from
            self.submit()
        else:
            self._clone_of(said, made_from)
        self._noted = None if comment is None else (comment, usual)
        return self

    def _clone_of(self, said: Edit, parent: str | None) -> None:
        """Becomes a clone of itself that runs, with that comment."""
        self._stored()
        own = ("summary", "name", "comment")
        edits = [said, *(edit for edit in self._copy.edits() if edit.field not in own)]
        array = self._own_array
        task = self._queue.clone(
            self._id, edits, self.name, enqueue=True, array=array, parent=parent
        )
        self._array = array
        self._became(task)

    def run(
        self,
        timeout: Span | None = None,
        poll: float = POLL,
        output_dir: Folder | None = None,
        job_timeout: Span | None = None,
        live_progress: bool = False,
        results_progress: bool | Progress | None = None,
        *,
        overwrite: bool = False,
    ) -> Self:
        """Sees to it that it runs, waits for its end, fetches its results; returns itself.

        A task on its way is waited for; a draft and one that has ended are started anew, as by
        `start()`. A failure does not raise: look at `succeeded`, `status`, `errors`.

        Args:
            timeout: as all spans seconds, a timedelta, or such as "10m"; then TimeoutError, and
                the task goes on.
            poll: seconds between two looks.
            output_dir: where its results go, those of an array below their indexes; nothing is
                fetched without it.
            job_timeout: a span, too; then it is cancelled, if it has not ended.
            live_progress: whether stderr tells how it stands.
            results_progress: True, or a function of bytes read, bytes in all and the file's name.
            overwrite: whether files in `output_dir` may be written over.

        Raises:
            UsageError: a word that is none; nothing is started then.
            TimeoutError: it has not ended within `timeout`.
            ConflictError: a file is in the way, or somebody made it a draft again.
            TaskNotFound: it was deleted.
        """
        longest, span = limit("timeout", timeout), limit("job_timeout", job_timeout)
        files.check(output_dir, results_progress)
        between(poll)
        if self._there is False or self._is_draft or self.completed:
            self.start()
        self._await(
            longest,
            poll,
            span,
            Live(len(self._ids)) if live_progress else None,
        )
        return self._fetched(output_dir, results_progress, overwrite=overwrite)

    def resume(
        self,
        output_dir: Folder | None = None,
        job_timeout: Span | None = None,
        live_progress: bool = False,
        results_progress: bool | Progress | None = None,
        *,
        timeout: Span | None = None,
        overwrite: bool = False,
    ) -> Self:
        """Waits for a task that was submitted and fetches its results, as `run`; starts nothing.

        Of one that is not submitted it returns at once.

        Raises:
            UsageError, TimeoutError, ConflictError, TaskNotFound: as `run`.
        """
        longest, span = limit("timeout", timeout), limit("job_timeout", job_timeout)
        files.check(output_dir, results_progress)
        if self._there is False or self._is_draft:
            return self
        self._await(
            longest,
            POLL,
            span,
            Live(len(self._ids)) if live_progress else None,
        )
        return self._fetched(output_dir, results_progress, overwrite=overwrite)

    def wait(
        self,
        timeout: Span | None = None,
        progress: bool | Callable[[Self], object] | None = None,
        live_progress: bool = False,
        *,
        poll: float = POLL,
    ) -> bool:
        """Waits for its end, `timeout` seconds at most; whether it has ended.

        It has not, at once, where it is not submitted. Ctrl-C ends the waiting and not the task.

        Args:
            timeout: seconds, a timedelta, or such as "10m"; None is for ever.
            progress: called with the task whenever its status or its percent is another; True is
                the same as `live_progress`.
            live_progress: whether stderr tells how it stands.
            poll: seconds between two looks.

        Raises:
            UsageError: a word that is none.
            TaskNotFound: it was deleted.
        """
        longest, told = limit("timeout", timeout), teller("progress", progress)
        if self._there is False:
            return False
        self._stored()
        live = Live(len(self._ids)) if live_progress or progress is True else None
        seen: list[Any] = [None]

        def tell(found: list[Document]) -> None:
            if live is not None:
                live(found)
            if told is not None and found != seen[0]:
                seen[0] = found
                told(self.refresh())

        ended = until_ended(self._queue, self._ids, longest, poll, tell)
        self.refresh()
        return ended

    def _await(
        self, timeout: float | None, poll: float, job_timeout: float | None, live: Live | None
    ) -> None:
        """Waits until it has ended.

        Raises:
            TimeoutError: it has not within `timeout`.
        """
        start = time.monotonic()
        limits = [limit for limit in (timeout, job_timeout) if limit is not None]
        ended = until_ended(self._queue, self._ids, min(limits, default=None), poll, live)
        if not ended and job_timeout is not None and (timeout is None or job_timeout < timeout):
            self._queue.cancel(self._stored(), f"not ended after {job_timeout:g} s (job_timeout)")
            rest = None if timeout is None else start + timeout - time.monotonic()
            ended = until_ended(self._queue, self._ids, rest and max(0, rest), poll, live)
        self.refresh()
        if ended:
            return
        if self.status == Status.DRAFT.value:
            raise ConflictError(f"{self._called} is a draft again: submit() sets it going")
        raise TimeoutError(
            f"{self._called} has not ended after {timeout:g} s: it goes on "
            f"(labq wait {self.number} waits again)"
        )

    def _fetched(
        self, folder: Folder | None, progress: bool | Progress | None, *, overwrite: bool
    ) -> Self:
        if folder is not None:
            files.fetch(self._folders, folder, progress, overwrite=overwrite)
        return self
