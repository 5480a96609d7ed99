"""Waiting for tasks: how it ends, what it costs, what interrupts it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from waiting import until

import labq
from labq.client import run, waiting
from labq.errors import ConflictError, StoreError, UsageError
from labq.store import Change


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves by sleeping alone; it tells how long each sleep was."""
    slept = []
    now = SimpleNamespace(time=0.0)

    def sleep(seconds):
        slept.append(seconds)
        now.time += seconds

    fake = SimpleNamespace(sleep=sleep, monotonic=lambda: now.time)
    monkeypatch.setattr(waiting, "time", fake)
    return slept


def test_a_task_that_has_ended_is_not_waited_for(client, crew, clock):
    task = client.submit()
    crew.run()
    assert task.wait() is True
    assert (task.status, clock) == ("success", [])


def test_it_looks_often_at_first_and_never_less_often_than_asked(client, clock):
    task = client.submit()
    assert task.wait(timeout=600, poll=2) is False
    assert clock[0] == waiting.SHORTEST
    assert sorted(clock[:-1]) == clock[:-1]
    assert max(clock) == 2
    assert sum(clock) == pytest.approx(600)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"timeout": -1}, "timeout must be from 0 to 3153600000 seconds, not -1"),
        ({"poll": 0}, "poll must be seconds above 0, not 0"),
        ({"poll": float("nan")}, "poll must be from 0 to 3153600000 seconds, not nan"),
    ],
)
def test_a_time_that_is_none(client, words, told):
    with pytest.raises(UsageError, match=told):
        client.submit().wait(**words)


def test_what_is_not_submitted_does_not_end(client, clock):
    assert client.task().wait() is False
    draft = client.task().save()
    assert draft.wait() is False
    ended = client.submit()
    ended.cancel()
    assert client.wait([draft, ended]) is False
    assert client.wait([client.task(), ended]) is False
    assert client.wait([]) is True
    assert clock == []


def test_several_are_waited_for_by_reference_too(client, crew):
    tasks = client.submit_many([{}] * 3, name="n")
    crew.aside(lambda: [crew.run() for _ in range(3)])
    assert client.wait([tasks[0], 2, tasks[2].id], poll=0.1) is True
    assert {task.status for task in tasks} == {"success"}


def test_a_task_of_another_queue_is_waited_for_too(client, crew, clock):
    with labq.Client(queue="other") as other:
        task, gone = other.submit_many([{}, {}])
        gone.delete()
        assert client.wait([gone]) is True
        assert client.wait([task, gone], timeout=600) is False
        assert clock != []
        task.cancel()
        assert client.wait(task) is True


def test_a_task_of_another_store_is_no_task_of_this_one(client, tmp_path):
    with labq.Client(f"sqlite:{tmp_path / 'other.db'}") as other:
        task = other.submit()
        with pytest.raises(UsageError) as caught:
            client.wait([client.submit(), task], timeout=0)
        assert str(caught.value) == (
            f"task 1 is of another store (sqlite:{tmp_path / 'other.db'}), and this client sees "
            f"{client.queue.store.address}: wait with the client that it is of"
        )


def test_progress_is_called_when_something_is_another(client, crew):
    task = client.submit()
    told = []

    def work():
        claim = crew.claim()
        until(lambda: told and told[-1][0] == "running")
        crew.queue.progress(task.id, claim.token, 50)
        until(lambda: told[-1] == ("running", 50))
        crew.end(claim)

    crew.soon(work)
    assert task.wait(progress=lambda task: told.append((task.status, task.progress)), poll=0.05)
    assert told[0][0] in ("pending", "running")
    assert told[-1] == ("success", 50)
    assert len(told) == len(set(told)) <= 4


@pytest.mark.parametrize("word", ["progress", "live_progress"])
def test_a_wait_tells_on_stderr(client, crew, capsys, word):
    task = client.submit()
    crew.run()
    assert task.wait(**{word: True}) is True
    assert capsys.readouterr().err == "ended\n"


def test_live_progress_tells_on_stderr(client, crew, capsys):
    task = client.submit()
    crew.run()
    task.wait(live_progress=True)
    several = client.submit_many([{}, {}])
    several[0].cancel()
    client.wait(several, timeout=0, live_progress=True)
    assert capsys.readouterr() == ("", "ended\n1 of 2 tasks have ended\n")


def test_an_outage_is_waited_out(client, crew, clock, monkeypatch):
    task = client.submit()
    crew.run()
    real, away = client.queue.store.find, [StoreError("away")] * 20

    def find(*args, **words):
        if away:
            raise away.pop()
        return real(*args, **words)

    monkeypatch.setattr(client.queue.store, "find", find)
    assert task.wait() is True
    assert sum(clock) > 1


def test_an_outage_of_more_than_a_minute_is_told(client, clock, monkeypatch):
    task = client.submit()
    task.refresh()

    def find(*_args, **_words):
        raise StoreError("away")

    monkeypatch.setattr(client.queue.store, "find", find)
    with pytest.raises(StoreError, match="away"):
        task.wait()
    assert 60 < sum(clock) < 70


def test_a_task_whose_worker_is_dead_is_given_back_meanwhile(client, crew, clock):
    task = client.submit()
    crew.claim(lease=-1)
    assert task.wait(timeout=15) is False
    assert task.status == "pending"


def test_run_in_a_thread_that_is_not_the_main_one(client, crew):
    crew.soon(crew.run)
    found = []
    thread = threading.Thread(target=lambda: found.append(client.task().run(poll=0.05)))
    thread.start()
    thread.join()
    assert found[0].succeeded


def test_run_waits_for_a_task_on_its_way_and_starts_one_that_has_ended_anew(
    client, crew, monkeypatch
):
    task = client.submit({"lr": 1}, name="base")
    waits, until_ended = threading.Event(), run.until_ended
    monkeypatch.setattr(run, "until_ended", lambda *given: waits.set() or until_ended(*given))
    crew.aside(lambda: waits.wait(30) and crew.run())
    assert task.run(poll=0.05).number == 1
    crew.soon(crew.run)
    assert task.run(poll=0.05).number == 2
    assert client.count(status="success", name="base") == 2


def test_a_task_that_is_made_a_draft_again_is_not_waited_for_for_ever(client):
    task = client.submit()
    crew = threading.Timer(0.2, lambda: client.get(1).dequeue())
    crew.start()
    with pytest.raises(ConflictError, match=r"task 1 is a draft again: submit\(\) sets it going"):
        task.run(poll=0.05)
    crew.join()


SCRIPT = """
import labq
with labq.Client() as client:
    client.task().run(live_progress=True)
"""


def test_ctrl_c_ends_the_waiting_and_says_how_to_come_back(client):
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stderr=subprocess.PIPE, text=True)
    with process:
        assert process.stderr.readline() == "task 1 pending\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert err.splitlines()[-1] == (
        "KeyboardInterrupt: task 1 goes on: labq wait 1 waits again, labq task show 1 tells of it"
    )
    assert client.get(1).status == "pending"


def test_ctrl_c_while_several_are_waited_for(client, clock, monkeypatch):
    def interrupt(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(waiting.time, "sleep", interrupt)
    with pytest.raises(
        KeyboardInterrupt,
        match="2 tasks go on: labq wait 1 2 waits again, labq task ls tells of them",
    ):
        client.wait(client.submit_many([{}, {}]))


def test_a_job_timeout_cancels_what_still_runs(client, crew):
    task = client.submit()
    claim = crew.claim()

    def stop():
        until(lambda: "stop_requested" in crew.queue.get("1"))
        crew.stop(claim)

    crew.aside(stop)
    assert task.run(job_timeout=0.1, poll=0.05).status == "cancelled"


def test_the_results_of_a_run_are_fetched(client, crew, tmp_path):
    task = client.submit()
    folder = client.folder(task)
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "best.pt").write_bytes(b"x" * 10)
    (folder / "1.stdout").write_text("hello\n")
    crew.run()
    seen = []
    task.resume(tmp_path / "out", results_progress=lambda *told: seen.append(told))
    assert (tmp_path / "out" / "models" / "best.pt").read_bytes() == b"x" * 10
    assert seen == [(6, 6, "1.stdout"), (10, 10, "models/best.pt")]
    (tmp_path / "out" / "1.stdout").write_text("mine")
    with pytest.raises(ConflictError, match=r"1\.stdout is there already: overwrite=True"):
        task.resume(tmp_path / "out")
    assert (tmp_path / "out" / "1.stdout").read_text() == "mine"
    task.resume(tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "1.stdout").read_text() == "hello\n"


def test_results_that_are_on_another_machine_are_missed_aloud(client, crew, tmp_path):
    task = client.submit()
    crew.run()
    with pytest.warns(UserWarning, match="there are no results on this machine: no folder"):
        assert task.resume(tmp_path / "out") is task
    assert not (tmp_path / "out").exists()


def test_results_are_told_of_on_stderr(client, crew, tmp_path, capsys):
    task = client.submit()
    client.folder(task).mkdir(parents=True)
    (client.folder(task) / "log").write_text("x" * 2000)
    crew.run()
    task.resume(tmp_path / "out", results_progress=True)
    assert capsys.readouterr().err == "log: 2,000 bytes\n"


def test_a_delete_may_take_the_results_along(client, crew):
    for purge in (False, True):
        task = client.submit()
        client.folder(task).mkdir(parents=True)
        crew.run()
        task.delete(purge_results=purge, purge_resources=True)
        assert client.folder(task).exists() is not purge


def test_a_wait_does_not_undo_what_was_changed_here(client, crew):
    task = client.submit()
    task.comment = "mine"
    crew.soon(crew.run)
    task.wait(poll=0.05)
    assert task.comment == "mine"
    task.save()
    assert client.get(1).comment == "mine"


def test_a_task_that_expires_while_it_is_waited_for_is_not_found(client):
    task = client.submit()
    client.queue.store.update({}, Change(set={"status": "success"}))
    client.queue.store.delete({})
    with pytest.raises(labq.TaskNotFound, match="task 1 is gone"):
        task.wait()
