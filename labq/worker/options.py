"""What a worker goes by, and what it tells of its work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from labq.command.template import Template
from labq.queue.claims import RETRY

if TYPE_CHECKING:
    from labq.queue.hooks import Hook

CONSECUTIVE = 10  # tasks in a row whose failure looks like a broken machine's


@dataclass(frozen=True)
class Options:
    """What a worker goes by; durations in seconds, memory in bytes."""

    home: Path
    uri: str
    lease: float
    heartbeat: float
    template: Template | None = None  # None: each task's own `cmd`
    slots: int = 1
    forever: bool = False
    max_tasks: int | None = None
    max_failures: int | None = None  # failed attempts after which it claims no more
    max_start_failures: int = 3  # tasks in a row that could not be started
    max_consecutive_failures: int | None = CONSECUTIVE  # tasks in a row that failed; None: no limit
    idle_timeout: float | None = None  # how long it waits for work; it does not end before
    time_limit: float | None = None  # how long it may work in all
    grace: float = 10.0
    patience: float = 60.0  # how long the store may be away before the worker gives up
    cpus: float | None = None  # None: what the machine has
    memory: int | None = None  # the same
    gpus: Sequence[str] | None = None  # the ids given to CUDA_VISIBLE_DEVICES; None: not its affair
    gpus_per_task: int = 1  # of a task that does not say
    labels: Mapping[str, Any] = field(default_factory=dict)
    on_lost: str = RETRY  # what becomes of its tasks where it is lost: RETRY or CANCEL
    checkout: bool = False  # whether each job runs in the tree that its task came from
    venv: bool = False  # whether each job runs with the packages that its task was submitted with
    hook: Hook | None = None  # run for each task that ends, beside the queue's own
    follow: Mapping[str, IO[bytes]] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished:
    """One attempt's end, for the person who watches."""

    task: dict[str, Any]
    became: str  # "success", "failed", "retried", "released", "cancelled" or "lost"
    reason: str = ""
    wall: float = 0.0
    unstarted: bool = False
    code: int | None = None  # the job's exit code, as shells have it: 128 and the signal


@dataclass
class Tally:
    """What became of the attempts of one worker."""

    by_status: dict[str, int] = field(default_factory=dict)
    stopped_by: int = 0  # the signal, if one did
    row: set[str] = field(default_factory=set)  # ids of the tasks that failed since a success
    unstarted: set[str] = field(default_factory=set)  # those since that could not be started
    gave_up: str = ""  # why it stopped for its tasks' failures

    @property
    def failures(self) -> int:
        """Failed attempts."""
        return self.by_status.get("failed", 0) + self.by_status.get("retried", 0)
