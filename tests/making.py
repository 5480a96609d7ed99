"""Documents for tests of a store."""

from __future__ import annotations

from labq.store import Now
from labq.task import new

DEFAULTS = {"created_at": Now(), "queued_at": Now()}


def task(args=None, **fields):
    """A new document, without the checks of what a person may set."""
    return {**new({} if args is None else args), **DEFAULTS, **fields}
