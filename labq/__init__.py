"""labq turns a loop over experiments into a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labq.client import Client, Task
    from labq.errors import (
        ArgsError,
        AuthError,
        ConfigError,
        ConflictError,
        FilterError,
        LabqError,
        NotFoundError,
        QuotaExceeded,
        StoreError,
        TaskNotFound,
        UsageError,
    )
    from labq.inprocess.init import init
    from labq.inprocess.loop import loop
    from labq.job import (
        CurrentTask,
        capture_argparse,
        connect,
        current_task,
        on_stop,
        progress,
        report,
        should_stop,
        update_info,
    )

__version__ = "0.1.0"
__all__ = [
    "ArgsError",
    "AuthError",
    "Client",
    "ConfigError",
    "ConflictError",
    "CurrentTask",
    "FilterError",
    "LabqError",
    "NotFoundError",
    "QuotaExceeded",
    "StoreError",
    "Task",
    "TaskNotFound",
    "UsageError",
    "__version__",
    "capture_argparse",
    "connect",
    "current_task",
    "init",
    "loop",
    "on_stop",
    "progress",
    "report",
    "should_stop",
    "update_info",
]

_HOMES = {
    **dict.fromkeys(("Client", "Task"), "labq.client"),
    **dict.fromkeys(
        (
            *("ArgsError", "AuthError", "ConfigError", "ConflictError", "FilterError"),
            *("LabqError", "NotFoundError", "QuotaExceeded", "StoreError", "TaskNotFound"),
            "UsageError",
        ),
        "labq.errors",
    ),
    **dict.fromkeys(
        (
            *("CurrentTask", "capture_argparse", "connect", "current_task", "on_stop"),
            *("progress", "report", "should_stop", "update_info"),
        ),
        "labq.job",
    ),
    "init": "labq.inprocess.init",
    "loop": "labq.inprocess",
}


def __getattr__(name: str) -> Any:
    """Imports what a program uses when it is first used: the command line starts without it."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'labq' has no attribute {name!r}")


def __dir__() -> list[str]:
    """What there is, for `help(labq)` and a notebook's TAB."""
    return __all__
