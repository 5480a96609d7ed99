"""From inside a job: what it may ask of its task, and tell of itself while it runs.

Outside of a task they warn once in all and do nothing, so that a script runs without labq too.
"""

from __future__ import annotations

from labq.job.argparse_capture import capture_argparse
from labq.job.arguments import connect
from labq.job.meter import progress
from labq.job.reports import report, update_info
from labq.job.stop import on_stop, should_stop
from labq.job.view import CurrentTask, current_task

__all__ = [
    "CurrentTask",
    "capture_argparse",
    "connect",
    "current_task",
    "on_stop",
    "progress",
    "report",
    "should_stop",
    "update_info",
]
