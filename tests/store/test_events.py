"""The log of what becomes of tasks: all of it once, in each task's order, whenever one looks."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest
from making import task

from labq.errors import UsageError
from labq.store import Change, Now, open_store

STATUSES = ["draft", "waiting", "pending", "running", "success", "failed", "cancelled"]
WRITERS = 4


def move(store, identity, status, **values):
    change = Change(set={"status": status, "modified_at": Now(), **values}, inc={"rev": 1})
    return store.update_first({"_id": identity}, change)


def told(events):
    return [(event["number"], event.get("from"), event["to"]) for event in events]


def test_each_change_of_a_status_is_one_event(store):
    one = task()
    store.insert("q", [one])
    lease = {"token": "t", "worker": "w", "expires_at": Now(60)}
    claim = Change(set={"status": "running", "lease": lease}, inc={"attempt": 1, "rev": 1})
    store.update_first({"queue": "q", "status": "pending"}, claim)
    store.update({"queue": "q"}, Change(set={"summary.acc": 1, "modified_at": Now()}))
    record = {"ended": Now()}
    done = {"status": "failed", "reason": "exit code 1", "ended_at": Now()}
    store.update_first(
        {"_id": one["_id"]}, Change(set=done, push={"attempts": record}, unset=("lease",))
    )
    store.update({"queue": "q"}, Change(set={"status": "failed"}))  # it is that already
    store.delete({"queue": "q"})
    events = list(store.events("q"))
    shared = {"task": one["_id"], "number": 1, "queue": "q"}
    tokens = [event.pop("token") for event in events]
    times = [event.pop("at") for event in events]
    assert events == [
        {**shared, "to": "pending", "attempt": 0},
        {**shared, "from": "pending", "to": "running", "attempt": 1, "worker": "w"},
        {**shared, "from": "running", "to": "failed", "attempt": 1, "worker": "w"}
        | {"reason": "exit code 1"},
        {**shared, "from": "failed", "to": "deleted", "attempt": 1},
    ]
    assert len(set(tokens)) == 4
    assert times == sorted(times)
    assert all(moment.microsecond % 1000 == 0 for moment in times)
    assert abs((store.now() - times[0]).total_seconds()) < 60


def test_a_task_that_is_stored_again_after_its_removal_is_new_again(store):
    one = task(created_at=Now())
    for _ in range(2):
        store.insert("q", [one])
        store.delete({"queue": "q"})
    store.insert("q", [one])
    ways = [(None, "pending"), ("pending", "deleted")] * 2 + [(None, "pending")]
    events = list(store.events("q"))
    assert [(event.get("from"), event["to"]) for event in events] == ways
    for at, event in enumerate(events, start=1):
        assert list(store.events("q", event["token"])) == events[at:]


def test_a_token_leads_on_from_any_event(store):
    store.insert("q", [task(), task(), task()])
    for one in list(store.find({"queue": "q"})):
        move(store, one["_id"], "running")
        move(store, one["_id"], "success")
    events = list(store.events("q"))
    assert len(events) == 9
    for at, event in enumerate(events):
        assert list(store.events("q", event["token"])) == events[at + 1 :]


def test_the_newest_token_is_that_of_this_moment(store):
    start = store.newest_event("q")
    assert list(store.events("q", start)) == []
    one = task()
    store.insert("q", [one])
    time.sleep(0.002)  # MongoDB's times are those of its clock's milliseconds
    token = store.newest_event("q")
    move(store, one["_id"], "cancelled")
    assert told(store.events("q", token)) == [(1, "pending", "cancelled")]
    assert told(store.events("q", start)) == [(1, None, "pending"), (1, "pending", "cancelled")]


def test_each_queue_has_its_own_events(store):
    store.insert("q", [task()])
    store.insert("r", [task(status="draft")])
    assert told(store.events("q")) == [(1, None, "pending")]
    assert told(store.events("r")) == [(1, None, "draft")]
    assert list(store.events("nothing")) == []


def test_a_repeated_insert_and_a_write_that_fails_are_no_events(store):
    one = task()
    store.insert("q", [one])
    store.insert("q", [one])
    assert (
        store.update_first({"queue": "q", "status": "draft"}, Change(set={"status": "x"})) is None
    )
    assert told(store.events("q")) == [(1, None, "pending")]


def test_writes_of_many_tasks_are_logged_task_by_task(store):
    tasks = [task() for _ in range(600)]
    store.insert("q", tasks)
    assert store.update({"queue": "q"}, Change(set={"status": "cancelled"})) == 600
    each = [({"_id": one["_id"]}, Change(set={"status": "draft"})) for one in tasks]
    assert store.update_each(each) == 600
    assert store.delete({"queue": "q"}) == 600
    moves = [(None, "pending"), ("pending", "cancelled"), ("cancelled", "draft")]
    expected = [*moves, ("draft", "deleted")]
    seen = defaultdict(list)
    for event in store.events("q"):
        seen[event["task"]].append((event.get("from"), event["to"]))
    assert seen == {one["_id"]: expected for one in tasks}


def test_what_is_no_longer_kept_is_told(uri, store):
    one = task()
    store.insert("q", [one])
    start = list(store.events("q"))[-1]["token"]
    if uri.startswith("sqlite"):
        with store._file.writing() as db:
            db.execute(
                'INSERT INTO events ("seq", "task", "number", "queue", "to") VALUES '
                "(150000, 'x', 2, 'q', 'draft')"
            )
            assert db.execute("SELECT count(*), min(seq) FROM events").fetchone() == (1, 150000)
    else:
        for at in range(30):
            move(store, one["_id"], ("running", "pending")[at % 2])
    events = list(store.events("q", start))
    assert [event.get("missed", False) for event in events] == [True] + [False] * (len(events) - 1)
    assert "missed" not in next(iter(store.events("q", events[0]["token"])), {})
    assert len(events) in (1, 20)


@pytest.mark.parametrize("token", ["x", "-1", "1-2", "", "9" * 40, "1-1-1-99999999999999-a"])
def test_a_text_that_is_no_token_is_refused(store, token):
    with pytest.raises(UsageError, match="is not the token of an event of this store"):
        list(store.events("q", token))


def test_no_document_shows_what_the_log_keeps_there(store):
    one = task()
    store.insert("q", [one])
    shown = set(one) | {"queue", "number"}
    assert set(move(store, one["_id"], "running")) == shown | {"modified_at"}
    assert set(next(store.find({}))) == shown | {"modified_at"}


class Storm:
    """Random verbs from several threads, and a reader that breaks off and begins again."""

    def __init__(self, uri, seed):
        self.uri, self.random = uri, random.Random(seed)  # noqa: S311
        self.ids = []
        self.over = False

    def write(self, seed, steps):
        """One thread's verbs, each of them a change of status that counts in `rev`."""
        own, store = random.Random(seed), open_store(self.uri)  # noqa: S311
        for _ in range(steps):
            verb = own.random()
            here = {"queue": "q", "status": own.choice(STATUSES)}
            to = own.choice([status for status in STATUSES if status != here["status"]])
            change = Change(set={"status": to, "modified_at": Now()}, inc={"rev": 1})
            if verb < 0.2:
                new = [task(status=own.choice(STATUSES)) for _ in range(own.randint(1, 5))]
                store.insert("q", new)
                self.ids += [one["_id"] for one in new]
            elif verb < 0.75:
                store.update_first({**here, "_id": own.choice(self.ids)}, change)
            elif verb < 0.85:
                few = own.sample(self.ids, min(3, len(self.ids)))
                store.update({**here, "_id": {"$in": few}}, change)
            elif verb < 0.95:
                few = own.sample(self.ids, min(3, len(self.ids)))
                store.update_each([({**here, "_id": one}, change) for one in few])
            else:
                few = own.sample(self.ids, min(2, len(self.ids)))
                store.delete({"queue": "q", "_id": {"$in": few}})
        store.close()

    def read(self):
        """All events, each reading broken off after some of them."""
        events, token = [], None
        while True:
            last = self.over
            store = open_store(self.uri)
            patience = self.random.choice([1, 3, 30, 1000])
            for event in store.events("q", token):
                assert "missed" not in event
                events.append(event)
                token = event["token"]
                patience -= 1
                if not patience:
                    break
            store.close()
            if last and patience:
                return events


@pytest.mark.parametrize("seed", range(3))
def test_every_change_is_read_once_and_in_its_tasks_order(uri, seed):
    storm = Storm(uri, seed)
    store = open_store(uri)
    store.insert("q", first := [task() for _ in range(100)])
    storm.ids += [one["_id"] for one in first]
    with ThreadPoolExecutor(WRITERS + 1) as pool:
        reader = pool.submit(storm.read)
        writers = [pool.submit(storm.write, 10 * seed + at, 150) for at in range(WRITERS)]
        try:
            for writer in writers:
                writer.result()
        finally:
            storm.over = True
        events = reader.result()
    moves = defaultdict(list)
    for event in events:
        moves[event["task"]].append((event.get("from"), event["to"]))
    assert len({event["token"] for event in events}) == len(events)
    assert set(moves) == set(storm.ids)
    there = {one["_id"]: one for one in store.find({"queue": "q"})}
    for identity, steps in moves.items():
        assert [step[0] for step in steps] == [None, *(step[1] for step in steps[:-1])]
        if identity in there:
            assert steps[-1][1] == there[identity]["status"]
            assert len(steps) == there[identity]["rev"] + 1
        else:
            assert steps[-1][1] == "deleted"
    store.close()
