"""Following a queue: what happens comes soon, through an outage too, and narrowed by a filter."""

from __future__ import annotations

import threading
import time

import pytest
from making import task
from waiting import until

from labq.errors import StoreError
from labq.queue import Ending, WorkerName, claims
from labq.store import open_store

WORKER = WorkerName("w", "host")


def told(events):
    return [(event["number"], event.get("from"), event["to"]) for event in events]


@pytest.fixture
def following(uri, queue):
    """Follows the queue in a thread, with a store of its own; gives the list that grows."""
    over, stores, threads = threading.Event(), [], []

    def start(**options):
        store = open_store(uri)
        stores.append(store)
        seen = []
        reader = type(queue)(store, queue.name).events(follow=True, **options)

        def run():
            for event in reader:
                seen.append((time.monotonic(), event))
                if over.is_set():
                    return

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return seen

    yield start
    over.set()
    queue.submit([task({"x": 1})])
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    for store in stores:
        store.close()


def test_a_task_is_followed_from_its_submit_to_its_end_within_a_second(queue, following):
    start = queue.store.newest_event("q")
    seen = following(since=start)
    moments = []
    queue.submit([task({"x": 1})])
    moments.append(time.monotonic())
    claim = claims.claim(queue.store, {"queue": "q"}, WORKER, 60)
    moments.append(time.monotonic())
    until(lambda: len(seen) == 2)
    claims.finish(queue.store, claim, Ending(True))
    moments.append(time.monotonic())
    until(lambda: len(seen) == 3)
    expected = [(1, None, "pending"), (1, "pending", "running"), (1, "running", "success")]
    assert told(event for _, event in seen) == expected
    late = [came - happened for (came, _), happened in zip(seen, moments, strict=True)]
    assert max(late) < 3  # under 1 s where the machine is not busy
    assert list(queue.events(seen[0][1]["token"])) == [event for _, event in seen[1:]]


def test_a_filter_is_about_the_task_as_it_is_now(queue, following):
    query = {"queue": "q", "args.x": 1}
    seen = following(since=queue.store.newest_event("q"), query=query)
    queue.submit([task({"x": 2}), task({"x": 1}), task({"x": 1})])
    until(lambda: len(seen) == 2)
    assert told(event for _, event in seen) == [(2, None, "pending"), (3, None, "pending")]
    queue.delete({"queue": "q", "number": 3})
    assert told(queue.events(query=query)) == [(2, None, "pending")]
    assert told(queue.events())[-1] == (3, "pending", "deleted")


def test_what_was_missed_is_told_by_the_next_event_that_the_filter_lets_pass(queue, monkeypatch):
    queue.submit([task({"x": at % 2}) for at in range(4)])
    whole = list(queue.events())
    whole[0]["missed"] = True
    monkeypatch.setattr(queue.store, "events", lambda *_: iter(whole))
    found = list(queue.events(query={"queue": "q", "args.x": 1}))
    assert [event.get("missed", False) for event in found] == [True, False]


def test_an_outage_is_told_of_once_and_waited_out(queue, monkeypatch):
    from labq.queue import events

    queue.submit([task()])
    real, calls, said = queue.store.events, [], []

    def flaky(*args):
        calls.append(args)
        if len(calls) in (2, 3):
            raise StoreError("away")
        return real(*args)

    monkeypatch.setattr(events, "RETRY", 0.01)
    monkeypatch.setattr(queue.store, "events", flaky)
    start = next(real("q"))["token"]
    reader = events.follow(queue.store, "q", start, say=said.append)
    before = next(events.follow(queue.store, "q", _before(queue)))
    assert before["to"] == "pending"
    claim = claims.claim(queue.store, {"queue": "q"}, WORKER, 60)
    assert next(reader)["to"] == "running"
    claims.release(queue.store, claim, Ending(False))
    assert next(reader)["to"] == "pending"
    assert said == ["cannot see what happens for now: away"]
    reader.close()


def _before(queue):
    """A token from before all events."""
    return "0" if queue.store.address.startswith("sqlite") else "0-0-0-0-"
