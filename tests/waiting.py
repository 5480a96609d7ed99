"""Waiting for what another process does: as short as it takes, and never for ever."""

from __future__ import annotations

import time


def until(condition, seconds=30.0):
    """The first true value of `condition()`; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
    return value


def gone(pid):
    """Whether there is no such process, or only what is left of one."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def heard(process):
    """Whether a child of ours has ended, or taken every signal that it was sent."""
    with open(f"/proc/{process.pid}/status") as file:
        fields = dict(line.split(":", 1) for line in file)
    return "Z" in fields["State"] or not int(fields["ShdPnd"], 16)
