"""Arrays and groups: what an array makes, what a group is called, how it stands."""

from __future__ import annotations

import pytest

from labq.errors import ConflictError, NotFoundError, UsageError
from labq.model.arrays import array_of, parse_array
from labq.model.task import new
from labq.queue import Ending, WorkerName, claims, groups
from labq.store import Change, Now


def submit(queue, array="4", group="g", **fields):
    """An array's tasks, submitted."""
    draft = {**new({}), **fields}
    tasks = list(groups.instances(draft, parse_array(array), group))
    queue.submit(tasks)
    return tasks


def run(queue, count, *, succeeded=True):
    """Claims and ends so many tasks."""
    for _ in range(count):
        claim = claims.claim(queue.store, {"queue": "q"}, WorkerName("w", "h"), 60)
        claims.finish(queue.store, claim, Ending(succeeded=succeeded))


def claim(queue):
    return claims.claim(queue.store, {"queue": "q"}, WorkerName("w", "h"), 60)


# -- instances ------------------------------------------------------------------------------------


def test_an_array_is_a_task_for_each_index_with_all_else_shared():
    draft = new({"lr": 0.1}, name="sweep", priority=3)
    made = list(groups.instances(draft, parse_array("1,3-4")))
    assert [task["index"] for task in made] == [1, 3, 4]
    assert {task["count"] for task in made} == {3}
    assert len({task["group"] for task in made}) == 1
    assert made[0]["_id"] == draft["_id"]
    assert len({task["_id"] for task in made}) == 3
    assert made == list(groups.instances(draft, parse_array("1,3-4")))  # and so it is every time
    own = {"_id", "group", "index", "count"}
    assert all({**draft, **{k: task[k] for k in own}} == task for task in made)


def test_two_arrays_are_two_groups_unless_they_are_named():
    ids = [next(groups.instances(new({}), array_of(1)))["group"] for _ in range(2)]
    assert ids[0] != ids[1]
    assert next(groups.instances(new({}), array_of(1), "night"))["group"] == "night"


def test_a_key_gives_the_same_ids_and_the_same_group_each_time():
    def made(*key):
        return [
            (task["_id"], task["group"])
            for task in groups.instances(new({}), array_of(3), None, key)
        ]

    assert made("q", "k") == made("q", "k")
    assert not set(made("q", "k")) & (set(made("q", "other")) | set(made("r", "k")))


def test_replicas_make_an_array_and_one_alone_none():
    def made(resources):
        return [one.get("index") for one in groups.expanded({**new({}), "resources": resources})]

    assert made({"cpus": 2, "worker": {"replicas": 3}}) == [0, 1, 2]
    assert made({"worker": {"replicas": 2}, "ps": {"replicas": 4}, "cpus": 1}) == [0, 1, 2, 3]
    for one in ({}, {"cpus": 2}, {"worker": {"replicas": 1}}, {"worker": {"limits": {"cpu": 2}}}):
        assert made(one) == [None]
    (again,) = groups.expanded({**new({}), "resources": {"w": {"replicas": 3}}, "index": 5})
    assert again["index"] == 5
    with pytest.raises(UsageError, match="an array has 1 to 1,000,000 instances"):
        made({"worker": {"replicas": 2_000_000}})


@pytest.mark.parametrize("name", ["night", "a b", "3x", "beef", "ä"])
def test_a_group_may_have_a_name(name):
    assert groups.checked_group(name) == name


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("12", "'12' cannot name a group: a number names a task"),
        ("", "'' cannot name a group (printable, at most 120 characters)"),
        (" ", "' ' cannot name a group (printable, at most 120 characters)"),
        ("a\nb", r"'a\nb' cannot name a group (printable, at most 120 characters)"),
    ],
)
def test_what_cannot_name_a_group(name, told):
    with pytest.raises(UsageError) as caught:
        groups.checked_group(name)
    assert str(caught.value) == told


# -- find -----------------------------------------------------------------------------------------


def test_digits_that_are_no_tasks_number_may_begin_a_groups_id(queue):
    queue.submit(list(groups.instances(new({}), array_of(1), "1234" + "a" * 28)))
    assert queue.group("1234") == "1234" + "a" * 28


def test_a_group_is_found_by_its_name_its_id_the_start_of_it_and_a_members_number(queue):
    first = submit(queue, group=None)[0]["group"]
    submit(queue, group="night")
    queue.submit([new({})])
    assert [queue.group(ref) for ref in (first, first[:4], first[:20].upper(), "1", "4")] == (
        [first] * 5
    )
    assert [queue.group(ref) for ref in ("night", "5", "8")] == ["night"] * 3
    with pytest.raises(ConflictError, match="task 9 is in no group"):
        queue.group("9")


def test_the_start_of_several_groups_names_them(queue):
    for end in "0123456":
        submit(queue, "1", group="beef" + end * 28)
    with pytest.raises(ConflictError) as caught:
        queue.group("beef")
    named = ", ".join("beef" + end * 28 for end in "01234")
    assert str(caught.value) == f"'beef' names several groups: {named}, ..."
    submit(queue, "1", group="beef")
    assert queue.group("beef") == "beef"


@pytest.mark.parametrize("ref", ["night", "77", "abcd", "ab", "", "beef0"])
def test_a_group_that_is_not_there(queue, ref):
    submit(queue)
    told = rf"no group '{ref}' in queue 'q' \(labq task group ls names them\)"
    with pytest.raises(NotFoundError, match=told):
        queue.group(ref)
    with pytest.raises(NotFoundError):
        queue.group_status("night")


# -- status ---------------------------------------------------------------------------------------


def test_a_new_group_has_all_its_members_pending(queue):
    submit(queue, "1,3-8")
    status = queue.group_status("g")
    assert (status.group, status.count, status.statuses) == ("g", 7, {"pending": 7})
    assert status.ranges == {"pending": "1,3-8"}
    assert (status.progress, status.running_instances, status.running_cores) == (0, 0, 0)
    assert status.created_at is not None
    assert (status.started_at, status.ended_at) == (None, None)


def test_a_group_under_way(queue):
    submit(queue, "8", resources={"cpus": 2})
    run(queue, 2)
    run(queue, 1, succeeded=False)
    running = [claim(queue) for _ in range(2)]
    queue.store.update({"_id": running[0].task["_id"]}, Change(set={"progress": 50}))
    queue.cancel({"queue": "q", "index": 7})
    status = queue.group_status("g")
    assert status.statuses == {
        "pending": 2, "running": 2, "success": 2, "failed": 1, "cancelled": 1,
    }  # fmt: skip
    assert status.ranges == {
        "pending": "5-6", "running": "3-4", "success": "0-1", "failed": "2", "cancelled": "7",
    }  # fmt: skip
    assert (status.running_instances, status.running_cores) == (2, 4)
    assert status.progress == 56.25
    assert status.started_at == queue.get("1")["started_at"]
    assert status.ended_at is None


def test_a_group_that_is_over(queue):
    submit(queue, "2")
    run(queue, 2)
    status = queue.group_status("g")
    assert (status.progress, status.ranges) == (100, {"success": "0-1"})
    assert status.ended_at == queue.get("2")["ended_at"]


def test_what_an_old_attempt_reported_is_no_progress(queue):
    submit(queue, "2")
    run(queue, 1, succeeded=False)
    queue.store.update({"index": 0}, Change(set={"progress": 80}))
    queue.requeue({"queue": "q", "index": 0})
    assert queue.group_status("g").progress == 0


def test_members_without_an_index_are_counted(queue):
    queue.submit([{**new({}), "group": "g"} for _ in range(3)])
    status = queue.group_status("g")
    assert (status.count, status.statuses, status.ranges) == (3, {"pending": 3}, {})


def test_members_that_run_use_a_core_where_they_do_not_say(queue):
    submit(queue, "2")
    claim(queue)
    assert queue.group_status("g").running_cores == 1


# -- completed ------------------------------------------------------------------------------------


def test_the_completed_come_by_index_with_what_came_of_them(queue):
    submit(queue, "4")
    for at in (1, 0):
        claimed = claims.claim(queue.store, {"queue": "q", "index": at}, WorkerName("w", "h"), 60)
        queue.report(claimed.task["_id"], claimed.token, {"loss": at})
        claims.finish(queue.store, claimed, Ending(succeeded=at == 0, reason="x" * at))
    found = list(queue.completed("g"))
    assert [(one["index"], one["status"], one["summary"]) for one in found] == [
        (0, "success", {"loss": 0}),
        (1, "failed", {"loss": 1}),
    ]
    assert found[1]["attempts"][0]["attempt"] == 1
    assert [one["index"] for one in queue.completed("g", limit=1)] == [0]


def test_a_large_group_is_added_up_by_the_store_and_not_read(queue, monkeypatch):
    submit(queue, "3000")
    queue.store.update(
        {"index": {"$lt": 1000}}, Change(set={"status": "success", "ended_at": Now()})
    )
    monkeypatch.setattr(type(queue.store), "find", None)
    status = queue.group_status("g")
    assert status.ranges == {"pending": "1000-2999", "success": "0-999"}
