"""Tasks that wait: for whom, for when, and what becomes of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from labq.model.task import new
from labq.queue import Ending, Selection, WorkerName, claims, dependencies
from labq.store import Change

OK, BAD = Ending(succeeded=True), Ending(succeeded=False, reason="exit code 1")


def submit(queue, after=(), after_any=(), **fields):
    """A new task that comes after these numbers; its number."""
    older = {"after": after, "after_any": after_any}
    ids = {key: [queue.get(str(n))["_id"] for n in numbers] for key, numbers in older.items()}
    task = {**new({}), **{key: value for key, value in ids.items() if value}, **fields}
    return queue.submit([task])[0]


def end(queue, number, ending=OK):
    """Runs the pending task of that number to its end."""
    query = {"queue": "q", "number": number}
    claim = claims.claim(queue.store, query, WorkerName("w", "h"), 60)
    return claims.finish(queue.store, claim, ending)


def statuses(queue):
    return {task["number"]: task["status"] for task in queue.find({"queue": "q"})}


def test_a_task_waits_until_all_it_comes_after_have_succeeded(queue):
    submit(queue), submit(queue)
    submit(queue, after=[1, 2])
    assert statuses(queue)[3] == "waiting"
    end(queue, 1)
    task = queue.get("3")
    assert task["waiting_for"] == [queue.get("2")["_id"]]
    assert len(task["after"]) == 2
    end(queue, 2)
    dependencies.promote(queue.store, "q")
    assert statuses(queue)[3] == "pending"
    assert "waiting_for" not in queue.get("3")


@pytest.mark.parametrize("how", ["fails", "is cancelled", "is deleted"])
def test_a_dependency_that_does_not_succeed_cancels_all_that_come_after_it(queue, how):
    submit(queue)
    submit(queue, after=[1]), submit(queue, after=[2]), submit(queue, after_any=[3])
    if how == "fails":
        end(queue, 1, BAD)
    elif how == "is cancelled":
        queue.cancel({"queue": "q", "number": 1})
    else:
        queue.delete({"queue": "q", "number": 1})
    dependencies.promote(queue.store, "q")
    told = {"fails": "task 1 failed", "is cancelled": "task 1 cancelled"}
    assert queue.get("2")["reason"] == f"dependency: {told.get(how, 'a task was deleted')}"
    assert queue.get("3")["reason"] == "dependency: task 2 cancelled"
    assert (queue.get("2")["status"], queue.get("3")["status"]) == ("cancelled", "cancelled")
    assert queue.get("4")["status"] == "pending"  # after any end


def test_a_failure_that_is_tried_again_is_no_end(queue):
    submit(queue, max_retries=1)
    submit(queue, after_any=[1])
    end(queue, 1, BAD)
    assert statuses(queue) == {1: "pending", 2: "waiting"}
    end(queue, 1, BAD)
    dependencies.promote(queue.store, "q")
    assert statuses(queue) == {1: "failed", 2: "pending"}


def test_a_task_that_comes_after_ended_ones_need_not_wait(queue):
    submit(queue)
    end(queue, 1)
    submit(queue, after=[1], after_any=[1])
    assert statuses(queue)[2] == "pending"


def test_a_task_that_comes_after_a_failure_is_cancelled_as_it_is_submitted(queue):
    submit(queue)
    end(queue, 1, BAD)
    submit(queue, after=[1])
    assert queue.get("2")["reason"] == "dependency: task 1 failed"


def test_a_task_may_wait_for_others_and_for_its_time(queue):
    submit(queue)
    submit(queue, after=[1], available_at=queue.store.now() + timedelta(hours=1))
    end(queue, 1)
    count, due = dependencies.promote(queue.store, "q")
    assert (count, statuses(queue)[2]) == (0, "waiting")
    assert 3590 < due <= 3600


def test_a_worker_that_dies_on_the_way_leaves_nobody_waiting_for_ever(queue):
    submit(queue)
    submit(queue, after=[1])
    done = {"status": "success"}
    queue.store.update({"queue": "q", "number": 1}, Change(set=done))  # an end that told nobody
    assert statuses(queue)[2] == "waiting"
    assert queue.sweep().settled == 1
    assert statuses(queue)[2] == "pending"


def test_requeued_tasks_wait_for_one_another_again(queue):
    submit(queue)
    submit(queue, after=[1])
    end(queue, 1, BAD)
    every = queue.query(Selection())
    assert queue.requeue(every) == 2
    assert statuses(queue) == {1: "pending", 2: "waiting"}
    end(queue, 1)
    dependencies.promote(queue.store, "q")
    assert statuses(queue)[2] == "pending"


def test_a_requeue_passes_over_no_task_that_others_edit_at_that_moment(queue, monkeypatch):
    submit(queue)
    for _ in range(3):
        submit(queue, after=[1])
    queue.cancel(queue.query(Selection()))
    real, edits = queue.store.update_each, [Change(set={"tags": ["a"]}, inc={"rev": 1})]
    edits.append(Change(unset=("after",), inc={"rev": 1}))

    def meanwhile(writes):
        while edits:
            queue.store.update({"queue": "q", "number": len(edits) + 1}, edits.pop())
        return real(writes)

    monkeypatch.setattr(queue.store, "update_each", meanwhile)
    assert queue.requeue(queue.query(Selection())) == 4
    assert statuses(queue) == {1: "pending", 2: "waiting", 3: "pending", 4: "waiting"}
    assert queue.get("2")["tags"] == ["a"]


def test_an_end_is_told_to_a_task_that_others_edit_at_that_moment(queue, monkeypatch):
    submit(queue)
    submit(queue, after=[1])
    real, edits = queue.store.update_each, [Change(set={"tags": ["a"]}, inc={"rev": 1})]

    def meanwhile(writes):
        pairs = list(writes)
        while edits:
            queue.store.update({"queue": "q", "number": 2}, edits.pop())
        return real(pairs)

    monkeypatch.setattr(queue.store, "update_each", meanwhile)
    queue.cancel({"queue": "q", "number": 1})
    assert queue.get("2")["reason"] == "dependency: task 1 cancelled"
    assert (queue.get("2")["status"], queue.get("2")["tags"]) == ("cancelled", ["a"])


def test_a_dependant_alone_cannot_be_requeued_past_its_failure(queue):
    submit(queue)
    submit(queue, after=[1])
    end(queue, 1, BAD)
    queue.requeue({"queue": "q", "number": 2})
    assert queue.get("2")["reason"] == "dependency: task 1 failed"


def test_a_new_task_can_name_only_older_ones_so_there_is_no_cycle(queue):
    first = submit(queue)
    second = submit(queue, after=[first])
    chain = [queue.get(str(n)) for n in (first, second)]
    assert all(
        queue.get(parent)["number"] < task["number"]
        for task in chain
        for parent in dependencies.parents(task)
    )


def test_a_long_chain_falls_at_once(queue):
    submit(queue)
    for number in range(1, 40):
        submit(queue, after=[number])
    end(queue, 1, BAD)
    assert set(statuses(queue).values()) == {"failed", "cancelled"}


def test_many_may_wait_for_one(queue):
    submit(queue)
    parent = queue.get("1")["_id"]
    queue.submit([{**new({}), "after": [parent]} for _ in range(2500)])
    assert queue.count({"queue": "q", "status": "waiting"}) == 2500
    end(queue, 1)
    while dependencies.promote(queue.store, "q")[0]:
        pass
    assert queue.count({"queue": "q", "status": "pending"}) == 2500
