"""A notebook's day: submit, wait and look, clone, run again, with real workers at work."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest
from waiting import until

JOB = """
import labq, sys
lr = float(sys.argv[sys.argv.index("--lr") + 1])
labq.progress(50)
if lr > 1:
    sys.exit("diverged")
labq.report(acc=1 - lr)
"""


@pytest.fixture
def worker(client, tmp_path):
    """A real worker that goes on until the test is over."""
    (tmp_path / "job.py").write_text(JOB)
    command = [sys.executable, "-m", "labq", "worker", "run", "--forever", "-q", "--"]
    with subprocess.Popen(
        [*command, sys.executable, "job.py"],
        cwd=tmp_path,
        env={**os.environ, "LABQ_HEARTBEAT": "1s"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        yield process
        process.terminate()


def test_submit_wait_look_clone_and_run(client, worker, capsys):
    task = client.submit({"lr": 0.25}, name="base")
    assert task.wait(timeout=60, live_progress=True, poll=0.1)
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("task 1 ")
    assert told[-1] == "ended"
    assert (task.status, task.summary, task.progress) == ("success", {"acc": 0.75}, 50)
    assert task.attempts[0]["exit_code"] == 0
    again = task.clone(name="wild", **{"args.lr": 2})
    assert (again.status, again.parent, again.summary) == ("draft", task.id, {})
    assert again.run(timeout="60s", poll=0.1) is again
    assert (again.succeeded, again.status) == (False, "failed")
    assert again.errors[0]["stderr"] == "diverged"
    again.reset().args["lr"] = 0.5
    assert again.run(timeout=60, poll=0.1).summary == {"acc": 0.5}
    best = client.tasks(status="success", sort="summary.acc:desc")
    assert [(one.name, one.number) for one in best] == [("base", 1), ("wild", 4)]
    assert [one.number for one in client.tasks(status="draft")] == [2, 3]


def test_run_with_a_timeout_in_a_thread_of_its_own(client, worker):
    ended = []

    def run(lr):
        ended.append(client.task({"lr": lr}).run(timeout=60, poll=0.1))

    threads = [threading.Thread(target=run, args=(lr,)) for lr in (0.25, 0.5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(task.summary["acc"] for task in ended) == [0.5, 0.75]


def test_a_timeout_in_a_thread_is_that_threads_alone(client):
    told = []

    def run():
        with pytest.raises(TimeoutError, match=r"task 1 has not ended after 0\.1 s: it goes on"):
            client.task().run(timeout=0.1, poll=0.05)
        told.append("out of time")

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert told == ["out of time"]
    assert client.get(1).status == "pending"


def test_two_threads_change_one_task_through_one_client(client):
    task = client.submit()

    def add(key):
        for at in range(10):
            mine = client.get(1)
            mine.metadata[f"{key}{at}"] = at
            mine.save()

    threads = [threading.Thread(target=add, args=(key,)) for key in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(task.refresh().metadata) == 20


def test_a_wait_in_one_thread_hears_of_a_cancel_in_another(client):
    task = client.submit()
    heard = []
    thread = threading.Thread(target=lambda: heard.append(task.wait(timeout=60, poll=0.05)))
    thread.start()
    assert until(lambda: client.get(1).abort().completed)
    thread.join()
    assert heard == [True]
