"""Loops over tasks in the tests' own process: what the books say, and bodies that wait."""

from __future__ import annotations

import threading

import pytest

WAIT = 30  # seconds that a body waits for what interrupts it


def tasks(queue):
    return list(queue.find({"queue": "default"}))


def ends(queue):
    """(status, reason) of each task."""
    return [(task["status"], task.get("reason", "")) for task in tasks(queue)]


def at_work(queue):
    """The records of workers."""
    return list(queue.store.workers.find())


def aside(work):
    """Does it in another thread."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def wait_to_be_interrupted():
    threading.Event().wait(WAIT)
    pytest.fail("the body was not interrupted")


def in_a_block(loop, body):
    for task in loop:
        with task:
            body(task)


def as_a_function(loop, body):
    loop(body)()


BOTH = pytest.mark.parametrize("run", [in_a_block, as_a_function])
