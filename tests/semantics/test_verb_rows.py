"""The verbs of the command line, row by row of what other systems offer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from waiting import until

import labq as api
from labq.model.task import TAKES, TYPES, Status
from labq.queue import Ending, WorkerName, claims
from labq.store import Change

ENTRY = """
tasks:
  train:
    args: {lr: 0.1}
    cmd: python train.py
"""
LAST = {"queue": "default"}


@pytest.fixture
def labq(uri, monkeypatch, tmp_path):
    """Runs `labq` as a process on an empty store, in an empty folder; code, output, errors."""
    monkeypatch.setenv("LABQ_URI", uri)
    monkeypatch.setenv("LABQ_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LABQ_SOURCE", "0")
    monkeypatch.chdir(tmp_path)

    def run(*words, **variables):
        command = [sys.executable, "-m", "labq", *map(str, words)]
        environment = {**os.environ, **variables}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line[:1] == "{"]
        return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr, lines=lines)

    return run


@pytest.fixture
def client(uri, labq):
    with api.Client() as client:
        yield client


def claim(queue, number=None, lease=60):
    query = {**LAST, **({"number": number} if number else {})}
    return claims.claim(queue.store, query, WorkerName("w", "h"), lease)


def end(queue, number=None, *, succeeded=True):
    claims.finish(queue.store, claim(queue, number), Ending(succeeded=succeeded))


def test_m2_a_name_is_that_of_a_draft_or_of_an_entry_of_labq_yaml(labq, queue, tmp_path):
    (tmp_path / "labq.yaml").write_text(ENTRY)
    assert labq("task", "start", "train").code == 0
    entry = queue.get("1")
    assert (entry["name"], entry["args"], entry["status"]) == ("train", {"lr": 0.1}, "pending")
    labq("task", "submit", "-q", "--draft", "--name", "tune", "--", "--lr", "3")
    assert labq("task", "start", "tune").code == 0
    assert [queue.get(str(n))["status"] for n in (2, 3)] == ["draft", "pending"]
    assert queue.get("3")["args"] == {"lr": 3}
    assert labq("task", "start", "nobody").code == 3


def test_m4_a_start_is_a_new_task_with_its_own_number_and_a_comment(labq, queue):
    labq("task", "submit", "-q", "--draft", "--name", "tune", "--", "--lr", "3")
    first = labq("task", "start", "tune", "--comment", "once", "--json").lines
    second = labq("task", "start", "tune", "--update", "args.lr=4", "--json").lines
    assert [first[0]["number"], second[0]["number"]] == [2, 3]
    assert (queue.get("2")["comment"], queue.get("2")["name"]) == ("once", "tune")
    assert [queue.get(str(n))["args"]["lr"] for n in (1, 2, 3)] == [3, 3, 4]
    assert queue.get("2")["parent"] == queue.get("1")["_id"]
    result = labq("task", "start", "tune")
    assert result.err.startswith("task 4 in queue default (")


@pytest.mark.parametrize("words", [["submit", "--wait"], ["submit", "--wait", "--array", "1"]])
def test_m11_a_submit_that_waits_shows_the_tail_of_a_failure(labq, queue, words):
    with subprocess.Popen(
        [sys.executable, "-m", "labq", "worker", "run", "-q", "--max-tasks", "1", "--forever"]
    ) as worker:
        result = labq("task", *words, "--cmd", "sh -c 'echo its way >&2; exit 3'")
        assert worker.wait(timeout=30) == 0
    assert result.code == 1
    assert result.err.endswith("\ntask 1 failed: exit code 3\n  its way\n")


def test_m14_a_draft_is_rewritten_before_it_starts(labq, queue, client):
    labq("task", "submit", "-q", "--draft", "--name", "tune", "--", "--lr", "3")
    assert labq("task", "update", "1", "-u", "args.lr=5", "-u", "cmd=echo", "-q").code == 0
    task = client.get("tune")
    assert (task.config["args"], task.config["cmd"]) == ({"lr": 5}, ["echo"])
    task.config["args"] = {"lr": 6}
    task.config["timeout"] = 60
    task.start()
    assert (queue.get("2")["args"], queue.get("2")["timeout"]) == ({"lr": 6}, 60)
    assert queue.get("1")["args"] == {"lr": 5}


def test_m22_args_are_appended_in_alphabetical_order_and_quoted(labq, queue):
    args = json.dumps({"var1": "val", "batch-size": 23, "test_arg": 12.2, "text": "a b; $x"})
    labq("task", "submit", "-q", "--cmd", "printf '<%s>'", "--args", args)
    assert labq("worker", "run").out == (
        "<--batch-size><23><--test_arg><12.2><--text><a b; $x><--var1><val>"
    )


@pytest.mark.parametrize("shell", [False, True], ids=["argv", "-c"])
def test_m23_raw_args_are_shell_text_behind_the_command(labq, queue, shell):
    raw = "$((1 + 1)) \"$LABQ_TASK_NUMBER\" | tr a b; echo $? 'x  y'"
    labq("task", "submit", "-q", "--raw-args", raw, "--", "--n", "a a")
    command = ["-c", "echo run"] if shell else ["--", "echo", "run"]
    assert labq("worker", "run", *command).out == "run --n b b 2 1\n0 x  y\n"
    shown = labq("task", "show", "1").out
    assert f"{raw} (behind the command, as it is: a shell runs both)" in shown
    labq("task", "clone", "1", "-q")
    assert queue.get("2")["raw_args"] == raw


def test_m23_raw_args_that_are_empty_are_refused(labq, queue):
    result = labq("task", "submit", "--raw-args", " ")
    assert (result.code, result.err) == (
        2,
        "labq: raw_args must be a text for the shell, not ''\n",
    )
    assert queue.count(LAST) == 0


def test_m24_cmd_stays_and_the_attempt_has_what_ran(labq, queue):
    labq("task", "submit", "-q", "--cmd", "echo lr=%(lr)", "--args", "{'lr': 0.5}")
    labq("worker", "run", "-q")
    task = queue.get("1")
    assert (task["cmd"], task["words"]["typed"]) == (["echo"], ["lr=%(lr)"])
    assert task["attempts"][0]["argv"] == ["echo", "lr=0.5"]


def test_m25_a_service_is_submitted_from_a_task_that_has_ended(labq, queue):
    labq("task", "submit", "-q")
    end(queue)
    assert (
        labq("task", "submit", "--from", "1", "--type", "service", "--", "--port", "80").code == 0
    )
    task = queue.get("2")
    assert (task["parent"], task["type"]) == (queue.get("1")["_id"], "service")
    assert labq("task", "submit", "--from", "9").code == 3


def test_m26_the_parents_values_are_in_the_childs_environment(labq, queue):
    labq("task", "submit", "-q")
    labq("task", "report", "1", "model_path=a b/model", "acc=0.5", "deep.er=1", "LABQ_URI=x")
    labq("task", "cancel", "1", "-q")
    labq("task", "submit", "-q", "--from", "1")
    script = 'echo "$model_path $acc [$deep]"; test "$LABQ_URI" != x'
    assert labq("worker", "run", "--", "sh", "-c", script).out == "a b/model 0.5 []\n"
    assert queue.get("2")["status"] == "success"


def test_c7_a_name_of_several_is_an_error_unless_the_newest_is_meant(labq, queue):
    for project in ("a", "a", "b"):
        labq("task", "submit", "-q", "--name", "twin", "--project", project)
    result = labq("task", "show", "twin")
    assert (result.code, result.out) == (5, "")
    assert result.err == (
        "labq: 'twin' names several tasks: 1 (twin), 2 (twin), 3 (twin): use the number, or --latest\n"
    )
    assert labq("task", "show", "twin", "--latest", "--json").lines[0]["number"] == 3
    (told,) = labq("task", "dequeue", "twin", "-P", "a", "--latest", "--json").lines
    assert (told["dequeued"], queue.get("2")["status"]) == (1, "draft")


KEPT = {
    "args": {"lr": 0.5},
    "cmd": ["echo"],
    "tags": ["t"],
    "type": "testing",
    "project": "a/b",
    "comment": "c",
    "env": {"K": "v"},
    "priority": 3,
    "timeout": 60,
}


@pytest.mark.parametrize("row", ["c8", "c39"])
def test_c8_and_c39_a_clone_is_a_draft_with_the_configuration_and_no_output(labq, queue, row):
    words = ["--tag", "t", "--type", "testing", "--project", "a/b", "--comment", "c"]
    words += ["--priority", "3", "--timeout", "60", "-e", "K=v", "--cmd", "echo"]
    labq("task", "submit", "-q", "--name", "base", *words, "--", "--lr", "0.5")
    inputs = [{"path": "data.csv"}]
    queue.store.update({"number": 1}, Change(set={"inputs": inputs}))
    labq("worker", "run", "-q")
    labq("task", "report", "1", "acc=1")
    words = {"c8": [], "c39": ["--update", "args.lr=0.7", "--name", "next", "--enqueue"]}[row]
    assert labq("task", "clone", "1", *words).out == "2\n"
    parent, copy = queue.get("1"), queue.get("2")
    changed = {} if row == "c8" else {"args": {"lr": 0.7}}
    for field, value in {**KEPT, **changed, "inputs": inputs, "parent": parent["_id"]}.items():
        assert (field, copy[field]) == (field, value)
    assert not {"summary", "attempts", "errors", "started_at", "ended_at"} & set(copy)
    named = ("draft", None) if row == "c8" else ("pending", "next")
    assert (copy["status"], copy.get("name")) == named


def test_c24_args_keep_their_types_in_an_edit(labq, queue):
    args = {"n": 1, "x": 1.0, "t": "1", "b": True, "z": None, "l": [1, 2.0]}
    labq("task", "submit", "-q", "--args", json.dumps(args))
    labq("task", "update", "1", "-u", "args.n=2", "-u", "args.t='3'", "-q")
    labq("task", "clone", "1", "--update", "args.x=2.0", "-q")
    assert repr(queue.get("1")["args"]) == repr({**args, "n": 2, "t": "3"})
    assert repr(queue.get("2")["args"]) == repr({**args, "n": 2, "t": "3", "x": 2.0})


def test_c25_tasks_are_compared(labq, queue):
    for lr in ("1", "1.0"):
        labq("task", "submit", "-q", "--", "--lr", lr, "--same", "x")
    (told,) = labq("task", "diff", "1", "2", "--json").lines
    assert repr(told["differs"]) == repr({"args.lr": {"1": 1, "2": 1.0}})
    lines = labq("task", "compare", "-f", "{}", "--json").lines
    assert [line["args.lr"] for line in lines] == [1, 1.0]


def test_c26_tasks_are_ordered_by_their_args(labq, queue):
    for lr in ("2", "3", "1"):
        labq("task", "submit", "-q", "--", "--lr", lr)
    lines = labq("task", "ls", "--sort", "args.lr:desc", "--json").lines
    assert [line["args"]["lr"] for line in lines] == [3, 2, 1]
    out = labq("task", "ls", "--sort", "args.lr", "--cols", "args.lr,status").out.splitlines()
    rows = [line.split() for line in out]
    assert [rows[0], *rows[2:]] == [
        ["#", "args.lr", "status"],
        ["3", "1", "pending"],
        ["1", "2", "pending"],
        ["2", "3", "pending"],
    ]


@pytest.mark.parametrize("kind", TYPES)
def test_c35_a_task_has_one_of_eleven_types(labq, queue, kind):
    assert labq("task", "submit", "-q", "--type", kind).code == 0
    assert queue.get("1")["type"] == kind
    assert len(TYPES) == 11


def test_c36_a_type_is_training_unless_said_and_no_other_is_taken(labq, queue):
    labq("task", "submit", "-q")
    assert queue.get("1")["type"] == "training"
    result = labq("task", "submit", "--type", "trainig")
    assert (result.code, result.err) == (
        2,
        f"labq: no type 'trainig': did you mean training? (there are {', '.join(TYPES)})\n",
    )


@pytest.mark.parametrize("draft", [True, False])
def test_c40_a_draft_and_a_pending_task_are_edited_fully(labq, queue, draft):
    labq("task", "submit", "-q", *(["--draft"] if draft else []), "--", "--lr", "1")
    edits = ["args.lr=2", "cmd=echo", "priority=3", "name=n", "type=qc", "tags=['t']", "comment=c"]
    words = [word for edit in edits for word in ("-u", edit)]
    assert labq("task", "update", "1", *words).err == "- --lr 1\n+ echo --lr 2\nchanged 1 task\n"
    task = queue.get("1")
    assert (task["args"], task["cmd"], task["priority"]) == ({"lr": 2}, ["echo"], 3)
    assert (task["name"], task["type"], task["tags"], task["comment"]) == ("n", "qc", ["t"], "c")


@pytest.mark.parametrize("state", ["running", "success", "failed", "cancelled"])
def test_c40_later_only_tags_metadata_comment_and_summary_are_edited(labq, queue, state):
    labq("task", "submit", "-q", "--", "--lr", "1")
    {
        "running": lambda: claim(queue),
        "success": lambda: end(queue),
        "failed": lambda: end(queue, succeeded=False),
        "cancelled": lambda: labq("task", "cancel", "1"),
    }[state]()
    before = queue.get("1")
    for edit in ("args.lr=2", "priority=1", "name=n", "cmd=echo"):
        result = labq("task", "update", "1", "-u", edit)
        assert (result.code, queue.get("1")) == (5, before)
        assert f"it is {state}, its {edit.partition('=')[0].partition('.')[0]} cannot" in result.err
    notes = ["tags=['t']", "metadata.a=1", "comment=c", "summary.acc=0.5"]
    assert labq("task", "update", "1", *(w for one in notes for w in ("-u", one))).code == 0
    task = queue.get("1")
    assert (task["tags"], task["metadata"], task["comment"]) == (["t"], {"a": 1}, "c")
    assert task["summary"] == {"acc": 0.5}


def test_c41_a_draft_is_enqueued(labq, queue):
    labq("task", "submit", "-q", "--draft")
    assert claim(queue) is None
    assert labq("task", "enqueue", "1").err == "enqueued 1 task\n"
    assert queue.get("1")["status"] == "pending"
    assert claim(queue).task["number"] == 1


def test_c42_a_pending_task_is_dequeued_and_loses_cleanly_to_a_claim(labq, queue):
    labq("task", "submit", "-q")
    labq("task", "submit", "-q")
    claim(queue)
    result = labq("task", "dequeue", "1")
    assert (result.code, queue.get("1")["status"]) == (5, "running")
    assert labq("task", "dequeue", "2").err == "dequeued 1 task\n"
    assert queue.get("2")["status"] == "draft"


def test_c44_a_reset_asks_and_takes_away_all_that_came_of_the_task(labq, queue, tmp_path):
    labq("task", "submit", "-q", "--", "--lr", "1")
    labq("worker", "run", "-q", "--", "sh", "-c", "echo out; exit 1")
    result = labq("task", "reset", "1")
    assert (result.code, result.err) == (
        2,
        "labq: this deletes what came of 1 task: add --yes\n",
    )
    assert labq("task", "reset", "1", "--yes").err == "reset 1 task\n"
    task = queue.get("1")
    assert (task["status"], task["args"]) == ("draft", {"lr": 1})
    assert not {"attempts", "errors", "summary", "reason", "ended_at"} & set(task)
    assert not (tmp_path / "home" / "tasks" / task["_id"]).exists()


def test_c44_the_count_of_attempts_outlives_a_reset(labq, queue, tmp_path):
    labq("task", "submit", "-q")
    work = ("worker", "run", "-q", "--", "sh", "-c", "echo out; exit 1")
    labq(*work)
    labq("task", "reset", "1", "--yes", "-q")
    assert queue.get("1")["attempt"] == 1
    labq("task", "enqueue", "1", "-q")
    labq(*work)
    task = queue.get("1")
    assert [one["attempt"] for one in task["attempts"]] == [2]
    folder = tmp_path / "home" / "tasks" / task["_id"]
    assert [path.name for path in folder.iterdir()] == ["2.stdout"]


LOST = [("retry", "pending"), ("cancel", "cancelled")]


@pytest.mark.parametrize(("on_lost", "becomes"), LOST)
def test_c45_what_becomes_of_a_lost_workers_task_is_the_workers_word(labq, queue, on_lost, becomes):
    labq("task", "submit", "-q")
    words = ["--lease", "1s", "--heartbeat", "0.3s", "--on-lost", on_lost, "--", "sleep", "60"]
    command = [sys.executable, "-m", "labq", "worker", "run", "-q", *words]
    with subprocess.Popen(command) as worker:
        until(lambda: queue.get("1")["status"] == "running")
        worker.kill()
    assert labq("task", "show", "1", "--json").lines[0]["status"] == "running"
    until(lambda: queue.sweep().recovered)
    task = queue.get("1")
    assert (task["status"], task.get("retries", 0)) == (becomes, 0)
    assert "was lost" in task["reason"]
    assert task["reason"].endswith("(--on-lost cancel)") == (on_lost == "cancel")


def test_c45_another_word_is_refused(labq):
    result = labq("worker", "run", "--on-lost", "explode", "--", "true")
    assert (result.code, result.err) == (2, "labq: --on-lost explode: write retry or cancel\n")


def test_c46_what_is_published_is_sealed_keeps_its_outcome_and_can_be_cloned(labq, queue):
    labq("task", "submit", "-q", "--", "--lr", "1")
    end(queue)
    assert labq("task", "publish", "1").err == "published 1 task\n"
    sealed = queue.get("1")
    assert (sealed["status"], sealed["outcome"]) == ("success", "success")
    for words in (
        ["update", "1", "-u", "comment=x"],
        ["tag", "1", "+x"],
        ["reset", "1", "--yes"],
        ["requeue", "1"],
        ["report", "1", "x=1"],
        ["delete", "1", "--yes"],
    ):
        assert (words, labq("task", *words).code) == (words, 5)
    assert queue.get("1") == sealed
    assert labq("task", "clone", "1").out == "2\n"
    assert queue.get("2")["status"] == "draft"
    assert not {"published_at", "outcome"} & set(queue.get("2"))


@pytest.mark.parametrize(("code", "published"), [(0, True), (1, False)])
def test_c46_a_task_is_published_on_success(labq, queue, code, published):
    labq("task", "submit", "-q", "--publish-on-success", "--cmd", f"sh -c 'exit {code}'")
    labq("worker", "run", "-q")
    task = queue.get("1")
    assert ("published_at" in task, task.get("outcome")) == (
        published,
        "success" if published else None,
    )


def test_the_guide_names_every_status_and_every_verb():
    guide = (Path(api.__file__).parent / "guide" / "lifecycle.md").read_text()
    for status in Status:
        assert f"| {status} |" in guide
    for verb in set(TAKES) - {"edit", "tag", "progress"}:
        assert f"| `labq task {verb}` |" in guide
