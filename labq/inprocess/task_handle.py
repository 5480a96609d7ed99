"""What a loop's body has of its task."""

from __future__ import annotations

import logging
import os
from copy import deepcopy
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol
from weakref import finalize

from labq.errors import ConflictError
from labq.inprocess.body import Activity
from labq.job import report
from labq.model.task import Document
from labq.private import make_folder
from labq.queue import Ending
from labq.queue.folders import Folders, in_use

LOG = logging.getLogger("labq")
BY_BODY = "given back by its own code"


class Decides(Protocol):
    """Who writes how a task ended."""

    def decide(self, ending: Ending, stopped: str = "") -> None:
        """Writes that the body's task has ended so."""

    def leave_body(self, task: LoopTask, fault: BaseException | None) -> bool:
        """Writes how a body ended, by its exception; whether nobody else need care for that."""


class LoopTask:
    """A task that runs in this process.

    As `with task:` its end is that of the block: an exception there is the task's failure, and the
    loop goes on with the next task.
    """

    def __init__(
        self,
        task: Document,
        folder: Path,
        activity: Activity,
        owner: Decides,
        folders: Folders,
    ) -> None:
        self.id: str = task["_id"]
        self.number: int = task["number"]
        self.name: str | None = task.get("name")
        self.args: dict[str, Any] = deepcopy(task["args"])
        self.attempt: int = task["attempt"]
        self.status = "running"  # then success, failed, retried, cancelled, released or lost
        self._folder, self._activity, self._owner = folder, activity, owner
        self._folders, self._using = folders, -1

    def __repr__(self) -> str:
        name = f" name={self.name}" if self.name is not None else ""
        return f"<Task{name} number={self.number} status={self.status}>"

    @property
    def folder(self) -> Path:
        """The task's own directory, the same for all its attempts; made when first asked for."""
        if self._using < 0:
            self._folders.own(self.id)
            make_folder(self._folder)
            self._using = in_use(self._folder)
            finalize(self, os.close, self._using)
        make_folder(self._folder)
        return self._folder

    @property
    def should_stop(self) -> bool:
        """Whether the body is to end: cancelled, out of time, or no longer this process's.

        In the main thread the body is interrupted besides.
        """
        return self._activity.told

    def report(self, **values: Any) -> None:
        """Merges values into the task's `summary`, as `labq.report` does.

        Raises:
            ArgsError: a value that cannot be stored.
            ConflictError: the task has ended, or its lease is lost.
        """
        self._check()
        report(**values)

    def done(self) -> None:
        """Ends the task here and now as a success; logs a warning where it has ended already."""
        self._end("done", Ending(succeeded=True))

    def fail(self, reason: str = "failed") -> None:
        """Ends the task here and now as a failure, which is tried again if it has retries.

        Logs a warning where it has ended already.
        """
        self._end("fail", Ending(succeeded=False, reason=reason, error={"message": reason}))

    def release(self) -> None:
        """Gives the task back, at no cost to it: it is pending again.

        Logs a warning where it has ended already.
        """
        self._end("release", Ending(succeeded=False), BY_BODY)

    def _end(self, verb: str, ending: Ending, stopped: str = "") -> None:
        if self.status != "running":
            told = "task %s has ended already (%s): %s() changes nothing"
            LOG.warning(told, self.number, self.status, verb)
            return
        self._owner.decide(ending, stopped)

    def _check(self) -> None:
        if self.status != "running":
            raise ConflictError(f"task {self.number} has ended here: {self.status}")

    def __enter__(self) -> LoopTask:  # noqa: PYI034 - Self is of Python 3.11
        self._check()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        fault: BaseException | None,
        _trace: TracebackType | None,
    ) -> bool:
        return self._owner.leave_body(self, fault)
