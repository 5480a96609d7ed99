"""What the jobs of a task left on this machine goes with the task."""

from __future__ import annotations

import os

import pytest

import labq as package
from labq import Client


@pytest.fixture
def folders(tmp_path):
    def names():
        tasks = tmp_path / "home" / "tasks"
        return sorted(path.name for path in tasks.iterdir()) if tasks.is_dir() else []

    return names


def run(labq, *more):
    labq("task", "submit", "--cmd", "echo x", *more)
    assert labq("worker", "run", "-q").code == 0
    return labq("task", "ls", "-q").ids


@pytest.mark.parametrize(
    ("words", "more"),
    [
        ("task delete -f {} --yes", ()),
        ("queue delete default --yes", ()),
        ("queue sweep", ("--ttl", "0.001s")),
        ("task reset 1 --yes", ()),
    ],
)
def test_a_verb_takes_the_folder_along(labq, folders, words, more):
    assert run(labq, *more) == folders()
    assert labq(*words.split()).code == 0
    assert folders() == []


def test_a_sweep_says_that_it_removed_folders(labq, queue, folders):
    run(labq)
    queue.store.delete({})
    assert labq("queue", "sweep").err.startswith("removed 1 folder of tasks that are gone")
    assert folders() == []
    assert labq("queue", "sweep").err == "nothing to put right in queue default\n"


def test_a_submit_that_makes_room_takes_them_along(labq, folders):
    labq("queue", "create", "default", "--max-tasks", "1")
    run(labq, "--auto-delete")
    labq("task", "submit")
    assert folders() == []


def test_a_client_takes_them_along_unless_it_keeps_the_results(labq, folders):
    for _ in range(4):
        run(labq)
    ids = folders()
    with Client() as client:
        client.delete(1)
        client.get(2).delete()
        client.get(3).delete(purge_results=False)
        assert len(folders()) == 2
        client.get(4).reset()
        assert len(folders()) == 1
    labq("queue", "sweep")
    assert len(folders()) == 1  # who kept them has them
    assert set(folders()) < set(ids)


def test_a_loop_takes_its_folders_along(labq, folders):
    labq("task", "submit")
    for task in package.loop():
        with task:
            (task.folder / "model").touch()
            labq("task", "delete", "1", "--force", "--yes")
            assert (task.folder / "model").exists()
    del task
    labq("queue", "sweep")
    assert folders() == []


def test_the_folder_of_a_running_job_stays_until_its_end(labq, folders, process, tmp_path):
    os.mkfifo(tmp_path / "go")
    script = tmp_path / "job.sh"
    script.write_text(f"trap '' TERM\necho x\ncat {tmp_path}/go\n")
    labq("task", "submit", "--cmd", f"sh {script}")
    worker = process("worker", "run", "--grace", "50s")
    assert worker.stdout.readline() == "x\n"
    labq("task", "delete", "1", "--force", "--yes")
    labq("queue", "sweep")
    assert len(folders()) == 1
    (tmp_path / "go").write_text("")
    worker.communicate(timeout=60)
    labq("queue", "sweep")
    assert folders() == []
