"""A mongod that asks who one is, and its users: who may look, who may write, who may do less."""

from __future__ import annotations

import os
import signal
import uuid
from contextlib import contextmanager

import servers

WORD = "pw"  # of every user
WRITES = ["find", "insert", "update", "remove"]
LOOKS = ["listIndexes", "listCollections"]


class Lab:
    """The server, and a database of it that is new."""

    def __init__(self, port, root):
        self.port, self.root = port, root
        self.name = f"lab_{uuid.uuid4().hex[:8]}"
        self.database = root[self.name]

    def uri(self, user="root", word=WORD, options=""):
        source = "admin" if user == "root" else self.name
        place = f"127.0.0.1:{self.port}/{self.name}"
        return f"mongodb://{user}:{word}@{place}?authSource={source}{options}"

    def user(self, name, *roles, actions=()):
        """Makes a user with these roles, and with one that holds these actions; its URI."""
        if actions:
            resource = {"db": self.name, "collection": ""}
            privileges = [{"resource": resource, "actions": list(actions)}]
            self.database.command("createRole", f"of_{name}", privileges=privileges, roles=[])
            roles = (*roles, f"of_{name}")
        self.database.command("createUser", name, pwd=WORD, roles=list(roles))
        return self.uri(name)

    def held(self):
        """All that is in the database."""
        names = sorted(self.database.list_collection_names())
        indexes = {name: self.database[name].index_information() for name in names}
        return {name: list(self.database[name].find().sort("_id")) for name in names}, indexes


@contextmanager
def serving(folder):
    """Starts one that asks; gives its port and a client of who may do all."""
    pid, port = servers.start(folder, "", 0, "--auth")
    client = servers.MongoClient("127.0.0.1", port)
    client.admin.command("createUser", "root", pwd=WORD, roles=["root"])
    client.close()
    client = servers.MongoClient("127.0.0.1", port, username="root", password=WORD, tz_aware=True)
    try:
        yield port, client
    finally:
        client.close()
        os.kill(pid, signal.SIGKILL)
