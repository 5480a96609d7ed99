"""The fields of the task document as attributes of a `Task`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")
Json = dict[str, Any]


class Field(Generic[T]):
    """One field: what it is, and what stands where a task does not have it."""

    def __init__(self, told: str, missing: T) -> None:
        self.__doc__ = told
        self._missing = missing
        self.name = ""

    def __set_name__(self, _owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, task: None, owner: type) -> Field[T]: ...
    @overload
    def __get__(self, task: Fields, owner: type) -> T: ...
    def __get__(self, task: Fields | None, owner: type) -> Field[T] | T:
        if task is None:
            return self
        found: T = task._look(self.name, self._missing)  # noqa: SLF001 - its own class's
        return found

    def __set__(self, task: Fields, value: T | None) -> None:
        task._change(self.name, value)  # noqa: SLF001 - the same


class Fields(ABC):
    """The attributes that hold fields. Times are aware datetimes, UTC; lengths are seconds.

    A dict or list that can be edited is the task's own working copy: what is changed in it counts
    as set. All others are copies.
    """

    __slots__ = ()

    _id = Field("32 hex digits, made by the client.", "")
    queue = Field("The queue's name.", "")
    number: Field[int | None] = Field("Counts from 1 in each queue.", None)
    name: Field[str | None] = Field("A name, to find it by; settable until it is submitted.", None)
    short = Field("A name of its own in its queue, settable likewise; its id, where not given.", "")
    type = Field("What kind of work it is.", "")
    project: Field[str | None] = Field("A path such as `vision/resnet`.", None)
    tags: Field[list[str]] = Field("Words, to find it by.", [])
    comment: Field[str | None] = Field("A note.", None)
    metadata: Field[Json] = Field("Notes: a nested dict of JSON values.", {})
    args: Field[Json] = Field("The arguments: a nested dict of JSON values.", {})
    args_signature = Field("The sorted dotted keys of the args, as JSON.", "")
    cmd: Field[list[str] | None] = Field("What it runs, where the worker names no command.", None)
    words: Field[Json] = Field("The words typed behind `cmd`, and how they were read.", {})
    raw_args: Field[str | None] = Field("Shell text, appended to the command as it is.", None)
    env: Field[dict[str, str]] = Field("The variables that its job gets.", {})
    cwd: Field[str | None] = Field("The folder that its job starts in.", None)
    resources: Field[Json] = Field("cpus, memory (bytes), gpus, and named resources (dicts).", {})
    require: Field[list[Json]] = Field("What it requires of a worker's labels.", [])
    status = Field("Where it stands: one of the words of `labq.model.task.Status`.", "draft")
    reason: Field[str | None] = Field("Why it stands there.", None)
    outcome: Field[str | None] = Field("The status that it had when it was published.", None)
    priority = Field("Higher runs first.", 0)
    max_retries = Field("How often a failure is tried again.", 0)
    retries = Field("How often it was.", 0)
    crashes = Field("How many workers were lost that ran it.", 0)
    retry_delay: Field[float | None] = Field("Seconds before the first retry.", None)
    timeout: Field[float | None] = Field("Seconds that one attempt may take.", None)
    after: Field[list[str]] = Field("Ids of the tasks that must succeed first.", [])
    after_any: Field[list[str]] = Field("Ids of the tasks that must end first.", [])
    waiting_for: Field[list[str]] = Field("Ids of those that have not.", [])
    dependants = Field("Above 0 where others wait for it.", 0)
    attempt = Field("The number of its latest attempt, from 1; a reset keeps it. 0 before.", 0)
    attempts: Field[list[Json]] = Field("A record of each attempt that ended; the newest 20.", [])
    lease: Field[Json | None] = Field(
        "The worker that runs it, and until when it is its own.", None
    )
    stop_requested: Field[Json | None] = Field("What was asked of the worker that runs it.", None)
    progress: Field[float | None] = Field("Percent, as its job reports it.", None)
    summary: Field[Json] = Field("What its job reports: a nested dict of JSON values.", {})
    errors: Field[list[Json]] = Field("What went wrong: dicts with `message`, `attempt`, ...", [])
    source: Field[Json] = Field("The code that it was submitted from.", {})
    parent: Field[str | None] = Field("The id of the task that it was made from.", None)
    group: Field[str | None] = Field("The id of its array.", None)
    index: Field[int | None] = Field("Its place in the array, from 0.", None)
    count: Field[int | None] = Field("How many instances its array has.", None)
    inputs: Field[Any] = Field("The files that it takes.", None)
    results: Field[Any] = Field("The files that came of it.", None)
    artifacts: Field[list[Json]] = Field("Objects that came of it.", [])
    retention: Field[Json] = Field("For how long it is kept: `ttl` (s), `auto_delete`.", {})
    publish_on_success = Field("Whether it is published once it succeeds.", False)
    rev = Field("Counts its changes.", 0)
    created_at: Field[datetime | None] = Field("When it was stored.", None)
    queued_at: Field[datetime | None] = Field("When it became pending last.", None)
    available_at: Field[datetime | None] = Field("No worker takes it before.", None)
    started_at: Field[datetime | None] = Field("When its latest attempt began.", None)
    ended_at: Field[datetime | None] = Field("When it ended.", None)
    modified_at: Field[datetime | None] = Field("When it changed last.", None)
    published_at: Field[datetime | None] = Field("When it was published.", None)
    malformed: Field[dict[str, str]] = Field(
        "What is wrong with each field that another program wrote wrong.",
        {},
    )

    @abstractmethod
    def _look(self, name: str, missing: Any) -> Any:
        """The value of a field, and `missing` where there is none."""

    @abstractmethod
    def _change(self, name: str, value: Any) -> None:
        """Sets a field, here and not in the store yet."""
