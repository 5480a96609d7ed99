"""Arrays, groups, retention and projects, row by row of what other systems offer."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import pytest

from labq.errors import QuotaExceeded, UsageError
from labq.model.arrays import parse_indexes
from labq.model.task import checked, new
from labq.queue import Ending, Queue, Selection, WorkerName, claims, groups, settings
from labq.queue.retention import retention
from labq.store import Change, open_store

REPORT = f"{sys.executable} -m labq task report square=$((LABQ_INDEX * LABQ_INDEX))"


def tasks(queue):
    return list(queue.find({"queue": "default"}))


def claim(queue):
    return claims.claim(queue.store, {"queue": "default"}, WorkerName("w", "h"), 60)


def shown(labq, *words):
    """What `labq task group show` says, as JSON."""
    code, out, err = labq("task", "group", "show", *words, "--json")
    assert (code, err) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


def test_q1_a_task_is_made_with_a_name_a_count_or_a_range_and_a_group(labq, queue):
    assert labq("task", "submit", "-q", "--name", "a", "--array", "2", "--group", "job")[0] == 0
    assert labq("task", "submit", "-q", "--name", "b", "--array", "7,9", "--group", "job")[0] == 0
    found = [(one["name"], one["index"], one["group"]) for one in tasks(queue)]
    assert found == [("a", 0, "job"), ("a", 1, "job"), ("b", 7, "job"), ("b", 9, "job")]


def test_q29_a_count_gives_the_indexes_from_0_on(labq, queue):
    labq("task", "submit", "-q", "--array", "5")
    assert [(one["index"], one["count"]) for one in tasks(queue)] == [(at, 5) for at in range(5)]


def test_q29_a_job_knows_its_index_and_how_many_there_are(labq, queue):
    labq("task", "submit", "-q", "--array", "3")
    _, out, _ = labq("worker", "run", "--", "sh", "-c", "echo $LABQ_INDEX/$LABQ_COUNT")
    assert out.split() == ["0/3", "1/3", "2/3"]


RANGES = [
    ("1,3-8,9,12-19", [1, *range(3, 10), *range(12, 20)]),
    ("5-5", [5]),
    ("0-2,1", [0, 1, 2]),
]


@pytest.mark.parametrize(("text", "indexes"), RANGES)
def test_q30_a_range_is_inclusive_and_may_hold_single_items(labq, queue, text, indexes):
    assert labq("task", "submit", "-q", "--array", text)[0] == 0
    assert [one["index"] for one in tasks(queue)] == indexes


def test_q30_a_lone_number_is_one_item_of_a_range_where_the_count_has_a_name_of_its_own():
    assert list(parse_indexes("5")) == [5]


@pytest.mark.parametrize("text", ["8-3", "1,,2", "1,2x", "-5", "1-2-3", ""])
def test_q30_what_is_no_range_is_refused_and_nothing_is_stored(labq, queue, text):
    code, out, err = labq("task", "submit", "--array", text)
    assert (code, out) == (2, "")
    assert err.startswith("labq: ")
    assert not tasks(queue)


def test_q31_a_group_says_how_many_instances_and_cores_run(labq, queue):
    labq("task", "submit", "-q", "--array", "5", "--group", "g", "--resources", "cpus=4")
    for _ in range(3):
        claim(queue)
    (told,) = shown(labq, "g")
    assert (told["running_instances"], told["running_cores"]) == (3, 12)


def test_q34_a_group_has_progress_times_and_ranges_by_state(labq, queue):
    labq("task", "submit", "-q", "--array", "8", "--group", "g")
    for succeeded in (True, True, False, True):
        claims.finish(queue.store, claim(queue), Ending(succeeded=succeeded))
    running = claim(queue)
    queue.store.update({"_id": running.task["_id"]}, Change(set={"progress": 40}))
    labq("task", "cancel", "8")
    (told,) = shown(labq, "3")
    assert told["ranges"] == {
        "pending": "5-6",
        "running": "4",
        "success": "0-1,3",
        "failed": "2",
        "cancelled": "7",
    }
    assert told["progress"] == (500 + 40) / 8
    assert told["created_at"] <= told["started_at"]
    assert told["ended_at"] is None
    labq("task", "group", "cancel", "g")
    claims.cancel(queue.store, running, Ending(succeeded=False))
    (told,) = shown(labq, "g")
    assert told["progress"] == 100
    assert told["started_at"] <= told["ended_at"]


def test_q35_completed_instances_come_with_their_results(labq, queue):
    labq("task", "submit", "-q", "--array", "2,4", "--group", "g")
    labq("worker", "run", "-q", "--max-tasks", "1", "--", "sh", "-c", REPORT)
    (done,) = shown(labq, "g", "--completed")
    assert (done["index"], done["status"], done["summary"]) == (2, "success", {"square": 4})
    assert done["attempts"][0]["exit_code"] == 0
    labq("worker", "run", "-q", "--", "sh", "-c", REPORT)
    squares = [one["summary"]["square"] for one in shown(labq, "g", "--completed")]
    assert squares == [4, 16]


def test_q43_an_ended_task_goes_where_its_queue_is_full(labq, queue):
    labq("queue", "create", "--max-tasks", "2")
    labq("task", "submit", "-q", "--auto-delete", "--array", "2")
    code, _, err = labq("task", "submit")
    assert (code, len(tasks(queue))) == (5, 2)
    assert err.startswith(
        "labq: queue default keeps at most 2 tasks and has 2: 1 more does not fit"
    )
    with pytest.raises(QuotaExceeded):
        queue.submit([new({})])
    labq("worker", "run", "-q", "--", "true")
    assert labq("task", "submit", "-q")[0] == 0
    assert next(one["number"] for one in tasks(queue)) == 2
    assert len(tasks(queue)) == 2


def test_q43_a_task_that_is_to_be_kept_is_kept_in_a_full_queue(labq, queue):
    labq("queue", "create", "--max-tasks", "1")
    labq("task", "submit", "-q")
    labq("worker", "run", "-q", "--", "true")
    assert labq("task", "submit")[0] == 5
    assert len(tasks(queue)) == 1


TTLS = [
    ("7d", 604800),
    ("1h30m", 5400),
    ("10.00:00:30", 864030),
    ("1.02:03:04", 93784),
    ("02:03:04", 7384),
]


@pytest.mark.parametrize(("text", "seconds"), TTLS)
def test_q44_a_time_to_live_is_days_hours_minutes_seconds(labq, queue, text, seconds):
    assert labq("task", "submit", "-q", "--ttl", text)[0] == 0
    assert tasks(queue)[0]["retention"] == {"ttl": seconds}
    assert retention(timedelta(seconds=seconds)) == {"ttl": seconds}


@pytest.mark.parametrize("text", ["1.02:03:04x", "7dx", "1.2.03:04:05", "02:60:00", "-1d", ""])
def test_q44_a_time_to_live_with_trailing_junk_is_refused(labq, queue, text):
    code, out, err = labq("task", "submit", "--ttl", text)
    assert (code, out) == (2, "")
    assert f"{text!r} is not a duration" in err
    assert not tasks(queue)


def test_q44_a_task_is_removed_once_its_time_is_over(labq, queue):
    labq("task", "submit", "-q", "--ttl", "1ms")
    labq("task", "submit", "-q", "--ttl", "1h")
    labq("worker", "run", "-q", "--", "true")
    labq("queue", "sweep", "-q")
    assert [one["number"] for one in tasks(queue)] == [2]


def test_m21_replicas_are_the_instances_of_an_array(queue):
    asked = checked("resources", {"worker": {"replicas": 3, "requests": {"cpu": "500m"}}})
    queue.submit(list(groups.expanded({**new({"lr": 0.1}), "resources": asked})))
    found = tasks(queue)
    assert [(one["index"], one["count"], one["args"]) for one in found] == [
        (at, 3, {"lr": 0.1}) for at in range(3)
    ]
    assert queue.group_status(found[0]["group"]).ranges == {"pending": "0-2"}


def test_m21_an_override_of_replicas_makes_as_many_instances(labq, client):
    task = client.task({"lr": 0.1}, resources={"worker": {"replicas": 1}})
    task.apply_resource_overrides(["worker.replicas=3"]).submit()
    assert [(one.index, one.count, one.args) for one in client.tasks()] == [
        (at, 3, {"lr": 0.1}) for at in range(3)
    ]
    assert labq("task", "submit", "-q", "--resource", "worker.replicas=2")[0] == 0
    client.task(name="base", resources={"worker": {}}).save()
    words = ("task", "start", "base", "-q", "-u", "resources.worker.replicas=2")
    assert labq(*words)[0] == 0
    assert [one.index for one in client.tasks(status="pending")] == [0, 1, 2, 0, 1, 0, 1]


def test_q29_an_instancecount_excludes_an_advanced_range(client):
    task = client.task()
    assert (task.instancecount, task.advanced_range) == (1, None)
    task.advanced_range = "1,3-8,9,12-19"
    with pytest.raises(UsageError, match="give instancecount or advanced_range, not both"):
        task.instancecount = 4
    assert task.submit().instancecount == client.count() == 16
    many = client.task()
    many.instancecount = 3
    many.submit()
    assert [one.index for one in client.tasks(limit=None)][16:] == [0, 1, 2]


def test_q30_an_advanced_range_takes_a_single_item(client):
    task = client.task()
    task.advanced_range = "5"
    assert task.submit().index == 5
    with pytest.raises(AttributeError, match="settable until a task is submitted"):
        task.advanced_range = "6"


def test_q31_a_task_tells_its_running_instances_and_cores(client, crew):
    task = client.submit(array=3, resources={"cpus": 2})
    crew.claim(), crew.claim()
    assert (task.running_instance_count, task.running_core_count) == (2, 4)


def test_q35_a_task_has_its_completed_instances(client, crew):
    task = client.submit(array=3)
    crew.run(), crew.run("boom")
    assert [(one.index, one.status) for one in task.completed_instances] == [
        (0, "success"),
        (1, "failed"),
    ]
    assert len(task.completed_instances[1].attempts) == 1


def test_c6_a_project_is_a_tree_and_its_root_has_all_below_it(labq, queue):
    paths = ("vision", "vision/resnet", "vision/resnet/50", "visions", "text")
    queue.submit([new({}, name="base", project=path) for path in paths])
    for path, count in (("vision", 3), ("vision/resnet", 2), ("vision/resnet/50", 1), ("no", 0)):
        assert labq("task", "count", "-P", path)[1] == f"{count}\n"
    code, out, _ = labq("task", "ls", "-P", "vision/resnet", "-P", "text", "--json")
    assert code == 0
    assert [json.loads(line)["number"] for line in out.splitlines()] == [2, 3, 5]


def test_c7_a_name_that_is_the_one_in_its_project_is_no_other(queue):
    queue.submit([new({}, name="base", project=path) for path in ("a", "b", "b/c")])
    (found,) = queue.find(queue.query(Selection(refs=["base"], projects=["a"])))
    assert found["number"] == 1


def test_q43_a_limit_is_kept_by_two_who_submit_at_once(queue, uri):
    settings.create(queue.store, "default", {"max_tasks": 1})
    other = open_store(uri)
    queue.submit([new({})])
    with pytest.raises(QuotaExceeded):
        Queue(other, "default").submit([new({})])
    other.close()
