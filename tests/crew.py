"""Workers of the tests' own, which do to a client's tasks what they are told."""

from __future__ import annotations

import threading
from pathlib import Path

from waiting import until

from labq.queue import Ending, Queue, WorkerName, claims
from labq.store import open_store


class Crew:
    """Claims tasks and ends them, on a store of its own."""

    def __init__(self, client):
        self._store = open_store(client.settings.uri)
        self.queue = Queue(self._store, client.settings.queue)
        self.home = Path(client.settings.home)
        self._threads = []

    def __enter__(self):
        return self

    def __exit__(self, *_fault):
        for thread in self._threads:
            thread.join()
        self._store.close()

    def claim(self, lease=60):
        """A running task."""
        return claims.claim(self._store, {"queue": self.queue.name}, WorkerName("w", "h"), lease)

    def end(self, claim, reason="", **error):
        """Ends it: a failure, where there is a reason."""
        ending = Ending(succeeded=not reason, reason=reason, error=error or None)
        return claims.finish(self._store, claim, ending)

    def stop(self, claim):
        """Ends it as one that was asked to."""
        return claims.cancel(self._store, claim, Ending(succeeded=False, reason="asked"))

    def run(self, reason="", **error):
        """Runs the first task."""
        return self.end(self.claim(), reason, **error)

    def soon(self, work, *args, **words):
        """Does it in another thread, once there is a task to claim."""

        def wait_and_work():
            until(lambda: self.queue.count({"queue": self.queue.name, "status": "pending"}))
            work(*args, **words)

        self.aside(wait_and_work)

    def aside(self, work):
        """Does it in another thread."""
        self._threads.append(threading.Thread(target=work))
        self._threads[-1].start()
