"""Finding tasks, walking over them while they change, and changing many."""

from __future__ import annotations

import pytest

import labq
from labq.client import selection
from labq.errors import ConfigError, ConflictError, FilterError, TaskNotFound, UsageError


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(selection, "PAGE", 7)


def numbers(tasks):
    return [task.number for task in tasks]


def test_a_reference_is_a_number_an_id_a_name_or_a_task(client):
    task = client.submit(name="base")
    for ref in (1, "1", task.id, task.id[:8], "base", "base#1", task):
        assert client.get(ref).id == task.id
    for ref in (2, "nobody", "base#2"):
        with pytest.raises(TaskNotFound):
            client.get(ref)
    for ref in (None, 1.5, True):
        with pytest.raises(UsageError, match="is no task: give a Task, a number, an id or a name"):
            client.get(ref)


def test_what_is_to_hold_holds_together(client):
    client.submit_many([{"lr": n} for n in range(6)], project="a/b", tags=["x"])
    client.submit({"lr": 9}, name="big", project="a/bc")
    client.get(1).cancel()
    for words, found in [
        ({}, [1, 2, 3, 4, 5, 6, 7]),
        ({"filter": "args.lr > 3"}, [5, 6, 7]),
        ({"filter": {"args.lr": {"$gt": 3}}}, [5, 6, 7]),
        ({"filter": ["args.lr > 3", {"tags": "x"}]}, [5, 6]),
        ({"status": "Aborted"}, [1]),
        ({"status": ["Aborted", "queued"], "filter": "args.lr < 2"}, [1, 2]),
        ({"name": "big"}, [7]),
        ({"project": "a"}, [1, 2, 3, 4, 5, 6, 7]),
        ({"project": "a/b"}, [1, 2, 3, 4, 5, 6]),
    ]:
        assert numbers(client.tasks(**words)) == found, words
        assert client.count(**words) == len(found), words


def test_order_and_limit(client):
    client.submit_many([{"lr": n} for n in range(7)])
    client.get(1).cancel()
    for words, found in [
        ({"sort": "args.lr:desc", "limit": 3}, [7, 6, 5]),
        ({"sort": ["status", "args.lr:desc"]}, [1, 7, 6, 5, 4, 3, 2]),
        ({"sort": "number:desc", "limit": 2}, [7, 6]),
        ({"limit": 2}, [1, 2]),
        ({"limit": 0}, [1, 2, 3, 4, 5, 6, 7]),
    ]:
        assert numbers(client.tasks(**words)) == found, words


@pytest.mark.parametrize(
    ("words", "kind", "told"),
    [
        ({"filter": "lr > 1"}, FilterError, "there is no field `lr`; an argument is `args.lr`"),
        ({"filter": {"$where": "1"}}, FilterError, "\\$where"),
        ({"status": "done"}, UsageError, "no status 'done'"),
        ({"sort": "lr"}, UsageError, "sort lr: no field 'lr' .write args.lr for an argument"),
        ({"sort": "created:desc"}, UsageError, "no field 'created': did you mean created_at"),
        ({"sort": "number:up"}, UsageError, "sort number:up: 'up' is neither asc nor desc"),
        ({"sort": "args..a"}, UsageError, "'args..a' has an empty key beside a dot"),
        ({"sort": [f"args.{n}" for n in range(32)]}, UsageError, "sort takes at most 31 fields"),
        ({"limit": -1}, UsageError, "limit must be 0 or more, not -1"),
    ],
)
def test_what_is_wrong_is_told_when_it_is_asked(client, words, kind, told):
    with pytest.raises(kind, match=told):
        client.tasks(**words)


@pytest.mark.parametrize(
    ("sort", "last"), [(None, 30), ("number:desc", 1), ("args.n:desc", 26), ("priority", 30)]
)
def test_a_walk_neither_repeats_nor_skips_what_changes_under_it(client, small_pages, sort, last):
    client.submit_many([{"n": n % 5} for n in range(1, 31)])
    seen = []
    for task in client.tasks(filter="priority == 0", sort=sort):
        seen.append(task.number)
        task.priority = 9 - task.number
        task.args["n"] = -task.number
        task.save()
        client.submit({"n": 2})
        if len(seen) == 10:
            client.delete(last)
    assert sorted(seen) == sorted({*range(1, 31)} - {last})


def test_a_walk_in_an_order_has_each_task_once_whoever_changes_it_just_then(client, monkeypatch):
    tasks = client.submit_many([{}] * 300, delay="1h")  # more than come in one answer of mongod
    real = client.queue.store.find

    def find(query, **words):
        found = real(query, **words)
        yield next(found)
        if "sort" in words:  # the last comes to the front, the first to the end
            other.update({"priority": 9}, 300)
            other.update({"priority": -9}, 1)
        yield from found

    monkeypatch.setattr(client.queue.store, "find", find)
    with labq.Client() as other:
        found = numbers(client.tasks(status="waiting", sort="priority:desc"))
    assert sorted(found) == numbers(tasks)


def test_a_walk_reads_as_much_as_is_asked_for(client, small_pages, monkeypatch):
    client.submit_many([{}] * 30)
    real, limits = client.queue.store.find, []

    def find(query, **words):
        limits.append(words.get("limit"))
        return real(query, **words)

    monkeypatch.setattr(client.queue.store, "find", find)
    walk = client.tasks()
    assert limits == []
    for _ in range(7):
        next(walk)
    assert limits == [1, 7]


def test_a_walk_without_a_cap(client):
    client.submit_many([{}] * 1700)
    assert numbers(client.tasks()) == list(range(1, 1701))


def test_many_are_updated_by_path(client):
    client.submit_many([{"lr": n, "opt": {"name": "sgd"}} for n in range(4)])
    report = client.update({"args.opt.beta": 1, "priority": 2}, filter="args.lr > 1")
    assert (report.changed, report.same, dict(report.refused)) == (2, 0, {})
    assert client.get(3).args == {"lr": 2, "opt": {"name": "sgd", "beta": 1}}
    assert client.update({"priority": 2}, 3, client.get(4)).same == 2
    client.get(1).cancel()
    report = client.update({"priority": 7}, filter="args.lr < 2")
    assert (report.changed, sum(report.refused.values())) == (1, 1)
    with pytest.raises(ConflictError) as caught:
        client.update({"priority": 7}, 1)
    assert str(caught.value) == (
        "cannot edit task 1: it is cancelled, its priority cannot change (labq task clone 1 "
        "--update args.lr=1 --enqueue runs a changed copy, labq task reset makes it draft again)"
    )
    client.get(2).cancel()
    with pytest.raises(ConflictError, match="cannot edit 2 tasks: cancelled, its priority cannot"):
        client.update({"priority": 7}, 1, 2)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda c: c.update({"priority": 1}), "update what\\? Give tasks, filter, status or name"),
        (lambda c: c.delete(), "delete what\\? Give tasks, filter, status or name"),
        (lambda c: c.update({"status": "success"}, 1), "status cannot be edited"),
        (lambda c: c.update({"lr": 1}, 1), "no field 'lr'"),
        (lambda c: c.update({"priority": "x"}, 1), "priority must be a whole number"),
    ],
)
def test_a_change_of_many_that_is_refused(client, call, told):
    client.submit()
    with pytest.raises(UsageError, match=told):
        call(client)
    assert client.get(1).rev == 0


def test_many_are_deleted(client, crew):
    client.submit_many([{"lr": n} for n in range(5)])
    crew.claim()
    assert client.delete(filter="args.lr < 3") == 2
    assert client.delete(5, client.get(4)) == 2
    assert numbers(client.tasks()) == [1]


# configurations

ENTRY = """
queue: default
tasks:
  train:
    args: {lr: 0.1, opt: {name: sgd}}
    cmd: python train.py
    resources: {worker: {replicas: 1}}
    timeout: 1h
  broken:
    argz: {}
  odd: 3
"""


def test_an_entry_of_labq_yaml_is_a_task_to_start_from(client, tmp_path):
    (tmp_path / "labq.yaml").write_text(ENTRY.replace("  odd: 3\n", ""))
    task = client.get("train")
    assert (task.status, task.number, task.name, task.timeout) == ("draft", None, "train", 3600)
    task.start()
    assert (task.number, task.status, task.args["opt"]) == (1, "pending", {"name": "sgd"})
    assert client.get("train").number is None
    assert client.get("train", latest=True).number == 1
    assert client.get("train#1").number == 1
    with pytest.raises(ConfigError) as caught:
        client.get("broken")
    told = f"{tmp_path}/labq.yaml:9: no word 'argz' (there are args, name, short, type, "
    assert str(caught.value).startswith(told)
    (tmp_path / "labq.yaml").write_text(ENTRY)
    with pytest.raises(
        ConfigError, match=r"labq\.yaml:11: tasks must be names, each with lines of"
    ):
        client.get("train")


def test_a_draft_of_a_name_is_what_to_start_from(client):
    draft = client.task({"lr": 1}, name="train").save()
    for _ in range(2):
        client.get("train").start()
    assert client.get("train").id == draft.id
    assert client.get("train", latest=True).number == 3
    draft.delete()
    with pytest.raises(ConflictError, match="'train' names several tasks: 2, 3: use the number"):
        client.get("train")


def test_a_client_takes_its_settings_from_files_and_the_environment(client, tmp_path, monkeypatch):
    (tmp_path / "labq.yaml").write_text("queue: night\n")
    with labq.Client() as other:
        assert other.queue.name == "night"
    monkeypatch.setenv("LABQ_QUEUE", "day")
    with labq.Client() as other:
        assert other.queue.name == "day"
    with labq.Client(queue="flag") as other:
        assert other.queue.name == "flag"
