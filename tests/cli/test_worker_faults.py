"""`labq worker run`: a process that breaks, or whose store does, at the worst moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from books import statuses, submit, wait_for

from labq.store import Change

# What a worker's command line does besides, before it begins.
DIES_BEFORE_IT_TELLS = """
import os
from labq.queue import claims
claims.settle = lambda *_: os.kill(os.getpid(), 9)
"""
LOSES_AN_ANSWER = """
import labq.store.mongodb.store, labq.store.sqlite.store
from labq.errors import StoreError

def unheard(kind, status):
    real, heard = kind.update_first, []
    def write(self, query, change, *given):
        done = real(self, query, change, *given)
        if done and change.set.get("status") == status and not heard:
            heard.append(1)
            raise StoreError("the connection was lost")
        return done
    kind.update_first = write

for kind in (labq.store.mongodb.store.MongoStore, labq.store.sqlite.store.SQLiteStore):
    unheard(kind, {status!r})
"""
ANSWERS_LATE = """
import time
from labq.queue import claims

real, asked = claims.claim, []
def claim(*given):
    granted = real(*given)
    asked.append(1)
    if len(asked) == 1:
        time.sleep(2)
    return granted
claims.claim = claim
"""
IS_AWAY_FOR_TWO_SECONDS = """
import time
from labq.errors import StoreError
from labq.queue import claims

real, back = claims.claim, []
def claim(*given):
    back[:] = back or [time.monotonic() + 2]
    if time.monotonic() < back[0]:
        time.sleep({seconds})
        raise StoreError("it is away")
    return real(*given)
claims.claim = claim
"""
FAILS_ITS_FIRST_LOOK = """
from labq.errors import StoreError
from labq.queue import claims

real, looks = claims.disown, []
def disown(*given):
    looks.append(1)
    if len(looks) == 1:
        raise StoreError("it is away")
    return real(*given)
claims.disown = disown
"""
RUN = """
from labq.__main__ import run
run()
"""


@pytest.fixture
def broken(labq, tmp_path):
    """Runs `labq` in a process of its own that does something besides; it is over then."""

    def run(fault, *args):
        command = [sys.executable, "-c", fault + RUN, *args]
        return subprocess.run(
            command, env=os.environ, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )

    return run


def chain(labq):
    """Submits a task and one that comes after it."""
    first = labq("task", "submit", "--cmd", "true").ids[0]
    labq("task", "submit", "--after", first, "--cmd", "true")


def test_what_a_killed_worker_told_nobody_the_next_that_drains_does(labq, queue, broken):
    chain(labq)
    done = broken(DIES_BEFORE_IT_TELLS, "worker", "run")
    assert done.returncode == -signal.SIGKILL
    assert statuses(queue) == ["success", "waiting"]
    assert "waiting" not in labq("worker", "run").err
    assert statuses(queue) == ["success", "success"]


def test_a_success_that_was_written_unheard_is_told_to_what_comes_after_it(labq, queue, broken):
    chain(labq)
    done = broken(LOSES_AN_ANSWER.format(status="success"), "worker", "run", "--max-tasks", "1")
    assert (done.returncode, statuses(queue)) == (0, ["success", "pending"])


def test_a_folder_that_cannot_be_looked_at_fails_its_task_alone(labq, queue):
    for folder in ("/" + "x" * 300, "/"):
        assert labq("task", "submit", "--cwd", folder, "--cmd", "true").code == 0
    assert labq("worker", "run").code == 0
    assert statuses(queue) == ["failed", "success"]
    told = f"cannot start true: its folder /{'x' * 300}: File name too long"
    assert queue.get("1")["reason"] == told


@pytest.mark.parametrize("more", ["", FAILS_ITS_FIRST_LOOK])
@pytest.mark.parametrize(
    ("options", "ends"),
    [([], ["success", "success"]), (["--max-tasks", "1"], ["pending", "success"])],
)
def test_a_worker_that_drains_keeps_no_task_that_it_was_granted_unheard(
    labq, queue, broken, options, ends, more
):
    submit(labq, {}, {})
    fault = LOSES_AN_ANSWER.format(status="running") + more
    done = broken(fault, "worker", "run", *options, "--", "true")
    assert (done.returncode, statuses(queue)) == (0, ends)
    assert queue.get("1")["attempts"][0]["reason"] == "the answer to the claim was lost or late"
    assert "labq: cannot claim yet: the connection was lost\n" in done.stderr


@pytest.mark.parametrize(
    "request_", [{"reason": "a mistake", "grace": "soon"}, {"grace": -1}, "stop"], ids=repr
)
def test_a_stop_that_was_asked_in_other_words_ends_its_task_and_no_worker(
    labq, queue, process, request_
):
    submit(labq, {}, {})
    job = 'test "$LABQ_TASK_NUMBER" != 1 || exec sleep 600'
    worker = process("worker", "run", "--", "sh", "-c", job, env={"LABQ_HEARTBEAT": "300ms"})
    wait_for(queue, "running")
    queue.store.update({"queue": "default", "number": 1}, Change(set={"stop_requested": request_}))
    assert worker.wait(timeout=30) == 0
    assert statuses(queue) == ["cancelled", "success"]


def test_a_claim_that_is_answered_after_its_lease_starts_no_job(
    labq, queue, broken, tmp_path, monkeypatch
):
    monkeypatch.setenv("LABQ_LEASE", "2s")
    monkeypatch.setenv("LABQ_HEARTBEAT", "300ms")
    submit(labq, {})
    job = "trap '' TERM; echo $LABQ_ATTEMPT >> began"
    done = broken(ANSWERS_LATE, "worker", "run", "--", "sh", "-c", job)
    assert (done.returncode, statuses(queue)) == (0, ["success"])
    assert (tmp_path / "began").read_text() == "2\n"
    assert "s, too long for a lease of 2 s\nlabq: the store answers again\n" in done.stderr


@pytest.mark.parametrize("seconds", [0, 2.5], ids=["refuses", "hangs"])
def test_a_time_in_which_the_store_is_away_is_not_idle(labq, queue, broken, seconds):
    submit(labq, {})
    fault = IS_AWAY_FOR_TWO_SECONDS.format(seconds=seconds)
    done = broken(fault, "worker", "run", "--idle-timeout", "500ms", "--", "true")
    assert (done.returncode, statuses(queue)) == (0, ["success"])
    told = "labq: cannot claim yet: it is away\nlabq: the store answers again\n"
    assert done.stderr.startswith(told)
    assert "labq: no work for 0.5 s: ending\n" in done.stderr
