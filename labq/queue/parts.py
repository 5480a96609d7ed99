"""Work on many tasks that a signal ends between two parts, and that then says what is done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

Result = TypeVar("Result")


def in_parts(parts: Iterable[Callable[[], object]], done: Callable[[bool], str]) -> None:
    """Does one part after another in a thread, which no signal interrupts.

    A signal that comes in the main thread meanwhile is raised once the part that is on is over; a
    second one at once, for who is impatient. What ends it, a signal or a fault, has in its message
    what `done` says: `500 of 760 tasks are removed`. It is asked whether that is sure: where
    somebody was impatient, a part may still be on.
    """
    work = _Work(parts)
    if threading.current_thread() is not threading.main_thread():
        work.run()
    else:
        try:
            work.start()
            work.wait()
        except BaseException as interruption:
            try:
                work.end()
            except BaseException as again:
                _tell(again, done(False))
                raise
            _tell(interruption, done(True))
            raise
    if work.fault is not None:
        _tell(work.fault, done(True))
        raise work.fault


class _Work(threading.Thread):
    """Does the parts, until one fails or it is to end."""

    def __init__(self, parts: Iterable[Callable[[], object]]) -> None:
        super().__init__(name="labq-parts", daemon=True)
        self.parts = parts
        self.fault: BaseException | None = None
        self._finished = threading.Event()
        self._begun, self._over = threading.Event(), threading.Event()

    def run(self) -> None:
        self._begun.set()
        try:
            for part in self.parts:
                part()
                if self._over.is_set():
                    return
        except BaseException as fault:  # noqa: BLE001 - raised again, by who waits
            self.fault = fault
        finally:
            self._finished.set()

    def end(self) -> None:
        """Ends it after the part that is on, and waits for that."""
        self._over.set()
        if self._begun.wait(1.0):  # else the signal came before there was a thread
            self.wait()

    def wait(self) -> None:
        """Waits until it has ended; a join that is interrupted would take it to have done so."""
        self._finished.wait()
        self.join()


def to_the_end(do: Callable[[], Result], done: Callable[[Result], str]) -> Result:
    """Does what is one step to its end, though a signal comes; that says then what `done` says."""
    results: list[Result] = []
    in_parts([lambda: results.append(do())], lambda _: done(results[0]) if results else "")
    return results[0]


def tasks(count: int, became: str, total: int | None = None, *, sure: bool = True) -> str:
    """`at least 500 of 760 tasks are removed`; empty where it is none."""
    if not count:
        return ""
    least = "" if sure else "at least "
    if total is not None:
        return f"{least}{count:,} of {total:,} tasks {became}"
    one = became.replace("are ", "is ", 1)
    return f"{least}{count:,} {f'task {one}' if count == 1 else f'tasks {became}'}"


def _tell(fault: BaseException, told: str) -> None:
    if told:
        fault.args = (f"{fault}; {told}" if str(fault) else told,)
