"""A task from Python, row by row of what other systems offer: run, wait, refresh, save."""

from __future__ import annotations

import inspect
import json
import threading
import time
from pathlib import Path

import pytest

from labq import Client, Task
from labq.errors import ConflictError, LabqError, TaskNotFound
from labq.store import Change, Now

SOON = 0.05  # seconds between two looks


def test_m1_a_client_takes_its_store_and_its_queue_from_where_it_is(client, uri, monkeypatch):
    assert client.settings.uri == uri
    monkeypatch.setenv("LABQ_QUEUE", "night")
    with Client() as other:
        assert other.submit().queue == "night"
    monkeypatch.delenv("LABQ_QUEUE")
    monkeypatch.delenv("LABQ_URI")
    Path("labq.yaml").write_text(f"uri: {uri}\nqueue: night\n")
    with Client() as other:
        assert other.get(1).queue == "night"


def test_m3_run_starts_waits_and_returns_the_ended_task(client, crew):
    words = inspect.signature(Task.run).parameters
    assert (words["timeout"].default, words["poll"].default) == (None, 2)
    task = client.task({"lr": 1})
    crew.soon(crew.run)
    assert task.run(poll=SOON) is task
    assert (task.completed, task.status) == (True, "success")


def test_m3_a_failure_does_not_raise_and_a_timeout_does(client, crew):
    crew.soon(crew.run, "boom")
    assert client.task().run(poll=SOON).status == "failed"
    late = client.submit()
    with pytest.raises(TimeoutError, match=r"task 2 has not ended after 0\.1 s: it goes on"):
        late.run(timeout=0.1, poll=SOON)
    assert late.status == "pending"


def test_m3_run_goes_by_a_monotonic_clock_in_any_thread(client, crew, monkeypatch):
    crew.soon(crew.run)
    found = []
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: 0.0)  # it stands, long ago
        thread = threading.Thread(target=lambda: found.append(client.task().run(60, SOON)))
        thread.start()
        thread.join()
    assert found[0].succeeded


def test_m5_refresh_updates_and_returns_itself(client, crew):
    task = client.submit()
    crew.run()
    assert task.refresh() is task
    assert repr(task).endswith("status=success>")


def test_m6_a_task_is_shown_by_name_number_and_status_and_addressed_so(client, crew):
    client.submit_many([{}] * 3)
    task = client.submit({}, name="my-task", priority=1)
    crew.run()
    assert repr(task.refresh()) == "<Task name=my-task number=4 status=success>"
    assert client.get("my-task#4").id == task.id


WORDS = {
    "draft": ["undefined", "Draft", "created", "UnSubmitted"],
    "pending": ["Pending", "queued", "Submitted", "PartiallyDispatched", "FullyDispatched"],
    "running": [
        *("Starting", "Running", "in_progress", "PartiallyExecuting", "FullyExecuting"),
        *("UploadingResults", "DownloadingResults"),
    ],
    "success": ["Succeeded", "Completed", "Success"],
    "failed": ["Failed", "Failure"],
    "cancelled": ["Aborted", "stopped", "Cancelled"],
    "published": ["Published", "publishing", "closed", "sealed"],
}


def test_m7_each_word_of_the_other_systems_is_a_status(client, labq):
    for number, state in enumerate(WORDS, 1):
        client.submit()
        values = {"status": state}
        if state == "published":
            values = {"status": "cancelled", "published_at": Now()}
        client.queue.store.update({"number": number}, Change(set=values))
    for number, (state, words) in enumerate(WORDS.items(), 1):
        expected = [6, 7] if state == "cancelled" else [number]
        for word in (*words, *map(str.upper, words)):
            assert [task.number for task in client.tasks(status=word)] == expected, word
        assert labq("task", "count", "-s", words[0])[1] == f"{len(expected)}\n"


def test_m8_completed_is_true_in_each_terminal_state(client, crew):
    task = client.submit()
    seen = [(task.completed, task.succeeded)]
    claim = crew.claim()
    seen.append((task.refresh().completed, task.succeeded))
    crew.end(claim)
    seen.append((task.refresh().completed, task.succeeded))
    assert seen == [(False, False), (False, False), (True, True)]
    failed = client.submit()
    crew.run("boom")
    cancelled = client.submit().cancel()
    for ended in (failed, cancelled):
        assert (ended.refresh().completed, ended.succeeded) == (True, False)


def test_m12_information_is_merged_during_the_run_and_shown_to_everybody(client, crew, labq):
    task = client.submit()
    crew.claim()
    assert task.update_task_info({"a": 1, "deep": {"x": 1}}) is task
    task.update_task_info({"b": [2], "deep": {"y": 2}})
    assert labq("task", "report", "1", "c=3")[0] == 0
    merged = {"a": 1, "b": [2], "c": 3, "deep": {"x": 1, "y": 2}}
    assert task.refresh().summary == merged
    _, out, _ = labq("task", "show", "1", "--json")
    assert json.loads(out)["summary"] == merged


def test_m15_apply_env_splits_at_the_first_equals_sign(client, labq):
    task = client.task(env={"A": "old", "KEPT": "1"})
    assert task.apply_env(["A=b=c", "EMPTY="]) is task
    assert task.submit().env == {"A": "b=c", "KEPT": "1", "EMPTY": ""}
    with pytest.raises(LabqError, match="'NOTHING' is not KEY=VALUE"):
        client.task().apply_env(["NOTHING"])
    assert labq("task", "submit", "-q", "-e", "A=b=c")[0] == 0
    assert client.get(2).env == {"A": "b=c"}
    assert labq("task", "submit", "-e", "NOTHING")[0] == 2


def grouped(client):
    """A draft with two named resources."""
    worker = {"requests": {"cpu": "500m", "memory": "1Gi"}}
    return client.task(resources={"worker": worker, "server": {}})


def test_m16_a_named_resource_is_overridden_by_text(client, labq):
    task = grouped(client).save()
    task.apply_resource_overrides(["worker.replicas=3"]).apply_resource_override("server.port=80")
    task.save()
    assert task.resources["worker"]["replicas"] == 3
    assert task.resources["server"] == {"port": 80}
    assert labq("task", "update", "1", "-q", "-u", "resources.worker.replicas=2")[0] == 0
    assert task.refresh().resources["worker"]["replicas"] == 2
    assert task.resources["worker"]["requests"] == {"cpu": 0.5, "memory": 2**30}


def test_m17_nested_keys_make_dicts_on_the_way(client):
    task = grouped(client).apply_resource_overrides(["server.requests.cpu=2", "worker.a.b.c=x"])
    assert task.resources["server"] == {"requests": {"cpu": 2}}
    assert task.resources["worker"]["a"] == {"b": {"c": "x"}}


def test_m18_a_star_is_every_resource_also_where_the_key_is_absent(client):
    task = grouped(client).apply_resource_overrides(["*.requests.memory=2Gi", "*.zone=eu"])
    for name in ("worker", "server"):
        assert task.resources[name]["requests"]["memory"] == 2**31
        assert task.resources[name]["zone"] == "eu"


VALUES = [("1.2.3", "1.2.3"), ("12", 12), ("1.5", 1.5), ("true", True), ("eu", "eu"), ("=", "=")]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_m19_values_are_typed_as_yaml_does(client, text, value):
    task = grouped(client).apply_resource_overrides([f"worker.x={text}"])
    assert repr(task.resources["worker"]["x"]) == repr(value)


SCALARS = [
    *(("true", True), ("True", True), ("[1, 2]", "[1, 2]"), ("'3'", "3"), ("0o17", 15)),
    *((".5", 0.5), ("None", "None"), ("a=b", "a=b"), ("007", 7), ("1e3", 1000.0)),
]


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_m19_a_value_is_the_same_by_the_client_and_by_the_command_line(client, labq, text, value):
    task = grouped(client).save()
    task.apply_resource_overrides([f"worker.x={text}", f"worker.a.b={text}"])
    edits = [f"resources.server.x={text}", "-u", f"resources.server.a.b={text}"]
    assert labq("task", "update", "1", "-q", "-u", *edits)[0] == 0
    there = client.get(1).resources["server"]
    for held in (task.resources["worker"], there):
        assert repr((held["x"], held["a"]["b"])) == repr((value, value))


@pytest.mark.parametrize("text", ["null", "~", "", "NULL"])
def test_m19_a_null_takes_a_parameter_away_at_any_depth(client, labq, text):
    keys = ("worker.x", "worker.requests.memory", "cpus", "gpus")
    task = client.task(resources={"gpus": 1, "worker": {"x": 1, "requests": {"memory": "1Gi"}}})
    task.save().apply_resource_overrides([f"{key}={text}" for key in keys])
    assert task.resources == {"worker": {"requests": {}}}
    edits = [word for key in keys for word in ("-u", f"resources.{key}={text}")]
    assert labq("task", "update", "1", "-q", *edits)[0] == 0
    assert client.get(1).resources == {"worker": {"requests": {}}}


LACKING = [
    ("worker=1", "'worker' lacks a parameter (such as worker.replicas=...)"),
    ("*=1", "'*' lacks a parameter (such as *.zone=...)"),
    ("*=", "'*' lacks a parameter (such as *.zone=...)"),
    ("*.*=1", "'*.*': * is every resource, and no parameter"),
    ("worker.a.*=1", "'worker.a.*': * is every resource, and no parameter"),
]


@pytest.mark.parametrize(("text", "told"), LACKING)
def test_m16_an_override_names_a_resource_and_a_parameter(client, labq, text, told):
    task = grouped(client).save()
    with pytest.raises(LabqError) as caught:
        task.apply_resource_overrides([text])
    assert str(caught.value) == told
    code, _, err = labq("task", "update", "1", "-u", f"resources.{text}")
    assert (code, err) == (2, f"labq: {told}\n")
    assert client.get(1).resources == grouped(client).resources


@pytest.mark.parametrize("text", ["wroker=1", "wroker=null"])
def test_m19_an_unknown_resource_as_a_whole_lists_the_known_too(client, labq, text):
    told = "no resource 'wroker' (there are worker, server, cpus, memory, gpus)"
    task = grouped(client).save()
    with pytest.raises(LabqError) as caught:
        task.apply_resource_overrides([text])
    assert str(caught.value) == told
    code, _, err = labq("task", "update", "1", "-u", f"resources.{text}")
    assert (code, told in err) == (5, True)


def test_m16_a_resource_as_a_whole_may_be_a_dict_or_none(client, labq):
    grouped(client).save()
    words = ["-u", "resources.worker={'replicas': 2}", "-u", "resources.server=None"]
    assert labq("task", "update", "1", "-q", *words, "-u", "resources.gpus=2")[0] == 0
    assert client.get(1).resources == {"gpus": 2, "worker": {"replicas": 2}}


def test_m19_an_unknown_resource_is_an_error_that_lists_the_known(client):
    task = grouped(client)
    with pytest.raises(LabqError) as caught:
        task.apply_resource_overrides(["wroker.replicas=3"])
    assert "'wroker'" in str(caught.value)
    assert "server" in str(caught.value)
    assert "worker" in str(caught.value)
    assert task.resources["worker"] == {"requests": {"cpu": 0.5, "memory": 2**30}}


@pytest.mark.parametrize("at", ["worker.requests", "*.resources.requests", "*.resources.limits"])
def test_m20_kubernetes_units_are_read_and_a_worker_takes_what_fits(client, labq, at):
    task = client.task(resources={"worker": {}})
    task.apply_resource_overrides([f"{at}.cpu=1000m", f"{at}.memory=1Gi"])
    task.submit()
    assert task.resources["worker"][at.split(".")[-1]] == {"cpu": 1, "memory": 2**30}
    assert labq("worker", "run", "-q", "--memory", "512Mi", "--", "true")[0] == 0
    assert task.refresh().status == "pending"
    assert labq("worker", "run", "-q", "--cpus", "1", "--memory", "1Gi", "--", "true")[0] == 0
    assert task.refresh().status == "success"


def test_c3_all_of_a_task_is_in_the_store_for_any_other_client(client, crew, uri):
    task = client.submit({"lr": 1}, name="base", tags=["x"], metadata={"by": "me"}, comment="a")
    task.update_task_info({"acc": 0.5})
    crew.run("boom", message="boom")
    task.refresh()
    with Client(uri) as other:
        assert other.get("base").to_dict() == task.to_dict()
    assert (task.errors[0]["message"], task.attempts[0]["reason"]) == ("boom", "boom")


def test_c6_access_is_by_project_and_name_or_by_id_and_never_a_guess(client, labq):
    made = [client.submit({}, name="base", project=path) for path in ("a", "b", "b/c")]
    assert client.get("base", project="a").id == made[0].id
    assert client.get(made[1].id).id == made[1].id
    with pytest.raises(ConflictError, match=r"'base' names several tasks in project 'b': 2, 3"):
        client.get("base", project="b")
    assert client.get("base", project="b", latest=True).number == 3
    with pytest.raises(TaskNotFound, match="no task 'base' in"):
        client.get("base", project="none")
    code, _, err = labq("task", "show", "base")
    assert (code, "names several tasks: 1 (base), 2 (base), 3 (base)" in err) == (5, True)
    assert json.loads(labq("task", "show", "base", "--latest", "--json")[1])["number"] == 3
