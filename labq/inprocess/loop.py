"""`labq.loop`: the tasks of a queue as a Python loop, or as calls of a function."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import update_wrapper
from math import inf
from typing import Any

from labq import config
from labq.command.fitting import fitting
from labq.command.template import Placeholder, Template
from labq.command.words import key_path
from labq.config import Settings
from labq.errors import UsageError
from labq.inprocess.run import Run, make_way
from labq.inprocess.task_handle import LOG, LoopTask
from labq.model.task import Document
from labq.queue import Queue, Selection
from labq.queue.presence import absence, require_store
from labq.resources import parse_label
from labq.store import find_store
from labq.values import coerce
from labq.values.coerce import Span
from labq.values.durations import seconds
from labq.worker.options import CONSECUTIVE, Options, Tally


def loop(
    filter: str | Sequence[str] | None = None,  # noqa: A002 - what `-f` is called
    required: Sequence[str] | None = None,
    *,
    queue: str | None = None,
    uri: str | None = None,
    forever: bool = False,
    max_tasks: int | None = None,
    max_failures: int | None = None,
    max_consecutive_failures: int | None = CONSECUTIVE,
    idle_timeout: Span | None = None,
    time_limit: Span | None = None,
    labels: Sequence[str] | None = None,
    lease: Span | None = None,
    heartbeat: Span | None = None,
) -> Loop:
    """The pending tasks that match, one after another, each claimed as a worker claims it.

        for task in labq.loop(required=["lr"]):
            train(**task.args)

    A task is a success once the next is asked for; `labq guide loop` says what else may become of
    it. Used as a decorator of a function of a task, it makes the function run the whole loop.

    Args:
        filter: as `labq worker run -f`; all of several must hold.
        required: args that a task must have, dotted where nested; it may have more.
        queue: the queue, before the environment's and the files' word.
        uri: its store, likewise.
        forever: whether it waits for more when the queue is drained.
        max_tasks: how many tasks it takes.
        max_failures: after how many failed attempts it takes no more.
        max_consecutive_failures: after how many tasks in a row that failed; None is no limit. A
            broken machine must not empty a queue.
        idle_timeout: for how long it waits for more; seconds, a timedelta, or such as "10m".
        time_limit: how long it may take in all.
        labels: what a task may require, such as ["gpu=a100", "nvlink"].
        lease: how long a task stays this process's when nobody hears of it.
        heartbeat: how often it is heard of.

    Raises:
        UsageError: an argument is no such thing.
    """
    limits = {
        "forever": coerce.switch("labq.loop: forever", forever),
        "max_tasks": _count("max_tasks", max_tasks),
        "max_failures": _count("max_failures", max_failures),
        "max_consecutive_failures": _count("max_consecutive_failures", max_consecutive_failures),
        "idle_timeout": _seconds("idle_timeout", idle_timeout),
        "time_limit": _seconds("time_limit", time_limit),
        "labels": dict(map(parse_label, _texts("labels", labels))),
    }
    lengths = {"lease": _text("lease", lease), "heartbeat": _text("heartbeat", heartbeat)}
    given = {"uri": uri, "queue": queue, **lengths}
    return Loop(_texts("filter", filter), _texts("required", required), given, limits)


@dataclass(frozen=True)
class Loop:
    """What a loop goes by. Each time that it is iterated over is a worker's life of its own."""

    filters: Sequence[str]
    required: Sequence[str]
    given: Mapping[str, str | None]
    limits: Mapping[str, Any]

    def __iter__(self) -> Iterator[LoopTask]:
        run = self._open("for")
        if run is None:
            return
        try:
            run.open()
            while task := run.next():
                yield task
        except GeneratorExit:
            run.leave(sys._getframe().f_back)  # noqa: SLF001 - the frame whose loop it was
            raise
        except BaseException as fault:
            run.conclude(fault)
            run.close()
            raise
        run.close()

    def __call__(self, body: Callable[..., object]) -> Callable[..., Tally]:
        """A function that calls `body` with one task after another, until there are none.

        What it is called with comes after the task.

        Raises:
            UsageError: `body` is no plain function.
        """
        wrong = inspect.iscoroutinefunction(body) or inspect.isgeneratorfunction(body)
        if wrong or not callable(body):
            raise UsageError(f"labq.loop: {body!r} is not a plain function of a task")
        name = getattr(body, "__name__", type(body).__name__)

        def run(*args: Any, **kwargs: Any) -> Tally:
            loop = self._open(name)
            return Tally() if loop is None else loop.work(lambda task: body(task, *args, **kwargs))

        return update_wrapper(run, body)

    def _open(self, name: str) -> Run | None:
        """A run of this loop that may begin; None where there is nothing that tasks could be in."""
        make_way()
        settings = config.load(self.given)
        _refuse_recursion(settings)
        fits = _having(self.required)
        queue = Queue(find_store(settings.uri), settings.queue, home=settings.home)
        for note in queue.store.notes:
            LOG.warning(note)
        try:
            if settings.origins.get("uri") == "--uri" and not self._waits:
                require_store(queue.store)
            selected = queue.query(Selection(filters=tuple(self.filters)))
            if not self._waits and (why := absence(queue.store, queue.name)):
                LOG.warning("labq.loop: %s", why)
                if not queue.store.exists():
                    queue.store.close()
                    return None
            query = {"$and": [selected, fits], "queue": queue.name} if fits else selected
            return Run(queue, query, self._options(settings), name)
        except BaseException:
            queue.store.close()
            raise

    @property
    def _waits(self) -> bool:
        """Whether it goes on where there are no tasks."""
        return bool(self.limits["forever"]) or self.limits["idle_timeout"] is not None

    def _options(self, settings: Settings) -> Options:
        return Options(
            home=settings.home,
            uri=settings.uri,
            lease=settings.lease,
            heartbeat=settings.heartbeat,
            patience=inf if self._waits else settings.lease,
            **self.limits,
        )


def _having(required: Sequence[str]) -> Document:
    """The query for the tasks that have these args, and any others."""
    for key in required:
        key_path(key, "required")
    wanted = tuple(Placeholder(key) for key in required)
    return fitting(Template((wanted,)), allow_extra=True)


def _refuse_recursion(settings: Settings) -> None:
    """Raises UsageError where this process is a task of the very queue."""
    here = os.environ.get("LABQ_URI"), os.environ.get("LABQ_QUEUE")
    if os.environ.get("LABQ_TASK_ID") and here == (settings.uri, settings.queue):
        number = os.environ.get("LABQ_TASK_NUMBER", "?")
        raise UsageError(
            f"labq.loop: this process is task {number} of queue {settings.queue!r} itself: "
            "start it without labq worker run, or name another queue"
        )


def _texts(what: str, given: Any) -> tuple[str, ...]:
    texts = () if given is None else (given,) if isinstance(given, str) else given
    whole = isinstance(texts, Sequence) and all(isinstance(text, str) for text in texts)
    if not whole or not all(text.strip() for text in texts):
        told = " (write @labq.loop() with its parentheses)" if callable(given) else ""
        raise UsageError(f"labq.loop: {what} must be a text or a list of texts{told}")
    return tuple(texts)


def _count(what: str, given: int | None) -> int | None:
    return None if given is None else coerce.count(f"labq.loop: {what}", given)


def _text(what: str, duration: Span | None) -> str | None:
    """A duration as settings have it: a text, of seconds where it was none."""
    if duration is None or isinstance(duration, str):
        return duration
    return f"{coerce.span(f'labq.loop: {what}', duration):f}"


def _seconds(what: str, duration: Span | None) -> float | None:
    text = _text(what, duration)
    return None if text is None else seconds(text)
