"""What has the wrong type is refused by its name, before anything is stored."""

from __future__ import annotations

import inspect
from math import nan
from pathlib import Path

import pytest

import labq
from labq.errors import UsageError

SPAN = "must be seconds, a timedelta or such as '10m', not"
TEXTS = "must be a text or a list of texts, not"


def of_client(verb, *given, **words):
    return lambda c: getattr(c, verb)(*given, **words)


def of_task(verb, *given, **words):
    return lambda c: getattr(c.get(1), verb)(*given, **words)


def new(verb, *given, **words):
    return lambda c: getattr(c.task(), verb)(*given, **words)


def put(name, value):
    return lambda c: setattr(c.get(1), name, value)


def submit(told, **words):
    return (of_client("submit", **words), told)


WRONG = [
    # waiting
    (of_task("wait", timeout=[]), f"timeout {SPAN} []"),
    (of_task("wait", timeout=True), f"timeout {SPAN} True"),
    (of_task("wait", progress=5), "progress must be True or a function, not 5"),
    (new("wait", timeout=[]), f"timeout {SPAN} []"),
    (new("run", timeout=[]), f"timeout {SPAN} []"),
    (new("run", poll="abc"), "poll: 'abc' is not a duration"),
    (new("run", poll=None), f"poll {SPAN} None"),
    (new("run", poll=0), "poll must be seconds above 0, not 0"),
    (new("run", job_timeout=[]), f"job_timeout {SPAN} []"),
    (new("run", output_dir=5), "output_dir must be a text, not 5"),
    (new("run", results_progress=5), "results_progress must be True or a function, not 5"),
    (of_task("resume", output_dir=5), "output_dir must be a text, not 5"),
    (of_client("wait", None), "tasks must be a list, not None"),
    (of_client("wait", 5.5), "tasks must be a list, not 5.5"),
    (of_client("wait", 1, poll=[]), f"poll {SPAN} []"),
    # many
    (of_client("submit_many", None), "tasks must be a list, not None"),
    (of_client("submit_many", 5), "tasks must be a list, not 5"),
    (of_client("submit_many", {"lr": 1}), "tasks must be a list, not {'lr': 1}"),
    (of_client("submit_many", [{}, None]), "tasks[1]: args must be a dict, not None"),
    # finding
    (of_client("tasks", sort=5), f"sort {TEXTS} 5"),
    (of_client("tasks", status=5), f"status {TEXTS} 5"),
    (of_client("tasks", name=5), f"name {TEXTS} 5"),
    (of_client("tasks", project=[5]), f"project {TEXTS} [5]"),
    (of_client("tasks", filter=5), "filter must be a text, a dict or a list of these, not 5"),
    (of_client("tasks", {"args.a": {"$gt": object()}}), "filter: object has no place in a query"),
    (of_client("get", "a", project=5), "project must be a text, not 5"),
    (of_client("events", since=5), "since must be a text, not 5"),
    (of_client("folder", None), "None is no task: give a Task, a number, an id or a name"),
    # changing
    (of_client("update", {1: 2}, 1), "a field's path must be a text, not 1"),
    (of_client("update", {"name": 5}, 1), "name must be a text, not 5"),
    (of_client("delete", 1, force="no"), "force must be True or False, not 'no'"),
    (of_task("delete", force="no"), "force must be True or False, not 'no'"),
    (of_task("delete", purge_results="no"), "purge_results must be True or False, not 'no'"),
    (of_task("publish", force="no"), "force must be True or False, not 'no'"),
    (of_task("clone", name=5), "name must be a text, not 5"),
    (of_task("clone", comment=5), "comment must be a text, not 5"),
    (of_task("clone", enqueue="no"), "enqueue must be True or False, not 'no'"),
    (of_task("tag", 5), "a tag must be a text or a list of texts, not (5,)"),
    (of_task("tag", remove=5), f"remove {TEXTS} 5"),
    (of_task("start", comment=5), "comment must be a text, not 5"),
    (of_task("cancel", grace=[]), f"grace {SPAN} []"),
    (of_task("cancel", grace=-1), "grace must be from 0 to 3153600000 seconds, not -1"),
    (of_task("cancel", grace=nan), "grace must be from 0 to 3153600000 seconds, not nan"),
    (of_task("cancel", grace="soon"), "grace: 'soon' is not a duration"),
    (of_task("cancel", reason=5), "reason must be a text, not 5"),
    (of_task("apply_env", [5]), f"variables {TEXTS} [5]"),
    (of_task("apply_env", None), f"variables {TEXTS} None"),
    (of_task("apply_resource_overrides", [5]), f"overrides {TEXTS} [5]"),
    (of_task("apply_resource_overrides", None), f"overrides {TEXTS} None"),
    (put("raw_args", 5), "raw_args must be a text, not 5"),
    (put("comment", ["x"]), "comment must be a text, not ['x']"),
    (put("project", 5), "project must be a text, not 5"),
    (put("timeout", []), f"timeout {SPAN} []"),
    (put("update_cache_time", None), f"update_cache_time {SPAN} None"),
    # new ones
    submit("profile must be a text, not 5", profile=5),
    submit("cwd must be a text, not 5", cwd=5),
    submit("raw_args must be a text, not []", raw_args=[]),
    submit("raw_args must be a text, not 5", raw_args=5),
    submit("raw_args must be a text, not b'x'", raw_args=b"x"),
    submit("name must be a text, not 5", name=5),
    submit("name must be a text, not ['x']", name=["x"]),
    submit("comment must be a text, not ['x']", comment=["x"]),
    submit("project must be a text, not 5", project=5),
    submit("type must be a text, not 5", type=5),
    submit(f"delay {SPAN} []", delay=[]),
    # dicts
    (lambda c: labq.Task.from_dict(c, None), "a task must be a dict, not None"),
    (lambda c: labq.Task.from_dict(c, []), "a task must be a dict, not []"),
    (lambda c: labq.Task.from_dict(c, {"_id": 5}), "_id must be 32 hex digits, not 5"),
    (lambda c: labq.Task.from_dict(c, {"_id": "zz"}), "_id must be 32 hex digits, not 'zz'"),
]


@pytest.mark.parametrize(("call", "told"), WRONG)
def test_what_has_the_wrong_type_is_refused_and_nothing_is_stored(client, call, told):
    before = client.submit({"a": 1}, tags=["t"]).to_dict()
    with pytest.raises(UsageError) as caught:
        call(client)
    assert str(caught.value).startswith(told)
    assert [task.to_dict() for task in client.tasks()] == [before]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"uri": 5}, "--uri: uri must be a text, not of type int"),
        ({"queue": 5}, "--queue: queue must be a text, not of type int"),
        ({"auto_update": "no"}, "auto_update must be True or False, not 'no'"),
        ({"update_cache_time": "x"}, "update_cache_time: 'x' is not a duration"),
        ({"update_cache_time": None}, f"update_cache_time {SPAN} None"),
        ({"update_cache_time": nan}, "update_cache_time must be from 0 to 3153600000 seconds"),
        ({"update_cache_time": -1}, "update_cache_time must be from 0 to 3153600000 seconds"),
    ],
)
def test_what_a_client_is_not_made_of(words, told):
    with pytest.raises(UsageError) as caught:
        labq.Client(**words)
    assert str(caught.value).startswith(told)


def test_a_password_is_in_no_refusal():
    with pytest.raises(UsageError) as caught:
        labq.Client(uri=b"mongodb://me:secret@host/lab")
    assert str(caught.value) == "--uri: uri must be a text, not of type bytes"


def test_one_text_does_where_several_may_be(client):
    task = client.submit(tags=["a", "bc"])
    assert task.tag("d", remove="bc").tags == ["a", "d"]


def test_a_path_is_a_text(client):
    assert client.submit(cwd=Path("runs")).cwd == str(Path.cwd() / "runs")


def test_a_folder_is_of_any_reference(client):
    task = client.submit(name="base")
    assert {client.folder(one) for one in (task, 1, "base", task.id)} == {client.folder(task)}
    assert client.folder(1).name == task.id
    with pytest.raises(labq.TaskNotFound):
        client.folder("x")


def test_every_public_word_of_a_task_is_documented():
    named = [name for name in dir(labq.Task) if not name.startswith("_")]
    assert [name for name in named if not inspect.getdoc(getattr(labq.Task, name))] == []


@pytest.mark.parametrize("word", ["commit", "dequeue", "publish", "requeue", "start", "resume"])
def test_what_raises_says_so(word):
    assert "Raises:" in inspect.getdoc(getattr(labq.Task, word))
