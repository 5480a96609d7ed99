"""Ends what the earlier attempts of a task have left running on this machine.

A worker ends its jobs, and its guard those of a worker that was killed. What outlives both, or has
left its job's process group, is found by the environment that it was started with.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labq.queue import Claim
from labq.store import Store

PATIENT = 1.0  # seconds until it is said that a killed process has not ended
LOOK = 0.05  # seconds between two questions whether to go on waiting


@dataclass(frozen=True)
class Earlier:
    """The earlier attempts of a task.

    The tokens are those that the store still has. A reset removes them, and only the newest 20 are
    kept: whatever runs for the task in this very store, by another token, is of one of them too.
    """

    task: Mapping[str, Any]
    uri: str
    token: str  # of the attempt that is about to begin
    records: tuple[Mapping[str, Any], ...] = ()

    def left(self, environ: bytes) -> bool:
        """Whether a process with this environment (as in /proc) is of an earlier attempt."""
        if b"LABQ_TOKEN=" not in environ:
            return False
        entries = set(environ.split(b"\0"))
        if any(b"LABQ_TOKEN=" + token in entries for token in self._tokens):
            return True
        same = os.fsencode(f"LABQ_TASK_ID={self.task['_id']}"), os.fsencode(f"LABQ_URI={self.uri}")
        own = os.fsencode(f"LABQ_TOKEN={self.token}")
        return entries.issuperset(same) and own not in entries

    @property
    def _tokens(self) -> list[bytes]:
        return [record["token"].encode() for record in self.records if "token" in record]


def earlier(store: Store, claim: Claim, uri: str) -> Earlier:
    """The attempts of a claim's task before the one that was claimed."""
    found = next(iter(store.find({"_id": claim.task["_id"]}, fields=("attempts",))), {})
    return Earlier(claim.task, uri, claim.token, tuple(found.get("attempts", ())))


def end(attempts: Earlier, say: Callable[[str], None], over: Callable[[], bool]) -> bool:
    """Kills what is left of these attempts, and waits until it is gone; False once it is `over`.

    It ends neither this process nor those above it: a worker may be part of a job itself. What may
    not be signalled is said, and left.
    """
    told = f"task {attempts.task['number']}"
    ended: set[int] = set()
    spared: set[int] = set()
    while processes := dict(_survivors(attempts, spared)):
        try:
            for pid, descriptor in processes.items():
                if _kill(pid, descriptor):
                    ended.add(pid)
                    continue
                spared.add(pid)
                say(f"{told}: process {pid} of an earlier attempt runs on: it may not be killed")
            mine = {pid: fd for pid, fd in processes.items() if pid not in spared}
            if not _gone(mine, lambda pids: say(f"{told}: waiting for {pids} to end"), over):
                return False
        finally:
            for descriptor in processes.values():
                os.close(descriptor)
    if ended:
        count = f"{len(ended)} processes" if len(ended) > 1 else "a process"
        say(f"{told}: ended {count} that an earlier attempt had left running")
    return True


def _survivors(attempts: Earlier, spared: set[int]) -> Iterator[tuple[int, int]]:
    """The processes that are left, each with a descriptor that stays its own."""
    if sys.platform == "darwin":
        _end_groups(attempts)
        return
    above: list[int] | None = None
    for name in os.listdir("/proc"):  # noqa: PTH208 - hundreds of names
        if not name.isdecimal() or not _carries(attempts, name):
            continue
        above = _line() if above is None else above
        pid = int(name)
        if pid in spared or pid in above or (_carries(attempts, "self") and _is_below(pid)):
            continue
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            if _carries(attempts, name):  # it is the same one still
                yield pid, descriptor
            else:
                os.close(descriptor)


def _carries(attempts: Earlier, name: str) -> bool:
    try:
        with open(f"/proc/{name}/environ", "rb", buffering=0) as file:  # noqa: PTH123 - the same
            return attempts.left(file.read())
    except (FileNotFoundError, PermissionError, ProcessLookupError):  # gone, or not ours to see
        return False


def _line(pid: int | None = None) -> list[int]:
    """A process, this one unless said, and those above it."""
    pid = os.getpid() if pid is None else pid
    found = []
    with suppress(OSError):
        while pid:
            found.append(pid)
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
            pid = int(stat.rpartition(")")[2].split()[1])
    return found


def _is_below(pid: int) -> bool:
    """Whether a process is this one's own, if that is part of the earlier attempt itself."""
    return os.getpid() in _line(pid)


def _kill(pid: int, descriptor: int) -> bool:
    """Kills a process, and the group that it leads; whether that was allowed."""
    try:
        signal.pidfd_send_signal(descriptor, 0)
        if pid not in {os.getpgid(one) for one in _line()}:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return True


def _gone(
    processes: Mapping[int, int], tell: Callable[[str], None], over: Callable[[], bool]
) -> bool:
    """Waits until all have ended, which a process in an uninterruptible wait may not for long."""
    running = {descriptor: pid for pid, descriptor in processes.items()}
    poller = select.poll()
    for descriptor in running:
        poller.register(descriptor, select.POLLIN)
    until = time.monotonic() + PATIENT
    while running:
        for descriptor, _ in poller.poll(LOOK * 1000):
            poller.unregister(descriptor)
            del running[descriptor]
        if running and over():
            return False
        if running and time.monotonic() >= until:
            until += 3600
            pids = ", ".join(map(str, sorted(running.values())))
            tell(f"process {pids} of an earlier attempt")
    return True


def _end_groups(attempts: Earlier) -> None:
    """Kills the process groups that lost attempts had here, where no environment can be read.

    Of a group only members that began after the attempt did: its number may be another's by now.
    """
    import socket
    import subprocess
    from datetime import datetime

    host = socket.gethostname()
    lost = {
        one["pid"]: one["started"].timestamp() - 1
        for one in attempts.records
        if one.get("host") == host and {"pid", "started"} <= one.keys() and "argv" not in one
    }
    if not lost:
        return
    command = ["/bin/ps", "-axo", "pid=,pgid=,lstart="]
    rows = subprocess.run(  # noqa: S603 - the system's own
        command, capture_output=True, text=True, check=False, env={"LC_ALL": "C"}
    ).stdout
    for row in rows.splitlines():
        pid, group, began = row.split(None, 2)
        if int(group) in lost and int(group) != os.getpgid(0):
            since = datetime.strptime(began.strip(), "%a %b %d %H:%M:%S %Y").timestamp()  # noqa: DTZ007
            if since >= lost[int(group)]:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(int(pid), signal.SIGKILL)
