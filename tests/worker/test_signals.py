from __future__ import annotations

import os
import signal

from labq.worker.signals import Wakeup


def test_one_that_comes_while_the_handlers_are_set_is_heard(monkeypatch):
    """Of one that nobody hears the worker goes on for ever, whoever told it to end."""
    set_handler = signal.signal
    heard = []

    def set_and_send(number, handler):
        before = set_handler(number, handler)
        if number == signal.SIGUSR1 and callable(handler):
            os.kill(os.getpid(), number)
        return before

    before = set_handler(signal.SIGUSR1, signal.SIG_DFL)
    monkeypatch.setattr(signal, "signal", set_and_send)
    try:
        wakeup = Wakeup()
        with wakeup.catching():
            heard += wakeup.wait(0)
    finally:
        set_handler(signal.SIGUSR1, before)
    assert heard == [signal.SIGUSR1]
