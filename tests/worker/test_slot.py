"""A slot's order of work: what is written when, between one job and the next."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from waiting import until

from labq.errors import StoreError
from labq.queue import Queue, leases
from labq.store import open_store
from labq.task import new
from labq.worker.guard import Guard
from labq.worker.options import Options
from labq.worker.shift import Shift
from labq.worker.slot import Slot

HOUR = "exec sleep 3600"


class Bench:
    """One slot, on a queue whose tasks are shell texts."""

    def __init__(self, uri, folder, **options):
        self.store = open_store(uri)
        self.queue = Queue(self.store, "q")
        go_by = Options(home=folder, uri=uri, lease=60, heartbeat=10, **options)
        self.ends = []
        self.shift = Shift(self.queue, {"queue": "q"}, go_by, self.ends.append, lambda _: None)
        self.guard = Guard()
        self.slot = Slot(self.shift, self.guard, 0)
        self.fault = None
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            self.slot.run()
        except StoreError as fault:
            self.fault = fault

    def run(self, *texts):
        """Begins to run these."""
        command = [["sh", "-c", text] for text in texts]
        self.queue.submit([new({}, cmd=words) for words in command])
        self._thread.start()

    def end(self):
        """Waits for the slot's end."""
        self._thread.join()
        self.guard.close()
        self.store.close()

    def task(self, number):
        return self.queue.get(str(number))

    def status(self, number):
        return self.task(number)["status"]


@pytest.fixture
def bench(uri, tmp_path):
    made = []

    def make(**options):
        made.append(Bench(uri, Path(tmp_path), **options))
        return made[-1]

    yield make
    for bench in made:
        bench.shift.stop()
        bench.end()


def test_a_success_is_written_while_the_next_job_runs(bench):
    at_work = bench()
    at_work.run("true", HOUR)
    until(lambda: at_work.status(1) == "success")
    assert at_work.status(2) == "running"
    assert [finished.became for finished in at_work.ends] == ["success"]
    assert at_work.task(2)["started_at"] <= at_work.task(1)["ended_at"]


def test_a_failure_is_written_before_the_next_claim(bench):
    at_work = bench()
    at_work.run("false", HOUR)
    until(lambda: at_work.status(2) == "running")
    assert at_work.status(1) == "failed"
    assert at_work.task(1)["ended_at"] <= at_work.task(2)["started_at"]


def test_a_success_waits_for_no_task_that_is_not_there(bench):
    at_work = bench(forever=True)
    at_work.run("true")
    until(lambda: at_work.status(1) == "success")
    assert not at_work.shift.stopping.is_set()


def test_the_last_success_is_written_though_the_worker_stops(bench):
    at_work = bench(max_tasks=1)
    at_work.run("true", "true")
    until(lambda: at_work.status(1) == "success")
    assert at_work.status(2) == "pending"


def test_the_next_job_is_stopped_and_given_back_where_a_success_cannot_be_written(
    bench, monkeypatch
):
    def away(*_given):
        raise StoreError("cannot reach it")

    monkeypatch.setattr(leases, "finish", away)
    at_work = bench(patience=0.0)
    monkeypatch.setattr(at_work.shift.keeper, "lease", 0.0)  # nothing is tried until its end
    at_work.run("true", HOUR)
    until(lambda: at_work.fault is not None)
    assert str(at_work.fault) == "cannot reach it"
    assert (at_work.status(1), at_work.status(2)) == ("running", "pending")
    assert [finished.became for finished in at_work.ends] == ["released"]
