"""The client's verbs on several tasks: what they move, leave and refuse."""

from __future__ import annotations

import pytest

from labq import ConflictError, TaskNotFound, UsageError


@pytest.fixture
def tasks(client, crew):
    """A success, a failure, one that runs, one that is pending, and a draft."""
    client.submit_many([{"at": at} for at in range(4)])
    crew.run(), crew.run("boom"), crew.claim()
    client.task({"at": 4}).save()
    return list(client.tasks())


def statuses(client):
    return [task.status for task in client.tasks()]


START = ["success", "failed", "running", "pending", "draft"]
MOVES = [
    ("enqueue", (5,), 1, {4: "pending"}),
    ("dequeue", (4,), 1, {3: "draft"}),
    ("cancel", (4, 5), 2, {3: "cancelled", 4: "cancelled"}),
    ("requeue", (1, 2), 2, {0: "pending", 1: "pending"}),
    ("reset", (1, 2), 2, {0: "draft", 1: "draft"}),
]


@pytest.mark.parametrize(("verb", "refs", "count", "then"), MOVES)
def test_a_verb_moves_those_that_are_named(client, tasks, verb, refs, count, then):
    assert getattr(client, verb)(*refs) == count
    assert statuses(client) == [then.get(at, status) for at, status in enumerate(START)]


@pytest.mark.parametrize(("verb", "refs", "count", "then"), MOVES)
def test_of_what_a_filter_finds_a_verb_takes_what_it_can(client, tasks, verb, refs, count, then):
    takes = {"cancel": 3, "reset": 2}.get(verb, count)
    assert getattr(client, verb)(filter="args.at >= 0") == takes
    assert statuses(client)[2] == "running"


REFUSED = [
    (
        "enqueue",
        (3, 5),
        "cannot enqueue task 3: it is running (a worker has it already)",
        "pending",
    ),
    ("requeue", (3, 4), "cannot requeue 2 tasks: 1 is pending (labq worker run runs it), 1 is", ""),
    ("publish", (2, 1), "cannot publish task 2: it is failed (force=True publishes it all", ""),
    ("reset", (3,), "cannot reset task 3: it is running (labq task cancel stops it)", ""),
]


@pytest.mark.parametrize(("verb", "refs", "told", "last"), REFUSED)
def test_what_is_named_and_not_taken_is_refused_after_the_others(
    client, tasks, verb, refs, told, last
):
    with pytest.raises(ConflictError) as caught:
        getattr(client, verb)(*refs)
    assert str(caught.value).startswith(told)
    if last:
        assert statuses(client)[-1] == last


def test_to_do_it_twice_is_no_mistake(client, tasks):
    assert [client.enqueue(5), client.enqueue(5)] == [1, 0]


def test_a_failure_is_published_by_force(client, tasks):
    assert client.publish(1, 2, force=True) == 2
    with pytest.raises(UsageError, match="force must be True or False, not 'no'"):
        client.publish(1, force="no")


def test_tags(client, tasks):
    assert client.tag(1, 2, add=["a", "b"]) == 2
    assert client.tag(filter='"a" in tags', add="c", remove="a") == 2
    assert [task.tags for task in client.tasks(limit=3)] == [["b", "c"], ["b", "c"], []]


def test_a_reason_and_a_grace_reach_the_worker(client, tasks):
    assert client.cancel(3, reason="not needed", grace="2s") == 1
    assert client.get(3).stop_requested == {"reason": "not needed", "grace": 2}


def test_progress_is_of_what_runs(client, tasks):
    client.progress(3, 40)
    assert client.get(3).progress == 40
    with pytest.raises(ConflictError, match="cannot set the progress of task 4: it is pending"):
        client.progress(4, 40)


def test_diff_tells_where_tasks_differ(client, tasks):
    assert client.diff(4, tasks[4])["args.at"] == {4: 3, 5: 4}


def test_clones_are_made_of_each(client, tasks):
    made = client.clone(1, 2, enqueue=True, name="again", **{"args.lr": 0.1})
    assert [(one.args, one.name, one.status, one.parent) for one in made] == [
        ({"at": at, "lr": 0.1}, "again", "pending", tasks[at].id) for at in range(2)
    ]
    assert [one.status for one in client.clone(filter="args.at == 3")] == ["draft"]


@pytest.mark.parametrize("verb", ["enqueue", "dequeue", "cancel", "requeue", "reset", "publish"])
def test_a_verb_wants_to_know_what(client, verb):
    with pytest.raises(UsageError, match=rf"{verb} what\? Give tasks, filter, status or name"):
        getattr(client, verb)()
    with pytest.raises(TaskNotFound):
        getattr(client, verb)(77)
