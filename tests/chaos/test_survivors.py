"""No process of an earlier attempt runs beside the next, however worker and guard came to die."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest
from fleet import Fleet, ended, nothing_is_left, of_folder, until_all_end
from waiting import gone, until

# A job that leaves a child in its group, one in a session of its own that ignores SIGTERM, one
# whose parent has ended, and one that is stopped. The next attempt notes which of them run still.
JOB = """
for pid in $(cat pids 2>/dev/null); do
  state=$(sed 's/.*) //' /proc/$pid/stat 2>/dev/null | cut -c1)
  case "$state" in ''|Z) ;; *) echo $pid >> beside;; esac
done
[ "$LABQ_ATTEMPT" -gt 1 ] && exit
sleep 600 & echo $! >> pids
setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' & echo $! >> pids
(setsid sh -c 'echo $$ >> pids; exec sleep 600' &)
sleep 600 & echo $! >> pids; kill -STOP $!
echo $$ >> pids; exec sleep 600
"""


def job_of(folder: Path, count: int = 5) -> list[int]:
    path = folder / "pids"
    pids = until(lambda: path.exists() and len(path.read_text().split()) == count and path)
    return [int(pid) for pid in pids.read_text().split()]


def guards_of(pid: int) -> list[int]:
    """The children of a worker that are no job's."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                mine = b"\0LABQ_TOKEN=" not in b"\0" + (path.parent / "environ").read_bytes()
                found += [int(path.parent.name)] * mine
        except OSError:  # noqa: PERF203 - it has ended
            continue
    return [one for one in found if not gone(one)]


def kill(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def kill_together(fleet: Fleet) -> None:
    """The only worker of the fleet, and its guard before it can do anything."""
    (worker,) = fleet.workers
    (guard,) = guards_of(worker.pid)
    os.kill(worker.pid, signal.SIGSTOP)
    kill(guard, worker.pid)
    worker.wait()
    fleet.workers.clear()


def test_what_worker_and_guard_leave_is_ended_before_the_next_attempt(uri, submitted, tmp_path):
    queue = submitted(uri, 1)
    with Fleet(uri, tmp_path, 1, JOB) as fleet:
        pids = job_of(tmp_path)
        kill_together(fleet)
        assert not any(map(gone, pids))
        fleet.start()
        until_all_end(queue)
    assert queue.get("1")["status"] == "success"
    assert not (tmp_path / "beside").exists()
    assert all(map(gone, pids))
    told = r"task 1: ended \d processes that an earlier attempt had left running\n"
    assert re.search(told, fleet.said)
    nothing_is_left(queue, tmp_path)


@pytest.mark.parametrize("verb", ["requeue", "reset"])
def test_it_is_ended_whatever_way_the_task_comes_to_its_next_attempt(submitted, tmp_path, verb):
    uri = f"sqlite:{tmp_path}/labq.db"
    queue = submitted(uri, 1)
    with Fleet(uri, tmp_path, 1, JOB) as fleet:
        pids = job_of(tmp_path)
        kill_together(fleet)
        queue.cancel({"queue": "default"})
        until(lambda: queue.sweep() and queue.get("1")["status"] == "cancelled")
        assert not any(map(gone, pids))
        getattr(queue, verb)({"queue": "default"})
        queue.enqueue({"queue": "default"})
        fleet.start()
        until_all_end(queue)
    assert not (tmp_path / "beside").exists()
    assert all(map(gone, pids))


def test_what_a_failed_attempt_has_put_in_the_background_is_ended_before_its_retry(
    uri, submitted, tmp_path
):
    queue = submitted(uri, 1, max_retries=1, retry_delay=0)
    all_there = "until [ $(wc -l < pids) = 5 ]; do :; done"
    failing = JOB.replace("exec sleep 600\n", f"{all_there}; exit 1\n")
    with Fleet(uri, tmp_path, 1, failing):
        pids = job_of(tmp_path)
        until_all_end(queue)
    assert queue.get("1")["status"] == "success"
    assert not (tmp_path / "beside").exists()
    assert all(map(gone, pids))


LOOP = """
import labq, subprocess
for task in labq.loop():
    with task:
        left = [open(f"/proc/{pid}/stat").read() for pid in open("pids").read().split()
                if os.path.exists(f"/proc/{pid}")]
        print(task.attempt, [stat for stat in left if ") Z" not in stat], flush=True)
        if task.attempt == 2:
            child = subprocess.Popen(["sleep", "600"], start_new_session=True)
            open("pids", "a").write(str(child.pid))
            raise RuntimeError
"""


def test_a_loop_begins_no_attempt_beside_what_another_or_itself_has_left(submitted, tmp_path):
    uri = f"sqlite:{tmp_path}/labq.db"
    queue = submitted(uri, 1, max_retries=1, retry_delay=0)
    with Fleet(uri, tmp_path, 1, JOB) as fleet:
        pids = job_of(tmp_path)
        kill_together(fleet)
        until(lambda: queue.sweep().recovered)
        loop = fleet.run(LOOP)
    assert loop.stdout == "2 []\n3 []\n"
    assert all(map(gone, [*pids, *job_of(tmp_path, 6)]))


def test_a_dead_guard_is_replaced_within_a_second_and_knows_every_job(uri, submitted, tmp_path):
    queue = submitted(uri, 1)
    with Fleet(uri, tmp_path, 1, "echo $$ > pids; exec sleep 600") as fleet:
        (job,) = job_of(tmp_path, 1)
        (worker,) = fleet.workers
        (guard,) = guards_of(worker.pid)
        kill(guard)
        until(lambda: set(guards_of(worker.pid)) - {guard}, seconds=1)
        told = "the guard, which ends the jobs of a killed worker, is repl"
        until(lambda: fleet.said.count(told) == 1)
        kill(fleet.workers.pop().pid)
        worker.wait()
        until(lambda: gone(job), seconds=1)
    until(lambda: queue.sweep().recovered)
    assert queue.get("1")["status"] == "pending"


def test_a_worker_within_a_job_ends_neither_itself_nor_the_job(submitted, tmp_path):
    """It carries the token of the attempt that it is to end, as those above and below it do."""
    uri = f"sqlite:{tmp_path}/labq.db"
    queue = submitted(uri, 1)
    claim = f"{sys.executable} -m labq worker run -q --max-tasks 1 -- sh -c 'echo ran'"
    wait = "echo $$ > pids; until [ -e go ]; do sleep 0.1; done"
    script = f"{wait}; {claim}; echo $? > code; exec sleep 600"
    with Fleet(uri, tmp_path, 1, script) as fleet:
        (job,) = job_of(tmp_path, 1)
        kill_together(fleet)
        until(lambda: queue.sweep().recovered)
        (tmp_path / "go").touch()
        until_all_end(queue)
        code = until(lambda: (tmp_path / "code").exists() and (tmp_path / "code").read_text())
        assert code == "0\n"
        assert not gone(job)
        kill(*of_folder(tmp_path))
    assert queue.get("1")["attempt"] == 2
    assert ended(queue)
