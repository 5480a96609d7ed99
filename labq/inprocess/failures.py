"""A body's exception in words for the books, and where it has been."""

from __future__ import annotations

import traceback
from types import CodeType, TracebackType

from labq.queue import Ending
from labq.values.text import shortened

TRACEBACK = 16 * 1024  # bytes of a traceback in the books: its end, which names the error
REASON = 200  # characters


def failure(fault: BaseException | None, stopped: str, trace: TracebackType | None) -> Ending:
    """A failure: by an exception, or because the body was stopped."""
    if fault is None:
        return Ending(succeeded=False, reason=stopped, error={"message": stopped})
    lines = traceback.format_exception_only(type(fault), fault)
    last = next((line for line in lines if not line.startswith(" ")), lines[-1])
    message = stopped or _plain(last.strip())
    whole = "".join(traceback.format_exception(type(fault), fault, trace))
    error = {"message": message, "traceback": _plain(whole)}
    return Ending(succeeded=False, reason=shortened(message, REASON), error=error)


def _plain(text: str) -> str:
    """The end of the text, as both stores can hold it."""
    raw = text.rstrip().encode("utf-8", "backslashreplace")[-TRACEBACK:]
    return raw.decode("utf-8", "ignore").replace("\0", "\ufffd")


def below(fault: BaseException | None, skip: int) -> TracebackType | None:
    """The exception's traceback without its first frames; whole where it has no more."""
    whole = trace = fault.__traceback__ if fault else None
    for _ in range(skip):
        trace = trace.tb_next if trace else None
    return trace or whole


def places(trace: TracebackType | None) -> set[tuple[CodeType, int]]:
    """Where a traceback has been: the code and the line of each frame."""
    found = set()
    while trace is not None:
        found.add((trace.tb_frame.f_code, trace.tb_lineno))
        trace = trace.tb_next
    return found
