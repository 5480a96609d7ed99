"""`labq task submit --array` and `--group`, and `labq task group ls`, `show` and others."""

from __future__ import annotations

import json
import sys

import pytest
from books import wait_for

from labq.cli.task import bulk
from labq.queue import WorkerName, claims

REPORT = f'{sys.executable} -m labq task report at="$LABQ_INDEX/$LABQ_COUNT"'


def submit(labq, *args):
    result = labq("task", "submit", "-q", *args)
    assert (result.code, result.err) == (0, "")
    return result.ids


def claim(queue, **query):
    return claims.claim(queue.store, {"queue": "default", **query}, WorkerName("w", "h"), 60)


def members(queue):
    return [
        (one["number"], one["group"], one.get("index")) for one in queue.find({"queue": "default"})
    ]


# -- submit ---------------------------------------------------------------------------------------


def test_an_array_is_a_task_for_each_index(labq, queue):
    words = ("--array", "1,3-4", "--name", "x", "--no-source")
    result = labq("task", "submit", *words, "--", "--lr", "0.1")
    tasks = list(queue.find({"queue": "default"}))
    assert result.ids == [task["_id"] for task in tasks]
    assert [(one["index"], one["count"]) for one in tasks] == [(1, 3), (3, 3), (4, 3)]
    assert {one["name"] for one in tasks} == {"x"}
    assert all(one["args"] == {"lr": 0.1} for one in tasks)
    (group,) = {one["group"] for one in tasks}
    where = f"queue default ({queue.store.address})"
    assert result.err == (
        f"added 3 tasks to {where}\nindexes 1,3-4 of group {group}: labq task group show {group}\n"
    )


def test_json_names_the_group_and_the_index_of_each(labq, queue):
    lines = labq("task", "submit", "--array", "2", "--group", "g", "--json").lines
    assert [(one["number"], one["group"], one["index"]) for one in lines] == [
        (1, "g", 0),
        (2, "g", 1),
    ]


def test_a_large_array_is_stored_in_batches(labq, queue, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 10)
    assert len(submit(labq, "--array", "25")) == 25
    (group,) = {group for _, group, _ in members(queue)}
    assert members(queue) == [(at + 1, group, at) for at in range(25)]


def test_a_key_adds_each_instance_once(labq, queue):
    first = submit(labq, "--array", "4", "--key", "k")
    labq("task", "delete", "2", "--yes")
    again = labq("task", "submit", "--array", "6", "--key", "k")
    assert again.err.startswith("added 3 tasks to queue default")
    assert ", 3 were there already\n" in again.err
    assert again.ids[:4] == first
    assert sorted(index for _, _, index in members(queue)) == [0, 1, 2, 3, 4, 5]
    assert len({group for _, group, _ in members(queue)}) == 1


def test_a_group_may_have_tasks_that_were_submitted_one_by_one(labq, queue, tmp_path):
    (tmp_path / "runs.jsonl").write_text("{}\n{}\n")
    submit(labq, "--group", "g")
    submit(labq, "--group", "g", "--file", "runs.jsonl")
    assert members(queue) == [(1, "g", None), (2, "g", None), (3, "g", None)]
    assert labq("task", "group", "show", "2", "--json").lines[0]["statuses"] == {"pending": 3}


def test_an_array_may_wait(labq, queue):
    submit(labq)
    submit(labq, "--array", "3", "--after", "1")
    assert queue.count({"queue": "default", "status": "waiting"}) == 3
    labq("worker", "run", "-q", "--", "true")
    assert queue.count({"queue": "default", "status": "success"}) == 4


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--array", "8-3"], "8-3 goes down: write 3-8\n  8-3\n  ^^^"),
        (["--array", "0"], "an array has 1 to 1,000,000 instances\n  0\n  ^"),
        (["--array", "3", "--file", "x"], "give --array or --file, not both"),
        (["--group", "12"], "'12' cannot name a group: a number names a task"),
    ],
)
def test_what_is_no_array_or_group_stores_nothing(labq, queue, args, told):
    result = labq("task", "submit", *args)
    assert (result.code, result.out, result.err) == (2, "", f"labq: {told}\n")
    assert not list(queue.store.queues.find())


def test_an_array_that_does_not_fit_its_queue_is_not_begun(labq, queue, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 2)
    labq("queue", "create", "--max-tasks", "4")
    result = labq("task", "submit", "--array", "5")
    assert (result.code, result.out) == (5, "")
    assert result.err.startswith(
        "labq: queue default keeps at most 4 tasks and has 0: 5 more do not fit"
    )
    assert queue.count({"queue": "default"}) == 0
    assert len(submit(labq, "--array", "4", "--key", "k")) == 4
    assert len(submit(labq, "--array", "4", "--key", "k")) == 4


# -- the job --------------------------------------------------------------------------------------


def test_a_job_knows_its_index_and_how_many_there_are(labq, queue, process):
    submit(labq, "--array", "1,3-4")
    submit(labq)
    worker = process("worker", "run", "--", "sh", "-c", "echo $LABQ_INDEX/$LABQ_COUNT")
    assert worker.communicate(timeout=60)[0].split() == ["1/3", "3/3", "4/3", "/"]


def test_a_worker_within_a_job_of_an_array_does_not_pass_its_place_on(labq, queue, process):
    submit(labq)
    outer = {"LABQ_INDEX": "7", "LABQ_COUNT": "9"}
    worker = process("worker", "run", "--", "sh", "-c", "echo $LABQ_INDEX/$LABQ_COUNT", env=outer)
    assert worker.communicate(timeout=60)[0].split() == ["/"]


# -- show -----------------------------------------------------------------------------------------


@pytest.fixture
def sweep(labq, queue):
    """A group of six, of which three have ended and one runs."""
    submit(labq, "--array", "6", "--group", "sweep", "--resources", "cpus=2")
    for at in range(3):
        claimed = claim(queue)
        queue.report(claimed.task["_id"], claimed.token, {"loss": at / 2})
        claims.finish(
            queue.store, claimed, claims.Ending(succeeded=at != 1, reason="x" * (at == 1))
        )
    claim(queue)


def test_show_adds_a_group_up(labq, queue, sweep):
    lines = [
        line.split(maxsplit=1) for line in labq("task", "group", "show", "sweep").out.splitlines()
    ]
    assert lines[0] == ["group", "sweep  running  "]
    found = dict(lines[1:])
    assert list(found) == [
        *("queue", "tasks", "progress", "in", "pending", "running", "success", "failed"),
        *("created_at", "started_at"),
    ]
    told = {name: " ".join(text.split()) for name, text in found.items()}
    assert told["tasks"] == "6"
    assert told["progress"] == "50 %"
    assert told["in"] == "use 2 cores by 1 task"
    assert (told["success"], told["failed"], told["pending"]) == ("2 0,2", "1 1", "2 4-5")


def test_show_as_json(labq, queue, sweep):
    (told,) = labq("task", "group", "show", "1", "--json").lines
    first = queue.get("1")
    assert told.pop("created_at")[:19] == f"{first['created_at']:%Y-%m-%dT%H:%M:%S}"
    assert told.pop("started_at")[:19] == f"{first['started_at']:%Y-%m-%dT%H:%M:%S}"
    assert told == {
        "group": "sweep",
        "queue": "default",
        "running_instances": 1,
        "count": 6,
        "statuses": {"pending": 2, "running": 1, "success": 2, "failed": 1},
        "ranges": {"pending": "4-5", "running": "3", "success": "0,2", "failed": "1"},
        "progress": 50.0,
        "running_cores": 2,
        "ended_at": None,
    }


def test_completed_lists_what_came_of_each(labq, queue, sweep):
    head, _, *lines = labq("task", "group", "show", "sweep", "--completed").out.splitlines()
    assert head.split() == ["index", "#", "status", "took", "summary", "reason"]
    assert [line.split()[:3] for line in lines] == [
        ["0", "1", "success"],
        ["1", "2", "failed"],
        ["2", "3", "success"],
    ]
    assert "loss=0.5" in lines[1]
    told = labq("task", "group", "show", "sweep", "--completed", "--json").lines
    assert [(one["index"], one["status"], one["summary"]["loss"]) for one in told] == [
        (0, "success", 0.0),
        (1, "failed", 0.5),
        (2, "success", 1.0),
    ]
    assert told[0]["attempts"][0]["attempt"] == 1


def test_completed_says_how_many_more_there_are(labq, queue, sweep):
    result = labq("task", "group", "show", "sweep", "--completed", "--limit", "2")
    assert len(result.out.splitlines()) == 4
    assert result.err == "2 of 3 tasks, 1 more\n"
    submit(labq, "--array", "1", "--group", "new")
    result = labq("task", "group", "show", "new", "--completed")
    assert (result.out, result.err) == ("", "no task of group new has ended\n")


@pytest.mark.parametrize(
    ("member", "word"),
    [
        ("pending", "pending"),
        ("cancelled", "failed"),
        ("success", "failed"),
        ("running", "running"),
    ],
)
def test_one_word_says_how_a_group_stands(labq, queue, member, word):
    submit(labq, "--array", "2", "--group", "g")
    claims.finish(queue.store, claim(queue), claims.Ending(succeeded=False))
    if member == "cancelled":
        labq("task", "cancel", "2")
    elif member in ("running", "success"):
        claimed = claim(queue)
        if member == "success":
            claims.finish(queue.store, claimed, claims.Ending(succeeded=True))
    assert labq("task", "group", "show", "g").out.split()[2] == word


def test_ls_lists_the_groups_the_newest_first(labq, queue):
    submit(labq, "--array", "3", "--group", "a")
    submit(labq)
    submit(labq, "--array", "2", "--group", "b")
    submit(labq, "--group", "a", "--draft")
    first = claim(queue, number=1)
    claims.finish(queue.store, first, claims.Ending(succeeded=True))
    second = claim(queue, number=2)
    queue.progress(second.task["_id"], second.token, 50)
    result = labq("task", "group", "ls", "--json")
    assert result.lines == [
        {
            "group": "b",
            "queue": "default",
            "number": 5,
            "count": 2,
            "statuses": {"pending": 2},
            "progress": 0.0,
        },
        {
            "group": "a",
            "queue": "default",
            "number": 1,
            "count": 4,
            "statuses": {"draft": 1, "pending": 1, "running": 1, "success": 1},
            "progress": 37.5,
        },
    ]
    for told in result.lines:
        (shown,) = labq("task", "group", "show", told["number"], "--json").lines
        assert {**told, **shown} == {**shown, "number": told["number"]}
    assert labq("task", "group", "ls", "-q").out == "b\na\n"
    head, _, *lines = labq("task", "group", "ls").out.splitlines()
    assert head.split() == [
        *("#", "group", "tasks", "progress", "draft", "pending", "running", "success"),
    ]
    assert [text.split() for text in lines] == [
        ["5", "b", "2", "0", "%", "2"],
        ["1", "a", "4", "37.5", "%", "1", "1", "1", "1"],
    ]


def test_ls_without_a_group(labq):
    submit(labq)
    result = labq("task", "group", "ls")
    assert (result.code, result.out) == (0, "")
    assert result.err == "no groups in queue default (labq task submit --array makes one)\n"
    assert labq("task", "group", "ls", "--json").out == ""


@pytest.mark.parametrize("verb", ["show", "cancel", "requeue"])
def test_a_group_that_is_not_there(labq, queue, verb):
    submit(labq)
    told = "labq: no group 'nope' in queue 'default' (labq task group ls names them)\n"
    assert labq("task", "group", verb, "nope").err == told
    result = labq("task", "group", verb, "1")
    assert (result.code, result.err) == (5, "labq: task 1 is in no group\n")


# -- cancel and requeue ---------------------------------------------------------------------------


def test_cancel_ends_all_of_a_group_and_nothing_else(labq, queue, sweep):
    submit(labq)
    assert labq("task", "group", "cancel", "sweep", "--reason", "no").err == (
        "cancelled 2 tasks, asked 1 running task to stop, left 3 that have ended\n"
    )
    assert queue.get("4")["stop_requested"] == {"reason": "no"}
    assert [queue.get(str(at))["status"] for at in (5, 6, 7)] == [
        "cancelled",
        "cancelled",
        "pending",
    ]
    assert labq("task", "group", "cancel", "sweep", "--json").lines == [
        {"cancelled": 0, "asked": 0, "left": 5}
    ]


def test_cancel_takes_the_flags_of_task_cancel(labq, queue, process):
    submit(labq, "--array", "2", "--group", "g", "--cmd", "sleep 60")
    worker = process("worker", "run", "-q")
    wait_for(queue, "running")
    assert labq("task", "group", "cancel", "g", "--kill", "--wait", "-q").code == 0
    assert [one["status"] for one in queue.find({"queue": "default"})] == ["cancelled"] * 2
    worker.wait(timeout=60)
    result = labq("task", "group", "cancel", "g", "--kill", "--grace", "1")
    assert (result.code, result.err) == (2, "labq: give --grace or --kill, not both\n")


def test_requeue_runs_again_what_failed_or_all_that_ended(labq, queue, sweep):
    assert labq("task", "group", "requeue", "sweep", "--failed").err == (
        "requeued 1 task of group sweep\n"
    )
    assert labq("task", "group", "show", "sweep", "--json").lines[0]["ranges"] == {
        "pending": "1,4-5", "running": "3", "success": "0,2",
    }  # fmt: skip
    assert labq("task", "group", "requeue", "sweep", "--json").lines == [
        {"group": "sweep", "requeued": 2}
    ]
    assert labq("task", "group", "requeue", "sweep").err == "requeued 0 tasks of group sweep\n"


def test_an_array_runs_and_what_failed_runs_again(labq, queue, process):
    submit(labq, "--array", "4", "--group", "g")
    job = f'test "$LABQ_INDEX" != 2 && {REPORT}'
    process("worker", "run", "-q", "--", "sh", "-c", job).wait(timeout=60)
    (told,) = labq("task", "group", "show", "g", "--json").lines
    assert told["ranges"] == {"success": "0-1,3", "failed": "2"}
    assert told["progress"] == 100
    labq("task", "group", "requeue", "g", "--failed")
    process("worker", "run", "-q", "--", "true").wait(timeout=60)
    done = labq("task", "group", "show", "g", "--completed", "--json").out.splitlines()
    assert [json.loads(one).get("summary") for one in done] == [
        {"at": "0/4"},
        {"at": "1/4"},
        None,
        {"at": "3/4"},
    ]


def test_an_array_and_other_replicas_exclude_each_other(labq, queue):
    result = labq("task", "submit", "--array", "3", "--resource", "worker.replicas=2")
    told = "the array has 3 instances, and the resources ask for 2 replicas"
    assert result.err == f"labq: give an array or replicas, not both: {told}\n"
    assert (result.code, queue.count({"queue": "default"})) == (2, 0)
    assert labq("task", "submit", "-q", "--resource", "worker.replicas=2").code == 0
    edit = labq("task", "update", "1", "-u", "resources.worker.replicas=3")
    told = "an instance of an array, whose replicas are settable until the submit"
    assert (edit.code, edit.err) == (5, f"labq: cannot edit task 1: {told}\n")
