"""What a queue's books say, for tests of the command line."""

from __future__ import annotations

import json

from waiting import until


def submit(labq, *tasks):
    """Submits a task for each dict of args."""
    for args in tasks:
        assert labq("task", "submit", "-q", "--args", json.dumps(args)).code == 0


def tasks(queue):
    return list(queue.find({"queue": "default"}))


def statuses(queue):
    return [task["status"] for task in tasks(queue)]


def wait_for(queue, status, number=1):
    until(lambda: queue.get(str(number))["status"] == status)
