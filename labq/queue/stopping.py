"""What a task is asked to stop by: `{"reason": text, "grace": seconds}`, perhaps without the grace.

It is checked where it is written, and again where it is read: the books may hold what an older labq
or a person put there.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from labq.command.words import text_of
from labq.errors import UsageError
from labq.model.task import Document
from labq.values.text import shortened

UNSAID = "cancelled"  # where nobody says why


def stop_request(reason: Any, grace: Any) -> Document:
    """The request, as the books have it; grace None: the worker's own.

    Raises:
        UsageError: the reason is no printable text, or the grace no number of seconds.
    """
    if not _is_reason(reason):
        raise UsageError(f"a reason must be a line of printable text, not {_told(reason)}")
    if grace is None:
        return {"reason": reason}
    if not _is_grace(grace):
        raise UsageError(
            f"a grace must be a finite number of seconds, 0 or more, not {_told(grace)}"
        )
    return {"reason": reason, "grace": grace}


def understood(request: Any) -> Document:
    """What a request says, whoever wrote it, without what makes no sense."""
    said = request if isinstance(request, Mapping) else {}
    reason, grace = said.get("reason"), said.get("grace")
    plain: Document = {"reason": reason if _is_reason(reason) else UNSAID}
    return {**plain, "grace": grace} if _is_grace(grace) else plain


def _is_reason(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def _is_grace(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 <= value <= (sys.maxsize if isinstance(value, int) else sys.float_info.max)


def _told(value: Any) -> str:
    try:
        return shortened(text_of(value)) or "an empty one"
    except ValueError:  # Python writes no number of thousands of digits
        return "one so large"
