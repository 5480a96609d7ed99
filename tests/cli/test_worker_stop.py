"""`labq worker run`: stopped, killed, frozen, idle, and several at once."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress

import pytest
import servers
from books import statuses, submit, tasks, wait_for
from waiting import gone, heard, until

from labq.model.task import new
from labq.queue import Queue, WorkerName, claims, recovery
from labq.store import open_store

SLEEPER = ("sh", "-c", "echo $$ > pid; exec sleep 600")


def job_pid(tmp_path):
    return int(
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    )


STOPPING = "stopping what runs and giving the tasks back (again: kill)"


def check_given_back(queue, pid):
    (task,) = tasks(queue)
    told = (task["status"], task["retries"], task["reason"])
    assert told == ("pending", 0, "the worker was stopped")
    assert "lease" not in task
    assert gone(pid)
    assert not list(queue.store.workers.find({}))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_gives_the_task_back_at_no_cost(labq, queue, process, tmp_path, number, code):
    labq("task", "submit")
    worker = process("worker", "run", "--", *SLEEPER)
    pid = job_pid(tmp_path)
    worker.send_signal(number)
    _, err = worker.communicate(timeout=30)
    assert worker.returncode == code
    assert f"labq: {signal.Signals(number).name}: {STOPPING}\n" in err
    assert "labq: task 1 released in " in err
    check_given_back(queue, pid)


SCHEDULERS = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU, signal.SIGALRM, signal.SIGQUIT]


@pytest.mark.parametrize("uri", ["sqlite"], indirect=True)
@pytest.mark.parametrize("number", [*SCHEDULERS, signal.SIGRTMIN + 1])
def test_a_signal_that_a_scheduler_sends_before_a_time_limit_is_as_sigterm(
    labq, queue, process, tmp_path, number
):
    labq("task", "submit")
    worker = process("worker", "run", "--", *SLEEPER)
    pid = job_pid(tmp_path)
    worker.send_signal(number)
    _, err = worker.communicate(timeout=30)
    assert worker.returncode == 128 + number
    name = number.name if isinstance(number, signal.Signals) else "SIGRTMIN+1"
    assert f"labq: {name}: {STOPPING}\n" in err
    check_given_back(queue, pid)


@pytest.mark.parametrize("uri", ["sqlite"], indirect=True)
def test_a_signal_to_the_worker_and_its_job_alike_is_no_failure_of_the_task(
    labq, queue, process, tmp_path
):
    labq("task", "submit")
    worker = process("worker", "run", "--", *SLEEPER)
    pid = job_pid(tmp_path)
    worker.send_signal(signal.SIGSTOP)  # so that neither is heard of before the other
    os.kill(pid, signal.SIGUSR1)
    worker.send_signal(signal.SIGUSR1)
    worker.send_signal(signal.SIGCONT)
    worker.communicate(timeout=30)
    assert worker.returncode == 138
    check_given_back(queue, pid)


@pytest.mark.parametrize("uri", ["sqlite"], indirect=True)
def test_what_is_ignored_at_the_start_stays_so_and_jobs_and_hooks_get_the_default(
    labq, queue, process, tmp_path
):
    ignored = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1]

    def ignore():
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)

    command = "grep SigIgn /proc/self/status"
    hook = f"sh -c '{command} > {tmp_path}/hook'"
    words = ("--forever", "--on-finish", hook, "--", "sh", "-c", f"{command} > job")
    worker = process("worker", "run", *words, preexec_fn=ignore)
    until(lambda: list(queue.store.workers.find({})))
    for number in ignored:
        worker.send_signal(number)
    labq("task", "submit")
    for name in ("job", "hook"):
        path = tmp_path / name
        told = until(lambda path=path: path.exists() and path.read_text().strip())
        mask = int(told.removeprefix("SigIgn:"), 16)
        assert not [number for number in ignored if mask >> (number - 1) & 1]
    worker.terminate()
    _, err = worker.communicate(timeout=30)
    assert worker.returncode == 143
    assert statuses(queue) == ["success"]
    assert err.count("SIG") == 1


def test_ctrl_c_lets_what_runs_end_and_takes_no_more(labq, queue, process, tmp_path):
    submit(labq, {}, {})
    until_told = "echo $$ > pid; until [ -e go ]; do sleep 0.01; done"
    worker = process("worker", "run", "--forever", "--", "sh", "-c", until_told)
    job_pid(tmp_path)
    worker.send_signal(signal.SIGINT)
    told = "labq: SIGINT: finishing what runs, claiming no more (again: stop the jobs)\n"
    assert worker.stderr.readline() == told
    (tmp_path / "go").touch()
    _, err = worker.communicate(timeout=30)
    assert worker.returncode == 130
    assert "labq: task 1 success in " in err
    assert statuses(queue) == ["success", "pending"]


def test_ctrl_c_ends_an_idle_worker(queue, process):
    worker = process("worker", "run", "--forever", "--", "true")
    until(lambda: list(queue.store.workers.find({})))
    worker.send_signal(signal.SIGINT)
    worker.communicate(timeout=30)
    assert worker.returncode == 130
    assert not list(queue.store.workers.find({}))


def test_ctrl_c_twice_gives_the_task_back(labq, queue, process, tmp_path):
    labq("task", "submit")
    worker = process("worker", "run", "--", *SLEEPER)
    pid = job_pid(tmp_path)
    worker.send_signal(signal.SIGINT)
    worker.stderr.readline()
    worker.send_signal(signal.SIGINT)
    _, err = worker.communicate(timeout=30)
    assert worker.returncode == 130
    assert f"labq: SIGINT: {STOPPING}\n" in err
    check_given_back(queue, pid)


def test_ctrl_c_three_times_kills(labq, queue, process, tmp_path):
    labq("task", "submit")
    stubborn = "trap '' TERM; echo $$ > pid; while :; do sleep 1; done"
    worker = process("worker", "run", "--grace", "1h", "--", "sh", "-c", stubborn)
    pid = job_pid(tmp_path)
    for _ in range(2):
        worker.send_signal(signal.SIGINT)
        worker.stderr.readline()
    worker.send_signal(signal.SIGINT)
    _, err = worker.communicate(timeout=30)
    assert "labq: SIGINT again: killing what runs\n" in err
    check_given_back(queue, pid)


def test_a_second_signal_kills_what_does_not_end(labq, queue, process, tmp_path):
    labq("task", "submit")
    stubborn = "trap '' TERM; echo $$ > pid; while :; do sleep 1; done"
    worker = process("worker", "run", "--grace", "1h", "--", "sh", "-c", stubborn)
    pid = job_pid(tmp_path)
    worker.send_signal(signal.SIGTERM)
    assert worker.stderr.readline().startswith("labq: SIGTERM: stopping")
    worker.send_signal(signal.SIGTERM)
    worker.communicate(timeout=30)
    wait_for(queue, "pending")
    assert gone(pid)


def test_a_job_that_exits_with_0_because_it_was_asked_to_stop_is_no_success(
    labq, queue, process, tmp_path
):
    labq("task", "submit")
    polite = "trap 'exit 0' TERM; echo $$ > pid; while :; do sleep 0.01; done"
    worker = process("worker", "run", "--", "sh", "-c", polite)
    job_pid(tmp_path)
    worker.send_signal(signal.SIGTERM)
    worker.communicate(timeout=30)
    assert statuses(queue) == ["pending"]


LEASE = {"LABQ_LEASE": "600ms", "LABQ_HEARTBEAT": "100ms"}


def test_a_heartbeat_holds_the_lease_of_a_long_job(labq, queue, process):
    labq("task", "submit")
    worker = process("worker", "run", "--", "sleep", "1.5", env=LEASE)
    wait_for(queue, "running")
    while worker.poll() is None:
        assert recovery.recover(queue.store, "default") == 0
    assert statuses(queue) == ["success"]
    assert tasks(queue)[0]["attempt"] == 1


def test_the_task_of_a_killed_worker_runs_again_at_no_cost(labq, queue, process, tmp_path):
    labq("task", "submit")
    worker = process("worker", "run", "--", *SLEEPER, env=LEASE)
    pid = job_pid(tmp_path)
    worker.kill()
    worker.wait()
    until(lambda: gone(pid), seconds=5)
    process("worker", "run", "--forever", "--", "true", env=LEASE)
    wait_for(queue, "success")
    (task,) = tasks(queue)
    assert (task["attempt"], task["retries"], task["crashes"]) == (2, 0, 1)
    assert task["attempts"][0]["reason"].endswith(" was lost")


def test_a_worker_frozen_past_its_lease_cannot_finish_and_stops_its_job(
    labq, queue, process, tmp_path
):
    labq("task", "submit")
    worker = process("worker", "run", "--", *SLEEPER, env=LEASE)
    pid = job_pid(tmp_path)
    worker.send_signal(signal.SIGSTOP)
    until(lambda: recovery.recover(queue.store, "default"))
    second = claims.claim(queue.store, {"queue": "default"}, WorkerName("other", "host"), 60)
    worker.send_signal(signal.SIGCONT)
    _, err = worker.communicate(timeout=30)
    assert "labq: task 1 lost in " in err
    assert gone(pid)
    assert tasks(queue)[0]["lease"]["worker"] == "other"
    assert claims.finish(queue.store, second, claims.Ending(succeeded=True)) == "success"


def test_a_waiting_worker_outlives_an_outage_of_the_store(process, tmp_path):
    folder = tmp_path / "mongod"
    pid, port = servers.start(folder)
    address = f"mongodb://127.0.0.1:{port}/lab"
    store = open_store(address)
    there = Queue(store, "default")
    there.submit([new({})])
    worker = process("worker", "run", "--forever", "--", "true", env={"LABQ_URI": address})
    until(lambda: store.count({"status": "success"}) == 1)
    Queue(store, "other").submit([new({})])  # an insert waits for the journal, and all before it
    os.kill(pid, signal.SIGKILL)
    until(lambda: "cannot claim yet: " in worker.stderr.readline())
    pid, _ = servers.start(folder, port=port)
    there.submit([new({})])
    until(lambda: store.count({"status": "success"}) == 2)
    assert worker.poll() is None
    assert worker.stderr.readline() == "labq: the store answers again\n"
    store.close()
    worker.kill()
    os.kill(pid, signal.SIGKILL)


def test_a_forever_worker_takes_what_comes_later(labq, queue, process):
    worker = process("worker", "run", "--forever", "--max-tasks", "2", "--", "true")
    for number in (1, 2):
        labq("task", "submit")
        wait_for(queue, "success", number)
    assert worker.wait(timeout=30) == 0


def test_a_forever_worker_tells_of_what_it_passes_over_while_it_waits(labq, queue, process):
    worker = process("worker", "run", "--forever", "--", "echo", "%(lr)")
    submit(labq, {"seed": 1}, {"lr": 1})
    wait_for(queue, "success", 2)
    told = "1 task passed over: the worker's command takes exactly the args lr\n"
    until(lambda: worker.stderr.readline() == f"labq: {told}")
    assert queue.get("1")["reason"] == "passed over: the worker's command takes exactly the args lr"
    worker.terminate()
    assert told not in worker.stderr.read()


def test_a_busy_worker_gives_back_what_others_lost(labq, queue, process):
    submit(labq, {}, {})
    lost = claims.claim(queue.store, {"queue": "default"}, WorkerName("gone", "host"), 60)
    process("worker", "run", "--max-tasks", "1", "--", "sleep", "60", env=LEASE)
    until(lambda: queue.get("2")["status"] == "running")
    claims.renew(queue.store, [lost], 0.01)
    until(lambda: queue.get(lost.task["_id"]).get("reason") == "worker gone was lost")
    assert queue.get("2")["status"] == "running"


def test_several_workers_share_a_queue_and_run_each_task_once(labq, queue, process, tmp_path):
    queue.submit([new({}) for _ in range(60)])
    append = 'echo "$LABQ_TASK_NUMBER" >> done'
    workers = [process("worker", "run", "-q", "--slots", "2", "-c", append) for _ in range(3)]
    assert [worker.wait(timeout=60) for worker in workers] == [0, 0, 0]
    assert sorted(map(int, (tmp_path / "done").read_text().split())) == list(range(1, 61))
    assert {(task["status"], task["attempt"]) for task in tasks(queue)} == {("success", 1)}


def test_a_reader_of_the_output_that_leaves_does_not_stop_the_worker(labq, queue, process):
    submit(labq, {}, {}, {})
    worker = process("worker", "run", "--", "sh", "-c", "yes | head -c 300000")
    worker.stdout.close()
    worker.stderr.read()
    assert worker.wait(timeout=30) == 0
    assert statuses(queue) == ["success"] * 3


def unread_pipe():
    """A full pipe: its reading end, which nobody reads, and its writing end."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    with suppress(BlockingIOError):
        while True:
            os.write(write, b"\n" * select.PIPE_BUF)
    os.set_blocking(write, True)
    return read, write


@pytest.mark.parametrize(
    ("stream", "command"), [("stdout", ("--json",)), ("stderr", ()), ("stderr", ("--slots", "2"))]
)
@pytest.mark.parametrize(("signals", "code"), [(["SIGTERM"], 143), (["SIGINT", "SIGINT"], 130)])
def test_a_reader_that_does_not_read_keeps_no_worker_from_its_end(
    labq, queue, process, stream, command, signals, code
):
    submit(labq, {}, {}, {})
    read, write = unread_pipe()
    worker = process("worker", "run", *command, "--", "true", **{stream: write})
    until(lambda: queue.count({"queue": "default", "status": "success"}))
    for name in signals:
        worker.send_signal(signal.Signals[name])
        until(lambda: heard(worker))
    assert worker.wait(timeout=30) == code
    assert not list(queue.store.workers.find({}))
    assert "lease" not in {field for task in tasks(queue) for field in task}
    os.close(read)
    os.close(write)


def test_a_cancel_waits_for_no_reader_and_the_reader_sees_the_next_job(
    labq, queue, process, tmp_path
):
    labq("task", "submit", "--cmd", "yes")
    read, write = unread_pipe()
    worker = process("worker", "run", "--forever", stdout=write)
    until(lambda: statuses(queue) == ["running"])
    assert labq("task", "cancel", "1", "--wait").code == 0
    assert statuses(queue) == ["cancelled"]
    labq("task", "submit", "--cmd", "echo next")
    seen = b""
    while b"next" not in seen:
        seen = seen[-8:] + os.read(read, 1 << 16)
    wait_for(queue, "success", number=2)
    worker.terminate()
    assert worker.wait(timeout=30) == 143
    os.close(read)
    os.close(write)


@pytest.mark.parametrize(("options", "late"), [(["--timeout", "1s"], None), ([], "SIGTERM")])
def test_a_job_that_has_exited_is_no_longer_stopped_though_its_reader_holds_up_its_end(
    labq, queue, process, tmp_path, options, late
):
    labq("task", "submit", *options, "--cmd", "sh -c 'echo $$ > pid; cat pid'")
    read, write = unread_pipe()
    worker = process("worker", "run", stdout=write)
    pid = job_pid(tmp_path)
    until(lambda: gone(pid))
    if late:
        worker.send_signal(signal.Signals[late])
    worker.wait(timeout=30)
    (task,) = tasks(queue)
    assert (task["status"], task["attempts"][0]["exit_code"]) == ("success", 0)
    assert "reason" not in task
    os.close(read)
    os.close(write)
