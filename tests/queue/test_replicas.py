"""Tasks whose named resources ask for replicas: an array of them, by whichever road they come."""

from __future__ import annotations

import pytest

from labq.model.task import new
from labq.queue import parse_edit
from labq.queue.edits import edit
from labq.store import Change

THREE = {"worker": {"replicas": 3}}


def members(queue):
    found = queue.find({"queue": queue.name})
    return [
        (task["number"], task.get("index"), task.get("count"), task["status"]) for task in found
    ]


def test_a_submit_stores_an_instance_for_each_replica_and_tells_the_first_ones_number(queue):
    tasks = [new({"a": 1}), new({"a": 2}, resources=THREE), new({"a": 3})]
    assert queue.submit(tasks) == [1, 2, 5]
    assert members(queue) == [
        (1, None, None, "pending"),
        (2, 0, 3, "pending"),
        (3, 1, 3, "pending"),
        (4, 2, 3, "pending"),
        (5, None, None, "pending"),
    ]
    assert queue.get("2")["_id"] == tasks[1]["_id"]
    assert len({queue.get(str(number))["group"] for number in (2, 3, 4)}) == 1


def test_to_repeat_it_adds_nothing(queue):
    task = new({}, resources=THREE)
    assert queue.submit([task]) == queue.submit([task]) == [1]
    assert len(members(queue)) == 3


def test_a_draft_is_one_until_it_is_enqueued(queue):
    queue.submit([{**new({"lr": 0.1}, name="base", resources=THREE), "status": "draft"}])
    assert members(queue) == [(1, None, None, "draft")]
    assert queue.enqueue({"queue": queue.name}) == 1
    assert members(queue) == [(number, number - 1, 3, "pending") for number in (1, 2, 3)]
    assert {(task["name"], task["args"]["lr"]) for task in queue.find({"queue": queue.name})} == {
        ("base", 0.1)
    }
    assert queue.dequeue({"queue": queue.name}) == queue.enqueue({"queue": queue.name}) == 3
    assert len(members(queue)) == 3


def test_replicas_that_an_edit_asks_for_count_at_the_enqueue(queue):
    queue.submit([{**new({}, resources={"worker": {"requests": {"cpu": 1}}}), "status": "draft"}])
    mine = {"queue": queue.name}
    assert edit(queue.store, mine, [parse_edit("resources.worker.replicas=2")]).changed == 1
    queue.enqueue(mine)
    assert members(queue) == [(1, 0, 2, "pending"), (2, 1, 2, "pending")]


def test_an_enqueue_that_was_cut_off_is_completed_by_the_next(queue):
    draft = {**new({}, resources=THREE), "status": "draft"}
    queue.submit([draft])
    update = queue.store.update

    def cut(*_given):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue.store, "update", cut)
        with pytest.raises(KeyboardInterrupt):
            queue.enqueue({"queue": queue.name})
    assert [status for *_, status in members(queue)] == ["draft", "pending", "pending"]
    queue.store.update = update
    queue.enqueue({"queue": queue.name})
    assert members(queue) == [(number, number - 1, 3, "pending") for number in (1, 2, 3)]


def test_a_clone_that_is_enqueued_is_an_array_too(queue):
    task = new({}, resources=THREE)
    queue.submit([{**task, "status": "draft"}])
    queue.store.update({"_id": task["_id"]}, Change(set={"status": "failed"}))
    made = queue.clone(task["_id"], enqueue=True)
    assert (made["number"], made["index"], made["count"]) == (2, 0, 3)
    assert [number for number, *_ in members(queue)] == [1, 2, 3, 4]
