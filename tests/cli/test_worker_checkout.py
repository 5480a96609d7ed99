"""`labq worker run --checkout`, on every store."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from books import statuses
from repositories import NEUTRAL, cloned, git, made, write
from waiting import until

RUN = ("worker", "run", "-q", "--checkout", "--")


@pytest.fixture
def tree(tmp_path, monkeypatch, labq):
    """A clone with a change; we are elsewhere once the tasks are submitted."""
    for name, text in NEUTRAL.items():
        monkeypatch.setenv(name, text)
    remote = made(tmp_path / "remote", train_py="print(1)\n", sub__x="x\n")
    folder = cloned(remote, tmp_path / "clone")
    write(folder, train_py="print(2)\n", new="n")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def submitted(labq, tree, monkeypatch):
    """A task of the tree, which is another since."""

    def submit(*words):
        labq("task", "submit", "-q", *words)
        write(tree, train_py="print(3)\n")
        monkeypatch.chdir(tree.parent)

    return submit


def output(tmp_path, queue, ref="1", stream="stdout"):
    return (tmp_path / "home" / "tasks" / queue.get(ref)["_id"] / f"1.{stream}").read_text()


def left(tmp_path, queue):
    """The trees that are there still."""
    return list((tmp_path / "home" / "tasks").glob("*/*.tree"))


def test_a_task_runs_as_its_tree_was_and_nothing_is_left(labq, queue, submitted, tmp_path):
    submitted()
    assert labq(*RUN, "sh", "-c", f"{sys.executable} train.py; cat new; pwd").code == 0
    folder = tmp_path / "home" / "tasks" / queue.get("1")["_id"] / "1.tree"
    assert output(tmp_path, queue) == f"2\nn{folder}\n"
    assert left(tmp_path, queue) == []


def test_it_runs_in_the_folder_that_it_was_submitted_in(labq, queue, submitted, tree, tmp_path):
    submitted("--cwd", tree / "sub")
    labq(*RUN, "cat", "x")
    assert output(tmp_path, queue) == "x\n"


def test_a_script_is_that_of_the_tree_however_its_path_is_written(
    labq, queue, submitted, tree, tmp_path, monkeypatch
):
    (tmp_path / "alias").symlink_to(tree)
    (tmp_path / "data").mkdir()
    git(tree, "worktree", "add", "--quiet", str(tmp_path / "second"))
    write(tmp_path / "second", train_py="print(2)\n")
    python = sys.executable
    for folder, script in [
        (tree, f"{tree}/train.py"),
        (tree, f"{tree}/sub/../train.py"),
        (tree / "sub", "../train.py"),
        (tree, f"{tmp_path}/alias/train.py"),
        (tmp_path / "alias", "train.py"),
        (tmp_path / "data", f"{tree}/train.py"),
        (tmp_path / "data", "../clone/train.py"),
        (tmp_path / "second", f"{tmp_path}/second/train.py"),
        (tree, f"{tmp_path}/second/train.py"),
    ]:
        monkeypatch.chdir(folder)
        labq("task", "submit", "-q", "--cmd", f"{python} {script} {tree}/sub")
        labq("run", "-q", "--", python, script, f"{tree}/sub")
        (newest,) = queue.find({}, sort=[("number", -1)], limit=1)
        assert labq("task", "clone", "-q", "--enqueue", newest["number"]).code == 0
    monkeypatch.chdir(tree)
    labq("task", "submit", "-q", "--cmd", f"sh -c 'cd {tree} && {python} {tree}/train.py'")
    labq("task", "submit", "-q", "--cmd", f"{python} {tree}/train.py", "--raw-args", "| cat")
    labq("task", "submit", "-q", "--cmd", f"{python} -m train", "--env", f"PYTHONPATH={tree}")
    write(tmp_path / "second", train_py="print(3)\n")
    submitted("--draft")
    assert labq("worker", "run", "-q", "--checkout").code == 0
    ran = list(queue.find({"status": {"$ne": "draft"}}))
    outputs = {task["number"]: outputs_of(tmp_path, task) for task in ran}
    assert outputs == {task["number"]: "2\n" for task in ran}


def outputs_of(tmp_path, task):
    return (tmp_path / "home" / "tasks" / task["_id"] / "1.stdout").read_text()


def test_the_commit_and_the_diff_of_a_task_may_be_changed(labq, queue, submitted, tree, tmp_path):
    first = git(tree, "rev-parse", "HEAD")
    write(tree, train_py="print(7)\n")
    git(tree, "commit", "--quiet", "-a", "-m", "seven")
    write(tree, train_py="print(8)\n")
    (tmp_path / "patch").write_text(git(tree, "diff") + "\n")
    submitted("--draft", "--name", "base")
    for edits in (
        ["source.diff=None"],
        [f"source.commit={first[:9].upper()}", "source.diff=None"],
        [f"source.diff=@{tmp_path}/patch"],
    ):
        words = [word for edit in edits for word in ("-u", edit)]
        assert labq("task", "clone", "-q", "base", "--enqueue", *words).code == 0
    assert labq("task", "update", "base", "-u", "source.diff=None").code == 0
    assert labq("task", "enqueue", "-q", "1").code == 0
    labq(*RUN, sys.executable, "train.py")
    assert [output(tmp_path, queue, str(ref)) for ref in range(1, 5)] == [
        *("7\n", "7\n", "1\n", "8\n")
    ]
    told = labq("task", "diff", "2", "3").out
    assert "source.commit" in told
    assert first[:9] in told


def test_a_commit_that_is_nowhere_is_named(labq, queue, submitted, tmp_path):
    submitted()
    labq("task", "update", "-q", "1", "-u", "source.commit=deadbeef", "-u", "source.diff=None")
    assert labq(*RUN, "true").code == 0
    assert queue.get("1")["reason"] == (
        f"cannot check out deadbeef: {tmp_path}/remote does not have it"
    )
    done = labq("task", "update", "1", "-u", "source.comit=deadbeef")
    assert (done.code, done.err.partition(" (")[0]) == (
        2,
        "labq: no source.comit: did you mean source.commit?",
    )


def test_a_worker_may_name_the_script_by_its_path(labq, queue, submitted, tree, tmp_path):
    (tmp_path / "alias").symlink_to(tree)
    submitted()
    assert labq(*RUN, sys.executable, tmp_path / "alias" / "train.py").code == 0
    assert output(tmp_path, queue) == "2\n"


def test_a_script_that_was_not_recorded_is_not_run(labq, queue, submitted, tree, tmp_path):
    write(tmp_path, other_py="print(4)\n")
    write(tree, **{".gitignore": "ignored.py\n", "ignored.py": "print(5)\n"})
    python = sys.executable
    labq("task", "submit", "-q", "--cmd", f"{python} {tree}/ignored.py")
    labq("task", "submit", "-q", "--cmd", f"{python} {tmp_path}/other.py")
    submitted()
    assert labq("worker", "run", "-q", "--checkout").code == 0
    outside = (
        f"its script {tmp_path}/other.py is outside of the repository that was recorded ({tree}): "
        "name it by a path in that, such as python other.py, or run it without --checkout"
    )
    missing = f"{tree}/ignored.py was not recorded with it: git ignores it, or it was left out"
    assert queue.get("1")["reason"] == f"cannot check it out: {missing}"
    assert queue.get("2")["reason"] == f"cannot check it out: {outside}"
    labq(*RUN, python, tmp_path / "other.py")
    assert queue.get("3")["status"] == "pending"
    assert queue.get("3")["reason"] == f"passed over: {outside}"
    assert left(tmp_path, queue) == []


def test_several_slots_share_a_clone(labq, queue, submitted, tmp_path):
    submitted("--array", "6")
    labq("worker", "run", "-q", "--slots", "3", "--checkout", "--", sys.executable, "train.py")
    assert statuses(queue) == ["success"] * 6
    assert {output(tmp_path, queue, str(ref)) for ref in range(1, 7)} == {"2\n"}
    assert left(tmp_path, queue) == []
    assert len(list((tmp_path / "home" / "checkouts").glob("*.git"))) == 1


def test_what_cannot_be_checked_out_counts_as_not_started(labq, queue, submitted, tmp_path):
    submitted("--array", "3")
    submitted("--no-source")
    commit = queue.get("1")["source"]["commit"][:12]
    (tmp_path / "remote").rename(tmp_path / "moved")
    done = labq("worker", "run", "--checkout", "--", "true")
    assert done.code == 1
    assert "tasks that could not start, in a row: 3 (" in done.err
    reason = queue.get("1")["reason"]
    assert reason.startswith(
        f"cannot check out {commit}: '{tmp_path}/remote' does not appear to be"
    )
    assert statuses(queue) == ["failed"] * 3 + ["pending"]


def test_a_task_without_a_source_runs_where_it_is_with_a_note(labq, queue, submitted, tmp_path):
    submitted("--no-source")
    done = labq("worker", "run", "--checkout", "--", "pwd")
    assert "labq: task 1 has no source: it runs where the worker is\n" in done.err
    assert output(tmp_path, queue) == f"{tmp_path}\n"


def test_without_the_flag_the_tree_is_not_rebuilt(labq, queue, submitted, tmp_path):
    submitted()
    labq("worker", "run", "-q", "--", "pwd")
    assert output(tmp_path, queue) == f"{tmp_path}\n"
    assert not (tmp_path / "home" / "checkouts").exists()


def test_what_a_killed_worker_left_is_removed_by_the_next(
    labq, queue, submitted, process, tmp_path
):
    submitted()
    job = ("sh", "-c", f"touch {tmp_path}/began; sleep 600")
    worker = process("worker", "run", "--lease", "1s", "--checkout", "--", *job)
    until((tmp_path / "began").exists)
    assert left(tmp_path, queue)
    worker.kill()
    worker.wait()
    labq("worker", "run", "-q", "--", "true")
    assert left(tmp_path, queue) == []
    (bare,) = (tmp_path / "home" / "checkouts").glob("*.git")
    assert git(bare, "worktree", "list").count("\n") == 0


@pytest.fixture
def hung(tmp_path, monkeypatch, submitted):
    """A git whose fetch never ends; the file in which it leaves its process."""
    real = next(
        Path(place) / "git"
        for place in os.environ["PATH"].split(":")
        if (Path(place) / "git").exists()
    )
    submitted()
    slow = tmp_path / "bin" / "git"
    write(
        tmp_path / "bin",
        git=f'#!/bin/sh\ncase " $* " in *" fetch "*) echo $$ > "{tmp_path}/hung"; exec sleep 600;; esac\nexec {real} "$@"\n',
    )
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    yield tmp_path / "hung"
    with suppress(ProcessLookupError):  # a killed worker leaves it
        os.kill(int((tmp_path / "hung").read_text()), signal.SIGKILL)


def test_a_cancel_reaches_a_fetch(labq, queue, process, hung, tmp_path):
    worker = process("worker", "run", "--checkout", "--", "true")
    until(lambda: hung.exists() and hung.read_text())
    assert labq("task", "cancel", "1", "--wait", "-q").code == 0
    worker.communicate(timeout=60)
    assert statuses(queue) == ["cancelled"]
    assert left(tmp_path, queue) == []
    assert not Path(f"/proc/{hung.read_text().strip()}").exists()


def test_a_worker_that_is_stopped_gives_back_what_it_fetches(labq, queue, process, hung, tmp_path):
    worker = process("worker", "run", "--checkout", "--", "true")
    until(lambda: hung.exists() and hung.read_text())
    worker.terminate()
    worker.communicate(timeout=60)
    assert statuses(queue) == ["pending"]


def test_a_long_fetch_keeps_its_lease(labq, queue, process, hung):
    words = ("--lease", "1s", "--heartbeat", "100ms")
    process("worker", "run", *words, "--checkout", "--", "true")
    until(lambda: hung.exists() and hung.read_text())
    first = queue.get("1")["lease"]["expires_at"]
    until(lambda: (queue.get("1")["lease"]["expires_at"] - first).total_seconds() > 1.2)
    assert statuses(queue) == ["running"]


def test_an_environment_that_cannot_be_made_fails_early(labq, queue, tree):
    labq("task", "submit", "-q", "--cmd", "/nowhere/python train.py")
    assert labq("worker", "run", "-q", "--venv").code == 0
    assert queue.get("1")["reason"] == "cannot make its environment: its packages were not recorded"


def test_a_task_of_no_repository_is_not_checked_out(labq, queue, tmp_path):
    labq("task", "submit", "-q")
    done = labq("worker", "run", "--checkout", "--", "true")
    assert "labq: task 1 has no source: it runs where the worker is\n" in done.err
    assert statuses(queue) == ["success"]
