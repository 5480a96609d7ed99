"""Runs whose store was out of reach: each is a folder, brought into a store later, once.

task.json      the task as it began; times by this machine's clock
blobs/HASH     the contents that its `source` names
lines.jsonl    what it told since, a line each: {"summary": ...}, {"progress": ...}, {"end": ...}
tasks/ID/      the task's own folder, with its output
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from labq import clock
from labq.command.words import flat, normalised
from labq.errors import ConflictError, NotFoundError, UsageError
from labq.model.task import Document, Status
from labq.private import make_file, make_folder
from labq.queue import Queue
from labq.queue.claims import moved
from labq.queue.dependencies import settle
from labq.queue.folders import Folders
from labq.source.capture import capture
from labq.store import Change, Now
from labq.store.base import digest_of

TIMES = ("created_at", "queued_at", "started_at")
BEGUN = {"_id", "queue", "args", "cwd", *TIMES}  # among the fields of a task that has begun
KILLED = "its process was killed"


def wanted() -> bool:
    """Whether LABQ_OFFLINE says that runs are recorded without a store."""
    return os.environ.get("LABQ_OFFLINE", "0") not in ("", "0")


class Contents:
    """Contents in a folder, each in a file that its hash names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Keeps it; its hash."""
        digest = digest_of(content)
        make_folder(self._folder)
        _write(self._folder / digest, content)
        return digest

    def renew(self, digests: Sequence[str]) -> list[str]:
        """Those that are not there."""
        return [digest for digest in digests if not (self._folder / digest).exists()]

    def all(self) -> Iterator[bytes]:
        """Each of them."""
        for path in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            yield path.read_bytes()


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(make_file(path, os.O_WRONLY | os.O_TRUNC), "wb") as file:
        file.write(content)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Says of a file of an offline run that it cannot be read, or is none."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise UsageError(f"{path}: not the record of an offline run") from None


class Spool:
    """The folder of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def _lines(self) -> Path:
        return self.folder / "lines.jsonl"

    @classmethod
    def create(cls, home: Path, queue: str, task: Document) -> Spool:
        """The folder of a task that begins now."""
        spool = cls(home / "offline" / task["_id"])
        make_folder(spool.folder)
        now = _iso(clock.now())
        begun = {**task, "queue": queue, "status": Status.RUNNING.value, "attempt": 1}
        begun |= dict.fromkeys(TIMES, now)
        _write(spool._lines, b"")
        spool._keep(begun)
        return spool

    def _keep(self, begun: Document) -> None:
        """Writes the task as it began, whole or not at all."""
        part = self.folder / "task.json.part"
        _write(part, json.dumps(begun, indent=1).encode())
        part.replace(self.folder / "task.json")

    @property
    def contents(self) -> Contents:
        """What its `source` names."""
        return Contents(self.folder / "blobs")

    def record(self, home: Path, words: Sequence[str], *, ours: bool = False) -> None:
        """Notes where the run comes from, whose command this is, before it begins.

        `ours` as of `capture`.
        """
        begun = json.loads((self.folder / "task.json").read_text("utf-8"))
        source = capture(self.contents, home, begun["cwd"], words, ours=ours, run=True)
        self._keep({**begun, "source": source})

    @contextmanager
    def running(self) -> Iterator[None]:
        """While it runs, nobody brings it in."""
        with self._lines.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def tell(self, **line: Any) -> None:
        """Adds a line, whole or not at all."""
        text = json.dumps({"at": _iso(clock.now()), **line}) + "\n"
        descriptor = os.open(self._lines, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)

    def summary(self, values: Mapping[str, Any]) -> None:
        """Merges values into the summary.

        Raises:
            ArgsError: a value that no store holds.
        """
        self.tell(summary=normalised(dict(values), "report"))

    def task(self) -> Document:
        """The task as it began.

        Raises:
            NotFoundError: there is no such folder.
            UsageError: the folder is no such run's.
        """
        path = self.folder / "task.json"
        if not path.is_file():
            raise NotFoundError(f"{self.folder}: no offline run is there")
        with _readable(path):
            return _begun(path.read_text("utf-8"))

    def whole(self) -> Document:
        """The task as it ended; one without an end was killed.

        Raises:
            ConflictError: it runs still.
        """
        task = {**self.task(), "summary": {}, "status": Status.FAILED.value, "reason": KILLED}
        if not self._lines.is_file():
            raise UsageError(f"{self._lines}: what the run told is not there")
        with _readable(self._lines), self._lines.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConflictError(f"{self.folder}: its run has not ended yet") from None
            end: Document = {}
            token = ""
            for line in _read(file.read()):
                _merge(task["summary"], line.get("summary", {}))
                task.update({key: line[key] for key in ("progress",) if key in line})
                end, token = line.get("end", end), line.get("token", token)
                task["ended_at"] = _moment(line["at"])
        task.setdefault("ended_at", task["started_at"])
        if end:
            task.pop("reason")
            task.update({key: end[key] for key in ("status", "reason") if key in end})
        record = {"attempt": 1, "offline": task["_id"], **end.get("record", {})}
        record |= {"token": token} if token else {}
        record |= {"started": task["started_at"], "ended": task["ended_at"]}
        told = {"reason": task["reason"]} if "reason" in task else {}
        task["attempts"] = [{**record, **told}]
        if "error" in end:
            task["errors"] = [{"attempt": 1, **end["error"]}]
        return {key: value for key, value in task.items() if value != {} or key == "args"}


def bring_in(queue: Queue, spool: Spool, home: Path) -> tuple[Document, bool]:
    """Adds the run to the queue as a task of its own id; the task, and whether it is new.

    Raises:
        ConflictError: it runs still.
    """
    task = spool.whole()
    known = bool(queue.store.count({"_id": task["_id"]}))
    if not known:
        for content in spool.contents.all():
            queue.store.blobs.put(content)
        queue.store.insert(queue.name, [{**task, "modified_at": Now()}])
    Folders(home, queue.store).own(task["_id"])
    _copy(spool, task["_id"], home / "tasks" / task["_id"], 1)
    return next(queue.store.find({"_id": task["_id"]})), not known


def bring_into(queue: Queue, spool: Spool, home: Path, ref: str) -> tuple[Document, bool]:
    """Adds the run to a task that does not run, as its newest attempt; whether that is new.

    Raises:
        ConflictError: either runs still, or the task is published, or has other args.
    """
    run, task = spool.whole(), queue.get(ref)
    known = next(
        (one for one in task.get("attempts", ()) if one.get("offline") == run["_id"]), None
    )
    number = known["attempt"] if known else task["attempt"] + 1
    if known is None:
        if task["status"] == Status.RUNNING.value or "published_at" in task:
            told = "published" if "published_at" in task else "running"
            raise ConflictError(f"cannot import into task {task['number']}: it is {told}")
        if repr(flat(run["args"])) != repr(flat(task["args"])):
            raise ConflictError(
                f"cannot import into task {task['number']}: the run had other args "
                f"(labq import {spool.folder} makes it a task of its own)"
            )
        values = {f"summary.{key}": value for key, value in flat(run.get("summary", {})).items()}
        same = ("started_at", "ended_at", "progress", "reason")
        values |= {key: run[key] for key in same if key in run}
        push = {"attempts": {**run["attempts"][0], "attempt": number}}
        if "errors" in run:
            push["errors"] = {**run["errors"][0], "attempt": number}
        gone = ("waiting_for", "available_at", "stop_requested", "crashes")
        change = Change(
            set={**moved(Status(run["status"])), **values},
            inc={"attempt": 1, "rev": 1},
            push=push,
            unset=gone if "reason" in run else (*gone, "reason"),
        )
        if not queue.store.update({"_id": task["_id"], "rev": task["rev"]}, change):
            raise ConflictError(f"task {task['number']} changed meanwhile: try again")
        settle(queue.store, queue.name, [task["_id"]])
    Folders(home, queue.store).own(task["_id"])
    _copy(spool, run["_id"], home / "tasks" / task["_id"], number)
    return next(queue.store.find({"_id": task["_id"]})), known is None


def _copy(spool: Spool, identity: str, folder: Path, attempt: int) -> None:
    """Copies the task's own files where they are not there yet, each whole or not at all."""
    own = spool.folder / "tasks" / identity
    for path in sorted(own.rglob("*")) if own.is_dir() else ():
        place = path.relative_to(own)
        if str(place) in ("1.stdout", "1.stderr"):
            place = Path(f"{attempt}{place.suffix}")
        if path.is_file() and not (folder / place).exists():
            make_folder((folder / place).parent)
            part = folder / place.with_name(f".{place.name}.{os.getpid()}")
            shutil.copy2(path, part)
            part.replace(folder / place)


def _begun(text: str) -> Document:
    """The task of a `task.json`.

    Raises:
        ValueError, TypeError, AttributeError: it is none.
    """
    found = json.loads(text)
    if not found.keys() >= BEGUN or not re.fullmatch("[0-9a-f]{32}", found["_id"]):
        raise ValueError(text)
    return {**found, **{key: _moment(found[key]) for key in TIMES}}


def _read(raw: bytes) -> Iterator[Document]:
    """The lines that are whole: the last one may have been cut off."""
    for line in raw.splitlines():
        with suppress(ValueError):
            yield json.loads(line)


def _merge(into: Document, values: Mapping[str, Any]) -> None:
    """As paths are set in a store: a dict joins what is there, all else takes its place."""
    for key, value in values.items():
        if isinstance(value, dict) and value and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _iso(moment: datetime) -> str:
    return moment.isoformat()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
