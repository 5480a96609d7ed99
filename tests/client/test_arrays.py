"""An array as a whole: its edits, and what it is to another process that fetches it."""

from __future__ import annotations

import pytest

from labq import Client
from labq.errors import ConflictError, TaskNotFound, UsageError
from labq.queue.edits import edit, parse_edit

BY = ["uuid", "group"]


@pytest.fixture
def other(client, uri):
    """A client of another process."""
    with Client(uri) as other:
        yield other


def values(client, field):
    return [getattr(task, field) for task in client.tasks()]


# -- edits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [None, *BY])
def test_an_edit_reaches_every_instance(client, other, by):
    task = client.submit({"lr": 0.1}, array=3, env={"A": "1"}, group="g")
    client.update({"args.own": 7}, 2)
    task = task.refresh() if by is None else other.get(getattr(task, by))
    task.args["lr"] = 0.2
    task.priority = 5
    task.apply_env(["B=2"]).save()
    assert values(client, "args") == [{"lr": 0.2}, {"lr": 0.2, "own": 7}, {"lr": 0.2}]
    assert values(client, "env") == [{"A": "1", "B": "2"}] * 3
    assert values(client, "priority") == [5] * 3
    task.update_task_info({"best": {"acc": 1}})
    assert values(client, "summary") == [{"best": {"acc": 1}}] * 3
    other.update({"args.lr": 0.3}, task)
    assert [args["lr"] for args in values(client, "args")] == [0.3] * 3
    assert other.tag(task, add="x") == 3


def test_an_edit_is_refused_by_the_instances_that_run_and_reaches_the_others(client, crew):
    task = client.submit({"lr": 0.1}, array=3)
    crew.claim()
    task.args["lr"] = 0.2
    with pytest.raises(ConflictError) as caught:
        task.save()
    assert str(caught.value) == (
        "cannot save all of task 1: 2 of 3 instances are saved; 1 task: running, its args cannot "
        "change (labq task clone REF --update args.lr=1 --enqueue runs a changed copy)"
    )
    assert [args["lr"] for args in values(client, "args")] == [0.1, 0.2, 0.2]
    assert task.save().args == {"lr": 0.1}


def test_an_info_is_refused_by_the_instances_that_are_published(client, crew):
    task = client.submit(array=2)
    crew.run()
    client.publish(1)
    with pytest.raises(ConflictError, match=r"^cannot report on 1 task: 1 is published"):
        task.update_task_info({"acc": 1})
    assert values(client, "summary") == [{}, {"acc": 1}]


# -- fetched --------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [*BY, "name"])
def test_an_array_that_was_fetched_is_all_of_it(client, crew, other, by):
    task = client.submit(array="1,3,4", name="sweep", group="g")
    found = other.get(getattr(task, by))
    assert (found.instancecount, found.advanced_range, found.index) == (3, "1,3-4", 1)
    assert not found.wait(0)
    crew.run()
    assert not found.refresh().completed
    assert not other.wait(found, 0)
    crew.run(), crew.run()
    assert (found.completed, found.succeeded, found.wait(0), found.resume() is found) == (True,) * 4
    assert [one.index for one in found.completed_instances] == [1, 3, 4]
    found.requeue()
    assert values(client, "status") == ["pending"] * 3
    found.cancel()
    found.start()
    assert [task.index for task in client.tasks()] == [1, 3, 4] * 2
    assert (found.instancecount, found.number) == (3, 4)
    assert found.clone().save().instancecount == 3


def test_what_stands_for_one_instance(client, other):
    task = client.submit(array=3, name="sweep")
    for ref in (1, 2, client.get(2).uuid, "sweep#1"):
        other.get(ref).update_task_info({"seen": True})
    assert values(client, "summary") == [{"seen": True}, {"seen": True}, {}]
    assert other.get("sweep", latest=True).cancel().index == 2
    assert values(client, "status") == ["pending", "pending", "cancelled"]
    assert other.get(task).instancecount == 3
    assert [one.number for one in (other.get(client.get(1)), other.get(task.uuid))] == [1, 1]


def test_an_array_within_a_group_of_several_is_itself_alone(client, other):
    first, second = (client.submit(array=array, group="g") for array in ("0-2", "1-2"))
    client.submit(group="g")
    other.get(second.uuid).cancel()
    assert values(client, "status") == [*["pending"] * 3, *["cancelled"] * 2, "pending"]
    other.delete(first.number + 1)
    other.get(first.uuid).cancel()
    assert values(client, "status") == [*["cancelled"] * 4, "pending"]
    other.get("g").cancel()
    assert values(client, "status") == ["cancelled"] * 5
    with pytest.raises(ConflictError, match=r"^group g is no array: start its tasks one by one$"):
        other.get("g").start()
    with pytest.raises(TaskNotFound):
        other.get("h")


@pytest.mark.parametrize("by", [*BY, "name"])
def test_a_draft_array_that_was_fetched_is_enqueued_whole(client, other, by):
    task = client.task(array=3, name="base").save()
    found = other.get(getattr(task, by))
    found.priority = 2
    assert found.submit() is found
    assert values(client, "status") == ["pending"] * 3
    assert values(client, "priority") == [2] * 3
    assert found.submit().dequeue().enqueue().instancecount == 3
    assert values(client, "status") == ["pending"] * 3


def test_the_results_of_an_array_lie_below_their_indexes(client, crew, other, tmp_path):
    task = client.submit(array="1,3", group="g")
    for one in client.tasks():
        folder = client.folder(one)
        folder.mkdir(parents=True)
        (folder / "out").write_text(str(one.index))
    crew.run(), crew.run()
    for found, name in ((task, "a"), (other.get(task.uuid), "b"), (other.get("g"), "c")):
        seen: list[str] = []
        found.resume(tmp_path / name, results_progress=lambda *said, to=seen: to.append(said[2]))
        assert (tmp_path / name / "1" / "out").read_text() == "1"
        assert (tmp_path / name / "3" / "out").read_text() == "3"
        assert seen == ["1/out", "3/out"]
    with pytest.raises(ConflictError, match="is there already: overwrite=True writes over it"):
        task.resume(tmp_path / "a")


def test_instances_that_left_nothing_here_are_told_of_together(client, tmp_path):
    task = client.submit(array=3).cancel()
    with pytest.warns(UserWarning, match=r"no folder /.*, nor 2 others$"):
        task.resume(tmp_path / "out")
    assert not list(tmp_path.rglob("*.stdout"))


def test_what_comes_after_an_array_comes_after_all_of_it(client, crew, other):
    task = client.submit(array=2)
    later = other.submit(after=other.get(task.uuid), parent=other.get(task.uuid))
    assert len(later.after) == 2
    assert later.parent == task.uuid


# -- replicas -------------------------------------------------------------------------------------

TWO = {"worker": {"replicas": 2}}
BOTH = (
    "give an array or replicas, not both: the array has 3 instances, and the resources ask for 2 "
    "replicas"
)


@pytest.mark.parametrize("stored", [False, True])
def test_an_array_and_replicas_exclude_each_other(client, stored):
    task = client.task(resources=TWO)
    if stored:
        task.save()
    task.instancecount = 3
    with pytest.raises(UsageError) as caught:
        task.submit()
    assert str(caught.value) == BOTH
    assert [one.status for one in client.tasks()] == ["draft"] * stored


def test_replicas_are_started_anew_as_many(client, other):
    task = client.submit(resources=TWO)
    found = other.get(task.uuid)
    for one in (task, found):
        one.start()
        assert one.instancecount == 2
    assert values(client, "index") == [0, 1] * 3


@pytest.mark.parametrize("delay", [None, "1h"])
def test_replicas_of_what_is_no_draft_are_refused(client, delay):
    task = client.submit(resources={"worker": {}}, delay=delay)
    status = task.status
    task.apply_resource_overrides(["worker.replicas=3"])
    told = (
        f"it is {status}, its replicas are settable until the submit "
        "(labq task dequeue 1 makes it a draft)"
    )
    with pytest.raises(ConflictError) as caught:
        task.save()
    assert str(caught.value) == f"cannot save task 1: {told}"
    with pytest.raises(ConflictError, match="its replicas are settable until the submit"):
        client.update({"resources.worker.replicas": 3}, 1)
    task.drop_changes().dequeue()
    task.apply_resource_overrides(["worker.replicas=3"]).submit()
    assert values(client, "index") == [0, 1, 2]
    mine = {"queue": "default"}
    refused = edit(client.queue.store, mine, [parse_edit("resources.worker.replicas=2")]).refused
    assert refused == {"an instance of an array, whose replicas are settable until the submit": 3}
