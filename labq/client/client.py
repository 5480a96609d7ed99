"""`labq.Client`: a queue from Python."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

from labq import config
from labq.client import new_tasks, profiles, selection
from labq.client.alike import like
from labq.client.beside import Beside
from labq.client.bulk import Bulk
from labq.client.local_copy import CACHE_SECONDS
from labq.client.origin import noted
from labq.client.selection import Filter, Words, query_of
from labq.client.task import Task
from labq.client.waits import Waits
from labq.errors import ConfigError, UsageError
from labq.model.task import Document
from labq.queue import Queue, parts
from labq.queue.parts import in_parts
from labq.store import find_store
from labq.values.coerce import patience, several, switch

if TYPE_CHECKING:
    from typing_extensions import Self

Span = float | str | timedelta  # seconds, or such as "10m"
Refs = Any  # a Task, a number, an id, a name; or a list of these
BATCH = 1000  # tasks per write


class Client(Bulk, Waits, Beside):
    """One queue of a store: submit, find, edit, wait for and remove its tasks.

        with labq.Client() as client:
            tasks = [client.submit({"lr": lr}) for lr in (0.1, 0.2)]
            client.wait(tasks)

    What it may raise is a `labq.LabqError`. It may be used from several threads.

    Args:
        uri: the store, before the word of LABQ_URI and `labq.yaml`.
        queue: the queue's name, likewise.
        auto_update: whether attributes of its tasks are read again in time.
        update_cache_time: after how many seconds.

    Raises:
        ConfigError: a setting is wrong.
        StoreError: the store cannot be opened.
        AuthError: it refuses this user.
    """

    def __init__(
        self,
        uri: str | None = None,
        queue: str | None = None,
        *,
        auto_update: bool = True,
        update_cache_time: float = CACHE_SECONDS,
    ) -> None:
        seconds = patience("update_cache_time", update_cache_time)
        self.auto_update, self.update_cache_time = switch("auto_update", auto_update), seconds
        self.settings = settings = config.load({"uri": uri, "queue": queue})
        self.queue = Queue(find_store(settings.uri), settings.queue, home=settings.home)
        for note in self.queue.store.notes:
            logging.getLogger("labq").warning(note)

    def __repr__(self) -> str:
        return f"<labq.Client {self.queue.store.address} queue={self.queue.name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the store; neither the client nor its tasks are used afterwards."""
        self.queue.store.close()

    # new tasks

    def task(
        self,
        args: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        short: str | None = None,
        type: str | None = None,  # noqa: A002 - the field's name
        project: str | None = None,
        tags: Sequence[str] | None = None,
        comment: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        priority: int | None = None,
        cmd: str | Sequence[str] | None = None,
        argv: Sequence[str] | None = None,
        raw_args: str | None = None,
        cwd: str | PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        resources: Mapping[str, Any] | str | None = None,
        require: str | Sequence[str] | None = None,
        profile: str | None = None,
        after: Refs | None = None,
        after_any: Refs | None = None,
        at: datetime | str | None = None,
        delay: Span | None = None,
        max_retries: int | None = None,
        retry_delay: Span | None = None,
        timeout: Span | None = None,
        ttl: Span | None = None,
        auto_delete: bool | None = None,
        publish_on_success: bool | None = None,
        array: int | str | None = None,
        group: str | None = None,
        parent: int | str | Task | None = None,
        key: str | None = None,
    ) -> Task:
        """A task that is not stored yet, to be changed and submitted.

        Args:
            args: its arguments: a nested dict of JSON values; NumPy's become such.
            name: to find it by.
            short: a name of its own, which no other task of the queue has: a DNS label.
            type: training (unless said), testing, inference, ...
            project: a path such as "vision/resnet".
            tags: words, to find it by.
            comment: a note.
            metadata: notes: a nested dict of JSON values.
            priority: higher runs first; 0 unless said.
            cmd: what it runs, a template: `%(lr)` in it is that arg.
            argv: what it runs, word for word as for `labq task submit`; what it binds are args.
            raw_args: shell text that is appended to the command as it is: a shell runs both.
            cwd: where.
            env: variables of its job.
            resources: {"cpus": 2, "memory": "4Gi", "gpus": 1}, and named ones (dicts).
            require: labels that its worker must have, such as "vram>=40Gi".
            profile: the name of an entry of `profiles:` in `labq.yaml`: its words where none are
                given here; tags and requirements of both, dicts joined.
            after: what must succeed first: a Task, a number, an id, a name, or a list of these.
            after_any: what must end first, however it does.
            at: when it may begin, such as "tomorrow 9:00"; a datetime without zone is local.
            delay: how long it is to wait; as all spans seconds, a timedelta, or such as "1h30m".
            max_retries: how often a failure is tried again; the settings' word unless said.
            retry_delay: how long before the first retry; doubled for each after it.
            timeout: how long an attempt may take.
            ttl: how long it is kept once it has ended.
            auto_delete: whether it makes room, once it has ended, where the queue is full.
            publish_on_success: whether it is published once it succeeds.
            array: makes it an array: of so many instances, or of the indexes of such as "1,3-8,9".
            group: a name for its array, or of the tasks that it belongs to.
            parent: the task that it is made from, whose summary becomes variables of its job.
            key: adds nothing where this key was submitted before.

        Raises:
            UsageError: something that cannot be stored.
            TaskNotFound, ConflictError: a reference to no task, or to several.
        """
        words = {**locals()}
        del words["self"], words["args"], words["array"]
        document = new_tasks.draft(self.queue, self.settings, args, words)
        task = Task(self, document, there=False)._as_array(array)  # noqa: SLF001 - its own class's
        if profile is not None:
            bare = {**words, "profile": None}
            bare = new_tasks.draft(self.queue, self.settings, args, bare, whole=False)
            task._profile = profiles.between(profile, bare, document)  # noqa: SLF001 - the same
        return task

    @like(task)
    def submit(self, *args: Any, **words: Any) -> Task:
        """Stores a task, to be run; its words are those of `Client.task`.

        Raises:
            UsageError: something that cannot be stored.
            TaskNotFound, ConflictError: a reference to no task, or to several.
            QuotaExceeded: the queue is full.
        """
        return self.task(*args, **words).submit()

    def submit_many(
        self, tasks: Iterable[Mapping[str, Any] | Task], /, *, key: str | None = None, **words: Any
    ) -> list[Task]:
        """Stores a task for each dict of args, in few writes; returns them in that order.

        All of them are checked before the first is stored.

        Args:
            tasks: dicts of args, or tasks that are not stored yet.
            key: adds only those that are missing where this key was submitted before.
            words: those of `Client.task`, for all the dicts; these are laid over its `args`.

        Raises:
            UsageError: one that cannot be stored, with its place.
            QuotaExceeded: there is no room for the next 1,000; those before them are stored.
        """
        given = several("tasks", tasks)
        if any(isinstance(one, Task) for one in given):
            if key is not None or words or not all(isinstance(one, Task) for one in given):
                raise UsageError("give dicts and their words, or tasks alone")
            made = [one for one in given if isinstance(one, Task)]
            documents = [task._to_store() for task in made]  # noqa: SLF001 - its own class's
        else:
            args = words.pop("args", None)
            if "array" in words:
                raise UsageError("array is for submit(): submit_many() stores a task for each dict")
            for word in words.keys() - (Client.task.__kwdefaults__ or {}).keys():
                raise TypeError(f"Client.submit_many() got an unexpected keyword argument {word!r}")
            common = new_tasks.draft(self.queue, self.settings, args, words, whole=False)
            documents = new_tasks.series(self.queue, noted(self, common), given, key)
            made = [Task(self, document, there=False) for document in documents]
        stored = 0

        def store(at: int) -> None:
            nonlocal stored
            batch = documents[at : at + BATCH]
            numbers = self.queue.submit(batch)
            stored += len(batch)
            for task, document, number in zip(made[at:], batch, numbers, strict=False):
                task._became({**document, "number": number})  # noqa: SLF001 - the same

        in_parts(
            (partial(store, at) for at in range(0, len(made), BATCH)),
            lambda sure: parts.tasks(stored, "are stored", len(made), sure=sure),
        )
        return made

    # finding

    def get(
        self, ref: int | str | Task, *, project: str | None = None, latest: bool = False
    ) -> Task:
        """The task that `ref` names: a number, an id or the start of it, a name, `name#number`.

        A name is a short name first, then that of a configuration: of the draft of that name, if
        there is one, or of an entry of `tasks:` in `labq.yaml`, which is a task not stored yet. The
        `uuid` of an array, a name that all of it has and nothing else, and the name or id of a
        group stand for all of it.

        Args:
            ref: the reference.
            project: only in this project, or below it.
            latest: of several of that name the newest.

        Raises:
            TaskNotFound: it names none.
            ConflictError: it names several.
        """
        text = new_tasks.reference(ref)
        known = selection.called(self.queue, text, project)
        if known is not None:
            return Task(self, known, there=True)
        entries: Mapping[str, Any] = {}
        if not latest and not text.isdecimal():
            drafts = selection.drafts(self.queue, text, project)
            if len(drafts) == 1:
                return Task(self, drafts[0][0], there=True)._as_found(drafts[0][1])  # noqa: SLF001 - its own class's
            entries = {} if drafts else config.section("tasks")
            if text in entries:
                return self._of_entry(text, *entries[text])
        found, members = selection.one_of(self.queue, text, project, latest=latest, entries=entries)
        if isinstance(ref, Task):
            members = ref._stored() if ref._whole else None  # noqa: SLF001 - the same
        return Task(self, found, there=True)._as_found(members)  # noqa: SLF001 - the same

    def tasks(
        self,
        filter: Filter | None = None,  # noqa: A002 - what `-f` is called
        status: Words | None = None,
        sort: Words | None = None,
        limit: int | None = None,
        *,
        name: Words | None = None,
        project: str | None = None,
    ) -> Iterator[Task]:
        """The tasks for which all of this holds, read as they are asked for: all unless limited.

        Each comes once, whatever becomes of it while you look; one that is submitted meanwhile
        does not.

        Args:
            filter: as `labq task ls -f` has it, or a MongoDB query as a dict; a list is all of it.
            status: words such as "running", of any system.
            sort: "args.lr:desc", or several; by number unless said.
            limit: how many at most.
            name: only tasks of this name.
            project: only of this project, or below it.

        Raises:
            UsageError: a wrong filter, an unknown status, no such field.
        """
        query = query_of(self.queue, None, filter, status, name, project)
        found = selection.walk(self.queue, query, selection.order_of(sort), limit)
        return (Task(self, document, there=True, read_at=read_at) for document, read_at in found)

    def count(
        self,
        filter: Filter | None = None,  # noqa: A002 - the same
        status: Words | None = None,
        *,
        name: Words | None = None,
        project: str | None = None,
    ) -> int:
        """How many tasks there are for which all of this holds.

        Raises:
            UsageError: as `tasks`.
        """
        return self.queue.count(query_of(self.queue, None, filter, status, name, project))

    # copies

    def clone(
        self,
        *refs: int | str | Task,
        filter: Filter | None = None,  # noqa: A002 - the same
        status: Words | None = None,
        enqueue: bool = False,
        **fields: Any,
    ) -> list[Task]:
        """A copy of the configuration of each of these tasks, in their order, as `Task.clone` does.

        Args:
            refs: tasks, or references to some.
            filter: as of `tasks`, and so is `status`.
            status: the same.
            enqueue: whether they are to run at once; else they are drafts.
            fields: what is to be another in them, as of `Task.clone`; `name` among it.

        Raises:
            UsageError: nothing says which tasks; no such field, or it cannot hold its value.
            TaskNotFound: a reference names none.
        """
        selection.narrow("clone", (refs or None, filter, status))
        found = list(self.queue.find(query_of(self.queue, refs or None, filter, status)))
        made = (Task(self, document, there=True) for document in found)
        return [task.clone(enqueue=enqueue, **fields) for task in made]

    def _of_fields(self, fields: Mapping[str, Any]) -> Task:
        """A task that is not stored yet, of the words of `task`."""
        words = ("args", *(Client.task.__kwdefaults__ or {}))
        for word in fields.keys() - set(words):
            raise UsageError(f"no word {word!r} (there are {', '.join(words)})")
        return self.task(**fields)

    def _of_entry(self, name: str, entry: Document, place: str) -> Task:
        """The task of an entry of `tasks:`."""
        try:
            return self._of_fields({"name": name, **entry})
        except UsageError as error:
            raise ConfigError(f"{place}: {error}") from None
