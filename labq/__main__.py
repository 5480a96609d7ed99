"""The process: `labq`, or `python -m labq`."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import NoReturn

from labq.errors import Terminated, terminate

ENDING = (
    *(signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU),
    signal.SIGALRM,
)


def run() -> NoReturn:
    """Runs the command line and ends the process at once, its output flushed and its stores left.

    The interpreter's own way out would wait half a second for pymongo's monitor threads.
    """
    gc.set_threshold(100_000)  # imports make objects by the ten thousand, and hardly any garbage
    try:
        _mend_streams()
        _catch_signals()
        threading.excepthook = _in_a_thread
        from labq.cli.main import main

        code = main()
    except KeyboardInterrupt:
        code = 130
    except Terminated as ending:
        code = ending.exit_code
        signal.signal(ending.number, signal.SIG_DFL)  # an impatient second one ends it at once
        with suppress(OSError):  # a hangup has closed the terminal
            sys.stderr.write(f"labq: terminated{str(ending) and f': {ending}'}\n")
    with suppress(OSError):
        sys.stderr.flush()
    _leave_stores()
    os._exit(code)


def _catch_signals() -> None:
    """Has what a person or a scheduler sends end the process in order, unless it is ignored."""
    for number in ENDING:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, terminate)


def _leave_stores() -> None:
    """Leaves the stores that were opened; many commands open none."""
    if "labq.store" in sys.modules:
        from labq.store import leave_stores

        with suppress(Exception):  # what was asked for is done, or was told to have failed
            leave_stores()


def _in_a_thread(fault: threading.ExceptHookArgs) -> None:
    """Shows what ends a thread, but for a lack of threads: what needs them says so in a line."""
    if "can't start new thread" not in str(fault.exc_value):
        threading.__excepthook__(fault)


def _mend_streams() -> None:
    """Gives each standard stream that is closed the null device; no text is too odd to print."""
    while (opened := os.open(os.devnull, os.O_RDWR)) < 3:  # noqa: PLR2004 - the lowest that is free
        pass
    os.close(opened)
    sys.stdin = sys.stdin or open(0)  # noqa: SIM115 - open as long as the process
    sys.stdout = sys.stdout or open(1, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


if __name__ == "__main__":
    run()
