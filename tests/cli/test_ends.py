"""How a command leaves a SQLite file, and ends by a signal, whichever way it ends."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import heard, until

from labq.model.task import new
from labq.queue import Queue
from labq.store import open_store


@pytest.fixture
def uri(tmp_path):
    return f"sqlite:{tmp_path / 'store' / 'labq.db'}"


@pytest.fixture
def path(uri, tmp_path, monkeypatch):
    """The file, with two pending tasks."""
    monkeypatch.setenv("LABQ_SOURCE", "0")
    store = open_store(uri)
    Queue(store, "default").submit([new({"lr": number}) for number in (1, 2)])
    store.close()
    return tmp_path / "store" / "labq.db"


def files(path):
    return sorted(file.name for file in path.parent.iterdir())


def tasks_of_a_copy(path):
    copy = shutil.copyfile(path, path.parent.parent / "copy.db")
    store = open_store(f"sqlite:{copy}")
    counts = store.counts()
    store.close()
    return counts


PYTHON = shlex.quote(sys.executable)
REPORT = f"{PYTHON} -c 'import labq; labq.report(acc=1)'"
COMMANDS = {
    "submit": (0, "task submit -- --lr 3"),
    "ls": (0, "task ls"),
    "count": (0, "task count"),
    "no such task": (3, "task show 99"),
    "a wrong filter": (2, "task ls -f nope==1"),
    "a refused verb": (5, "task reset 1"),
    "too late": (124, "wait 1 --timeout 0.1s"),
    "worker": (0, "worker run -- true"),
    "a worker's slots": (0, "worker run --slots 3 -- true"),
    "a job that reports": (0, f"worker run -- sh -c {REPORT!r}"),
    "a hook": (0, f"worker run --on-finish '{PYTHON} -m labq task ls' -- true"),
    "idle": (0, "worker run --idle-timeout 0.1s -- true"),
    "run": (0, "run -- true"),
    "group": (3, "task group show 99"),
    "queue": (0, "queue sweep"),
}


@pytest.mark.parametrize("how", COMMANDS)
def test_a_command_leaves_the_file_alone(path, process, how):
    code, words = COMMANDS[how]
    command = process(*shlex.split(words))
    out, err = command.communicate()
    assert command.returncode == code, out + err
    assert files(path) == ["labq.db"]
    assert sum(tasks_of_a_copy(path).values()) >= 2


WAITING = {
    "wait": ("wait", "1"),
    "events": ("events", "--follow", "--since", "0"),
    "worker": ("worker", "run", "--forever", "--", "true"),
}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("how", WAITING)
def test_a_command_that_a_signal_ends_leaves_the_file_alone(path, process, how, number):
    command = process(*WAITING[how])
    until(lambda: "labq.db-wal" in files(path))
    command.send_signal(number)
    err = command.communicate()[1]
    assert command.returncode == 128 + number
    assert "Traceback" not in err
    if how != "worker" and number != signal.SIGINT:
        assert err.endswith("labq: terminated\n")
    assert files(path) == ["labq.db"]


def test_a_hangup_that_is_ignored_is_ignored(path, process):
    """As under nohup, whose command goes on when its terminal is closed."""
    command = process("wait", "1", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    until(lambda: "labq.db-wal" in files(path))
    command.send_signal(signal.SIGHUP)
    until(lambda: heard(command))
    command.send_signal(signal.SIGTERM)
    command.communicate()
    assert command.returncode == 128 + signal.SIGTERM
    assert files(path) == ["labq.db"]


def test_a_reader_that_leaves_leaves_the_file_alone(path, process):
    store = open_store(f"sqlite:{path}")
    Queue(store, "default").submit([new({"text": "x" * 1000}) for _ in range(300)])
    store.close()
    command = process("task", "ls", "--json")
    assert command.stdout.readline().startswith("{")
    command.stdout.close()
    assert command.wait() == 0
    assert files(path) == ["labq.db"]


def test_a_worker_that_is_stopped_leaves_the_file_alone(path, process):
    store = open_store(f"sqlite:{path}")
    worker = process("worker", "run", "--slots", "2", "--", "sh", "-c", "exec sleep 100")
    until(lambda: store.count({"status": "running"}) == 2)
    store.close()
    worker.send_signal(signal.SIGTERM)
    worker.communicate()
    assert worker.returncode == 128 + signal.SIGTERM
    assert files(path) == ["labq.db"]
    assert tasks_of_a_copy(path) == {("default", "pending"): 2}


@pytest.mark.parametrize("following", ["task ls", "task count", "worker run --idle-timeout 0.1s"])
def test_what_a_killed_worker_left_is_put_right_by_the_next_command(path, process, following):
    worker = process("worker", "run", "--forever", "--", "true")
    until(lambda: "labq.db-wal" in files(path))
    worker.kill()
    worker.wait()
    assert "labq.db-wal" in files(path)
    command = process(*following.split())
    command.communicate()
    assert command.returncode == 0
    assert files(path) == ["labq.db"]


def test_submits_beside_a_worker_all_run(path, process):
    worker = process("worker", "run", "--idle-timeout", "1m", "--", "true")
    submits = [process("task", "submit", "--", "--lr", n) for n in "123456"]
    assert [submit.wait() for submit in submits] == [0] * 6
    worker.send_signal(signal.SIGINT)
    worker.communicate()
    assert process("worker", "run", "--", "true").wait() == 0
    assert files(path) == ["labq.db"]
    assert tasks_of_a_copy(path) == {("default", "success"): 8}


COPIES = ("'.backup copy.db'", """backup(sqlite3.connect("copy.db"))'""")


def test_a_file_in_use_is_copied_as_the_guide_says(
    path,
):
    """The commands of `labq guide stores`, while a worker has the file open."""
    store = open_store(f"sqlite:{path}")
    store.insert("default", [new({"lr": 3})])
    guide = (Path(__file__).parents[2] / "labq" / "guide" / "stores.md").read_text()
    lines = [line.strip() for line in guide.splitlines() if line.endswith(COPIES)]
    assert len(lines) == len(COPIES)
    for line in lines:
        if shutil.which(line.split()[0]):  # the program sqlite3 is not everywhere
            subprocess.run(["sh", "-c", line], check=True, cwd=path.parent)
            assert tasks_of_a_copy(path.with_name("copy.db")) == {("default", "pending"): 3}
            path.with_name("copy.db").unlink()
    store.close()
