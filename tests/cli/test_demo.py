"""`labq demo`: the name of its queue, and what is left of one that does not come to its end."""

from __future__ import annotations

import signal

import pytest

from labq.cli.demo import _free_name
from labq.model.task import new
from labq.store import Change, Now


@pytest.mark.parametrize(
    ("status", "ended", "name"),
    [("pending", 0, "demo-2"), ("success", -60, "demo-2"), ("success", -100_000, "demo")],
)
def test_a_demo_takes_the_first_name_without_tasks(queue, tmp_path, status, ended, name):
    store = queue.store
    store.insert("demo", [new({}, retention={"ttl": "1d"})])
    store.update({"queue": "demo"}, Change(set={"status": status, "ended_at": Now(ended)}))
    assert _free_name(store, tmp_path) == name


def test_an_emptied_queue_of_a_demo_is_used_again(queue, tmp_path):
    for name in ("demo", "demo-2"):
        queue.store.insert(name, [new({})])
    queue.store.delete({"queue": "demo"})
    assert _free_name(queue.store, tmp_path) == "demo"


@pytest.mark.parametrize("name", ["demo", "mine"])
def test_nothing_stays_of_one_that_is_stopped(labq, process, tmp_path, name):
    if name == "mine":
        labq("task", "submit", "--queue", name, "--", "--lr", "1")
    demo = process("demo", *(("--queue", name) if name == "mine" else ()))
    said = demo.stderr.readline()
    assert said.startswith(f"submitted 12 tasks to queue {name} (")
    demo.send_signal(signal.SIGINT)
    rest = demo.communicate(timeout=120)[1]
    assert demo.returncode == 130, rest
    assert f"labq: stopped: removed what the demo had put into queue {name}\n" in rest
    counts = [(row["queue"], row["pending"]) for row in labq("queue", "ls", "--json").lines]
    assert counts == ([("mine", 1)] if name == "mine" else [])
    folders = tmp_path / "home" / "tasks"
    assert not folders.exists() or not list(folders.iterdir())


def test_a_demo_runs_its_own_tasks_alone_and_they_stay_for_a_day(labq, process):
    labq("task", "submit", "--queue", "mine", "--", "--lr", "1")
    demo = process("demo", "--queue", "mine", "--json")
    out = demo.communicate(timeout=300)[0]
    assert demo.returncode == 0
    assert len(out.splitlines()) == 12
    tasks = labq("task", "ls", "--queue", "mine", "--json").lines
    assert tasks[0]["status"] == "pending"
    assert {task["retention"]["ttl"] for task in tasks[1:]} == {86400}
