"""A `Task` that is an array: its size, its instances, and what is done to all of them."""

from __future__ import annotations

import pytest

from labq import UsageError
from labq.errors import ArrayError
from labq.model.arrays import parse_indexes

SIZES = [
    ({"array": 3}, 3, None, [0, 1, 2]),
    ({"array": "3"}, 3, "0-2", [0, 1, 2]),
    ({"array": "1,3-4,4"}, 3, "1,3-4", [1, 3, 4]),
    ({"array": 1}, 1, None, [None]),
    ({}, 1, None, [None]),
    ({"resources": {"worker": {"replicas": 2}, "ps": {"replicas": 1}}}, 1, None, [0, 1]),
]


def indexes(client):
    return [task.index for task in client.tasks()]


@pytest.mark.parametrize(("words", "count", "text", "stored"), SIZES)
def test_a_size_is_known_before_the_submit_and_stored_by_it(client, words, count, text, stored):
    task = client.task({"lr": 0.1}, group="g", **words)
    assert (task.instancecount, task.advanced_range) == (count, text)
    assert task.submit() is task
    assert indexes(client) == stored
    assert task.instancecount == len(stored)
    assert {(one.group, one.args["lr"]) for one in client.tasks()} == {("g", 0.1)}
    assert (task.number, task.index) == (1, stored[0])


def test_the_indexes_of_what_is_stored_are_those_of_its_array(client):
    task = client.submit(array="1,3-4")
    assert [one.advanced_range for one in (task, client.get(2))] == ["1,3-4"] * 2
    assert client.submit().advanced_range is None


REFUSED = [
    ({"array": 0}, "an array has 1 to 1,000,000 instances, not 0"),
    ({"array": "8-3"}, "8-3 goes down: write 3-8"),
    ({"array": 2.5}, "instancecount must be a whole number, not 2.5"),
    ({"group": 5}, "group must be a text, not 5"),
    ({"group": "5"}, "'5' cannot name a group: a number names a task"),
    ({"array": 2, "short": "a"}, "short"),
]


@pytest.mark.parametrize(("words", "told"), REFUSED)
def test_what_is_no_array_is_refused_and_nothing_is_stored(client, words, told):
    with pytest.raises(UsageError, match=told):
        client.submit(**words)
    assert client.count() == 0


def test_a_count_and_a_range_exclude_each_other(client):
    task = client.task()
    task.instancecount = 2
    with pytest.raises(UsageError, match=r"not both \(instancecount is 2: set it to 1 first\)"):
        task.advanced_range = "1-2"
    task.instancecount = 1
    task.advanced_range = "5"
    with pytest.raises(UsageError, match=r"not both \(advanced_range is 5: set it to None first\)"):
        task.instancecount = 2
    with pytest.raises(ArrayError):
        task.advanced_range = "1,,2"
    with pytest.raises(UsageError, match="advanced_range must be such as '1,3-8,9', not 7"):
        task.advanced_range = 7
    assert task.submit().index == 5


def test_many_are_no_array(client):
    with pytest.raises(UsageError, match=r"array is for submit\(\)"):
        client.submit_many([{}], array=2)


@pytest.mark.parametrize("name", ["instancecount", "advanced_range"])
def test_the_size_is_settable_until_the_submit(client, name):
    task = client.submit()
    with pytest.raises(AttributeError, match=f"{name} is settable until a task is submitted"):
        setattr(task, name, 2 if name == "instancecount" else "1-2")


@pytest.mark.parametrize("verb", ["submit", "start"])
def test_a_draft_becomes_an_array_when_it_is_set_going(client, verb):
    client.task(name="base").save()
    task = client.get("base")
    task.advanced_range = "2,4"
    getattr(task, verb)()
    pending = list(client.tasks(status="pending"))
    assert [one.index for one in pending] == [2, 4]
    assert [one.name for one in pending] == ["base"] * 2
    assert (task.index, task.instancecount, task.advanced_range) == (2, 2, "2,4")


def test_an_array_is_started_anew_as_an_array(client, crew):
    task = client.submit(array="1,3")
    old = task.group
    crew.run(), crew.run()
    task.start()
    assert task.group != old
    assert indexes(client) == [1, 3, 1, 3]


VERBS = [
    ("cancel", "cancelled"),
    ("abort", "cancelled"),
    ("dequeue", "draft"),
    ("delete", None),
]


@pytest.mark.parametrize(("verb", "status"), VERBS)
def test_a_verb_is_about_every_instance(client, verb, status):
    task = client.submit(array=3, group="g")
    client.submit(group="g")
    getattr(task, verb)()
    found = [one.status for one in client.tasks()]
    assert found == [*([status] * 3 if status else []), "pending"]


def test_an_instance_that_was_found_stands_for_itself(client):
    client.submit(array=3)
    client.get(2).cancel()
    assert [task.status for task in client.tasks()] == ["pending", "cancelled", "pending"]


def test_an_array_has_ended_and_succeeded_when_all_of_it_has(client, crew):
    task = client.submit(array=2)
    crew.run()
    task.refresh()
    assert (task.status, task.completed, task.succeeded) == ("success", False, False)
    assert not task.wait(0)
    assert not client.wait(task, 0)
    crew.run("boom")
    assert (task.completed, task.succeeded, task.wait(0)) == (True, False, True)
    task.requeue()
    assert not task.completed
    crew.run(), crew.run()
    assert task.succeeded


def test_a_run_of_an_array_waits_for_all_of_it(client, crew):
    crew.soon(lambda: (crew.run(), crew.run("boom")))
    task = client.task(array=2)
    assert task.run(poll=0.05) is task
    assert [one.status for one in client.tasks()] == ["success", "failed"]


def test_what_runs_and_what_has_ended_is_told_of_the_whole_array(client, crew):
    task = client.submit(array=4, resources={"cpus": 2})
    other = client.submit(resources={"cpus": 3})
    done, _, _ = (crew.claim() for _ in range(3))
    client.queue.report(done.task["_id"], "", {"acc": 0.9})
    crew.end(done)
    assert (task.running_instance_count, task.running_core_count) == (2, 4)
    ended = task.completed_instances
    assert [(one.index, one.status, one.summary) for one in ended] == [(0, "success", {"acc": 0.9})]
    assert client.get(2).completed_instances == ended
    assert (other.running_instance_count, other.running_core_count) == (0, 0)
    assert other.completed_instances == []
    crew.claim(), crew.claim()
    other.refresh()
    assert (other.running_instance_count, other.running_core_count) == (1, 3)


def test_a_key_adds_what_is_missing_of_an_array(client):
    for _ in range(2):
        client.submit(array=3, key="k")
    assert indexes(client) == [0, 1, 2]


def test_an_array_may_be_a_draft(client):
    task = client.task(array=2).save()
    assert [one.status for one in client.tasks()] == ["draft"] * 2
    task.submit()
    assert [one.status for one in client.tasks()] == ["pending"] * 2


def test_a_parent_is_named_by_reference(client):
    parent = client.submit(name="base")
    assert client.submit(parent="base").parent == client.submit(parent=parent).parent == parent.id


def test_a_range_of_the_books_reads_back(client):
    text = client.submit(array="1,3-8,9,12-19").advanced_range
    assert list(parse_indexes(text)) == indexes(client)
