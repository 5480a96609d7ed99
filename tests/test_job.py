"""`labq.report`, from inside a job and outside of one."""

from __future__ import annotations

import math

import pytest

import labq
from labq import job
from labq.errors import ArgsError, ConflictError
from labq.queue import Ending, Queue, WorkerName, leases
from labq.store import open_store
from labq.task import new


@pytest.fixture(autouse=True)
def fresh():
    real = job._queue
    yield
    real.cache_clear()
    job._outside.cache_clear()


@pytest.fixture
def claim(uri, monkeypatch):
    """A claimed task, and the environment that its job finds."""
    store = open_store(uri)
    Queue(store, "q").submit([new({})])
    granted = leases.claim(store, {"queue": "q"}, WorkerName("w", "h"), 60)
    monkeypatch.setenv("LABQ_TASK_ID", granted.task["_id"])
    monkeypatch.setenv("LABQ_TOKEN", granted.token)
    monkeypatch.setenv("LABQ_URI", uri)
    monkeypatch.setenv("LABQ_QUEUE", "q")
    monkeypatch.setattr("labq.store.open_store", lambda _uri: store)
    yield Queue(store, "q"), granted
    store.close()


class Array:
    """As NumPy and PyTorch have it."""

    def __init__(self, value):
        self.value = value

    def tolist(self):
        return self.value


def test_values_are_merged_into_the_summary(claim):
    queue, _ = claim
    labq.report(acc=0.5, by={"epoch": 1})
    labq.report(acc=Array(0.75), by={"loss": Array([1.0, math.inf])}, bad=math.nan)
    summary = {"acc": 0.75, "by": {"epoch": 1, "loss": [1.0, "inf"]}, "bad": "nan"}
    assert queue.get("1")["summary"] == summary


def test_what_cannot_be_stored_is_refused(claim):
    with pytest.raises(ArgsError):
        labq.report(thing=object())


def test_a_lost_lease_refuses_the_report(claim):
    queue, granted = claim
    leases.finish(queue.store, granted, Ending(succeeded=True))
    with pytest.raises(ConflictError, match=r"^the report is refused"):
        labq.report(acc=1)


def test_outside_of_a_task_it_warns_once_and_does_nothing():
    with pytest.warns(UserWarning, match="^labq.report: this process is not a labq task"):
        labq.report(acc=1)
    labq.report(acc=2)  # a second warning would be an error
    assert job._outside.cache_info().currsize == 1


def test_a_store_that_cannot_be_reached_is_tried_again_and_then_a_warning(monkeypatch):
    from labq.errors import StoreError

    tries = []

    class Down:
        def report(self, *_args):
            tries.append(1)
            raise StoreError("it is down")

    monkeypatch.setenv("LABQ_TASK_ID", "x")
    monkeypatch.setenv("LABQ_URI", "u")
    monkeypatch.setenv("LABQ_QUEUE", "q")
    monkeypatch.setattr(job, "_queue", lambda *_: Down())
    monkeypatch.setattr(job.time, "sleep", lambda _seconds: None)
    clock = iter(range(0, 1000, 20))
    monkeypatch.setattr(job.time, "monotonic", lambda: next(clock))
    with pytest.warns(UserWarning, match=r"^labq.report: \{'acc': 1\} is not stored: it is down$"):
        labq.report(acc=1)
    assert len(tries) == 3
