"""A task's run from Python, row by row: submit, wait, results, the cache, names, exceptions."""

from __future__ import annotations

import inspect
import json
import signal
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from waiting import until

from labq import AuthError, Client, LabqError, QuotaExceeded, Task, TaskNotFound
from labq.errors import ConflictError, StoreError, UsageError
from labq.queue import settings

SOON = 0.05  # seconds between two looks
WAITS = """
import labq
with labq.Client() as client:
    client.task(name="long").run(live_progress=True)
"""


@pytest.fixture
def looks(client, monkeypatch):
    """How often the store is asked for tasks."""
    real, seen = client.queue.store.find, []

    def find(*args, **words):
        seen.append(args)
        return real(*args, **words)

    monkeypatch.setattr(client.queue.store, "find", find)
    return seen


def with_results(client, task):
    """The task's folder, with a file in it."""
    folder = client.folder(task)
    folder.mkdir(parents=True)
    (folder / "best.pt").write_bytes(b"x" * 10)


def test_q2_run_submits_waits_and_downloads(client, crew, tmp_path, capsys):
    task = client.task({"lr": 1})

    def work():
        with_results(client, client.get(1))
        crew.run()

    crew.soon(work)
    seen = []
    done = task.run(
        output_dir=tmp_path / "out",
        job_timeout=60,
        live_progress=True,
        results_progress=lambda *told: seen.append(told),
        poll=SOON,
    )
    assert (done is task, task.succeeded) == (True, True)
    assert (tmp_path / "out" / "best.pt").read_bytes() == b"x" * 10
    assert seen == [(10, 10, "best.pt")]
    assert capsys.readouterr().err.splitlines()[-1] == "ended"


def test_q2_a_job_timeout_cancels_what_still_runs_and_nothing_that_has_ended(client, crew):
    task = client.submit()
    claim = crew.claim()

    def stop():
        until(lambda: "stop_requested" in crew.queue.get("1"))
        crew.stop(claim)

    crew.aside(stop)
    assert task.run(job_timeout=0.1, poll=SOON).status == "cancelled"
    ended = client.submit()
    crew.run()
    assert ended.resume(job_timeout=0).status == "success"
    assert "stop_requested" not in crew.queue.get("2")


def test_q3_a_run_that_is_interrupted_leaves_the_task_going_on(client):
    process = subprocess.Popen([sys.executable, "-c", WAITS], stderr=subprocess.PIPE, text=True)
    with process:
        assert process.stderr.readline() == "task 1 pending\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert "task 1 goes on: labq wait 1 waits again" in err.splitlines()[-1]
    assert client.get(1).status == "pending"


def test_q5_resume_waits_and_downloads_and_does_nothing_of_what_is_not_submitted(
    client, crew, tmp_path, labq
):
    draft = client.task()
    assert draft.resume(tmp_path / "none") is draft
    assert (client.count(), (tmp_path / "none").exists()) == (0, False)
    task = client.submit()
    with_results(client, task)
    crew.soon(crew.run)
    assert client.get(1).resume(tmp_path / "out").succeeded
    assert (tmp_path / "out" / "best.pt").exists()
    assert labq("wait", "1", "-o", "again")[0] == 0
    assert (tmp_path / "again" / "best.pt").read_bytes() == b"x" * 10


def test_q6_a_second_submit_makes_no_second_task(client, crew):
    task = client.task({"lr": 1})
    assert task.submit() is task
    task.submit()
    crew.run()
    assert task.submit().number == 1
    assert client.count() == 1


def test_q8_abort_ends_what_runs_and_is_a_notice_where_it_has_ended(client, crew):
    task = client.submit()
    claim = crew.claim()
    assert task.abort() is task
    assert crew.queue.get("1")["stop_requested"] == {"reason": "cancelled"}
    crew.stop(claim)
    with pytest.warns(UserWarning, match="task 1 is cancelled already: there is nothing to cancel"):
        task.abort()
    assert task.status == "cancelled"


def test_q11_a_task_is_read_again_after_5_seconds_or_at_a_word(client, crew, looks):
    task = client.submit()
    assert (task.auto_update, task.update_cache_time) == (True, 5)
    assert task.status == "pending"
    looks.clear()
    crew.run()
    task.update()
    assert (task.status, looks) == ("pending", [])
    task.update(flushcache=True)
    assert (task.status, len(looks)) == ("success", 1)


def test_q12_a_task_is_made_of_its_dict(client, looks):
    stored = client.submit({"lr": 1}, name="base")
    found = json.loads(json.dumps(stored.to_dict()))
    looks.clear()
    task = Task.from_dict(client, found)
    assert (task.name, task.args, task.created_at) == ("base", {"lr": 1}, stored.created_at)
    assert looks == []
    summary = {"_id": found["_id"], "name": "base"}
    assert Task.from_dict(client, summary, is_summary=True).args == {"lr": 1}
    new = Task.from_dict(client, {"args": {"lr": 2}, "tags": ["x"]})
    assert (new.submit().number, new.args) == (2, {"lr": 2})


def test_q13_commit_sends_what_was_changed_here_and_loses_nobodys_update(client):
    task = client.submit({"lr": 1})
    mine, theirs = client.get(1), client.get(1)
    mine.args["lr"] = 2
    theirs.tags.append("x")
    theirs.commit()
    assert mine.commit() is mine
    assert (task.refresh().args, task.tags) == ({"lr": 2}, ["x"])
    theirs.args["lr"] = 3
    with pytest.raises(ConflictError, match=r"cannot save task 1: args\.lr is 2 by now"):
        theirs.save()
    assert task.refresh().args == {"lr": 2}


def test_q14_wait_says_whether_it_has_ended(client, crew, capsys):
    words = inspect.signature(Task.wait).parameters
    assert (words["timeout"].default, words["live_progress"].default) == (None, False)
    assert client.task().wait() is False
    task = client.submit()
    assert task.wait(timeout=0) is False
    crew.soon(crew.run)
    assert task.wait(live_progress=True, poll=SOON) is True
    assert capsys.readouterr().err.endswith("ended\n")


def test_q24_a_task_has_a_uuid_of_its_own(client):
    task = client.task()
    assert task.uuid == task.id == task.submit().uuid
    assert len({client.submit().uuid for _ in range(3)} | {task.uuid}) == 4
    assert (len(task.uuid), task.uuid[12]) == (32, "4")


def test_q25_a_name_is_settable_until_the_submit(client):
    task = client.task(name="a")
    task.name = "b"
    task.save()
    task.name = "c"
    assert task.submit().name == "c"
    told = r"name is settable until a task is submitted, and task 1 is: clone\(name=\.\.\.\)"
    with pytest.raises(AttributeError, match=told):
        task.name = "d"
    assert task.refresh().name == "c"


def test_q26_a_short_name_is_a_dns_label_of_one_task_and_its_id_where_not_given(client, labq):
    plain = client.submit()
    assert (plain.short, "short" in plain.to_dict()) == (plain.uuid, False)
    task = client.task(short="best")
    for wrong in ("Best", "a_b", "-a", "x" * 64, "7", plain.uuid):
        with pytest.raises(UsageError, match=r"^short must be a DNS label "):
            task.short = wrong
    task.save()
    task.short = "best-lr"
    assert task.submit().short == "best-lr"
    told = r"short is settable until a task is submitted, and task 2 is: clone\(short=\.\.\.\)"
    with pytest.raises(AttributeError, match=told):
        task.short = "other"
    with pytest.raises(ConflictError, match=r"^task 2 of queue default has the short name best-lr"):
        client.submit(short="best-lr")
    assert labq("task", "submit", "--short", "best-lr")[0] == 5
    assert client.get("best-lr") == task.refresh()
    assert json.loads(labq("task", "show", "best-lr", "--json")[1])["number"] == 2
    assert client.count() == 2


def test_q26_a_clone_has_none_and_a_start_neither(client):
    task = client.task(short="best", name="base").save()
    assert task.clone().short not in ("best", task.uuid)
    assert task.clone(short="copy").short == "copy"
    draft = client.get("best")
    draft.start()
    assert (draft.name, draft.short) == ("base", draft.uuid)
    draft = client.get("best")
    draft.short = "next"
    assert (draft.start().short, client.get("best").status) == ("next", "draft")


def test_q26_of_several_tasks_each_has_its_own(client):
    with pytest.raises(UsageError, match=r"^short names one task, and these are 2$"):
        client.submit_many([{}, {}], short="best")
    with pytest.raises(ConflictError, match=r"^two of these tasks have the short name best$"):
        client.submit_many([client.task(short="best"), client.task(short="best")])
    assert client.count() == 0
    made = client.submit_many([client.task(short="a"), client.task(), client.task(short="b")])
    assert [task.short for task in made] == ["a", made[1].uuid, "b"]
    with pytest.raises(ConflictError, match=r"^task 3 of queue default has the short name b "):
        client.submit_many([client.task(), client.task(short="b")])
    assert client.count() == 3


def test_q26_a_save_of_one_that_another_has_changes_nothing(client):
    client.submit(short="best")
    draft = client.task({"lr": 1}).save()
    draft.short, draft.args = "best", {"lr": 2}
    told = "^cannot save task 2: task 1 of queue default has the short name best already$"
    with pytest.raises(ConflictError, match=told):
        draft.save()
    assert client.get(2).args == {"lr": 1}
    draft.short = None
    assert draft.save().short == draft.uuid


def test_q26_a_short_name_comes_before_a_configuration_of_that_name(client):
    client.task(name="base").save()
    assert client.get("base").number == 1
    client.submit(short="base", project="a")
    assert client.get("base").number == 2
    assert client.get("base", latest=True).number == 2
    assert client.get("base", project="a/").number == 2
    assert "short" not in client.get("base").config


def test_q27_tags_are_given_at_the_submit_added_and_taken_away(client, labq):
    assert labq("task", "submit", "-q", "--tag", "a", "--tag", "b")[0] == 0
    task = client.get(1).tag("c", remove=["a"])
    assert task.tags == ["b", "c"]
    assert labq("task", "tag", "1", "+d", "-q")[0] == 0
    assert client.get(1).tags == ["b", "c", "d"]
    assert client.count(filter="'d' in tags") == 1


def test_q28_a_profile_is_a_preset_and_require_names_what_a_worker_must_be(client, labq):
    text = "profiles:\n  big:\n    resources: {gpus: 1}\n    require: [pool=a]\n    priority: 2\n"
    Path("labq.yaml").write_text(text)
    assert labq("task", "submit", "-q", "--profile", "big")[0] == 0
    assert client.submit(profile="big", priority=5).priority == 5
    for number in (1, 2):
        task = client.get(number)
        assert task.resources == {"gpus": 1}
        assert task.require == [{"key": "pool", "op": "==", "value": "a"}]
    assert labq("worker", "run", "-q", "--gpus", "1", "--label", "pool=b", "--", "true")[0] == 0
    assert client.count(status="pending") == 2
    assert labq("worker", "run", "-q", "--gpus", "1", "--label", "pool=a", "--", "true")[0] == 0
    assert client.count(status="success") == 2


def test_q36_times_are_aware_and_utc(client, crew):
    task = client.submit()
    crew.run()
    times = (task.created_at, task.refresh().started_at, task.ended_at)
    assert all(time.tzinfo is timezone.utc or time.utcoffset() == timedelta(0) for time in times)
    assert abs(datetime.now(timezone.utc) - task.created_at) < timedelta(minutes=5)
    assert list(times) == sorted(times)


def test_q37_errors_are_a_list_always(client, crew):
    task = client.submit()
    assert task.errors == []
    crew.run("boom", message="boom", stderr="Traceback")
    assert task.refresh().errors == [{"attempt": 1, "message": "boom", "stderr": "Traceback"}]


def test_q37_a_job_that_fails_says_its_code_and_what_it_said_last(client, labq):
    client.submit()
    labq("worker", "run", "-q", "--", "sh", "-c", "echo why >&2; exit 3")
    (error,) = client.get(1).errors
    assert (error["message"], error["stderr"]) == ("exit code 3", "why")
    assert client.get(1).attempts[0]["exit_code"] == 3


def test_q38_constants_are_texts_that_become_variables(client, labq):
    task = client.task()
    task.constants = {"SEED": "3"}
    task.constants["MODE"] = "fast"
    assert task.submit().env == task.constants == {"SEED": "3", "MODE": "fast"}
    _, out, _ = labq("worker", "run", "--", "sh", "-c", "echo $SEED $MODE")
    assert out == "3 fast\n"
    with pytest.raises(LabqError, match="env must be a dict of texts"):
        client.task(env={"SEED": 3})


def test_q39_a_constraint_is_held_against_the_workers_labels(client, labq):
    assert labq("task", "submit", "-q", "--require", "gpu_mem>=40Gi")[0] == 0
    for label, status in (("gpu_mem=24Gi", "pending"), ("gpu_mem=80Gi", "success")):
        assert labq("worker", "run", "-q", "--label", label, "--", "true")[0] == 0
        assert client.get(1).status == status


def test_q41_auto_update_is_the_clients_word_or_the_tasks(client, crew, uri):
    with Client(uri, auto_update=False, update_cache_time=0) as other:
        task = other.submit()
        assert task.status == "pending"
        crew.run()
        assert task.status == "pending"
        task.auto_update = True
        assert task.status == "success"


def test_q42_submit_abort_and_wait_read_the_task_again_at_once(client, crew):
    task = client.submit(delay="1h")
    assert task.status == "waiting"
    assert task.abort().status == "cancelled"
    again = client.task().submit()
    assert (again.status, again.created_at is not None) == ("pending", True)
    crew.run()
    assert again.wait() is True
    assert again.status == "success"


def test_q45_one_exception_is_above_all(client):
    assert issubclass(AuthError, LabqError)
    assert issubclass(QuotaExceeded, LabqError)
    assert issubclass(TaskNotFound, LabqError)
    for wrong in ({"timeout": "soon"}, {"after": 9}, {"args": {"a": object}}):
        with pytest.raises(LabqError):
            client.submit(**wrong)


def test_q46_a_user_that_the_store_refuses(client, lone_mongod):
    stranger = lone_mongod.replace("mongodb://", "mongodb://stranger:wrong@", 1)
    with Client(stranger) as other, pytest.raises(AuthError) as caught:
        other.count()
    assert isinstance(caught.value, StoreError)
    assert "wrong" not in str(caught.value)


def test_q47_a_queue_that_is_full(client):
    settings.create(client.queue.store, "default", {"max_tasks": 1})
    client.submit()
    with pytest.raises(QuotaExceeded, match="queue default keeps at most 1 tasks and has 1"):
        client.submit()
    assert client.count() == 1


def test_q48_a_task_that_there_is_not(client):
    with pytest.raises(TaskNotFound, match="no task '9' in queue 'default'"):
        client.get(9)
    task = client.submit()
    client.delete(1)
    with pytest.raises(TaskNotFound, match="task 1 is gone: it was deleted"):
        task.refresh()
