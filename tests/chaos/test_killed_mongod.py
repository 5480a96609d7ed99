"""A lone mongod is killed, again and again, and takes nothing back that somebody acted upon."""

from __future__ import annotations

import json
import os
import random
import signal
from collections import Counter
from contextlib import suppress

import pytest
import servers
from fleet import TASKS, Fleet, check_books, nothing_is_left, pause, until_all_end
from waiting import gone, until

KILLS = 15 if TASKS >= 1000 else 3


class Lone:
    """A mongod that comes back on the same files and the same port."""

    def __init__(self, folder):
        self._folder = folder
        self.pid, self._port = servers.start(folder)
        self.uri = f"mongodb://127.0.0.1:{self._port}/chaos"

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        until(lambda: gone(self.pid))

    def restart(self):
        self.kill()
        self.pid = until(self._started)

    def _started(self):
        """Its pid; None while the port is held, by a client that met itself on it."""
        with suppress(servers.NoMongodError):
            return servers.start(self._folder, port=self._port)[0]


@pytest.fixture
def mongod(tmp_path_factory):
    lone = Lone(tmp_path_factory.mktemp("mongod"))
    yield lone
    lone.kill()


def told(folder):
    """What the workers have said of the attempts that ended, a record each."""
    return [json.loads(line) for line in (folder / "told").read_text().splitlines()]


def survive(mongod, queue, folder, options=""):
    """Runs the tasks while mongod is killed KILLS times, each time with some of them done."""
    chance = random.Random(TASKS)  # noqa: S311
    uri = mongod.uri + options
    with Fleet(uri, folder, 4, LABQ_LEASE="20s", LABQ_HEARTBEAT="1s") as fleet:
        for kill in range(KILLS):
            least = TASKS * (kill + 1) // (KILLS + 2)
            until(lambda least=least: queue.count({"status": "success"}) >= least, seconds=120)
            pause(chance.uniform(0, 0.2))
            mongod.restart()
        until_all_end(queue)
    assert "Traceback" not in fleet.said


def test_no_job_runs_twice_and_no_success_is_told_twice(mongod, submitted, tmp_path):
    queue = submitted(mongod.uri, TASKS)
    survive(mongod, queue, tmp_path)
    check_books(queue, tmp_path, TASKS)
    effects = Counter(line.split()[0] for line in (tmp_path / "effects").read_text().splitlines())
    assert [task for task, count in effects.items() if count > 1] == []
    successes = Counter(one["number"] for one in told(tmp_path) if one["status"] == "success")
    assert [task for task, count in successes.items() if count > 1] == []
    assert not [task for task in queue.find({}) if "crashes" in task]
    nothing_is_left(queue, tmp_path)


def test_without_a_journal_what_is_undone_counts_as_no_lost_worker(mongod, submitted, tmp_path):
    queue = submitted(mongod.uri, TASKS)
    survive(mongod, queue, tmp_path, "?journal=false")
    tasks = list(queue.find({"queue": "default"}))
    assert [task["status"] for task in tasks] == ["success"] * TASKS
    assert not [task for task in tasks if task.get("crashes")]
    reasons = [one.get("reason", "") for task in tasks for one in task["attempts"]]
    assert not [reason for reason in reasons if reason.endswith("was lost")]
    nothing_is_left(queue, tmp_path)
