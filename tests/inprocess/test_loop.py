"""`labq.loop`: which tasks it takes, and what their bodies see."""

from __future__ import annotations

import inspect
import os
import re
import signal
import sys
import threading
from pathlib import Path

import pytest
from looping import at_work, ends, tasks
from waiting import until

import labq
from labq.errors import ConflictError, FilterError, UsageError
from labq.inprocess import LoopTask
from labq.model.task import new
from labq.queue import settings

# -- what it takes --------------------------------------------------------------------------------


def test_a_task_is_a_success_once_the_next_is_asked_for(queue, submit):
    submit({"lr": 0.1}, {"lr": 0.2})
    seen = []
    for task in labq.loop():
        seen.append((task.args["lr"], ends(queue)))  # noqa: PERF401 - a loop is what is tested
    running, pending, success = ("running", ""), ("pending", ""), ("success", "")
    assert seen == [(0.1, [running, pending]), (0.2, [success, running])]
    assert ends(queue) == [success, success]


@pytest.mark.parametrize(
    ("words", "taken"),
    [
        ({}, [1, 2, 3, 4]),
        ({"required": ["lr"]}, [1, 2]),
        ({"required": "lr"}, [1, 2]),
        ({"required": ["lr", "x"]}, [2]),
        ({"required": ["model.lr"]}, [3]),
        ({"required": ["model"]}, [3]),
        ({"filter": "args.lr == 1"}, [1]),
        ({"filter": ["number > 1", "number < 4"]}, [2, 3]),
        ({"filter": '{"number": {"$gt": 2}}', "required": ["model"]}, [3]),
        ({"max_tasks": 2}, [1, 2]),
        ({"queue": "other"}, []),
        ({"max_tasks": 1, "idle_timeout": 60}, [1]),
        ({"queue": "other", "idle_timeout": 0.01}, []),
        ({"queue": "other", "idle_timeout": "10ms"}, []),
    ],
    ids=repr,
)
def test_the_words_say_which_tasks_it_takes(queue, submit, words, taken):
    submit({"lr": 1}, {"lr": None, "x": 1}, {"model": {"lr": 1}}, {"lrx": 1})
    assert [task.number for task in labq.loop(**words)] == taken


@pytest.mark.parametrize(("labels", "taken"), [(None, [1]), (["gpu=a100", "nvlink"], [1, 2])])
def test_a_task_that_requires_a_label_is_for_a_loop_that_has_it(queue, submit, labels, taken):
    submit()
    submit(require=["gpu==a100"])
    assert [task.number for task in labq.loop(labels=labels)] == taken


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: labq.loop(5), "labq.loop: filter must be a text or a list of texts"),
        (lambda: labq.loop([" "]), "labq.loop: filter must be a text or a list of texts"),
        (
            lambda: labq.loop(print),
            "labq.loop: filter must be a text or a list of texts (write @labq.loop() with its parentheses)",
        ),
        (
            lambda: labq.loop(required=[3]),
            "labq.loop: required must be a text or a list of texts",
        ),
        (
            lambda: labq.loop(idle_timeout="soon"),
            "'soon' is not a duration (write 90, 2s, 10m, 1h30m, 7d)",
        ),
        (
            lambda: labq.loop(lease=[]),
            "labq.loop: lease must be seconds, a timedelta or such as '10m', not []",
        ),
        (
            lambda: labq.loop(max_tasks="x"),
            "labq.loop: max_tasks must be a whole number of 1 or more, not 'x'",
        ),
        (lambda: labq.loop(forever="no"), "labq.loop: forever must be True or False, not 'no'"),
        (lambda: list(labq.loop(queue=5)), "--queue: queue must be a text, not of type int"),
        (lambda: labq.loop()(asynchronous), "labq.loop: <function asynchronous at 0x"),
        (lambda: list(labq.loop(required=["a..b"])), "required: 'a..b' has an empty key"),
    ],
)
def test_a_wrong_word_is_refused(queue, ask, told):
    with pytest.raises(UsageError) as caught:
        ask()
    assert str(caught.value).startswith(told)


async def asynchronous(task):
    pass


def test_a_wrong_filter_is_refused_when_it_begins(queue):
    with pytest.raises(FilterError, match=r"^there is no field `arg`; did you mean `args`\?"):
        list(labq.loop("arg.lr > 1"))
    assert at_work(queue) == []


# -- what a body sees -----------------------------------------------------------------------------


def test_what_a_task_tells_of_itself(queue, submit, tmp_path):
    submit({"model": {"lr": 1}}, name="first")
    submit({})
    first, second = [], []
    for task in labq.loop():
        (first if task.number == 1 else second).append(task)
        task.args.setdefault("model", {})["lr"] = "changed"
        assert repr(task) == (
            "<Task name=first number=1 status=running>"
            if task.number == 1
            else "<Task number=2 status=running>"
        )
        assert not task.should_stop
    (task,) = first
    stored = tasks(queue)[0]
    assert (task.id, task.name, task.attempt, task.status) == (
        stored["_id"],
        "first",
        1,
        "success",
    )
    assert stored["args"] == {"model": {"lr": 1}}
    assert second[0].name is None
    folder = tmp_path / "home" / "tasks" / task.id
    assert not folder.exists()
    assert task.folder == folder
    assert folder.is_dir()


def test_the_environment_is_a_jobs_while_the_body_runs(queue, submit, uri, tmp_path, monkeypatch):
    submit(env={"SEED": "7", "KEPT": "task's"})
    monkeypatch.setenv("KEPT", "mine")
    before = dict(os.environ)
    for task in labq.loop():
        added = {name: text for name, text in os.environ.items() if before.get(name) != text}
        assert len(added.pop("LABQ_TOKEN")) == 32
        assert added == {
            "SEED": "7",
            "KEPT": "task's",
            "LABQ_TASK_ID": task.id,
            "LABQ_TASK_NUMBER": "1",
            "LABQ_QUEUE": "default",
            "LABQ_ATTEMPT": "1",
            "LABQ_SLOT": "0",
            "LABQ_TASK_DIR": f"{tmp_path}/home/tasks/{task.id}",
        }
    assert dict(os.environ) == before


def test_a_body_sees_the_values_of_its_parent_as_a_job_does(queue, submit, monkeypatch):
    parent = new({})
    queue.submit([{**parent, "summary": {"model_path": "m.pt", "BEST": 0.5, "KEPT": "parent's"}}])
    queue.cancel({"queue": "default"})
    monkeypatch.setenv("BEST", "mine")
    queue.submit([{**new({}, env={"KEPT": "task's"}), "parent": parent["_id"]}])
    for _ in labq.loop():
        seen = {name: os.environ[name] for name in ("model_path", "BEST", "KEPT")}
    assert seen == {"model_path": "m.pt", "BEST": "0.5", "KEPT": "task's"}
    assert "model_path" not in os.environ
    assert os.environ["BEST"] == "mine"


def test_the_hook_of_a_queue_is_run_for_each_task_that_ends(queue, submit, tmp_path):
    note = tmp_path / "note"
    script = tmp_path / "hook.sh"
    script.write_text('#!/bin/sh\necho "$1 $2 $LABQ_TASK_NUMBER $LABQ_TOKEN." >> "$3"\n')
    script.chmod(0o755)
    hook = f"{script} {{task.number}} {{task.status}} {note}"
    settings.create(queue.store, "default", {"on_finish": hook})
    submit({}, {})
    for task in labq.loop():
        with task:
            if task.number == 2:
                raise ValueError
    assert note.read_text() == "1 success 1 .\n2 failed 2 .\n"


def test_reports_reach_the_task_that_runs(queue, submit):
    submit({}, {})
    for task in labq.loop():
        labq.report(of=task.number)
        task.report(best={"acc": 0.5})
    assert [one["summary"] for one in tasks(queue)] == [
        {"of": number, "best": {"acc": 0.5}} for number in (1, 2)
    ]
    with pytest.raises(ConflictError, match=r"^task 2 has ended here: success$"):
        task.report(late=1)


def test_the_books_tell_of_the_attempt_and_of_the_worker(queue, submit):
    submit()

    @labq.loop()
    def train(task):
        (record,) = at_work(queue)
        told.append((record["pid"], record["slots"], task.status))

    told = []
    train()
    (task,) = tasks(queue)
    (attempt,) = task["attempts"]
    assert told == [(os.getpid(), 1, "running")]
    assert attempt["argv"] == [sys.argv[0], "train"]
    assert attempt["pid"] == os.getpid()
    assert {"wall", "cpu", "max_rss", "worker", "host", "slot", "started", "ended"} <= set(attempt)
    assert at_work(queue) == []


def test_nothing_is_left_of_a_loop(queue, submit):
    submit({}, {})
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    hook = sys.excepthook
    for _ in labq.loop():
        assert signal.getsignal(signal.SIGINT) is not handlers[0]
        assert sys.excepthook is not hook
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert sys.excepthook is hook
    until(lambda: not [one for one in threading.enumerate() if one.name.startswith("labq")])


def test_the_guide_names_all_there_is():
    page = (Path(labq.__file__).parent / "guide" / "loop.md").read_text()
    words = re.findall(r"\w+", page)
    public = [name for name in vars(LoopTask) if not name.startswith("_")]
    public += ["id", "number", "name", "args", "attempt"]
    assert [
        name for name in (*inspect.signature(labq.loop).parameters, *public) if name not in words
    ] == []
