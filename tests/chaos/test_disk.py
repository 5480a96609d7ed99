"""A full disk and a read-only file: a clear error, a clean stop, an intact database."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

LABQ = [sys.executable, "-m", "labq"]
# A file system of two megabytes that only this process and its children see.
SMALL = 'mount -t tmpfs -o size=2m tmpfs "$0" && exec "$@"'


def private(folder):
    """The words that run a command with a small disk at `folder`: as root, or as one's own root."""
    for unshare in (["unshare", "-m"], ["unshare", "-rm"]):
        words = [*unshare, "sh", "-c", SMALL, str(folder)]
        if subprocess.run([*words, "true"], capture_output=True).returncode == 0:
            return words
    raise AssertionError("no small disk can be mounted here: unshare -rm is refused")


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """Runs a shell script with a disk of 2 MB at ./disk, which holds labq's home."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = private(folder)
    monkeypatch.setenv("LABQ_HOME", str(folder))
    monkeypatch.setenv("LABQ_LEASE", "4s")
    monkeypatch.setenv("PYTHON", sys.executable)

    def run(script):
        return subprocess.run(
            [*words, "bash", "-c", f'labq() {{ $PYTHON -m labq "$@"; }}\n{script}'],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


FILL = "dd if=/dev/zero of=disk/filler bs=4k 2>/dev/null; "
COPY = "rm -f disk/filler; cp disk/labq.db* .; "


def intact(folder):
    with closing(sqlite3.connect(folder / "labq.db", isolation_level=None)) as db:
        (word,) = db.execute("PRAGMA integrity_check").fetchone()
        statuses = dict(db.execute("SELECT status, count(*) FROM tasks GROUP BY status"))
    return word == "ok", statuses


def test_a_submit_on_a_full_disk_says_so_and_stores_nothing(disk, tmp_path):
    done = disk(f"labq task submit -q; {FILL} labq task submit -- --x 1; echo code $?; {COPY}")
    assert done.stdout.endswith("code 4\n"), done
    assert "disk is full: make room, then try again" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert intact(tmp_path) == (True, {"pending": 1})


def test_a_worker_on_a_disk_that_fills_up_stops_with_a_reason_and_loses_nothing(disk, tmp_path):
    many = "for i in 1 2 3 4 5 6; do labq task submit -q -- --x $i; done >/dev/null; "
    work = f"labq worker run --grace 1s -- sh -c 'sleep 0.2; {FILL}'; echo code $?; "
    done = disk(many + work + COPY)
    assert "code 0" not in done.stdout, done
    assert "disk is full" in done.stderr or "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    sound, statuses = intact(tmp_path)
    assert sound
    assert sum(statuses.values()) == 6


def test_a_read_only_file_is_told_and_left_as_it_is(tmp_path):
    home = tmp_path / "home"
    environment = {**os.environ, "LABQ_HOME": str(home)}

    def labq(*words, **more):
        return subprocess.run(
            [*more.get("before", []), *LABQ, *words],
            env=environment,
            capture_output=True,
            text=True,
        )

    assert labq("task", "submit", "-q").returncode == 0
    shutil.copy(home / "labq.db", tmp_path)
    read_only = ["unshare", "-rm", "sh", "-c"]
    read_only += ['mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"', str(home)]
    for command in (["task", "submit"], ["worker", "run", "--", "true"]):
        done = labq(*command, before=read_only)
        assert done.returncode == 4, done
        assert done.stderr.count("\n") == 1
        assert "make the file and its folder writable" in done.stderr
    listed = labq("task", "ls", "--json")
    assert [json.loads(line)["status"] for line in listed.stdout.splitlines()] == ["pending"]
    assert intact(home) == (True, {"pending": 1})
