"""Which code a task is of, row by row of what other systems offer."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from repositories import NEUTRAL, cloned, commit, git, listing, made, write

import labq
from labq.queue import Queue
from labq.source.rebuild import Checkouts
from labq.store import Change, open_store

TRAIN = "import argparse, json, pathlib, sys\nprint('v2', json.dumps(sys.argv[1:]))\n"


@pytest.fixture
def home(tmp_path, uri, monkeypatch):
    for name, text in NEUTRAL.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("LABQ_URI", uri)
    monkeypatch.setenv("LABQ_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def clone(tmp_path, home):
    remote = made(tmp_path / "remote", train_py="print('v1')\n", sub__x="x\n")
    return cloned(remote, tmp_path / "clone")


@pytest.fixture
def queue(uri):
    store = open_store(uri)
    yield Queue(store, "default")
    store.close()


def run(folder, *words):
    """Runs `labq` in a folder; what it printed."""
    command = [sys.executable, "-m", "labq", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_c9_and_c10_a_worker_gets_the_code_of_the_task_and_applies_its_patch(
    queue, clone, tmp_path
):
    write(clone, train_py=TRAIN)
    run(clone, "task", "submit", "--cmd", f"{sys.executable} train.py")
    git(clone, "checkout", "--quiet", "train.py")
    assert run(tmp_path, "worker", "run", "--checkout") == "v2 []\n"
    assert queue.get("1")["status"] == "success"


def test_c9_and_c12_a_worker_installs_the_packages_that_were_recorded(
    queue, clone, tmp_path, monkeypatch
):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    run(clone, "task", "submit", "--cmd", f"{sys.executable} train.py")
    found = queue.get("1")["source"]["packages"]
    none = {"source.packages.blob": queue.store.blobs.put(b"labq==0.0\n")}
    assert found["count"]
    queue.store.update({"number": 1}, Change(set=none))
    write(clone, train_py="print('dirty')\n")
    shell = ("--", "sh", "-c", "echo $VIRTUAL_ENV")
    run(tmp_path, "worker", "run", "--override-cmd", "--checkout", "--venv", *shell)
    (folder,) = (path for path in (tmp_path / "home" / "venvs").iterdir() if path.is_dir())
    told = tmp_path / "home" / "tasks" / queue.get("1")["_id"] / "1.stdout"
    assert told.read_text() == f"{folder}\n"


def test_c12_modified_requirements_run_with_updated_packages(queue, clone, tmp_path, monkeypatch):
    for name, needs in (("greet", "Requires-Dist: words\n"), ("words", "")):
        with zipfile.ZipFile(tmp_path / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.py", f"word = {name!r}\n")
            meta = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}"
            wheel.writestr(f"{name}-1.0.dist-info/METADATA", meta)
            tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            wheel.writestr(f"{name}-1.0.dist-info/WHEEL", tags)
            wheel.writestr(f"{name}-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    write(clone, train_py="import greet, words, labq; print(greet.word, words.word)\n")
    run(clone, "task", "submit", "--draft")
    run(clone, "task", "clone", "1", "--enqueue", "-u", "source.packages=greet>=1\nlabq==0.0")
    assert run(clone, "task", "source", "2", "--packages") == "greet>=1\nlabq==0.0\n"
    out = run(tmp_path, "worker", "run", "--checkout", "--venv", "--", "python", "train.py")
    assert out == "greet words\n"


def test_c11_and_c12_the_worker_sets_the_hyperparameters(queue, clone, tmp_path):
    write(clone, train_py=TRAIN)
    run(clone, "task", "submit", "--", "--lr", "0.1")
    run(tmp_path, "task", "update", "1", "-u", "args.lr=0.2")
    out = run(tmp_path, "worker", "run", "--checkout", "--", sys.executable, "train.py")
    assert out == 'v2 ["--lr", "0.2"]\n'


@pytest.mark.parametrize("how", ["submit", "run", "client"])
def test_c15_a_task_knows_repository_branch_commit_folder_and_script(queue, clone, how):
    command = [sys.executable, "train.py"]
    if how == "client":
        code = f"import labq\nwith labq.Client() as c: c.submit(cmd={command!r})"
        subprocess.run([sys.executable, "-c", code], cwd=clone, check=True)
    elif how == "run":
        run(clone, "run", "--", *command)
    else:
        run(clone, "task", "submit", "--cmd", " ".join(command))
    source = queue.get("1")["source"]
    assert source["url"] == str(clone.parent / "remote")
    assert source["branch"] == "main"
    assert source["commit"] == git(clone, "rev-parse", "HEAD")
    assert (source["cwd"], source["entry_point"]) == (".", "train.py")
    assert (source["host"], source["user"]) == (os.uname().nodename, Path.home().owner())


def test_c15_a_program_that_submits_is_the_script(queue, clone):
    write(clone, submit_py="import labq\nwith labq.Client() as c: c.submit_many([{}, {}])\n")
    subprocess.run([sys.executable, "submit.py"], cwd=clone, check=True)
    first, second = (queue.get(ref)["source"] for ref in ("1", "2"))
    assert first["entry_point"] == "submit.py"
    assert first == second


def test_c15_the_client_may_be_told_not_to(queue, clone, monkeypatch):
    monkeypatch.setenv("LABQ_SOURCE", "false")
    monkeypatch.chdir(clone)
    with labq.Client() as client:
        client.submit()
    assert "source" not in queue.get("1")


def test_c16_untracked_files_binary_ones_and_unpushed_commits_come_along(queue, clone, home):
    write(clone, pushed="no\n")
    commit(clone)
    write(clone, raw=bytes(range(256)), config__new="1\n")
    git(clone, "add", "raw")
    run(clone, "task", "submit")
    tree = home / "tree"
    Checkouts(home).build(queue.get("1")["source"], queue.store.blobs, tree)
    assert listing(tree) == listing(clone)


def test_c16_a_diff_past_500_000_characters_is_whole(queue, clone):
    write(clone, train_py="".join(f"print({number})\n" for number in range(80_000)))
    run(clone, "task", "submit")
    text = run(clone, "task", "source", "1", "--diff")
    assert len(text) > 1_000_000
    git(clone, "checkout", "--quiet", "train.py")
    (clone.parent / "diff").write_text(text)
    git(clone, "apply", str(clone.parent / "diff"))
    assert (clone / "train.py").read_text().endswith("print(79999)\n")


def test_c16_an_address_has_no_credentials(queue, clone):
    git(clone, "remote", "set-url", "origin", "https://ann:s3cret@example.org/lab.git")
    run(clone, "task", "submit")
    assert queue.get("1")["source"]["url"] == "https://example.org/lab.git"
    assert "s3cret" not in run(clone, "task", "show", "1", "--json")


def test_c17_packages_are_kept_once_for_all_tasks(queue, clone):
    for number in range(3):
        run(clone, "task", "submit", "--cmd", f"{sys.executable} train.py --seed {number}")
    packages = [task["source"]["packages"] for task in queue.find({"queue": "default"})]
    assert packages[0] == packages[1] == packages[2]
    lines = run(clone, "task", "source", "3", "--packages").splitlines()
    assert f"pytest=={pytest.__version__}" in lines
    assert packages[0]["count"] == len(lines)
