"""A task that is an array: how many instances it has, and how they stand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labq.client.local_copy import Mirror
from labq.errors import ConflictError, UsageError
from labq.model.arrays import Array, array_of, parse_array, parse_indexes
from labq.model.task import TERMINAL, Document, Status
from labq.queue import Edit, groups
from labq.queue.edits import edit
from labq.queue.refusals import counted
from labq.queue.settings import require_room
from labq.values.batches import batches

if TYPE_CHECKING:
    from typing_extensions import Self

    from labq.client.client import Client

BATCH = 1000  # tasks per write
LEFT = {"$nin": [status.value for status in TERMINAL]}


class Instances(Mirror):
    """A task, or an array of them.

    A task that was submitted here as an array stands for all of it: its verbs, `save`, `wait` and
    `run` are about every instance, and it has `completed` or `succeeded` once all have. Its fields
    are those of the first instance. So does one that `get` found by the array's `uuid` or group, or
    by a name that all of it has and nothing else; any other stands for itself.
    """

    __slots__ = ("_array", "_members", "_ranged", "_whole")

    def __init__(
        self, client: Client, document: Document, *, there: bool, read_at: float | None = None
    ) -> None:
        super().__init__(client, document, there=there, read_at=read_at)
        self._array: Array | None = None  # that it is to be, or is
        self._ranged = False  # whether it was given as a range
        self._whole = False  # whether it stands for an array that is stored
        self._members: Document | None = None  # the query for that, where it was found

    def _as_found(self, members: Document | None) -> Self:
        """Itself, standing for all of these."""
        if members is not None:
            self._members, self._whole = members, True
        return self

    # what it is to be

    @property
    def instancecount(self) -> int:
        """How many instances it has; settable until it is submitted, and then not advanced_range.

        Raises:
            UsageError: set to what is no count, or beside an `advanced_range`.
        """
        if self._members is not None:
            return self._queue.count(self._stored())
        return self.count or 1 if self._array is None else self._array.count

    @instancecount.setter
    def instancecount(self, count: int) -> None:
        if isinstance(count, bool) or not isinstance(count, int):
            raise UsageError(f"instancecount must be a whole number, not {count!r}")
        if self._ranged:
            told = f"advanced_range is {self._array}: set it to None first"
            raise UsageError(f"give instancecount or advanced_range, not both ({told})")
        self._shape("instancecount", None if count == 1 else array_of(count))

    @property
    def advanced_range(self) -> str | None:
        """The indexes of its instances, such as "1,3-8,9": single ones and ranges, ends included.

        None where it is no array. Settable as `instancecount` is, and not beside one above 1.

        Raises:
            ArrayError: set to what is no range; a lone number is an index.
        """
        if self._whole or (self._there and self.index is not None):
            there = groups.indexes(self._queue.store, self._queue.name, str(self.group))
            return str(there) or None
        return str(self._array) if self._ranged else None

    @advanced_range.setter
    def advanced_range(self, text: str | None) -> None:
        if text is not None and not isinstance(text, str):
            raise UsageError(f"advanced_range must be such as '1,3-8,9', not {text!r}")
        if text is not None and self._array is not None and not self._ranged:
            told = f"instancecount is {self._array.count}: set it to 1 first"
            raise UsageError(f"give instancecount or advanced_range, not both ({told})")
        self._shape("advanced_range", None if text is None else parse_indexes(text), ranged=True)

    def _as_array(self, array: int | str | None) -> Self:
        """Itself, to be such an array: a count, or the text of `--array`."""
        if isinstance(array, str):
            self._shape("array", parse_array(array), ranged=True)
        elif array is not None:
            self.instancecount = array
        return self

    def _shape(self, name: str, array: Array | None, *, ranged: bool = False) -> None:
        self._refuse_if_submitted(name)
        self._array, self._ranged = array, ranged and array is not None

    # how its instances stand

    @property
    def running_instance_count(self) -> int:
        """How many instances of its array run; of a task that is no array, 0 or 1."""
        if self.group is None:
            return int(self.status == Status.RUNNING.value)
        return self._group_status.running_instances

    @property
    def running_core_count(self) -> float:
        """How many cpus those ask for that run: one each, where they do not say."""
        if self.group is None:
            return self.resources.get("cpus", 1) if self.status == Status.RUNNING.value else 0
        return self._group_status.running_cores

    @property
    def completed_instances(self) -> list[Self]:
        """The instances that have ended, by index: their attempts, summary and results."""
        if self._there and self.group is not None:
            members = groups.query_of(self._queue.name, self.group)
            found = self._queue.find({**members, **groups.ENDED}, sort=[("index", 1)])
            return [type(self)(self.client, document, there=True) for document in found]
        return [self] if self._there and self.completed else []

    @property
    def _group_status(self) -> groups.GroupStatus:
        self._stored()
        return groups.status(self._queue.store, self._queue.name, str(self.group))

    @property
    def completed(self) -> bool:
        """Whether it has ended, however it did; of an array, whether all of it has."""
        return self._none_is(LEFT) if self._whole else super().completed

    @property
    def succeeded(self) -> bool:
        """Whether it has ended as a success; of an array, whether all of it has."""
        return self._none_is({"$ne": Status.SUCCESS.value}) if self._whole else super().succeeded

    def _none_is(self, status: Document) -> bool:
        return not self._queue.count({**self._stored(), "status": status})

    @property
    def _ids(self) -> list[str]:
        if self._members is not None:
            return [task["_id"] for task in self._queue.find(self._members, fields=("_id",))]
        if self._whole and self._array is not None:
            return [task["_id"] for task in groups.instances({"_id": self._id}, self._array)]
        return super()._ids

    # in the store

    def _stored(self) -> Document:
        mine = super()._stored()
        if not self._whole or self._members is not None:
            return self._members or mine
        group = self._copy.document["group"]
        of_all = groups.query_of(self._queue.name, group)
        own = len(self._ids) == self._queue.count(of_all)  # else others have put theirs into it
        return of_all if own else {**of_all, "_id": {"$in": self._ids}}

    def _put(self, task: Document) -> Document:
        if self._array is not None:
            every = [*groups.instances(task, self._array, task.get("group"))]
        else:
            every = [task] if task["status"] == Status.DRAFT.value else [*groups.expanded(task)]
        if len(every) == 1 and self._array is None:
            return super()._put(task)
        store, name = self._queue.store, self._queue.name
        require_room(store, name, (one["_id"] for one in every))
        numbers: list[int] = []
        for batch in batches(every, BATCH):
            numbers += self._queue.submit(batch)
        return {**every[0], "number": numbers[0]}

    def _write(self, now: Document, edits: Sequence[Edit]) -> bool:
        if not self._whole:
            return super()._write(now, edits)
        report = edit(self._queue.store, self._stored(), edits)
        if report.refused:
            self._copy.drop()  # what is saved is no local change any more
            self._flush()
            done = report.changed + report.same
            total = done + report.refused.total()
            told = f"{done:,} of {total:,} instances are saved; {counted(report.refused)}"
            raise ConflictError(f"cannot save all of {self._called}: {told}")
        return True

    @property
    def _is_draft(self) -> bool:
        """Whether it is a draft, every instance of it."""
        if self._whole:
            return self._none_is({"$ne": Status.DRAFT.value})
        return self.status == Status.DRAFT.value

    @property
    def _folders(self) -> dict[str, Path]:
        """The folders of its tasks on this machine; those of an array by their indexes."""
        tasks = self.client.settings.home / "tasks"
        if not self._whole:
            return {"": tasks / self._id}
        found = self._queue.find(self._stored(), fields=("index", "number"))
        return {str(one.get("index", one["number"])): tasks / one["_id"] for one in found}

    def _became(self, document: Document) -> None:
        super()._became(document)
        self._members = None
        if "index" in document and (count := groups.replicas(document)) > 1:
            self._array = array_of(count)  # the one that its resources ask for
        self._whole = self._array is not None

    @property
    def _own_array(self) -> Array | None:
        """The array that a task like this one is to be; None where its resources say it.

        Raises:
            ConflictError: it stands for a group that is no array.
        """
        if groups.replicas(self._copy.document) > 1:
            return None
        if self._members is None:
            return self._array
        there = groups.indexes(self._queue.store, self._queue.name, str(self.group))
        if there.count != self.instancecount:
            raise ConflictError(f"group {self.group} is no array: start its tasks one by one")
        return there
