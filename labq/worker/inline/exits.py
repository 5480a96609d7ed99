"""The exit code of this program, of which Python tells nobody who is left when it ends."""

from __future__ import annotations

import builtins
import os
import sys
import threading
from typing import Any

from labq.queue import Ending

OWNERS: tuple[tuple[Any, str], ...] = ((sys, "exit"), (builtins, "exit"), (builtins, "quit"))


class Exits:
    """Notes what `sys.exit`, `exit` and `quit` are given in the main thread."""

    def __init__(self) -> None:
        self.fault: SystemExit | None = None  # the last one
        self._pid = os.getpid()
        self._before: list[tuple[Any, str, Any, Any]] = []

    def install(self) -> None:
        """Takes their place."""
        for owner, name in OWNERS:
            if (before := getattr(owner, name, None)) is not None:  # python -S has no builtins.exit
                mine = self._noting(before)
                self._before.append((owner, name, before, mine))
                setattr(owner, name, mine)

    def restore(self) -> None:
        """Gives it back, where nobody took it since."""
        for owner, name, before, mine in self._before:
            if getattr(owner, name, None) is mine:
                setattr(owner, name, before)
        self._before = []

    def _noting(self, before: Any) -> Any:
        def exit(status: Any = None, /) -> Any:  # noqa: A001 - what it stands for
            main = threading.current_thread() is threading.main_thread()
            if main and os.getpid() == self._pid:
                self.fault = SystemExit(status)
            return before(status)

        return exit


def exited(fault: SystemExit) -> Ending:
    """How a program ended that ended itself: a code, or a text, which is the code 1."""
    code = fault.code
    number = 0 if code is None else code & 0xFF if isinstance(code, int) else 1
    record = {"exit_code": number}
    if not number:
        return Ending(succeeded=True, record=record)
    reason = f"exit code {number}" if isinstance(code, int) else str(code)
    error = {"message": reason}
    return Ending(succeeded=False, reason=reason[:200], record=record, error=error)
