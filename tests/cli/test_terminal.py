"""At a terminal: a table that fits, a page with what is left, a pager, a question before the end."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios

import pytest

from labq.model.task import new
from labq.queue import Queue, WorkerName, claims, workers
from labq.store import Change, Now, open_store

CTRL_C = "\x03"


@pytest.fixture
def queue(tmp_path):
    store = open_store(f"sqlite:{tmp_path / 'labq.db'}")
    yield Queue(store, "default")
    store.close()


def screen(leader, keys):
    """All that comes at a terminal, where these keys are typed once it asks."""
    seen, typed = b"", False
    for _ in range(100):
        ready, _, _ = select.select([leader], [], [], 3)
        if not ready and keys == CTRL_C and typed:  # a signal just before a read does not end it
            os.write(leader, keys.encode())
            continue
        try:
            block = os.read(leader, 65536) if ready else b""
        except OSError:  # EIO: the last one at the other end has left
            block = b""
            ready = True
        if ready and not block:
            os.close(leader)
            return seen
        seen += block
        if keys and not typed and b"[y/N]" in seen:
            os.write(leader, keys.encode())
            typed = True
    pytest.fail(f"it does not end: {seen!r}")


@pytest.fixture
def terminal(tmp_path, queue):
    """Runs labq at a terminal of its own, types `keys` once it asks; gives code and screen text."""

    def run(*args, columns=80, keys="", **environment):
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-m", "labq", *args],
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - for Ctrl-C
            env={
                **os.environ,
                "LABQ_URI": queue.store.address,
                "LABQ_HOME": str(tmp_path / "home"),
                "TERM": "xterm-256color",
                "PAGER": "cat",
                **environment,
            },
            cwd=tmp_path,
        )
        os.close(follower)
        with process:
            try:
                seen = screen(leader, keys)
            except BaseException:
                process.kill()
                raise
        text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[>=]", "", seen.decode())
        return process.returncode, text.replace("\r\n", "\n")

    return run


def submit(queue, count, **args):
    queue.submit([new({"n": n, **args}, name=f"task-{n}", tags=["sweep"]) for n in range(count)])


@pytest.mark.parametrize("columns", [40, 80, 140])
def test_the_table_fits(terminal, queue, columns):
    submit(queue, 5, text="x" * 200, other={"deep": {"key": "y" * 100}})
    code, text = terminal("task", "ls", columns=columns)
    assert code == 0
    lines = [line for line in text.splitlines() if line.strip()]
    assert max(map(len, lines)) <= columns
    assert len(lines) == 7  # a task is a line
    assert text.count("pending") == 5


def test_a_page_says_how_many_more_there_are(terminal, queue):
    submit(queue, 250)
    _, text = terminal("task", "ls")
    assert text.count("pending") == 100
    assert "100 of 250 tasks, 150 more (--limit 0 shows all)" in text
    _, text = terminal("task", "ls", "--limit", "0")
    assert text.count("pending") == 250
    _, text = terminal("task", "ls", "--limit", "3")
    assert text.count("pending") == 3
    assert "3 of 250 tasks, 247 more\n" in text


def test_a_pager_is_used_at_a_terminal_alone_where_it_is_needed_and_not_declined(
    terminal, queue, tmp_path
):
    submit(queue, 60)
    pager = tmp_path / "pager"
    pager.write_text('#!/bin/sh\necho "paged"\ncat\n')
    pager.chmod(0o755)
    _, text = terminal("task", "ls", PAGER=str(pager))
    assert "paged" in text
    assert text.count("pending") == 60
    for more, shown in ((["--no-pager"], 60), (["--id", "1 2 3"], 3)):
        _, text = terminal("task", "ls", *more, PAGER=str(pager))
        assert "paged" not in text
        assert text.count("pending") == shown
    piped = subprocess.run(
        [sys.executable, "-m", "labq", "task", "ls"],
        env={**os.environ, "LABQ_URI": queue.store.address, "PAGER": str(pager)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "paged" not in piped.stdout
    assert piped.stdout.count("pending") == 60


@pytest.mark.parametrize(("keys", "left"), [("n\n", 3), ("\n", 3), ("y\n", 0)])
def test_a_delete_asks_first(terminal, queue, keys, left):
    submit(queue, 3)
    code, text = terminal("task", "delete", "-f", "{}", keys=keys)
    assert code == 0
    assert "Remove 3 tasks of queue default for good? [y/N]" in text
    assert f"deleted {3 - left} tasks" in text
    assert queue.count({"queue": "default"}) == left


def test_an_edit_of_many_asks_first_and_quiet_does_not(terminal, queue):
    submit(queue, 3)
    _, text = terminal("task", "update", "-f", "{}", "-u", "priority=1", keys="n\n")
    assert "Edit 3 tasks of queue default? [y/N]" in text
    assert "changed 0 tasks" in text
    _, text = terminal("task", "update", "-f", "{}", "-u", "priority=1", "--quiet")
    assert text == ""
    assert queue.count({"queue": "default", "priority": 1}) == 3


def test_ctrl_c_at_a_question_changes_nothing(terminal, queue):
    submit(queue, 2)
    code, text = terminal("task", "delete", "-f", "{}", keys=CTRL_C)
    assert code == 130
    assert "labq: interrupted" in text
    assert queue.count({"queue": "default"}) == 2


def test_a_guide_is_paged(terminal):
    code, text = terminal("guide", "filters", PAGER="head -3")
    assert code == 0
    assert len(text.splitlines()) <= 3


def test_a_clone_of_many_asks_first(terminal, queue):
    submit(queue, 3)
    code, text = terminal("task", "clone", "-f", "{}", keys="n\n")
    assert "Copy 3 tasks of queue default? [y/N]" in text
    assert (code, "copied 0 tasks" in text) == (0, True)
    assert "[y/N]" not in terminal("task", "clone", "-f", "{}", "--yes")[1]
    assert queue.count({"queue": "default"}) == 6


@pytest.mark.parametrize(
    ("keys", "told"), [("n\n", "cancelled 0 tasks"), ("y\n", "cancelled 2 tasks")]
)
def test_a_cancel_of_many_asks_first(terminal, queue, keys, told):
    submit(queue, 3)
    claims.claim(queue.store, {"queue": "default"}, WorkerName("w", "h"), 60)
    _, text = terminal("task", "cancel", "-f", "{}", keys=keys)
    assert "Cancel 3 tasks of queue default, 1 of them running? [y/N]" in text
    assert told in text
    _, text = terminal("task", "cancel", "2")
    assert "[y/N]" not in text


def test_waiting_for_a_cancelled_task_is_told(terminal, queue):
    submit(queue, 1)
    claims.claim(queue.store, {"queue": "default"}, WorkerName("w", "h"), 1)
    _, text = terminal("task", "cancel", "1", "--wait")
    assert "waiting for 1 task to stop (Ctrl-C: no longer wait)" in text
    assert text.endswith("ended: 1 cancelled\n")


@pytest.mark.parametrize(("keys", "asked"), [("n\n", 0), ("y\n", 1)])
def test_a_stop_of_workers_that_run_tasks_asks_first(terminal, queue, keys, asked):
    submit(queue, 1)
    claims.claim(queue.store, {"queue": "default"}, WorkerName("w", "h"), 60)
    card = {"_id": "w", "queue": "default", "host": "h", "started_at": Now()}
    workers.beat(queue.store, card, 60)
    _, text = terminal("worker", "drain", "w")
    assert text == "asked 1 worker to drain\n"
    _, text = terminal("worker", "stop", "--all", keys=keys)
    assert "Stop 1 worker and give back 1 task? [y/N]" in text
    assert text.endswith(f"asked {asked} worker{'' if asked else 's'} to stop\n")
    assert terminal("worker", "stop", "--all", "--yes")[1] == "asked 1 worker to stop\n"


def test_a_wait_shows_how_it_goes(terminal, queue):
    submit(queue, 2)
    queue.store.update({"number": 2}, Change(set={"progress": 40}))
    code, text = terminal("wait", "2", "--timeout", "0.3")
    assert code == 124
    assert "task 2 pending (Ctrl-C: no longer wait)" in text
    _, text = terminal("wait", "1", "2", "--timeout", "0.3")
    assert "0 of 2 tasks have ended (Ctrl-C: no longer wait)" in text
