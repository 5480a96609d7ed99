"""Tasks are removed in parts; who cuts that short is told how many are gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from waiting import until

from labq.errors import StoreError
from labq.model.task import new
from labq.queue import Queue, recovery, retention, settings
from labq.queue.removal import PART, remove
from labq.store import Change, Now, open_store

MANY = 3 * PART + 10
Q = {"queue": "q"}


def ended(queue, count=MANY, **fields):
    """So many tasks that are a success."""
    queue.submit([new({"x": at}, **fields) for at in range(count)])
    queue.store.update(Q, Change(set={"status": "success", "ended_at": Now(-5)}, inc={"rev": 1}))


def failing(store, monkeypatch, fault, after=2):
    """Has the store fail, after so many parts."""
    whole, parts = store.delete, []

    def delete(query):
        parts.append(query)
        if len(parts) > after:
            raise fault
        return whole(query)

    monkeypatch.setattr(store, "delete", delete)


REMOVALS = {
    "delete": lambda queue: queue.delete(Q),
    "queue delete": lambda queue: settings.delete(queue.store, "q"),
    "sweep": lambda queue: queue.sweep(),
}


@pytest.mark.parametrize("name", REMOVALS)
def test_all_of_them_go(queue, name):
    ended(queue, retention={"ttl": 1})
    done = REMOVALS[name](queue)
    assert getattr(done, "expired", done) == MANY
    assert queue.count(Q) == 0


@pytest.mark.parametrize("name", REMOVALS)
def test_who_interrupts_it_is_told_how_many_are_gone(queue, monkeypatch, name):
    ended(queue, retention={"ttl": 1})
    failing(queue.store, monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt, match=rf"^500 of {MANY} tasks are removed$"):
        REMOVALS[name](queue)
    assert queue.count(Q) == MANY - 2 * PART


@pytest.mark.parametrize("name", REMOVALS)
def test_an_outage_in_the_middle_says_how_many_are_gone(queue, monkeypatch, name):
    ended(queue, retention={"ttl": 1})
    failing(queue.store, monkeypatch, StoreError("it is away"))
    with pytest.raises(StoreError, match=rf"^it is away; 500 of {MANY} tasks are removed$"):
        REMOVALS[name](queue)
    assert queue.count(Q) == MANY - 2 * PART


def test_a_store_that_is_away_at_once_has_removed_nothing_to_tell_of(queue, monkeypatch):
    ended(queue, 3)
    failing(queue.store, monkeypatch, StoreError("it is away"), after=0)
    with pytest.raises(StoreError, match=r"^it is away$"):
        remove(queue.store, Q)


def test_others_write_between_the_parts(queue, monkeypatch):
    ended(queue)
    whole = queue.store.delete

    def delete(query):
        queue.submit([new({}, name="later")])
        return whole(query)

    monkeypatch.setattr(queue.store, "delete", delete)
    assert remove(queue.store, Q) == MANY
    assert {task["name"] for task in queue.find(Q)} == {"later"}


def test_what_no_longer_matches_stays(queue, monkeypatch):
    ended(queue)
    whole = queue.store.delete

    def delete(query):
        queue.store.update({"queue": "q", "number": MANY}, Change(set={"status": "running"}))
        return whole(query)

    monkeypatch.setattr(queue.store, "delete", delete)
    assert queue.delete(Q) == MANY - 1
    assert [task["number"] for task in queue.find(Q)] == [MANY]


def test_a_sweep_removes_the_oldest_first_and_no_more_than_its_limit(queue):
    queue.submit([new({}, retention={"ttl": 1}) for _ in range(5)])
    for number in range(1, 6):
        done = Change(set={"status": "success", "ended_at": Now(-100 + number)})
        queue.store.update({"queue": "q", "number": number}, done)
    assert recovery.expire(queue.store, "q", 2) == 2
    assert [task["number"] for task in queue.find(Q)] == [3, 4, 5]


def test_room_is_made_in_parts(queue, monkeypatch):
    ended(queue, retention={"auto_delete": True})
    settings.update(queue.store, "q", {"max_tasks": MANY})
    failing(queue.store, monkeypatch, StoreError("it is away"), after=9)
    new_tasks = [new({}) for _ in range(2 * PART + 1)]
    queue.submit(new_tasks)
    assert queue.count(Q) == MANY
    assert retention.removable(queue.store, "q") == PART + 9


@pytest.mark.parametrize(
    ("number", "code", "how"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_ends_a_removal_that_says_how_many_are_gone(uri, number, code, how):
    store = open_store(uri)
    queue = Queue(store, "q")
    total = 20 * PART
    queue.submit([new({}) for _ in range(total)])
    argv = [sys.executable, "-m", "labq", "task", "delete", "-f", "{}", "--yes", "--queue", "q"]
    environment = {**os.environ, "LABQ_URI": uri}
    with subprocess.Popen(argv, env=environment, stderr=subprocess.PIPE, text=True) as command:
        until(lambda: queue.count(Q) < total)
        command.send_signal(number)
        _, said = command.communicate(timeout=60)
    gone = total - queue.count(Q)
    assert (command.returncode, gone < total) == (code, True), said
    assert said.split("\n")[-2] == f"labq: {how}: {gone:,} of {total:,} tasks are removed"
    store.close()
