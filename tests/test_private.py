"""What labq keeps is its owner's alone, under any umask; what a person asks for follows theirs."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from labq.model.task import new
from labq.private import make_file, make_folder
from labq.store import open_store
from labq.worker.output import Output

UMASKS = (0o000, 0o022, 0o077, 0o777, 0o357)


@pytest.fixture
def masked():
    """Runs a command line of labq under a umask."""

    def run(umask, *words, **environment):
        ran = subprocess.run(
            [sys.executable, "-m", "labq", *words],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
            preexec_fn=lambda: os.umask(umask),
        )
        assert ran.returncode == 0, ran.stderr
        return ran

    return run


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", UMASKS)
def test_folders_and_files_are_their_owners_alone(tmp_path, umask):
    before = os.umask(umask)
    try:
        make_folder(tmp_path / "a" / "b")
        os.close(make_file(tmp_path / "a" / "b" / "f", os.O_WRONLY))
    finally:
        os.umask(before)
    assert [mode(tmp_path / "a"), mode(tmp_path / "a" / "b")] == [0o700, 0o700]
    assert mode(tmp_path / "a" / "b" / "f") == 0o600


def test_what_is_there_keeps_its_mode(tmp_path):
    (tmp_path / "d").mkdir(0o755)
    (tmp_path / "f").touch(0o644)
    make_folder(tmp_path / "d")
    os.close(make_file(tmp_path / "f", os.O_WRONLY))
    assert (mode(tmp_path / "d"), mode(tmp_path / "f")) == (0o755, 0o644)


def test_a_link_in_place_of_a_file_is_not_followed(tmp_path):
    (tmp_path / "f").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        make_file(tmp_path / "f", os.O_WRONLY | os.O_TRUNC)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_all_that_a_run_leaves_at_home_is_its_owners_alone(tmp_path, masked, umask):
    home = tmp_path / "deep" / "home"
    masked(umask, "task", "submit", "--cmd", "sh -c 'umask; echo x >&2'", LABQ_HOME=str(home))
    ran = masked(umask, "worker", "run", LABQ_HOME=str(home))
    assert ran.stdout == f"{umask:04o}\n"  # the job's own is as it was
    masked(umask, "run", "--offline", "--quiet", "--", "true", LABQ_HOME=str(home))
    found = [home.parent, home, *home.rglob("*")]
    names = {path.name for path in found}
    assert names >= {"home", "labq.db", "1.stdout", "1.stderr", "offline", "task.json"}
    odd = {
        str(path): oct(mode(path))
        for path in found
        if mode(path) != (0o700 if path.is_dir() else 0o600)
    }
    assert odd == {}


def test_the_mode_of_a_database_stands_and_its_log_has_it(tmp_path, masked):
    path = tmp_path / "labq.db"
    masked(0o077, "task", "submit", "--uri", f"sqlite:{path}")
    path.chmod(0o660)
    store = open_store(f"sqlite:{path}")
    before = os.umask(0o077)
    try:
        store.insert("default", [new({})])
    finally:
        os.umask(before)
    log = [path.with_name(f"labq.db-{end}") for end in ("wal", "shm")]
    assert [mode(one) for one in (path, *log)] == [0o660] * 3
    store.close()


def test_what_is_pulled_follows_the_umask(tmp_path, masked):
    at = {"LABQ_HOME": str(tmp_path / "home")}
    masked(0o022, "task", "submit", "--cmd", "echo x", **at)
    masked(0o022, "worker", "run", **at)
    (folder,) = (tmp_path / "home" / "tasks").iterdir()
    (folder / "tool").write_text("#!/bin/sh")
    (folder / "tool").chmod(0o700)
    masked(0o027, "wait", "1", "-o", str(tmp_path / "out"), **at)
    pulled = {path.name: mode(path) for path in (tmp_path / "out").iterdir()}
    assert pulled == {"1.stdout": 0o640, "tool": 0o750}


@pytest.mark.parametrize("planted", ["file", "folder"])
def test_output_does_not_follow_a_link(tmp_path, planted):
    target = tmp_path / "target"
    folder = tmp_path / "tasks" / ("a" * 32)
    if planted == "file":
        target.write_text("mine")
        folder.mkdir(parents=True)
        (folder / "1.stdout").symlink_to(target)
    else:
        target.mkdir()
        folder.parent.mkdir()
        folder.symlink_to(target)
    output = Output(tmp_path, {"_id": "a" * 32, "attempt": 1}, lambda *_: None)
    os.write(output.ends["stdout"], b"theirs")
    output.started()
    output.take_rest()
    output.close()
    assert output.fault in ("Too many levels of symbolic links", f"{folder} is a link")
    assert target.read_text() == "mine" if planted == "file" else not list(target.iterdir())


def test_settings_do_not_show_the_password(monkeypatch):
    import labq

    client = labq.Client("mongodb://u:s3cret@127.0.0.1:1/lab")
    assert "s3cret" not in repr(client.settings) + repr(client)
    assert "mongodb://u:***@" in repr(client.settings)
    client.close()


def test_home_is_a_folder_that_a_link_may_lead_to(tmp_path, masked):
    (tmp_path / "disk").mkdir()
    Path(tmp_path / "home").symlink_to(tmp_path / "disk")
    masked(0o022, "task", "submit", LABQ_HOME=str(tmp_path / "home"))
    assert (tmp_path / "disk" / "labq.db").exists()
