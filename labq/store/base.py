"""The contract of a store: what the queue asks of it, the same from SQLite and from MongoDB.

Queries are MongoDB query documents, and a real mongod decides what they mean. Every write is atomic
per task; none reads a clock but the store's own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from time import monotonic
from types import MappingProxyType
from typing import Any

from labq.model.task import Document

Query = Mapping[str, Any]
Sort = Sequence[tuple[str, int]]  # (dotted field, 1 | -1)
EVERY: Query = MappingProxyType({})
CLAIM_ORDER: Sort = (("priority", -1), ("number", 1))
CONTENTS = ("diff", "untracked", "bundle", "packages")  # of a `source`: those with a hash
FRESH, LEAST, HOUR = 60.0, 600.0, 3600.0  # seconds: what was just renewed need not be again
KEYED_AS = "keyed_as"  # of a queue's record: the name that it began with, which its keys go by


EXPIRES = "expires_at"
STEADY = "steady"  # beside EXPIRES, where the store counts by another clock than that of its times


@dataclass(frozen=True)
class Now:
    """A value that a write replaces with the store's time, `plus` seconds later.

    At a key EXPIRES it is when a lease ends, which only `Store.over` tells: people may set the
    clock that the time is of.
    """

    plus: float = 0.0


@dataclass(frozen=True)
class Change:
    """What a write does to each task that it matches.

    `set` maps a field, or a dotted path whose dicts are made on the way, to its new value, in which
    `Now` may stand at any depth; `inc` adds to an integer field; `push` appends to a list field and
    keeps its newest `keep` items; `unset` removes fields.
    """

    set: Mapping[str, Any] = field(default_factory=dict)
    inc: Mapping[str, int] = field(default_factory=dict)
    push: Mapping[str, Any] = field(default_factory=dict)
    unset: Sequence[str] = ()
    keep: int = 20


@dataclass(frozen=True)
class Run:
    """Members of a group that stand alike: of one status, their indexes without a gap.

    `first` and `last` are None for those that have no index. `progress` is the sum of the percents
    that they report, `cpus` of the cores that they ask for, 1 where one does not say.
    """

    status: str
    first: int | None
    last: int | None
    count: int
    progress: float
    cpus: float
    created_at: datetime | None  # the earliest
    started_at: datetime | None  # the earliest
    ended_at: datetime | None  # the latest


class Records(ABC):
    """A small table beside the tasks: documents of JSON values and dates, each with an `_id`.

    Every write is one atomic step, and may `set`, `inc`, `push` and `unset` at any dotted path.
    """

    @abstractmethod
    def put(self, identity: str, change: Change) -> Document:
        """Makes the change to one record, creating it; returns it as it is afterwards."""

    @abstractmethod
    def update(self, query: Query, change: Change) -> int:
        """Changes the records that match; returns how many."""

    @abstractmethod
    def find(self, query: Query = EVERY) -> Iterator[Document]:
        """The records that match, by `_id`."""

    @abstractmethod
    def delete(self, query: Query) -> int:
        """Removes the records that match; returns how many."""


class Blobs(ABC):
    """Contents, each kept once under the SHA-256 of its bytes and never changed.

    A content that no task's `source` names is removed by `collect`, but not before LEAST seconds
    after it was last put or renewed: a task that is to name it may be on its way.
    """

    def __init__(self) -> None:
        self._renewed: dict[str, float] = {}  # when this object last did so (monotonic)

    @abstractmethod
    def put(self, content: bytes) -> str:
        """Keeps the content, unless it is there already; returns its hash, 64 hex digits."""

    @abstractmethod
    def get(self, digest: str) -> bytes:
        """The content of that hash.

        Raises:
            NotFoundError: there is none.
            StoreError: what is there is not what was kept.
        """

    @abstractmethod
    def renew(self, digests: Sequence[str]) -> list[str]:
        """Those of the hashes whose contents are not there, in their order; one round trip.

        The others are kept for LEAST seconds more, whether a task names them or not.
        """

    @abstractmethod
    def collect(self, age: float = HOUR) -> int:
        """Removes what no task names and what is so many seconds old; returns how many.

        What a task names counts as renewed: however often it is called, it looks through the tasks
        once in that time.
        """

    def hold(self, tasks: Iterable[Document]) -> None:
        """Renews what tasks that are about to be stored name, unless this object just did."""
        since = monotonic() - FRESH
        named = {digest for task in tasks for digest in digests_in(task.get("source"))}
        if late := sorted(one for one in named if self._renewed.get(one, -inf) < since):
            self.renew(late)

    def _note(self, digests: Iterable[str]) -> None:
        self._renewed.update(dict.fromkeys(digests, monotonic()))


def digests_in(source: Any) -> list[str]:
    """The hashes of the contents that a task's `source` names."""
    parts = [source.get(part) for part in CONTENTS] if isinstance(source, Mapping) else ()
    found = [part.get("blob") for part in parts if isinstance(part, Mapping)]
    return [digest for digest in found if isinstance(digest, str)]


def digest_of(content: bytes) -> str:
    """The SHA-256 of the content, as 64 hex digits."""
    from hashlib import sha256

    return sha256(content).hexdigest()


class Watch(ABC):
    """News of one queue. One thread waits; any may say that it is active, or close it."""

    @abstractmethod
    def wait(self, seconds: float) -> bool:
        """Waits until something may have changed since the last call, or `seconds` have passed.

        True is a hint to look, and may be wrong; what is never missed is a task that became ready
        to claim, a request to stop one, and a word to a worker or about the queue. The first call
        counts from when the watch was made. An outage is waited out like silence, and news after
        it. A closed watch has none, at once.
        """

    def active(self) -> None:  # noqa: B027 (only a store that is polled cares)
        """Says that work was found: more may follow soon."""

    @abstractmethod
    def close(self) -> None:
        """Ends the watch; whoever waits comes back."""


class Store(ABC):
    """Tasks, kept. Safe to use from several threads.

    Every method raises StoreError, within 5 s, when the store cannot be reached; its message names
    host and port or file, and never a password.
    """

    address: str  # for people: the URI with its password masked
    notes: Sequence[str] = ()  # for people: what of the URI counts for nothing
    forgetful = False  # whether a crash of the store may undo what it said was written
    queues: Records  # each by its name, from its first task or its first `put` on
    workers: Records
    blobs: Blobs

    @abstractmethod
    def insert(self, queue: str, tasks: Sequence[Document]) -> list[int]:
        """Stores new tasks of one queue, in order; returns their numbers.

        The store gives each its `queue` and `number`, and puts its time where a field is `Now`. A
        task whose `_id` is there already is left as it is: an insert may be repeated.

        A queue's record may hold `defaults`, the fields of a new task that does not have them, and
        `max_tasks`, the most tasks that the queue keeps, however many insert at once.

        Raises:
            ConflictError: one is in another queue; new ones beside it may be stored.
            QuotaExceeded: they are more than there is room for; none is stored.
            ConflictError: the queue is being renamed, or has a task of the short name of one of
                them; none is stored.
        """

    @abstractmethod
    def find(
        self,
        query: Query,
        *,
        sort: Sort = (),
        limit: int = 0,
        fields: Sequence[str] = (),
        steady: bool = False,
    ) -> Iterator[Document]:
        """The tasks that match, as mongod would sort them; all fields unless some are named.

        `limit` 0 is no limit. `_id` is always among the fields. Without `sort` the order is free.
        With `steady`, which may read the whole queue, one that matches all the while is found, and
        none twice, whatever others change in it at that moment. So it is where `_id` is asked for.
        """

    @abstractmethod
    def count(self, query: Query, *, steady: bool = False) -> int:
        """How many tasks match; `steady` as of `find`."""

    @abstractmethod
    def counts(self) -> dict[tuple[str, str], int]:
        """How many tasks each (queue, status) has; a queue that has none is left out."""

    @abstractmethod
    def runs(self, queue: str, group: str) -> list[Run]:
        """The members of a group, added up by the store: by status, and by index within it."""

    @abstractmethod
    def rename(self, queue: str, new: str) -> int:
        """Gives a queue another name, its record and its tasks with it; returns how many tasks.

        Numbers stay. One that was interrupted goes on where it is called again.

        Raises:
            NotFoundError: there is no such queue.
            ConflictError: `new` is there already, or a task of the short name of one of them is,
                or a task runs; then it may be called again.
        """

    @abstractmethod
    def update_first(
        self, query: Query, change: Change, fields: Sequence[str] = ()
    ) -> Document | None:
        """Changes the first matching task in CLAIM_ORDER, in one atomic step.

        Returns it as it is afterwards, or None where nothing matches. Two callers never get the
        same task if `change` makes it match no longer.

        Raises:
            ConflictError: as `update`.
        """

    @abstractmethod
    def update(self, query: Query, change: Change) -> int:
        """Changes every task that matches at the moment of its write; returns how many.

        Raises:
            ConflictError: it gives a task the short name of another one of the queue.
        """

    @abstractmethod
    def update_each(self, writes: Iterable[tuple[Query, Change]]) -> int:
        """One `update` per pair, in few round trips; returns how many tasks changed in all.

        Raises:
            ConflictError: as `update`; some of the others may be made.
        """

    @abstractmethod
    def delete(self, query: Query) -> int:
        """Removes the tasks that match; returns how many."""

    @abstractmethod
    def events(self, queue: str, since: str | None = None) -> Iterator[Document]:
        """What became of the tasks of a queue before this call, the oldest first.

        An event is `{token, task, number, queue, from?, to, at, attempt?, worker?, reason?}`: the
        task's id, its status before (absent of a new one) and after (`deleted` of a removed one),
        the store's time. It is kept if and only if the change was made. Those of one task come in
        the order in which they happened, those of several nearly so.

        With the token of an event or of `newest_event` only what came later is given: each event
        once, however often a reader begins again. Old ones are dropped (SQLite keeps the newest
        100,000 of the store, MongoDB the newest 20 of each task, and a removed task's for a day);
        `missed` is True in an event before which some were that are dropped.

        Raises:
            UsageError: `since` is no token of this store.
        """

    @abstractmethod
    def newest_event(self, queue: str) -> str:
        """The token of this moment: what happens from now on comes after it."""

    @abstractmethod
    def watch(self, queue: str) -> Watch:
        """News of one queue, until it is closed or the store is. Raises nothing."""

    @abstractmethod
    def identity(self, *, make: bool = False) -> str:
        """What tells this store from any other but its copies; empty where it has none yet.

        It is kept in the store, made at random where `make` asks for one.
        """

    @abstractmethod
    def exists(self) -> bool:
        """Whether there is such a store.

        One that is not is read as an empty one until a task, a record or a content is put into it:
        no other method makes it.
        """

    @abstractmethod
    def now(self) -> datetime:
        """The store's time."""

    @abstractmethod
    def over(self, field: str = EXPIRES) -> Query:
        """Matches what had a Now written at this field, whose last key is EXPIRES, which is past.

        It holds for the moment of this call, and no step of a wall clock makes it hold sooner.
        """

    @abstractmethod
    def close(self) -> None:
        """Lets go of connections and ends the watches; the store is not used afterwards."""

    def leave(self) -> None:  # noqa: B027 (only a store in a file has to be left in order)
        """Does of `close` what a process may not end without, whatever its other threads do."""
