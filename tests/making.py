"""Documents for tests of a store."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import servers

from labq.model.task import new
from labq.store import Now

DEFAULTS = {"created_at": Now(), "queued_at": Now()}


def task(args=None, **fields):
    """A new document, without the checks of what a person may set."""
    return {**new({} if args is None else args), **DEFAULTS, **fields}


def age(uri):
    """Makes all contents that a store keeps a day older."""
    if uri.startswith("sqlite:"):
        with closing(sqlite3.connect(uri.removeprefix("sqlite:"), isolation_level=None)) as db:
            db.execute("UPDATE blobs SET kept_at = kept_at - 86400000")
        return
    with servers.MongoClient(uri) as client:
        older = {"$set": {"kept_at": {"$subtract": ["$kept_at", 86400000]}}}
        client.get_default_database()["blobs"].update_many({}, [older])
