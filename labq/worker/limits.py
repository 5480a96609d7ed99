"""What the machine gives this process, and what is said when that is used up."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from labq.errors import LabqError

SPENT = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM})
BASE, EACH = 32, 10  # descriptors that a worker has open, and those of a slot that starts a job


class ExhaustedError(LabqError):
    """The machine has no more to give: no fault of the task that wanted it."""


def exhausted(fault: BaseException | None) -> ExhaustedError | None:
    """A failure that says that something is used up, as that; None for any other."""
    if isinstance(fault, ExhaustedError):
        return fault
    if isinstance(fault, RuntimeError) and "can't start new thread" in str(fault):
        return ExhaustedError(_told(errno.EAGAIN))
    if isinstance(fault, MemoryError):
        return ExhaustedError(_told(errno.ENOMEM))
    if isinstance(fault, ImportError):  # Python finds no module where it cannot open a folder
        try:
            os.close(os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            return exhausted(error)
    if isinstance(fault, OSError) and fault.errno in SPENT:
        return ExhaustedError(_told(fault.errno))
    return exhausted(fault.__cause__) if isinstance(fault, LabqError) else None


@contextmanager
def sparing() -> Iterator[None]:
    """Turns such failures into an ExhaustedError."""
    try:
        yield
    except (OSError, RuntimeError, MemoryError, ImportError) as fault:
        raise exhausted(fault) or fault from None


def provide(slots: int) -> int | None:
    """Raises the soft limit of descriptors to what a worker of so many slots needs.

    Returns the limit that its jobs are to have, where that is another than its own.

    Raises:
        LabqError: it may not have so many.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = BASE + EACH * slots
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return None
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    except (ValueError, OSError):
        have = soft if hard == resource.RLIM_INFINITY else hard
        fewer = (have - BASE) // EACH
        who = f"{slots} slots need" if slots > 1 else "a job needs"
        raise LabqError(
            f"{who} {needed:,} file descriptors, and there may be {have:,} at most (ulimit -Hn): "
            f"raise that{f', or use at most {fewer} slots' * (fewer > 0)}"
        ) from None
    return soft


def _told(number: int) -> str:
    """What is used up, and which limit it is."""
    if number == errno.EMFILE:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return f"all {most:,} file descriptors of this process are in use (ulimit -n)"
    if number == errno.ENFILE:
        return "all file descriptors of the machine are in use (sysctl fs.file-max)"
    if number == errno.ENOMEM:
        return "no memory is left"
    user, groups = resource.getrlimit(resource.RLIMIT_NPROC)[0], _pids()
    limits = [f"ulimit -u: {user:,}"] if user != resource.RLIM_INFINITY else []
    limits += [f"pids.max: {min(groups):,}"] if groups else []
    told = "no process or thread can be started: no memory is left, or no more are allowed"
    return f"{told} ({', '.join(limits)})" if limits else told


def _pids() -> list[int]:
    """How many processes the control groups of this one may have."""
    found = []
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if "pids" in controllers.split(",") or not controllers:
                own = Path("/sys/fs/cgroup", controllers, path.lstrip("/"))
                for folder in (own, *own.parents):
                    with suppress(OSError, ValueError):  # "max" is no limit
                        found.append(int((folder / "pids.max").read_text()))
    return found
