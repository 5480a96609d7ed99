"""Where a store may forget (journal=false), a worker remembers the ends that it wrote of late."""

from __future__ import annotations

import uuid

import pytest
from waiting import until

from labq.model.task import new
from labq.queue import Ending, Queue, WorkerName, claims, recovery
from labq.queue.claims import End
from labq.store import open_store
from labq.worker import recent
from labq.worker.recent import Recent

ME = WorkerName("w", "h")
DONE = Ending(succeeded=True, record={"exit_code": 0})
FAILED = Ending(succeeded=False, reason="exit code 1", record={"exit_code": 1})


@pytest.fixture
def uri(lone_mongod):
    return f"{lone_mongod}test_{uuid.uuid4().hex[:12]}?journal=false"


@pytest.fixture
def queue(uri):
    store = open_store(uri)
    yield Queue(store, "default")
    store._client.drop_database(store._tasks.database.name)
    store.close()


def forget(queue, recent, write, ending, lease=60, **fields):
    """Claims a task, ends it, and has the store as a crash between the two leaves it."""
    queue.submit([new({}, **fields)])
    claim = claims.claim(queue.store, {"queue": "default"}, ME, lease)
    (before,) = queue.store._tasks.find({})
    status = write(queue.store, claim, ending)
    recent.note(End(write, claim, ending))
    queue.store._tasks.replace_one({"_id": before["_id"]}, before)
    assert queue.get("1")["status"] == "running"
    return status


@pytest.mark.parametrize(
    ("write", "ending", "fields"),
    [
        (claims.finish, DONE, {}),
        (claims.finish, FAILED, {}),
        (claims.finish, FAILED, {"max_retries": 1, "retry_delay": 0}),
        (claims.release, FAILED, {}),
        (claims.cancel, FAILED, {}),
    ],
)
def test_an_end_that_the_store_forgot_is_written_again(queue, write, ending, fields):
    ends = Recent(queue.store)
    status = forget(queue, ends, write, ending, **fields)
    assert ends.restore() == 1
    task = queue.get("1")
    assert (task["status"], len(task["attempts"]), "lease" in task) == (status.value, 1, False)
    assert "crashes" not in task
    assert ends.restore() == 0


def test_a_worker_is_not_blamed_for_what_the_store_forgot(queue):
    ends = Recent(queue.store)
    forget(queue, ends, claims.finish, DONE, lease=0.001)
    until(lambda: recovery.recover(queue.store, "default"))
    assert queue.get("1")["crashes"] == 1
    assert ends.restore() == 0
    task = queue.get("1")
    assert (task["status"], task["crashes"]) == ("pending", 0)
    told = "its end was written, and a crash of the store undid that"
    assert [one["reason"] for one in task["attempts"]] == [told]
    ends.restore()
    assert queue.get("1")["crashes"] == 0  # once


def test_a_worker_that_was_lost_before_is_still_counted(queue):
    ends = Recent(queue.store)
    queue.submit([new({})])
    claims.claim(queue.store, {"queue": "default"}, ME, 0.001)
    until(lambda: recovery.recover(queue.store, "default"))
    claim = claims.claim(queue.store, {"queue": "default"}, ME, 60)
    ends.note(End(claims.finish, claim, DONE))
    claims.finish(queue.store, claim, DONE)
    assert ends.restore() == 0
    task = queue.get("1")
    assert (task["crashes"], task["attempts"][0]["reason"]) == (1, "worker w was lost")


def test_what_is_in_the_journal_for_certain_is_forgotten_here(queue, monkeypatch):
    monkeypatch.setattr(recent, "SURE", 0.0)
    ends = Recent(queue.store)
    forget(queue, ends, claims.finish, DONE)
    assert ends.unsure
    ends.restore()
    assert not ends.unsure


def test_nothing_is_noted_of_a_store_that_forgets_nothing(lone_mongod, tmp_path):
    for uri in (f"sqlite:{tmp_path}/labq.db", lone_mongod):
        store = open_store(uri)
        ends = Recent(store)
        ends.note(End(claims.finish, claims.Claim({}, "", ME), DONE))
        assert not ends.unsure
        store.close()
