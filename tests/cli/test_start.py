"""`labq task start`, and the flags of `labq task submit` that say how a task begins and ends."""

from __future__ import annotations

import pytest


@pytest.fixture
def entry(labq, tmp_path):
    (tmp_path / "labq.yaml").write_text(
        "tasks:\n  train: {args: {lr: 0.1}, cmd: 'true'}\n  odd: {argz: {}}\n"
    )


def test_a_start_prints_the_id_and_tells_the_number(labq, queue, entry):
    result = labq("task", "start", "train")
    task = queue.get("1")
    assert (result.code, result.out) == (0, f"{task['_id']}\n")
    assert result.err == f"task 1 in queue default ({queue.store.address})\n"
    assert (task["status"], task["name"]) == ("pending", "train")
    assert labq("task", "start", "train", "-q").err == ""


def test_a_start_may_change_what_the_entry_says(labq, queue, entry):
    words = ["--update", "args.lr=0.3", "--update", "args.opt.name=sgd", "-u", "priority=2"]
    assert labq("task", "start", "train", *words, "-q").code == 0
    task = queue.get("1")
    assert (task["args"], task["priority"]) == ({"lr": 0.3, "opt": {"name": "sgd"}}, 2)
    assert task["args_signature"] == '["lr","opt.name"]'


def test_a_start_may_name_a_parent(labq, queue, entry):
    labq("task", "submit", "-q")
    assert labq("task", "start", "train", "--from", "1", "-q").code == 0
    assert queue.get("2")["parent"] == queue.get("1")["_id"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["train", "--from", "9"], 3, "no task '9' in queue 'default': "),
        (["nobody"], 3, "no task 'nobody' in queue 'default': "),
        (["odd"], 2, ""),
        (["train", "--update", "lr=1"], 2, "no field 'lr' (write args.lr for an argument)"),
        (["train", "--update", "args.lr.x=1"], 5, "args.lr has no key 'x': it is not a dict"),
    ],
)
def test_what_is_wrong_starts_nothing(labq, queue, entry, words, code, told):
    result = labq("task", "start", *words)
    assert (result.code, result.out, result.err.count("\n")) == (code, "", 1)
    assert result.err.startswith(f"labq: {told}")
    assert queue.count({"queue": "default"}) == 0


@pytest.mark.parametrize("edit", ["name=b", "short=best"])
def test_one_more_run_of_a_submitted_task_has_its_name_and_no_short_name(labq, queue, edit):
    labq("task", "submit", "-q", "--name", "a", "--short", "first")
    field = edit.partition("=")[0]
    result = labq("task", "start", "1", "--update", edit)
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        f"labq: --update {field}: task 1 is no draft (labq task clone 1 --update {field}=... --enqueue"
        " runs a copy with another)\n"
    )
    assert labq("task", "start", "first", "-q").code == 0
    assert (queue.get("2")["name"], "short" in queue.get("2")) == ("a", False)


@pytest.mark.parametrize(("words", "status"), [([], "pending"), (["--draft"], "draft")])
def test_a_submit_of_a_draft(labq, queue, words, status):
    labq("task", "submit", "-q", *words, "--publish-on-success", "--comment", "why", "-P", "a/b")
    task = queue.get("1")
    assert (task["status"], "queued_at" in task) == (status, status == "pending")
    assert (task["publish_on_success"], task["comment"], task["project"]) == (True, "why", "a/b")


def test_drafts_of_a_file(labq, queue, tmp_path):
    (tmp_path / "runs").write_text('{"lr": 1}\n{"lr": 2}\n')
    labq("task", "submit", "-q", "--draft", "--file", "runs", "--from", _first(labq, queue))
    tasks = list(queue.find({"queue": "default", "number": {"$gt": 1}}))
    assert [task["status"] for task in tasks] == ["draft"] * 2
    assert {task["parent"] for task in tasks} == {queue.get("1")["_id"]}


def _first(labq, queue):
    labq("task", "submit", "-q")
    return queue.get("1")["_id"]


def test_a_draft_is_not_waited_for(labq, queue):
    result = labq("task", "submit", "--draft", "--wait")
    assert (result.code, result.err) == (
        2,
        "labq: give --draft or --wait, not both: nobody runs a draft\n",
    )
    assert queue.count({"queue": "default"}) == 0


@pytest.mark.parametrize("words", [["submit", "--cmd", "true"], ["start", "train"]])
@pytest.mark.parametrize(("command", "code"), [("true", 0), ("false", 1)])
def test_a_submit_that_waits_ends_as_the_task_did(
    labq, process, queue, entry, words, command, code
):
    worker = process(
        *("worker", "run", "-q", "--idle-timeout", "30s", "--max-tasks", "1", "--override-cmd"),
        *("--", command),
    )
    result = labq("task", *words, "--wait")
    assert (result.code, result.out) == (code, f"{queue.get('1')['_id']}\n")
    told = "1 task ended: 1 success" if not code else "task 1 failed: exit code 1"
    assert result.err.splitlines()[-1] == told
    assert worker.wait(timeout=30) == 0


def test_all_of_an_array_are_waited_for(labq, process):
    process("worker", "run", "-q", "--idle-timeout", "30s", "--max-tasks", "3", "--", "true")
    result = labq("task", "submit", "--array", "3", "--wait")
    assert (result.code, len(result.ids)) == (0, 3)
    assert result.err.splitlines()[-1] == "3 tasks ended: 3 success"


def test_of_several_of_a_name_the_newest_is_started_where_that_is_said(labq, queue):
    for lr in ("1", "2"):
        labq("task", "submit", "-q", "--name", "twin", "--", "--lr", lr)
    result = labq("task", "start", "twin")
    assert (result.code, result.err) == (
        5,
        "labq: 'twin' names several tasks: 1, 2: use the number, or --latest\n",
    )
    assert labq("task", "start", "twin", "--latest", "-q").code == 0
    assert queue.get("3")["args"] == {"lr": 2}
