from __future__ import annotations

import os
import signal
import threading

import pytest

from labq.inprocess.run import _ON as ON
from labq.job import context
from labq.model.task import new
from labq.queue import Queue
from labq.store import open_store


@pytest.fixture
def queue(uri, monkeypatch, tmp_path):
    """The queue that `labq.loop` takes its tasks from."""
    monkeypatch.setenv("LABQ_URI", uri)
    monkeypatch.setenv("LABQ_HOME", str(tmp_path / "home"))
    store = open_store(uri)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield Queue(store, "default")
    for run in list(ON):
        run.close()
    if context.queue.cache_info().currsize:
        context.queue(uri, "default", os.getpid()).store.close()
        context.queue.cache_clear()
    store.close()
    for number, handler in before.items():  # labq.on_stop leaves its own
        signal.signal(number, handler)


@pytest.fixture
def submit(queue):
    def submit(*args, **fields):
        return queue.submit([new(one, **fields) for one in args or ({},)])

    return submit


@pytest.fixture
def killed(monkeypatch):
    """Set when the process would have been killed."""
    event = threading.Event()
    real = os.kill

    def kill(pid, number):
        if number == signal.SIGKILL:
            assert pid == os.getpid()
            event.set()
        else:
            real(pid, number)

    monkeypatch.setattr(os, "kill", kill)
    return event
