"""`labq worker ls`, `show`, `stop`, `drain`, `pause` and `resume`."""

from __future__ import annotations

import io
import os
import re
import signal

import pytest
from books import statuses, submit, wait_for
from waiting import gone, until

from labq.queue import WorkerName, claims, workers
from labq.store import Now

SLEEPER = ("sh", "-c", "echo $$ > pid; exec sleep 600")


@pytest.fixture
def crew(queue):
    """Two workers of the queue and one of another, in the order in which they began."""
    card(queue, "gpu7-11-aa", "gpu7", "default", started_at=Now(-200))
    card(queue, "cpu1-22-bb", "cpu1", "default", started_at=Now(-100))
    card(queue, "gpu7-33-cc", "gpu7", "night")


def card(queue, name, host, of, lifetime=60, **values):
    workers.beat(
        queue.store,
        {
            "_id": name,
            "host": host,
            "queue": of,
            "pid": 11,
            "slots": 2,
            "status": "idle",
            "labels": {"gpu": "a100", "nvlink": "true"},
            "done": {"success": 3, "failed": 1},
            "capacity": {"cpus": 8, "memory": 67_000_000_000, "gpus": 2},
            "tasks": [],
            "started_at": Now(),
            **values,
        },
        lifetime,
    )


def claim(queue):
    claims.claim(queue.store, {"queue": "default"}, WorkerName("gpu7-11-aa", "gpu7"), 60)


def asked(queue):
    return {one["_id"]: one.get("command") for one in queue.store.workers.find()}


def test_ls_is_a_table_of_the_queue_s_workers(labq, queue, crew):
    submit(labq, {"lr": 1}, {"lr": 2})
    claim(queue)
    claim(queue)
    head, _, first, second = labq("worker", "ls").out.splitlines()
    assert head.split() == [
        "worker",
        "status",
        "host",
        "pid",
        "slots",
        "tasks",
        "has",
        "age",
        "seen",
    ]
    told = (
        r"gpu7-11-aa busy gpu7 11 2 1, 2 cpus=8 memory=62Gi gpus=2 gpu=a100 nvlink 3m 2\ds \d\.\ds"
    )
    assert re.fullmatch(told, " ".join(first.split()))
    assert second.split()[:5] == ["cpu1-22-bb", "idle", "cpu1", "11", "2"]


def test_ls_of_all_queues_names_the_queue(labq, crew):
    head, _, *lines = labq("worker", "ls", "-a").out.splitlines()
    assert head.split()[:3] == ["worker", "status", "queue"]
    assert [line.split()[2] for line in lines] == ["default", "default", "night"]
    assert labq("worker", "ls", "-q").ids == ["gpu7-11-aa", "cpu1-22-bb"]
    assert labq("worker", "ls", "-q", "--queue", "night").ids == ["gpu7-33-cc"]


def test_ls_in_json_is_the_record_with_what_runs_now(labq, queue, crew):
    submit(labq, {"lr": 1})
    claim(queue)
    found = {one["_id"]: one for one in labq("worker", "ls", "--json", "--all-queues").lines}
    busy = found["gpu7-11-aa"]
    assert (busy["status"], busy["tasks"], busy["labels"]["gpu"]) == ("busy", [1], "a100")
    assert busy["heartbeat_at"].endswith("Z")
    assert found["gpu7-33-cc"]["queue"] == "night"


def test_a_worker_that_was_not_heard_of_for_a_lease_is_left_out(labq, queue):
    card(queue, "dead", "h", "default", lifetime=-1)
    result = labq("worker", "ls")
    assert (result.code, result.out) == (0, "")
    assert result.err == "no workers in queue default (labq worker run starts one)\n"
    assert labq("worker", "ls", "-a").err == "no workers (labq worker run starts one)\n"


def test_show_tells_all_of_a_worker(labq, queue, crew):
    submit(labq, {"lr": 0.5})
    claim(queue)
    labq("worker", "pause", "gpu7-11")
    out = labq("worker", "show", "gpu7-11-aa").out
    assert out.startswith("worker gpu7-11-aa  busy, asked to pause")
    told = {line.split()[0]: " ".join(line.split()[1:]) for line in out.splitlines()}
    assert told["queue"] == "default"
    assert told["has"] == "cpus=8 memory=62Gi gpus=2 gpu=a100 nvlink"
    assert told["done"] == "3 success, 1 failed"
    assert told["task"].startswith("1 lr=0.5 for 0.")
    assert told["asked"].startswith("to pause, 0.")
    assert re.search(r" \(3m 2\ds ago\)$", told["started_at"])
    (shown,) = labq("worker", "show", "cpu1", "--json").lines
    assert (shown["_id"], shown["tasks"]) == ("cpu1-22-bb", [])


@pytest.mark.parametrize("word", ["stop", "drain", "pause", "resume"])
def test_workers_are_asked_by_id_start_or_host_of_any_queue(labq, queue, crew, word):
    result = labq("worker", word, "cpu1", "gpu7-33")
    assert (result.code, result.out) == (0, "")
    assert result.err == f"asked 2 workers to {word}\n"
    assert asked(queue) == {"gpu7-11-aa": None, "cpu1-22-bb": word, "gpu7-33-cc": word}


@pytest.mark.parametrize("word", ["stop", "drain", "pause", "resume"])
def test_all_means_those_of_the_queue(labq, queue, crew, word):
    result = labq("worker", word, "--all", "--json")
    (told,) = result.lines
    assert told == {"asked": 2, "workers": ["gpu7-11-aa", "cpu1-22-bb"]}
    assert asked(queue) == {"gpu7-11-aa": word, "cpu1-22-bb": word, "gpu7-33-cc": None}
    assert labq("worker", word, "--all", "--queue", "night").err == f"asked 1 worker to {word}\n"
    assert labq("worker", word, "--all", "-q").err == ""
    said = labq("worker", word, "--all", "--queue", "x").err.splitlines()
    assert said[0] == "no workers in queue x"
    assert said[1] == "labq: no queue 'x' yet (labq task submit makes it)"


def test_ids_from_a_pipe_are_read_and_none_of_them_asks_nobody(labq, queue, crew, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("gpu7-11-aa\ncpu1-22-bb\n"))
    assert labq("worker", "drain", "-").err == "asked 2 workers to drain\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert labq("worker", "stop", "-").err == "asked 0 workers to stop\n"
    assert labq("worker", "stop", "").err == "asked 0 workers to stop\n"
    assert "stop" not in asked(queue).values()


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["stop"], 2, "labq: stop which workers? Give WORKER... or --all\n"),
        (["pause", "cpu1", "--all"], 2, "labq: pause which workers? Give WORKER... or --all\n"),
        (["drain", "nobody"], 3, "labq: no worker 'nobody' (labq worker ls shows who works)\n"),
        (["show", "nobody"], 3, "labq: no worker 'nobody' (labq worker ls shows who works)\n"),
        (["stop", "cpu1", "--queue", "night"], 3, "labq: no worker 'cpu1' (labq worker ls"),
        (["stop", "gpu7"], 5, "labq: 'gpu7' names several workers: gpu7-"),
        (["show"], 2, "labq: show which workers? Give WORKER...\n"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_and_nobody_is_asked(labq, queue, crew, args, code, told):
    result = labq("worker", *args)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(told)
    assert result.err.count("\n") == 1
    assert set(asked(queue).values()) == {None}


# what workers do then


@pytest.fixture
def at_work(labq, queue, process, tmp_path):
    """A worker that waits for more, at work on task 1 with task 2 pending; and its job's pid."""
    submit(labq, {}, {})
    worker = process("worker", "run", "--forever", "--", *SLEEPER)
    pid = tmp_path / "pid"
    return worker, int(until(lambda: pid.exists() and pid.read_text().strip()))


def test_a_worker_that_is_stopped_gives_its_task_back_and_ends(labq, queue, at_work):
    worker, pid = at_work
    assert labq("worker", "stop", "--all").err == "asked 1 worker to stop\n"
    _, err = worker.communicate(timeout=30)
    assert worker.returncode == 0, err
    assert gone(pid)
    assert statuses(queue) == ["pending", "pending"]
    assert labq("worker", "ls", "-q").out == ""


def test_a_worker_that_is_drained_finishes_what_it_runs_and_ends(labq, queue, at_work):
    worker, pid = at_work
    labq("worker", "drain", "--all")
    until(lambda: "asked to drain" in worker.stderr.readline())
    os.kill(pid, signal.SIGTERM)
    worker.communicate(timeout=30)
    assert worker.returncode == 0
    assert statuses(queue) == ["failed", "pending"]


def test_a_paused_worker_takes_nothing_until_it_is_resumed(labq, queue, at_work, tmp_path):
    worker, pid = at_work
    labq("worker", "pause", "--all")
    until(lambda: "is paused" in worker.stderr.readline())
    (tmp_path / "pid").unlink()
    os.kill(pid, signal.SIGTERM)
    wait_for(queue, "failed")
    assert statuses(queue) == ["failed", "pending"]
    labq("worker", "resume", "--all")
    wait_for(queue, "running", number=2)


def test_the_record_of_a_worker_says_at_once_that_it_obeyed(labq, queue, at_work):
    labq("worker", "pause", "--all")  # the next heartbeat is seconds away
    (record,) = until(lambda: list(queue.store.workers.find({"status": "paused"})))
    assert record["command"] == "pause"
    labq("worker", "resume", "--all")
    until(lambda: list(queue.store.workers.find({"status": "busy"})))
    labq("worker", "drain", "--all")
    until(lambda: list(queue.store.workers.find({"status": "draining"})))
