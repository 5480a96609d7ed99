"""The wall clock of some processes steps by an hour: no lease ends by it, and none lasts longer."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from fleet import Fleet, check_books, nothing_is_left, pause, until_all_end
from waiting import until

HOUR = 3600
SHIFT = """
import os, time
_time, _time_ns = time.time, time.time_ns
def offset():
    with open(os.environ["SHIFT"]) as file:
        return int(file.read() or 0)
time.time = lambda: _time() + offset()
time.time_ns = lambda: _time_ns() + offset() * 10**9
"""
ALONE = "mkdir run$LABQ_TASK_NUMBER && echo $LABQ_TASK_NUMBER $LABQ_ATTEMPT >> effects"
ALONE += " && {work}; rmdir run$LABQ_TASK_NUMBER"
HOLDS = ALONE.format(work="while ! [ -e go ]; do sleep 0.05; done")
STEPS = (HOUR, -HOUR)
alone = pytest.mark.parametrize("uri", ["sqlite", "lone"], indirect=True)  # no set of servers


class Clock:
    """A wall clock of some processes, to be set."""

    def __init__(self, folder):
        self._file = folder / "shift"
        self.environment = {"PYTHONPATH": str(folder / "site"), "SHIFT": str(self._file)}
        self.set(0)

    def set(self, seconds):
        """Has it be off by so much."""
        other = self._file.with_suffix(".new")
        other.write_text(str(seconds))
        other.rename(self._file)


@pytest.fixture
def clock(tmp_path):
    """The clock, and in its environment what a process goes by it with."""

    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SHIFT)
    return Clock(tmp_path)


@pytest.fixture
def labq(uri, tmp_path, clock):
    """Runs `labq` by that clock; its stdout."""
    environment = {**os.environ, **clock.environment, "LABQ_URI": uri}
    environment["LABQ_HOME"] = str(tmp_path / "home")

    def run(*words):
        argv = [sys.executable, "-m", "labq", *words]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    return run


@alone
def test_workers_whose_clock_steps_overlap_with_none(uri, submitted, tmp_path, clock):
    queue = submitted(uri, 12)
    command = ALONE.format(work="sleep 1")
    with Fleet(uri, tmp_path, 2, command), Fleet(uri, tmp_path, 2, command, **clock.environment):
        for step in (*STEPS, *STEPS):
            clock.set(step)
            pause(0.7)
        until_all_end(queue)
    check_books(queue, tmp_path, 12)
    assert [task["attempt"] for task in queue.find({})] == [1] * 12
    nothing_is_left(queue, tmp_path)


@alone
@pytest.mark.parametrize("step", STEPS)
def test_a_healthy_worker_is_so_by_any_clock(uri, submitted, tmp_path, clock, labq, step):
    queue = submitted(uri, 1)
    clock.set(step)
    with Fleet(uri, tmp_path, 1, HOLDS):
        until((tmp_path / "effects").exists)
        swept = json.loads(labq("queue", "sweep", "--json"))
        assert (swept["recovered"], swept["workers"]) == (0, 0)
        assert len(labq("worker", "ls", "-q").split()) == 1
        assert labq("task", "ls", "-s", "stalled", "-q") == ""
        assert "running" in labq("task", "ls")
        assert labq("task", "show", "1").startswith("task 1  running")
        (tmp_path / "go").touch()
        until_all_end(queue)
    check_books(queue, tmp_path, 1)


@alone
@pytest.mark.parametrize("step", STEPS)
def test_a_dead_workers_task_is_given_back_by_any_clock(
    uri, submitted, tmp_path, clock, labq, step
):
    queue = submitted(uri, 1)
    with Fleet(uri, tmp_path, 1, HOLDS) as fleet:
        until((tmp_path / "effects").exists)
        with fleet.workers.pop() as worker:
            worker.kill()
        clock.set(step)
        until(lambda: json.loads(labq("queue", "sweep", "--json"))["recovered"])
        assert queue.get("1")["status"] == "pending"
        assert until(lambda: labq("worker", "ls", "-q") == "")


@alone
@pytest.mark.parametrize("step", STEPS)
def test_a_stopped_worker_that_was_stepped_gives_its_task_back(
    uri, submitted, tmp_path, clock, step
):
    queue = submitted(uri, 1)
    with Fleet(uri, tmp_path, 1, HOLDS, **clock.environment) as fleet:
        until((tmp_path / "effects").exists)
        clock.set(step)
        (worker,) = fleet.workers
        worker.send_signal(signal.SIGTERM)
        worker.wait()
        task = queue.get("1")
        assert (task["status"], task.get("crashes", 0)) == ("pending", 0)


@alone
@pytest.mark.parametrize("step", STEPS)
def test_a_retry_waits_for_its_delay_by_any_clock(uri, tmp_path, clock, labq, step):
    clock.set(max(step, 0))
    labq("task", "submit", "--max-retries", "1", "--retry-delay", "1s", "--", "--x", "1")
    once = "[ -e tried ] || { touch tried; exit 1; }"
    with Fleet(uri, tmp_path, 1, once, **clock.environment):
        until((tmp_path / "tried").exists)
        until(lambda: labq("task", "count", "-s", "waiting") == "1\n")
        clock.set(min(step, 0))
        until(lambda: labq("task", "count", "-s", "success") == "1\n")
    (task,) = map(json.loads, labq("task", "show", "1", "--json").splitlines())
    assert (task["attempt"], task["retries"]) == (2, 1)


def test_a_lease_of_another_boot_is_over_at_once(tmp_path, submitted):
    """As after the machine has failed and is on again: nothing of before runs any more."""
    path = tmp_path / "labq.db"
    queue = submitted(f"sqlite:{path}", 1)
    with Fleet(f"sqlite:{path}", tmp_path, 1, HOLDS, LABQ_LEASE="1h") as fleet:
        until((tmp_path / "effects").exists)
        with fleet.workers.pop() as worker:
            worker.kill()
    assert not queue.sweep().recovered
    (tmp_path / "run1").rmdir()
    with closing(sqlite3.connect(path)) as db, db:
        for table, column, at in (
            ("tasks", "lease", "$.steady.boot"),
            ("workers", "record", "$.steady.boot"),
        ):
            db.execute(f"UPDATE {table} SET {column} = json_set({column}, '{at}', 'another')")
    swept = queue.sweep()
    assert (swept.recovered, swept.workers) == (1, 1)
