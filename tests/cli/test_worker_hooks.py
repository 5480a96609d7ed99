"""`labq worker run --on-finish`, and the hook that a queue has."""

from __future__ import annotations

import shlex
import signal
import subprocess

import pytest
from books import statuses, submit
from waiting import until

from labq.store import Change


def test_a_command_is_run_for_each_task_that_ends(labq, queue, tmp_path):
    submit(labq, {"x": "a b; touch hacked"})
    submit(labq, {"x": 2})
    hook = f"touch '{tmp_path}/{{task.number}} {{task.status}} {{task.args.x}}'"
    result = labq("worker", "run", "--on-finish", hook, "--", "true")
    assert result.code == 0
    assert statuses(queue) == ["success", "success"]
    left = sorted(path.name for path in tmp_path.iterdir() if path.name[0] in "12h")
    assert [name for name in left if name != "home"] == [
        "1 success a b; touch hacked",
        "2 success 2",
    ]


def test_a_queues_hook_is_run_by_its_workers(labq, queue, tmp_path):
    submit(labq, {"x": 1})
    queue.store.queues.put("default", Change(set={"on_finish": f"touch {tmp_path}/seen"}))
    assert labq("worker", "run", "--", "true").code == 0
    assert (tmp_path / "seen").exists()


def test_a_hook_that_fails_is_told_of_and_changes_nothing(labq, queue):
    submit(labq, {"x": 1})
    hook = shlex.join(["sh", "-c", "echo no mail >&2; exit 3"])
    result = labq("worker", "run", "--on-finish", hook, "--", "true")
    assert result.code == 0
    assert "labq: task 1: on-finish sh: exit code 3: no mail\n" in result.err
    assert statuses(queue) == ["success"]


def test_a_hook_that_makes_no_sense_is_refused_before_anything_runs(labq, queue):
    submit(labq, {"x": 1})
    result = labq("worker", "run", "--on-finish", "n {task.lr}", "--", "true")
    assert result.code == 2
    told = "labq: on-finish: a task has no field 'lr' (write {task.args.lr} for an argument)\n"
    assert result.err == told
    assert statuses(queue) == ["pending"]


def test_queue_update_says_what_a_queues_workers_run(labq, queue, tmp_path):
    submit(labq, {"x": 1})
    hook = f"touch {tmp_path}/{{task.number}}-{{task.status}}"
    assert labq("queue", "update", "--on-finish", hook).err == "updated queue default\n"
    assert labq("queue", "show", "default", "--json").lines[0]["on_finish"] == hook
    assert labq("worker", "run", "--", "true").code == 0
    assert (tmp_path / "1-success").exists()
    assert labq("queue", "update", "--on-finish", "none").code == 0
    assert "on_finish" not in labq("queue", "show", "default", "--json").lines[0]


def test_queue_update_refuses_a_hook_that_makes_no_sense(labq, queue):
    submit(labq, {"x": 1})
    result = labq("queue", "update", "--on-finish", "sh -c 'echo {task.name}'")
    assert result.code == 2
    assert result.err == (
        "labq: on-finish: sh would run what {task...} holds: "
        "write sh -c 'notify \"$1\"' sh {task.name}\n"
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_hook_does_not_outlive_its_worker(labq, process, tmp_path, number):
    submit(labq, {"x": 1})
    hook = shlex.join(["sh", "-c", f"echo $$ > {tmp_path}/hook; sleep 600 & exec sleep 600"])
    worker = process("worker", "run", "--on-finish", hook, "--", "true")
    until(lambda: (tmp_path / "hook").exists() and (tmp_path / "hook").read_text())
    group = int((tmp_path / "hook").read_text())
    worker.stderr.readline()  # the job has ended; the worker's own handlers are off soon
    until(lambda: worker.poll() is not None or worker.send_signal(number))
    until(lambda: not living(group))
    assert worker.returncode != 0


def living(group):
    """The processes of this group that are more than what is left of one."""
    told = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True)
    lines = map(str.split, told.stdout.splitlines())
    return [pgid for pgid, state in lines if int(pgid) == group and "Z" not in state]
