"""New task documents from the words of `Client.task`, which are those of `labq task submit`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from labq.client.profiles import under
from labq.client.values import of_field
from labq.command.line import for_args, has_places
from labq.command.words import flat, is_loose, normalised, signature
from labq.config import Settings
from labq.errors import ArgsError, TemplateError, UsageError
from labq.model.task import Document, Status, keyed_id, new, new_id, require_one
from labq.queue import Queue
from labq.queue.groups import checked_group
from labq.store import Now
from labq.values import coerce as ask
from labq.values.paths import merged
from labq.values.plain import plain

Words = Mapping[str, Any]


def draft(
    queue: Queue, settings: Settings, args: Any, words: Words, *, whole: bool = True
) -> Document:
    """A new task that is not stored yet; a `delay` counts from when it is (see `placed`).

    One that is `whole` has all the args that its command takes.

    Raises:
        UsageError: a word or a value that cannot be stored.
        TaskNotFound, ConflictError: a reference to no task, or to several.
    """
    given = {name: value for name, value in words.items() if value is not None}
    if (profile := given.pop("profile", None)) is not None:
        given = under(ask.text("profile", profile), given)
    waits = _waits(queue, given)
    place = _place(queue, given)
    key = given.pop("key", None)
    kept = {word: given.pop(word) for word in ("ttl", "auto_delete") if word in given}
    retries = given.pop("max_retries", settings.max_retries)
    if isinstance(retries, int) and retries > 0:
        given.setdefault("retry_delay", settings.retry_delay)
    if "ttl" in kept:
        kept["ttl"] = _ttl(kept["ttl"])
    if kept:
        given["retention"] = kept
    fields = {name: of_field(name, value) for name, value in given.items()}
    if "cwd" in fields:
        fields["cwd"] = os.path.abspath(os.path.expanduser(fields["cwd"]))  # noqa: PTH100, PTH111 - as the command line has it
    own = arguments(args, "args")
    if "argv" in fields:
        own = _typed(fields, own)
    made = new(own, max_retries=retries, **fields)
    task = {**made, **waits, **place, "status": Status.DRAFT.value}
    if whole:
        _fitting(task)(task["args"], "args")
    if key is not None:
        task["_id"] = keyed_id(queue.keyed_as, _key(key))
    return task


def _typed(fields: dict[str, Any], args: Document) -> Document:
    """The args of a command line; puts what it says besides in the place of `argv`."""
    from labq.command.line import fields as of_words

    if "cmd" in fields:
        raise UsageError("give argv or cmd, not both")
    words = [ask.text(f"argv[{at}]", word) for at, word in enumerate(fields.pop("argv"))]
    found, args, _ = of_words(words, args)
    env = {**found.pop("env", {}), **fields.get("env", {})}
    fields |= {**found, **({"env": env} if env else {}), **_only(fields, "cwd")}
    return args


def _only(fields: Document, name: str) -> Document:
    return {name: fields[name]} if name in fields else {}


def _place(queue: Queue, given: dict[str, Any]) -> Document:
    """Which group it is to be in, and what it is made from; takes their words out of `given`."""
    found: Document = {}
    if (group := given.pop("group", None)) is not None:
        if not isinstance(group, str):
            raise UsageError(f"group must be a text, not {group!r}")
        found["group"] = checked_group(group)
    if "parent" in given:
        found["parent"] = one_reference(queue, given.pop("parent"))
    return found


def placed(queue: Queue, task: Document, status: Status) -> Document:
    """A new task as it is stored at this moment."""
    begins = task.get("available_at")
    if isinstance(begins, Now):
        begins = queue.store.now() + timedelta(seconds=begins.plus)
        task = {**task, "available_at": begins}
    return {**task, "status": status.value}


def series(queue: Queue, common: Document, every: Iterable[Any], key: str | None) -> list[Document]:
    """A task like `common`, to be stored, for each dict of args, which are laid over its own.

    With a key the same place has the same id in every run.

    Raises:
        UsageError: one that cannot be stored; the message has its place.
    """
    given = list(every)
    require_one(common, len(given))
    words = None if key is None else (queue.keyed_as, _key(key))
    check = _fitting(common)
    common = placed(queue, common, Status.PENDING)
    tasks = []
    more_args = [arguments(one, f"tasks[{at}]", empty=False) for at, one in enumerate(given)]
    live = has_places(common)
    keys_of_any = {key for more in more_args for key in flat(more)} if live else set()
    for at, more in enumerate(more_args):
        where = f"tasks[{at}]"
        draft = for_args(common, more, keys_of_any) if live else common
        args = merged(draft["args"], more, where) if draft["args"] else more
        check(args, where)
        identity = new_id() if words is None else keyed_id(*words, str(at + 1))
        keys = signature(flat(args), loose=is_loose(draft))
        tasks.append({**draft, "_id": identity, "args": args, "args_signature": keys})
    return tasks


def arguments(given: Any, where: str, *, empty: bool = True) -> Document:
    """A mapping of args as it is stored; None is an empty one, where one may be `empty`.

    Raises:
        ArgsError: it is none, or holds what cannot be stored.
    """
    if given is None and empty:
        return {}
    if not isinstance(given, Mapping):
        raise ArgsError(f"{where}: args must be a dict, not {given!r}")
    return dict(normalised(plain(given, where), where))


def _fitting(task: Document) -> Callable[[Document, str], None]:
    """What refuses args that the task's own command does not fit."""
    if "cmd" not in task or "typed" in task.get("words", ()):
        return lambda _args, _where: None
    from labq.command.fitting import fits
    from labq.command.template import parse_command

    template = parse_command(task["cmd"])

    def check(args: Document, where: str) -> None:
        if why := fits(template, args, allow_extra=True):
            raise TemplateError(f"{where}: cmd does not fit: the task {why}")

    return check


def _waits(queue: Queue, given: dict[str, Any]) -> Document:
    """The fields of a task that is to wait so; takes their words out of `given`."""
    found: Document = {}
    for field in ("after", "after_any"):
        if field in given:
            found[field] = references(queue, given.pop(field))
    at, delay = given.pop("at", None), given.pop("delay", None)
    if at is not None and delay is not None:
        raise UsageError("give at or delay, not both")
    if delay is not None:
        found["available_at"] = Now(ask.span("delay", delay))
    elif at is not None:
        begins = _moment(at, queue.store.now())
        if begins > queue.store.now():
            found["available_at"] = begins
    return found


def references(queue: Queue, given: Any) -> list[str]:
    """The ids of one task or several, each a `Task`, a number, an id, or a name.

    A `Task` that is an array is all of its instances.

    Raises:
        UsageError: something is none of these, or a task that is not stored yet.
        TaskNotFound, ConflictError: one names no task, or several.
    """
    from labq.queue.selection import resolve

    several = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    texts = [one._ids if is_array(one) else [reference(one)] for one in several]  # noqa: SLF001 - its own room's
    return resolve(queue.store, queue.name, list(chain.from_iterable(texts)))


def one_reference(queue: Queue, given: Any) -> str:
    """The id of the one task that is meant; of an array that of its first instance.

    Raises:
        UsageError, TaskNotFound, ConflictError: as `references`.
    """
    from labq.queue.selection import resolve

    (identity,) = resolve(queue.store, queue.name, [reference(given)])
    return identity


def is_array(given: Any) -> bool:
    """Whether it is a `Task` that stands for an array that is stored."""
    return bool(getattr(given, "_whole", False))


def reference(given: Any) -> str:
    """One reference as the command line would have it."""
    if isinstance(given, int) and not isinstance(given, bool):
        return str(given)
    if isinstance(given, str):
        return given
    identity = getattr(given, "_id", None)
    if not isinstance(identity, str):
        raise UsageError(f"{given!r} is no task: give a Task, a number, an id or a name")
    if given.number is None:
        raise UsageError(f"{given!r} is not stored yet: submit() it first")
    return identity


def _moment(at: Any, now: datetime) -> datetime:
    """A time; a datetime without a zone is this machine's."""
    from labq.values import dates

    if isinstance(at, datetime):
        return at.astimezone()
    try:
        return dates.moment(at, now)
    except (dates.DateError, TypeError, AttributeError):
        raise UsageError(
            f"at={at!r} is no time (give a datetime, or 'tomorrow 9:00', 'in 2 hours')"
        ) from None


def _ttl(length: Any) -> float:
    number = ask.span("ttl", length)
    if not number:
        raise UsageError("ttl must be above 0")
    return number


def _key(key: Any) -> str:
    if not isinstance(key, str) or not key.strip():
        raise UsageError("key must be a text that is not empty")
    return str(normalised(key, "key"))
