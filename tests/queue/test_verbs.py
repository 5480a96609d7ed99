"""Cancel and requeue: what moves, what is asked, what is left."""

from __future__ import annotations

import threading

import pytest
from waiting import until

from labq.errors import UsageError
from labq.model.task import new
from labq.queue import Ending, Queue, Selection, WorkerName, claims, recovery
from labq.store import Change, open_store


def claim(queue, worker="w"):
    return claims.claim(queue.store, {"queue": "q"}, WorkerName(worker, "h"), 60)


def test_what_does_not_run_is_cancelled_at_once_and_what_runs_is_asked(queue):
    queue.submit([new({}) for _ in range(3)])
    claim(queue)
    done = queue.cancel(queue.query(Selection()), "a mistake", grace=0)
    assert (done.ended, done.asked) == (2, 1)
    first, second = queue.get("1"), queue.get("2")
    assert first["stop_requested"] == {"reason": "a mistake", "grace": 0}
    assert (second["status"], second["reason"]) == ("cancelled", "a mistake")
    assert "ended_at" in second
    again = queue.cancel(queue.query(Selection()))
    assert (again.ended, again.asked) == (0, 0)


GRACE = "a grace must be a finite number of seconds, 0 or more, not "
REASON = "a reason must be a line of printable text, not "


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        *(({"grace": number}, f"{GRACE}{number}") for number in (-1, -0.5, True, 10**30)),
        ({"grace": float("inf")}, f"{GRACE}inf"),
        ({"grace": float("nan")}, f"{GRACE}nan"),
        ({"grace": 10**5000}, f"{GRACE}one so large"),
        ({"grace": "5"}, f"{GRACE}5"),
        ({"reason": ""}, f"{REASON}an empty one"),
        ({"reason": " "}, f"{REASON}an empty one"),
        ({"reason": "a\nb\0"}, f"{REASON}a b\\x00"),
        ({"reason": "\ud800"}, f"{REASON}\\ud800"),
        ({"reason": None}, f"{REASON}None"),
        ({"reason": 5}, f"{REASON}5"),
    ],
    ids=map(str, range(14)),
)
def test_a_request_that_makes_no_sense_is_refused_and_nothing_is_asked(queue, asked, told):
    queue.submit([new({}), new({})])
    claim(queue)
    with pytest.raises(UsageError) as caught:
        queue.cancel(queue.query(Selection()), **asked)
    assert str(caught.value) == told
    assert "stop_requested" not in queue.get("1")
    assert queue.get("2")["status"] == "pending"


@pytest.mark.parametrize("grace", [0, 0.0, 2.5, 10**9, 1e300])
def test_a_grace_is_kept_as_it_was_asked(queue, grace):
    queue.submit([new({})])
    claim(queue)
    queue.cancel(queue.query(Selection()), "caf\u00e9 is cold", grace)
    assert queue.get("1")["stop_requested"] == {"reason": "caf\u00e9 is cold", "grace": grace}


ODD = [{"reason": 5}, {"reason": "a\n"}, {}, "stop", None, [1]]


@pytest.mark.parametrize("request_", ODD, ids=repr)
@pytest.mark.parametrize("lease", [60, 0])
def test_a_request_that_no_labq_writes_now_still_cancels(queue, request_, lease):
    queue.submit([new({})])
    granted = claims.claim(queue.store, {"queue": "q"}, WorkerName("w", "h"), lease)
    queue.store.update({"queue": "q"}, Change(set={"stop_requested": request_}))
    if lease:
        claims.release(queue.store, granted, Ending(succeeded=False))
    else:
        until(lambda: recovery.recover(queue.store, "q"))
    task = queue.get("1")
    assert (task["status"], task["reason"].partition(";")[0]) == ("cancelled", "cancelled")


def test_what_has_ended_is_left(queue):
    queue.submit([new({})])
    claims.finish(queue.store, claim(queue), Ending(succeeded=True))
    done = queue.cancel(queue.query(Selection()))
    assert (done.ended, done.asked) == (0, 0)
    assert queue.get("1")["status"] == "success"


def test_requeue_forgets_the_request_and_the_start_time(queue):
    queue.submit([new({})])
    granted = claim(queue)
    queue.cancel(queue.query(Selection()))
    claims.cancel(queue.store, granted, Ending(succeeded=False, reason="cancelled"))
    assert queue.requeue(queue.query(Selection())) == 1
    task = queue.get("1")
    assert task["status"] == "pending"
    assert not {"stop_requested", "ended_at", "reason", "available_at"} & set(task)


def test_requeue_leaves_what_is_published(queue):
    queue.submit([new({})])
    claims.finish(queue.store, claim(queue), Ending(succeeded=True))
    queue.store.update({}, Change(set={"published_at": queue.store.now()}))
    assert queue.requeue(queue.query(Selection())) == 0


def test_no_task_slips_between_a_cancel_and_workers_that_claim_and_give_back(queue, uri):
    """Whatever workers do meanwhile, each task is cancelled or asked to stop in the end."""
    queue.submit([new({}) for _ in range(100)])
    over = threading.Event()

    def work(name):
        store = open_store(uri)
        here = Queue(store, "q")
        while not over.is_set():
            if granted := claim(here, name):
                claims.release(store, granted, Ending(succeeded=False, reason="x"))
        store.close()

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    queue.cancel(queue.query(Selection()))
    over.set()
    for thread in threads:
        thread.join()
    assert {task["status"] for task in queue.find({"queue": "q"})} == {"cancelled"}
