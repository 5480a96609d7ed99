"""How this program ends, of which Python tells nobody who is left when it does."""

from __future__ import annotations

import builtins
import os
import signal
import sys
import threading
from opcode import opname
from types import FrameType
from typing import Any

from labq.queue import Ending

OWNERS: tuple[tuple[Any, str], ...] = ((sys, "exit"), (builtins, "exit"), (builtins, "quit"))


class Exits:
    """Notes what `sys.exit`, `exit` and `quit` are given in the main thread."""

    def __init__(self) -> None:
        self._noted: SystemExit | None = None  # the last one, which may have been caught since
        self._pid = os.getpid()
        self._before: list[tuple[Any, str, Any, Any]] = []
        self._script = _outermost(sys._getframe())  # noqa: SLF001 - the public way builds a stack

    @property
    def fault(self) -> BaseException | None:
        """What ends the program, asked when it has ended; None where its code came to its end.

        An exception too, where a hook for them of the program's own has told nobody.
        """
        if hasattr(sys, "ps1"):  # where a person types, no code is all of the program
            return self._noted
        if _returned(self._script):
            return None
        last: BaseException | None = getattr(sys, "last_value", None)
        trace = last.__traceback__ if last else None
        return last if trace and trace.tb_frame is self._script else self._noted

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
        def exit(*given: Any, **named: Any) -> Any:  # noqa: A001 - what it stands for
            main = threading.current_thread() is threading.main_thread()
            if main and os.getpid() == self._pid:
                self._noted = SystemExit(*given, *named.values())
            return before(*given, **named)

        return exit


def ending_signal(heard: int, fault: BaseException | None) -> int:
    """The signal that ended the program: one that was heard, or Ctrl-C; 0 where none did."""
    return heard or (signal.SIGINT if isinstance(fault, KeyboardInterrupt) else 0)


def exited(fault: SystemExit) -> Ending:
    """How a program ended that ended itself: a code, or a text, which is the code 1."""
    code = fault.code
    if isinstance(code, int):
        number = code & 0xFF if abs(code) <= sys.maxsize else 0xFF
    else:
        number = 0 if code is None else 1
    record = {"exit_code": number}
    if not number:
        return Ending(succeeded=True, record=record)
    reason = f"exit code {number}" if isinstance(code, int) else str(code)
    error = {"message": reason}
    return Ending(succeeded=False, reason=reason[:200], record=record, error=error)


def _outermost(frame: FrameType) -> FrameType:
    while frame.f_back is not None:
        frame = frame.f_back
    return frame


def _returned(frame: FrameType) -> bool:
    """Whether code that has ended came to its end; by an exception it stops elsewhere."""
    return opname[frame.f_code.co_code[frame.f_lasti]].startswith("RETURN")
