"""A machine that has no more to give: no task is blamed, and the worker says what is used up."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from books import submit, tasks
from fleet import of_folder
from waiting import until

pytestmark = pytest.mark.parametrize("uri", ["sqlite"], indirect=True)

GIB = 1 << 30
NO_THREAD = "no process or thread can be started: no memory is left, or no more are allowed"


def descriptors(soft, hard):
    """Has a process begin with these limits."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def threads(room):
    """Has a process begin with stacks so large that there is room for so many threads."""

    def limit():
        resource.setrlimit(resource.RLIMIT_STACK, (GIB, GIB))
        resource.setrlimit(resource.RLIMIT_AS, (room * GIB + GIB // 2,) * 2)

    return limit


def check_given_back(queue):
    task = tasks(queue)[-1]
    assert (task["status"], task["retries"]) == ("pending", 0)
    assert "crashes" not in task
    assert "errors" not in task
    assert not list(queue.store.workers.find({}))


def test_whatever_lacks_a_descriptor_gives_the_task_back_and_stops_the_worker(labq, queue, process):
    command = ("sh", "-c", "echo ran; echo ran >&2")
    for more in range(20):
        submit(labq, {})
        worker = process("worker", "run", "--forever", "--", *command)
        until(lambda: tasks(queue)[-1]["status"] == "success")  # it has all that it ever imports
        labq("queue", "pause")
        until(lambda worker=worker: "is paused: " in worker.stderr.readline())
        opened = max(int(path.name) for path in Path(f"/proc/{worker.pid}/fd").iterdir())
        most = opened + 1 + more
        resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, (most, most))
        submit(labq, {})
        labq("queue", "resume")
        until(lambda worker=worker: worker.poll() is not None or not pending(queue))
        if not pending(queue):
            break
        _, err = worker.communicate(timeout=60)
        told = f"stopped: all {most} file descriptors of this process are in use (ulimit -n)"
        assert (worker.returncode, err.splitlines()[-1]) == (1, f"labq: {told}")
        check_given_back(queue)
        labq("task", "delete", "-y", "--status", "pending")
    assert more > 4


def pending(queue):
    return [task for task in tasks(queue) if task["status"] in ("pending", "running")]


def test_the_soft_limit_is_raised_to_what_the_slots_need_and_jobs_have_the_old_one(
    labq, queue, process, tmp_path
):
    labq("task", "submit")
    labq("task", "submit", "--cwd", str(tmp_path))
    command = ("sh", "-c", "ulimit -S -n >> soft; ulimit -H -n >> hard")
    words = ("worker", "run", "--slots", "110", "--", *command)
    worker = process(*words, preexec_fn=descriptors(1024, 4096))
    _, err = worker.communicate(timeout=60)
    assert worker.returncode == 0, err
    assert (tmp_path / "soft").read_text() == "1024\n1024\n"
    assert (tmp_path / "hard").read_text() == "4096\n4096\n"


def test_more_slots_than_there_are_descriptors_for_are_refused_with_the_number(queue, process):
    words = ("worker", "run", "--slots", "200", "--", "true")
    worker = process(*words, preexec_fn=descriptors(1024, 1024))
    assert worker.communicate(timeout=60)[1] == (
        "labq: 200 slots need 2,032 file descriptors, and there may be 1,024 at most "
        "(ulimit -Hn): raise that, or use at most 99 slots\n"
    )
    assert worker.returncode == 1
    assert not list(queue.store.workers.find({}))


def test_a_run_for_which_there_are_too_few_is_refused(process):
    run = process("run", "--", "true", preexec_fn=descriptors(24, 24))
    assert run.communicate(timeout=60)[1].endswith(
        "labq: a job needs 42 file descriptors, and there may be 24 at most (ulimit -Hn): raise that\n"
    )


def test_a_thread_that_cannot_start_is_told_of_and_nothing_is_left(labq, queue, process, tmp_path):
    submit(labq, {})
    words = ("worker", "run", "--slots", "8", "--", "sleep", "600")
    worker = process(*words, preexec_fn=threads(3))
    _, err = worker.communicate(timeout=60)
    assert re.fullmatch(f"labq: {NO_THREAD}.*\n", err)
    assert worker.returncode == 1
    check_given_back(queue)
    assert tasks(queue)[0]["attempt"] == 0
    until(lambda: not of_folder(tmp_path))


@pytest.mark.parametrize("offline", [(), ("--offline",)])
def test_a_run_that_cannot_begin_says_so_and_leaves_nothing(queue, process, tmp_path, offline):
    words = ("run", *offline, "--no-source", "--", "sleep", "600")
    run = process(*words, preexec_fn=threads(0))
    _, err = run.communicate(timeout=60)
    assert re.fullmatch(f"labq: {NO_THREAD}.*\n", err)
    assert run.returncode == 1
    assert tasks(queue) == []
    until(lambda: not of_folder(tmp_path))


SPAWN = """
import os, resource, sys
from labq.worker.limits import ExhaustedError
from labq.worker.output import Output
from labq.worker.process import Job
output = Output(sys.argv[1], {"_id": "a", "attempt": 1}, print)
if os.getuid() == 0:
    os.setuid(65534)  # of root there is no limit
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
try:
    Job(["/bin/true"], {}, output)
except ExhaustedError as error:
    print(error)
"""


def test_a_process_that_may_not_be_forked_is_no_fault_of_its_command(uri, tmp_path):
    argv = [sys.executable, "-c", SPAWN, str(tmp_path)]
    spawned = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert spawned.stdout.startswith(f"{NO_THREAD} (ulimit -u: 0")


def test_arguments_that_are_too_long_are_the_tasks_own_fault(labq, queue):
    submit(labq, {"x": "y" * 200_000})
    labq("worker", "run", "--", "true")
    (task,) = tasks(queue)
    told = "cannot start true: Argument list too long"
    assert (task["status"], task["reason"]) == ("failed", told)
