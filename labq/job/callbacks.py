"""What a task's code wants done when it is told to stop, and whether it knows, for who tells it."""

from __future__ import annotations

import logging
from collections.abc import Callable

LOG = logging.getLogger("labq")
_WANTED: dict[str, list[Callable[[], object]]] = {}  # the token of the attempt -> its callbacks
_HEARD: set[str] = set()  # the token of the attempt whose code knows


def add(token: str, callback: Callable[[], object]) -> None:
    """Has this called when the attempt of that token is to stop; those of older ones are over."""
    if token not in _WANTED:
        _WANTED.clear()
    _WANTED.setdefault(token, []).append(callback)


def call(token: str) -> None:
    """Calls what the attempt wants, once, in order; one that fails is logged, and the next comes.

    It is called within a signal's handler: it takes no lock.
    """
    for callback in _WANTED.pop(token, []):
        try:
            callback()
        except Exception:  # noqa: PERF203 - the others are to be called all the same
            LOG.exception("labq.on_stop: %r failed", callback)


def hear(token: str) -> None:
    """Notes that the code of that attempt knows that it is to stop."""
    _HEARD.clear()
    _HEARD.add(token)


def heard(token: str) -> bool:
    """Whether the code of that attempt knows."""
    return token in _HEARD
