"""`labq task cancel`."""

from __future__ import annotations

import signal
import time
from types import SimpleNamespace

import pytest
from books import statuses
from waiting import gone, until

from labq.cli.task import cancel
from labq.queue import WorkerName, claims
from labq.store import Change

SLEEPER = ("sh", "-c", "echo $$ > pid; exec sleep 600")
STUBBORN = ("sh", "-c", "trap '' TERM; echo $$ > pid; while true; do sleep 0.05; done")


def pid_of(tmp_path):
    return int(
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    )


def claim(queue, lease=60):
    return claims.claim(queue.store, {"queue": "default"}, WorkerName("w", "h"), lease)


def end(queue, number, **values):
    queue.store.update({"number": number}, Change(set=values))


@pytest.fixture
def four(labq, queue):
    """One that runs, one that is pending, one that comes after it, and a success."""
    for args in ([], [], ["--after", "2"], []):
        labq("task", "submit", "-q", *args)
    claim(queue)
    end(queue, 4, status="success")


def test_what_does_not_run_ends_at_once_and_what_runs_is_asked_to_stop(labq, queue, four):
    result = labq("task", "cancel", "-f", "{}", "--reason", "no more power", "--grace", "1m")
    assert (result.code, result.out) == (0, "")
    assert result.err == (
        "cancelled 2 tasks, asked 1 running task to stop, left 1 that has ended\n"
    )
    assert statuses(queue) == ["running", "cancelled", "cancelled", "success"]
    assert queue.get("2")["reason"] == "no more power"
    assert queue.get("1")["stop_requested"] == {"reason": "no more power", "grace": 60}


@pytest.mark.parametrize(
    ("args", "told", "after"),
    [
        (["2"], "cancelled 1 task\n", ["running", "cancelled", "cancelled", "success"]),
        (["1"], "asked 1 running task to stop\n", ["running", "pending", "waiting", "success"]),
        (
            ["-s", "waiting", "-s", "success"],
            "cancelled 1 task, left 1 that has ended\n",
            ["running", "pending", "cancelled", "success"],
        ),
        (["-f", "number > 9"], "cancelled 0 tasks\n", ["running", "pending", "waiting", "success"]),
        ([""], "cancelled 0 tasks\n", ["running", "pending", "waiting", "success"]),
    ],
    ids=["one", "running", "status", "none", "empty"],
)
def test_which_and_how_many_is_told(labq, queue, four, args, told, after):
    result = labq("task", "cancel", *args)
    assert (result.code, result.err) == (0, told)
    assert statuses(queue) == after


@pytest.mark.parametrize(
    ("args", "request_"),
    [
        ([], {"reason": "cancelled"}),
        (["--grace", "0"], {"reason": "cancelled", "grace": 0}),
        (["--kill"], {"reason": "cancelled", "grace": 0}),
        (["--grace", "2.5s"], {"reason": "cancelled", "grace": 2.5}),
    ],
    ids=["worker's", "0", "kill", "2.5s"],
)
def test_a_running_task_is_asked_with_the_grace_that_was_given(labq, queue, four, args, request_):
    assert labq("task", "cancel", "1", "-q", *args).err == ""
    assert queue.get("1")["stop_requested"] == request_


def test_a_running_task_is_asked_once(labq, four):
    labq("task", "cancel", "1")
    result = labq("task", "cancel", "1")
    assert (result.code, result.err) == (0, "cancelled 0 tasks, 1 had been asked before\n")


def test_json(labq, four):
    result = labq("task", "cancel", "-f", "{}", "--json")
    assert result.lines == [{"cancelled": 2, "asked": 1, "left": 1}]
    assert result.err == ""


def test_what_has_ended_stays_as_it_is_with_a_notice(labq, queue, four):
    result = labq("task", "cancel", "4")
    assert (result.code, result.err) == (0, "cancelled 0 tasks, left 1 that has ended\n")
    labq("task", "cancel", "2", "-q")
    result = labq("task", "cancel", "2", "3", "4")
    assert (result.code, result.err) == (0, "cancelled 0 tasks, left 3 that have ended\n")
    assert statuses(queue) == ["running", "cancelled", "cancelled", "success"]
    assert labq("task", "cancel", "-s", "success").code == 0


def test_a_published_task_that_is_named_is_refused(labq, queue, four):
    end(queue, 4, published_at=queue.store.now())
    told = "labq: cannot cancel task 4: it is published (clone it instead)\n"
    result = labq("task", "cancel", "4")
    assert (result.code, result.err) == (5, told)
    result = labq("task", "cancel", "1", "2", "4", "--yes")
    assert result.code == 5
    assert result.err == "cancelled 1 task, asked 1 running task to stop\n" + told
    assert "stop_requested" in queue.get("1")
    result = labq("task", "cancel", "2", "4", "--json", "--quiet")
    assert (result.code, result.lines) == (5, [{"cancelled": 0, "asked": 0, "left": 2}])
    assert result.err == told
    assert statuses(queue) == ["running", "cancelled", "cancelled", "success"]


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        ([], 2, "labq: cancel what? Give REF..., -s, --name or -f (every task: -f '{}')\n"),
        (["1", "--grace", "1s", "--kill"], 2, "labq: give --grace or --kill, not both\n"),
        (["1", "--grace", "soon"], 2, "labq: --grace: 'soon' is not a duration"),
        (["1", "--reason", " "], 2, "labq: --reason must not be empty\n"),
        (["77"], 3, "labq: no task '77' in queue 'default'"),
        (["-f", "args.a ="], 2, "labq: "),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_cancelled(labq, queue, four, args, code, told):
    result = labq("task", "cancel", *args)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(told)
    assert statuses(queue) == ["running", "pending", "waiting", "success"]
    assert "stop_requested" not in queue.get("1")


def test_wait_comes_back_when_the_job_is_gone(labq, queue, process, tmp_path):
    labq("task", "submit", "-q")
    process("worker", "run", "--forever", "--", *SLEEPER)
    pid = pid_of(tmp_path)
    result = labq("task", "cancel", "1", "--wait", "--reason", "no need")
    assert (result.code, result.err) == (0, "asked 1 running task to stop\nended: 1 cancelled\n")
    assert gone(pid)
    task = queue.get("1")
    assert (task["status"], task["reason"]) == ("cancelled", "no need")


def test_a_job_that_does_not_heed_sigterm_is_killed_at_once_where_that_was_asked(
    labq, queue, process, tmp_path
):
    labq("task", "submit", "-q")
    process("worker", "run", "--forever", "--grace", "10m", "--", *STUBBORN)
    pid = pid_of(tmp_path)
    assert labq("task", "cancel", "1", "--kill", "--wait", "--json").lines == [
        {"cancelled": 0, "asked": 1, "left": 0}
    ]
    assert gone(pid)
    assert queue.get("1")["attempts"][0]["signal"] == 9


def test_wait_ends_with_the_lease_where_the_worker_is_dead(labq, queue):
    labq("task", "submit", "-q")
    claim(queue, lease=1.5)
    result = labq("task", "cancel", "1", "--wait")
    assert (result.code, result.err) == (0, "asked 1 running task to stop\nended: 1 cancelled\n")
    assert statuses(queue) == ["cancelled"]


def test_wait_tells_of_a_task_that_succeeded_meanwhile(labq, queue, monkeypatch):
    labq("task", "submit", "-q")
    held = claim(queue)

    def finish(_seconds):
        claims.finish(queue.store, held, claims.Ending(succeeded=True))

    monkeypatch.setattr(cancel, "time", SimpleNamespace(sleep=finish, monotonic=time.monotonic))
    result = labq("task", "cancel", "1", "--wait")
    assert result.err == "asked 1 running task to stop\nended: 1 success\n"


def test_ctrl_c_ends_the_waiting_and_not_the_request(labq, queue, process):
    labq("task", "submit", "-q")
    claim(queue)
    waiting = process("task", "cancel", "1", "--wait")
    assert waiting.stderr.readline() == "asked 1 running task to stop\n"
    waiting.send_signal(signal.SIGINT)
    _, err = waiting.communicate(timeout=30)
    assert (waiting.returncode, err) == (
        130,
        "labq: interrupted: what was asked to stop still does\n",
    )
    assert queue.get("1")["stop_requested"] == {"reason": "cancelled"}


def test_a_cancelled_task_runs_again_after_a_requeue(labq, queue, process, tmp_path):
    labq("task", "submit", "-q")
    labq("task", "cancel", "1")
    labq("task", "requeue", "1")
    labq("worker", "run", "-q", "--", "true")
    assert statuses(queue) == ["success"]
