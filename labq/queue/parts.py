"""Work on many tasks in parts, which a signal ends between two of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable


def in_parts(parts: Iterable[Callable[[], object]]) -> None:
    """Does one part after another in a thread, which no signal interrupts: what is done is known.

    A signal that comes in the main thread meanwhile is raised once the part that is on is over; a
    second one at once, for who is impatient.
    """
    if threading.current_thread() is not threading.main_thread():
        for part in parts:
            part()
        return
    over, done = threading.Event(), threading.Event()
    faults: list[BaseException] = []

    def work() -> None:
        try:
            for part in parts:
                part()
                if over.is_set():
                    return
        except BaseException as fault:  # noqa: BLE001 - raised again, in the main thread
            faults.append(fault)
        finally:
            done.set()

    thread = threading.Thread(target=work, name="labq-parts", daemon=True)
    thread.start()
    try:
        done.wait()  # a join that is interrupted takes the thread to have ended
    except BaseException:
        over.set()
        done.wait()
        raise
    finally:
        if done.is_set():
            thread.join()
    if faults:
        raise faults[0]
