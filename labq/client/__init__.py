"""Tasks from Python, outside of a task: submit, wait for, find and edit them."""

from __future__ import annotations

from labq.client.client import Client
from labq.client.task import Task

__all__ = ["Client", "Task"]
