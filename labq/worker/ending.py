"""How a job's end stands in the books."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labq.config import masked_in
from labq.queue import Ending
from labq.worker.output import Output
from labq.worker.process import Exit

LONGEST = 4096  # characters of a command in the books: an attempt must not fill the document


def ending_of(argv: Sequence[str], pid: int, ended: Exit, output: Output) -> Ending:
    """The end of a job, where nothing but its own work or its timeout decides."""
    record = _record(argv, pid, ended)
    if ended.code == 0 and not ended.stopped:
        return Ending(succeeded=True, record=record)
    error = {"message": ended.told, "stderr": output.tail()}
    return Ending(succeeded=False, reason=ended.told, record=record, error=error)


def _record(argv: Sequence[str], pid: int, ended: Exit) -> dict[str, Any]:
    """The attempt as it stands in the books."""
    how = {"exit_code": ended.code} if ended.signal is None else {"signal": ended.signal}
    return {
        "pid": pid,
        "argv": recorded(argv),
        "wall": round(ended.wall, 3),
        "cpu": round(ended.cpu, 3),
        "max_rss": ended.rss,
        **how,
    }


def recorded(argv: Sequence[str]) -> list[str]:
    """The command as it is recorded: without passwords of URIs, cut where it is very long."""
    kept: list[str] = []
    room = LONGEST
    for word in map(masked_in, argv):
        if len(word) > room:
            return [*kept, f"{word[:room]}..."]
        kept.append(word)
        room -= len(word)
    return kept
