"""Cancel and requeue: what moves, what is asked, what is left."""

from __future__ import annotations

import threading

from labq.queue import Ending, Queue, Selection, WorkerName, leases
from labq.store import Change, open_store
from labq.task import new


def claim(queue, worker="w"):
    return leases.claim(queue.store, {"queue": "q"}, WorkerName(worker, "h"), 60)


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


def test_what_has_ended_is_left(queue):
    queue.submit([new({})])
    leases.finish(queue.store, claim(queue), Ending(succeeded=True))
    done = queue.cancel(queue.query(Selection()))
    assert (done.ended, done.asked) == (0, 0)
    assert queue.get("1")["status"] == "success"


def test_requeue_forgets_the_request_and_the_start_time(queue):
    queue.submit([new({})])
    granted = claim(queue)
    queue.cancel(queue.query(Selection()))
    leases.cancel(queue.store, granted, Ending(succeeded=False, reason="cancelled"))
    assert queue.requeue(queue.query(Selection())) == 1
    task = queue.get("1")
    assert task["status"] == "pending"
    assert not {"stop_requested", "ended_at", "reason", "available_at"} & set(task)


def test_requeue_leaves_what_is_published(queue):
    queue.submit([new({})])
    leases.finish(queue.store, claim(queue), Ending(succeeded=True))
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
                leases.release(store, granted, Ending(succeeded=False, reason="x"))
        store.close()

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    queue.cancel(queue.query(Selection()))
    over.set()
    for thread in threads:
        thread.join()
    assert {task["status"] for task in queue.find({"queue": "q"})} == {"cancelled"}
