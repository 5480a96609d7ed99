"""Jobs that misbehave, each run by a real worker."""

from __future__ import annotations

import os
import sys

import pytest
from fleet import TASKS, Fleet, nothing_is_left, until_all_end
from waiting import gone, until

FLOOD = (1 << 30) if TASKS >= 2000 else (64 << 20)  # bytes


def run(uri, submitted, tmp_path, script):
    """The one task of a worker that runs this shell script, and where its output lies."""
    queue = submitted(uri, 1)
    with Fleet(uri, tmp_path, 1, script):
        until_all_end(queue)
    task = queue.get("1")
    return task, tmp_path / "home" / "tasks" / task["_id"], queue


def test_what_ignores_sigterm_is_killed_with_all_of_its_group(uri, submitted, tmp_path):
    queue = submitted(uri, 1)
    stubborn = "trap '' TERM; sleep 3600 & echo $! > child; echo $$ > pid; while :; do wait; done"
    with Fleet(uri, tmp_path, 1, stubborn):
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        queue.cancel({"queue": "default"})
        until_all_end(queue)
        pids = [int((tmp_path / name).read_text()) for name in ("pid", "child")]
        until(lambda: all(map(gone, pids)), seconds=2)
    assert queue.get("1")["status"] == "cancelled"
    nothing_is_left(queue, tmp_path)


def test_a_daemon_in_its_group_ends_with_the_job(uri, submitted, tmp_path):
    task, _, queue = run(uri, submitted, tmp_path, "sleep 3600 & echo $! > daemon; exit 0")
    assert task["status"] == "success"
    assert gone(int((tmp_path / "daemon").read_text()))
    nothing_is_left(queue, tmp_path)


def test_a_flood_of_output_is_kept_and_harms_nobody(uri, submitted, tmp_path):
    task, folder, _ = run(uri, submitted, tmp_path, f"head -c {FLOOD} /dev/zero")
    assert task["status"] == "success"
    assert (folder / "1.stdout").stat().st_size == FLOOD
    os.unlink(folder / "1.stdout")


@pytest.mark.parametrize(
    ("script", "status", "tail"),
    [
        (r"printf '\377\376 caf\351\n' >&2; exit 1", "failed", "\ufffd\ufffd caf\ufffd"),
        ("cat; read line || exit 3", "failed", ""),  # there is nothing to read
        ("exec >&- 2>&-; exit 0", "success", None),
        (f"exec {sys.executable} -c 'import os; os.kill(os.getpid(), 11)'", "failed", ""),
    ],
)
def test_odd_bytes_no_input_closed_output_and_a_crash(
    uri, submitted, tmp_path, script, status, tail
):
    task, _, _ = run(uri, submitted, tmp_path, script)
    assert task["status"] == status
    assert tail is None or task["errors"][0]["stderr"] == tail
