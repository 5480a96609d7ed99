"""Worker processes by the handful, killed and replaced while the tasks run."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import servers
from pymongo import MongoClient
from waiting import until

from labq.queue import Queue

# How many tasks a run has: few where the suite runs, as many as is said for the long run.
TASKS = int(os.environ.get("LABQ_TEST_TASKS", "200"))
LEASE = {"LABQ_LEASE": "2s", "LABQ_HEARTBEAT": "300ms"}
APPEND = 'echo "$LABQ_TASK_NUMBER $LABQ_ATTEMPT" >> effects'
NEVER_PAST = 600.0  # seconds: a run that takes longer has lost something


class Fleet:
    """So many workers that wait for tasks of one queue, and run a shell command for each."""

    def __init__(
        self, uri: str, folder: Path, count: int, command: str = APPEND, **env: str
    ) -> None:
        self._folder, self._command = folder, command
        self._environment = {
            **os.environ,
            **LEASE,
            "LABQ_URI": uri,
            "LABQ_HOME": str(folder / "home"),
            **env,
        }
        self._log = open(folder / "workers.log", "w")
        self._told = open(folder / "told", "a")  # of each attempt, as JSON
        self.workers: list[subprocess.Popen[bytes]] = []
        self.pids: list[int] = []
        for _ in range(count):
            self.start()

    def start(self) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "labq", "worker", "run", "-q", "--json", "--forever"]
        worker = subprocess.Popen(
            [*argv, "--grace", "1s", "--", "sh", "-c", self._command],
            env=self._environment,
            cwd=self._folder,
            stdout=self._told,
            stderr=self._log,
        )
        self.workers.append(worker)
        self.pids.append(worker.pid)
        return worker

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Runs a Python program in their place, to its end."""
        argv = [sys.executable, "-c", f"import os\n{script}"]
        return subprocess.run(
            argv, env=self._environment, cwd=self._folder, stdout=subprocess.PIPE, text=True
        )

    def kill_one(self, chance: random.Random) -> None:
        """SIGKILLs any one of them and puts another in its place."""
        victim = self.workers.pop(chance.randrange(len(self.workers)))
        victim.kill()
        victim.wait()
        self.start()

    @property
    def said(self) -> str:
        """What all of them have said on stderr."""
        return (self._folder / "workers.log").read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for worker in self.workers:
            worker.terminate()
        codes = [worker.wait(timeout=60) for worker in self.workers]
        self._log.close()
        self._told.close()
        self.codes = codes


def ended(queue: Queue) -> bool:
    return not queue.count({"status": {"$in": ["pending", "running", "waiting"]}})


def until_all_end(queue: Queue) -> None:
    until(lambda: ended(queue), seconds=NEVER_PAST)


def check_books(queue: Queue, folder: Path, count: int) -> None:
    """Every task ended success, once; every effect belongs to one granted attempt."""
    tasks = list(queue.find({"queue": "default"}))
    assert len(tasks) == count
    assert {task["status"] for task in tasks} == {"success"}
    assert not [task for task in tasks if "lease" in task]
    lines = (folder / "effects").read_text().splitlines()
    effects = [tuple(map(int, line.split())) for line in lines]
    assert len(effects) == len(set(effects))  # no attempt ran twice
    granted = {(task["number"], n) for task in tasks for n in range(1, task["attempt"] + 1)}
    assert set(effects) <= granted
    assert {(task["number"], task["attempt"]) for task in tasks} <= set(effects)
    for task in tasks:
        succeeded = [one for one in task["attempts"] if one.get("exit_code") == 0]
        assert len(succeeded) == 1
        assert succeeded[0]["attempt"] == task["attempt"]


def nothing_is_left(queue: Queue, folder: Path) -> None:
    """No process of these workers, no record of one once its lease is over."""
    until(lambda: queue.sweep() and not list(queue.store.workers.find({})))
    assert not of_folder(folder)


def of_folder(folder: Path) -> list[int]:
    """The processes that labq started with its home below this folder."""
    mark = f"LABQ_HOME={folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                if mark in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


class ReplicaSet:
    """Three mongods that elect a primary among them."""

    def __init__(self, folder: Path) -> None:
        self._folders = [folder / f"node{number}" for number in range(3)]
        started = [servers.start(one, "rs", alone=True) for one in self._folders]
        self.pids = [pid for pid, _ in started]
        self.ports = [port for _, port in started]
        hosts = [f"127.0.0.1:{port}" for port in self.ports]
        self.uri = f"mongodb://{','.join(hosts)}/chaos?replicaSet=rs"
        members = [{"_id": at, "host": host} for at, host in enumerate(hosts)]
        settings = {"electionTimeoutMillis": 2000}
        whole = {"_id": "rs", "members": members, "settings": settings}
        with self._client(0) as client:
            client.admin.command("replSetInitiate", whole)
        until(self.primary, seconds=60)

    def _client(self, at: int) -> MongoClient:
        host = f"127.0.0.1:{self.ports[at]}"
        return MongoClient(host, directConnection=True, serverSelectionTimeoutMS=3000)

    def primary(self) -> str:
        """The number of the primary's node as a text; empty where there is none."""
        for at in range(3):
            try:
                with self._client(at) as client:
                    if client.admin.command("hello").get("isWritablePrimary"):
                        return str(at)
            except servers.ConnectionFailure:  # noqa: PERF203 - the next one may answer
                continue
        return ""

    def step_down(self) -> None:
        """Has the primary give up its place for a while."""
        with self._client(int(self.primary())) as client:
            client.admin.command("replSetStepDown", 10, force=True)

    def signal(self, number: int, *nodes: int) -> None:
        for at in nodes or range(3):
            os.kill(self.pids[at], number)

    def restart(self, at: int) -> None:
        self.pids[at], _ = servers.start(self._folders[at], "rs", self.ports[at], alone=True)


def pause(seconds: float) -> None:
    """Lets the workers work for a while before the next blow."""
    time.sleep(seconds)
