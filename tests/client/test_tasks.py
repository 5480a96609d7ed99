"""Tasks from Python: made, stored, found, and read again in time."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from enum import Enum, IntEnum

import pytest
from crew import Crew

import labq
from labq.client.attributes import Field, Fields
from labq.errors import ArgsError, ConflictError, TaskNotFound, TemplateError, UsageError
from labq.model.sound import MALFORMED
from labq.model.task import FIELDS


def test_every_field_is_an_attribute():
    named = {name for name, value in vars(Fields).items() if isinstance(value, Field)}
    assert named == {*FIELDS, MALFORMED}
    assert all(vars(Fields)[name].__doc__.endswith(".") for name in named)


def test_a_task_is_made_here_and_stored_by_submit(client):
    task = client.task({"lr": 0.1, "model": {"name": "a"}}, name="base", tags=["x"], timeout="10m")
    assert (task.status, task.number, task.completed) == ("draft", None, False)
    assert client.count() == 0
    task.args["lr"] = 0.2
    task.priority = 3
    task.submit()
    assert (task.status, task.number, task.rev) == ("pending", 1, 0)
    stored = client.get(1)
    assert stored.args == {"lr": 0.2, "model": {"name": "a"}}
    assert stored.args_signature == '["lr","model.name"]'
    assert (stored.name, stored.tags, stored.timeout, stored.priority) == ("base", ["x"], 600, 3)
    assert stored.created_at.utcoffset() == timedelta(0)
    assert (stored.id, stored.queue) == (task.id, "default")


def test_the_words_of_submit(client, monkeypatch):
    monkeypatch.setenv("LABQ_MAX_RETRIES", "2")
    with labq.Client() as other:
        first = other.submit({"lr": 1})
        task = other.submit(
            {"lr": 0.1},
            type="testing",
            project="vision/resnet",
            comment="two\nlines",
            metadata={"by": "me"},
            cmd="python train.py %(lr)",
            cwd="~/src",
            env={"SEED": "3"},
            resources="cpus=500m,memory=1Gi",
            require="vram>=40Gi",
            after=first,
            after_any=[1],
            retry_delay=timedelta(seconds=90),
            ttl="7d",
            auto_delete=True,
            publish_on_success=True,
        )
        assert task.status == "waiting"
        assert (task.type, task.project, task.comment) == (
            "testing",
            "vision/resnet",
            "two\nlines",
        )
        assert (task.metadata, task.env) == ({"by": "me"}, {"SEED": "3"})
        assert task.cmd == ["python", "train.py", "%(lr)"]
        assert task.cwd.endswith("/home/src")
        assert task.resources == {"cpus": 0.5, "memory": 2**30}
        assert task.require == [{"key": "vram", "op": ">=", "value": 40 * 2**30}]
        assert (task.after, task.after_any) == ([first.id], [first.id])
        assert task.waiting_for == [first.id]
        assert (task.max_retries, task.retry_delay) == (2, 90)
        assert task.retention == {"ttl": 604800, "auto_delete": True}
        assert task.publish_on_success is True


def test_a_delay_counts_from_the_submit(client):
    task = client.task(delay="1h")
    assert task.available_at is None
    task.submit()
    assert task.status == "waiting"
    assert (
        timedelta(minutes=59) < task.available_at - client.queue.store.now() <= timedelta(hours=1)
    )
    moment = datetime(2126, 11, 21, 8, tzinfo=timezone.utc)
    assert client.submit(at=moment).available_at == moment
    local = datetime(2126, 11, 21, 8)  # noqa: DTZ001 - a zone is what it lacks
    assert client.submit(at=local).available_at == local.astimezone(timezone.utc)
    assert client.submit(at="2020-01-01").status == "pending"


class Scalar:
    """What NumPy's numbers and arrays look like."""

    def __init__(self, value):
        self._value = value

    def tolist(self):
        return self._value


class Colour(str, Enum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


class Plain(Enum):
    A = "a"


ITSELF = {}
ITSELF["x"] = ITSELF


def test_members_and_number_keys_become_what_they_stand_for(client):
    task = client.submit({"c": Colour.RED, "n": Level.LOW, "by": {1: [Colour.RED]}})
    assert task.args == {"c": "red", "n": 1, "by": {"1": ["red"]}}
    assert type(task.args["c"]) is str


def test_what_programs_hold_becomes_json(client, tmp_path):
    task = client.submit({"n": Scalar(3), "grid": Scalar([1, 2]), "pair": (1, 2), "at": tmp_path})
    assert task.args == {"n": 3, "grid": [1, 2], "pair": [1, 2], "at": str(tmp_path)}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"args": [1]}, "args: args must be a dict, not [1]"),
        ({"args": {"x": object}}, "args.x: no store holds a value of type type"),
        ({"args": {"x": float("nan")}}, "args.x: nan is not a finite number: give it as a text"),
        ({"args": ITSELF}, "args.x.x.x.x.x"),
        ({"args": {"a": 1, "n": {"e": Plain.A}}}, "args.n.e: no store holds a value of type Plain"),
        ({"args": {1: 2, "1": 3}}, "args: the key '1' is given twice"),
        ({"timeout": "soon"}, "timeout: 'soon' is not a duration"),
        ({"timeout": 0}, "timeout must be seconds above zero"),
        ({"timeout": True}, "timeout must be seconds, a timedelta or such as '10m', not True"),
        ({"timeout": -1}, "timeout must be from 0 to 3153600000 seconds, not -1"),
        ({"ttl": 0}, "ttl must be above 0"),
        ({"at": "someday"}, "at='someday' is no time (give a datetime, or 'tomorrow 9:00'"),
        ({"at": "tomorrow", "delay": 1}, "give at or delay, not both"),
        ({"cmd": "./train %(lr)"}, "args: cmd does not fit: the task lacks lr"),
        ({"key": " "}, "key must be a text that is not empty"),
        ({"priority": "high"}, "priority must be a whole number"),
        ({"after": 1.5}, "1.5 is no task: give a Task, a number, an id or a name"),
        ({"type": "trianing"}, "no type 'trianing': did you mean training?"),
    ],
)
def test_what_cannot_be_stored_is_refused_at_once(client, words, told):
    with pytest.raises(UsageError) as caught:
        client.submit(**words)
    assert str(caught.value).startswith(told)
    assert client.count() == 0


def test_a_reference_to_a_task_that_is_not_stored(client):
    with pytest.raises(UsageError, match="is not stored yet: submit"):
        client.task(after=client.task())
    with pytest.raises(TaskNotFound):
        client.task(after="nobody")


def test_a_key_adds_a_task_once(client):
    first = client.submit({"lr": 1}, key="sweep")
    assert client.submit({"lr": 1}, key="sweep").id == first.id
    with pytest.warns(UserWarning, match="task 1 of this key has other args"):
        again = client.submit({"lr": 2}, key="sweep")
    assert (again.args, client.count()) == ({"lr": 1}, 1)


def test_many_at_once_in_their_order(client):
    tasks = client.submit_many([{"lr": n} for n in range(2500)], tags=["sweep"], args={"seed": 1})
    assert [task.number for task in tasks] == list(range(1, 2501))
    assert client.count(filter={"tags": "sweep"}) == 2500
    assert tasks[7].args == {"seed": 1, "lr": 7}
    assert tasks[7].args_signature == '["lr","seed"]'


def test_many_with_a_key_are_added_once(client):
    first = client.submit_many([{"lr": 1}, {"lr": 2}], key="k")
    again = client.submit_many([{"lr": 1}, {"lr": 2}, {"lr": 3}], key="k")
    assert [task.number for task in again][:2] == [1, 2]
    assert [task.id for task in again][:2] == [task.id for task in first]
    assert client.count() == 3


def test_many_tasks_that_were_made_before(client):
    made = [client.task({"lr": n}, name=f"n{n}") for n in range(3)]
    assert client.submit_many(made) == made
    assert [(task.name, task.status) for task in made] == [(f"n{n}", "pending") for n in range(3)]
    with pytest.raises(ConflictError, match="task 1 is stored already"):
        client.submit_many(made[:1])
    with pytest.raises(UsageError, match="give dicts and their words, or tasks alone"):
        client.submit_many([client.task(), {}])


@pytest.mark.parametrize(
    ("many", "words", "kind", "told"),
    [
        ([{"a": 1}, {"a": 1, "a.b": 2}], {}, ArgsError, r"tasks\[1\]: a and a.b clash"),
        ([{}, 3], {}, ArgsError, r"tasks\[1\]: args must be a dict, not 3"),
        ([{"lr": 1}, {}], {"cmd": "x %(lr)", "args": {"lr": 1}}, None, ""),
        ([{"lr": 1}], {"cmd": "x %(lr) %(n)", "args": {"n": 0}}, None, ""),
        ([{"n": 1}], {"cmd": "x %(lr)"}, TemplateError, r"tasks\[0\]: cmd does not fit"),
    ],
)
def test_many_are_checked_before_the_first_is_stored(client, many, words, kind, told):
    if kind is None:
        assert len(client.submit_many(many, **words)) == len(many)
        return
    with pytest.raises(kind, match=told):
        client.submit_many(many, **words)
    assert client.count() == 0


def test_a_dict_of_labq_task_show_is_a_task(client):
    task = client.submit({"lr": 1}, name="base")
    text = json.dumps(task.to_dict())
    assert labq.Task.from_dict(client, json.loads(text)).to_dict() == task.to_dict()


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"_id": "a" * 32, "nmae": "x"}, "no field 'nmae' in a task"),
        ({"_id": "a" * 32, "created_at": "noon"}, "created_at: 'noon' is no time"),
        ({"_id": "a" * 32, "created_at": "2026-11-21T08:00:00"}, "has no zone"),
        ({"_id": "a" * 32, "queue": "other"}, "the task is of queue 'other', the client's is"),
        ({"nmae": "x"}, r"no word 'nmae' \(there are args, name, short, "),
    ],
)
def test_a_dict_that_is_no_task(client, document, told):
    with pytest.raises(UsageError, match=told):
        labq.Task.from_dict(client, document)


def test_what_is_refused_to_be_set(client):
    task = client.submit()
    for name in ("status", "number", "_id", "attempts", "created_at"):
        with pytest.raises(AttributeError, match=f"{name} cannot be set: labq sets it"):
            setattr(task, name, 1)
    for name in ("after", "available_at", "group"):
        told = rf"{name} cannot be set: it is given to a new task \(client.task\)"
        with pytest.raises(AttributeError, match=told):
            setattr(task, name, [])
    with pytest.raises(AttributeError):
        task.nmae = "x"
    with pytest.raises(UsageError, match="priority must be a whole number"):
        task.priority = "high"


def test_the_token_of_a_lease_is_the_workers_own(client, crew):
    task = client.submit()
    crew.claim()
    task.refresh()
    assert set(task.lease) == {"worker", "host", "expires_at"}
    assert "lease" not in task.to_dict()


def test_a_client_tells_who_it_is_and_not_its_password(uri, client):
    assert repr(client) == f"<labq.Client {client.queue.store.address} queue=default>"
    with labq.Client("mongodb://me:secret@localhost:1/lab", "night") as other:
        assert repr(other) == "<labq.Client mongodb://me:***@localhost:1/lab queue=night>"


def test_queues_and_workers(client):
    client.submit_many([{}, {}])
    client.get(1).cancel()
    with labq.Client(queue="other") as other:
        other.submit()
    queues = client.queues()
    assert list(queues) == ["default", "other"]
    assert {status: count for status, count in queues["default"].items() if count} == {
        "pending": 1,
        "cancelled": 1,
    }
    assert client.workers() == []


def test_a_client_of_several_threads(client):
    crews = [Crew(client) for _ in range(4)]
    for at, crew in enumerate(crews):
        crew.aside(lambda at=at: client.submit_many([{"n": at}] * 50))
    for crew in crews:
        crew.__exit__()
    assert sorted(task.number for task in client.tasks()) == list(range(1, 201))
