"""What a worker has of its machine, what its tasks use of that, and whose turn it is."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labq.resources import KEYS, claimable, shown, shown_requirement

VISIBLE, ORDER, BY_BUS = "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "PCI_BUS_ID"
_MIB = 2**20


def machine(root: Path = Path("/")) -> dict[str, Any]:
    """The cpus, a number to the thousandth, and the bytes of memory that this process may use.

    The lower of what the machine has and what its control group and those above it allow. Source:
    Linux, "Control Group v2", cpu.max and memory.max; for version 1 "CFS Bandwidth Control" and
    "Memory Resource Controller".
    """
    affinity = getattr(os, "sched_getaffinity", None)  # macOS has none
    cpus = len(affinity(0)) if affinity else os.cpu_count() or 1
    thousandths = [cpus * 1000]
    memory = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for folder in _control_groups(root):
        thousandths += _share(_words(folder, "cpu.max"))
        thousandths += _share(
            _words(folder, "cpu.cfs_quota_us") + _words(folder, "cpu.cfs_period_us")
        )
        for name in ("memory.max", "memory.limit_in_bytes"):
            memory += [int(word) for word in _words(folder, name) if word.isdecimal()]
    return {"cpus": _cpus(max(1, min(thousandths))), "memory": min(memory)}


def _control_groups(root: Path) -> Iterator[Path]:
    """The folders of this process's control groups that limit cpu or memory, and all above them."""
    lines: list[str] = []
    with suppress(OSError):
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in {"", "cpu", "memory"}.intersection(controllers.split(",")):
            top = root / "sys/fs/cgroup" / controller
            # In a container the path may be the host's, of which only the top is to be seen.
            own = top / path.lstrip("/")
            yield own
            yield from (above for above in own.parents if above.is_relative_to(top))


def _words(folder: Path, name: str) -> list[str]:
    with suppress(OSError):
        return (folder / name).read_text().split()
    return []


def _share(words: Sequence[str]) -> list[int]:
    """The thousandths of a cpu that a quota and its period allow; none where it has no end."""
    if len(words) != 2 or not all(word.isdecimal() for word in words):  # noqa: PLR2004 ("max", -1)
        return []
    return [int(words[0]) * 1000 // int(words[1])]


def _cpus(thousandths: int) -> int | float:
    whole, rest = divmod(thousandths, 1000)
    return thousandths / 1000 if rest else whole


@dataclass(frozen=True, eq=False)
class Grant:
    """What one task may use, until it is given back.

    `gpus` are ids; None where the GPUs are not the worker's affair.
    """

    thousandths: int  # of a cpu, so that sums are exact
    memory: int  # bytes
    gpus: tuple[str, ...] | None

    def environment(self, outer: Mapping[str, str]) -> dict[str, str]:
        """The variables that tell the task's job which GPUs are its own.

        They are counted as nvidia-smi does, unless the `outer` environment says otherwise.
        """
        if self.gpus is None:
            return {}
        return {VISIBLE: ",".join(self.gpus), ORDER: outer.get(ORDER) or BY_BUS}


class Capacity:
    """What one worker has, and what its tasks use of it; safe from all of its threads."""

    def __init__(
        self,
        cpus: float | None = None,
        memory: int | None = None,
        gpus: Sequence[str] | None = None,
        *,
        gpus_per_task: int = 1,
        labels: Mapping[str, Any] | None = None,
    ) -> None:
        """Takes what is offered.

        Args:
            cpus: None is what the machine has.
            memory: bytes; None is what the machine has.
            gpus: ids, each once, given out with the lowest number first; None where the GPUs are
                not the worker's affair: it takes no task that asks for one.
            gpus_per_task: what a task gets that does not say, where there are GPUs.
            labels: as `claimable` has them.
        """
        has = machine() if cpus is None or memory is None else {}
        self._thousandths = round(1000 * (has["cpus"] if cpus is None else cpus))
        self._memory = int(has["memory"] if memory is None else memory)
        self._gpus = None if gpus is None else sorted(gpus, key=_place)
        self._each = gpus_per_task if gpus else 0
        self.labels = dict(labels or {})
        self._held: set[Grant] = set()
        self._books = threading.Lock()  # of `_held`
        self._turnstile = threading.Lock()

    @property
    def total(self) -> dict[str, Any]:
        """All that there is, as a task's resources: cpus, memory and, where it has them, gpus."""
        return self._amounts(())

    @property
    def whole(self) -> bool:
        """Whether no task uses any of it."""
        return self._free() == self.total

    def __str__(self) -> str:
        """In words: `cpus=8 memory=64200Mi gpus=2 gpu=a100`."""
        total = self.total
        total["memory"] = total["memory"] // _MIB * _MIB or total["memory"]
        labels = [
            shown_requirement({"key": key, "op": "=", "value": value})
            for key, value in self.labels.items()
        ]
        return " ".join([shown(total), *labels])

    def asked(self, task: Mapping[str, Any]) -> str:
        """What a task asks for, in words: `gpus=4 vram>=40Gi`."""
        amounts = {"gpus": self._each} if self._each else {}
        amounts.update({key: amount for key, amount in task.get("resources", {}).items() if amount})
        return " ".join([shown(amounts), *map(shown_requirement, task.get("require", ()))]).strip()

    def query(self) -> dict[str, Any]:
        """The query for the tasks that what is free now is enough for."""
        return self._query(self._free())

    def whole_query(self) -> dict[str, Any]:
        """The query for the tasks that the whole is enough for."""
        return self._query(self.total)

    def _query(self, amounts: Mapping[str, Any]) -> dict[str, Any]:
        query = claimable(amounts, self.labels)
        if amounts.get("gpus", 0) >= self._each:
            return query
        return {"$and": [*query["$and"], {"resources.gpus": {"$exists": True}}]}

    def lacking(self, task: Mapping[str, Any]) -> list[str]:
        """The resources of which a task asks for more than is free."""
        free = self._free()
        asked = {"gpus": self._each, **task.get("resources", {})}
        return [key for key in asked if key in KEYS and asked[key] > free.get(key, 0)]

    @contextmanager
    def claiming(self) -> Iterator[None]:
        """Held by a slot from its `query` to its `take`: what is free can only grow meanwhile."""
        with self._turnstile:
            yield

    def take(self, task: Mapping[str, Any]) -> Grant:
        """What a task may use that was claimed by `query`, within the same `claiming`.

        Raises:
            ValueError: more than is free; nothing is taken.
        """
        asked = task.get("resources", {})
        count = asked.get("gpus", self._each)
        with self._books:
            free = self._amounts(self._held)
            wanted = {key: asked.get(key, 0) for key in ("cpus", "memory")} | {"gpus": count}
            if any(wanted[key] > free.get(key, 0) for key in wanted):
                raise ValueError(f"{shown(wanted)} is more than is free: {shown(free)}")
            ids = None if self._gpus is None else tuple(self._idle(self._held)[:count])
            grant = Grant(round(wanted["cpus"] * 1000), wanted["memory"], ids)
            self._held.add(grant)
        return grant

    def give(self, grant: Grant) -> None:
        """Takes a grant back; one that is back already is left."""
        with self._books:
            self._held.discard(grant)

    def _free(self) -> dict[str, Any]:
        with self._books:
            return self._amounts(self._held)

    def _amounts(self, held: Collection[Grant]) -> dict[str, Any]:
        """What is left beside the grants."""
        amounts: dict[str, Any] = {
            "cpus": _cpus(self._thousandths - sum(grant.thousandths for grant in held)),
            "memory": self._memory - sum(grant.memory for grant in held),
        }
        return amounts if self._gpus is None else {**amounts, "gpus": len(self._idle(held))}

    def _idle(self, held: Collection[Grant]) -> list[str]:
        """The ids of the GPUs that none of the grants has."""
        used = {one for grant in held for one in grant.gpus or ()}
        return [one for one in self._gpus or () if one not in used]


def _place(gpu: str) -> tuple[bool, int]:
    """Numbers by their value, before names in the order in which they were given."""
    return (False, int(gpu)) if gpu.isdecimal() else (True, 0)


class Turn:
    """Whose turn it is: a large task is not overtaken for ever by small ones that fit at once.

    A task that the whole machine is enough for, but not what is free, is waited for once it has
    been the first of its kind for `patience` seconds: until then whatever fits may run, from then
    on what comes no later in claim order, or asks for nothing that the task lacks, so that room
    gathers and the rest is not idle. It knows no clock: times are the caller's, monotonic seconds.
    """

    def __init__(self, patience: float = 15.0) -> None:
        self._patience = patience
        self._first: Any = None  # its _id
        self._since = 0.0
        self._query: dict[str, Any] = {}

    def see(self, first: Mapping[str, Any] | None, lacking: Sequence[str], now: float) -> None:
        """Takes note of the first such task at `now`: _id, priority, number; None is none.

        `lacking` names the resources of which it asks for more than is free.
        """
        identity = None if first is None else first["_id"]
        if identity != self._first:
            self._first, self._since = identity, now
        self._query = {}
        if first is not None and now - self._since >= self._patience:
            level, number = first["priority"], first["number"]
            sooner = [{"priority": {"$gt": level}}, {"priority": level, "number": {"$lte": number}}]
            aside = {f"resources.{key}": {"$in": [None, 0]} for key in lacking}
            self._query = {"$or": [*sooner, *([aside] if aside else [])]}

    def query(self) -> dict[str, Any]:
        """The query for the tasks that may be claimed; empty where all may."""
        return self._query
