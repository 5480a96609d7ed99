"""Work on many tasks: what ends it between two parts says how much of it is done."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from labq.errors import StoreError, Terminated
from labq.model.task import new
from labq.queue.edits import parse_edit
from labq.queue.parts import in_parts, tasks, to_the_end


def interrupting(fault, at):
    """Parts of which one raises, and how many were done."""
    done = []

    def part(number):
        if number == at:
            raise fault
        done.append(number)

    return [lambda number=number: part(number) for number in range(5)], done


@pytest.mark.parametrize("thread", [False, True])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda: StoreError("it is away"), "it is away; 2 of 5 tasks are moved"),
        (KeyboardInterrupt, "2 of 5 tasks are moved"),
        (lambda: Terminated(15), "2 of 5 tasks are moved"),
    ],
)
def test_what_ends_it_says_what_is_done(fault, said, thread):
    ending, caught = fault(), []
    parts, done = interrupting(ending, 2)

    def run():
        with pytest.raises(type(ending)) as raised:
            in_parts(parts, lambda sure: tasks(len(done), "are moved", 5, sure=sure))
        caught.append(str(raised.value))

    if thread:
        other = threading.Thread(target=run)
        other.start()
        other.join()
    else:
        run()
    assert caught == [said]


def test_nothing_done_is_nothing_said():
    parts, done = interrupting(StoreError("it is away"), 0)
    with pytest.raises(StoreError, match=r"^it is away$"):
        in_parts(parts, lambda _: tasks(len(done), "are moved", 5))


IMPATIENT = """
import os, signal, threading
from labq.queue.parts import in_parts, tasks
heard = []
def hear(number, frame):
    heard.append(number)
    raise KeyboardInterrupt
signal.signal(signal.SIGINT, hear)
def part():
    for count in (1, 2):
        os.kill(os.getpid(), signal.SIGINT)
        while len(heard) < count:
            threading.Event().wait(0.001)
    threading.Event().wait()
try:
    in_parts([part], lambda sure: tasks(3, "are moved", 5, sure=sure))
except KeyboardInterrupt as told:
    print(told, flush=True)
os._exit(0)
"""


def test_a_second_signal_does_not_wait_and_says_so():
    command = [sys.executable, "-c", IMPATIENT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("at least 3 of 5 tasks are moved\n", "")


@pytest.mark.parametrize(
    ("count", "total", "said"),
    [
        (0, None, ""),
        (1, None, "1 task is moved"),
        (1234, None, "1,234 tasks are moved"),
        (1, 2000, "1 of 2,000 tasks are moved"),
    ],
)
def test_so_many_tasks(count, total, said):
    assert tasks(count, "are moved", total) == said


def test_one_step_gives_what_it_gives():
    assert to_the_end(lambda: 5, str) == 5


def test_an_edit_that_a_store_cuts_short_says_how_many_it_changed(queue, monkeypatch):
    from labq.queue.edits import edit

    queue.submit([new({}) for _ in range(2500)])
    whole, calls = queue.store.update_each, []

    def update_each(writes):
        calls.append(1)
        if len(calls) > 2:
            raise StoreError("it is away")
        return whole(writes)

    monkeypatch.setattr(queue.store, "update_each", update_each)
    with pytest.raises(StoreError, match=r"^it is away; 2,000 tasks are changed$"):
        edit(queue.store, {"queue": queue.name}, [parse_edit("priority=3")])
