"""What a job of a real worker tells and hears, row by row of what other systems offer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from waiting import until

STOPS = """
import labq, os, time
@labq.on_stop
def last_words():
    os.write(1, b"saved\\n")
open("ready", "w").close()
while True:
    time.sleep(0.01)
"""
POLLS = """
import labq, signal
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(1))
open("ready", "w").close()
while not labq.should_stop():
    pass
print("seen", flush=True)
while not told:
    signal.sigtimedwait([], 0.01)
"""
ARGPARSE = """
import argparse, labq
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--epochs", type=int, default=3)
found = labq.capture_argparse(parser).parse_args([])
labq.report(lr=found.lr)
labq.update_info({"epochs": found.epochs})
labq.progress(100)
"""
LOOP = """
import labq
for task in labq.loop():
    with task:
        assert labq.current_task().number == task.number
        merged = labq.connect({"lr": 1.0, "epochs": 2})
        labq.update_info({"lr": merged["lr"]})
        labq.progress(50)
"""
LOOP_STOPS = """
import labq, pathlib, time
for task in labq.loop():
    with task:
        labq.on_stop(lambda: pathlib.Path("saved").write_text(str(task.number)))
        pathlib.Path("ready").touch()
        while True:
            time.sleep(0.01)  # a signal just before signal.pause() would not end it
"""


@pytest.fixture
def start(uri, tmp_path):
    """Starts a process beside the store; those that run still are killed."""
    started = []

    def start(*command):
        environment = {**os.environ, "LABQ_URI": uri, "LABQ_HOME": str(tmp_path / "home")}
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        options |= {"env": environment, "cwd": tmp_path}
        started.append(subprocess.Popen([sys.executable, *command], **options))
        return started[-1]

    yield start
    for one in started:
        with one:
            one.kill()


def labq(start, *words):
    """Runs `labq` to its end; what it printed."""
    process = start("-m", "labq", *words)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def test_c43_a_jobs_own_words_are_spoken_before_its_task_is_marked_cancelled(
    start, queue, tmp_path
):
    labq(start, "task", "submit")
    worker = start("-m", "labq", "worker", "run", "--", sys.executable, "-c", STOPS)
    until((tmp_path / "ready").exists)
    labq(start, "task", "cancel", "1", "--wait", "--quiet")
    task = queue.get("1")
    assert (task["status"], task["attempts"][0]["exit_code"]) == ("cancelled", 143)
    assert worker.communicate(timeout=60)[0] == "saved\n"


def test_c43_a_job_that_polls_sees_the_cancel(start, queue, tmp_path):
    labq(start, "task", "submit")
    worker = start("-m", "labq", "worker", "run", "--", sys.executable, "-c", POLLS)
    until((tmp_path / "ready").exists)
    labq(start, "task", "cancel", "1", "--wait", "--quiet")
    assert worker.communicate(timeout=60)[0] == "seen\n"
    assert queue.get("1")["status"] == "cancelled"


def test_c23_and_m13_argparse_gets_the_tasks_args_and_the_job_tells_of_itself(start, queue):
    labq(start, "task", "submit", "--", "--lr", "1")
    labq(start, "worker", "run", "--", sys.executable, "-W", "error", "-c", ARGPARSE)
    task = queue.get("1")
    assert task["status"] == "success"
    assert task["summary"] == {"config": {"epochs": 3}, "lr": 1.0, "epochs": 3}
    assert task["progress"] == 100


def test_c13_a_body_of_a_loop_is_a_job_as_any_other(start, queue, tmp_path):
    for lr in ("1", "2"):
        labq(start, "task", "submit", "--", "--lr", lr)
    loop = start("-W", "error", "-c", LOOP)
    assert loop.communicate(timeout=60) == ("", "")
    tasks = list(queue.find({"queue": "default"}))
    assert [task["summary"]["lr"] for task in tasks] == [1.0, 2.0]
    assert [task["summary"]["config"] for task in tasks] == [{"epochs": 2}] * 2
    assert [(task["status"], task["progress"]) for task in tasks] == [("success", 50)] * 2


@pytest.mark.parametrize("how", ["cancel", "signal"])
def test_c43_a_body_of_a_loop_has_its_last_words_too(start, queue, tmp_path, how):
    labq(start, "task", "submit")
    loop = start("-c", LOOP_STOPS)
    until((tmp_path / "ready").exists)
    if how == "cancel":
        labq(start, "task", "cancel", "1", "--wait", "--quiet")
    else:
        loop.send_signal(signal.SIGTERM)
    loop.wait(60)
    assert (tmp_path / "saved").read_text() == "1"
    assert queue.get("1")["status"] == ("cancelled" if how == "cancel" else "pending")
