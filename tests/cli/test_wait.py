"""`labq wait`: what it waits for, what it tells, and the exit code that says so."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest
from books import submit
from waiting import until

from labq.client import waiting
from labq.queue import Ending, Queue, WorkerName, claims
from labq.store import open_store

FAILS = "echo lost >&2; echo its way >&2; exit 3"


def pauses(monkeypatch, do):
    """Has something happen instead of each pause between two looks."""
    monkeypatch.setattr(waiting, "time", SimpleNamespace(sleep=do, monotonic=time.monotonic))


@pytest.fixture
def ended(labq):
    """Two successes, a failure that says why on stderr, and a cancelled task."""
    for cmd in ("true", "true", f"sh -c '{FAILS}'"):
        labq("task", "submit", "-q", "--cmd", cmd)
    labq("worker", "run", "-q")
    labq("task", "submit", "-q")
    labq("task", "cancel", "4", "--reason", "a mistake", "-q")


def test_all_that_succeed_are_0(labq, ended):
    result = labq("wait", "1", "2")
    assert (result.code, result.out, result.err) == (0, "", "2 tasks ended: 2 success\n")
    assert labq("wait", "1").err == "1 task ended: 1 success\n"
    assert labq("wait", "-s", "success", "-q").err == ""
    assert labq("wait", "-f", "number > 9").err == "0 tasks ended\n"


def test_a_failure_is_1_and_shows_what_its_job_said_last(labq, ended):
    result = labq("wait", "3")
    assert (result.code, result.out) == (1, "")
    assert result.err == "task 3 failed: exit code 3\n  lost\n  its way\n"


def test_of_many_the_failures_are_told_and_all_are_counted(labq, ended):
    result = labq("wait", "-f", "{}")
    assert result.code == 1
    assert result.err == (
        "task 3 failed: exit code 3\n  lost\n  its way\ntask 4 cancelled: a mistake\n"
        "4 tasks ended: 1 cancelled, 1 failed, 2 success\n"
    )
    assert labq("wait", "1", "4", "-q").err == ""


def test_as_json_a_line_a_task(labq, ended):
    result = labq("wait", "1", "3", "--json")
    assert (result.code, result.err) == (1, "")
    assert [(task["number"], task["status"]) for task in result.lines] == [
        (1, "success"),
        (3, "failed"),
    ]


def test_it_waits_until_the_end(labq, queue, uri):
    submit(labq, {})

    def work():
        store = open_store(uri)
        here = Queue(store, "default")
        claim = claims.claim(here.store, {"queue": "default"}, WorkerName("w", "h"), 60)
        claims.finish(store, claim, Ending(succeeded=True))
        store.close()

    worker = threading.Timer(0.2, work)
    worker.start()
    assert labq("wait", "1").err == "1 task ended: 1 success\n"
    worker.join()


def test_a_timeout_is_124_and_says_how_to_come_back(labq):
    submit(labq, {}, {})
    result = labq("wait", "1", "--timeout", "0.1")
    assert (result.code, result.err) == (
        124,
        (
            "labq: not ended after 0.1 s: task 1 goes on: labq wait 1 waits again,"
            " labq task show 1 tells of it\n"
        ),
    )
    result = labq("wait", "1", "2", "--timeout", "0", "--json")
    assert (result.code, [task["status"] for task in result.lines]) == (124, ["pending"] * 2)
    assert "2 tasks go on: labq wait 1 2 waits again, labq task ls tells of them" in result.err


def test_a_draft_does_not_end(labq):
    labq("task", "submit", "-q")
    labq("task", "dequeue", "1", "-q")
    result = labq("wait", "1")
    assert (result.code, result.err) == (
        5,
        "labq: cannot wait for task 1: it is draft (labq task enqueue makes it pending)\n",
    )


def test_ctrl_c_ends_the_waiting_and_not_the_task(labq, queue, monkeypatch):
    def interrupt(_seconds):
        raise KeyboardInterrupt

    submit(labq, {})
    pauses(monkeypatch, interrupt)
    result = labq("wait", "1")
    assert (result.code, result.err) == (
        130,
        "labq: task 1 goes on: labq wait 1 waits again, labq task show 1 tells of it\n",
    )
    assert queue.get("1")["status"] == "pending"


def test_a_task_that_is_deleted_meanwhile_did_not_succeed(labq, queue, monkeypatch):
    submit(labq, {}, {})
    labq("worker", "run", "-q", "--max-tasks", "1", "--", "true")
    pauses(monkeypatch, lambda _: queue.delete({"queue": "default", "number": 2}))
    result = labq("wait", "1", "2")
    assert (result.code, result.err) == (1, "2 tasks ended: 1 success, 1 deleted\n")


def test_a_task_whose_queue_is_renamed_meanwhile_is_waited_for(labq, queue, monkeypatch):
    submit(labq, {})
    renamed = []

    def rename(_seconds):
        if not renamed:
            renamed.append(labq("queue", "rename", "default", "other").code)
        labq("worker", "run", "-q", "--queue", "other", "--", "true")

    pauses(monkeypatch, rename)
    result = labq("wait", "1")
    assert (result.code, result.err) == (0, "1 task ended: 1 success\n")
    assert renamed == [0]


def test_wait_wants_to_know_what(labq):
    result = labq("wait")
    assert (result.code, result.err) == (
        2,
        "labq: wait for what? Give REF..., -s, --name or -f (every task: -f '{}')\n",
    )


def test_what_a_job_said_drives_no_terminal(labq):
    labq("task", "submit", "-q", "--cmd", r"""sh -c 'printf "\033[2Jx" >&2; exit 1'""")
    labq("worker", "run", "-q")
    assert labq("wait", "1").err == "task 1 failed: exit code 1\n  \\x1b[2Jx\n"


def test_the_last_lines_alone_are_shown(labq):
    labq("task", "submit", "-q", "--cmd", "sh -c 'seq 30 >&2; exit 1'")
    labq("worker", "run", "-q")
    assert labq("wait", "1").err.splitlines()[1:] == [f"  {n}" for n in range(11, 31)]


def test_a_running_process_that_waits_hears_of_the_end(labq, process, queue):
    submit(labq, {})
    waiter = process("wait", "1")
    claim = claims.claim(queue.store, {"queue": "default"}, WorkerName("w", "h"), 60)
    claims.finish(queue.store, claim, Ending(succeeded=False, reason="exit code 1"))
    until(lambda: waiter.poll() is not None)
    assert (waiter.returncode, waiter.stderr.read()) == (1, "task 1 failed: exit code 1\n")


@pytest.fixture
def outputs(labq):
    """Two tasks that said something, and one that failed and did too."""
    for cmd in ("sh -c 'echo one'", "sh -c 'echo two'", "sh -c 'echo three; exit 1'"):
        labq("task", "submit", "-q", "--cmd", cmd)
    labq("worker", "run", "-q")


def test_what_tasks_left_is_copied(labq, outputs, tmp_path):
    result = labq("wait", "1", "-o", "out")
    assert (result.code, result.err) == (0, "copied 1 file to out\n1 task ended: 1 success\n")
    assert (tmp_path / "out" / "1.stdout").read_text() == "one\n"
    assert labq("wait", "1", "3", "-q", "-o", "all").code == 1
    assert (tmp_path / "all" / "1" / "1.stdout").read_text() == "one\n"
    assert (tmp_path / "all" / "3" / "1.stdout").read_text() == "three\n"


def test_a_file_in_the_way_is_written_over_at_a_word(labq, outputs, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "1.stdout").write_text("mine")
    result = labq("wait", "1", "-o", "out")
    assert (result.code, (tmp_path / "out" / "1.stdout").read_text()) == (5, "mine")
    assert result.err == "labq: out/1.stdout is there already: --overwrite writes over it\n"
    assert labq("wait", "1", "-o", "out", "--overwrite", "-q").code == 0
    assert (tmp_path / "out" / "1.stdout").read_text() == "one\n"


def test_what_cannot_be_copied_is_told(labq, outputs, queue, tmp_path):
    (tmp_path / "file").write_text("")
    result = labq("wait", "1", "-o", "file")
    assert (result.code, result.err) == (1, "labq: cannot copy to file: File exists\n")
    labq("task", "submit", "-q")
    labq("task", "cancel", "4", "-q")
    result = labq("wait", "4", "-q", "-o", "out")
    assert result.err.startswith("labq: task 4 left nothing on this machine: no folder ")
    assert labq("wait", "1", "--overwrite").err == (
        "labq: --overwrite is about the files of -o DIR\n"
    )
