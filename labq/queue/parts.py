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
    over, finished = threading.Event(), threading.Event()
    faults: list[BaseException] = []

    def work() -> None:
        try:
            for part in parts:
                part()
                if over.is_set():
                    return
        except BaseException as fault:  # noqa: BLE001 - raised again, by who waits
            faults.append(fault)
        finally:
            finished.set()

    if threading.current_thread() is not threading.main_thread():
        work()
    else:
        thread = threading.Thread(target=work, name="labq-parts", daemon=True)
        thread.start()
        try:
            finished.wait()  # a join that is interrupted takes the thread to have ended
        except BaseException as interruption:
            over.set()
            try:
                finished.wait()
            except BaseException as again:
                _tell(again, done(False))
                raise
            _tell(interruption, done(True))
            raise
        finally:
            if finished.is_set():
                thread.join()
    if faults:
        _tell(faults[0], done(True))
        raise faults[0]


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
