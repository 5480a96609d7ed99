"""What is the SQLite store's own: its file, its schema, its errors."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing

import pytest
from making import task

from labq.errors import StoreError
from labq.model.task import FIELDS
from labq.store import open_store
from labq.store.sqlite import connection, schema

NEWER = (
    r"labq\.db: made by a newer labq \(its schema is 99, this labq knows "
    rf"{schema.VERSION}\): upgrade labq$"
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "labq.db"


def test_the_schema_has_one_column_per_field(path):
    open_store(f"sqlite:{path}").close()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(tasks)")]
    assert columns == list(FIELDS)


def test_the_file_is_its_owners_alone(path):
    store = open_store(f"sqlite:{path}")
    store.insert("q", [task()])
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes["labq.db"] == 0o600
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    store.close()


def test_it_is_in_wal_mode(path):
    open_store(f"sqlite:{path}").close()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_processes_that_make_the_file_at_once_agree(path):
    code = "import sys; from labq.store import open_store; open_store(sys.argv[1]).counts()"
    command = [sys.executable, "-c", code, f"sqlite:{path}"]
    makers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    assert [(maker.communicate()[1], maker.returncode) for maker in makers] == [("", 0)] * 6


def test_a_newer_schema_is_refused(path):
    open_store(f"sqlite:{path}").close()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match=NEWER):
        open_store(f"sqlite:{path}")


def test_a_schema_that_becomes_newer_is_written_no_more(path):
    store = open_store(f"sqlite:{path}")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match=NEWER):
        store.insert("q", [task()])
    store.close()


def test_another_kind_of_file_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("my notes\n" * 500)
    with pytest.raises(StoreError, match=r"notes\.txt: file is not a database: name another file$"):
        open_store(f"sqlite:{path}")
    assert path.read_text() == "my notes\n" * 500


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file/x/labq\.db: Not a directory$"):
        open_store(f"sqlite:{tmp_path / 'file' / 'x' / 'labq.db'}")


def test_a_network_file_system_is_refused(path, monkeypatch):
    monkeypatch.setattr(connection, "_filesystem", lambda _folder: "nfs4")
    with pytest.raises(
        StoreError,
        match=r"labq\.db: on a network file system \(nfs4\), where SQLite's locks cannot be trusted: "
        r"set LABQ_HOME to a local disk, or LABQ_URI to a MongoDB$",
    ):
        open_store(f"sqlite:{path}")
    assert not path.exists()


def test_the_file_system_is_the_nearest_mounts(tmp_path):
    assert connection._filesystem(connection.Path("/proc/self")) == "proc"
    assert connection._filesystem(tmp_path.resolve()) not in connection.NETWORK


def test_a_writer_that_waits_in_vain_says_so(path, monkeypatch):
    monkeypatch.setattr(connection, "BUSY_MS", 50)
    store = open_store(f"sqlite:{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(
        StoreError, match=r"database is locked for over 0 s by another process: try again$"
    ):
        store.insert("q", [task()])
    other.execute("ROLLBACK")
    assert store.insert("q", [task()]) == [1]
    other.close()
    store.close()


def test_an_error_in_the_middle_leaves_nothing(path):
    store = open_store(f"sqlite:{path}")
    with pytest.raises(StoreError, match="NOT NULL constraint failed"):
        store.insert("q", [task(), task(status=None)])
    assert store.counts() == {}
    store.close()


def test_queries_of_one_shape_are_compiled_once_and_answer_each_for_itself(path):
    store = open_store(f"sqlite:{path}")
    tasks = [task(lease={"token": str(n)}) for n in range(3)]
    store.insert("q", tasks)
    for one in tasks:
        fence = {"_id": one["_id"], "lease.token": one["lease"]["token"]}
        assert [found["_id"] for found in store.find(fence)] == [one["_id"]]
        assert not list(store.find({**fence, "lease.token": "no"}))
    assert len(store._compiled) == 1
    store.close()


def remove(path):
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def test_a_file_that_was_removed_is_no_store_any_more(path):
    store = open_store(f"sqlite:{path}")
    remove(path)
    for use in (lambda: store.insert("default", [task()]), lambda: list(store.find({}))):
        with pytest.raises(StoreError, match=r"labq\.db: No such file or directory"):
            use()
    assert not path.exists()
    store.close()


def test_a_file_that_was_replaced_is_the_store_from_then_on(path):
    old = open_store(f"sqlite:{path}")
    watch = old.watch("default")
    old.insert("default", [task()])
    remove(path)
    new = open_store(f"sqlite:{path}")
    assert list(old.find({})) == []
    assert watch.wait(10)
    assert not watch.wait(0)
    one = task()
    new.insert("default", [one])
    assert watch.wait(10)
    assert [found["_id"] for found in old.find({})] == [one["_id"]]
    watch.close()
    old.close()
    assert [found["_id"] for found in new.find({})] == [one["_id"]]
    new.close()
