"""What is changed here and saved, what others change meanwhile, and when a task is read again."""

from __future__ import annotations

import threading

import pytest

import labq
from labq.client import local_copy
from labq.errors import ConflictError, TaskNotFound, UsageError


@pytest.fixture
def twice(client):
    """One task, as two programs hold it."""
    task = client.submit({"lr": 1, "opt": {"name": "sgd", "beta": 2}}, tags=["x"])
    return task, client.get(task.id)


@pytest.fixture
def looks(client, monkeypatch):
    """How often the store is asked for tasks."""
    real, seen = client.queue.store.find, []

    def find(*args, **words):
        seen.append(args)
        return real(*args, **words)

    monkeypatch.setattr(client.queue.store, "find", find)
    return seen


def test_only_what_was_changed_is_sent(twice):
    mine, theirs = twice
    mine.args["lr"] = 10
    theirs.args["opt"]["beta"] = 3
    theirs.comment = "slow"
    theirs.save()
    assert mine.save().args == {"lr": 10, "opt": {"name": "sgd", "beta": 3}}
    assert mine.comment == "slow"


@pytest.mark.parametrize(
    ("mine_sets", "theirs_sets", "told"),
    [
        (lambda t: t.args.update(lr=2), lambda t: t.args.update(lr=3), "args.lr is 3 by now"),
        (
            lambda t: t.args["opt"].update(beta=5),
            lambda t: t.args.update(opt="none"),
            "args.opt.beta is gone by now",
        ),
        (lambda t: t.args.pop("lr"), lambda t: t.args.update(new=1), 'args is {"lr": 1, "opt"'),
        (lambda t: t.tags.append("y"), lambda t: t.tags.append("z"), 'tags is ["x", "z"] by now'),
        (
            lambda t: setattr(t, "comment", "a"),
            lambda t: setattr(t, "comment", "b"),
            "comment is b by now",
        ),
        (
            lambda t: setattr(t, "priority", 1),
            lambda t: setattr(t, "priority", 2),
            "priority is 2 by now",
        ),
    ],
    ids=["value", "gone", "key removed", "list", "text", "number"],
)
def test_an_update_that_would_be_lost_is_refused(twice, mine_sets, theirs_sets, told):
    mine, theirs = twice
    mine_sets(mine)
    theirs_sets(theirs)
    theirs.save()
    with pytest.raises(ConflictError) as caught:
        mine.save()
    assert str(caught.value).startswith(f"cannot save task 1: {told}")
    assert "(drop_changes() takes theirs; then set yours again)" in str(caught.value)
    assert mine.drop_changes().to_dict() == theirs.to_dict()


@pytest.mark.parametrize(
    "sets",
    [
        lambda t: setattr(t, "comment", "b"),
        lambda t: t.args.update(name="b"),
        lambda t: t.args.update(deep=True),
        lambda t: setattr(t, "comment", None),
    ],
    ids=["field", "new key", "switch", "gone"],
)
def test_two_who_set_the_same_word_are_at_one(twice, sets):
    mine, theirs = twice
    sets(mine)
    sets(theirs)
    theirs.save()
    mine.priority = 5
    mine.save()
    assert (mine.priority, mine.args, mine.comment) == (5, theirs.args, theirs.comment)


def test_the_same_number_may_be_anothers_count(twice):
    mine, theirs = twice
    for task in twice:
        task.args["lr"] = 2
    theirs.save()
    with pytest.raises(ConflictError) as caught:
        mine.save()
    assert str(caught.value) == (
        "cannot save task 1: args.lr is 2 by now, and was 1 when you changed it "
        "(drop_changes() takes theirs; then set yours again)"
    )


def test_a_refresh_in_between_does_not_hide_that_it_would_be_lost(twice):
    mine, theirs = twice
    mine.args["lr"] = 2
    theirs.args["lr"] = 3
    theirs.save()
    mine.refresh()
    assert mine.args["lr"] == 2
    with pytest.raises(ConflictError, match=r"args\.lr is 3 by now"):
        mine.commit()


def test_of_many_who_count_up_nobody_is_lost(client, uri):
    """Each adds one to the same value, again and again until it is saved."""
    client.submit({"n": 0})

    def count():
        with labq.Client(uri) as own:
            task = own.get(1)
            for _ in range(10):
                while True:
                    task.args["n"] += 1
                    try:
                        task.save()
                    except ConflictError:
                        task.drop_changes()
                    else:
                        break

    threads = [threading.Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get(1).args == {"n": 30}


def test_what_is_taken_away_is_gone(client):
    task = client.submit({"a": {"b": 1, "c": 2}}, comment="x", tags=["t"], env={"A": "1"})
    del task.args["a"]["b"]
    task.comment = None
    task.tags = []
    task.env.clear()
    task.save()
    assert (task.args, task.comment, task.tags, task.env) == ({"a": {"c": 2}}, None, [], {})
    assert task.args_signature == '["a.c"]'


def test_a_task_that_runs_keeps_its_settings_and_takes_notes(client, crew):
    task = client.submit({"lr": 1})
    crew.claim()
    task.comment = "look at it"
    task.save()
    task.args["lr"] = 2
    with pytest.raises(ConflictError, match="cannot save task 1: it is running, its args"):
        task.save()
    assert client.get(1).args == {"lr": 1}


def test_a_save_without_a_change_asks_nobody(client, looks):
    task = client.submit()
    task.refresh()
    looks.clear()
    assert task.tags == []
    assert task.save() is task
    assert looks == []


def test_what_cannot_be_stored_is_refused_by_save(client):
    task = client.submit()
    task.args["x"] = object
    with pytest.raises(UsageError, match="no store holds a value of type type"):
        task.save()


def test_a_task_that_is_saved_before_it_is_submitted_is_a_draft(client):
    task = client.task({"lr": 1}, name="base").save()
    assert (task.status, task.number) == ("draft", 1)
    task.name = "other"
    task.args["lr"] = 2
    assert task.submit().status == "pending"
    assert (task.number, task.name, task.args) == (1, "other", {"lr": 2})


def test_attributes_are_read_again_in_time(client, crew, looks, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(local_copy.time, "monotonic", lambda: now)
    task = client.submit()
    assert task.status == "pending"
    claim = crew.claim()
    looks.clear()
    now += 4.9
    assert (task.status, len(looks)) == ("pending", 0)
    now += 0.2
    assert (task.status, task.attempt, len(looks)) == ("running", 1, 1)
    task.auto_update = False
    crew.end(claim)
    now += 3600
    assert (task.status, len(looks)) == ("running", 1)
    task.update()
    assert (task.status, len(looks)) == ("success", 2)
    task.update()
    assert len(looks) == 2
    task.update(flushcache=True)
    assert len(looks) == 3


def test_how_often_is_the_clients_word_or_the_tasks(client, uri):
    with labq.Client(uri, auto_update=False, update_cache_time=60) as other:
        task = other.task()
        assert (task.auto_update, task.update_cache_time) == (False, 60)
        task.update_cache_time = 1
        assert task.update_cache_time == 1


def test_what_a_repr_tells_it_does_not_ask_for(client, looks):
    task = client.submit(name="my task")
    looks.clear()
    assert repr(task) == "<Task name='my task' number=1 status=pending>"
    assert looks == []


def test_a_task_that_somebody_deleted_is_not_found(client):
    task = client.submit({"lr": 1})
    client.delete(1)
    for ask in (task.refresh, task.save, task.wait):
        task.comment = "x"
        with pytest.raises(TaskNotFound, match="task 1 is gone: it was deleted"):
            ask()


def test_a_task_that_was_deleted_here_can_still_be_looked_at(client):
    task = client.submit({"lr": 1})
    task.refresh()
    task.delete()
    assert (task.args, task.number) == ({"lr": 1}, 1)
    assert client.count() == 0
    verbs = (task.refresh, task.save, task.submit, task.start, task.cancel, task.clone, task.delete)
    for verb in verbs:
        with pytest.raises(TaskNotFound, match="task 1 is gone: it was deleted"):
            verb()
