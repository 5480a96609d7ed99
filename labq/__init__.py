"""labq turns a loop over experiments into a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labq.job import report
    from labq.worker.inline import loop

__version__ = "0.1.0"
__all__ = ["__version__", "loop", "report"]


def __getattr__(name: str) -> Any:
    """Imports what a program uses when it is first used: the command line starts without it."""
    if name == "report":
        from labq.job import report

        return report
    if name == "loop":
        from labq.worker.inline import loop

        return loop
    raise AttributeError(f"module 'labq' has no attribute {name!r}")
