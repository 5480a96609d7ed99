"""For how long a worker has had nothing to do."""

from __future__ import annotations

import time
from math import inf


class Idleness:
    """Seconds without work, in which the store said that there is none.

    A time in which it did not answer is none of it, from the first question that it left open to
    the next that it answered. Questions are asked one at a time; anybody may look.
    """

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._unanswered = inf  # since when a question is open

    def begin(self) -> None:
        """Counts from now: some work has ended."""
        self._since = time.monotonic()

    def ask(self) -> None:
        """The store is asked for work."""
        self._unanswered = min(self._unanswered, time.monotonic())

    def answer(self) -> None:
        """It has answered."""
        self._since += time.monotonic() - max(self._since, self._unanswered)
        self._unanswered = inf

    @property
    def seconds(self) -> float:
        """How long it has been, up to the question that is open."""
        return min(time.monotonic(), self._unanswered) - self._since
