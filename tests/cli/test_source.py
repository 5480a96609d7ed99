"""What a submit records of its code, and `labq task source`, on every store."""

from __future__ import annotations

import json
import os
import sys

import pytest
from making import age
from repositories import NEUTRAL, cloned, commit, git, made, write


@pytest.fixture
def tree(tmp_path, monkeypatch, labq):
    """A clone with a change, an untracked file and a commit that is not pushed; we are in it."""
    for name, text in NEUTRAL.items():
        monkeypatch.setenv(name, text)
    remote = made(tmp_path / "remote", train_py="print(1)\n", sub__x="x\n")
    folder = cloned(remote, tmp_path / "clone")
    write(folder, more="1\n")
    commit(folder)
    write(folder, train_py="print(2)\n", new="n")
    monkeypatch.chdir(folder)
    return folder


def source(queue, ref="1"):
    return queue.get(ref).get("source")


def test_a_submit_records_where_it_comes_from_and_show_says_so(labq, queue, tree):
    assert labq("task", "submit", "-q", "--cmd", f"{sys.executable} train.py").code == 0
    found = source(queue)
    head = git(tree, "rev-parse", "HEAD")
    assert (found["branch"], found["commit"], found["cwd"]) == ("main", head, ".")
    assert found["entry_point"] == "train.py"
    told = (
        f"{tree.parent}/remote main {head[:12]}, 1 file changed, 1 untracked, 1 commit not pushed\n"
    )
    assert told in labq("task", "show", "1").out


def test_cwd_is_where_it_is_looked_for(labq, queue, tree, monkeypatch):
    monkeypatch.chdir("/")
    labq("task", "submit", "-q", "--cwd", tree / "sub")
    assert source(queue)["cwd"] == "sub"


def test_what_was_recorded_of_a_removed_task_goes_with_a_sweep(labq, queue, tree, uri):
    labq("task", "submit", "-q")
    labq("task", "clone", "-q", "1")
    kept = [part["blob"] for part in source(queue).values() if "blob" in part]
    labq("task", "delete", "-q", "--yes", "1")
    age(uri)
    assert labq("queue", "sweep").err == "nothing to put right in queue default\n"
    assert queue.store.blobs.renew(kept) == []
    labq("task", "delete", "-q", "--yes", "2")
    assert labq("queue", "sweep").err == "nothing to put right in queue default\n"  # just needed
    age(uri)
    assert labq("queue", "sweep").err == f"removed {len(kept)} recorded files of no task\n"
    assert queue.store.blobs.renew(kept) == kept


def test_a_removal_removes_what_was_not_needed_for_an_hour(labq, queue, tree, uri):
    labq("task", "submit", "-q")
    kept = [part["blob"] for part in source(queue).values() if "blob" in part]
    age(uri)
    labq("queue", "delete", "-q", "--yes", queue.name)
    assert queue.store.blobs.renew(kept) == kept


def test_a_copy_of_a_task_that_is_just_removed_keeps_what_was_recorded(
    labq, queue, tree, uri, monkeypatch
):
    """The copy is made, the task removed and all collected, and then the copy is stored."""
    labq("task", "submit", "-q")
    kept = [part["blob"] for part in source(queue).values() if "blob" in part]
    age(uri)
    insert = type(queue.store).insert

    def late(store, name, tasks):
        labq("task", "delete", "-q", "--yes", "1")
        labq("queue", "sweep", "-q")
        return insert(store, name, tasks)

    monkeypatch.setattr(type(queue.store), "insert", late)
    assert labq("task", "clone", "-q", "1").code == 0
    assert queue.store.blobs.renew(kept) == []


def test_no_password_is_in_the_record_of_an_attempt(labq, queue, uri):
    address = "mongodb://root:s3cr@tPart/x@host/db"
    labq("run", "-q", "--no-source", "--", "true", "--uri", address)
    labq("task", "submit", "-q", "--no-source", "--cmd", f"true --uri={address}")
    labq("worker", "run", "-q")
    words = [queue.get(ref)["attempts"][0]["argv"][1:] for ref in ("1", "2")]
    hidden = "mongodb://root:***@host/db"
    assert words == [["--uri", hidden], [f"--uri={hidden}"]]


def test_a_submit_says_once_that_nothing_could_be_recorded(labq, queue, tree, monkeypatch):
    folder = tree.parent
    monkeypatch.chdir(folder)

    def told(*words):
        lines = labq("task", "submit", *words).err.splitlines()
        return [line for line in lines if "not recorded" in line]

    told_not = f"labq: its code is not recorded: {folder} is in no repository (labq guide source)"
    for quietly in (["-q"], ["--no-source"]):
        assert told(*quietly) == []
    assert told() == [told_not]
    assert told() == told("--array", "3") == []
    git(folder, "init", "--quiet", "new")
    monkeypatch.chdir(folder / "new")
    assert told("--array", "3") == [
        "labq: its code is not recorded: there is no commit yet (labq guide source)"
    ]
    monkeypatch.chdir(tree)
    assert told() == []
    (folder / "empty").mkdir()
    real = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(folder / "empty"))
    assert told() == ["labq: its code is not recorded: git is not installed (labq guide source)"]
    assert told() == []
    monkeypatch.setenv("PATH", real)
    monkeypatch.chdir(folder / "empty")
    told_not = told_not.replace(f"{folder} is", f"{folder}/empty is")
    assert told("--json") == []
    assert told() == [told_not]


def test_an_editor_neither_shows_the_source_nor_takes_it_away(labq, queue, tree, monkeypatch):
    labq("task", "submit", "-q")
    before = source(queue)
    monkeypatch.setenv("EDITOR", "sed -i 's/^priority: 0/priority: 3/'")
    assert labq("task", "update", "1").code == 0
    assert (queue.get("1")["priority"], source(queue)) == (3, before)
    monkeypatch.setenv("EDITOR", "sed -i 's/^priority.*/&\\nsource: {commit: abcdef0}/;/^source/d'")
    assert "source is edited key by key: source.commit=1a2b3c4" in labq("task", "update", "1").err
    assert source(queue) == before


@pytest.mark.parametrize("off", [["--no-source"], []])
def test_it_can_be_turned_off(labq, queue, tree, monkeypatch, off):
    if not off:
        (tree / "labq.yaml").write_text("source: false\n")
    labq("task", "submit", "-q", *off)
    labq("run", "-q", *off, "--", "true")
    assert source(queue) is source(queue, "2") is None
    shown = labq("task", "source", "1")
    assert (shown.code, shown.err) == (3, "labq: task 1 has no source: it was not recorded\n")


def test_a_file_of_tasks_is_looked_at_once_and_a_clone_keeps_it(labq, queue, tree, tmp_path):
    (tmp_path / "runs").write_text('{"a": 1}\n{"a": 2}\n')
    labq("task", "submit", "-q", "--file", tmp_path / "runs")
    assert source(queue, "1") == source(queue, "2")
    task = queue.clone(queue.get("1")["_id"])
    assert task["source"] == source(queue)


def test_a_run_records_it_too(labq, queue, tree):
    assert labq("run", "-q", "--", sys.executable, "train.py", "--lr", "1").code == 0
    found = source(queue)
    assert (found["entry_point"], found["diff"]["files"]) == ("train.py", 1)


def test_an_offline_run_brings_its_contents_along(labq, queue, tree, tmp_path):
    (folder,) = labq("run", "--json", "--offline", "--", sys.executable, "train.py").lines[-1:]
    assert labq("import", "-q", folder["folder"]).code == 0
    for part in ("diff", "untracked", "bundle", "packages"):
        assert queue.store.blobs.get(source(queue)[part]["blob"])


def test_all_of_it_is_shown_plainly_and_as_json(labq, queue, tree):
    labq("task", "submit", "-q")
    rows = dict(line.split(maxsplit=1) for line in labq("task", "source", "1").out.splitlines())
    assert rows["url"] == f"{tree.parent}/remote"
    assert rows["diff"].startswith("1 file, ")
    assert rows["bundle"].startswith("1 commit, ")
    assert labq("task", "source", "1", "--json").lines == [source(queue)]


def test_the_diff_is_printed_as_git_applies_it(labq, queue, tree):
    labq("task", "submit", "-q")
    text = labq("task", "source", "1", "--diff").out
    assert "\n+print(2)\n" in text
    assert labq("task", "source", "1", "--diff", "--json").lines == [{"diff": text}]


def test_the_packages_are_lines(labq, queue, tree):
    labq("task", "submit", "-q", "--cmd", f"{sys.executable} train.py")
    lines = labq("task", "source", "1", "--packages").out.splitlines()
    assert any(line.startswith("pytest==") for line in lines)
    assert labq("task", "source", "1", "--packages", "--json").lines == [{"packages": lines}]


def test_the_bundle_and_the_untracked_files_are_written(labq, queue, tree, tmp_path):
    labq("task", "submit", "-q")
    done = labq("task", "source", "1", "--bundle", tmp_path / "b")
    assert done.err == f"labq: {(tmp_path / 'b').stat().st_size:,} bytes in {tmp_path}/b\n"
    assert git(tree, "bundle", "verify", str(tmp_path / "b"))
    (told,) = labq("task", "source", "1", "--untracked", tmp_path / "u", "--json").lines
    assert told == {"file": str(tmp_path / "u"), "size": (tmp_path / "u").stat().st_size}


def test_what_there_is_not_is_said_with_the_reason(labq, queue, tmp_path):
    labq("task", "submit", "-q")
    for part, why in (
        ("--diff", "has no diff: its files were as committed"),
        ("--bundle=x", "has no bundle: its commits were on a remote, or there were none"),
        ("--untracked=x", "has no untracked: git knew or ignored all of its files"),
    ):
        done = labq("task", "source", "1", part)
        assert done.code == 3
        assert done.err.startswith(f"labq: task 1 {why}")
    assert "no repository, on " in labq("task", "show", "1").out


def test_two_parts_at_once_are_refused(labq, queue):
    done = labq("task", "source", "1", "--diff", "--packages")
    assert (done.code, done.err) == (2, "labq: give --diff or --packages, not both\n")


def test_a_file_that_cannot_be_written_is_told_of(labq, queue, tree):
    labq("task", "submit", "-q")
    done = labq("task", "source", "1", "--bundle", "/no/b")
    assert (done.code, done.err) == (1, "labq: /no/b: No such file or directory\n")


def test_a_terminal_is_not_driven_by_a_diff(labq, queue, tree, monkeypatch):
    write(tree, train_py="\x1b[31m\n")
    labq("task", "submit", "-q")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    out = labq("task", "source", "1", "--diff").out
    assert "\n+\\x1b[31m\n" in out
    assert json.loads(labq("task", "source", "1", "--json").out)["commit"]
