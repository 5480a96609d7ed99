"""How a process leaves a SQLite file: whole, alone in its folder, whichever way the process ends."""

from __future__ import annotations

import ctypes
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from making import task

from labq.errors import StoreError
from labq.store import open_store

OPENED = "import atexit; last = []; atexit.register(lambda: [do() for do in last])\n"
OPENED += "import sys, labq\nclient = labq.Client(sys.argv[1])\nclient.submit({'lr': 1})\n"
ENDS = {
    "nothing is closed": "",
    "closed": "client.close()",
    "a block ends": "with labq.Client(sys.argv[1]) as other: other.count()",
    "it is let go": "del client",
    "in a cycle": "client.me = client; del client",
    "an exception": "1 / 0",
    "sys.exit": "sys.exit(3)",
    "Ctrl-C": "raise KeyboardInterrupt",
    "in the middle of a list": "found = client.queue.find({}); next(found)",
    "a watch is open": "watch = client.queue.store.watch('default'); watch.wait(0)",
    "other threads have used it": (
        "import threading\n"
        "threads = [threading.Thread(target=client.count) for _ in range(3)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]"
    ),
    "a daemon uses it": (
        "import threading, time\n"
        "def use():\n  while True: client.count(); time.sleep(0.001)\n"
        "threading.Thread(target=use, daemon=True).start(); time.sleep(0.05)"
    ),
    "it is used as the program ends": (
        "import atexit; last.append(lambda: print(client.count(), file=sys.stderr))"
    ),
    "a loop": "for one in labq.loop(uri=sys.argv[1]): pass",
    "a loop is left": "for one in labq.loop(uri=sys.argv[1]): break",
    "labq.init": "client.close(); labq.init(uri=sys.argv[1])",
    "labq.init and an exception": "labq.init(uri=sys.argv[1]); 1 / 0",
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store" / "labq.db"


def begin(code, path, **options):
    environment = {**os.environ, "LABQ_HOME": str(path.parent.parent / "home"), "LABQ_SOURCE": "0"}
    command = [sys.executable, "-c", code, f"sqlite:{path}"]
    return subprocess.Popen(command, env=environment, text=True, **options)


def copied(path):
    """How many tasks a copy of the file alone has."""
    copy = path.parent.parent / "copy.db"
    shutil.copyfile(path, copy)
    with closing(sqlite3.connect(f"file:{copy}?immutable=1", uri=True)) as db:
        return db.execute("SELECT count(*) FROM tasks").fetchone()[0]


def files(path):
    return sorted(file.name for file in path.parent.iterdir())


@pytest.mark.parametrize("end", ENDS)
def test_a_program_leaves_the_file_alone(path, end):
    with begin(OPENED + ENDS[end], path, stderr=subprocess.PIPE) as program:
        program.communicate()
    assert files(path) == ["labq.db"]
    assert copied(path) >= 1


def test_the_last_of_several_leaves_it_alone(path):
    first, second = open_store(f"sqlite:{path}"), open_store(f"sqlite:{path}")
    first.insert("q", [task()])
    first.close()
    assert "labq.db-wal" in files(path)
    assert second.counts() == {("q", "pending"): 1}
    second.close()
    assert files(path) == ["labq.db"]
    assert copied(path) == 1


@pytest.mark.parametrize("use", ["store.counts()", "store.insert('q', [])"])
def test_what_a_killed_process_left_is_put_right_by_the_next(path, use):
    code = "from labq.store import open_store\nfrom labq.model.task import new\nimport sys\n"
    code += "store = open_store(sys.argv[1])\n"
    waits = "store.insert('q', [new({})]); print('there', flush=True); sys.stdin.read()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with begin(code + waits, path, **pipes) as killed:
        assert killed.stdout.readline() == "there\n"
        killed.kill()
    assert files(path) == ["labq.db", "labq.db-shm", "labq.db-wal"]
    with begin(code + use, path) as following:
        following.wait()
    assert files(path) == ["labq.db"]
    assert copied(path) == 1


def test_a_forked_process_leaves_the_file_to_its_parent(path):
    code = OPENED + (
        "import os, gc\n"
        "if not os.fork():\n  client.close(); sys.exit()\n"
        "os.wait(); client.submit({'lr': 2}); print(client.count())"
    )
    with begin(code, path, stdout=subprocess.PIPE) as program:
        assert program.communicate()[0] == "2\n"
    assert files(path) == ["labq.db"]
    assert copied(path) == 2


def test_a_closed_store_opens_nothing_again(path):
    store = open_store(f"sqlite:{path}")
    store.close()
    for ask in (store.counts, lambda: store.insert("q", [task()])):
        with pytest.raises(StoreError, match=r"labq\.db: the store is closed$"):
            ask()
    asked = []
    thread = threading.Thread(target=lambda: asked.append(store.watch("q").wait(0)))
    thread.start()
    thread.join()
    assert asked == [False]
    assert files(path) == ["labq.db"]


def test_many_that_open_and_close_lose_nothing(path):
    """Each insert is of a store of its own: the file is closed for good, and made anew, all along."""
    numbers = []

    def submit():
        for _ in range(25):
            store = open_store(f"sqlite:{path}")
            numbers.extend(store.insert("q", [task()]))
            store.close()

    code = "from labq.store import open_store; import sys\n"
    code += "for _ in range(40): open_store(sys.argv[1]).counts()"
    readers = [begin(code, path, stderr=subprocess.PIPE) for _ in range(2)]
    threads = [threading.Thread(target=submit) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(reader.communicate()[1], reader.returncode) for reader in readers] == [("", 0)] * 2
    assert sorted(numbers) == list(range(1, 76))
    assert files(path) == ["labq.db"]
    assert copied(path) == 75


# A file that this user may only read


def unprivileged():
    """Takes from root, in a child, what lets it write where it may not."""
    for capability in (
        () if os.geteuid() or sys.platform != "linux" else (1, 2)
    ):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


READ = "import sys, labq\nclient = labq.Client(sys.argv[1])\nprint(client.count(), flush=True)\n"


@pytest.fixture
def read_only(path):
    """Begins a program with a file that holds one task, and that it may only read."""
    store = open_store(f"sqlite:{path}")
    store.insert("default", [task()])
    store.close()
    started = []

    def start(code, *, file=0o400, folder=0o500):
        path.chmod(file)
        path.parent.chmod(folder)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(begin(code, path, preexec_fn=unprivileged, **pipes))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()
    path.parent.chmod(0o700)


@pytest.mark.parametrize(("file", "folder"), [(0o400, 0o500), (0o600, 0o500), (0o400, 0o700)])
def test_who_may_only_read_reads(path, read_only, file, folder):
    reader = read_only(READ, file=file, folder=folder)
    assert reader.communicate() == ("1\n", "")
    assert files(path) == ["labq.db"]


def test_who_may_only_read_and_writes_is_told(read_only):
    writer = read_only(OPENED)
    told = writer.communicate()[1].splitlines()[-1]
    assert "attempt to write a readonly database: make the file and its folder writable" in told


def test_who_may_only_read_sees_what_others_write(path, read_only):
    again = "for _ in sys.stdin: print(client.count(), flush=True)"
    reader = read_only(READ + again)
    assert reader.stdout.readline() == "1\n"

    def seen():
        reader.stdin.write("\n")
        reader.stdin.flush()
        return reader.stdout.readline()

    path.chmod(0o600)
    path.parent.chmod(0o700)
    store = open_store(f"sqlite:{path}")
    store.insert("default", [task()])
    path.parent.chmod(0o500)
    assert seen() == "2\n"  # from the log
    path.parent.chmod(0o700)
    store.close()
    path.parent.chmod(0o500)
    assert seen() == "2\n"


def test_what_was_written_while_it_was_read_as_it_is_is_read_again(path, read_only):
    code = READ + (
        "found = client.queue.find({}); next(found); print('begun', flush=True)\n"
        "sys.stdin.readline()\n"
        "try: list(found)\n"
        "except labq.LabqError as error: print(error)"
    )
    reader = read_only(code)
    assert reader.stdout.readline() == "1\n"
    assert reader.stdout.readline() == "begun\n"
    path.chmod(0o600)
    path.parent.chmod(0o700)
    store = open_store(f"sqlite:{path}")
    store.insert("default", [task()])
    store.close()
    out, _ = reader.communicate("\n")
    assert out == f"{path}: changed while it was read: try again\n"


def test_the_file_keeps_its_mode(path):
    store = open_store(f"sqlite:{path}")
    path.chmod(0o644)
    store.insert("q", [task()])
    store.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
