"""The version of a MongoDB's documents: which labq may use them, and how they are brought forward.

It stands in the collection `store`, `{_id: "schema", version}`; with `upgrade: {to, token, until}`
while one labq brings the documents forward, and each process looks at it every LOOK seconds. Each
queue's record has it too, as `schema`: a submit takes no number behind the back of an upgrade.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import inf
from typing import Any

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from labq.errors import StoreError
from labq.model.task import Document, new_id
from labq.store.refusals import require_known

VERSION = 1
Step = Callable[[Database[Document]], None]
STEPS: Mapping[int, Step] = {}  # from a version to the next; one that was cut off begins again
SCHEMA = {"_id": "schema"}
LOOK = 5.0  # seconds between two looks of a process whether the database is a newer labq's by now
LOCK_MS = 600_000  # an upgrade that takes longer is a dead process's
PATIENCE, REST = 60.0, 0.1  # seconds that others wait for an upgrade, and between two looks


class Schema:
    """The version of one database, as one process knows it."""

    def __init__(self, database: Database[Document], address: str) -> None:
        self._database, self._address = database, address
        self._looked = -LOOK

    def check(self) -> None:
        """Looks at the version, unless that was done just now.

        Raises:
            NewerStoreError: it is one that this labq does not know.
        """
        if time.monotonic() - self._looked >= LOOK:
            found = self._database["store"].find_one(SCHEMA) or {}
            self.meet(found.get("version"))
            upgrade = found.get("upgrade")
            self.meet(upgrade.get("to") if isinstance(upgrade, dict) else None)

    def meet(self, version: Any) -> None:
        """Takes a version that was met; what is none, another program wrote. Raises as `check`."""
        if number := _whole(version):
            require_known(self._address, number, VERSION)
        self._looked = time.monotonic()

    def prepare(self) -> None:
        """Writes the version into a new database, and brings an older one forward."""
        upgrade(self._database, self._address, STEPS, VERSION)


def upgrade(
    database: Database[Document], address: str, steps: Mapping[int, Step], version: int
) -> None:
    """Brings the documents forward to a version, by one process at a time.

    Raises:
        NewerStoreError: they are ahead of it; nothing ever goes back.
        StoreError: another process has been at it for a minute.
    """
    kept, deadline = database["store"], time.monotonic() + PATIENCE
    while (old := _version(kept.find_one(SCHEMA))) < version:
        if not old:
            with suppress(DuplicateKeyError):  # another process was faster
                none = {**SCHEMA, "version": {"$not": {"$gte": 1}}}
                kept.update_one(none, {"$set": {"version": version}}, upsert=True)
        elif not _brought_forward(database, old, steps, version):
            if time.monotonic() > deadline:
                raise StoreError(f"{address}: another labq is upgrading it: try again later")
            time.sleep(REST)
    require_known(address, old, version)


def _version(record: Document | None) -> int:
    """The version that is written; 0 where none is."""
    return _whole((record or {}).get("version"))


def _whole(version: Any) -> int:
    """A version that was read, as a JavaScript shell writes it too; 0 where it is none."""
    number = isinstance(version, (int, float)) and not isinstance(version, bool)
    return int(version) if number and 1 <= version < inf else 0


def _brought_forward(
    database: Database[Document], old: int, steps: Mapping[int, Step], version: int
) -> bool:
    """Whether this process took the lock and did it; the lock of a dead one is over in time."""
    token, at_old = new_id(), {**SCHEMA, "version": old}
    free: Document = {"$or": [{"upgrade": None}, {"$expr": {"$lt": ["$upgrade.until", "$$NOW"]}}]}
    lock = {"to": version, "token": token, "until": {"$add": ["$$NOW", LOCK_MS]}}
    taken = database["store"].update_one({**at_old, **free}, [{"$set": {"upgrade": lock}}])
    if not taken.matched_count:
        return False
    database["queues"].update_many({}, {"$set": {"schema": version}})  # older ones submit no more
    for step in range(old, version):
        steps[step](database)
    done = {"$set": {"version": version}, "$unset": {"upgrade": ""}}
    database["store"].update_one({**at_old, "upgrade.token": token}, done)
    return True
