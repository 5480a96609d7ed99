"""News of a queue: what wakes a watch, what need not, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid

import pytest
import servers
from making import task
from waiting import until

from labq.errors import StoreError
from labq.store import Change, Now, open_store
from labq.store.mongodb import watch as mongodb_watch

LONG = 20.0  # seconds; far more than any news takes


@pytest.fixture
def watch(store):
    return store.watch("q")


@pytest.fixture
def replica(replica_mongod):
    """An empty store on a replica set, the one kind whose news is of the queue alone."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    store = open_store(servers.with_database(replica_mongod, name))
    yield store
    store._client.drop_database(name)
    store.close()


def quiet(watch):
    """The watch, once it has told of all there was."""
    until(lambda: not watch.wait(0.2))
    return watch


THE_TASK = {"_id": "w"}
RETRY = Change(set={"status": "waiting", "available_at": Now(60)}, unset=("lease",))
ASK = Change(set={"stop_requested": {"reason": "cancelled", "grace": 5, "at": Now()}})
NEWS = {
    "a new task": lambda store: store.insert("q", [task()]),
    "a new task that waits": lambda store: store.insert("q", [task(status="waiting")]),
    "a task given back": lambda store: store.update(THE_TASK, Change(set={"status": "pending"})),
    "a retry's time": lambda store: store.update(THE_TASK, RETRY),
    "a dependency's end": lambda store: store.update(THE_TASK, Change(unset=("waiting_for",))),
    "a request to stop": lambda store: store.update(THE_TASK, ASK),
    "a word to a worker": lambda store: store.workers.put("w", Change(set={"command": "drain"})),
    "the queue paused": lambda store: store.queues.put("q", Change(set={"paused": True})),
    "the queue resumed": lambda store: store.queues.put("q", Change(unset=("paused",))),
}


def prepared(store, name):
    """The store with a task, a worker and a queue such as that news is about."""
    waits = {"waiting_for": ["x"]} if "dependency" in name else {}
    asked = {"stop_requested": {"reason": "cancelled", "grace": 60}} if "stop" in name else {}
    store.insert("q", [task(_id="w", status="running", lease={"token": "t"}, **waits, **asked)])
    store.workers.put("w", Change(set={"host": "h", "command": "pause"}))
    if "resumed" in name:
        store.queues.put("q", Change(set={"paused": True}))


@pytest.mark.parametrize("name", NEWS)
def test_whatever_concerns_a_worker_is_news(store, name):
    prepared(store, name)
    watch = quiet(store.watch("q"))
    NEWS[name](store)
    assert watch.wait(LONG)


def test_a_queue_paused_before_its_first_task_is_news(store):
    watch = quiet(store.watch("q"))
    store.queues.put("q", Change(set={"paused": True}))
    assert watch.wait(LONG)


def test_the_tasks_of_a_queue_that_takes_this_name_are_news(store):
    store.insert("old", [task()])
    watch = quiet(store.watch("q"))
    store.rename("old", "q")
    assert watch.wait(LONG)


def test_news_of_another_process_comes_while_one_waits(store, uri):
    watch = quiet(store.watch("q"))
    heard = []
    waiter = threading.Thread(target=lambda: heard.append(watch.wait(LONG)))
    waiter.start()
    other = open_store(uri)
    other.insert("q", [task()])
    other.close()
    waiter.join(LONG)
    assert heard == [True]


def test_much_news_is_told_once(replica):
    watch = quiet(replica.watch("q"))
    for _ in range(20):
        replica.insert("q", [task() for _ in range(50)])
    assert watch.wait(LONG)
    told = sum(1 for _ in range(5) if watch.wait(0.2))
    assert told <= 2


CLAIM = Change(
    set={"status": "running", "lease": {"token": "t", "expires_at": Now(60)}}, inc={"attempt": 1}
)
HELD = {"_id": "w", "lease.token": "t"}
NO_NEWS = {
    "another queue's task": lambda store: store.insert("r", [task()]),
    "a claim": lambda store: store.update_first({"queue": "q", "status": "pending"}, CLAIM),
    "a renewal": lambda store: store.update(HELD, Change(set={"lease.expires_at": Now(60)})),
    "an end": lambda store: store.update(
        HELD, Change(set={"status": "success"}, push={"attempts": {"at": Now()}}, unset=("lease",))
    ),
    "an edit": lambda store: store.update(THE_TASK, Change(set={"comment": "x", "args.a": 1})),
    "a heartbeat": lambda store: store.workers.put("w", Change(set={"expires_at": Now(60)})),
    "another queue paused": lambda store: store.queues.put("r", Change(set={"paused": True})),
    "a task that goes": lambda store: store.delete({"_id": "w"}),
}


@pytest.mark.parametrize("name", NO_NEWS)
def test_a_change_stream_is_silent_about_the_rest(replica, name):
    replica.insert("q", [task(), task(_id="w", status="running", lease={"token": "t"})])
    replica.workers.put("w", Change(set={"host": "h", "command": "pause"}))
    watch = quiet(replica.watch("q"))
    NO_NEWS[name](replica)
    replica.insert("r", [task()])  # the stream is past what came before
    assert not watch.wait(0.3)


def test_a_file_that_nobody_writes_to_has_no_news(tmp_path):
    store = open_store(f"sqlite:{tmp_path / 'labq.db'}")
    watch = store.watch("q")
    began = time.monotonic()
    assert not watch.wait(0.1)
    assert time.monotonic() - began >= 0.1
    store.close()


def test_a_lone_mongod_is_looked_at_less_and_less_often_until_work_is_found(lone_mongod):
    store = open_store(servers.with_database(lone_mongod, "test_polling"))
    watch = store.watch("q")
    until(lambda: watch._polling)
    pauses = [paused(watch) for _ in range(5)]
    assert pauses[4] > 0.25
    watch.active()
    assert paused(watch) < 0.25
    assert not watch.wait(0.01)  # a look is not due yet
    store.close()


def paused(watch):
    began = time.monotonic()
    assert watch.wait(LONG)
    return time.monotonic() - began


# -- how it ends ----------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["the watch", "the store"])
def test_who_waits_comes_back_when_it_is_closed_by_another_thread(store, end):
    watch = store.watch("q")
    waits = threading.Event()

    def wait_on():
        waits.set()
        while watch.wait(LONG):
            pass

    waiter = threading.Thread(target=wait_on)
    waiter.start()
    assert waits.wait(LONG)
    (watch if end == "the watch" else store).close()
    waiter.join(LONG / 2)
    assert not waiter.is_alive()
    assert not watch.wait(LONG)
    watch.close()


WAITER = """
import sys, threading
from labq.store import open_store
store = open_store(sys.argv[1])
watch = store.watch("q")

def wait_on():
    while True:
        watch.wait(60)
        if closing:
            return

closing = sys.argv[2] == "closed"
threading.Thread(target=wait_on, daemon=True).start()
store.counts()
if closing:
    store.close()
"""


@pytest.mark.parametrize("how", ["left open", "closed"])
def test_a_process_ends_at_once_and_in_silence_while_its_daemon_waits(uri, how):
    command = [sys.executable, "-c", WAITER, uri, how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONG)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# -- outages --------------------------------------------------------------------------------------


@pytest.fixture
def own_replica(tmp_path):
    """A replica set of one node that a test may end: `(uri, end, start)`."""
    folder = tmp_path / "mongod"
    pids = []
    pid, port = servers.start(folder, "rs")
    pids.append(pid)

    def end():
        os.kill(pids[-1], signal.SIGKILL)

    def start():
        pids.append(servers.start(folder, "rs", port, alone=True)[0])

    yield f"mongodb://127.0.0.1:{port}/lab?replicaSet=rs", end, start
    end()


def test_an_outage_is_waited_out_and_what_came_meanwhile_is_news(own_replica):
    uri, end, start = own_replica
    store = open_store(uri)
    watch = quiet(store.watch("q"))
    end()
    assert not watch.wait(0.5)
    with pytest.raises(StoreError, match="cannot reach MongoDB"):
        store.count({})
    start()
    store.insert("q", [task()])
    assert watch.wait(LONG)
    quiet(watch)
    store.insert("q", [task()])
    assert watch.wait(LONG)
    store.close()


def test_a_stream_that_the_server_ended_is_opened_again(replica):
    replica.insert("q", [task()])
    watch = quiet(replica.watch("q"))
    replica._client.drop_database(replica._tasks.database)  # ends every stream on it
    assert watch.wait(LONG)
    quiet(watch)
    replica.insert("q", [task()])
    assert watch.wait(LONG)


def test_a_user_who_may_not_have_a_stream_is_served_by_polling(replica, monkeypatch):
    monkeypatch.setattr(
        mongodb_watch, "pipeline", lambda queue: [{"$out": queue}]  # refused in a stream
    )  # fmt: skip
    watch = replica.watch("q")
    assert watch.wait(LONG)
    assert watch._polling
    assert watch.wait(LONG)
