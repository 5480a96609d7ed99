"""A signal in the middle of a verb on many tasks: it says how many are changed, and that is so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from labq.model.task import new
from labq.store import Change, Now

TOTAL = 3000
Q = {"queue": "default"}
SUCCESS = {"status": "success", "ended_at": Now(-5)}
DRAFT = {"status": "draft"}

# command -> how the tasks stand before it, what it makes of each, and what is said of them
VERBS = {
    "task enqueue -f {} --yes": (DRAFT, {"status": "pending"}, "tasks are enqueued"),
    "task dequeue -f {} --yes": ({}, {"status": "draft"}, "tasks are dequeued"),
    "task requeue -f {} --yes": (SUCCESS, {"status": "pending"}, "tasks are requeued"),
    "task reset -f {} --yes": (SUCCESS, {"status": "draft"}, "of 3,000 tasks are reset"),
    "task publish -f {} --yes": (
        SUCCESS,
        {"published_at": {"$exists": True}},
        "tasks are published",
    ),
    "task cancel -f {} --yes": (
        {},
        {"status": "cancelled"},
        "tasks are cancelled, or asked to stop",
    ),
    "task tag -f {} --yes +x": ({}, {"tags": "x"}, "tasks are changed"),
    "task update -f {} --yes -u priority=7": ({}, {"priority": 7}, "tasks are changed"),
    "task delete -f {} --yes": (
        SUCCESS,
        {"status": {"$ne": "success"}},
        "of 3,000 tasks are removed",
    ),
    "queue delete default --yes": (
        SUCCESS,
        {"status": {"$ne": "success"}},
        "of 3,000 tasks are removed",
    ),
    "task clone -f {} --yes": ({}, {"parent": {"$exists": True}}, "of 3,000 tasks are copied"),
}

OTHERS = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU, signal.SIGALRM)

# Runs a command, and sends its own process the signal once the store has begun to write.
SIGNALLED = """
import os, sys, threading
from labq.store.base import Store
import labq.store.sqlite.store, labq.store.mongodb.store
number, words = int(sys.argv[1]), sys.argv[2:]
sent = threading.Lock()
def watched(whole):
    def write(*given, **named):
        done = whole(*given, **named)
        if sent.acquire(blocking=False):
            os.kill(os.getpid(), number)
        return done
    return write
for kind in (labq.store.sqlite.store.SQLiteStore, labq.store.mongodb.store.MongoStore):
    for name in ("insert", "update", "update_each", "delete"):
        setattr(kind, name, watched(getattr(kind, name)))
sys.argv = ["labq", *words]
from labq.__main__ import run
run()
"""


@pytest.mark.parametrize(
    ("words", "number"),
    [
        *((words, signal.SIGINT) for words in VERBS),
        *((words, signal.SIGTERM) for words in list(VERBS)[::3]),
        *(("task requeue -f {} --yes", number) for number in OTHERS),
    ],
)
def test_a_signal_says_how_many_tasks_a_verb_has_changed(uri, queue, tmp_path, words, number):
    before, after, became = VERBS[words]
    queue.submit([new({}) for _ in range(TOTAL)])
    if before:
        queue.store.update(Q, Change(set=before, inc={"rev": 1}))
    command = [sys.executable, "-c", SIGNALLED, str(int(number)), *words.split()]
    environment = {**os.environ, "LABQ_URI": uri, "LABQ_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    changed = queue.count({**Q, **after})
    if became.endswith("are removed"):
        changed = TOTAL - queue.count(Q)
    assert changed > 0
    how = "interrupted" if number == signal.SIGINT else "terminated"
    assert done.stderr.splitlines()[-1] == f"labq: {how}: {changed:,} {became}"
    assert done.returncode == 128 + number
