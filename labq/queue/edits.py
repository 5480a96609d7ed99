"""Edits to stored tasks: `args.lr=0.3`, each a compare-and-set on the task's `rev`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from labq.command.words import flat, is_loose, key_path, normalised, parse_value, signature, text_of
from labq.errors import ConflictError, UsageError
from labq.model.fields import INSTEAD
from labq.model.sound import MALFORMED
from labq.model.task import EDITABLE, FIELDS, SETTINGS, TAKES, Document, Kind, Status, checked
from labq.queue import parts, wording
from labq.queue.dependencies import parents
from labq.queue.groups import replicas
from labq.queue.pages import by_number
from labq.queue.parts import in_parts
from labq.queue.refusals import PUBLISHED, instead, state_of
from labq.store import Change, Now, Store
from labq.values.durations import seconds_or_none
from labq.values.suggest import hint

BATCH = 1000  # tasks per read and per write
KEPT = {"args", "type", "priority", "max_retries"}
REMOVABLE = EDITABLE - KEPT  # by None
LENGTHS = (("timeout",), ("retry_delay",), ("retention", "ttl"))  # in seconds, or such as 10m
LEFT = {"_id", "number", "queue", "status", "lease"}  # that no edit puts right
ROUNDS = 10  # how often a batch is tried again where others edit the same tasks

Values: TypeAlias = Callable[[Mapping[str, Any]], Document]  # of a task, what is to be written
Locked: TypeAlias = Callable[[Mapping[str, Any]], str]  # why it may not be, or an empty text


@dataclass(frozen=True)
class Edit:
    """One value at one path; the first key is a field of the task."""

    path: tuple[str, ...]
    value: Any
    text: str | None = None  # what was typed for it

    @property
    def field(self) -> str:
        """The top-level field that it changes."""
        return self.path[0]


@dataclass
class EditReport:
    """How many tasks an edit changed, found as wanted already, and left, by reason."""

    changed: int = 0
    same: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def parse_edit(text: str) -> Edit:
    """The edit that `args.lr=0.3` asks for; the value is read as on the command line of submit.

    `args.lr!` takes the key away. Below `resources` the value is read as the overrides of a client
    are: a YAML scalar.

    Raises:
        UsageError: no `=`, or a field that cannot be edited.
    """
    if takes_away(text):
        return Edit(key_path(text[:-1], repr(text)), wording.GONE)
    left, equals, right = text.partition("=")
    if not equals or not left:
        raise UsageError(f"{text!r} is not FIELD=VALUE (such as args.lr=0.3)")
    path = key_path(left.strip(), repr(text))
    check_field(path[0])
    return _edit(path, left, right)


def _edit(path: tuple[str, ...], left: str, right: str) -> Edit:
    if FIELDS[path[0]] is Kind.TEXT:  # a name that looks like a number is a name
        return Edit(path, None if right == "None" else right)
    if path[0] == "env" and len(path) > 1:  # so is a variable
        return Edit(path, right)
    if path[0] == "source" and len(path) > 1:
        from labq.queue import sources

        return Edit(path, sources.read(path[1], right))
    if path[0] == "resources" and len(path) > 1:
        from labq.resources import override_value

        return Edit(path, override_value(path[1:], right, left.strip()))
    if path in LENGTHS and isinstance(value := parse_value(right, left), str):
        try:
            return Edit(path, seconds_or_none(value))
        except UsageError as error:
            raise UsageError(f"{left.strip()}: {error}") from None
    return Edit(path, parse_value(right, left), right if path[0] == "args" else None)


def takes_away(text: str) -> bool:
    """Whether it is an edit that takes an arg away, such as `args.lr!`."""
    return text.startswith("args.") and text.endswith("!") and "=" not in text


def check_field(name: str) -> None:
    """Refuses a field that no edit may touch.

    Raises:
        UsageError: naming those that may be.
    """
    if name in EDITABLE:
        return
    known = ", ".join(sorted(EDITABLE))
    if name == "status":
        raise UsageError("status cannot be edited (labq task requeue runs an ended task again)")
    if name in FIELDS:
        raise UsageError(f"{name} cannot be edited (what can: {known})")
    near = hint(name, EDITABLE, f" (write args.{name} for an argument)")
    raise UsageError(f"no field {name!r}{near} (what can be edited: {known})")


def applied(task: Mapping[str, Any], edits: Sequence[Edit]) -> Document:
    """The new values of the fields that the edits change, checked.

    Raises:
        ConflictError: a path leads through a value that has no keys, or that is malformed.
        UsageError: a field cannot hold its value.
    """
    new: Document = {}
    for edit in edits:
        value = edit.value
        if edit.field == "source":
            from labq.queue import sources

            start = new.get("source", task.get("source", {}))
            new["source"] = sources.edited(start, edit.path[1:], value)
            continue
        if len(edit.path) > 1:
            if edit.field not in new and (why := task.get(MALFORMED, {}).get(edit.field)):
                raise ConflictError(f"{why}: set the whole of {edit.field}")
            start = new.get(edit.field, task.get(edit.field, {}))
            if edit.field == "args":
                wording.require_list(task, ".".join(edit.path[1:]), value)
            if value is wording.GONE:
                value = wording.without(start, edit.path[1:], ".".join(edit.path))
            elif edit.field == "resources":
                value = _with_resource(start, edit.path[1:], value)
            else:
                value = _with(start, edit.path[1:], value, edit.path)
        gone = value is None and edit.field in REMOVABLE
        new[edit.field] = None if gone else checked(edit.field, value)
    typed = {
        ".".join(edit.path[1:]): edit.text
        for edit in edits
        if edit.text is not None and len(edit.path) > 1 and edit.text != text_of(edit.value)
    }
    return {**new, **wording.with_texts(task, typed)}


def _with(node: Any, keys: Sequence[str], value: Any, path: Sequence[str]) -> Any:
    """`node` with the value at the end of `keys`; its siblings stay, and `node` itself too."""
    if isinstance(node, list) and keys[0].isdecimal() and int(keys[0]) < len(node):
        at = int(keys[0])
        item = value if len(keys) == 1 else _with(node[at], keys[1:], value, path)
        return [*node[:at], item, *node[at + 1 :]]
    if not isinstance(node, dict):
        place = ".".join(path[: len(path) - len(keys)])
        raise ConflictError(f"{place} has no key {keys[0]!r}: it is not a dict")
    item = value if len(keys) == 1 else _with(node.get(keys[0], {}), keys[1:], value, path)
    return {**node, keys[0]: item}


def _with_resource(resources: Any, path: Sequence[str], value: Any) -> dict[str, Any]:
    """The resources with the value; nobody makes a new one by misspelling the name of another."""
    from labq.resources import overridden

    return overridden(resources or {}, path, value)


def keep(store: Store, edits: Sequence[Edit]) -> None:
    """Keeps what these edits give of a `source`, which a task is to name next.

    Raises:
        UsageError: it is none.
    """
    if any(item.field == "source" for item in edits):
        from labq.queue import sources

        applied({}, [item for item in edits if item.field == "source"])
        sources.keep(((item.path, item.value) for item in edits), store.blobs)


def edit(store: Store, query: Document, edits: Sequence[Edit]) -> EditReport:
    """Applies the edits to every task that matches, each whole or not at all.

    A task that changes between its reading and its writing is read again; one that no longer
    matches then, or that a worker has claimed, is left.
    """
    keep(store, edits)
    touched = {item.field for item in edits}
    return rewrite(
        store,
        query,
        lambda task: locked(task, touched),
        lambda task: applied(task, edits),
    )


def rewrite(store: Store, query: Document, locked: Locked, values: Values) -> EditReport:
    """Gives every task that matches the values that follow from what it is.

    Each write holds for the revision that was read; `values` may refuse by a ConflictError.
    """
    report = EditReport()

    def rewritten(batch: list[Document]) -> None:
        tasks = batch
        for _ in range(ROUNDS):
            writes = _writes(tasks, locked, values, report)
            done = _done(store, writes, report)
            if done == len(writes):
                report.changed += done
                break
            tasks, landed = _unwritten(store, query, writes, values)
            report.changed += landed
        else:
            report.refused["changed by others all the while"] += len(tasks)

    in_parts(
        (partial(rewritten, page) for page in by_number(store, query, BATCH)),
        lambda sure: parts.tasks(report.changed, "are changed", sure=sure),
    )
    return report


def _writes(
    tasks: Sequence[Document], locked: Locked, values: Values, report: EditReport
) -> dict[str, tuple[Document, Change]]:
    """One guarded write per task that changes; counts the others in the report."""
    writes: dict[str, tuple[Document, Change]] = {}
    for task in tasks:
        if why := locked(task):
            report.refused[why] += 1
            continue
        try:
            new = values(task)
            _refuse_replicas(task, new)
        except ConflictError as error:
            report.refused[str(error)] += 1
            continue
        if same(task, new):
            report.same += 1
            continue
        writes[task["_id"]] = (as_read(task), _change(task, new))
    return writes


def _refuse_replicas(task: Document, new: Document) -> None:
    """Refuses another count of replicas where they are instances already, or might have been.

    Raises:
        ConflictError: it is no draft, or an instance of an array.
    """
    asked = replicas({"resources": new.get("resources") or {}})
    if "resources" not in new or asked == replicas(task):
        return
    if task.get("index") is not None:
        raise ConflictError("an instance of an array, whose replicas are settable until the submit")
    if (state := state_of(task)) != Status.DRAFT:
        how = "" if state not in TAKES["dequeue"] else " (labq task dequeue REF makes it a draft)"
        raise ConflictError(f"{state}, its replicas are settable until the submit{how}")


def _done(store: Store, writes: dict[str, tuple[Document, Change]], report: EditReport) -> int:
    """Makes the writes; how many. One that is refused is counted in the report, and taken out."""
    try:
        return store.update_each(writes.values())
    except (ConflictError, UsageError):  # which one it was, the store does not say
        done = 0
        for identity, (guard, change) in list(writes.items()):
            try:
                done += store.update(guard, change)
            except (ConflictError, UsageError) as error:  # noqa: PERF203 - to try the next one
                report.refused[str(error)] += 1
                del writes[identity]
        return done


def as_read(task: Document) -> Document:
    """The query for a task while it is as it was read."""
    guard = {field: task[field] for field in ("rev", "status")}
    sound = {field: held for field, held in guard.items() if field not in task.get(MALFORMED, ())}
    return {"_id": task["_id"], **sound}


def _change(task: Document, new: Document) -> Change:
    """The change to these values; what is malformed and nobody can edit is put right with it."""
    values = {name: value for name, value in new.items() if value is not None}
    gone = [name for name, value in new.items() if value is None]
    wrong = task.get(MALFORMED, {}).keys() - EDITABLE - LEFT
    if "args" in values or "args_signature" in wrong:
        values["args_signature"] = signature(
            flat(values.get("args") or task["args"]), loose=is_loose(task)
        )
    if "args" in values or MALFORMED in task:
        gone.append("reason")  # whatever was said of what it was
    for name in wrong - values.keys():
        if name == "waiting_for" and parents(task):
            values[name] = parents(task)
        elif name == "attempt":
            numbers = (one.get("attempt", 0) for one in task.get("attempts", ()))
            values[name] = max(numbers, default=0)
        elif name in INSTEAD:
            values[name] = INSTEAD[name]
        elif name not in gone:
            gone.append(name)
    values["modified_at"] = Now()
    gone = [name for name in gone if name not in values]
    if "rev" in wrong:
        return Change(set={**values, "rev": 1}, unset=gone)
    return Change(set=values, inc={"rev": 1}, unset=gone)


def _unwritten(
    store: Store,
    query: Document,
    writes: Mapping[str, tuple[Document, Change]],
    values: Values,
) -> tuple[list[Document], int]:
    """Of the tasks whose writes did not all land: those to try again, and how many did land."""
    ids = list(writes)
    there = {
        task["_id"]: task for task in store.find({"queue": query["queue"], "_id": {"$in": ids}})
    }
    landed = {
        identity
        for identity, task in there.items()
        if task["rev"] > writes[identity][0].get("rev", 0) and _has(task, values)
    }
    rest = [identity for identity in ids if identity not in landed]
    again = store.find({"$and": [query, {"_id": {"$in": rest}}]})
    return list(again), len(landed)


def _has(task: Mapping[str, Any], values: Values) -> bool:
    try:
        return same(task, values(task))
    except ConflictError:
        return False


def locked(task: Mapping[str, Any], touched: set[str]) -> str:
    """Why these fields of this task may not be edited now, or an empty text."""
    state = state_of(task)
    if state == PUBLISHED:
        return f"published{instead('edit', state)}"
    if "short" in touched and state in (Status.WAITING, Status.PENDING):
        return f"{state}, its short name is settable until the submit{instead('reset', state)}"
    settings = ", ".join(sorted(touched & SETTINGS))
    if settings and task["status"] not in TAKES["edit"]:
        return f"{state}, its {settings} cannot change{instead('edit', state)}"
    return ""


def same(task: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether the task has these values already, types and key order included."""
    if task.get(MALFORMED, {}).keys() - LEFT - (EDITABLE - new.keys()):
        return False  # there is something to put right
    return all(repr(task.get(name)) == repr(value) for name, value in new.items())


def edits_between(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Edit]:
    """The edits that make one document's editable fields the other's; None removes a field."""
    names = [name for name in FIELDS if name in EDITABLE and (name in old or name in new)]
    return [
        Edit((name,), normalised(new[name], name) if new.get(name) is not None else None)
        for name in names
        if repr(old.get(name)) != repr(new.get(name))
    ]


def edit_as_read(store: Store, task: Document, edits: Sequence[Edit]) -> bool:
    """Applies the edits to one task if it is as it was read; whether it was.

    Raises:
        ConflictError: it may not be edited now, or a path leads through a value that has no keys.
        UsageError: a field cannot hold its value.
    """
    if why := locked(task, {item.field for item in edits}):
        raise ConflictError(why)
    keep(store, edits)
    new = applied(task, edits)
    _refuse_replicas(task, new)
    return bool(store.update(as_read(task), _change(task, new)))
