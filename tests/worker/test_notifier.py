"""Hooks: what is run for a task that ends, with which words, and what comes of one that fails."""

from __future__ import annotations

import json
import os
import sys
import threading

import pytest
from making import task

from labq.errors import UsageError
from labq.queue import Queue
from labq.queue.hooks import parse_hook
from labq.store import Change, open_store
from labq.worker.notifier import Notifier
from labq.worker.options import Finished

TASK = {
    "number": 4,
    "status": "success",
    "args": {"lr": 0.1, "text": "a b; $(touch x) 'q'", "list": [1, {"a": None}], "f": True},
    "summary": {"acc": 0.93},
    "tags": ["x", "y z"],
}


# -- the words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        ("notify.sh {task.number} {task.status}", ["notify.sh", "4", "success"]),
        ("n 'task {task.number}: {task.summary.acc}'", ["n", "task 4: 0.93"]),
        ("n {task.args.text}", ["n", "a b; $(touch x) 'q'"]),
        ("n {task.args.list} {task.args.list.1.a}", ["n", '[1, {"a": null}]', "None"]),
        ("n {task.args.f} {task.tags.1}", ["n", "True", "y z"]),
        ("n {task.args.nothing}x {task.name}", ["n", "x", ""]),
        ("n {} {other} '{\"a\": {task.number}}'", ["n", "{}", "{other}", '{"a": 4}']),
        (
            "sh -c 'echo \"$1\"' sh {task.args.text}",
            ["sh", "-c", 'echo "$1"', "sh", "a b; $(touch x) 'q'"],
        ),
        ("sh -e n.sh {task.number}", ["sh", "-e", "n.sh", "4"]),
    ],
)
def test_fields_fill_words_and_never_more(text, argv):
    assert parse_hook(text).argv(TASK) == argv


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "on-finish: the command is empty"),
        ("a 'b", "on-finish: no closing quotation in a 'b"),
        (
            "n {task.lr}",
            "on-finish: a task has no field 'lr' (write {task.args.lr} for an argument)",
        ),
        ("n {task.lease.token}", "on-finish: a task has no field 'lease'"),
        ("n {task.}", "on-finish: the key is empty"),
        ("{task.name} x", "on-finish: the command itself cannot be a task's to say"),
        (
            "sh -c 'echo {task.name}'",
            "on-finish: sh would run what {task...} holds: write sh -c",
        ),
        ("/usr/bin/env bash -lc 'echo {task.args.x}'", "on-finish: bash would run what"),
        ("sh -c -- {task.name}", "on-finish: sh would run what"),
        ("sh -ce {task.name}", "on-finish: sh would run what"),
        ("bash -c -o errexit {task.name}", "on-finish: bash would run what"),
        ("bash --rcfile x {task.name}", "on-finish: bash would run what"),
        ("sh {task.name}", "on-finish: sh would run what"),
    ],
)
def test_what_makes_no_sense_is_refused(text, told):
    with pytest.raises(UsageError) as caught:
        parse_hook(text)
    assert str(caught.value).startswith(told)


# -- the runs -------------------------------------------------------------------------------------


@pytest.fixture
def queue(tmp_path):
    store = open_store(f"sqlite:{tmp_path / 'labq.db'}")
    queue = Queue(store, "q")
    queue.submit([task({"x": "a b"}, name="one")])
    yield queue
    store.close()


@pytest.fixture
def ended(queue):
    """The end of the queue's task, as a worker tells it."""
    found = queue.get("1")
    return lambda became="success", reason="": Finished(found, became, reason)


def notified(queue, hook, *ends, timeout=30.0):
    """What is said when these attempts end."""
    said = []
    own = parse_hook(hook) if hook else None
    notifier = Notifier(queue, "sqlite:x", own, os.environ, said.append, timeout)
    for end in ends:
        notifier.tell(end)
    notifier.close()
    return said


def script(tmp_path, body):
    path = tmp_path / "hook.py"
    path.write_text(body)
    return f"{sys.executable} {path}"


def test_a_hook_is_told_of_the_task_as_it_ended(queue, ended, tmp_path):
    note = tmp_path / "note"
    code = "import json, os, sys; print(json.dumps([sys.argv[2:], {k: v for k, v in os.environ.items() if k.startswith('LABQ_') and 'TEST' not in k and k != 'LABQ_HOOK'}]), file=open(sys.argv[1], 'a'))"
    hook = (
        script(tmp_path, code)
        + f" {note} {{task.number}} {{task.status}} {{task.args.x}} {{task.reason}}"
    )
    assert notified(queue, hook, ended(), ended("failed", "exit code 2")) == []
    first, second = [json.loads(line) for line in note.read_text().splitlines()]
    assert first[0] == ["1", "success", "a b", ""]
    assert second[0] == ["1", "failed", "a b", "exit code 2"]
    identity = queue.get("1")["_id"]
    environment = {"LABQ_URI": "sqlite:x", "LABQ_QUEUE": "q"}
    assert first[1] == {**environment, "LABQ_TASK_ID": identity, "LABQ_TASK_NUMBER": "1"}


def test_what_does_not_end_its_task_calls_nobody(queue, ended, tmp_path):
    hook = f"touch {tmp_path / 'note'}"
    assert notified(queue, hook, ended("retried"), ended("released"), ended("lost")) == []
    assert not (tmp_path / "note").exists()
    assert notified(queue, hook, ended("cancelled")) == []
    assert (tmp_path / "note").exists()


def test_a_queue_has_a_hook_of_its_own(queue, ended, tmp_path):
    text = f"touch {tmp_path}/theirs-{{task.name}}"
    queue.store.queues.put("q", Change(set={"on_finish": text}))
    assert notified(queue, f"touch {tmp_path}/own", ended()) == []
    assert (tmp_path / "theirs-one").exists()
    assert (tmp_path / "own").exists()


def test_a_removed_task_is_told_of_as_far_as_it_is_known(queue, ended, tmp_path):
    last = ended()
    queue.delete({"queue": "q"})
    assert notified(queue, f"touch {tmp_path}/{{task.number}}-{{task.status}}", last) == []
    assert (tmp_path / "1-success").exists()


def test_a_hook_that_fails_is_told_of_and_the_next_one_runs(queue, ended, tmp_path):
    hook = script(tmp_path, "import sys; print('first'); sys.exit('no mail today')")
    said = notified(queue, hook, ended(), ended())
    assert said == [f"task 1: on-finish {sys.executable}: exit code 1: no mail today"] * 2
    assert notified(queue, "no-such-command", ended()) == [
        "task 1: on-finish no-such-command: cannot start: No such file or directory"
    ]
    kill = script(tmp_path, "import os; os.kill(os.getpid(), 9)")
    assert notified(queue, kill, ended()) == [
        f"task 1: on-finish {sys.executable}: killed by SIGKILL"
    ]


def test_a_hook_that_takes_too_long_is_killed_with_all_it_started(queue, ended, tmp_path):
    said = notified(queue, "sh -c 'sleep 60 & sleep 60'", ended(), timeout=0.3)
    assert said == ["task 1: on-finish sh: killed after 0.3 s"]


def test_hooks_that_are_still_due_when_the_worker_ends_have_as_long_as_one(queue, ended, tmp_path):
    said = notified(queue, "sleep 60", *[ended()] * 9, timeout=0.5)
    assert "on-finish: not run for some tasks: over after 0.5 s" in said


def test_a_queues_hook_that_is_wrong_is_told_of(queue, ended):
    queue.store.queues.put("q", Change(set={"on_finish": "n {task.nothing}"}))
    (said,) = notified(queue, None, ended())
    assert said.startswith("queue q: on-finish: a task has no field 'nothing'")


def test_where_no_thread_can_start_a_hook_is_run_at_once(queue, ended, tmp_path, monkeypatch):
    def refuse(_thread):
        raise RuntimeError("can't start new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert notified(queue, f"touch {tmp_path / 'note'}", ended()) == []
    assert (tmp_path / "note").exists()
