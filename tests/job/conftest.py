from __future__ import annotations

import os
import subprocess
import sys

import pytest

from labq.job import callbacks, context, meter, stop
from labq.model.task import new
from labq.queue import Queue, WorkerName, claims
from labq.store import open_store


@pytest.fixture(autouse=True)
def fresh():
    """Nothing of an earlier task is remembered."""
    yield
    for memory in (context.queue, context._asked_outside, meter._meter, stop._look):
        memory.cache_clear()
    callbacks._WANTED.clear()


@pytest.fixture
def start(uri, monkeypatch):
    """Claims a new task with these args; this process is its job from then on."""
    store = open_store(uri)
    monkeypatch.setattr("labq.store.open_store", lambda _uri: store)

    def start(args=None, **fields):
        queue = Queue(store, "q")
        queue.submit([new(args or {}, **fields)])
        granted = claims.claim(store, {"queue": "q"}, WorkerName("w", "h"), 60)
        monkeypatch.setenv("LABQ_TASK_ID", granted.task["_id"])
        monkeypatch.setenv("LABQ_TOKEN", granted.token)
        monkeypatch.setenv("LABQ_URI", uri)
        monkeypatch.setenv("LABQ_QUEUE", "q")
        return queue, granted

    yield start
    store.close()


@pytest.fixture
def claim(start):
    """A claimed task, and the environment that its job finds."""
    return start()


@pytest.fixture
def run_python():
    """Runs a program as the job of the task that was started."""

    def run(code):
        command = [sys.executable, "-W", "error", "-c", code]
        return subprocess.run(command, env=os.environ, check=False, capture_output=True, text=True)

    return run
